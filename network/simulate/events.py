"""The faults of one replication, with everything chance decides about them.

Common random numbers: every fault carries its own draws (service, traffic, whether somebody is at
home), taken from a stream that belongs to its demand point and day, and sickness comes from a
stream of the technician. So the same fault meets the same fate in every scenario with this
demand, whoever is sent; and where demand differs in its rate only, the faults that both have are
the same ones (the count is drawn by inversion of one uniform, which is monotone in the rate).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import poisson

from network.simulate.calendar import Calendar
from network.simulate.scenario import Scenario

ATTEMPTS = 4
"""Visits to one fault that chance is drawn for; the last one always finds somebody in."""

_DEMAND, _TRAFFIC, _SICKNESS = 1, 2, 3
_COLUMNS = 3 + 2 * ATTEMPTS


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """n faults in the order of their reports.

    Parameters
    ----------
    at_s, due_s
        int64[n]: report and the end of the arrival clock, seconds from the first midnight.
    point, kind, job_class
        int32[n]: rows of the scenario's points, kinds and classes.
    service_factor
        float64[n]: actual / estimated seconds at the door.
    drive_factor
        float64[n, ATTEMPTS]: actual / expected seconds of the drive there, per visit.
    no_access
        bool[n, ATTEMPTS]: whether the visit finds nobody at home.
    traffic
        float64[days + 1]: factor of all drives of a day.
    """

    at_s: NDArray[np.int64]
    due_s: NDArray[np.int64]
    point: NDArray[np.int32]
    kind: NDArray[np.int32]
    job_class: NDArray[np.int32]
    service_factor: NDArray[np.float64]
    drive_factor: NDArray[np.float64]
    no_access: NDArray[np.bool_]
    traffic: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.at_s)


def _name(text: str) -> int:
    """A stable number of a name, so that a stream belongs to the name and not to its row."""
    return zlib.crc32(text.encode())


def lognormal_factor(uniform: NDArray[np.float64], cv: float) -> NDArray[np.float64]:
    """Lognormal with mean 1 and this coefficient of variation, by inversion."""
    from scipy.special import ndtri

    if cv == 0.0:
        return np.ones_like(uniform)
    variance = np.log1p(cv * cv)
    safe = np.clip(uniform, 1e-12, 1 - 1e-12)
    factor: NDArray[np.float64] = np.exp(np.sqrt(variance) * ndtri(safe) - variance / 2)
    return factor


def day_rates(scenario: Scenario, calendar: Calendar) -> NDArray[np.float64]:
    """Expected faults of each day, float64[days]."""
    demand = scenario.demand
    weekday = np.array(demand.weekday_factors) / np.mean(demand.weekday_factors)
    month = np.array(demand.month_factors) / np.mean(demand.month_factors)
    rates = np.empty(calendar.days)
    for day in range(calendar.days):
        on = calendar.date_of(day)
        years = (on - scenario.start).days / 365.25
        rates[day] = (
            demand.per_day
            * (1 + demand.growth_per_year) ** years
            * weekday[on.weekday()]
            * month[on.month - 1]
            * demand.dates.get(on, 1.0)
        )
    return rates


def draw_events(scenario: Scenario, calendar: Calendar, seed: int, replication: int) -> Events:
    """The faults of a replication; a function of seed, replication and the demand alone."""
    demand, noise = scenario.demand, scenario.noise
    weights = np.array([point.weight for point in demand.points])
    weights = weights / weights.sum()
    names = [_name(point.id) for point in demand.points]
    rates = day_rates(scenario, calendar)
    first = calendar.first.toordinal()
    key = _key(seed, replication, _DEMAND)
    counts_u = np.stack(
        [np.random.Generator(np.random.Philox(key=[key, name])).random(calendar.days)
         for name in names]
    )  # fmt: skip
    expected = weights[:, None] * rates[None, :]
    counts = np.where(expected > 0, poisson.ppf(counts_u, expected), 0).astype(np.int64)
    drawn, points, days = (
        [np.empty((0, _COLUMNS))],
        [np.empty(0, np.int32)],
        [np.empty(0, np.int32)],
    )
    for p, day in zip(*np.nonzero(counts > 0), strict=True):
        count = int(counts[p, day])
        # Each day owns its block of the point's stream, wherever the simulation begins.
        stream = np.random.Generator(
            np.random.Philox(key=[key, names[p]], counter=[0, 0, first + int(day), 1])
        )
        drawn.append(stream.random((count, _COLUMNS)))
        points.append(np.full(count, p, np.int32))
        days.append(np.full(count, day, np.int32))
    u, point, day_of = np.concatenate(drawn), np.concatenate(points), np.concatenate(days)
    kinds = np.array([kind.share for kind in demand.kinds])
    limits = np.cumsum(kinds / kinds.sum())
    kind = np.minimum(np.searchsorted(limits, u[:, 0], side="right"), len(kinds) - 1)
    class_of = {each.name: k for k, each in enumerate(scenario.classes)}
    class_of_kind = np.array([class_of[each.job_class] for each in demand.kinds], np.int32)
    clock = np.array([each.arrival_s for each in scenario.classes], np.int64)
    at_s = _moments(u[:, 1], day_of, demand.hour_factors, calendar)
    order = np.lexsort((point, at_s))
    u, point, kind, at_s = u[order], point[order], kind[order].astype(np.int32), at_s[order]
    no_access = u[:, 3 : 3 + ATTEMPTS] < noise.no_access_share
    no_access[:, -1] = False
    job_class = class_of_kind[kind]
    return Events(
        at_s=at_s,
        due_s=at_s + clock[job_class],
        point=point,
        kind=kind,
        job_class=job_class,
        service_factor=lognormal_factor(u[:, 2], noise.service_cv),
        drive_factor=lognormal_factor(u[:, 3 + ATTEMPTS :], noise.travel_cv),
        no_access=no_access,
        traffic=_traffic(scenario, calendar, seed, replication),
    )


def _key(seed: int, replication: int, purpose: int) -> int:
    mixed = np.random.SeedSequence([seed, replication, purpose]).generate_state(1, np.uint64)
    return int(mixed[0])


def _moments(
    uniform: NDArray[np.float64],
    day: NDArray[np.int32],
    hour_factors: tuple[float, ...],
    calendar: Calendar,
) -> NDArray[np.int64]:
    """Seconds of the reports: local hours by their factors, evenly inside an hour."""
    limits = np.concatenate([[0.0], np.cumsum(hour_factors)]) / np.sum(hour_factors)
    local_h = np.interp(uniform, limits, np.arange(25.0))
    midnight = np.array(calendar.midnights, np.int64)
    length = np.diff(midnight)
    seconds: NDArray[np.int64] = midnight[day] + (local_h / 24 * length[day]).astype(np.int64)
    return seconds


def _traffic(
    scenario: Scenario, calendar: Calendar, seed: int, replication: int
) -> NDArray[np.float64]:
    stream = np.random.Generator(np.random.Philox(key=[_key(seed, replication, _TRAFFIC), 0]))
    return lognormal_factor(stream.random(calendar.days + 1), scenario.noise.traffic_cv)


def draw_sickness(
    scenario: Scenario, calendar: Calendar, seed: int, replication: int
) -> NDArray[np.bool_]:
    """Whether a worker is ill on a day, bool[workers, days + 1].

    A two-state chain: spells last ``sick_days`` on average (geometric), and ``sick_share`` of all
    days are spent in one. Streams belong to the worker's id.
    """
    share, length = scenario.noise.sick_share, max(1.0, scenario.noise.sick_days)
    ill = np.zeros((len(calendar.workers), calendar.days + 1), np.bool_)
    if share == 0.0:
        return ill
    leave = 1.0 / length
    enter = min(1.0, leave * share / max(1e-9, 1.0 - share))
    key = _key(seed, replication, _SICKNESS)
    for row, who in enumerate(calendar.workers):
        u = np.random.Generator(np.random.Philox(key=[key, _name(who.id)])).random(
            calendar.days + 1
        )
        state = bool(u[0] < share)
        ill[row, 0] = state
        for day in range(1, calendar.days + 1):
            state = bool(u[day] >= leave) if state else bool(u[day] < enter)
            ill[row, day] = state
    return ill
