"""Bounds against every plan there is of tiny problems, and against many plans of larger ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest

from optimizer.bounds import bounds, gaps
from optimizer.bounds.assignment import matching_bound
from optimizer.check import check
from optimizer.explain.companions import Companions
from optimizer.explain.placing import named_goals
from optimizer.explain.question import Fleet, Question
from optimizer.explain.state import PlanState
from optimizer.explain.why import placements
from optimizer.plan import Plan, Route, Step
from optimizer.problem import (
    DEFAULT_OBJECTIVE,
    Goal,
    Job,
    Location,
    Problem,
    Restock,
    Shift,
    Technician,
    Travel,
)
from optimizer.timetable import timetable
from tests.optimizer.explain.instances import plan_of, random_problem

OBJECTIVES = (
    DEFAULT_OBJECTIVE,
    ("dropped", "travel", "late"),
    ("late", "preference", "dropped", "distance", "vehicles"),
    ("dropped", "late", "vehicles", "travel"),
    ("travel", "dropped"),
)


def tiny_problem(seed: int) -> Problem:
    """Four jobs and two technicians, rather roomy, so that there is something to choose."""
    random = np.random.default_rng(seed + 10_000)
    problem = random_problem(seed, jobs=4, technicians=2)
    jobs = tuple(
        replace(
            job,
            service_s=job.service_s // 2,
            skills=job.skills if random.random() < 0.5 else {},
            load=(1,) if random.random() < 0.3 else (),
            drop_penalty=int(random.integers(0, 9)) if random.random() < 0.6 else None,
        )
        for job in problem.jobs
    )
    objective = tuple(Goal.of(name) for name in OBJECTIVES[seed % len(OBJECTIVES)])
    return replace(problem, jobs=jobs, objective=objective)


def every_plan(problem: Problem) -> Iterator[Plan]:
    """All ways to hand out the jobs to shifts in all orders, as far as the checker passes them."""
    slots = [(who, shift) for who in problem.technicians for shift in who.shifts]
    timed: dict[tuple[int, tuple[int, ...]], Route | None] = {}
    for number, (who, shift) in enumerate(slots):
        for size in range(1, len(problem.jobs) + 1):
            for order in permutations(range(len(problem.jobs)), size):
                visits = [problem.jobs[row] for row in order]
                route = timetable(problem, who, shift, visits).route
                alone = None if route is None else plan_of(problem, [route])
                if alone is not None and not check(problem, alone).violations:
                    timed[number, order] = route
    for choice in product(range(len(slots) + 1), repeat=len(problem.jobs)):
        groups = [
            [row for row, chosen in enumerate(choice) if chosen == number]
            for number in range(len(slots))
        ]
        options = [
            [timed[number, order] for order in permutations(group) if (number, order) in timed]
            if group
            else [None]
            for number, group in enumerate(groups)
        ]
        for routes in product(*options):
            plan = plan_of(problem, [route for route in routes if route is not None])
            if not check(problem, plan).violations:
                yield plan


def assert_nothing_beats(
    problem: Problem, plan: Plan | None, goals: list[dict[str, int | float]]
) -> dict[str, int]:
    """Every plan no worse in the earlier goals is no better than the bound; gives the bounds."""
    proven = bounds(problem, plan, rounds=12)
    ours = None if plan is None else named_goals(problem, plan)
    names = list(named_goals(problem, Plan()))
    for other in goals:
        for number, name in enumerate(names):
            if ours is None or all(other[before] <= ours[before] for before in names[:number]):
                assert other[name] >= proven[name], (name, other, proven, ours)
    return proven


@pytest.mark.parametrize("block", range(12))
def test_no_plan_of_a_tiny_problem_beats_a_bound(block: int) -> None:
    positive: set[str] = set()
    tight = 0
    for seed in range(block * 25, block * 25 + 25):
        problem = tiny_problem(seed)
        plans = list(every_plan(problem))
        goals = [named_goals(problem, plan) for plan in plans]
        assert_nothing_beats(problem, None, goals)
        best = min(range(len(plans)), key=lambda number: tuple(goals[number].values()))
        for number in {best, 0, len(plans) // 2, len(plans) - 1}:
            proven = assert_nothing_beats(problem, plans[number], goals)
            if number == best:
                positive |= {name for name, value in proven.items() if value > 0}
                tight += all(proven[name] == goals[best][name] for name in proven)
    assert {"dropped", "travel"} & positive
    assert tight > 0


def test_bounds_of_published_plans_count_the_changes_that_must_be() -> None:
    for seed in range(40):
        problem = tiny_problem(seed)
        plans = list(every_plan(problem))
        published = plans[len(plans) // 3]
        changed = replace(
            problem,
            published=published,
            jobs=tuple(
                replace(job, excluded=frozenset(["T0"])) if row == 0 else job
                for row, job in enumerate(problem.jobs)
            ),
            objective=tuple(Goal.of(name) for name in ("changes", "dropped", "travel")),
        )
        plans = list(every_plan(changed))
        goals = [named_goals(changed, plan) for plan in plans]
        for number in (0, len(plans) // 2, len(plans) - 1):
            assert_nothing_beats(changed, plans[number], goals)


@pytest.mark.parametrize("seed", range(30))
def test_no_plan_with_crews_and_ties_beats_a_bound(seed: int) -> None:
    problem = random_problem(seed, jobs=8, tied=True)
    random = np.random.default_rng(seed)
    plans = [Plan()]
    for _ in range(6):
        plan = plan_of(problem, [])
        for row in random.permutation(len(problem.jobs)).tolist() * 2:
            job = problem.jobs[row]
            state = PlanState(problem, plan)
            if job.id in state.visits:
                continue
            question = Question(Fleet(state), job)
            companions = Companions(question.fleet, question)
            blocked = np.zeros(len(state.slots), np.bool_)
            for rows in question.static.values():
                blocked |= rows
            trials = [
                trial
                for slot in np.flatnonzero(~blocked).tolist()
                for trial, _ in placements(question, companions, plan, slot)
            ]
            if trials:
                plan = trials[int(random.integers(len(trials)))].plan
                plan = plan_of(problem, list(plan.routes))
                assert not check(problem, plan).violations
        plans.append(plan)
    goals = [named_goals(problem, plan) for plan in plans]
    for plan in (None, *plans[1:]):
        assert_nothing_beats(problem, plan, goals)


def test_column_generation_proves_more_than_assignment_where_cycles_are_cheap() -> None:
    # two pairs of neighbours far from the start: arcs alone would let each pair circle at home
    place_m = np.array([0, 1000, 1010, -1000, -1010])
    durations = np.abs(place_m[:, None] - place_m[None, :]).astype(np.int32)
    technician = Technician("T", (Shift("s", 0, 90_000, 0, 0),))
    problem = Problem(
        tuple(Location(str(place)) for place in range(5)),
        {"car": Travel(durations)},
        (technician,),
        tuple(Job(f"J{place}", place, 60) for place in range(1, 5)),
    )
    route = timetable(problem, technician, technician.shifts[0], problem.jobs).route
    assert route is not None
    plan = plan_of(problem, [route])
    assert named_goals(problem, plan)["travel"] == 4040
    assert bounds(problem, plan)["travel"] < 4040
    assert bounds(problem, plan, rounds=30)["travel"] == 4040


def test_a_detour_by_the_depot_may_be_shorter_than_the_direct_way() -> None:
    durations = np.array([[0, 900, 10], [900, 0, 10], [10, 10, 0]], np.int32)
    technician = Technician("T", (Shift("s", 0, 9000, 0, 0),))
    problem = Problem(
        tuple(Location(str(place)) for place in range(3)),
        {"car": Travel(durations)},
        (technician,),
        (Job("J", 1, 60, parts={"fuse": 1}),),
        restock=Restock(2, 0),
    )
    steps = (
        Step("start", 0, 0),
        Step("restock", 2, 10, 10, 10, travel_s=10),
        Step("job", 1, 20, 20, 80, "J", travel_s=10),
        Step("end", 0, 980, travel_s=900),
    )
    plan = plan_of(problem, [Route("T", "s", 0, 980, steps)])
    assert not check(problem, plan).violations
    for rounds in (0, 5):
        # by way of the depot on both legs, which is optimistic, but never above the plan
        assert 0 < bounds(problem, plan, rounds=rounds)["travel"] <= 920


def test_a_job_nobody_can_do_is_proven_unserved() -> None:
    problem = Problem(
        (Location("0"),),
        {"car": Travel(np.zeros((1, 1), np.int32))},
        (Technician("T", (Shift("s", 0, 100, 0, 0),)),),
        (Job("J", 0, 10, skills={"a": 1}), Job("K", 0, 101, drop_penalty=3), Job("L", 0, 10)),
    )
    proven = bounds(problem)
    assert proven["unserved"] == 1
    assert proven["dropped"] == 1_000_003


def test_more_work_than_hours_is_proven_dropped() -> None:
    problem = Problem(
        (Location("0"),),
        {"car": Travel(np.zeros((1, 1), np.int32))},
        (Technician("T", (Shift("s", 0, 100, 0, 0),)),),
        tuple(Job(f"J{number}", 0, 40, drop_penalty=10) for number in range(5)),
    )
    # 200 s of work in 100 s: at least half of it stays undone in fractions
    assert bounds(problem)["dropped"] == 25


def test_a_sum_of_goals_is_bounded_by_the_sum_and_a_negative_weight_by_nothing() -> None:
    problem = replace(
        tiny_problem(1),
        objective=(
            Goal((("dropped", 1.0), ("travel", 0.5))),
            Goal((("late", -1.0),)),
        ),
    )
    proven = bounds(problem)
    assert "dropped+travel" in proven
    assert "late" not in proven


def test_the_matching_bound_is_the_cost_of_the_cheapest_matching() -> None:
    random = np.random.default_rng(5)
    for size in (1, 2, 3, 5, 6):
        for _ in range(20):
            costs = random.integers(0, 50, (size, size)).astype(np.int64)
            best = min(
                sum(int(costs[row, column]) for row, column in enumerate(order))
                for order in permutations(range(size))
            )
            assert matching_bound(costs) == best


def test_gaps_are_shares_of_the_goal_and_none_without_a_bound() -> None:
    plan = Plan(goals={"late": 0, "travel": 200, "waiting": 5}, bounds={"late": 0, "travel": 150})
    assert gaps(plan) == {"late": 0.0, "travel": 0.25, "waiting": None}


def test_no_jobs_and_no_technicians_are_bounded_by_zero() -> None:
    empty = Problem((Location("0"),), {"car": Travel(np.zeros((1, 1), np.int32))}, (), ())
    assert set(bounds(empty).values()) == {0}
    assert set(bounds(empty, Plan()).values()) == {0}
