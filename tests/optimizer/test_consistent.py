"""Overtime and the next shift, pins and windows: two rules that a search sees as one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from optimizer.check import check
from optimizer.consistent import consistent
from optimizer.problem import Job, Pin, Problem, Shift
from optimizer.solve import Stop, solve
from tests.optimizer.search.small import day, person

MORNING = Shift("morning", 0, 100, 0, 0, 60)
NOON = Shift("noon", 100, 300, 0, 0, 20)


def _split_day(*jobs: Job) -> Problem:
    return day(list(jobs), [replace(person(), shifts=(MORNING, NOON))], "dropped vehicles travel")


def test_nobody_works_overtime_while_the_next_shift_runs() -> None:
    long = Job("long", 0, 150, time_windows=((0, 0),), drop_penalty=1)
    short = Job("short", 0, 10, time_windows=((110, 115),), drop_penalty=1)
    plan = solve(_split_day(long, short), Stop(iterations=50))
    assert not check(_split_day(long, short), plan).violations
    assert plan.goals["dropped"] == 1


def test_overtime_before_a_long_rest_stays_as_it_is() -> None:
    problem = day([Job("J", 0)], [replace(person(), shifts=(MORNING, replace(NOON, start=160)))])
    assert consistent(problem) is problem


def test_overtime_that_is_published_and_frozen_stays_and_the_next_shift_waits() -> None:
    long = Job("long", 0, 150, time_windows=((0, 0),), drop_penalty=1)
    short = Job("short", 0, 10, time_windows=((110, 170),), drop_penalty=1)
    alone = replace(_split_day(long), technicians=(replace(person(), shifts=(MORNING,)),))
    shown = solve(alone, Stop(iterations=10))
    again = replace(_split_day(long, short), published=shown, frozen_until=10)
    plan = solve(again, Stop(iterations=50))
    assert not check(again, plan).violations
    assert plan.goals["dropped"] == 0
    starts = {step.job: step.start for route in plan.routes for step in route.steps}
    assert starts["long"] == 0 and starts["short"] == 150


@pytest.mark.parametrize("key", ["time_windows", "release"])
def test_a_pinned_start_that_the_job_itself_forbids_leaves_it_out(key: str) -> None:
    job = Job("J", 0, 10, drop_penalty=1, pinned=Pin(start=50))
    against = {"time_windows": ((60, 80),)} if key == "time_windows" else {"release": 60}
    problem = _split_day(replace(job, **against))  # type: ignore[arg-type]
    plan = solve(problem, Stop(iterations=10))
    assert not check(problem, plan).violations
    assert [left.job for left in plan.unassigned] == ["J"]
    assert check(_split_day(job), solve(_split_day(job), Stop(iterations=10))).goals["dropped"] == 0
