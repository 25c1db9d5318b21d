"""The structural ceiling: what no number of heads can lift, because nobody works at the time.

A fault reported at t can be reached within H elapsed hours only if somebody who serves its class
and holds its skills is at work at some moment of [t, t + H]. The share of reports for which that
is so is the ceiling. It is computed exactly, from the shifts of the very dates (holidays, changes
of the clocks, expiring certificates, rotating duties) and the demand's own days and hours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from network.simulate.calendar import Calendar, Duty
from network.simulate.events import day_rates
from network.simulate.scenario import WEEKDAYS, Scenario, Turn, WorkKind

Window = tuple[int, int]
_DUTY_FROM, _DUTY_TO = time(9), time(17)
_WORTH_NAMING = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class Intensity:
    """When faults are reported: constant between ``edges_s``, with this ``mass`` in each piece."""

    edges_s: NDArray[np.int64]
    mass: NDArray[np.float64]

    def between(self, start_s: int, end_s: int) -> float:
        """Expected reports in a span."""
        total = np.concatenate([[0.0], np.cumsum(self.mass)])
        low, high = np.interp([start_s, end_s], self.edges_s, total)
        return float(high - low)


@dataclass(frozen=True, slots=True)
class Lift:
    """A change of the roster or of who helps whom, and the ceiling it would give."""

    what: str
    share: float


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The largest share of a class that can be reached in time; what would lift it.

    ``by_outlet``: the ceiling with each outlet's own people alone.
    """

    job_class: str
    share: float
    by_outlet: dict[str, float]
    lifts: tuple[Lift, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "share": round(self.share, 5),
            "by_outlet": {name: round(share, 5) for name, share in self.by_outlet.items()},
            "lifts": [{"what": lift.what, "share": round(lift.share, 5)} for lift in self.lifts],
        }


def reachable_share(
    windows: Iterable[Window], clock_s: int, opens_s: int, closes_s: int, when: Intensity
) -> float:
    """Share of the reports of [opens, closes) for which a window meets [t, t + clock].

    Parameters
    ----------
    windows
        (start, end) in which somebody may be at a door; any order, may overlap.
    clock_s
        The arrival clock. Arriving at its very end is in time.
    """
    lost, covered = 0.0, opens_s
    for start, end in sorted((start - clock_s, end) for start, end in windows):
        if start >= closes_s:
            break
        if start > covered:
            lost += when.between(covered, start)
        covered = max(covered, end)
    if covered < closes_s:
        lost += when.between(covered, closes_s)
    total = when.between(opens_s, closes_s)
    return 1.0 - lost / total if total else 1.0


def intensity(scenario: Scenario, calendar: Calendar) -> Intensity:
    """The scenario's demand over its days and hours."""
    rates = day_rates(scenario, calendar)
    hours = np.array(scenario.demand.hour_factors) / np.sum(scenario.demand.hour_factors)
    midnights = np.array(calendar.midnights, np.int64)
    lengths = np.diff(midnights)
    edges = (midnights[:-1, None] + np.arange(24)[None, :] * lengths[:, None] // 24).ravel()
    return Intensity(np.append(edges, midnights[-1]), (rates[:, None] * hours[None, :]).ravel())


def ceilings(scenario: Scenario) -> tuple[Ceiling, ...]:
    """The ceiling of every class, and what would lift it where it is below 1."""
    calendar = Calendar(scenario)
    when = intensity(scenario, calendar)
    found = []
    for each in scenario.classes:
        kinds = [kind for kind in scenario.demand.kinds if kind.job_class == each.name]
        if not sum(kind.share for kind in kinds):
            continue
        share = _share(calendar, kinds, each.arrival_s, when, None)
        alone = {
            outlet.id: _share(calendar, kinds, each.arrival_s, when, k)
            for k, outlet in enumerate(scenario.outlets)
            if any(group.outlet == outlet.id and group.heads for group in scenario.groups)
        }
        lifts = []
        if len(alone) > 1 and min(alone.values()) < share - _WORTH_NAMING:
            lifts.append(Lift("a neighbour's cover: outlets help each other", share))
        if share < 1.0 - _WORTH_NAMING:
            lifts += _duties(scenario, kinds, each.name, each.arrival_s, when, share)
        found.append(Ceiling(each.name, share, alone, tuple(lifts)))
    return tuple(found)


def _share(
    calendar: Calendar, kinds: Sequence[WorkKind], clock_s: int, when: Intensity, outlet: int | None
) -> float:
    """Mean over the kinds: each needs somebody with its own skills."""
    opens, closes = (calendar.midnights[day] for day in calendar.counted)
    known: dict[tuple[tuple[str, int], ...], float] = {}
    total = 0.0
    for kind in kinds:
        key = tuple(sorted(kind.skills.items()))
        if key not in known:
            windows = [
                (duty.start_s, duty.end_s + duty.overtime_s)
                for day in range(calendar.days)
                for duty in calendar.duties(day)
                if _can(duty, kind)
                and (outlet is None or calendar.workers[duty.worker].outlet == outlet)
            ]
            known[key] = reachable_share(windows, clock_s, opens, closes, when)
        total += kind.share * known[key]
    return total / sum(kind.share for kind in kinds)


def _can(duty: Duty, kind: WorkKind) -> bool:
    return (duty.serves is None or kind.job_class in duty.serves) and all(
        duty.skills.get(skill, 0) >= level for skill, level in kind.skills.items()
    )


def _duties(
    scenario: Scenario,
    kinds: Sequence[WorkKind],
    name: str,
    clock_s: int,
    when: Intensity,
    share: float,
) -> list[Lift]:
    """Try a duty crew with every skill, on each weekday alone and on closed dates, then on all."""
    lifts = []
    days = [*((frozenset({k}), False, f"on {WEEKDAYS[k]}") for k in range(7))]
    if scenario.closed_dates:
        days.append((frozenset(), True, "on closed dates"))
    days.append((frozenset(range(7)), True, "on every day"))
    for weekdays, closed, words in days:
        turn = Turn(weekdays, _DUTY_FROM, _DUTY_TO, serves=frozenset({name}),
                    on_closed_dates=closed)  # fmt: skip
        lifted = _share(Calendar(_with_duty(scenario, turn)), kinds, clock_s, when, None)
        if lifted > share + _WORTH_NAMING:
            lifts.append(Lift(f"a duty roster {words}, 09:00–17:00, for {name} calls", lifted))
    return sorted(lifts, key=lambda lift: -lift.share)


def _with_duty(scenario: Scenario, turn: Turn) -> Scenario:
    first = next(group for group in scenario.groups if group.heads)
    skills = {skill: 2**30 for kind in scenario.demand.kinds for skill in kind.skills}
    crew = replace(
        first, id="duty crew", roster="duty crew", skills=skills, certificates=(), heads=1
    )
    return replace(
        scenario,
        rosters={**scenario.rosters, "duty crew": (turn,)},
        groups=(*scenario.groups, crew),
    )
