"""From a start and an allowance to a deadline: elapsed time, days, or working days, with pauses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.calendars import Calendar
from domain.rules.keys import Unit
from domain.rules.rulebook import Ruling

Pause = tuple[datetime, datetime | None]
"""From an instant to another; without an end the clock still stands."""

ELAPSED_S = {Unit.SECONDS: 1, Unit.HOURS: 3600}


@dataclass(frozen=True, slots=True)
class Allowance:
    """How long something may take.

    Seconds and hours elapse, nights and holidays included, whatever the clocks on walls do. Days
    and working days are whole days of the place's zone: the day of the start does not count, and
    the deadline is the end of the last one.

    Parameters
    ----------
    zone
        IANA name of the place's zone.
    calendar
        Needed for working days only.
    """

    amount: int
    unit: Unit
    zone: str = "UTC"
    calendar: Calendar | None = None

    @staticmethod
    def of(ruling: Ruling, zone: str, calendar: Calendar | None) -> Allowance:
        """The allowance that a clause gives."""
        return Allowance(ruling.number, ruling.unit, zone, calendar)

    def __str__(self) -> str:
        return f"{self.amount} {self.unit}".replace("_", " ")

    def due(self, start: datetime, pauses: Sequence[Pause] = ()) -> datetime | None:
        """The latest instant that is in time, or None while a pause has no end.

        Parameters
        ----------
        pauses
            In order and apart from each other, see `joined`.

        Raises
        ------
        CalendarError
            When working days are counted beyond the years that the calendar covers.
        ValueError
            When working days are counted without a calendar, or the unit is no time.
        """
        if self.unit in ELAPSED_S:
            return _elapsed(start, self.amount * ELAPSED_S[self.unit], pauses)
        if self.unit not in (Unit.DAYS, Unit.WORKING_DAYS):
            raise ValueError(f"a clock cannot count {self.unit}")
        return self._whole_days(start, pauses)

    def _whole_days(self, start: datetime, pauses: Sequence[Pause]) -> datetime | None:
        zone = ZoneInfo(self.zone)
        day = start.astimezone(zone).date()
        left = self.amount
        while left > 0:
            day += timedelta(days=1)
            begins = _midnight(day, zone)
            standing = next((pause for pause in pauses if _covers(pause, begins)), None)
            if standing is None:
                left -= self._counts(day)
            elif standing[1] is None:
                return None
        return _midnight(day + timedelta(days=1), zone) - timedelta(seconds=1)

    def _counts(self, day: date) -> bool:
        if self.unit is Unit.DAYS:
            return True
        if self.calendar is None:
            raise ValueError("working days need a calendar")
        return self.calendar.is_working_day(day)


def joined(pauses: Sequence[Pause]) -> tuple[Pause, ...]:
    """The same pauses in order, with those that touch made one."""
    found: list[Pause] = []
    for start, end in sorted(pauses, key=lambda pause: pause[0]):
        if found and (found[-1][1] is None or start <= found[-1][1]):
            last = found[-1][1]
            found[-1] = (found[-1][0], None if last is None or end is None else max(last, end))
        else:
            found.append((start, end))
    return tuple(found)


def paused_s(pauses: Sequence[Pause], start: datetime, at: datetime) -> int:
    """Seconds from ``start`` to ``at`` in which the clock stood."""
    total = timedelta()
    for began, ended in pauses:
        total += max(timedelta(), min(ended or at, at) - max(began, start))
    return int(total.total_seconds())


def _elapsed(start: datetime, amount_s: int, pauses: Sequence[Pause]) -> datetime | None:
    # Instants in UTC: arithmetic in a zone would count the hours on the wall.
    due = start.astimezone(UTC) + timedelta(seconds=amount_s)
    for began, ended in pauses:
        if began >= due:
            break
        if ended is None:
            return None
        due += max(timedelta(), ended - max(began, start))
    return due


def _covers(pause: Pause, instant: datetime) -> bool:
    return pause[0] <= instant and (pause[1] is None or instant < pause[1])


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
