"""A service as data, and one running instance of it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from api.supervisor.account import Account

CHILD = Path(__file__).with_name("child.py")
LOG_LIMIT_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Service:
    """How one child is started, judged and stopped.

    Attributes
    ----------
    name
        Shown to people, and the name of its log file.
    command
        Program (absolute path) and arguments.
    health
        True when the service answers; may take at most a few seconds.
    log
        File that its output is appended to.
    environment
        Its whole environment.
    account
        User to run it as; ``None`` for the current one.
    stop_signal, stop_timeout_s
        Asks for a clean stop, and how long that may take before the whole group is killed.
    death_signal
        What the kernel sends it when the supervisor has died.
    tree
        Whether it starts processes of its own that do not watch over themselves.
    ready_timeout_s
        How long it may take from start to the first good health check.
    """

    name: str
    command: Sequence[str]
    health: Callable[[], bool]
    log: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout_s: float = 10.0
    death_signal: signal.Signals = signal.SIGKILL
    tree: bool = False
    ready_timeout_s: float = 60.0


def wrapped(
    command: Sequence[str],
    *,
    account: Account | None = None,
    death_signal: signal.Signals = signal.SIGKILL,
    tree: bool = False,
) -> list[str]:
    """Return the command line that runs a command so that it cannot outlive this process.

    Call it, and start what it returns, from the main thread: the kernel watches the thread
    that started the child, not the process.
    """
    line = [sys.executable, "-I", "-S", str(CHILD), "--parent", str(os.getpid())]
    line += ["--death-signal", str(int(death_signal))]
    if account is not None and not account.is_current:
        line += ["--user", f"{account.uid}:{account.gid}"]
    if tree:
        line.append("--tree")
    return [*line, "--", *command]


class RunningService:
    """One started instance of a service."""

    def __init__(self, service: Service) -> None:
        self.service = service
        service.log.parent.mkdir(parents=True, exist_ok=True)
        if service.log.exists() and service.log.stat().st_size > LOG_LIMIT_BYTES:
            service.log.replace(service.log.with_suffix(".old.log"))
        with service.log.open("ab") as log:
            self.log_start = log.tell()
            self.process = subprocess.Popen(
                wrapped(
                    service.command,
                    account=service.account,
                    death_signal=service.death_signal,
                    tree=service.tree,
                ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(service.environment),
                # A session of its own: Ctrl-C reaches the supervisor alone, which stops in order.
                start_new_session=True,
            )
        self.started_at = time.monotonic()

    @property
    def exit_status(self) -> int | None:
        return self.process.poll()

    def ask_to_stop(self) -> None:
        """Ask for a clean stop; no error when it has already gone."""
        if self.process.poll() is None:
            self.process.send_signal(self.service.stop_signal)

    def finish(self, timeout_s: float | None = None) -> bool:
        """Wait for the end, then kill whatever is left of the group; True when it was clean."""
        clean = True
        try:
            self.process.wait(self.service.stop_timeout_s if timeout_s is None else timeout_s)
        except subprocess.TimeoutExpired:
            clean = False
        self.kill()
        return clean

    def kill(self) -> None:
        """Kill the whole process group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def last_words(self, lines: int = 5) -> str:
        """Return the last lines that this instance wrote."""
        with self.service.log.open("rb") as log:
            log.seek(max(self.log_start, os.fstat(log.fileno()).st_size - 4096))
            text = log.read().decode("utf-8", "replace")
        return "\n".join(text.strip().splitlines()[-lines:])
