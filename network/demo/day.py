"""A day at the demo firm: who works, and the faults of the last three days that are still open.

Everything hangs on ``now``, so that the demo is alive whenever it starts. The day planned is
today while half of its working time is left, otherwise the next working day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np

from domain.places import Place
from network.demo.catalogue import BRANDS, FAULTS, FaultKind
from network.demo.demand import Address, FrontDoors
from network.demo.network_file import read_streets, read_zones
from network.demo.region import DemoRegion
from network.demo.staff import (
    DemoOutlet,
    DemoShift,
    DemoTechnician,
    choose_outlets,
    hire_technicians,
    person_name,
    shifts_between,
    synthetic_phone,
)

Channel = Literal["phone", "web", "walk-in", "api"]

_CHANNELS: tuple[Channel, ...] = ("phone", "web", "walk-in", "api")
_CHANNEL_SHARES = (0.5, 0.3, 0.08, 0.12)
URGENT_SHARE = 0.15
_APPOINTMENT_SHARE = 0.35
_UPCOMING_SHARE = 0.2
_RESIDENTS = 3_000
_SUNDAY = 6

_URGENT_DUE = timedelta(hours=24)
_NORMAL_DUE = timedelta(hours=72)
_URGENT_AGE = timedelta(hours=20)
_NORMAL_AGE = timedelta(hours=60)
_FALLBACK_AGE = timedelta(hours=6)
_REACHABLE_MARGIN = timedelta(hours=3)
_SOON = timedelta(hours=20)

# Reports by local hour: few at night, most in the morning and after work.
HOURLY = np.array([1, 1, 1, 1, 1, 2, 4, 8, 14, 18, 18, 16, 13, 11, 11, 12, 13, 14, 15, 14, 11, 8,
                    4, 2], dtype=np.float64)  # fmt: skip
_FADING_DAYS = 1.5
_HALF = 0.5

_SLOTS = ((time(9), time(12)), (time(12), time(15)), (time(15), time(18)), (time(17), time(19, 30)))


@dataclass(frozen=True, slots=True)
class DemoFault:
    """A fault as a consumer reported it, with what triage would need.

    Parameters
    ----------
    id
        ``F0001`` and so on, in the order of the reports.
    reported_at, due
        Aware UTC; due is 24 h after the report when urgent, 72 h otherwise.
    urgent
        As the firm's rule has it.
    kind
        Product, fault, texts, skills, certificates, parts.
    brand
        An invented make.
    channel
        By which door it came in.
    consumer, phone
        Invented; the number's range is not handed out.
    address
        Real street, synthetic number (see :func:`network.demo.demand.draw_addresses`).
    service_s
        Estimated time at the door.
    appointment
        Window agreed with the consumer for the start of service, aware UTC; None for most.
    """

    id: str
    reported_at: datetime
    due: datetime
    urgent: bool
    kind: FaultKind
    brand: str
    channel: Channel
    consumer: str
    phone: str
    address: Address
    service_s: int
    appointment: tuple[datetime, datetime] | None

    @property
    def place(self) -> Place:
        """The front door."""
        return self.address.place


@dataclass(frozen=True, slots=True)
class DemoDay:
    """What there is to plan.

    Parameters
    ----------
    now
        The moment it was made for, UTC.
    timezone
        IANA zone of the region.
    day
        Local day to plan.
    shifts
        Of every technician from today to two working days after ``day``; those of ``day`` first
        of all, and Sunday's duty in between.
    faults
        Open at ``now``, oldest first.
    upcoming
        Reported in the 24 hours after ``now``: the stream that keeps a running demo busy.
    """

    now: datetime
    timezone: str
    day: date
    outlets: tuple[DemoOutlet, ...]
    technicians: tuple[DemoTechnician, ...]
    shifts: tuple[DemoShift, ...]
    faults: tuple[DemoFault, ...]
    upcoming: tuple[DemoFault, ...]


def make_demo_day(
    region: DemoRegion, now: datetime, seed: int = 1, faults: int = 300, technicians: int = 40
) -> DemoDay:
    """Make the demo day that ``now`` falls in, or the next one when little is left of it.

    Parameters
    ----------
    region
        From :func:`network.demo.ensure_demo_region`.
    now
        An aware datetime.
    seed
        Equal seed and ``now``, equal day. Outlets and technicians do not change with ``now``,
        but for the dates of their certificates.
    faults, technicians
        Numbers of open faults (at least 1) and of technicians (at least 6).

    Raises
    ------
    ValueError
        When ``now`` is naive, or a number too small.
    """
    if now.tzinfo is None or now.utcoffset() is None:
        raise ValueError("now: expected an aware datetime")
    if faults < 1 or technicians < 6:
        raise ValueError("faults, technicians: at least 1 and 6")
    now = now.astimezone(UTC).replace(microsecond=0)
    zone = ZoneInfo(region.timezone)
    today = now.astimezone(zone).date()
    streets = read_streets(region.database)
    doors = FrontDoors(streets, read_zones(region.database))

    firm_rng, fault_rng = np.random.default_rng([seed, 0]), np.random.default_rng([seed, 1])
    residents = doors.draw(_RESIDENTS, firm_rng)
    outlets = choose_outlets(streets, residents)
    staff = hire_technicians(outlets, residents, technicians, today, firm_rng)
    roster = shifts_between(staff, today, today + timedelta(days=7), region.timezone)
    day = planned_day(roster, now)
    last = _working_days(day)[2]
    kept = [shift for shift in roster if shift.end > now and shift.day <= last]

    upcoming = round(_UPCOMING_SHARE * faults)
    addresses = doors.draw(faults + upcoming, fault_rng)
    first_start = max(now, min(shift.start for shift in kept if shift.day == day))
    evening = None
    if day == today and _left_share(roster, day, now) < _HALF:
        morning, following = (
            min(shift.start for shift in roster if shift.day == which)
            for which in _working_days(day)[:2]
        )
        evening = _Evening(morning, following)
    clock = _Clock(now, first_start, day, zone, evening)
    return DemoDay(
        now=now,
        timezone=region.timezone,
        day=day,
        outlets=tuple(outlets),
        technicians=tuple(staff),
        shifts=tuple(kept),
        faults=_report(addresses[:faults], clock, fault_rng, first_number=1),
        upcoming=_report(
            addresses[faults:], clock, fault_rng, first_number=faults + 1, after_now=True
        ),
    )


def planned_day(shifts: Sequence[DemoShift], now: datetime) -> date:
    """The working day to plan at ``now``.

    Today while half of its working time is left; past that the next working day, unless that is
    far off (a Saturday afternoon): then today to its end.
    """
    days = sorted({shift.day for shift in shifts if not shift.duty})
    for day, following in pairwise(days):
        left = _left_share(shifts, day, now)
        next_start = min(shift.start for shift in shifts if shift.day == following)
        if left >= _HALF or (left > 0 and next_start - now > _SOON):
            return day
    raise ValueError("shifts: none ends after now")


def _left_share(shifts: Sequence[DemoShift], day: date, now: datetime) -> float:
    """The share of a day's working time that is still ahead."""
    own = [shift for shift in shifts if shift.day == day]
    whole_s = sum((shift.end - shift.start).total_seconds() for shift in own)
    left_s = sum(max(0.0, (shift.end - max(now, shift.start)).total_seconds()) for shift in own)
    return left_s / whole_s


