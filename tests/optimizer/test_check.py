"""Each rule twice: a valid plan stays valid, a planted violation is found and named."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from optimizer.check import RULES, check
from optimizer.plan import Plan, Route, Step, Unassigned
from optimizer.problem import (
    Break,
    Job,
    Location,
    Pin,
    Problem,
    Restock,
    Shift,
    Technician,
    Travel,
)
from tests.optimizer.strategies import solved, without_way

Pair = tuple[Problem, Plan]
quick = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)


@settings(max_examples=200, deadline=None)
@given(solved())
def test_a_valid_plan_has_no_violations(pair: Pair) -> None:
    assert check(*pair).violations == ()


@settings(max_examples=50, deadline=None)
@given(solved())
def test_goals_that_the_plan_states_truly_are_no_violation(pair: Pair) -> None:
    problem, plan = pair
    stated = replace(plan, goals=check(problem, plan).goals)
    assert check(problem, stated).valid


def edit_step(plan: Plan, kind: str, change: Callable[[Step], Step]) -> Plan | None:
    """The plan with the first step of a type changed; None when there is none."""
    for number, route in enumerate(plan.routes):
        for index, step in enumerate(route.steps):
            if step.type == kind:
                steps = (*route.steps[:index], change(step), *route.steps[index + 1 :])
                routes = list(plan.routes)
                routes[number] = replace(route, steps=steps)
                return replace(plan, routes=tuple(routes))
    return None


def edit_route(plan: Plan, change: Callable[[Route], Route]) -> Plan | None:
    if not plan.routes:
        return None
    return replace(plan, routes=(change(plan.routes[0]), *plan.routes[1:]))


def edit_job(
    problem: Problem, plan: Plan, change: Callable[[Job, Route, Step], Job]
) -> Pair | None:
    """The problem with the first served job changed to what the plan does not respect."""
    for route in plan.routes:
        for step in route.steps:
            if step.type == "job":
                jobs = tuple(
                    change(job, route, step) if job.id == step.job else job for job in problem.jobs
                )
                return replace(problem, jobs=jobs), plan
    return None


def edit_shift(
    problem: Problem, plan: Plan, change: Callable[[Shift, Route], Shift]
) -> Pair | None:
    """The problem with the shift of the first route changed."""
    if not plan.routes:
        return None
    used = plan.routes[0]
    technicians = tuple(
        replace(
            who,
            shifts=tuple(
                change(shift, used)
                if (who.id, shift.id) == (used.technician, used.shift)
                else shift
                for shift in who.shifts
            ),
        )
        for who in problem.technicians
    )
    return replace(problem, technicians=technicians), plan


def on_plan(change: Callable[[Plan], Plan | None]) -> Callable[[Pair], Pair | None]:
    def plant(pair: Pair) -> Pair | None:
        changed = change(pair[1])
        return None if changed is None else (pair[0], changed)

    return plant


def jobs_on(route: Route) -> int:
    return sum(step.type == "job" for step in route.steps)


def plant_together(pair: Pair) -> Pair | None:
    """Two jobs that start at different times, tied to start at the same."""
    problem, plan = pair
    stops = [(route, step) for route in plan.routes for step in route.steps if step.type == "job"]
    for _, first in stops:
        for _, second in stops:
            if first.job != second.job and first.start != second.start:
                jobs = tuple(
                    replace(job, together=(*job.together, first.job or ""))
                    if job.id == second.job
                    else job
                    for job in problem.jobs
                )
                return replace(problem, jobs=jobs), plan
    return None


def plant_after(pair: Pair) -> Pair | None:
    problem, plan = pair
    stops = [step for route in plan.routes for step in route.steps if step.type == "job"]
    for first in stops:
        for second in stops:
            if first.job != second.job and (second.start or 0) < (first.end or 0):
                jobs = tuple(
                    replace(job, after=(first.job or "",), gap_from="end", min_gap_s=0)
                    if job.id == second.job
                    else job
                    for job in problem.jobs
                )
                return replace(problem, jobs=jobs), plan
    return None


def plant_frozen(pair: Pair) -> Pair | None:
    problem, plan = pair
    moved = edit_step(plan, "job", lambda step: replace(step, start=(step.start or 0) + 1))
    if moved is None:
        return None
    return replace(problem, published=moved, frozen_until=10**6), plan


def plant_overlap(pair: Pair) -> Pair | None:
    problem, plan = pair
    if not plan.routes:
        return None
    return problem, replace(plan, routes=(*plan.routes, plan.routes[0]))


def plant_restock(pair: Pair) -> Pair | None:
    problem, plan = pair
    if not plan.routes:
        return None
    route = plan.routes[0]
    at = route.steps[-1].arrival or 0
    stop = Step("restock", 0, at, at, at)
    steps = (*route.steps[:-1], stop, stop, route.steps[-1])
    changed = edit_route(plan, lambda one: replace(one, steps=steps))
    assert changed is not None
    return replace(problem, restock=Restock(0)), changed


def plant_reachable(pair: Pair) -> Pair | None:
    problem, plan = pair
    stop = next((step for route in plan.routes for step in route.steps if step.type == "job"), None)
    if stop is None or stop.location is None:
        return None
    travel = {}
    for profile, matrices in problem.travel.items():
        for origin in range(len(problem.locations)):
            matrices = without_way(matrices, origin, stop.location)
        travel[profile] = matrices
    return replace(problem, travel=travel), plan


def plant_bounds(pair: Pair) -> Pair | None:
    problem, plan = pair
    return problem, replace(plan, bounds={"unserved": check(problem, plan).goals["unserved"] + 1})  # type: ignore[dict-item]


PLANTS: dict[str, Callable[[Pair], Pair | None]] = {
    "order": on_plan(lambda plan: edit_route(plan, lambda r: replace(r, steps=r.steps[1:]))),
    "empty route": on_plan(
        lambda plan: edit_route(
            plan, lambda r: replace(r, steps=tuple(s for s in r.steps if s.type != "job"))
        )
    ),
    "place": on_plan(
        lambda plan: edit_step(plan, "job", lambda s: replace(s, location=(s.location or 0) + 1))
    ),
    "drive": on_plan(
        lambda plan: edit_step(plan, "job", lambda s: replace(s, arrival=(s.arrival or 0) - 5_000))
    ),
    "service": on_plan(
        lambda plan: edit_step(plan, "job", lambda s: replace(s, end=(s.end or 0) + 1))
    ),
    "shift": lambda pair: edit_shift(
        *pair, lambda shift, route: replace(shift, end=route.end - 1, overtime_s=0)
    ),
    "overlap": plant_overlap,
    "break": lambda pair: edit_shift(
        *pair,
        lambda shift, route: replace(
            shift, breaks=(*shift.breaks, Break("tea", ((0, route.end - 1),), 60))
        ),
    ),
    "max_jobs": lambda pair: edit_shift(
        *pair, lambda shift, route: replace(shift, max_jobs=jobs_on(route) - 1)
    ),
    "capacity": lambda pair: edit_job(
        *pair, lambda job, *_: replace(job, load=(0, 0, 1))
    ),
    "restock": plant_restock,
    "assignment": on_plan(lambda plan: replace(plan, unassigned=())
                          if plan.unassigned else None),
    "release": lambda pair: edit_job(
        *pair, lambda job, _, step: replace(job, release=(step.arrival or 0) + 1)
    ),
    "time_windows": lambda pair: edit_job(
        *pair,
        lambda job, _, step: replace(
            job, time_windows=((0, (step.start or 0) - 1), ((step.start or 0) + 1, 10**6))
        ),
    ),
    "skills": lambda pair: edit_job(
        *pair, lambda job, *_: replace(job, skills={**job.skills, "welding": 1})
    ),
    "equipment": lambda pair: None
    if any(step.type == "restock" for route in pair[1].routes for step in route.steps)
    else edit_job(*pair, lambda job, *_: replace(job, equipment=frozenset({"drone"}))),
    "stock": lambda pair: None
    if any(step.type == "restock" for route in pair[1].routes for step in route.steps)
    else edit_job(*pair, lambda job, *_: replace(job, parts={"gasket": 1})),
    "allowed": lambda pair: edit_job(
        *pair, lambda job, route, _: replace(job, excluded=frozenset({route.technician}))
    ),
    "crew": lambda pair: edit_job(*pair, lambda job, *_: replace(job, crew=job.crew + 1)),
    "together": plant_together,
    "after": plant_after,
    "pinned": lambda pair: edit_job(
        *pair, lambda job, _, step: replace(job, pinned=Pin(start=(step.start or 0) + 1))
    ),
    "frozen": plant_frozen,
    "figures": on_plan(
        lambda plan: edit_step(plan, "job", lambda s: replace(s, travel_s=s.travel_s + 1))
    ),
    "reference": on_plan(lambda plan: edit_route(plan, lambda r: replace(r, technician="T99"))),
    "step": on_plan(lambda plan: edit_step(plan, "job", lambda s: replace(s, start=None))),
    "reachable": plant_reachable,
    "bounds": plant_bounds,
}  # fmt: skip


def test_every_rule_has_a_planted_violation() -> None:
    assert set(PLANTS) == {*RULES, "reference", "step", "reachable", "bounds"}


@pytest.mark.parametrize("rule", sorted(PLANTS))
@quick
@given(pair=solved())
def test_a_planted_violation_is_found_and_named(rule: str, pair: Pair) -> None:
    planted = PLANTS[rule](pair)
    assume(planted is not None)
    assert planted is not None
    found = check(*planted)
    assert rule in {violation.rule for violation in found.violations}
    assert not found.valid


def small() -> Pair:
    """One technician drives 340 s to a job of an hour, has lunch, does another, drives home."""
    travel = np.array([[0, 340, 500], [355, 0, 60], [500, 60, 0]], dtype=np.int32)
    lunch = Break("lunch", ((41_400, 46_800),), 1800)
    technician = Technician("T1", (Shift("mon", 28_800, 61_200, 0, 0, breaks=(lunch,)),))
    jobs = (
        Job("J1", 1, 3600, 300, time_windows=((32_400, 43_200),)),
        Job("J2", 1, 600, 300),
    )
    problem = Problem(
        tuple(Location(name) for name in "abc"), {"car": Travel(travel)}, (technician,), jobs
    )
    steps = (
        Step("start", 0, 28_800),
        Step("job", 1, 29_140, 32_400, 36_300, "J1", travel_s=340, wait_s=3260),
        Step("break", start=41_400, end=43_200, break_id="lunch"),
        Step("job", 1, 43_200, 43_200, 43_800, "J2"),
        Step("end", 0, 44_155),
    )
    return problem, Plan((Route("T1", "mon", 28_800, 44_155, steps),))


def rules(pair: Pair) -> set[str]:
    return {violation.rule for violation in check(*pair).violations}


def test_setup_counts_once_at_a_place_even_with_a_break_in_between() -> None:
    assert rules(small()) == set()


def test_a_break_may_be_missing_when_the_route_ends_as_its_first_window_opens() -> None:
    problem, plan = small()
    steps = plan.routes[0].steps
    short = (*steps[:2], Step("end", 0, 41_400))
    route = replace(plan.routes[0], end=41_400, steps=short)
    assert rules((problem, Plan((route,), (Unassigned("J2"),)))) == set()
    late = replace(route, end=41_401, steps=(*steps[:2], Step("end", 0, 41_401)))
    assert rules((problem, Plan((late,), (Unassigned("J2"),)))) == {"break"}


def test_driving_cannot_overlap_a_break() -> None:
    problem, plan = small()
    steps = list(plan.routes[0].steps)
    steps[-1] = Step("end", 0, 44_100)
    route = replace(plan.routes[0], end=44_100, steps=tuple(steps))
    assert rules((problem, Plan((route,)))) == {"drive"}


def test_a_break_outside_its_window_or_too_short_is_named() -> None:
    problem, plan = small()
    steps = list(plan.routes[0].steps)
    for start, end in ((41_399, 43_199), (41_400, 43_000)):
        steps[2] = replace(steps[2], start=start, end=end)
        route = replace(plan.routes[0], steps=tuple(steps))
        assert rules((problem, Plan((route,)))) == {"break"}


def test_the_depot_covers_what_comes_after_it_and_nothing_before() -> None:
    problem, plan = small()
    needy = replace(problem.jobs[1], equipment=frozenset({"crane"}), parts={"fan": 3})
    problem = replace(problem, jobs=(problem.jobs[0], needy), restock=Restock(1))
    assert rules((problem, plan)) == {"equipment", "stock"}
    steps = list(plan.routes[0].steps)
    steps.insert(3, Step("restock", 1, 43_200, 43_200, 43_200))
    route = replace(plan.routes[0], steps=tuple(steps))
    assert rules((problem, Plan((route,)))) == set()


def test_a_job_listed_twice_and_a_job_both_served_and_left_out_are_named() -> None:
    problem, plan = small()
    both = replace(plan, unassigned=(Unassigned("J1"),))
    assert rules((problem, both)) == {"assignment"}
    problem = replace(problem, jobs=(*problem.jobs, Job("J3", 1)))
    twice = replace(plan, unassigned=(Unassigned("J3"), Unassigned("J3")))
    assert rules((problem, twice)) == {"assignment"}
    assert rules((problem, replace(plan, unassigned=(Unassigned("J3"),)))) == set()


def test_wrong_goal_and_unknown_goal_are_wrong_figures() -> None:
    problem, plan = small()
    assert rules((problem, replace(plan, goals={"travel": 695}))) == set()
    assert rules((problem, replace(plan, goals={"travel": 694}))) == {"figures"}
    assert rules((problem, replace(plan, goals={"speed": 1}))) == {"figures"}


def test_a_later_bound_is_only_compared_when_the_goals_before_are_at_theirs() -> None:
    problem, plan = small()
    base = {"unserved": 0, "late": 0, "dropped": 0, "changes": 0, "overtime": 0}
    assert rules((problem, replace(plan, bounds={**base, "travel": 695}))) == set()
    assert rules((problem, replace(plan, bounds={**base, "travel": 696}))) == {"bounds"}


def test_a_frozen_stop_of_a_technician_who_is_gone_binds_nobody() -> None:
    problem, plan = small()
    elsewhere = replace(plan.routes[0], technician="T9")
    problem = replace(problem, published=Plan((elsewhere,)), frozen_until=10**6)
    assert rules((problem, plan)) == set()


@settings(max_examples=150, deadline=None)
@given(pair=solved(), seed=st.integers(0, 2**32))
def test_a_garbled_plan_is_judged_without_an_exception(pair: Pair, seed: int) -> None:
    problem, plan = pair
    rng = random.Random(seed)
    values = (None, 0, -5, 40_000, 10**12)
    routes = []
    for route in plan.routes:
        steps = []
        for step in route.steps:
            key = rng.choice(("location", "arrival", "start", "end", "job", "break_id", "type"))
            texts = ("J0", "J1", "?", None)
            kinds = ("start", "job", "break", "restock", "end")
            pool = {"job": texts, "break_id": texts, "type": kinds}.get(key, values)
            changed = replace(step, **{key: rng.choice(pool)})
            steps += rng.choice(([step], [changed], [], [step, changed]))
        who = rng.choice((route.technician, "T0", "?"))
        routes.append(replace(route, technician=who, steps=tuple(steps)))
    left_out = (*plan.unassigned, Unassigned(rng.choice(("J0", "?"))))
    report = check(problem, Plan(tuple(routes), left_out, {"late": 1}, {"late": -1}))
    assert "unserved" in report.goals


def test_ten_thousand_jobs_are_checked_in_seconds() -> None:
    problem, plan = many(500, 20)
    began = time.process_time()
    report = check(problem, plan)
    assert report.valid
    assert time.process_time() - began < 5


def many(technicians: int, jobs: int) -> Pair:
    """Routes around one place, ten minutes a job."""
    people, orders, routes = [], [], []
    for number in range(technicians):
        people.append(Technician(f"T{number}", (Shift("day", 0, 36_000, 0, 0),)))
        steps = [Step("start", 0, 0)]
        clock = 0
        for index in range(jobs):
            name = f"J{number}-{index}"
            leg = 0 if index else 60
            orders.append(Job(name, 1, 600))
            steps.append(Step("job", 1, clock + leg, clock + leg, clock + leg + 600, name,
                              travel_s=leg))  # fmt: skip
            clock += leg + 600
        steps.append(Step("end", 0, clock + 60))
        routes.append(Route(f"T{number}", "day", 0, clock + 60, tuple(steps)))
    travel = Travel(np.array([[0, 60], [60, 0]], dtype=np.int32))
    problem = Problem((Location("a"), Location("b")), {"car": travel}, tuple(people), tuple(orders))
    return problem, Plan(tuple(routes))
