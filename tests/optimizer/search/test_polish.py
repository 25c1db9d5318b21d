"""The end polish: no single insertion or move that helps is left on the table."""

from __future__ import annotations

import random

from optimizer.problem import Break, Job, Problem
from optimizer.timetable import timetable
from tests.optimizer.search.small import HOUR, STEP_S, day, person, planned, shift, visit


def _problem(seed: int) -> Problem:
    """Two short days with a break each and more visits than fit."""
    draw = random.Random(seed)
    jobs = [
        visit(
            f"J{k}", draw.randint(1, 6), service_s=draw.randint(600, 3600),
            setup_s=draw.choice((0, 600)), due=draw.choice((None, draw.randint(0, 4 * HOUR))),
            time_windows=draw.choice(((), ((HOUR, 3 * HOUR),))),
        )
        for k in range(9)
    ]  # fmt: skip
    pause = Break("lunch", ((2 * HOUR, 3 * HOUR),), 1800)
    people = [person(name, shift(end=5 * HOUR, breaks=(pause,))) for name in "AB"]
    return day(jobs, people, "dropped late travel")


def test_no_visit_that_is_left_out_has_a_place_on_any_route() -> None:
    left_out = tried = 0
    for seed in range(60):
        problem = _problem(seed)
        jobs = {job.id: job for job in problem.jobs}
        plan = planned(problem, 3, seed=seed)
        routes = {route.technician: [jobs[name] for name in route.jobs] for route in plan.routes}
        for entry in plan.unassigned:
            left_out += 1
            for who in problem.technicians:
                served = routes.get(who.id, [])
                for k in range(len(served) + 1):
                    longer = [*served[:k], jobs[entry.job], *served[k:]]
                    tried += 1
                    assert timetable(problem, who, who.shifts[0], longer).route is None, seed
    assert left_out > 30 and tried > 300


def test_no_single_move_makes_a_late_plan_more_punctual() -> None:
    late = 0
    for seed in range(100, 130):
        problem = _problem(seed)
        plan = planned(problem, 3, seed=seed)
        if not plan.goals["late"]:
            continue
        late += 1
        jobs = {job.id: job for job in problem.jobs}
        routes = {who.id: list[Job]() for who in problem.technicians}
        for route in plan.routes:
            routes[route.technician] = [jobs[name] for name in route.jobs]
        now = {
            who.id: timetable(problem, who, who.shifts[0], routes[who.id]).late
            for who in problem.technicians
        }
        for giver in problem.technicians:
            if not now[giver.id]:
                continue
            for job in routes[giver.id]:
                rest = [other for other in routes[giver.id] if other is not job]
                for taker in problem.technicians:
                    base = rest if taker is giver else routes[taker.id]
                    for k in range(len(base) + 1):
                        sequence = [*base[:k], job, *base[k:]]
                        after = timetable(problem, taker, taker.shifts[0], sequence)
                        if after.route is None:
                            continue
                        total = after.late
                        if taker is not giver:
                            total += timetable(problem, giver, giver.shifts[0], rest).late
                        before = now[giver.id] + (0 if taker is giver else now[taker.id])
                        assert total >= before, seed
    assert late > 5


def test_nothing_is_polished_where_nothing_is_missing() -> None:
    plan = planned(day([visit("J", 1)]), 5)
    assert plan.goals["travel"] == 2 * STEP_S
