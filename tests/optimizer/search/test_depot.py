"""Trips to the depot: made where something lacks, once, where they cost least, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from optimizer.check import check
from optimizer.plan import Plan
from optimizer.problem import UNREACHABLE, Break, Job, Pin, Problem, Restock, Travel
from optimizer.search.engine import solve_with_search
from optimizer.solve import Stop
from optimizer.timetable import timetable
from tests.optimizer.search.small import (
    HOUR,
    STEP_S,
    day,
    person,
    planned,
    row,
    shift,
    visit,
    who_serves,
)
from tests.optimizer.strategies import solved_problem


def kinds(plan: Plan) -> list[str]:
    """What happens on the only route, in order."""
    (route,) = plan.routes
    return [step.job or step.type for step in route.steps[1:-1]]


@pytest.mark.parametrize(
    ("depot", "carried", "visits"),
    [
        (None, (), None),
        (None, ("ladder",), ["J"]),
        (Restock(3), (), ["restock", "J"]),
        (Restock(3), ("ladder",), ["J"]),
    ],
)
def test_equipment_that_lacks_is_fetched(
    depot: Restock | None, carried: tuple[str, ...], visits: list[str] | None
) -> None:
    who = person(equipment=frozenset(carried))
    plan = planned(day([visit("J", 1, equipment=frozenset({"ladder"}))], [who], restock=depot))
    assert (kinds(plan) if plan.routes else None) == visits


@pytest.mark.parametrize(("stock", "trip"), [(0, True), (1, True), (2, False)])
def test_parts_that_lack_are_fetched(stock: int, trip: bool) -> None:
    jobs = [visit(name, 1, parts={"fan": 1}) for name in "JK"]
    plan = planned(day(jobs, [person(stock={"fan": stock})], restock=Restock(3)))
    assert ("restock" in kinds(plan)) is trip
    assert len(who_serves(plan)) == 2


def test_the_depot_is_visited_once_and_before_the_first_who_needs_it() -> None:
    jobs = [
        visit(f"J{k}", k, equipment=frozenset({"ladder"} if k > 2 else ())) for k in range(1, 7)
    ]
    plan = planned(day(jobs, [person(day=shift(end_location=6))], restock=Restock(2, 60)), 400)
    visits = kinds(plan)
    assert visits.count("restock") == 1
    assert visits.index("J1") < visits.index("restock") < visits.index("J3")
    assert plan.goals["travel"] == 6 * STEP_S  # on the way


@pytest.mark.parametrize(("service_s", "served"), [(1800, True), (1801, False)])
def test_the_stay_at_the_depot_takes_time(service_s: int, served: bool) -> None:
    job = visit("J", 1, equipment=frozenset({"crane"}))
    who = person(day=shift(end=2 * STEP_S + HOUR // 2 + 1800))
    plan = planned(day([job], [who], restock=Restock(1, service_s)))
    assert ("J" in who_serves(plan)) is served


def test_two_shifts_share_the_stock_and_each_may_fetch() -> None:
    days = [shift("one", max_jobs=1), shift("two", start=8 * HOUR, end=16 * HOUR, max_jobs=1)]
    jobs = [visit(name, 1, parts={"fan": 1}) for name in "JK"]
    plan = planned(day(jobs, [person(day=days, stock={"fan": 1})], restock=Restock(1)))
    trips = [step for route in plan.routes for step in route.steps if step.type == "restock"]
    assert len(who_serves(plan)) == 2 and len(trips) == 1


def test_a_trip_and_a_break_share_the_day() -> None:
    pause = Break("lunch", ((HOUR, 2 * HOUR),), 1800)
    jobs = [visit(f"J{k}", k, equipment=frozenset({"ladder"})) for k in (1, 3, 5)]
    plan = planned(day(jobs, [person(day=shift(breaks=(pause,)))], restock=Restock(2)))
    assert kinds(plan).count("restock") == kinds(plan).count("break") == 1
    assert len(who_serves(plan)) == 3


@pytest.mark.parametrize("line", [None, 2 * HOUR, 8 * HOUR])
def test_a_published_trip_stays_where_it_is_in_force(line: int | None) -> None:
    jobs = [visit(f"J{k}", k, equipment=frozenset({"ladder"} if k > 2 else ())) for k in (1, 3, 5)]
    problem = day(jobs, restock=Restock(2, 600))
    before = planned(problem)
    again = planned(replace(problem, published=before, frozen_until=line), 20)
    assert again.goals["changes"] == 0

    def trip(plan: Plan) -> Any:
        return [(s.start, s.end) for s in plan.routes[0].steps if s.type == "restock"]

    assert trip(again) == trip(before)


def by_hand(problem: Problem, jobs: list[Job], trip: int) -> Plan:
    """The only shift's visits in this order, with a trip before the ``trip``-th."""
    (who,) = problem.technicians
    timed = timetable(problem, who, who.shifts[0], jobs, {}, None, trip, 0)
    assert timed.route is not None, timed.broken
    return Plan((timed.route,), ())


def test_a_break_between_the_published_trip_and_its_visit_stays_there() -> None:
    pause = Break("lunch", ((2 * STEP_S, 2 * STEP_S),), 1800)
    job = visit("J", 4, equipment=frozenset({"ladder"}), pinned=Pin(start=4 * STEP_S + 1800))
    problem = day([job], [person(day=shift(breaks=(pause,)))], restock=Restock(2))
    before = by_hand(problem, [job], 0)
    assert kinds(before) == ["restock", "break", "J"]
    again = planned(replace(problem, published=before, frozen_until=5 * HOUR), 20)
    assert kinds(again) == kinds(before)


def test_a_published_trip_stays_on_the_only_way_there_is() -> None:
    way = row().durations_s.copy()
    way[1, 4] = UNREACHABLE  # but by way of the depot
    jobs = [visit("J", 1), visit("K", 4)]
    problem = day(jobs, restock=Restock(2), travel={"car": Travel(way, row().distances_m)})
    before = by_hand(problem, jobs, 1)
    again = planned(replace(problem, published=before, frozen_until=7 * HOUR), 20)
    assert kinds(again) == ["J", "restock", "K"]


@pytest.mark.parametrize("block", range(6))
def test_random_plans_with_trips_are_taken_up_and_kept(block: int) -> None:
    """A valid published plan, frozen in part: the new one breaks no rule."""
    trips = 0
    for seed in range(block * 40, block * 40 + 40):
        problem, plan = solved_problem(seed, 3, 9)
        if problem.restock is None:
            continue
        starts = sorted(s.start or 0 for route in plan.routes for s in route.steps if s.job)
        line = starts[len(starts) // 2] if starts else 0
        problem = replace(problem, published=plan, frozen_until=line)
        again = solve_with_search(problem, Stop(iterations=15), seed=seed)
        assert check(problem, again).violations == (), seed
        trips += sum(step.type == "restock" for route in again.routes for step in route.steps)
    assert trips > 0
