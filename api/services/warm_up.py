"""Compile the search before the clock runs: machine code is made on first use, for half a minute.

A plan run may think for a few seconds; on a fresh installation it would spend them all compiling.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import structlog

from optimizer import Job, Location, Pin, Problem, Shift, Stop, Technician, Travel, solve
from optimizer.problem import Break

log = structlog.get_logger("zhunda.planning")


@cache
def warm_up(engine: str) -> None:
    """Solve a problem of four jobs that uses what a day's plan uses; once a process."""
    places = 6
    durations_s = np.full((places, places), 600, dtype=np.int32)
    np.fill_diagonal(durations_s, 0)
    technicians = tuple(
        Technician(
            name,
            skills={"tv": 2},
            stock={"fuse": 2},
            shifts=(
                Shift(
                    f"{name}-day",
                    0,
                    30_000,
                    home,
                    home,
                    breaks=(Break("lunch", ((10_000, 15_000),), 1800),),
                ),
            ),
        )
        for home, name in enumerate(("one", "two"))
    )
    jobs = (
        Job("urgent", 2, 1800, job_class="urgent", due=9000),
        Job("window", 3, 1800, job_class="normal", time_windows=((9000, 20_000),), drop_penalty=9),
        Job("parts", 4, 1800, job_class="normal", skills={"tv": 1}, parts={"fuse": 1}),
        Job("pinned", 5, 1800, job_class="normal", pinned=Pin("one", "one-day", 3600)),
    )
    problem = Problem(
        locations=tuple(Location(str(index)) for index in range(places)),
        travel={"car": Travel(durations_s, durations_s * 10)},
        technicians=technicians,
        jobs=jobs,
        class_weights={"urgent": 10, "normal": 1},
    )
    plan = solve(problem, Stop(iterations=50), engine=engine)
    log.info("search is compiled", engine=engine, left_out=len(plan.unassigned))
