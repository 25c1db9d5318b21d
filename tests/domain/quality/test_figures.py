from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.quality import Answer, RepairFacts, Share, repair_figures, survey_figures, trends

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def test_those_who_say_nothing_are_told_beside_those_who_answer() -> None:
    figures = survey_figures(10, [Answer(5, 10, True), Answer(4, 9, True), Answer(2, 0, False)])
    assert figures.answered == Share(3, 10)
    assert figures.satisfied == Share(2, 3)
    assert figures.satisfied_if_silent_are_not == Share(2, 10)
    assert figures.satisfied_if_silent_are == Share(9, 10)
    assert figures.net_promoter_score == 33


def test_more_answers_than_questions_is_an_error() -> None:
    with pytest.raises(ValueError, match="is no share"):
        survey_figures(0, [Answer(5, None, True)])


def test_conduct_is_counted_over_those_who_were_asked_about_it() -> None:
    answers = [Answer(5, None, True, {"clean": True}), Answer(5, None, True)]
    assert survey_figures(2, answers).conduct == {"clean": Share(1, 1)}


@given(st.integers(0, 50), st.integers(1, 50))
@example(0, 11)
def test_an_interval_holds_its_share(count: int, more: int) -> None:
    share = Share(count, count + more)
    low, high = share.interval()
    assert share.value is not None
    assert 0 <= low <= share.value <= high <= 1


def repair(job: str, visits: int = 1) -> RepairFacts:
    return RepairFacts(job, NOON - DAY, NOON, visits)


def test_one_visit_that_holds_is_a_first_fix_and_two_are_not() -> None:
    figures = repair_figures([repair("a"), repair("b", visits=2)], [], 30 * DAY, NOON + 40 * DAY)
    assert figures.first_fix == Share(1, 2)
    assert figures.fixed_first == ("a",)


@pytest.mark.parametrize(("days", "counts"), [(29, True), (30, True), (31, False)])
def test_a_fault_that_comes_back_within_the_days_is_a_repeat(days: int, counts: bool) -> None:
    reports = [("a", NOON + days * DAY)]
    figures = repair_figures([repair("a")], reports, 30 * DAY, NOON + 40 * DAY)
    assert figures.repeats == Share(int(counts), 1)
    assert figures.first_fix == Share(int(not counts), 1)


def test_work_whose_days_are_not_over_is_not_praised_yet() -> None:
    figures = repair_figures([repair("a")], [], 30 * DAY, NOON + 5 * DAY)
    assert (figures.undecided, figures.first_fix) == (1, Share(0, 0))


def test_what_is_reported_later_is_not_known_yet() -> None:
    reports = [("a", NOON + 6 * DAY)]
    figures = repair_figures([repair("a")], reports, 30 * DAY, NOON + 5 * DAY)
    assert figures.undecided == 1


def test_a_topic_that_really_grew_comes_first() -> None:
    found = trends(["late"] * 10 + ["fees"] * 2, ["late"] * 11 + ["fees"] * 15, 1000, 1000)
    assert [trend.topic for trend in found] == ["fees", "late"]
    assert found[0].chance < 0.01 < found[1].chance


def test_twice_the_work_explains_twice_the_complaints() -> None:
    assert trends(["late"] * 10, ["late"] * 20, 1000, 2000)[0].chance == pytest.approx(1)
