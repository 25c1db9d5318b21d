"""Keeps services running until it is told to stop."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType

from api.supervisor.processes import RunningService, Service, wrapped

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
# A service that has run this long is healthy again: its pauses start from the first.
STEADY_S = 60.0
HEALTH_EVERY_S = 5.0
UNHEALTHY_CHECKS = 3
TRIES_BEFORE_READY = 3


class StopRequestedError(Exception):
    """The supervisor was asked to stop while it was starting something."""


class StartError(RuntimeError):
    """A service or a step did not come up; the message carries its last words."""


@dataclass(slots=True)
class _Watched:
    """A service with the book that is kept about it."""

    service: Service
    running: RunningService | None
    failures: int = 0
    start_at: float = 0.0
    check_at: float = 0.0
    unhealthy: int = 0
    # Until then a started service may still be on its way up.
    patience_until: float = 0.0


def pause_s(failures: int) -> float:
    """Return the pause before the next start after a number of failures in a row."""
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** max(0, failures - 1))


class Supervisor:
    """Starts services one after the other, watches them, stops them in reverse.

    Use it from the main thread: the kernel ties each child's life to the thread that started
    it. As a context manager it takes SIGINT, SIGTERM and SIGHUP, and stops everything at the
    end, however that comes; a second signal kills instead of asking.

    Parameters
    ----------
    say
        Receives one line for people at each event.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._watched: list[_Watched] = []
        self._signals = 0
        self._previous: dict[int, object] = {}
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._previous_wakeup = -1

    def __enter__(self) -> Supervisor:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._previous[number] = signal.signal(number, self._on_signal)
        # SIGCHLD only has to wake the loop, and needs a handler of its own for that.
        self._previous[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        self._previous_wakeup = signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()
        signal.set_wakeup_fd(self._previous_wakeup)
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        os.close(self._wake_read)
        os.close(self._wake_write)

    @property
    def stop_requested(self) -> bool:
        return self._signals > 0

    def start(self, service: Service) -> None:
        """Start a service and return once it is healthy.

        Raises
        ------
        StartError
            When it ends several times, or is not healthy in its time.
        StopRequestedError
            When a signal came meanwhile.
        """
        for attempt in range(1, TRIES_BEFORE_READY + 1):
            running = RunningService(service)
            watched = _Watched(service, running)
            self._watched.append(watched)
            if self._wait_until_healthy(running):
                watched.check_at = time.monotonic() + HEALTH_EVERY_S
                return
            self._watched.remove(watched)
            words = running.last_words()
            late = running.exit_status is None
            running.kill()
            if late or attempt == TRIES_BEFORE_READY:
                reason = f"not ready after {service.ready_timeout_s:.0f} s" if late else "ended"
                raise StartError(f"{service.name}: {reason}\n{words}".strip())
            self._sleep(pause_s(attempt))

    def run_step(self, name: str, command: Sequence[str], environment: dict[str, str]) -> str:
        """Run a command to its end, watched like a service; return what it printed.

        Its messages go straight to this process's standard error.
        """
        process = subprocess.Popen(
            wrapped(command, tree=True),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        assert process.stdout is not None
        output = b""
        try:
            while True:
                self._raise_if_stopped()
                ready, _, _ = select.select([process.stdout, self._wake_read], [], [], 1.0)
                self._drain()
                if process.stdout in ready:
                    chunk = os.read(process.stdout.fileno(), 65536)
                    if not chunk:
                        break
                    output += chunk
                self._tend()
            status = process.wait()
        except BaseException:
            process.terminate()  # the watcher passes it on, and clears the group after a while
            raise
        finally:
            process.stdout.close()
            process.wait()
        if status != 0:
            raise StartError(f"{name} failed with exit status {status}")
        return output.decode("utf-8")

    def run(self) -> None:
        """Watch the services until a signal asks to stop."""
        while not self.stop_requested:
            self._tend()
            select.select([self._wake_read], [], [], 0.5)
            self._drain()

    def stop(self) -> None:
        """Stop all services, the last started first, and leave nothing behind."""
        while self._watched:
            watched = self._watched.pop()
            running = watched.running
            if running is None:
                continue
            running.ask_to_stop()
            deadline = time.monotonic() + watched.service.stop_timeout_s
            while running.exit_status is None and time.monotonic() < deadline:
                if self._signals > 1:
                    break
                select.select([self._wake_read], [], [], 0.2)
                self._drain()
            if running.exit_status is None:
                self._say(f"{watched.service.name} did not stop in time and was killed")
            running.kill()

    def _tend(self) -> None:
        """Give every service one look: start again what died, replace what no longer answers."""
        now = time.monotonic()
        for watched in self._watched:
            service, running = watched.service, watched.running
            if running is None:
                if now >= watched.start_at:
                    watched.running = RunningService(service)
                    watched.patience_until = now + service.ready_timeout_s
                    watched.check_at = now + HEALTH_EVERY_S
                    watched.unhealthy = 0
                continue
            if running.exit_status is not None:
                words = running.last_words(2)
                self._down(watched, f"ended (exit status {running.exit_status}) {words}", now)
                continue
            recovering = watched.failures > 0 and now - running.started_at < STEADY_S
            if not recovering:
                watched.failures = 0
            if now < watched.check_at:
                continue
            if service.health():
                watched.unhealthy = 0
                watched.patience_until = 0.0
            elif now >= watched.patience_until:
                watched.unhealthy += 1
                if watched.unhealthy >= UNHEALTHY_CHECKS:
                    self._down(watched, "does not answer", now)
                    continue
            watched.check_at = time.monotonic() + HEALTH_EVERY_S

    def _down(self, watched: _Watched, reason: str, now: float) -> None:
        assert watched.running is not None
        watched.running.kill()
        watched.running = None
        watched.failures += 1
        pause = pause_s(watched.failures)
        watched.start_at = now + pause
        self._say(f"{watched.service.name} {reason.strip()}; starting again in {pause:g} s")

    def _wait_until_healthy(self, running: RunningService) -> bool:
        deadline = running.started_at + running.service.ready_timeout_s
        while running.exit_status is None and time.monotonic() < deadline:
            if running.service.health():
                return True
            self._sleep(0.1)
        return False

    def _sleep(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._raise_if_stopped()
            select.select([self._wake_read], [], [], left)
            self._drain()
        self._raise_if_stopped()

    def _raise_if_stopped(self) -> None:
        if self.stop_requested:
            raise StopRequestedError

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._wake_read, 4096):
                pass

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1


def say(line: str) -> None:
    """Print one line of progress for people, away from the summary on standard output."""
    print(line, file=sys.stderr, flush=True)
