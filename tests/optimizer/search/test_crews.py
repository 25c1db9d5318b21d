"""A crew counts once in the goals: what the search tells is what the checker finds."""

from __future__ import annotations

from dataclasses import replace

from optimizer.check import check
from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.search.engine import solve_with_search
from optimizer.solve import Progress, Stop
from optimizer.timetable import timetable
from tests.optimizer.search.small import HOUR, day, person, shift, visit


def _told(
    problem: Problem, iterations: int = 20, start: Plan | None = None
) -> list[dict[str, float]]:
    """The goals a watcher is told; the last ones are those of the plan."""
    seen: list[Progress] = []
    plan = solve_with_search(
        problem, Stop(iterations=iterations), watch=lambda p: seen.append(p) and None, start=start
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


def test_one_preferred_technician_in_a_crew_is_enough() -> None:
    job = visit("pair", 1, crew=2, preferred=frozenset({"B"}))
    problem = day([job], [person("A"), person("B")], "dropped preference travel")
    for told in _told(problem):
        assert told["preference"] == 0


def test_halves_that_change_places_have_not_changed() -> None:
    """What phones show of the two halves, in either order, is what the plan keeps."""
    people = [person("A"), person("B")]
    problem = day([visit("pair", 1, crew=2)], people)
    routes = [timetable(problem, who, who.shifts[0], problem.jobs).route for who in people]
    shown = Plan(tuple(route for route in routes if route is not None))
    for plan in (shown, Plan(shown.routes[::-1])):
        for told in _told(replace(problem, published=plan), start=shown):
            assert told["changes"] == 0


def test_a_stop_of_a_technician_who_is_gone_counts_beside_the_others() -> None:
    """The phones show C and A; C is gone, B comes instead: two for C's stop, none for A's."""
    people = [person("A"), person("B"), person("C")]
    problem = day([visit("pair", 1, crew=2)], people)
    routes = [timetable(problem, who, who.shifts[0], problem.jobs).route for who in people]
    shown = Plan(tuple(route for route in (routes[2], routes[0]) if route is not None))
    fewer = replace(problem, technicians=tuple(people[:2]), published=shown)
    for told in _told(fewer):
        assert told["changes"] == 2
