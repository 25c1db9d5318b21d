"""Run a command that cannot outlive the process that asked for it.

``python child.py PARENT_PID COMMAND …`` asks the kernel to end it when its parent ends, however
that happens (``kill -9`` included), then becomes the command. A program of its own, and not a
``preexec_fn``, because forking Python code is unsafe in a process with threads.

The kernel watches the *thread* that started the child: start it from one that stays.
Elsewhere than on Linux the command runs without that bond.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def tied_command(command: list[str]) -> list[str]:
    """Command line that runs ``command`` tied to the life of the calling process."""
    if not sys.platform.startswith("linux"):
        return command
    # -I -S: no site packages, so that it starts in milliseconds.
    return [sys.executable, "-I", "-S", str(Path(__file__)), str(os.getpid()), *command]


def _become(parent_pid: int, command: list[str]) -> None:
    import ctypes

    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    # The parent may have ended before the kernel was asked to watch it.
    if os.getppid() != parent_pid:
        sys.exit(1)
    os.execv(command[0], command)


if __name__ == "__main__":
    _become(int(sys.argv[1]), sys.argv[2:])
