"""The short cut for plain problems: who may take it, its clocks, plans, remembered routes."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from optimizer.check import check
from optimizer.problem import Break, Problem
from optimizer.search.arrays import compile_problem
from optimizer.search.engine import Search, Settings, solve_with_search
from optimizer.search.kernels import kernel_for
from optimizer.search.plain import columns as p
from optimizer.search.plain.arrays import is_plain
from optimizer.search.recombine import Routes, best_choice
from optimizer.solve import Progress, Stop
from optimizer.timetable import timetable
from tests.optimizer.search.small import HOUR, day, person, planned, shift, visit


def plain_day(seed: int, jobs: int = 30, people: int = 5, **facts: Any) -> Problem:
    """Optional and mandatory visits with one window each, some technicians without a way home."""
    draw = np.random.default_rng(seed)
    visits = []
    for k in range(jobs):
        opens = int(draw.integers(0, 6)) * HOUR
        told: dict[str, Any] = {
            "service_s": int(draw.integers(1, 4)) * 600,
            "time_windows": ((opens, opens + int(draw.integers(1, 4)) * HOUR),),
            "load": (int(draw.integers(0, 3)),),
            "skills": {"gas": 1} if draw.random() < 0.3 else {},
        }
        visits.append(visit(f"J{k}", int(draw.integers(1, 7)), **(told | facts)))
    crowd = [
        person(
            f"P{k}",
            shift(
                start_location=int(draw.integers(0, 7)),
                end_location=None if k % 3 == 2 else 0,
                capacity=(12,),
                max_jobs=9 if k % 2 else None,
            ),
            skills={"gas": 1} if k % 2 else {},
        )
        for k in range(people)
    ]
    return day(visits, crowd, "dropped travel")


@pytest.mark.parametrize("seed", range(40))
def test_plans_of_plain_days_break_no_rule_and_cost_what_the_search_says(seed: int) -> None:
    problem = plain_day(seed)
    assert is_plain(compile_problem(problem))
    seen: list[Progress] = []
    plan = solve_with_search(problem, Stop(iterations=400), seed=seed, watch=seen.append)
    report = check(problem, plan)
    assert report.violations == ()
    assert {name: plan.goals[name] for name in seen[-1].goals} == seen[-1].goals


@pytest.mark.parametrize("seed", range(20))
def test_clocks_renewed_as_far_as_they_change_are_those_of_the_whole_route(seed: int) -> None:
    problem = plain_day(seed)
    compiled = compile_problem(problem)
    search = Search(
        compiled, Stop(iterations=200 + seed), seed, 1, None, Settings(), time.monotonic()
    )
    search.start(None)
    search.run()
    node, n = search.solution.node, compiled.arrays.n
    for r, (who, piece) in enumerate(compiled.shifts):
        chain, at = [], int(node[n + 2 * r, p.NEXT])
        while at < n:
            chain.append(at)
            at = int(node[at, p.NEXT])
        timed = timetable(problem, who, piece, [compiled.tasks[k] for k in chain])
        assert timed.broken is None
        if not chain:
            continue
        assert timed.route is not None
        latest = piece.end - (node[chain[-1], p.LEG])
        for k in reversed(chain):
            job = compiled.tasks[k]
            latest = min(latest - job.service_s, job.time_windows[0][1])
            assert node[k, p.LAST] == latest
            latest -= int(node[node[k, p.PREV], p.LEG])
        now = piece.start + int(node[n + 2 * r, p.LEG])
        for k in chain:
            job = compiled.tasks[k]
            now = max(now, job.time_windows[0][0]) + job.service_s
            assert node[k, p.FINISH] == now
            now += int(node[k, p.LEG])


def test_the_short_cut_is_as_good_as_the_general_search() -> None:
    better = worse = 0
    for seed in range(8):
        problem = plain_day(seed, jobs=40)
        short = planned(problem, iterations=1500, seed=seed)
        general = planned(problem, iterations=1500, seed=seed, settings=Settings(plain=False))
        goals = [(plan.goals["dropped"], plan.goals["travel"]) for plan in (short, general)]
        better += goals[0] <= goals[1]
        worse += goals[0][0] > goals[1][0]
    assert better >= 4 and worse <= 2


NOON = Break("lunch", ((4 * HOUR, 5 * HOUR),), 1800)


@pytest.mark.parametrize(
    "rule",
    ["setup", "windows", "late", "break", "overtime", "crew", "after", "waiting", "parts", "speed"],
)
def test_a_problem_with_a_rule_that_the_short_cut_does_not_know_takes_the_long_way(
    rule: str,
) -> None:
    plain = plain_day(1)
    job, who = plain.jobs[0], plain.technicians[0]
    changed = {
        "setup": lambda: replace(job, setup_s=60),
        "windows": lambda: replace(job, time_windows=((0, 60), (120, 180))),
        "late": lambda: replace(job, due=job.time_windows[0][1] - 1),
        "crew": lambda: replace(job, crew=2),
        "after": lambda: replace(job, after=(plain.jobs[4].id,)),
        "parts": lambda: replace(job, parts={"fuse": 1}),
    }
    people = {
        "break": lambda: replace(who, shifts=(replace(who.shifts[0], breaks=(NOON,)),)),
        "overtime": lambda: replace(who, shifts=(replace(who.shifts[0], overtime_s=60),)),
        "speed": lambda: replace(who, speed_factor=2.0),
    }
    problem = plain
    if rule in changed:
        problem = replace(plain, jobs=(changed[rule](), *plain.jobs[1:]))
    elif rule in people:
        problem = replace(plain, technicians=(people[rule](), *plain.technicians[1:]))
    else:
        problem = day(plain.jobs, plain.technicians, "dropped waiting travel")
    assert not is_plain(compile_problem(problem))
    planned(problem)


def routes(*rows: tuple[int, int, list[int]]) -> Routes:
    """(kind of shift, travel, visits) as columns."""
    lengths = [len(visits) for _, _, visits in rows]
    return Routes(
        np.array([kind for kind, _, _ in rows]),
        np.array([travel for _, travel, _ in rows]),
        np.concatenate([[0], np.cumsum(lengths)]),
        np.concatenate([visits for _, _, visits in rows]),
    )


def test_remembered_routes_are_recombined_to_the_best_plan_they_can_make() -> None:
    held = routes(
        (0, 5, [0, 1]), (0, 9, [2, 3]), (1, 4, [2, 3]), (1, 3, [0, 1]), (0, 20, [0, 1, 2]),
        (0, 8, [0, 1]), (1, 8, [2, 3]),
    )  # fmt: skip
    chosen, _ = best_choice(held, 4, np.array([1, 1]), 16, None)
    assert chosen == [0, 2]


def test_nothing_is_recombined_where_nothing_is_better() -> None:
    held = routes((0, 5, [0, 1]), (1, 4, [2, 3]))
    assert best_choice(held, 4, np.array([1, 1]), 9, None)[0] is None


def test_rounds_and_recombination_are_repeatable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optimizer.search.engine.ROUND_COUNT", 1000)
    problem = plain_day(5, jobs=40, people=8, drop_penalty=None, skills={}, load=(0,))
    first = planned(problem, iterations=4000, seed=2)
    again = planned(problem, iterations=4000, seed=2)
    assert first.routes == again.routes and first.goals == again.goals


def test_two_threads_put_their_routes_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optimizer.search.engine.ROUND_COUNT", 1000)
    plan = planned(plain_day(6, jobs=40, people=8), iterations=4000, threads=2)
    assert plan.solver is not None and plan.solver.iterations == 8000


@pytest.mark.parametrize(
    ("goals", "removed"), [("dropped late travel", 6.0), ("dropped waiting travel", 10.0)]
)
def test_ruins_are_small_where_rules_cost_time_but_for_days_whose_length_counts(
    goals: str, removed: float
) -> None:
    plain = plain_day(1)
    late = replace(plain.jobs[0], due=plain.jobs[0].time_windows[0][1] - 1)
    problem = day((late, *plain.jobs[1:]), plain.technicians, goals)
    assert kernel_for(compile_problem(problem)).mean_removed == removed
    assert kernel_for(compile_problem(plain)).mean_removed == 10.0
