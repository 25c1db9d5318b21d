from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from domain.clocks.calls import Call, call_report, percentile

RING = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


def call(menu: int | None, answer: int | None) -> Call:
    at = [None if s is None else RING + timedelta(seconds=s) for s in (menu, answer)]
    return Call(RING, at[0], at[1], RING + timedelta(seconds=600))


def test_replaying_a_call_log_gives_the_same_percentiles_in_any_order() -> None:
    log = [call(5, 5 + n) for n in range(1, 100)] + [call(5, None)]
    told = call_report(log, target_s=30)
    again = list(log)
    random.Random(1).shuffle(again)
    assert call_report(again, target_s=30) == told
    assert (told.calls, told.answered, told.abandoned) == (100, 99, 1)
    assert (told.p50_s, told.p90_s, told.p95_s, told.longest_s) == (55, 95, 100, 104)
    assert told.p90_after_menu_s == 90
    assert told.in_target == 25


def test_without_a_policy_nothing_is_in_or_out_of_target() -> None:
    told = call_report([call(None, 12)], None)
    assert (told.p50_s, told.target_s, told.in_target) == (12, None, None)


def test_an_empty_log_has_no_percentiles() -> None:
    assert call_report([], 20).p95_s is None


def test_instants_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="answered_at lies before menu_at"):
        call(20, 10)


@pytest.mark.parametrize("percent", [0, 101])
def test_a_percentile_needs_a_percent(percent: int) -> None:
    with pytest.raises(ValueError, match="percent"):
        percentile([1], percent)
