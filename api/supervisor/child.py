"""Start a command that cannot outlive the process that started it.

``python child.py --parent PID [--user UID:GID] [--death-signal N] [--tree] -- COMMAND…``

On Linux the kernel is asked to signal this process when its parent dies (``PR_SET_PDEATHSIG``),
and the command then takes this process's place. With ``--tree``, and where there is no such
kernel service, a watcher stays in between instead and kills the command's whole process group
once the parent is gone: the way for commands that start processes of their own.

A file of its own, of the standard library only, so that it starts in milliseconds.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time

PR_SET_PDEATHSIG = 1
POLL_S = 0.5
GRACE_S = 4.0


def die_with_parent(parent_pid: int, signal_number: int) -> None:
    """Ask the kernel to send this process a signal when its parent dies (Linux only).

    Must follow any change of user: the kernel forgets the request at such a change. The parent
    may have died before the request was made, therefore the look at the parent's id after it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent_pid:
        os._exit(1)


def drop_privileges(user: str) -> None:
    """Become ``UID:GID`` without any supplementary group."""
    uid, gid = (int(part) for part in user.split(":"))
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def watch(command: list[str], parent_pid: int) -> int:
    """Run a command in a process group of its own; kill the group when the parent has gone.

    A request to stop is passed on, and what is left of the group a little later is killed.
    """
    process: subprocess.Popen[bytes] | None = None
    deadline = float("inf")

    def forward(number: int, _frame: object) -> None:
        nonlocal deadline
        deadline = min(deadline, time.monotonic() + GRACE_S)
        if process is not None:
            process.send_signal(number)

    # Before the start: a request in between would end this process and leave the command alone.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, forward)
    process = subprocess.Popen(command, start_new_session=True)
    if deadline < float("inf"):
        process.terminate()
    status: int | None = None
    while status is None and os.getppid() == parent_pid and time.monotonic() < deadline:
        try:
            status = process.wait(POLL_S)
        except subprocess.TimeoutExpired:
            continue
    with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody may be left
        os.killpg(process.pid, signal.SIGKILL)
    status = process.wait() if status is None else status
    return status if status >= 0 else 128 - status


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="child.py")
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--user", default="")
    parser.add_argument("--death-signal", type=int, default=int(signal.SIGKILL))
    parser.add_argument("--tree", action="store_true")
    split = arguments.index("--")
    options, command = parser.parse_args(arguments[:split]), arguments[split + 1 :]
    if options.user:
        drop_privileges(options.user)
    if options.tree or not sys.platform.startswith("linux"):
        return watch(command, options.parent)
    die_with_parent(options.parent, options.death_signal)
    try:
        os.execv(command[0], command)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return 126


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
