"""A whole Zhunda for tests: a data folder with the demo region in it, and the program started."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.supervisor.services import free_port
from network.demo import ensure_demo_region

ROOT = Path(__file__).parents[3]
START_LIMIT_S = 200.0


@contextmanager
def open_folder() -> Iterator[Path]:
    """A new folder that PostgreSQL's own account may pass through, unlike those of pytest."""
    folder = Path(tempfile.mkdtemp(prefix="zhunda-test-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def data_folder() -> Iterator[Path]:
    """A data folder that has the demo region already, as after a first start."""
    cache = Path(os.environ.get("ZHUNDA_TEST_CACHE") or ROOT / ".cache")
    ensure_demo_region(cache)
    with open_folder() as folder:
        for name in ("demo", "graphs"):
            shutil.copytree(cache / name, folder / name)
        yield folder


def supervise(data: Path, *arguments: str) -> list[str]:
    """Command line that starts everything on a data folder."""
    return [sys.executable, "-m", "api", "supervise", "--data", str(data), *arguments]


def environment(**more: str) -> dict[str, str]:
    """The environment in which tests start it: one web process, little thinking."""
    few = {"ZHUNDA_WEB_WORKERS": "1", "ZHUNDA_PLAN_SECONDS": "1", "ZHUNDA_PLAN_THREADS": "1"}
    return {**os.environ, **few, **more}


@dataclass
class Whole:
    """A started program and where it is reached."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def wait_for(self, words: str) -> None:
        """Return once it has said something; fail with all it said when it does not."""
        deadline = time.monotonic() + START_LIMIT_S
        while words not in (said := self.log.read_text(encoding="utf-8")):
            if self.process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"never said {words!r}, but:\n{said}")
            time.sleep(0.05)

    def stop(self, number: int) -> int:
        """Send a signal, return the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(60)


def start(data: Path, **variables: str) -> Whole:
    """Start everything, serving on a free port."""
    port = free_port()
    log = data / "start.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            supervise(data, "--port", str(port)),
            cwd=ROOT,
            stdout=file,
            stderr=file,
            env=environment(**variables),
        )
    return Whole(process, f"http://127.0.0.1:{port}", log)


def left_over(data: Path) -> dict[int, str]:
    """Living processes that belong to a data folder: id and command line."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            line = (entry / "cmdline").read_bytes()
            known = line + (entry / "environ").read_bytes()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if line and os.fsencode(data) in known:
            found[int(entry.name)] = line.replace(b"\0", b" ").decode()
    return found
