"""A crew waits for the one who is late, where that is the cheapest repair."""

from __future__ import annotations

from dataclasses import replace

from optimizer import Job, Plan, Problem, check
from optimizer.desk import Desk
from optimizer.timetable import timetable
from tests.optimizer.explain.instances import plan_of
from tests.optimizer.search.small import HOUR, day, person, visit


def _crew_after_a_visit(**facts: object) -> tuple[Problem, Plan]:
    """A makes one visit, then lifts something heavy with B, who has nothing else to do."""
    alone = visit("alone", 1, drop_penalty=None, allowed=frozenset({"A"}))
    heavy = Job("heavy", 1, service_s=HOUR, crew=2, **facts)  # type: ignore[arg-type]
    people = [person("A"), person("B")]
    problem = day([alone, heavy], people)
    start = HOUR
    routes = [
        timetable(problem, people[0], people[0].shifts[0], [alone, heavy], {"heavy": start}).route,
        timetable(problem, people[1], people[1].shifts[0], [heavy], {"heavy": start}).route,
    ]
    plan = plan_of(problem, [route for route in routes if route is not None])
    assert check(problem, plan).valid
    return problem, plan


def _starts(plan: Plan, job: str) -> set[int | None]:
    return {step.start for route in plan.routes for step in route.steps if step.job == job}


def test_both_start_later_when_one_of_them_is_held_up() -> None:
    problem, plan = _crew_after_a_visit()
    desk = Desk(problem, plan, now_s=0)
    report = desk.delay("alone", HOUR)
    assert report.left_out == ()
    report.apply()
    assert check(desk.problem, desk.plan).valid
    assert _starts(desk.plan, "heavy") == {600 + HOUR // 2 + HOUR}
    people = {route.technician for route in desk.plan.routes if "heavy" in route.jobs}
    assert people == {"A", "B"}


def test_nobody_waits_beyond_a_promised_window() -> None:
    problem, plan = _crew_after_a_visit(time_windows=((HOUR, HOUR + 900),))
    desk = Desk(problem, plan, now_s=0)
    report = desk.delay("alone", HOUR)
    report.apply()
    told = check(desk.problem, desk.plan)
    assert told.valid
    assert all(start is not None and start <= HOUR + 900 for start in _starts(desk.plan, "heavy"))


def test_what_comes_after_a_late_visit_is_put_off_too() -> None:
    problem, _ = _crew_after_a_visit()
    then = visit("then", 2, after=("heavy",), drop_penalty=None)
    problem = replace(problem, jobs=(*problem.jobs, then))
    a, b = problem.technicians
    alone, heavy = problem.jobs[:2]
    routes = [
        timetable(problem, a, a.shifts[0], [alone, heavy], {"heavy": HOUR}).route,
        timetable(problem, b, b.shifts[0], [heavy, then], {"heavy": HOUR}).route,
    ]
    plan = plan_of(problem, [route for route in routes if route is not None])
    desk = Desk(problem, plan, now_s=0)
    report = desk.delay("alone", HOUR)
    report.apply()
    assert check(desk.problem, desk.plan).valid
    assert report.left_out == ()
