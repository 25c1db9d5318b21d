"""Trees: the cheapest one is found, and no plan beats what they prove."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from optimizer.bounds import proven
from optimizer.bounds.assignment import NO_ARC
from optimizer.bounds.trees import cheapest_tree
from optimizer.explain.placing import named_goals
from optimizer.problem import Goal, Job, Location, Problem, Shift, Technician, Travel
from optimizer.timetable import timetable
from tests.optimizer.bounds.test_proven import assert_nothing_beats, every_plan, tiny_problem
from tests.optimizer.explain.instances import plan_of
from tests.optimizer.search.small import day, person, planned, visit


def _slow(costs: np.ndarray) -> int:
    """The cheapest of all choices of parents that reach the last node from everywhere."""
    root, best = len(costs) - 1, 10**9
    for parents in product(range(root + 1), repeat=root):
        reached = True
        for node in range(root):
            at, steps = node, 0
            while at != root and steps <= root:
                at, steps = parents[at], steps + 1
            reached = reached and at == root
        if reached:
            best = min(best, sum(int(costs[p, v]) for v, p in enumerate(parents)))
    return best


def test_the_cheapest_tree_costs_as_much_as_trying_every_tree_says() -> None:
    random = np.random.default_rng(3)
    for size in (2, 3, 4, 5, 6):
        for _ in range(25):
            costs = random.integers(-20, 60, (size, size)).astype(np.int64)
            value, parent = cheapest_tree(costs)
            assert value == _slow(costs)
            assert value == sum(costs[parent[v], v] for v in range(size - 1))
            for v in range(size - 1):
                at, steps = v, 0
                while at != size - 1:
                    at, steps = int(parent[at]), steps + 1
                    assert steps <= size


def test_where_somebody_cannot_be_reached_there_is_no_tree() -> None:
    costs = np.full((3, 3), NO_ARC, np.int64)
    costs[2, 0] = costs[1, 0] = 5
    assert cheapest_tree(costs)[0] >= NO_ARC


@pytest.mark.parametrize("block", range(2))
def test_no_plan_of_a_tiny_problem_beats_a_tree(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proven, "column_bound", lambda *_, **__: 0)
    better = 0
    for seed in range(block * 12, block * 12 + 12):
        problem = replace(
            tiny_problem(seed), objective=tuple(map(Goal.of, ("dropped", "travel", "distance")))
        )
        plans = list(every_plan(problem))
        goals = [named_goals(problem, plan) for plan in plans]
        best = min(range(len(plans)), key=lambda number: tuple(goals[number].values()))
        for number in {best, 0, len(plans) - 1}:
            assert_nothing_beats(problem, plans[number], goals)
        proofs = proven.prove(problem, plans[best], rounds=30)
        better += proofs["travel"].method == "trees"
    assert better > 0


def test_neighbours_far_away_do_not_circle_for_free() -> None:
    """Two pairs far from home: matching lets each pair circle at a few metres."""
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
    alone = proven.prove(problem, plan)["travel"].bound
    options = proven.options_of(problem)
    assert options is not None
    earlier = {name: int(value) for name, value in named_goals(problem, plan).items()}
    tree = proven.tree_bound(options, "travel", dict(list(earlier.items())[:5]), 4040, 200)
    assert alone < 2100 < 3000 < tree <= 4040


def test_a_day_beyond_columns_is_bounded_by_trees() -> None:
    random = np.random.default_rng(1)
    visits = [visit(f"J{k}", int(random.integers(7)), service_s=60) for k in range(125)]
    problem = day(visits, [person(name) for name in "ABC"], "dropped travel")
    plan = planned(problem, 30)
    sharp = proven.prove(problem, plan, rounds=60)["travel"]
    plain = proven.prove(problem, plan)["travel"]
    assert sharp.method == "trees"
    assert plain.bound < sharp.bound <= plan.goals["travel"]
