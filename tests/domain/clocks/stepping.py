"""The slow, obvious reference: walk minute by minute and count what counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
Pauses = Sequence[tuple[datetime, datetime | None]]


def standing(at: datetime, pauses: Pauses) -> bool:
    return any(began <= at and (ended is None or at < ended) for began, ended in pauses)


def due_elapsed(start: datetime, minutes: int, pauses: Pauses, limit: int) -> datetime | None:
    """The instant at which so many minutes have passed in which the clock ran."""
    at, left = start.astimezone(UTC), minutes
    for _ in range(limit):
        if left == 0:
            return at
        left -= not standing(at, pauses)
        at += MINUTE
    return None


def due_days(
    start: datetime, days: int, zone: str, counts: dict[date, bool], pauses: Pauses, limit: int
) -> datetime | None:
    """The last second of the day that is the n-th one to count; a day counts when its first minute
    finds the clock running and it is a day that counts."""
    wall = ZoneInfo(zone)
    at, left = start.astimezone(UTC), days
    today = at.astimezone(wall).date()
    for _ in range(limit):
        at += MINUTE
        day = at.astimezone(wall).date()
        if day == today:
            continue
        if left == 0:
            return at - timedelta(seconds=1)
        today = day
        if not standing(at, pauses):
            left -= counts[day]
    return None
