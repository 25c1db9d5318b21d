"""A dispatcher's own edits: shown with what they do and break, done when they break nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from optimizer import Job, Problem, check
from optimizer.desk import Desk, EditReport, NoRepair, StaleOffer
from tests.optimizer.desk.test_offers import goals_of
from tests.optimizer.search.small import HOUR, day, person, planned, shift, visit

JOBS = [
    visit("near", 1),
    visit("far", 6),
    visit("promised", 3, time_windows=((HOUR, 2 * HOUR),)),
    visit("hard", 2, skills={"gas": 1}),
]


def _problem(*jobs: Job) -> Problem:
    people = [person("A", skills={"gas": 1}), person("B"), person("C", shift(end=2 * HOUR))]
    return day([*JOBS, *jobs], people)


def _desk(*jobs: Job, now_s: int = 0) -> Desk:
    problem = _problem(*jobs)
    return Desk(problem, planned(problem), now_s=now_s)


def _who(desk: Desk, job: str) -> str:
    return next(route.technician for route in desk.plan.routes if job in route.jobs)


def _assert_does_what_it_said(
    desk: Desk, report: EditReport, before: dict[str, int | float]
) -> None:
    told = check(desk.problem, desk.plan)
    assert told.valid
    now = goals_of(desk.problem, desk.plan)
    assert {name: now[name] - before[name] for name in now} == dict(report.effect)


@pytest.mark.parametrize("job", ["near", "far", "promised"])
def test_a_visit_moves_to_whom_the_dispatcher_names(job: str) -> None:
    desk = _desk()
    before, other = goals_of(desk.problem, desk.plan), "B" if _who(desk, job) == "A" else "A"
    report = desk.move(desk.jobs[job], other)
    assert _who(desk, job) != other, "nothing has changed yet"
    assert report.violations == ()
    assert (job, other) in {(move.job, move.new_technician) for move in report.moves}
    report.apply()
    assert _who(desk, job) == other
    _assert_does_what_it_said(desk, report, before)


def test_a_position_is_kept_to() -> None:
    desk = _desk()
    for job in ("near", "far"):
        desk.move(desk.jobs[job], "B").apply()
    others = [name for r in desk.plan.routes if r.technician == "B" for name in r.jobs]
    last = len(others) - 1
    desk.move(desk.jobs[others[0]], "B", position=last).apply()
    now = [name for r in desk.plan.routes if r.technician == "B" for name in r.jobs]
    assert now[last] == others[0]


def test_an_edit_that_breaks_rules_says_which_and_is_refused() -> None:
    desk = _desk()
    shown = desk.move(desk.jobs["hard"], "B")
    assert [broken.rule for broken in shown.violations] == ["skills"]
    with pytest.raises(NoRepair, match="skills"):
        shown.apply()
    assert _who(desk, "hard") == "A"
    late = desk.move(replace(desk.jobs["far"], service_s=2 * HOUR), "C")
    assert "shift" in {broken.rule for broken in late.violations}


def test_a_job_left_out_is_put_back_by_hand() -> None:
    desk = _desk()
    before = goals_of(desk.problem, desk.plan)
    job = desk.jobs["far"]
    gone = desk.without("far")
    assert gone.violations == () and gone.effect["travel"] < 0
    gone.apply()
    assert "far" not in desk.jobs
    back = desk.move(job, "B")
    back.apply()
    assert _who(desk, "far") == "B"
    assert goals_of(desk.problem, desk.plan)["dropped"] == before["dropped"]


def test_a_pinned_visit_stays_with_its_technician_until_it_is_let_go() -> None:
    desk = _desk()
    who = _who(desk, "near")
    other = "B" if who == "A" else "A"
    desk.pin("near").apply()
    assert "pinned" in {broken.rule for broken in desk.move(desk.jobs["near"], other).violations}
    desk.pin("near", pinned=False).apply()
    assert desk.move(desk.jobs["near"], other).violations == ()


def test_what_has_begun_and_who_is_unknown_is_refused() -> None:
    desk = _desk(now_s=HOUR)
    begun = next(route.jobs[0] for route in desk.plan.routes)
    with pytest.raises(ValueError, match="begun"):
        desk.move(desk.jobs[begun], "B")
    with pytest.raises(ValueError, match="no shift"):
        _desk().move(JOBS[0], "nobody")
    crew = visit("crew", 1, crew=2)
    with pytest.raises(ValueError, match="alone"):
        _desk(crew).move(crew, "A")


def test_an_edit_of_a_plan_that_has_moved_on_is_stale() -> None:
    desk = _desk()
    one, two = desk.move(desk.jobs["far"], "B"), desk.move(desk.jobs["near"], "B")
    two.apply()
    with pytest.raises(StaleOffer):
        one.apply()
