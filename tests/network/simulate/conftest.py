"""A small region: two outlets, six technicians, thirty faults a day."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from network.simulate import Scenario, read_scenario

WEEK = ["mon", "tue", "wed", "thu", "fri", "sat"]
LUNCH = [{"from": "12:00", "until": "14:00", "duration_s": 2700}]


def small() -> dict[str, Any]:
    duty = {
        "weekdays": ["sun"], "start": "09:00", "end": "17:00", "serves": ["urgent"],
        "every_weeks": 3, "overtime_s": 3600,
    }  # fmt: skip
    day = {
        "weekdays": list(WEEK),
        "start": "08:00",
        "end": "17:00",
        "overtime_s": 3600,
        "breaks": deepcopy(LUNCH),
    }
    return {
        "format": "zhunda-scenario/1",
        "name": "small",
        "timezone": "America/Santiago",
        "start": "2026-11-30",
        "days": 7,
        "warm_up_days": 2,
        "classes": {
            "urgent": {"arrival_hours": 24, "target": 0.95, "weight": 10, "inserted": True},
            "normal": {"arrival_hours": 72, "target": 0.98},
        },
        "demand": {
            "points": [
                {
                    "id": f"p{k}",
                    "lat": -29.90 - 0.01 * (k % 5),
                    "lon": -71.25 - 0.01 * (k // 5),
                    "district": "north" if k < 10 else "south",
                }
                for k in range(20)
            ],
            "kinds": [
                {"id": "leak", "class": "urgent", "share": 0.2, "service_s": 2700,
                 "skills": {"washer": 1}},
                {"id": "noise", "class": "normal", "share": 0.8, "service_s": 2400,
                 "skills": {"fridge": 1}},
            ],
            "per_day": 30,
        },
        "outlets": [
            {"id": "o1", "lat": -29.91, "lon": -71.26},
            {"id": "o2", "lat": -29.93, "lon": -71.28},
        ],
        "rosters": {"day": [day, duty]},
        "technicians": [
            {"id": "A", "outlet": "o1", "roster": "day", "heads": 3,
             "skills": {"washer": 1, "fridge": 2}, "cost_per_hour_fen": 6000,
             "cost_per_km_fen": 80},
            {"id": "B", "outlet": "o2", "roster": "day", "heads": 3,
             "skills": {"washer": 2, "fridge": 1}, "cost_per_hour_fen": 6000},
        ],
        "dispatch": {"iterations": 60},
    }  # fmt: skip


@pytest.fixture
def data() -> dict[str, Any]:
    return small()


@pytest.fixture
def make() -> Callable[..., Scenario]:
    def build(change: Callable[[dict[str, Any]], None] | None = None) -> Scenario:
        raw = small()
        if change is not None:
            change(raw)
        return read_scenario(raw)

    return build
