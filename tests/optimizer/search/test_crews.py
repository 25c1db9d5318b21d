"""A crew counts once in the goals: what the search tells is what the checker finds."""

from __future__ import annotations

import random
import time
from dataclasses import replace

import numpy as np

from optimizer.check import check
from optimizer.plan import Plan
from optimizer.problem import Problem, Restock
from optimizer.search.arrays import compile_problem
from optimizer.search.engine import Search, Settings, solve_with_search
from optimizer.solve import Progress, Stop
from optimizer.timetable import timetable
from tests.optimizer.search.small import HOUR, day, person, shift, visit


def _told(
    problem: Problem, iterations: int = 20, start: Plan | None = None
) -> list[dict[str, float]]:
    """The goals a watcher is told; the last ones are those of the plan."""
    seen: list[Progress] = []
    plan = solve_with_search(
        problem, Stop(iterations=iterations), watch=lambda p: seen.append(p) and None
    )
    assert check(problem, plan).violations == ()
    assert seen[-1].goals == {name: plan.goals[name] for name in seen[-1].goals}
    return [dict(progress.goals) for progress in seen]


def test_the_last_of_a_crew_to_arrive_is_the_one_who_is_late() -> None:
    """A is there at once, B only after an hour and forty minutes: both start then."""
    people = [
        person("A", shift(start_location=1)),
        person("B", shift(start=HOUR, start_location=5)),
    ]
    problem = day([visit("pair", 1, crew=2, due=600)], people)
    for told in _told(problem):
        assert told["late"] == HOUR + 2400 - 600


def test_what_is_told_of_crews_is_what_the_checker_finds() -> None:
    """Also where halves have changed places, or only one of the two is preferred."""
    for seed in range(20):
        rng = random.Random(seed)
        people = [person(name, shift(start_location=rng.randrange(7), start=rng.choice((0, 900))))
                  for name in "ABC"]  # fmt: skip
        jobs = [
            visit(f"J{k}", rng.randrange(7), crew=2, due=rng.randint(0, 2 * HOUR),
                  preferred=frozenset(rng.sample("ABC", 1)))
            for k in range(3)
        ]  # fmt: skip
        problem = day(jobs, people, "dropped late preference changes travel")
        shown = solve_with_search(problem, Stop(iterations=0))
        changed = replace(problem, published=Plan(shown.routes[::-1]))
        *_, searched, planned = _told(changed, 30)
        assert searched == planned


def test_a_stop_of_a_technician_who_is_gone_counts_beside_the_others() -> None:
    """The phones show C and A; C is gone, B comes instead: two for C's stop, none for A's."""
    people = [person("A"), person("B"), person("C")]
    problem = day([visit("pair", 1, crew=2)], people)
    routes = [timetable(problem, who, who.shifts[0], problem.jobs).route for who in people]
    shown = Plan(tuple(route for route in (routes[2], routes[0]) if route is not None))
    fewer = replace(problem, technicians=tuple(people[:2]), published=shown)
    for told in _told(fewer):
        assert told["changes"] == 2


def test_what_crews_count_is_kept_up_behind_a_trip_to_the_depot_too() -> None:
    """Each iteration counts anew only the crews on the routes that it touched."""
    for seed in range(8):
        rng = random.Random(seed)
        jobs = [
            visit(f"J{k}", rng.randrange(7), crew=rng.choice((1, 2, 2)), due=rng.randint(0, HOUR),
                  parts={"fan": 1} if rng.random() < 0.5 else {})
            for k in range(8)
        ]  # fmt: skip
        problem = day(jobs, [person(name) for name in "ABC"], restock=Restock(3, 300))
        compiled = compile_problem(problem)
        search = Search(compiled, Stop(iterations=1), seed, 1, None, Settings(), time.monotonic())
        search.start(None)
        (worker,) = search.workers
        for _ in range(40):
            search.kernel.anneal(worker, 1, 1.0, 1.0, 4.0, 0.1)
            kept = worker.total.copy()
            search.kernel.begin_part(worker, np.zeros(compiled.arrays.n, np.int32))
            assert kept.tolist() == worker.total.tolist(), seed
