"""What a replication came to: arrivals in time per class and district, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from network.simulate.calendar import Calendar
from network.simulate.events import Events
from network.simulate.scenario import Scenario


@dataclass(frozen=True, slots=True)
class DutyRow:
    """One shift that was worked: paid and busy seconds, metres, visits."""

    worker: int
    day: int
    paid_s: int
    overtime_s: int
    service_s: int
    travel_s: int
    distance_m: int
    visits: int


@dataclass(frozen=True, slots=True)
class Work:
    """Sums over the counted shifts (of one outlet, or of all)."""

    shifts: int = 0
    paid_s: int = 0
    overtime_s: int = 0
    service_s: int = 0
    travel_s: int = 0
    distance_m: int = 0
    visits: int = 0
    cost_fen: int = 0

    def __add__(self, other: Work) -> Work:
        return Work(*(a + b for a, b in zip(self.row(), other.row(), strict=True)))

    def row(self) -> tuple[int, ...]:
        """The sums in the order of the fields."""
        return tuple(asdict(self).values())


@dataclass(frozen=True, slots=True)
class Replication:
    """One replication's figures.

    ``cells``: (class, district, day) → (faults, of them reached in time); days are counted from
    the first counted one. ``waits_h``: per class the hours from report to first arrival at the
    quantiles 0.5, 0.9 and 0.99. ``never``: counted faults nobody reached before the end.
    """

    number: int
    cells: Mapping[tuple[str, str, int], tuple[int, int]]
    waits_h: Mapping[str, tuple[float, float, float]]
    never: int
    work: Mapping[str, Work]

    def to_json(self) -> dict[str, Any]:
        """Plain data, as it stands in a checkpoint."""
        return {
            "number": self.number,
            "cells": [[*key, *value] for key, value in self.cells.items()],
            "waits_h": {name: list(hours) for name, hours in self.waits_h.items()},
            "never": self.never,
            "work": {name: list(work.row()) for name, work in self.work.items()},
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Replication:
        """What `to_json` wrote."""
        return Replication(
            data["number"],
            {(name, district, day): (n, k) for name, district, day, n, k in data["cells"]},
            {name: (h[0], h[1], h[2]) for name, h in data["waits_h"].items()},
            data["never"],
            {name: Work(*row) for name, row in data["work"].items()},
        )


def tally(
    scenario: Scenario,
    calendar: Calendar,
    events: Events,
    number: int,
    arrived_s: NDArray[np.int64],
    rows: Sequence[DutyRow],
) -> Replication:
    """Count what was reported on counted days, and the shifts of counted days."""
    first, last = calendar.counted
    opens, closes = calendar.midnights[first], calendar.midnights[last]
    counted = (events.at_s >= opens) & (events.at_s < closes)
    reached = arrived_s >= 0
    in_time = reached & (arrived_s <= events.due_s)
    district_of = {name: k for k, name in enumerate(scenario.districts)}
    of_point = np.array([district_of[point.district] for point in scenario.demand.points])
    day_of = np.searchsorted(np.array(calendar.midnights), events.at_s, side="right") - 1
    day = day_of - first
    names, districts = [each.name for each in scenario.classes], scenario.districts
    days = scenario.days
    key = (events.job_class * len(districts) + of_point[events.point]) * days + day
    size = len(names) * len(districts) * days
    total = np.bincount(key[counted], minlength=size)
    kept = np.bincount(key[counted & in_time], minlength=size)
    cells = {}
    for cell in np.flatnonzero(total):
        pair, on = divmod(int(cell), days)
        k, d = divmod(pair, len(districts))
        cells[names[k], districts[d], on] = (int(total[cell]), int(kept[cell]))
    waits = {}
    for k, name in enumerate(names):
        own = counted & reached & (events.job_class == k)
        hours = (arrived_s[own] - events.at_s[own]) / 3600
        if len(hours):
            low, high, most = (float(round(h, 3)) for h in np.quantile(hours, (0.5, 0.9, 0.99)))
            waits[name] = (low, high, most)
    return Replication(
        number, cells, waits, int((counted & ~reached).sum()), _work(scenario, calendar, rows)
    )


def _work(scenario: Scenario, calendar: Calendar, rows: Sequence[DutyRow]) -> dict[str, Work]:
    first, last = calendar.counted
    found = {outlet.id: Work() for outlet in scenario.outlets}
    for row in rows:
        if not first <= row.day < last:
            continue
        worker = calendar.workers[row.worker]
        group = scenario.groups[worker.group]
        cost = (
            row.paid_s + row.overtime_s
        ) * group.cost_per_hour_fen / 3600 + row.distance_m * group.cost_per_km_fen / 1000
        name = scenario.outlets[worker.outlet].id
        found[name] += Work(
            1, row.paid_s, row.overtime_s, row.service_s, row.travel_s, row.distance_m,
            row.visits, round(cost),
        )  # fmt: skip
    return found
