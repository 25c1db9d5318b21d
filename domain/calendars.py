"""Working days: weekends, days off, and the make-up days (调休) that turn a weekend into work.

A calendar is data handed in: which days are off is for a government to say, and this module knows
none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta


class CalendarError(ValueError):
    """A day outside the years that the calendar knows."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """The working days of a place.

    Parameters
    ----------
    name
        Where the data come from; stands in traces.
    first_year, last_year
        The years that the data cover.
    days_off
        Weekdays on which nobody works.
    make_up_days
        Days of a weekend on which people work.
    announced_until
        The last year whose days off have been announced; later ones are a forecast.
    weekend
        Numbers of weekend days, Monday is 0.
    """

    name: str
    first_year: int
    last_year: int
    days_off: frozenset[date] = frozenset()
    make_up_days: frozenset[date] = frozenset()
    announced_until: int | None = None
    weekend: frozenset[int] = field(default=frozenset({5, 6}))

    def is_working_day(self, day: date) -> bool:
        """Whether people work on this day.

        Raises
        ------
        CalendarError
            When the data do not cover its year.
        """
        if not self.first_year <= day.year <= self.last_year:
            raise CalendarError(
                f"calendar {self.name} covers {self.first_year} to {self.last_year}, not {day}"
            )
        if day in self.make_up_days:
            return True
        return day.weekday() not in self.weekend and day not in self.days_off

    def is_forecast(self, day: date) -> bool:
        """Whether the day's year has not been announced yet."""
        return self.announced_until is not None and day.year > self.announced_until

    def after(self, day: date, working_days: int) -> date:
        """The n-th working day after a day; the day itself does not count."""
        found = day
        left = working_days
        while left > 0:
            found += timedelta(days=1)
            left -= self.is_working_day(found)
        return found
