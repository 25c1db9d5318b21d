"""The demo firm: outlets near people, a lawful roster, every trade covered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from network.demo import DemoDay, DemoRegion, make_demo_day
from network.demo.catalogue import CERTIFICATES, FAULTS, SKILLS, FaultKind
from network.demo.network_file import Street
from network.demo.staff import DemoTechnician, duty_crew, shifts_between
from network.roads.estimate import haversine_m

ZONE = ZoneInfo("America/Santiago")
MONDAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def day(demo_region: DemoRegion) -> DemoDay:
    return make_demo_day(demo_region, datetime(2026, 11, 24, 10, tzinfo=UTC))


def test_outlets_are_on_main_streets_within_reach_of_the_consumers(
    day: DemoDay, streets: list[Street]
) -> None:
    main = {street.name for street in streets if street.highway in ("primary", "secondary")}
    assert len(day.outlets) == 6
    assert {outlet.address.street for outlet in day.outlets} <= main
    homes = np.array([(fault.place.lat, fault.place.lon) for fault in day.faults])
    doors = np.array([(outlet.place.lat, outlet.place.lon) for outlet in day.outlets])
    nearest_m = haversine_m(homes[:, None, :], doors[None, :, :]).min(axis=1)
    assert np.median(nearest_m) < 2_500


def test_every_technician_is_somebody_with_a_home_outlet(day: DemoDay) -> None:
    assert len({technician.name for technician in day.technicians}) == 40
    heads = Counter(technician.outlet for technician in day.technicians)
    assert set(heads) == {outlet.id for outlet in day.outlets}
    assert min(heads.values()) >= 2


def test_every_kind_of_fault_has_several_who_can_repair_it(day: DemoDay) -> None:
    for kind in FAULTS:
        able = [
            technician
            for technician in day.technicians
            if all(technician.skills.get(skill, 0) >= level for skill, level in kind.skills)
            and {c.code for c in technician.certificates if c.valid_to >= day.day}
            >= set(kind.certificates)
        ]
        assert len(able) >= 3, kind


def test_skills_that_need_a_certificate_have_one_and_some_have_run_out(day: DemoDay) -> None:
    certificates = []
    for technician in day.technicians:
        codes = {certificate.code for certificate in technician.certificates}
        assert codes == {CERTIFICATES[s] for s in technician.skills if s in CERTIFICATES}
        assert set(technician.skills) <= set(SKILLS)
        assert set(technician.skills.values()) <= {1, 2, 3}
        certificates += technician.certificates
    expired = [certificate for certificate in certificates if certificate.valid_to < day.day]
    assert 1 <= len(expired) <= len(certificates) // 4


def test_a_week_is_42_hours_of_work_and_no_sunday_but_duty(day: DemoDay) -> None:
    week = shifts_between(day.technicians, MONDAY, MONDAY + timedelta(days=6), day.timezone)
    worked_s: Counter[str] = Counter()
    for shift in week:
        if not shift.duty:
            worked_s[shift.technician] += (shift.end - shift.start).total_seconds() - shift.lunch_s
        assert shift.duty == (shift.day.weekday() == 6)
        assert shift.start < shift.lunch_from < shift.lunch_until < shift.end
        assert shift.lunch_until - shift.lunch_from >= timedelta(seconds=shift.lunch_s)
    assert set(worked_s.values()) == {42 * 3600}
    assert len(worked_s) == 40
    assert sum(shift.duty for shift in week) == 8
    starts = {shift.start.astimezone(ZONE).hour for shift in week if not shift.duty}
    assert starts == {8, 10, 12}


def test_sunday_duty_goes_round(day: DemoDay) -> None:
    sunday = MONDAY + timedelta(days=6)
    on_duty = [
        {shift.technician for shift in shifts_between(day.technicians, own, own, day.timezone)}
        for own in (sunday, sunday + timedelta(days=7))
    ]
    assert not on_duty[0] & on_duty[1]


@pytest.mark.parametrize("week", range(5))
def test_every_sundays_crew_has_its_share_of_those_who_repair_each_urgent_fault(
    day: DemoDay, week: int
) -> None:
    sunday = MONDAY + timedelta(days=6 + 7 * week)
    crew = duty_crew(day.technicians, sunday)
    assert len({technician.id for technician in crew}) == 8

    def able(technicians: Sequence[DemoTechnician], kind: FaultKind) -> int:
        return sum(
            all(technician.skills.get(skill, 0) >= level for skill, level in kind.skills)
            and all(technician.stock.get(part, 0) for part in kind.parts)
            and {c.code for c in technician.certificates if c.valid_to >= sunday}
            >= set(kind.certificates)
            for technician in technicians
        )

    for kind in (kind for kind in FAULTS if kind.urgent):
        # Five crews: nobody is on duty two Sundays in a row.
        assert able(crew, kind) >= min(2, able(day.technicians, kind) // 5) >= 1, kind.code


def test_shifts_keep_to_the_clock_on_the_wall_when_it_changes(day: DemoDay) -> None:
    # Chile's clocks go forward in the night to 2026-09-06.
    before, after = (
        shifts_between(day.technicians[:1], own, own, day.timezone)[0]
        for own in (date(2026, 9, 5), date(2026, 9, 7))
    )
    assert before.start.astimezone(ZONE).time() == after.start.astimezone(ZONE).time()
    assert before.start.time() != after.start.time()
