"""Forecasts of daily requests per district and skill, back-tested against the naive one.

Exponential smoothing with weekly season (the ETS state space model of statsmodels; Hyndman,
Koehler, Snyder & Grose 2002, doi:10.1016/S0169-2070(01)00110-8) against *seasonal naive*: the same
weekday of the last week, spread as it has erred before. Both forecast the last weeks from rolling
origins; the one with the smaller mean absolute error is used, and the answer says which.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from network.demand.history import counts_by_day
from network.demand.requests import BadDemand, Request

FORMAT = "zhunda-forecast/1"
LEVEL = 0.95
SEASON = 7
ORIGINS = 4
LEAST_DAYS = 56
_TWO_YEARS = 730
_MOST_ITERATIONS = 200

Floats = NDArray[np.float64]
Made = tuple[Floats, Floats, Floats]
"""Mean, low and high of each day ahead."""


@dataclass(frozen=True, slots=True)
class BackTest:
    """What a method did from rolling origins: mean absolute error, share inside its interval."""

    mae: float
    coverage: float


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """A series' days ahead. ``district`` and ``skill`` None: all of them together.

    ``method``: ``ets`` or ``naive``, whichever erred less; ``tests`` has both.
    """

    district: str | None
    skill: str | None
    first: date
    method: str
    mean: Floats
    low: Floats
    high: Floats
    tests: Mapping[str, BackTest]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "district": self.district,
            "skill": self.skill,
            "method": self.method,
            "back_test": {
                name: {"mae": round(test.mae, 4), "coverage": round(test.coverage, 4)}
                for name, test in self.tests.items()
            },
            "days": [
                {
                    "date": (self.first + timedelta(days=k)).isoformat(),
                    "mean": round(float(mean), 3),
                    "low": round(float(low), 3),
                    "high": round(float(high), 3),
                }
                for k, (mean, low, high) in enumerate(
                    zip(self.mean, self.low, self.high, strict=True)
                )
            ],
        }


def forecast(
    requests: Sequence[Request],
    timezone: str,
    horizon: int = 28,
    *,
    until: date | None = None,
    growth_per_year: float = 0.0,
    watch: Callable[[int, int], None] | None = None,
) -> tuple[Forecast, ...]:
    """Forecast the total and every (district, skill) that occurs.

    Parameters
    ----------
    horizon
        Days ahead.
    until
        Last whole day of the history; None: the day before the last request, whose own day may
        not be over.
    growth_per_year
        Growth expected on top of what the past shows.
    watch
        Called with (series done, series).

    Raises
    ------
    BadDemand
        When there is less than eight weeks of history, or the horizon is not positive.
    """
    if horizon < 1:
        raise BadDemand(f"horizon: must be at least 1 day, got {horizon}")
    first, all_days = counts_by_day(requests, timezone)
    last = until or first + timedelta(days=len(all_days) - 2)
    span = (last - first).days + 1
    if span < LEAST_DAYS:
        raise BadDemand(
            f"a forecast needs at least {LEAST_DAYS} whole days of requests, got {max(0, span)}"
        )
    series: dict[tuple[str | None, str | None], list[Request]] = {(None, None): list(requests)}
    for request in requests:
        series.setdefault((request.district, request.skill), []).append(request)
    found = []
    for number, ((district, skill), own) in enumerate(series.items()):
        _, counts = counts_by_day(own, timezone, first, last)
        found.append(
            _one(np.array(counts, float), first, horizon, district, skill, growth_per_year)
        )
        if watch is not None:
            watch(number + 1, len(series))
    return tuple(found)


def _one(
    counts: Floats,
    first: date,
    horizon: int,
    district: str | None,
    skill: str | None,
    growth: float,
) -> Forecast:
    months = _months(counts, first)
    tests = {name: _test(counts, months, horizon, make) for name, make in METHODS.items()}
    method = min(tests, key=lambda name: (tests[name].mae, name != "ets"))
    made = _scaled(METHODS[method], counts, months, horizon)
    years = np.arange(1, horizon + 1) / 365.25
    mean, low, high = (part * (1 + growth) ** years for part in made)
    begins = first + timedelta(days=len(counts))
    return Forecast(district, skill, begins, method, mean, low, high, tests)


def _months(counts: Floats, first: date) -> Callable[[int], float]:
    """The yearly season as a factor of a day (by its number), where two years are known."""
    if len(counts) < _TWO_YEARS:
        return lambda _: 1.0
    month = np.array([(first + timedelta(days=k)).month - 1 for k in range(len(counts))])
    level = np.convolve(counts, np.ones(365) / 365, mode="same")
    edge = 183  # the running year is whole only between its halves
    inner = slice(edge, len(counts) - edge)
    means = np.array([counts[inner][month[inner] == m].sum() for m in range(12)])
    base = np.array([level[inner][month[inner] == m].sum() for m in range(12)])
    factors = np.where(base > 0, means / np.maximum(base, 1e-9), 1.0)
    factors = np.maximum(0.05, factors / factors.mean())
    return lambda k: float(factors[(first + timedelta(days=k)).month - 1])


def _scaled(
    make: Callable[[Floats, int], Made],
    counts: Floats,
    months: Callable[[int], float],
    horizon: int,
) -> Made:
    """Forecast without the yearly season, and put it back."""
    n = len(counts)
    past = np.array([months(k) for k in range(n)])
    ahead = np.array([months(n + k) for k in range(horizon)])
    mean, low, high = make(counts / past, horizon)
    return mean * ahead, low * ahead, high * ahead


def _test(
    counts: Floats,
    months: Callable[[int], float],
    horizon: int,
    make: Callable[[Floats, int], Made],
) -> BackTest:
    """Rolling origins over the last weeks, none with less than four weeks behind it."""
    ahead = min(horizon, (len(counts) - 28) // 2)
    step = max(1, min(SEASON, (len(counts) - 28 - ahead) // ORIGINS))
    errors, inside = [], []
    for k in range(ORIGINS):
        origin = len(counts) - ahead - k * step
        if origin < 28:
            break
        mean, low, high = _scaled(make, counts[:origin], months, ahead)
        truth = counts[origin : origin + ahead]
        errors.append(np.abs(mean - truth))
        inside.append((truth >= np.floor(low)) & (truth <= np.ceil(high)))
    return BackTest(float(np.mean(errors)), float(np.mean(inside)))


def seasonal_naive(counts: Floats, horizon: int) -> Made:
    """The last week again; spread by how the last week has missed the next, growing by the week."""
    last = counts[-SEASON:]
    mean = np.array([last[k % SEASON] for k in range(horizon)])
    spread = float(np.sqrt(np.mean((counts[SEASON:] - counts[:-SEASON]) ** 2)))
    weeks = np.sqrt(1.0 + np.arange(horizon) // SEASON)
    half = NormalDist().inv_cdf(0.5 + LEVEL / 2) * spread * weeks
    return mean, np.maximum(0.0, mean - half), mean + half


def ets(counts: Floats, horizon: int) -> Made:
    """Additive errors and weekly season, no trend: daily counts are too short for one."""
    from pandas import Series  # imported late, as the model is: they take seconds
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    if counts.std() == 0.0:
        flat = np.full(horizon, counts.mean())
        return flat, flat, flat
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fit that has not quite converged is judged by its test
        series = Series(counts)  # the interval's table wants one
        model = ETSModel(series, error="add", trend=None, seasonal="add", seasonal_periods=SEASON)
        fitted = model.fit(disp=False, maxiter=_MOST_ITERATIONS)
        made = fitted.get_prediction(len(counts), len(counts) + horizon - 1)
        frame = made.summary_frame(alpha=1 - LEVEL)
    mean, low, high = (np.asarray(frame[key], float) for key in ("mean", "pi_lower", "pi_upper"))
    return np.maximum(0.0, mean), np.maximum(0.0, low), np.maximum(0.0, high)


METHODS: dict[str, Callable[[Floats, int], Made]] = {"ets": ets, "naive": seasonal_naive}


def forecasts_to_json(found: Sequence[Forecast], timezone: str) -> dict[str, Any]:
    """The object of ``docs/reference/forecast.schema.json``."""
    return {
        "format": FORMAT,
        "timezone": timezone,
        "level": LEVEL,
        "series": [each.to_json() for each in found],
    }
