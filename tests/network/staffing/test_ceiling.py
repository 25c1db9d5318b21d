"""The structural ceiling: what nobody at work at the time cannot reach."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from network.simulate import read_scenario
from network.staffing import Intensity, ceilings, reachable_share
from tests.network.simulate.conftest import small

HOUR, WEEK_H = 3600, 168


def _even(hours: int) -> Intensity:
    return Intensity(np.array([0, hours * HOUR]), np.array([1.0]))


def closed_on_sundays(**more: Any) -> dict[str, Any]:
    """Six days from 8 to 18, no overtime: 38 hours closed from Saturday evening to Monday."""
    raw = small()
    raw["days"], raw["warm_up_days"] = 14, 7
    raw["rosters"] = {
        "day": [{"weekdays": ["mon", "tue", "wed", "thu", "fri", "sat"],
                 "start": "08:00", "end": "18:00"}]
    }  # fmt: skip
    raw["timezone"] = "Asia/Shanghai"
    return {**raw, **more}


def test_an_outlet_closed_on_sundays_cannot_pass_91_7_per_cent() -> None:
    urgent, normal = ceilings(read_scenario(closed_on_sundays()))
    assert urgent.share == pytest.approx(1 - 14 / 168, abs=1e-12)
    assert normal.share == 1.0


def test_a_duty_roster_on_sundays_lifts_it_and_is_named_first() -> None:
    urgent, _ = ceilings(read_scenario(closed_on_sundays()))
    best = urgent.lifts[0]
    assert best.share == 1.0
    assert any("sun" in lift.what and lift.share == 1.0 for lift in urgent.lifts)
    assert not any("tue" in lift.what for lift in urgent.lifts)


def test_a_holiday_costs_its_own_hours() -> None:
    # A Wednesday off: closed from Tuesday 18:00 to Thursday 8:00, again 14 hours too long.
    raw = closed_on_sundays(closed_dates=["2026-12-02"])
    urgent, _ = ceilings(read_scenario(raw))
    assert urgent.share == pytest.approx(1 - 3 * 14 / (2 * 168), abs=1e-12)
    assert any("closed dates" in lift.what for lift in urgent.lifts)


def test_a_neighbour_that_is_open_lifts_an_outlet_that_is_not() -> None:
    raw = closed_on_sundays()
    raw["rosters"]["always"] = [
        {"weekdays": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
         "start": "08:00", "end": "18:00"}
    ]  # fmt: skip
    raw["technicians"][1]["roster"] = "always"
    urgent, _ = ceilings(read_scenario(raw))
    assert urgent.by_outlet["o1"] == pytest.approx(1 - 14 / 168)
    assert urgent.by_outlet["o2"] == urgent.share == 1.0
    assert "neighbour" in urgent.lifts[0].what


def test_a_skill_that_nobody_on_duty_holds_counts_as_closed() -> None:
    raw = closed_on_sundays()
    duty = {"weekdays": ["sun"], "start": "09:00", "end": "17:00"}
    raw["rosters"] = {"day": raw["rosters"]["day"], "duty": [*raw["rosters"]["day"], duty]}
    raw["technicians"][0]["skills"] = {"fridge": 2}
    raw["technicians"][0]["roster"] = "duty"  # only those who cannot do washers work on Sundays
    urgent, _ = ceilings(read_scenario(raw))
    assert urgent.share == pytest.approx(1 - 14 / 168)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), min_size=0, max_size=6),
    st.integers(1, 30),
)
def test_it_is_what_asking_every_minute_says(spans: list[tuple[int, int]], clock_h: int) -> None:
    windows = [(start * HOUR, (start + length) * HOUR) for start, length in spans]
    share = reachable_share(windows, clock_h * HOUR, 0, 48 * HOUR, _even(48))
    asked = np.arange(0, 48 * 60) * 60 + 30
    reached = np.zeros(len(asked), bool)
    for start, end in windows:
        reached |= (start <= asked + clock_h * HOUR) & (end >= asked)
    assert share == pytest.approx(reached.mean(), abs=1e-9)
