from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clocks import ArrivalClock, require_aware

ZONES = ["UTC", "America/Santiago", "Asia/Shanghai", "Europe/Berlin", "Asia/Kathmandu"]
instants = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001  hypothesis adds the zone
    max_value=datetime(2035, 1, 1),  # noqa: DTZ001
    allow_imaginary=False,
    timezones=st.sampled_from([ZoneInfo(name) for name in ZONES]),
)


def slow_due(reported_at: datetime, hours: int) -> datetime:
    """Wait out one minute after the other on a clock that shows UTC."""
    moment = reported_at.astimezone(UTC)
    for _ in range(hours * 60):
        moment += timedelta(minutes=1)
    return moment


@given(instants, st.integers(0, 100))
def test_a_clock_counts_elapsed_hours_through_nights_and_changes_of_summer_time(
    reported_at: datetime, hours: int
) -> None:
    assert ArrivalClock.start(reported_at, hours).due_at == slow_due(reported_at, hours)


@given(instants, st.integers(1, 100), st.integers(-300_000, 300_000))
def test_slack_is_what_is_left_and_decides_whether_an_arrival_is_in_time(
    reported_at: datetime, hours: int, offset_s: int
) -> None:
    clock = ArrivalClock.start(reported_at, hours)
    arrival = clock.due_at + timedelta(seconds=offset_s)
    assert clock.slack_s(arrival) == -offset_s
    assert clock.in_time(arrival) == (offset_s <= 0)
    assert clock.elapsed_s(arrival) == hours * 3600 + offset_s


def test_a_clock_runs_on_when_the_clocks_on_the_wall_are_put_forward() -> None:
    reported = datetime(2026, 9, 5, 12, 0, tzinfo=ZoneInfo("America/Santiago"))
    due = ArrivalClock.start(reported, 24).due_at.astimezone(ZoneInfo("America/Santiago"))
    assert due.isoformat() == "2026-09-06T13:00:00-03:00"


def test_a_naive_instant_is_refused() -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001  what is refused
    with pytest.raises(ValueError, match="reported_at must carry its offset"):
        ArrivalClock.start(naive, 24)
    with pytest.raises(ValueError, match="must carry its offset"):
        require_aware(naive)


def test_a_clock_cannot_be_due_before_its_report() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="lies before reported_at"):
        ArrivalClock(now, now - timedelta(seconds=1))
    with pytest.raises(ValueError, match="must not be negative"):
        ArrivalClock.start(now, -1)


def test_instants_are_kept_in_utc_whatever_offset_they_came_with() -> None:
    reported = datetime(2026, 1, 1, 8, tzinfo=timezone(timedelta(hours=8)))
    assert ArrivalClock.start(reported, 1).reported_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert ArrivalClock.start(reported, 1).reported_at.utcoffset() == timedelta()
