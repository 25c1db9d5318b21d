"""The table of the desk's answers, on a day that is small enough to plan in no time."""

from __future__ import annotations

import argparse
import json

import pytest

from bench.__main__ import parser, tables
from bench.data import DataMissing
from bench.days import URGENT_BY_S, shape
from bench.live import (
    ASKED,
    COMMIT,
    DELAY,
    EJECTING,
    LOOKED,
    NOW_S,
    OUT,
    PRESSING,
    WITHIN_S,
    WITHOUT,
    Measured,
    drawn,
    live,
    measure,
    pressing,
)
from optimizer.formats import problem_from_json, problem_to_json


def options(*arguments: str) -> argparse.Namespace:
    return parser(list(tables())).parse_args(["live", *arguments])


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "breaks"])
def measured(request: pytest.FixtureRequest) -> Measured:
    found = Measured()
    measure(shape("clustered", "60x8x1d", breaks=request.param), 1, 200, found)
    return found


def test_every_question_is_asked_and_takes_time(measured: Measured) -> None:
    for name in (WITHOUT, EJECTING, PRESSING, COMMIT, DELAY, OUT):
        assert measured.times_ms[name], name
        assert min(measured.times_ms[name]) > 0


def test_visits_make_room_only_where_ejections_were_looked_for(measured: Measured) -> None:
    assert not any(offer.ejections for answer in measured.found[WITHOUT] for offer in answer)
    looked = measured.found[LOOKED]
    assert any(offer.ejections for answer in looked for offer in answer)
    for answer in (*measured.found[EJECTING], *measured.found[PRESSING]):
        assert answer in looked or not any(offer.ejections for offer in answer)


def test_every_effect_comes_true_and_no_plan_breaks_a_rule(measured: Measured) -> None:
    assert measured.kept_word
    assert all(measured.kept_word)
    assert [outcome.first_violation for outcome in measured.outcomes if outcome.violations] == []


def test_the_same_seeds_give_the_same_answers() -> None:
    form = shape("scattered", "20x3x1d")
    first, again = Measured(), Measured()
    for into in (first, again):
        measure(form, 2, 20, into)
    assert first.found == again.found
    assert first.out_moves == again.out_moves
    assert [o.goals for o in first.outcomes] == [o.goals for o in again.outcomes]


@pytest.mark.parametrize("breaks", [False, True])
def test_fresh_jobs_are_urgent_unplanned_and_at_places_of_the_problem(breaks: bool) -> None:
    problem, fresh = drawn(shape("clustered", "40x5x2d", breaks=breaks))
    assert len(problem.jobs) == 40
    assert len(fresh) == 8
    assert not {job.id for job in fresh} & {job.id for job in problem.jobs}
    assert not {job.location for job in fresh} & {job.location for job in problem.jobs}
    document = problem_to_json(problem)
    assert problem_to_json(problem_from_json(document)) == document
    for job in fresh:
        assert job.job_class == "urgent"
        assert (job.due or job.time_windows[0][1]) == URGENT_BY_S
        soon = pressing(job)
        assert (soon.due or soon.time_windows[0][1]) == NOW_S + WITHIN_S


def test_the_table_has_a_row_a_question_and_says_what_was_checked() -> None:
    report = live(
        options(
            "--instances", "clustered-20x3x1d", "--iterations", "20", "--seeds", "1", "--breaks"
        )
    )
    assert [row[1] for row in report.rows] == list(ASKED)
    assert {row[0] for row in report.rows} == {"clustered-20x3x1d-breaks"}
    text = report.to_markdown()
    for words in ("plans of 20 iterations", "process CPU time", "effect as claimed: 100 %"):
        assert words in text
    assert ": 0 violations." in text
    assert json.loads(report.to_json())["outcomes"]


@pytest.mark.parametrize("arguments", [["--roads", "demo"], ["--instances", "nowhere"]])
def test_what_cannot_be_measured_is_refused(arguments: list[str]) -> None:
    with pytest.raises((ValueError, DataMissing)):
        live(options(*arguments))
