"""Which groups the heads should go to: the mix that leaves the busiest the least busy.

A small mixed-integer program (HiGHS by SciPy): given N heads, share the work of every catchment and
skill requirement among the groups able to do it, so that the largest utilisation is smallest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from network.simulate.calendar import Calendar
from network.simulate.scenario import Group, Scenario

_NEAREST = 3
_SECONDS = 5.0
_FARTHEST_S, _SHARED_BY = 7200, 4  # a drive to another catchment is shared by about four visits


class NobodyCan(ValueError):
    """No group could do some of the work, whatever its heads."""


@dataclass(frozen=True, slots=True)
class Work:
    """Work of one catchment with one skill requirement: seconds a week, drives included."""

    outlet: int
    skills: tuple[tuple[str, int], ...]
    load_s: float


@dataclass(frozen=True, slots=True)
class Loads:
    """The region's work, and what a head of each group gives: seconds a week at work."""

    work: tuple[Work, ...]
    gives_s: tuple[float, ...]
    visits_per_week: float
    visit_s: float

    @property
    def load(self) -> float:
        """Heads of average working time that would be busy all the time."""
        giving = [each for each in self.gives_s if each > 0]
        return sum(each.load_s for each in self.work) / (sum(giving) / len(giving))


def loads(scenario: Scenario) -> Loads:
    """Work by catchment (nearest outlet by road) and skills, with drives to a close neighbour.

    The drive is the mean over demand points of the drive from the third nearest of a day's faults
    to there, faults lying as the weights say.
    """
    demand, noise = scenario.demand, scenario.noise
    outlets = len(scenario.outlets)
    durations = scenario.travel.durations_s
    weights = np.array([point.weight for point in demand.points])
    weights = weights / weights.sum()
    staffed = sorted({k for k, outlet in enumerate(scenario.outlets)
                      if any(group.outlet == outlet.id for group in scenario.groups)})  # fmt: skip
    to_points = durations[:outlets, outlets:]
    nearest = np.array(staffed)[to_points[staffed].argmin(axis=0)]
    heads = max(1, scenario.heads)
    leg_s = _leg_s(
        durations[outlets:, outlets:], weights, max(4, round(demand.per_day / heads * 4))
    )
    visits = 1.0 / (1.0 - min(0.9, noise.no_access_share))
    wasted = visits - 1.0
    shares = sum(kind.share for kind in demand.kinds)
    work: dict[tuple[int, tuple[tuple[str, int], ...]], float] = {}
    total = 0.0
    for k in staffed:
        area = float(weights[nearest == k].sum())
        for kind in demand.kinds:
            each = kind.service_s + leg_s * visits + noise.no_access_s * wasted
            seconds = 7 * demand.per_day * area * kind.share / shares * each
            key = (k, tuple(sorted(kind.skills.items())))
            work[key] = work.get(key, 0.0) + seconds
            total += seconds
    per_week = 7 * demand.per_day * visits
    rows = tuple(Work(k, skills, load) for (k, skills), load in work.items() if load > 0)
    return Loads(rows, _giving(scenario), per_week, total / (7 * demand.per_day))


def _leg_s(between: NDArray[np.int32], weights: NDArray[np.float64], around: int) -> float:
    """Mean drive to the `_NEAREST`-th nearest of ``around`` × 10 faults that lie as weights say."""
    random = np.random.default_rng(1)
    sample = random.choice(len(weights), min(400, 10 * around), p=weights)
    drives = np.sort(between[np.ix_(sample, sample)].astype(np.float64), axis=0)
    row = min(len(sample) - 1, _NEAREST)
    return float(np.mean(np.minimum(drives[row], 3600.0)))


def _giving(scenario: Scenario) -> tuple[float, ...]:
    """Seconds a week that a head of each group is at work, breaks and sickness off."""
    one = replace(scenario, groups=tuple(replace(group, heads=1) for group in scenario.groups))
    calendar = Calendar(one)
    first, last = calendar.counted
    seconds = [0.0] * len(scenario.groups)
    for day in range(first, last):
        for duty in calendar.duties(day):
            off = sum(duration for _, _, duration in duty.pauses)
            if duty.serves is None:
                seconds[duty.worker] += max(0, duty.end_s - duty.start_s - off)
    well = 1.0 - scenario.noise.sick_share
    return tuple(each * well * 7 / (last - first) for each in seconds)


