from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.calendars import Calendar, CalendarError
from domain.clocks.allowance import Allowance, joined, paused_s
from domain.clocks.walking import due_days, due_elapsed
from domain.rules.keys import Unit

ZONES = ("Asia/Shanghai", "America/Santiago", "Europe/Berlin", "Australia/Lord_Howe")
# Around changes of the clocks in those zones, and over the new year.
STARTS = [datetime(2026, month, 20, tzinfo=UTC) for month in (3, 4, 9, 10, 12)]
minutes = st.integers(0, 14 * 24 * 60)
starts = st.builds(lambda day, n: day + timedelta(minutes=n), st.sampled_from(STARTS), minutes)


@st.composite
def pauses_after(draw: st.DrawFn, start: datetime) -> list[tuple[datetime, datetime | None]]:
    found: list[tuple[datetime, datetime | None]] = []
    for _ in range(draw(st.integers(0, 3))):
        began = start + timedelta(minutes=draw(st.integers(-60, 5 * 24 * 60)))
        length = draw(st.one_of(st.none(), st.integers(1, 3 * 24 * 60)))
        found.append((began, None if length is None else began + timedelta(minutes=length)))
    return found


@settings(max_examples=40, deadline=None)
@given(st.data(), starts, st.integers(1, 72))
def test_hours_elapse_as_the_minutes_do(data: st.DataObject, start: datetime, hours: int) -> None:
    pauses = data.draw(pauses_after(start))
    zone = data.draw(st.sampled_from(ZONES))
    found = Allowance(hours, Unit.HOURS).due(start.astimezone(ZoneInfo(zone)), joined(pauses))
    assert found == due_elapsed(start, hours * 60, pauses, 20 * 24 * 60)


@settings(max_examples=25, deadline=None)
@given(st.data(), starts, st.integers(1, 5), st.sampled_from(ZONES), st.booleans())
def test_days_and_working_days_count_as_a_walk_through_the_minutes_does(
    data: st.DataObject, start: datetime, days: int, zone: str, working: bool
) -> None:
    pauses = data.draw(pauses_after(start))
    ahead = [start.date() + timedelta(days=n) for n in range(-2, 40)]
    flags = data.draw(st.lists(st.booleans(), min_size=len(ahead), max_size=len(ahead)))
    odd = {day for day, flag in zip(ahead, flags, strict=True) if flag}
    weekend = {day for day in ahead if day.weekday() >= 5}
    calendar = Calendar("drawn", 2025, 2027, frozenset(odd - weekend), frozenset(odd & weekend))
    counts = {day: not working or (day in weekend) == (day in odd) for day in ahead}
    unit = Unit.WORKING_DAYS if working else Unit.DAYS
    found = Allowance(days, unit, zone, calendar).due(start, joined(pauses))
    if found is None:
        assert any(ended is None for _, ended in pauses)
        return
    if found - start < timedelta(days=18):
        assert found == due_days(start, days, zone, counts.__getitem__, pauses, 20 * 24 * 60)


@settings(max_examples=60, deadline=None)
@given(st.data(), starts)
def test_time_stood_is_counted_once_where_pauses_overlap(
    data: st.DataObject, start: datetime
) -> None:
    pauses = data.draw(pauses_after(start))
    at = start + timedelta(hours=30)
    walked = sum(
        any(began <= moment and (ended is None or moment < ended) for began, ended in pauses)
        for moment in (start + timedelta(minutes=n) for n in range(30 * 60))
    )
    assert paused_s(joined(pauses), start, at) == 60 * walked


def test_a_day_with_a_change_of_the_clocks_has_its_own_length() -> None:
    zone = ZoneInfo("Europe/Berlin")
    evening = datetime(2026, 3, 28, 20, 0, tzinfo=zone)
    assert Allowance(24, Unit.HOURS).due(evening) == datetime(2026, 3, 29, 21, 0, tzinfo=zone)
    assert Allowance(1, Unit.DAYS, "Europe/Berlin").due(evening) == datetime(
        2026, 3, 29, 23, 59, 59, tzinfo=zone
    )


def test_make_up_days_are_working_days() -> None:
    # 2026: off 1 to 3 January, and Sunday the 4th is worked for it.
    calendar = Calendar(
        "CN", 2026, 2026, frozenset({date(2026, 1, 1), date(2026, 1, 2)}), {date(2026, 1, 4)}
    )
    start = datetime(2026, 1, 1, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
    due = Allowance(1, Unit.WORKING_DAYS, "Asia/Shanghai", calendar).due(start)
    assert due == datetime(2026, 1, 4, 23, 59, 59, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert calendar.after(date(2026, 1, 1), 2) == date(2026, 1, 5)


def test_a_year_the_calendar_does_not_know_is_an_error_not_a_guess() -> None:
    calendar = Calendar("CN", 2026, 2026)
    with pytest.raises(CalendarError, match="covers 2026 to 2026"):
        calendar.after(date(2026, 12, 31), 1)


def test_a_unit_that_is_no_time_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot count months"):
        Allowance(1, Unit.MONTHS).due(datetime(2026, 1, 1, tzinfo=UTC))
