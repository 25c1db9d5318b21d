"""Known optima of tiny problems, and plans compared goal by goal."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from optimizer.problem import Goal, Job, Location, Problem, Travel
from optimizer.search import layout as c
from optimizer.search.anneal import better
from optimizer.timetable import timetable
from tests.optimizer.search.small import HOUR, day, person, planned, shift, visit


def scattered(seed: int, windows: bool) -> Problem:
    """Five jobs and two technicians on random places."""
    draw = random.Random(seed)
    places = np.array([[draw.randint(0, 2000), draw.randint(0, 2000)] for _ in range(7)])
    apart = np.abs(places[:, None] - places[None, :]).sum(axis=2).astype(np.int32)
    jobs: list[Job] = []
    for k in range(5):
        opens = draw.randint(0, 3) * HOUR
        jobs.append(
            visit(
                f"J{k}",
                1 + k,
                drop_penalty=draw.randint(1, 9),
                due=draw.randint(0, 2) * HOUR if draw.random() < 0.5 else None,
                time_windows=((opens, opens + HOUR),) if windows else (),
            )
        )
    people = [person("A", shift(end=4 * HOUR)), person("B", shift(end=3 * HOUR, start_location=6))]
    problem = day(jobs, people, "dropped late travel", travel={"car": Travel(apart)})
    return Problem(
        tuple(Location(f"L{k}") for k in range(7)),
        problem.travel,
        problem.technicians,
        problem.jobs,
        objective=problem.objective,
    )


def best_of_all(problem: Problem) -> tuple[int, int, int]:
    """The least (dropped, late, travel) over every order of every set of jobs on both shifts."""
    end = problem.horizon_end
    price: list[dict[frozenset[str], tuple[int, int]]] = []
    for who in problem.technicians:
        table: dict[frozenset[str], tuple[int, int]] = {}
        for count in range(len(problem.jobs) + 1):
            for order in itertools.permutations(problem.jobs, count):
                timed = timetable(problem, who, who.shifts[0], order)
                if count == 0:
                    table[frozenset()] = (0, 0)
                elif timed.broken is None:
                    key = frozenset(job.id for job in order)
                    cost = (timed.late, timed.travel_s)
                    table[key] = min(table.get(key, cost), cost)
        price.append(table)
    best = None
    for (one, first), (two, second) in itertools.product(price[0].items(), price[1].items()):
        if one & two:
            continue
        out = [job for job in problem.jobs if job.id not in one | two]
        dropped = sum(job.drop_penalty or 0 for job in out)
        late = sum(max(0, end - job.due) for job in out if job.due is not None)
        goals = (dropped, first[0] + second[0] + late, first[1] + second[1])
        best = goals if best is None else min(best, goals)
    assert best is not None
    return best


@pytest.mark.parametrize("windows", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_the_search_finds_the_optimum_of_tiny_problems(seed: int, windows: bool) -> None:
    problem = scattered(seed, windows)
    plan = planned(problem, iterations=3000, seed=seed)
    found = tuple(plan.goals[name] for name in ("dropped", "late", "travel"))
    assert found == best_of_all(problem)


def figures(**named: int) -> np.ndarray:
    row = np.zeros(c.N_FIGURES, np.int64)
    for name, value in named.items():
        row[c.FIGURES.index(name)] = value
    return row


@pytest.mark.parametrize(
    ("ours", "theirs", "wins"),
    [
        ({"late": 1, "travel": 9}, {"late": 2, "travel": 0}, True),
        ({"late": 2, "travel": 0}, {"late": 1, "travel": 10**12}, False),
        ({"late": 10**15, "travel": 3}, {"late": 10**15, "travel": 4}, True),
        ({"late": 10**15 + 1, "travel": 3}, {"late": 10**15, "travel": 4}, False),
        ({"late": 1, "travel": 1}, {"late": 1, "travel": 1}, False),
        ({"late": 0, "waiting": 0}, {"late": 0, "waiting": 5}, False),
    ],
)
def test_plans_are_compared_goal_by_goal_without_one_big_weight(
    ours: dict[str, int], theirs: dict[str, int], wins: bool
) -> None:
    levels = np.zeros((2, c.N_FIGURES))
    levels[0, c.LATE] = levels[1, c.TRAVEL] = 1.0
    assert better(levels, figures(**ours), figures(**theirs)) is wins


def test_goals_come_in_the_order_of_the_objective() -> None:
    job = visit("J", 6, drop_penalty=1)
    kept = day([job], goals="dropped travel")
    assert planned(kept).goals["dropped"] == 0
    assert planned(day([job], goals="travel dropped")).goals["dropped"] == 1
    assert kept.objective == (Goal.of("dropped"), Goal.of("travel"))