def best_mix(
    scenario: Scenario,
    known: Loads,
    heads: int,
    least: Mapping[str, int],
    movable: frozenset[str],
    least_per_outlet: int = 0,
) -> tuple[Group, ...]:
    """The scenario's groups with ``heads`` in all.

    Parameters
    ----------
    least
        Heads that each movable group keeps at least.
    movable
        Ids of the groups whose heads may change; the others stay as they are.
    least_per_outlet
        Heads that every outlet with a movable group has at least.

    Raises
    ------
    NobodyCan
        When some work needs skills that no group holds, or there are too few heads for `least`.
    """
    groups = scenario.groups
    place = {outlet.id: k for k, outlet in enumerate(scenario.outlets)}
    pairs = [
        (w, g)
        for w, work in enumerate(known.work)
        for g, group in enumerate(groups)
        if known.gives_s[g] > 0
        and all(group.skills.get(skill, 0) >= level for skill, level in work.skills)
    ]
    for w, work in enumerate(known.work):
        if not any(pair[0] == w for pair in pairs):
            words = ", ".join(f"{skill} {level}" for skill, level in work.skills)
            raise NobodyCan(f"no group with a regular shift can do work that needs {words}")
    far = scenario.travel.durations_s
    n, g_count = len(pairs), len(groups)
    growth = n + g_count
    rows = _Rows()
    # Σ x = growth for every work; Σ load · x ≤ heads · what a head gives; growth to be largest.
    for w in range(len(known.work)):
        own = {column: 1.0 for column, pair in enumerate(pairs) if pair[0] == w}
        rows.add({**own, growth: -1.0}, 0.0, 0.0)
    for g in range(g_count):
        busy = {n + g: -1.0}
        for column, (w, other) in enumerate(pairs):
            if other == g:
                work = known.work[w]
                extra_s = min(int(far[work.outlet, place[groups[g].outlet]]), _FARTHEST_S)
                load_s = work.load_s * (1.0 + extra_s / _SHARED_BY / max(1.0, known.visit_s))
                busy[column] = load_s / known.gives_s[g]
        rows.add(busy, -np.inf, 0.0)
    rows.add({n + g: 1.0 for g in range(g_count)}, float(heads), float(heads))
    for outlet in sorted({group.outlet for group in groups if group.id in movable}):
        there = {n + g: 1.0 for g, group in enumerate(groups) if group.outlet == outlet}
        rows.add(there, float(least_per_outlet), np.inf)
    fixed_low = np.array(
        [least.get(group.id, 0) if group.id in movable else group.heads for group in groups], float
    )
    fixed_high = np.array(
        [np.inf if group.id in movable else group.heads for group in groups], float
    )
    answer = milp(
        np.concatenate([np.zeros(growth), [-1.0]]),
        integrality=np.concatenate([np.zeros(n), np.ones(g_count), [0]]),
        bounds=Bounds(
            np.concatenate([np.zeros(n), fixed_low, [0.0]]),
            np.concatenate([np.full(n, np.inf), fixed_high, [np.inf]]),
        ),
        constraints=rows.constraint(growth + 1),
        options={"time_limit": _SECONDS, "mip_rel_gap": 0.005},
    )
    if answer.x is None:
        raise NobodyCan(f"{heads} heads are fewer than those that have to stay")
    return tuple(
        replace(group, heads=round(float(answer.x[n + g]))) for g, group in enumerate(groups)
    )


class _Rows:
    """Rows of a sparse linear constraint, one by one."""

    def __init__(self) -> None:
        self.rows: list[dict[int, float]] = []
        self.low: list[float] = []
        self.high: list[float] = []

    def add(self, values: dict[int, float], low: float, high: float) -> None:
        self.rows.append(values)
        self.low.append(low)
        self.high.append(high)

    def constraint(self, columns: int) -> LinearConstraint:
        cells = [(r, c, value) for r, row in enumerate(self.rows) for c, value in row.items()]
        at_row, at_column, values = zip(*cells, strict=True)
        shape = (len(self.rows), columns)
        matrix = coo_array((values, (at_row, at_column)), shape=shape).tocsr()
        return LinearConstraint(matrix, self.low, self.high)


def outlet_heads(groups: Sequence[Group]) -> dict[str, int]:
    """Heads per outlet."""
    found: dict[str, int] = {}
    for group in groups:
        found[group.outlet] = found.get(group.outlet, 0) + group.heads
    return found
