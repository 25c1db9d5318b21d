"""What past requests say about a demand: its rate, its days and hours, its places and kinds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from statistics import fmean
from zoneinfo import ZoneInfo

from network.demand.population import in_cells
from network.demand.requests import BadDemand, Request
from network.simulate.scenario import Demand, DemandPoint, WorkKind

_YEAR = 365
_DEFAULT_SERVICE_S = 2700


def counts_by_day(
    requests: Sequence[Request], timezone: str, first: date | None = None, last: date | None = None
) -> tuple[date, list[int]]:
    """Requests of each local day from the first to the last one; days without any count 0."""
    zone = ZoneInfo(timezone)
    days = Counter(request.reported_at.astimezone(zone).date() for request in requests)
    if not days and (first is None or last is None):
        raise BadDemand("there are no requests")
    first, last = first or min(days), last or max(days)
    return first, [days[first + timedelta(days=k)] for k in range((last - first).days + 1)]


def demand_from_requests(
    requests: Sequence[Request],
    timezone: str,
    *,
    growth_per_year: float = 0.0,
    resolution: int = 8,
    service_s: int = _DEFAULT_SERVICE_S,
) -> Demand:
    """A demand that looks like the past: same places (H3 cells), kinds, weekdays and hours.

    A kind is a class with a skill; its service is the mean of what was recorded (``service_s``
    where nothing was). Months get factors where the past holds a whole year.

    Raises
    ------
    BadDemand
        When there are no requests, or one has no place.
    """
    first, counts = counts_by_day(requests, timezone)
    zone = ZoneInfo(timezone)
    local = [request.reported_at.astimezone(zone) for request in requests]
    weekday, days_of = [0.0] * 7, [0] * 7
    month, days_in = [0.0] * 12, [0] * 12
    for k, count in enumerate(counts):
        day = first + timedelta(days=k)
        weekday[day.weekday()] += count
        days_of[day.weekday()] += 1
        month[day.month - 1] += count
        days_in[day.month - 1] += 1
    hours = Counter(moment.hour for moment in local)
    whole_year = len(counts) >= _YEAR and all(days_in)
    points = []
    for number, request in enumerate(requests):
        if request.lat is None or request.lon is None:
            raise BadDemand(f"request {number + 1}: has no lat and lon")
        points.append(DemandPoint(str(number), request.lat, request.lon, request.district, 1.0))
    kinds: dict[tuple[str, str], list[Request]] = {}
    for request in requests:
        kinds.setdefault((request.job_class, request.skill), []).append(request)
    return Demand(
        points=in_cells(points, resolution),
        kinds=tuple(
            WorkKind(
                f"{job_class} {skill}",
                job_class,
                float(len(own)),
                _service_s(own, service_s),
                {} if skill == "any" else {skill: 1},
            )
            for (job_class, skill), own in sorted(kinds.items())
        ),
        per_day=fmean(counts),
        growth_per_year=growth_per_year,
        weekday_factors=tuple(
            total / max(1, days) for total, days in zip(weekday, days_of, strict=True)
        ),
        hour_factors=tuple(float(hours[hour]) for hour in range(24)),
        month_factors=tuple(total / days for total, days in zip(month, days_in, strict=True))
        if whole_year
        else (1.0,) * 12,
    )


def _service_s(requests: Sequence[Request], default: int) -> int:
    known = [request.service_s for request in requests if request.service_s is not None]
    return max(1, round(fmean(known))) if known else default
