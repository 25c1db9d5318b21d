from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.fairness import LEAST_COLLEAGUES, MEASURES, Work, evenness, figures_of

FULL = 8 * 3600


def test_who_works_half_the_hours_has_half_the_jobs_and_the_fair_share() -> None:
    half = Work("half", FULL // 2, visits=2)
    outlet = [half, *(Work(str(n), FULL, visits=4) for n in range(3))]
    told = figures_of(half, outlet)["visits"]
    assert (told.own, told.colleagues) == (2, 3)
    assert told.share == told.fair_share == pytest.approx(1 / 7)
    assert told.colleagues_per_hour == pytest.approx(0.5)
    assert evenness(outlet)["visits"] == pytest.approx(1)


def test_one_on_whom_everything_falls_is_seen() -> None:
    outlet = [Work("all", FULL, urgent=9), *(Work(str(n), FULL) for n in range(3))]
    told = figures_of(outlet[0], outlet)["urgent"]
    assert (told.share, told.fair_share) == (1, 0.25)
    assert evenness(outlet)["urgent"] == pytest.approx(0.25)
    assert evenness(outlet)["travel_s"] is None


@given(st.lists(st.integers(0, 3), min_size=1, max_size=7))
def test_few_colleagues_are_not_told_of_and_those_off_shift_are_none(hours: list[int]) -> None:
    outlet = [Work(str(n), 3600 * one, visits=one) for n, one in enumerate(hours)]
    told = figures_of(outlet[0], outlet)
    others = sum(one > 0 for one in hours[1:])
    for measure in MEASURES:
        assert told[measure].colleagues == others
        shown = told[measure].colleagues_per_hour is not None
        assert shown == (others >= LEAST_COLLEAGUES)
        if not shown:
            assert told[measure].share is told[measure].fair_share is None
