import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api.supervisor import supervisor as module
from api.supervisor.processes import Service
from api.supervisor.supervisor import StartError, StopRequestedError, Supervisor, pause_s

WAITS = "import signal; signal.pause()"


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(said: list[str]) -> Iterator[Supervisor]:
    with Supervisor(said.append) as made:
        yield made


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(module, "HEALTH_EVERY_S", 0.01)


def service(
    tmp_path: Path, program: str = WAITS, health: Callable[[], bool] = lambda: True, **more: object
) -> Service:
    return Service(
        name="thing",
        command=[sys.executable, "-c", program],
        health=health,
        log=tmp_path / "thing.log",
        **more,  # type: ignore[arg-type]
    )


def processes_of(tmp_path: Path) -> list[int]:
    """Ids of the processes whose command line names a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if os.fsencode(tmp_path) in line:
                found.append(int(entry.name))
    return found


def ask_to_stop() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_pauses_between_starts_grow_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.5)
    assert [pause_s(n) for n in (1, 2, 3, 4)] == [0.5, 1.0, 2.0, 4.0]
    assert pause_s(50) == module.LONGEST_PAUSE_S


def test_a_service_that_dies_is_started_again(
    supervisor: Supervisor, tmp_path: Path, said: list[str]
) -> None:
    starts = tmp_path / "starts"
    program = (
        f"import signal; file = open({str(starts)!r}, 'a+'); file.seek(0)\n"
        "first = file.read() == ''; file.write('x'); file.close()\n"
        "if first: signal.sigtimedwait([signal.SIGUSR1], 0.2); raise SystemExit(3)\n"
        "signal.pause()\n"
    )

    def health() -> bool:
        if starts.exists() and starts.read_text() == "xx":
            ask_to_stop()
        return True

    supervisor.start(service(tmp_path, program, health))
    supervisor.run()
    assert starts.read_text() == "xx"
    assert len(said) == 1
    assert said[0].startswith("thing ended (exit status 3)")
    assert "starting again in 0.01 s" in said[0]


def test_a_service_that_no_longer_answers_is_replaced(
    supervisor: Supervisor, tmp_path: Path, said: list[str]
) -> None:
    starts = tmp_path / "starts"
    program = f"import signal; open({str(starts)!r}, 'a').write('x'); signal.pause()"
    answers = iter([True, *[False] * module.UNHEALTHY_CHECKS])

    def health() -> bool:
        started = starts.read_text() if starts.exists() else ""
        if started == "xx":
            ask_to_stop()
        return next(answers, True) if started else False

    supervisor.start(service(tmp_path, program, health))
    supervisor.run()
    assert said == ["thing does not answer; starting again in 0.01 s"]
    assert len(processes_of(tmp_path)) == 1


def test_a_service_that_never_comes_up_is_reported_with_its_last_words(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    program = "import sys; sys.exit('the port is taken')"
    with pytest.raises(StartError, match="thing: ended\nthe port is taken"):
        supervisor.start(service(tmp_path, program, health=lambda: False))


def test_a_service_that_is_never_healthy_is_given_up_after_its_time(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    program = f"import signal; {str(tmp_path)!r}; signal.pause()"
    with pytest.raises(StartError, match="not ready"):
        supervisor.start(service(tmp_path, program, health=lambda: False, ready_timeout_s=0.3))
    assert processes_of(tmp_path) == []


def test_a_signal_during_the_start_stops_it(supervisor: Supervisor, tmp_path: Path) -> None:
    def health() -> bool:
        ask_to_stop()
        return False

    with pytest.raises(StopRequestedError):
        supervisor.start(service(tmp_path, health=health))


def test_services_stop_in_reverse_order(tmp_path: Path, said: list[str]) -> None:
    order = tmp_path / "order"
    program = (
        "import signal, sys\n"
        "def end(*_):\n"
        "    open({order!r}, 'a').write({name!r})\n"
        "    sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "open({ready!r}, 'w')\n"
        "signal.pause()\n"
    )
    with Supervisor(said.append) as supervisor:
        for name in ("a", "b", "c"):
            ready = tmp_path / f"ready-{name}"
            text = program.format(order=str(order), name=name, ready=str(ready))
            supervisor.start(service(tmp_path, text, ready.exists))
    assert order.read_text() == "cba"


def test_a_service_that_ignores_the_request_is_killed(tmp_path: Path, said: list[str]) -> None:
    ready = tmp_path / "ready"
    program = (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"open({str(ready)!r}, 'w')\n"
        "while True: signal.pause()\n"
    )
    with Supervisor(said.append) as supervisor:
        supervisor.start(service(tmp_path, program, ready.exists, stop_timeout_s=0.2))
    assert said == ["thing did not stop in time and was killed"]
    assert processes_of(tmp_path) == []


def test_a_step_gives_what_it_printed(supervisor: Supervisor) -> None:
    command = [sys.executable, "-c", "print('graph')"]
    assert supervisor.run_step("step", command, dict(os.environ)) == "graph\n"


def test_a_step_that_fails_says_so(supervisor: Supervisor) -> None:
    command = [sys.executable, "-c", "raise SystemExit(4)"]
    with pytest.raises(StartError, match="counting failed with exit status 4"):
        supervisor.run_step("counting", command, dict(os.environ))


def test_a_signal_during_a_step_ends_it_and_what_it_started(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    # The step starts a process of its own, then has the supervisor interrupted.
    program = (
        "import os, signal, subprocess, sys\n"
        f"line = [sys.executable, '-c', 'import signal; signal.pause()', {str(tmp_path)!r}]\n"
        "subprocess.Popen(line)\n"
        f"os.kill({os.getpid()}, signal.SIGINT)\n"
        "signal.pause()\n"
    )
    with pytest.raises(StopRequestedError):
        supervisor.run_step("step", [sys.executable, "-c", program], dict(os.environ))
    deadline = time.monotonic() + 10.0
    while processes_of(tmp_path):
        assert time.monotonic() < deadline
        time.sleep(0.05)
