"""The reference engine: what it returns passes the checker, and it never hangs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from optimizer.check import check
from optimizer.plan import Plan, Route, Step
from optimizer.problem import Break, Goal, Job, Location, Pin, Problem, Shift, Technician, Travel
from optimizer.reference.routing import solve_with_routing
from optimizer.reference.weights import drop_cost, weights
from optimizer.solve import Progress, Stop
from tests.optimizer.strategies import problems


def place(count: int = 5, leg: int = 100) -> Travel:
    """Places on a line, ``leg`` seconds apart."""
    line = np.arange(count) * leg
    return Travel(np.abs(line[:, None] - line[None, :]).astype(np.int32))


def problem(jobs: tuple[Job, ...], *shifts: Shift, **more: object) -> Problem:
    shifts = shifts or (Shift("day", 0, 10_000, 0, 0),)
    base = Problem(
        tuple(Location(str(number)) for number in range(5)),
        {"car": place()},
        (Technician("T", shifts, skills={"x": 1}),),
        jobs,
    )
    return replace(base, **more)  # type: ignore[arg-type]


def solve(case: Problem, iterations: int = 20) -> Plan:
    plan = solve_with_routing(case, Stop(iterations=iterations))
    assert check(case, plan).violations == ()
    return plan


@settings(max_examples=60, deadline=None)
@given(problems())
def test_plans_of_random_problems_pass_the_checker(case: Problem) -> None:
    tied = {other for job in case.jobs for other in job.together}
    frozen = {
        step.job
        for route in (case.published.routes if case.published else ())
        for step in route.steps
        if step.start is not None and step.start < (case.frozen_until or 0)
    }
    beyond = {
        job.id for job in case.jobs if job.crew > 1 or job.together or job.after or job.id in tied
    }
    plan = solve_with_routing(case, Stop(iterations=5))
    report = check(case, plan)
    assert report.violations == ()
    engine = {
        entry.job for entry in plan.unassigned if any(r.rule == "engine" for r in entry.reasons)
    }
    assert beyond - frozen <= engine
    assert plan.solver is not None
    assert plan.solver.engine == "ortools"


def test_the_shortest_round_is_found() -> None:
    plan = solve(problem(tuple(Job(f"J{n}", n) for n in (3, 1, 4, 2))))
    assert plan.goals == {"unserved": 0, "late": 0, "dropped": 0, "changes": 0, "overtime": 0,
                          "travel": 800}  # fmt: skip


@pytest.mark.parametrize(
    "case",
    [
        problem(()),
        replace(problem((Job("J", 1),)), technicians=()),
        Problem((), {}, (), ()),
        problem((Job("J", 1, crew=2),)),
    ],
)
def test_nobody_or_nothing_to_do_returns_at_once(case: Problem) -> None:
    plan = solve_with_routing(case, Stop(iterations=10**6))
    assert check(case, plan).valid
    assert not plan.routes


def test_one_job_with_iterations_to_spare_comes_to_an_end() -> None:
    assert len(solve(problem((Job("J", 1),)), 3).routes) == 1


def test_skills_windows_and_setup_at_one_place_are_kept() -> None:
    jobs = (
        Job("no", 1, skills={"y": 1}),
        Job("first", 2, 100, 50, time_windows=((0, 300), (5_000, 6_000))),
        Job("second", 2, 100, 50, time_windows=((300, 1_000),)),
    )
    plan = solve(problem(jobs))
    assert [entry.job for entry in plan.unassigned] == ["no"]
    assert plan.unassigned[0].reasons[0].rule == "skills"
    stops = {step.job: step for step in plan.routes[0].steps if step.job}
    assert (stops["second"].end or 0) - (stops["second"].start or 0) == 100


def test_a_break_is_taken_and_a_shift_is_a_vehicle() -> None:
    lunch = Break("lunch", ((400, 600),), 300)
    shifts = (Shift("one", 0, 1_500, 0, 0, breaks=(lunch,)), Shift("two", 2_000, 3_500, 0, None))
    jobs = tuple(Job(f"J{n}", 1, 500) for n in range(4))
    plan = solve(problem(jobs, *shifts))
    assert not plan.unassigned
    assert [route.shift for route in plan.routes] == ["one", "two"]
    assert any(step.break_id == "lunch" for step in plan.routes[0].steps)


def test_due_comes_before_travel() -> None:
    jobs = (Job("near", 1, 1_000), Job("far", 4, 100, due=500))
    plan = solve(problem(jobs))
    assert plan.goals["late"] == 0
    assert plan.routes[0].jobs == ("far", "near")


def test_loads_job_limits_and_stock_over_shifts_are_kept() -> None:
    shifts = tuple(
        Shift(str(day), day * 10_000, day * 10_000 + 9_000, 0, 0, max_jobs=2, capacity=(5,))
        for day in range(2)
    )
    jobs = (
        *(Job(f"part{n}", 1, parts={"fan": 1}) for n in range(3)),
        *(Job(f"load{n}", 2, load=(4,)) for n in range(3)),
    )
    case = problem(jobs, *shifts)
    case = replace(case, technicians=(replace(case.technicians[0], stock={"fan": 2}),))
    plan = solve(case)
    served = {job for route in plan.routes for job in route.jobs}
    assert len(served) == 4
    assert sum(name.startswith("part") for name in served) <= 2


def test_an_optional_job_is_left_when_it_costs_more_than_it_is_worth() -> None:
    total = Goal((("travel", 1.0), ("dropped", 1.0)))
    for worth, served in ((799, 0), (801, 1)):
        plan = solve(problem((Job("J", 4, drop_penalty=worth),), objective=(total,)))
        assert len(plan.routes) == served


def test_pinned_and_frozen_stops_stay() -> None:
    jobs = (Job("pinned", 1, 100, 60, pinned=Pin(shift="two", start=2_500)), Job("frozen", 3, 100))
    shifts = (Shift("one", 0, 1_500, 0, 0), Shift("two", 2_000, 3_500, 0, 0))
    stop = Step("job", 3, 300, 777, 877, "frozen")
    published = Plan((Route("T", "one", 0, 1_300, (stop,)),))
    plan = solve(problem(jobs, *shifts, published=published, frozen_until=1_000))
    starts = {
        step.job: (route.shift, step.start)
        for route in plan.routes
        for step in route.steps
        if step.job is not None
    }
    assert starts == {"pinned": ("two", 2_500), "frozen": ("one", 777)}


def test_the_watcher_can_cancel() -> None:
    jobs = tuple(Job(f"J{n}", n % 5, 10) for n in range(60))
    seen: list[Progress] = []

    def watch(progress: Progress) -> bool:
        seen.append(progress)
        return False

    plan = solve_with_routing(problem(jobs), Stop(iterations=10**9, seconds=60), watch=watch)
    assert len(seen) == 1
    assert check(problem(jobs), plan).valid


def test_a_place_that_cannot_be_reached_is_left_out() -> None:
    durations = place().durations_s.copy()
    durations[:, 4] = durations[4, :] = 2**30
    case = problem((Job("J", 4), Job("K", 1)), travel={"car": Travel(durations)})
    assert [entry.job for entry in solve(case).unassigned] == ["J"]


def test_weights_rank_levels_and_a_must_outweighs_any_option() -> None:
    case = problem((Job("must", 1), Job("may", 1, drop_penalty=10**6)))
    weight = weights(case)
    assert weight.late > weight.dropped > weight.overtime > weight.travel > 0
    must, may = case.jobs
    assert drop_cost(case, must, weight) > drop_cost(case, may, weight)
