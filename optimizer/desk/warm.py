"""Compile (or load) everything that plans: both searches, the end polish and the desk.

``python -m optimizer.desk.warm`` does so ahead of time and prints what each part took; the plain
search, which shares no code with the others, in a process beside them.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

from optimizer.desk.desk import Desk
from optimizer.plan import Plan
from optimizer.problem import Goal, Job, Location, Problem, Shift, Technician, Travel
from optimizer.search.engine import warm_up


def warm_up_desk() -> None:
    """Ask a desk of two people everything that its compiled code answers."""
    travel = Travel(np.array([[0, 60], [60, 0]], dtype=np.int32))
    people = tuple(Technician(name, (Shift("S", 0, 3600, 0, 0),)) for name in "AB")
    problem = Problem(
        (Location("home"), Location("door")),
        {"car": travel},
        people,
        (),
        objective=(Goal.of("dropped"), Goal.of("travel")),
    )
    desk = Desk(problem, Plan(), now_s=0)
    for name in "JK":
        job = Job(name, 1, service_s=1700, drop_penalty=1)
        # More than there are: nobody is enough, so that ejections are looked for.
        desk.commit(desk.offers(job, len(people) + 1, eject=2)[0])
    # Nobody has room for it beside both: visits have to make room for a crew.
    desk.offers(Job("crew", 1, service_s=1800, crew=2, drop_penalty=1))
    desk.delay("J", 60)
    desk.technician_out("A")


PARTS: dict[str, Callable[[], None]] = {
    "plain search": lambda: warm_up(True),
    "general search and end polish": lambda: warm_up(False),
    "desk": warm_up_desk,
}


BESIDE = "plain search"


def warm_up_parts(names: list[str]) -> None:
    """The named parts in turn, with what each took on standard error."""
    for name in names:
        began, spent = time.monotonic(), time.process_time()
        PARTS[name]()
        print(
            f"{name}: {time.process_time() - spent:.1f} CPU s, {time.monotonic() - began:.1f} s",
            file=sys.stderr,
            flush=True,
        )


def warm_up_all() -> None:
    """Every part in this process."""
    warm_up_parts(list(PARTS))


def warm_up_side_by_side() -> None:
    """Every part once, so that it lies in the cache; `BESIDE` in a process of its own."""
    beside = subprocess.Popen([sys.executable, "-m", "optimizer.desk.warm", BESIDE])
    warm_up_parts([name for name in PARTS if name != BESIDE])
    if beside.wait():
        raise SystemExit(beside.returncode)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        warm_up_parts(sys.argv[1:])
    else:
        warm_up_side_by_side()