@dataclass(frozen=True, slots=True)
class _Evening:
    """The end of the last working day before a day off.

    What was urgent when the day began has been seen to, and so has what is due before the next
    working day: a firm looks ahead to its day off.
    """

    morning: datetime
    following: datetime


@dataclass(frozen=True, slots=True)
class _Clock:
    """The moments that reports are dated by: now, and when the day planned gets going."""

    now: datetime
    first_start: datetime
    day: date
    zone: ZoneInfo
    evening: _Evening | None

    def report_span(self, urgent: bool) -> tuple[datetime, datetime]:
        """Earliest and latest report of an open fault that can still be reached in time."""
        due, age = (_URGENT_DUE, _URGENT_AGE) if urgent else (_NORMAL_DUE, _NORMAL_AGE)
        earliest = max(self.now - age, self.first_start + _REACHABLE_MARGIN - due)
        if self.evening is not None:
            served = self.evening.following + _REACHABLE_MARGIN - due
            earliest = max(earliest, self.evening.morning if urgent else served)
        # Before a day off nothing that waits for the day planned is in time: duty must serve it.
        if earliest > self.now - timedelta(hours=1):
            earliest = self.now - _FALLBACK_AGE
        return earliest, self.now


def _report(
    addresses: Sequence[Address],
    clock: _Clock,
    rng: np.random.Generator,
    first_number: int,
    after_now: bool = False,
) -> tuple[DemoFault, ...]:
    count = len(addresses)
    urgent = np.arange(count) < round(URGENT_SHARE * count)
    reports = []
    for is_urgent, address in zip(urgent.tolist(), addresses, strict=True):
        span = clock.report_span(is_urgent)
        if after_now:
            span = (clock.now, clock.now + timedelta(days=1))
        reports.append((_draw_report(span, clock.zone, rng), is_urgent, address))
    # By time, not by urgency; the street breaks ties so that the order is the seed's alone.
    reports.sort(key=lambda report: (report[0], str(report[2])))

    wanted = set(rng.permutation(count)[: round(_APPOINTMENT_SHARE / (1 - URGENT_SHARE) * count)])
    faults = []
    for index, (reported_at, is_urgent, address) in enumerate(reports):
        kinds = [kind for kind in FAULTS if kind.urgent == is_urgent]
        shares = np.array([kind.share for kind in kinds])
        kind = kinds[int(rng.choice(len(kinds), p=shares / shares.sum()))]
        due = reported_at + (_URGENT_DUE if is_urgent else _NORMAL_DUE)
        appointment = None
        if index in wanted and not is_urgent and not after_now:
            appointment = _draw_appointment(clock, due, rng)
        faults.append(
            DemoFault(
                id=f"F{first_number + index:04d}",
                reported_at=reported_at,
                due=due,
                urgent=is_urgent,
                kind=kind,
                brand=BRANDS[int(rng.integers(len(BRANDS)))],
                channel=_CHANNELS[int(rng.choice(len(_CHANNELS), p=_CHANNEL_SHARES))],
                consumer=person_name(rng),
                phone=synthetic_phone(rng),
                address=address,
                # To five minutes, as a desk would estimate.
                service_s=300 * round(kind.service_s * float(rng.uniform(0.8, 1.3)) / 300),
                appointment=appointment,
            )
        )
    return tuple(faults)


