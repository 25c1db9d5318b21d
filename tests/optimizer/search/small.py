"""Tiny hand-made days: places in a row, ten minutes and five kilometres from door to door."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from optimizer.check import check
from optimizer.plan import Plan, Step
from optimizer.problem import Goal, Job, Location, Problem, Shift, Technician, Travel
from optimizer.search.engine import solve_with_search
from optimizer.solve import Stop

HOUR = 3600
STEP_S = 600
STEP_M = 5000
PLACES = 7


def row(places: int = PLACES, step_s: int = STEP_S) -> Travel:
    """Matrices of places in a row."""
    at = np.arange(places)
    steps = np.abs(at[:, None] - at[None, :])
    return Travel((steps * step_s).astype(np.int32), (steps * STEP_M).astype(np.int32))


def shift(name: str = "day", **facts: Any) -> Shift:
    """A shift of eight hours from and to place 0."""
    told: dict[str, Any] = {"start": 0, "end": 8 * HOUR, "start_location": 0, "end_location": 0}
    return Shift(name, **(told | facts))


def person(name: str = "A", day: Shift | Sequence[Shift] | None = None, **facts: Any) -> Technician:
    """A technician with one shift, unless told otherwise."""
    days = (shift(),) if day is None else (day,) if isinstance(day, Shift) else tuple(day)
    return Technician(name, days, **facts)


def visit(name: str, place: int = 1, **facts: Any) -> Job:
    """Half an hour of work that may be dropped for a penalty of 5, unless told otherwise."""
    return Job(name, place, **({"service_s": HOUR // 2, "drop_penalty": 5} | facts))


def day(
    jobs: Sequence[Job],
    people: Sequence[Technician] | None = None,
    goals: str = "late dropped changes overtime travel",
    **facts: Any,
) -> Problem:
    """A problem in the row of places."""
    told: dict[str, Any] = {"travel": {"car": row()}}
    return Problem(
        locations=tuple(Location(f"L{k}") for k in range(PLACES)),
        technicians=(person(),) if people is None else tuple(people),
        jobs=tuple(jobs),
        objective=tuple(Goal.of(name) for name in goals.split()),
        **(told | facts),
    )


def planned(problem: Problem, iterations: int = 60, **how: Any) -> Plan:
    """The search's plan, once the independent checker has nothing against it."""
    plan = solve_with_search(problem, Stop(iterations=iterations), **how)
    report = check(problem, plan)
    assert report.violations == ()
    assert plan.goals == report.goals
    return plan


def who_serves(plan: Plan) -> dict[str, str]:
    """Job id → technician id (the last one named, for a crew)."""
    return {job: route.technician for route in plan.routes for job in route.jobs}


def stop_of(plan: Plan, job: str) -> Step:
    """The job's only step."""
    (found,) = [step for route in plan.routes for step in route.steps if step.job == job]
    return found


def steps_of(plan: Plan, job: str) -> list[tuple[str, Step]]:
    """Technician and step of every one of a crew."""
    return [
        (route.technician, step) for route in plan.routes for step in route.steps if step.job == job
    ]


def moved(plan: Plan, job: str, start: int) -> Plan:
    """The plan with one stop said to start at another time: what a phone may show."""
    return replace(
        plan,
        routes=tuple(
            replace(
                route,
                steps=tuple(
                    replace(step, start=start) if step.job == job else step for step in route.steps
                ),
            )
            for route in plan.routes
        ),
    )
