"""The demo day is alive whenever it starts, and always the same for a seed and a moment."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from network.demo import DemoDay, DemoRegion, make_demo_day

ZONE = ZoneInfo("America/Santiago")

# Every kind of moment: night, morning, noon, evening, on a weekday, a Saturday, a Sunday; and
# what day is planned then.
MOMENTS = {
    "Tue 00:10": ("2026-11-24T00:10", "2026-11-24"),
    "Tue 07:00": ("2026-11-24T07:00", "2026-11-24"),
    "Tue 12:00": ("2026-11-24T12:00", "2026-11-24"),
    "Tue 16:00": ("2026-11-24T16:00", "2026-11-25"),
    "Tue 23:30": ("2026-11-24T23:30", "2026-11-25"),
    "Fri 22:00": ("2026-11-27T22:00", "2026-11-28"),
    "Sat 16:00": ("2026-11-28T16:00", "2026-11-28"),
    "Sat 23:30": ("2026-11-28T23:30", "2026-11-30"),
    "Sun 09:00": ("2026-11-29T09:00", "2026-11-30"),
    "Sun 21:00": ("2026-11-29T21:00", "2026-11-30"),
    "clocks change": ("2026-09-06T03:00", "2026-09-07"),
}


@pytest.fixture(scope="module", params=MOMENTS)
def made(request: pytest.FixtureRequest, demo_region: DemoRegion) -> tuple[DemoDay, str]:
    moment, expected = MOMENTS[request.param]
    now = datetime.fromisoformat(moment).replace(tzinfo=ZONE)
    return make_demo_day(demo_region, now), expected


@pytest.fixture(scope="module")
def noon(demo_region: DemoRegion) -> DemoDay:
    return make_demo_day(demo_region, datetime(2026, 11, 24, 12, tzinfo=ZONE))


def test_the_day_planned_is_a_working_day_with_time_left(made: tuple[DemoDay, str]) -> None:
    day, expected = made
    assert day.day.isoformat() == expected
    on_day = [shift for shift in day.shifts if shift.day == day.day]
    assert len(on_day) >= 20
    assert all(shift.end > day.now for shift in day.shifts)
    # Two working days follow: room for what has 72 hours.
    assert len({shift.day for shift in day.shifts if shift.day > day.day and not shift.duty}) == 2


def test_open_faults_were_reported_in_the_last_three_days(made: tuple[DemoDay, str]) -> None:
    day, _ = made
    reports = [fault.reported_at for fault in day.faults]
    assert len(reports) == 300
    assert reports == sorted(reports)
    assert reports[0] >= day.now - timedelta(hours=72)
    assert reports[-1] <= day.now
    assert day.now - reports[-1] < timedelta(hours=12)
    assert [fault.id for fault in day.faults[:2]] == ["F0001", "F0002"]


def test_fifteen_percent_are_urgent_and_can_still_be_reached(made: tuple[DemoDay, str]) -> None:
    day, _ = made
    urgent = [fault for fault in day.faults if fault.urgent]
    assert len(urgent) == 45
    reachable = [
        any(max(day.now, shift.start) + timedelta(hours=2) < fault.due for shift in day.shifts)
        for fault in urgent
    ]
    assert np.mean(reachable) > 0.9
    for fault in day.faults:
        assert fault.due - fault.reported_at == timedelta(hours=24 if fault.urgent else 72)
        assert fault.due > day.now
        assert fault.kind.urgent == fault.urgent


def test_a_third_have_an_appointment_before_they_are_due(made: tuple[DemoDay, str]) -> None:
    day, _ = made
    windows = [fault.appointment for fault in day.faults if fault.appointment]
    assert 0.25 < len(windows) / 300 < 0.4
    for fault in day.faults:
        if fault.appointment is None:
            continue
        start, end = fault.appointment
        assert not fault.urgent
        assert day.now < start < end <= fault.due
        assert time(9) <= start.astimezone(ZONE).time() < end.astimezone(ZONE).time() <= time(20)
        assert start.astimezone(ZONE).weekday() != 6


def test_faults_to_come_are_in_the_next_day(made: tuple[DemoDay, str]) -> None:
    day, _ = made
    assert len(day.upcoming) == 60
    assert all(
        day.now <= fault.reported_at <= day.now + timedelta(days=1) for fault in day.upcoming
    )
    assert not {fault.id for fault in day.upcoming} & {fault.id for fault in day.faults}


def test_each_fault_says_who_where_what_and_how_long(noon: DemoDay) -> None:
    for fault in noon.faults:
        assert re.fullmatch(r"\+5690\d{7}", fault.phone)
        assert len(fault.consumer.split()) == 3
        assert fault.kind.text_en
        assert fault.kind.text_zh
        assert fault.service_s % 300 == 0
        assert 15 * 60 <= fault.service_s <= 90 * 60
        assert fault.place == fault.address.place
    assert {fault.channel for fault in noon.faults} == {"phone", "web", "walk-in", "api"}


def test_the_work_fits_the_people(noon: DemoDay) -> None:
    work_s = sum(fault.service_s for fault in noon.faults)
    assert 0.5 < work_s / (40 * 7 * 3600) < 0.85, "service alone leaves room for driving"


def test_an_equal_seed_and_moment_make_an_equal_day(demo_region: DemoRegion, noon: DemoDay) -> None:
    # The same instant in another zone is the same moment.
    assert make_demo_day(demo_region, noon.now) == noon
    other = make_demo_day(demo_region, noon.now, seed=2)
    assert other.faults != noon.faults
    assert other.technicians != noon.technicians


def test_the_firm_stays_the_same_from_day_to_day(demo_region: DemoRegion, noon: DemoDay) -> None:
    later = make_demo_day(demo_region, noon.now + timedelta(days=30))
    assert later.outlets == noon.outlets
    firm = [(t.id, t.name, t.outlet, t.skills) for t in noon.technicians]
    assert [(t.id, t.name, t.outlet, t.skills) for t in later.technicians] == firm


def test_size_is_an_argument(demo_region: DemoRegion, noon: DemoDay) -> None:
    small = make_demo_day(demo_region, noon.now, faults=20, technicians=8)
    assert len(small.faults) == 20
    assert len(small.technicians) == 8


def test_a_naive_moment_and_too_small_a_firm_are_refused(demo_region: DemoRegion) -> None:
    with pytest.raises(ValueError, match="aware"):
        make_demo_day(demo_region, datetime(2026, 11, 24, 12))  # noqa: DTZ001  # the point of it
    with pytest.raises(ValueError, match="at least"):
        make_demo_day(demo_region, datetime(2026, 11, 24, tzinfo=ZONE), technicians=3)
