"""Forecasts: the season is found, the better method is used, intervals hold, bad input is named."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from network.demand import (
    BadDemand,
    Request,
    demand_from_requests,
    forecast,
    read_requests,
)

WEEK = np.array([1.6, 1.2, 1.0, 1.0, 0.9, 0.5, 0.2])


def history(days: int, per_day: float, seed: int = 1, **more: object) -> list[Request]:
    random = np.random.default_rng(seed)
    first = datetime(2026, 1, 5, 12, tzinfo=UTC)  # a Monday
    return [
        Request(
            first + timedelta(days=day, minutes=int(random.integers(-600, 600))),
            str(more.get("district", "north")),
            str(more.get("skill", "aircon")),
            lat=-29.9,
            lon=-71.2 - 0.1 * float(random.random()),
            service_s=2400,
        )
        for day in range(days)
        for _ in range(random.poisson(per_day * WEEK[day % 7]))
    ]


def test_the_week_is_found_and_beats_the_naive_forecast() -> None:
    total, series = forecast(history(141, 40), "UTC", 14, until=date(2026, 5, 24))
    assert (total.district, series.district, series.skill) == (None, "north", "aircon")
    assert total.method == "ets"
    assert total.tests["ets"].mae < total.tests["naive"].mae
    assert total.first == date(2026, 5, 25)
    assert np.abs(total.mean - 40 * np.resize(WEEK, 14)).mean() < 5
    truth = np.random.default_rng(9).poisson(40 * np.resize(WEEK, 14))
    assert ((truth >= total.low) & (truth <= total.high)).mean() > 0.8
    assert 0.8 <= total.tests["ets"].coverage <= 1.0


def test_the_naive_forecast_is_used_and_named_where_it_errs_less() -> None:
    # The same five weeks over and over, exactly: nothing can beat last week again.
    first = datetime(2026, 1, 5, 12, tzinfo=UTC)
    pattern = [9, 3, 7, 1, 8, 2, 4]
    requests = [
        Request(first + timedelta(days=day), "north")
        for day in range(85)
        for _ in range(pattern[day % 7])
    ]
    total = forecast(requests, "UTC", 7)[0]
    assert total.tests["naive"].mae == 0
    assert list(total.mean) == pytest.approx([float(pattern[(84 + k) % 7]) for k in range(7)])


def test_growth_comes_on_top() -> None:
    requests = history(84, 20)
    plain, grown = (forecast(requests, "UTC", 28, growth_per_year=g)[0] for g in (0.0, 1.0))
    assert grown.mean[-1] / plain.mean[-1] == pytest.approx(2 ** (28 / 365.25))


def test_too_little_history_is_one_sentence() -> None:
    with pytest.raises(BadDemand, match="at least 56 whole days"):
        forecast(history(30, 5), "UTC", 14)
    with pytest.raises(BadDemand, match="horizon"):
        forecast(history(80, 5), "UTC", 0)


def test_a_demand_from_the_past_has_its_week_and_places() -> None:
    past = history(84, 30) + history(84, 10, 2, district="south", skill="gas")
    demand = demand_from_requests(past, "UTC")
    weekday = np.array(demand.weekday_factors) / np.mean(demand.weekday_factors)
    assert weekday == pytest.approx(WEEK / WEEK.mean(), abs=0.15)
    south = sum(p.weight for p in demand.points if p.district == "south")
    assert south / sum(p.weight for p in demand.points) == pytest.approx(0.25, abs=0.05)
    assert {kind.id for kind in demand.kinds} == {"normal aircon", "normal gas"}
    assert demand.kinds[0].service_s == 2400


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("2026-01-05T10:00:00,north", "naive"),
        ("soon,north", "line 2: reported_at"),
        ("2026-01-05T10:00:00Z,", "district is empty"),
    ],
)
def test_a_bad_request_is_named_with_its_line(tmp_path: Path, row: str, words: str) -> None:
    path = tmp_path / "requests.csv"
    path.write_text(f"reported_at,district\n{row}\n")
    with pytest.raises(BadDemand, match=words):
        read_requests(path)
