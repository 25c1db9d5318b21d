"""Working days from the `holidays` library, handed to the domain as data."""

from __future__ import annotations

from functools import cache

import holidays

from domain.calendars import Calendar

FIRST_YEAR, LAST_YEAR = 2015, 2040


@cache
def calendar_of(country: str) -> Calendar | None:
    """The working days of a country, make-up days included; None where the library knows none.

    Governments announce make-up days a year ahead: a year without any, in a country that has them,
    is a forecast.
    """
    try:
        found = holidays.country_holidays(country, years=range(FIRST_YEAR, LAST_YEAR + 1))
    except NotImplementedError:
        return None
    make_up = frozenset(found.weekend_workdays)
    return Calendar(
        name=country,
        first_year=FIRST_YEAR,
        last_year=LAST_YEAR,
        days_off=frozenset(day for day in found if day not in make_up),
        make_up_days=make_up,
        announced_until=max(day.year for day in make_up) if make_up else None,
        weekend=frozenset(found.weekend),
    )
