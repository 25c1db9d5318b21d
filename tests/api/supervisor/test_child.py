import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from api.supervisor.processes import wrapped

LIMIT_S = 15.0


def eventually(is_so: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + LIMIT_S
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2][0]
    except FileNotFoundError:
        return False
    return state != "Z"


def start_parent(tmp_path: Path, child: str, *, tree: bool) -> tuple[subprocess.Popen[bytes], int]:
    """Start a process that starts a wrapped child; return it and the id the child wrote down."""
    told = tmp_path / "pid"
    program = (
        "import subprocess, sys\n"
        "from api.supervisor.processes import wrapped\n"
        f"command = wrapped([sys.executable, '-c', {child!r}, {str(told)!r}], tree={tree})\n"
        "subprocess.Popen(command, start_new_session=True).wait()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=Path(__file__).parents[3])
    assert eventually(lambda: told.exists() and told.read_text().endswith("\n"))
    return parent, int(told.read_text())


SLEEPER = (
    "import os, pathlib, signal, sys\n"
    "pathlib.Path(sys.argv[1]).write_text(f'{os.getpid()}\\n')\n"
    "signal.pause()\n"
)
WITH_OFFSPRING = (
    "import signal, subprocess, sys\n"
    "grandchild = 'import signal; signal.pause()'\n"
    "process = subprocess.Popen([sys.executable, '-c', grandchild])\n"
    "open(sys.argv[1], 'w').write(f'{process.pid}\\n')\n"
    "signal.pause()\n"
)


@pytest.mark.parametrize(("child", "tree"), [(SLEEPER, False), (SLEEPER, True)])
def test_a_child_dies_with_a_parent_that_is_killed(tmp_path: Path, child: str, tree: bool) -> None:
    parent, pid = start_parent(tmp_path, child, tree=tree)
    assert is_alive(pid)
    parent.kill()
    parent.wait()
    assert eventually(lambda: not is_alive(pid))


def test_what_a_watched_command_started_dies_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    parent, grandchild = start_parent(tmp_path, WITH_OFFSPRING, tree=True)
    assert is_alive(grandchild)
    parent.kill()
    parent.wait()
    assert eventually(lambda: not is_alive(grandchild))


def test_a_child_whose_parent_is_gone_already_never_runs_its_command(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    command = wrapped([sys.executable, "-c", f"open({str(mark)!r}, 'w')"])
    stranger = command.index("--parent") + 1
    command[stranger] = "1"  # not the process that starts it here
    assert subprocess.run(command, check=False).returncode == 1
    assert not mark.exists()


@pytest.mark.parametrize("tree", [False, True])
def test_the_exit_status_is_the_commands(tree: bool) -> None:
    command = wrapped([sys.executable, "-c", "raise SystemExit(7)"], tree=tree)
    assert subprocess.run(command, check=False).returncode == 7


def test_a_stop_signal_reaches_a_watched_command(tmp_path: Path) -> None:
    mark = tmp_path / "ready"
    program = (
        "import signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))\n"
        f"open({str(mark)!r}, 'w')\n"
        "signal.pause()\n"
    )
    process = subprocess.Popen(wrapped([sys.executable, "-c", program], tree=True))
    assert eventually(mark.exists)
    process.send_signal(signal.SIGTERM)
    assert process.wait(LIMIT_S) == 5


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_privileges_are_gone_before_the_command_starts(tmp_path: Path) -> None:
    command = wrapped(["/usr/bin/id", "-u"])
    command[command.index("--") : command.index("--")] = ["--user", "65534:65534"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "65534"


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        wrapped([str(tmp_path / "nothing")]), check=False, capture_output=True, text=True
    )
    assert done.returncode == 126
    assert done.stderr.strip().endswith("nothing: No such file or directory")


def test_a_request_to_stop_in_the_moment_of_the_start_leaves_nothing(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    program = (
        "import os, signal, subprocess, sys\n"
        "from api.supervisor import child\n"
        "class Popen(subprocess.Popen):\n"
        "    def __init__(self, *arguments, **options):\n"
        "        super().__init__(*arguments, **options)\n"
        f"        open({str(told)!r}, 'w').write(str(self.pid))\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "child.subprocess.Popen = Popen\n"
        "command = [sys.executable, '-c', 'import signal; signal.pause()']\n"
        "sys.exit(child.watch(command, os.getppid()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[3], timeout=LIMIT_S, check=False
    )
    assert done.returncode == 128 + signal.SIGTERM
    assert not is_alive(int(told.read_text()))
