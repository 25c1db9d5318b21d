"""Half of a crew drops out or is late while the other half is under way already."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from optimizer import Plan, Problem, check
from optimizer.desk import Desk, NoRepair
from optimizer.problem import Job, Technician
from optimizer.timetable import timetable
from tests.optimizer.desk.test_offers import goals_of
from tests.optimizer.search.small import HOUR, day, person, shift, steps_of, visit

HEAVY = visit("heavy", 5, crew=2, service_s=HOUR)
BEFORE = visit("before", 5, service_s=HOUR)
BEHIND = visit("behind", 1)
ON_THE_WAY = HOUR + 600
"""B has left home for place 5, where A still works until the crew is complete at 6,600 s."""


def _desk(*others: Technician, begun: Collection[tuple[str, str]] = (), heavy: Job = HEAVY) -> Desk:
    """A serves `before` at place 5 and then `heavy` with B, who serves `behind` after it."""
    team = [person("A"), person("B"), *others]
    problem = day([BEFORE, heavy, BEHIND], team)
    return Desk(problem, _plan(problem, heavy), now_s=ON_THE_WAY, begun=begun)


def _plan(problem: Problem, heavy: Job) -> Plan:
    meet = {"heavy": 50 * 60 + HOUR}
    a, b = problem.technicians[:2]
    timed = (
        timetable(problem, a, a.shifts[0], [BEFORE, heavy], meet),
        timetable(problem, b, b.shifts[0], [heavy, BEHIND], meet),
    )
    return Plan(tuple(each.route for each in timed if each.route is not None))


def _people(plan: Plan) -> set[str]:
    assert len({step.start for _, step in steps_of(plan, "heavy")}) <= 1
    return {who for who, _ in steps_of(plan, "heavy")}


def _does_what_it_says(desk: Desk, effect: dict[str, int | float], before: object) -> None:
    now = goals_of(desk.problem, desk.plan)
    assert isinstance(before, dict)
    assert {name: now[name] - before[name] for name in now} == effect


def test_somebody_else_comes_in_the_same_second() -> None:
    desk = _desk(person("C", shift(start_location=4)))
    before = goals_of(desk.problem, desk.plan)
    report = desk.technician_out("A", 50 * 60)
    assert _people(desk.plan) == {"B", "C"}
    assert report.left_out == ()
    _does_what_it_says(desk, dict(report.effect), before)


def test_the_crew_comes_later_where_nobody_can_be_there_in_that_second() -> None:
    desk = _desk(person("C", shift(start=2 * HOUR)))
    before = goals_of(desk.problem, desk.plan)
    report = desk.technician_out("A", 50 * 60)
    assert _people(desk.plan) == {"B", "C"}
    assert steps_of(desk.plan, "heavy")[0][1].start >= 2 * HOUR + 50 * 60
    _does_what_it_says(desk, dict(report.effect), before)


def test_the_crew_is_called_off_where_nobody_can_come_and_the_other_half_turns_round() -> None:
    desk = _desk()
    before = goals_of(desk.problem, desk.plan)
    report = desk.technician_out("A", 50 * 60)
    assert "heavy" in report.left_out
    assert _people(desk.plan) == set()
    assert check(desk.problem, desk.plan).valid
    _does_what_it_says(desk, dict(report.effect), before)
    ((who, step),) = steps_of(desk.plan, "behind")
    driven = ON_THE_WAY - HOUR  # B left at 3,600 s, and is as far from home as that
    assert who == "B"
    assert step.arrival >= ON_THE_WAY + driven + 600


def test_a_half_that_is_known_to_have_begun_is_not_called_off_and_the_refusal_is_a_sentence() -> (
    None
):
    desk = _desk(begun={("heavy", "B")})
    plan = desk.plan
    with pytest.raises(NoRepair, match="the plan stays as it was, this would break crew at job"):
        desk.technician_out("A", 50 * 60)
    assert desk.plan == plan


def test_a_visit_that_the_one_who_is_out_drives_to_goes_to_somebody_else() -> None:
    desk = _desk(person("C"))
    desk.technician_out("B")
    assert _people(desk.plan) == {"A", "C"}


def test_the_other_half_waits_at_the_door_for_whoever_is_held_up() -> None:
    desk = _desk()
    before = goals_of(desk.problem, desk.plan)
    report = desk.delay("before", 1200)
    report.apply()
    assert report.left_out == ()
    assert _people(desk.plan) == {"A", "B"}
    assert steps_of(desk.plan, "heavy")[0][1].start == 50 * 60 + HOUR + 1200
    _does_what_it_says(desk, dict(report.repair_effect), before)