def _draw_report(
    span: tuple[datetime, datetime], zone: ZoneInfo, rng: np.random.Generator
) -> datetime:
    minutes = np.arange(1, max(2, int((span[1] - span[0]).total_seconds()) // 60))
    hours = np.array([(span[1] - timedelta(minutes=int(m))).astimezone(zone).hour
                      for m in minutes[::60]])  # fmt: skip
    # What was reported long ago has mostly been done: the older, the fewer are open.
    weights = HOURLY[np.repeat(hours, 60)[: len(minutes)]]
    weights = weights * np.exp(-minutes / (24 * 60 * _FADING_DAYS))
    age = int(rng.choice(minutes, p=weights / weights.sum()))
    return span[1] - timedelta(minutes=age, seconds=int(rng.integers(60)))


def _draw_appointment(
    clock: _Clock, due: datetime, rng: np.random.Generator
) -> tuple[datetime, datetime] | None:
    following = _working_days(clock.day)[1]
    day = clock.day if rng.random() < 0.85 else following
    windows = []
    for start, end in _SLOTS:
        window_start = datetime.combine(day, start, clock.zone).astimezone(UTC)
        window_end = datetime.combine(day, end, clock.zone).astimezone(UTC)
        if window_start > clock.now and window_end <= due:
            windows.append((window_start, window_end))
    return windows[int(rng.integers(len(windows)))] if windows else None


def _working_days(first: date) -> list[date]:
    days = [first + timedelta(days=offset) for offset in range(4)]
    return [day for day in days if day.weekday() != _SUNDAY]
