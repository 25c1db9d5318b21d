"""Problems and plans in VROOM's JSON, so that programs that speak to VROOM can speak to us."""

from __future__ import annotations

import threading
from typing import Any, Final

from api.services.refusals import Refusal
from optimizer import Stop, solve
from optimizer.formats import (
    ProblemError,
    plan_from_json,
    problem_from_json,
    problem_to_json,
)
from optimizer.formats.vroom import from_vroom
from optimizer.formats.vroom_solution import plan_to_vroom

MOST_JOBS: Final = 200
MOST_VEHICLES: Final = 100
MOST_ITERATIONS: Final = 20_000
LONGEST_S: Final = 20
"""Iterations bound the search; these seconds bound it on a slow machine, too."""

_one_at_a_time = threading.BoundedSemaphore(1)


def solve_vroom(document: Any, iterations: int, seed: int, engine: str) -> dict[str, Any]:
    """The answer to a VROOM input with matrices, in the words of VROOM's output.

    Raises
    ------
    Refusal
        ``invalid`` for what is no such input, ``too_large`` beyond `MOST_JOBS` jobs or
        `MOST_VEHICLES` vehicles, ``unavailable`` while another is being answered.
    """
    try:
        problem = from_vroom(document)
        # The same strictness for what was converted as for what a document says.
        problem = problem_from_json(problem_to_json(problem))
    except ProblemError as error:
        raise Refusal("invalid", str(error)) from None
    if len(problem.jobs) > MOST_JOBS or len(problem.technicians) > MOST_VEHICLES:
        raise Refusal(
            "too_large", f"up to {MOST_JOBS} jobs and {MOST_VEHICLES} vehicles are answered here"
        )
    if not _one_at_a_time.acquire(blocking=False):
        raise Refusal("unavailable", "another problem is being answered; try again in a moment")
    try:
        stop = Stop(seconds=LONGEST_S, iterations=iterations)
        plan = solve(problem, stop, engine=engine, seed=seed, threads=1)
    finally:
        _one_at_a_time.release()
    return plan_to_vroom(problem, plan)


def plan_in_vroom(problem: Any, document: Any) -> dict[str, Any]:
    """A stored plan in the words of VROOM's output; ids stay ours."""
    return plan_to_vroom(problem_from_json(problem), plan_from_json(document))
