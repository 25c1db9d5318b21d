"""Travel bounded by trees: who is served is reached by drives, and driven away from once.

The assignment lets two neighbours circle between each other for free. Here the drives into the
jobs have to form a tree that hangs on the starts of shifts; that one drive leaves each job, and
that a shift which is begun also ends, is only asked for at a price (Lagrange multipliers, improved
by subgradients). For every choice of prices the cheapest tree is a lower bound.

Held and Karp 1971 (doi:10.1007/BF01584070) for trees with prices; Chu and Liu 1965 and Edmonds
1967 for the cheapest tree of directed arcs.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from optimizer.bounds.assignment import NO_ARC, arcs_of, drop_prices, droppable_jobs
from optimizer.bounds.options import Flags, Ints, Options
from optimizer.problem import UNREACHABLE

MOST_JOBS = 2_600
"""Up to so many visits trees are looked for."""

SCALE = 1024
"""Everything is counted in this part of a second or metre, so that prices may be fractions."""

SHORTEST_STRIDE = 0.01

PATIENCE = 12
"""Steps without a better bound before they become shorter."""

Floats = NDArray[np.float64]


@njit(cache=True, nogil=True)
def cheapest_tree(costs: Ints) -> tuple[np.int64, Ints]:
    """The cheapest arborescence from the last node: its cost, and the parent of every other node.

    Cycles of cheapest arcs are contracted, all of one level at once, until there is none. The cost
    is at least `NO_ARC` where there is no tree.
    """
    size = len(costs)
    arcs = costs.copy()
    names = np.empty((size, size), np.int64)
    for i in range(size):
        for j in range(size):
            names[i, j] = i * size + j
    chosen = np.full((size + 1, size), -1, np.int64)
    inside = np.zeros((size + 1, size), np.int64)
    node_of = np.zeros((size + 1, size), np.int64)
    node_of[0] = np.arange(size)
    sizes = np.zeros(size + 1, np.int64)
    root = size - 1
    count, level, value = size, 0, np.int64(0)
    while True:
        sizes[level] = count
        least = np.full(count, np.int64(2**62))
        before = np.full(count, -1, np.int64)
        for i in range(count):
            for j in range(count):
                if i != j and arcs[i, j] < least[j]:
                    least[j] = arcs[i, j]
                    before[j] = i
        for j in range(count):
            if j != root:
                chosen[level, j] = names[before[j], j]
                value += least[j]
        least[root] = 0
        if value >= NO_ARC:
            return value, np.full(size, -1, np.int64)
        seen = np.full(count, -1, np.int64)
        group = np.full(count, -1, np.int64)
        groups = 0
        for j in range(count):
            at = j
            while at != root and seen[at] == -1 and group[at] == -1:
                seen[at] = j
                at = before[at]
            if at != root and seen[at] == j and group[at] == -1:
                while group[at] == -1:
                    group[at] = groups
                    at = before[at]
                groups += 1
        if groups == 0:
            break
        for j in range(count):
            if group[j] == -1:
                group[j] = groups
                groups += 1
        smaller = np.full((groups, groups), np.int64(2**62))
        named = np.zeros((groups, groups), np.int64)
        for i in range(count):
            a = group[i]
            for j in range(count):
                b = group[j]
                if a != b:
                    cost = arcs[i, j] - least[j]
                    if cost < smaller[a, b]:
                        smaller[a, b] = cost
                        named[a, b] = names[i, j]
        inside[level, :count] = group
        for v in range(size):
            node_of[level + 1, v] = group[node_of[level, v]]
        root = group[root]
        arcs, names, count = smaller, named, groups
        level += 1
    while level > 0:
        for b in range(sizes[level]):
            name = chosen[level, b]
            if name >= 0:
                chosen[level - 1, node_of[level - 1, name % size]] = name
        level -= 1
    parent = np.full(size, -1, np.int64)
    for j in range(size - 1):
        parent[j] = chosen[0, j] // size
    return value, parent


@dataclass(frozen=True, slots=True, eq=False)
class Day:
    """Arcs among visits (one per head of a crew), who may be left out at what loss, and hours.

    ``work`` is the least service of each visit, ``hours`` what each shift lasts at most; both 0
    where the figure is not counted in seconds.
    """

    between: Ints
    outward: Ints
    home: Ints
    optional: Flags
    penalty: Ints
    room: int
    work: Ints
    hours: Ints


@dataclass(slots=True)
class Prices:
    """What each rule that is only asked for costs, in units of `SCALE`.

    ``out``: one drive leaves each visit; ``ends``: a shift that is begun ends; ``loss``: a unit of
    penalty; ``hour``: a second by which work and drives exceed the hours of the shifts begun.
    """

    out: Floats
    ends: Floats
    loss: float
    hour: float

    def copy(self) -> Prices:
        """Prices that may be changed by themselves."""
        return Prices(self.out.copy(), self.ends.copy(), self.loss, self.hour)


def _day(options: Options, figure: str, earlier: Mapping[str, int]) -> Day | None:
    crew = np.array([job.crew for job in options.problem.jobs], np.int64)
    rows = np.flatnonzero(options.possible)
    copies = np.repeat(rows, crew[rows])
    if not 1 < len(copies) <= MOST_JOBS or not options.slots:
        return None
    arcs = arcs_of(options, figure)
    penalty, room = drop_prices(options, earlier)
    fits = options.fits[copies]
    work = np.where(fits, options.service[copies], UNREACHABLE).min(axis=1)
    hours = [shift.end + shift.overtime_s - shift.start for _, shift in options.slots]
    return Day(
        arcs.between[np.ix_(copies, copies)],
        arcs.outward[:, copies],
        arcs.home[copies, :],
        droppable_jobs(options, earlier)[copies],
        np.zeros(len(copies), np.int64) if penalty is None else (penalty // crew)[copies],
        0 if room is None else room,
        work if figure == "travel" else np.zeros_like(work),
        np.array(hours, np.int64) * (figure == "travel"),
    )


def tree_bound(
    options: Options,
    figure: str,
    earlier: Mapping[str, int],
    goal: int,
    steps: int,
    deadline: float | None = None,
) -> int:
    """A lower bound on ``travel`` or ``distance`` of all plans with ``earlier`` at most these.

    Parameters
    ----------
    goal
        What the plan at hand reaches: how far a step is meant to go.
    steps, deadline
        At most so many trees, and none begun after this second of the monotonic clock.
    """
    day = _day(options, figure, earlier)
    if day is None:
        return 0
    near = np.minimum(day.between.min(axis=1), day.home.min(axis=1))
    out = np.where(near < NO_ARC, near, 0).astype(np.float64)
    known = day.penalty[day.optional & (day.penalty > 0)]
    unit = float(np.median(known)) if len(known) else 1.0
    length = max(1.0, float(day.hours.mean()))
    prices = Prices(out, np.zeros(len(day.hours)), 4.0 * float(out.mean()) / unit, 0.0)
    kept = prices.copy()
    best, pace, tired = 0, 1.0, 0
    for _ in range(steps):
        if deadline is not None and time.monotonic() >= deadline:
            break
        found, way = _priced(day, prices)
        if found >= NO_ARC:
            return 0
        if found > best:
            best, tired, kept = found, 0, prices.copy()
        else:
            tired += 1
            if tired >= PATIENCE:
                tired, pace = 0, pace / 2
                prices = kept.copy()
                if pace < SHORTEST_STRIDE:
                    break
                continue
        # Penalties and seconds of work are far larger than counts: both go by their usual size.
        lost, late = way.loss / unit, way.hour / length
        square = float(way.out @ way.out + way.ends @ way.ends) + lost**2 + late**2
        if square == 0:
            break
        step = pace * max(goal - found / SCALE, goal / 200 + 1) / square
        prices.out += step * way.out
        prices.ends += step * way.ends
        prices.loss = max(0.0, prices.loss + step * lost / unit)
        prices.hour = max(0.0, prices.hour + step * late / length)
    return -(-best // SCALE)


def _priced(day: Day, prices: Prices) -> tuple[int, Prices]:
    """The bound that these prices prove, in exact integers, and which way each should go."""
    leave = np.rint(prices.out * SCALE).astype(np.int64)
    ends = np.rint(prices.ends * SCALE).astype(np.int64)
    loss, hour = int(prices.loss * SCALE), int(prices.hour * SCALE)
    count, shifts = len(leave), len(ends)

    def drive(costs: Ints) -> Ints:
        return np.where(costs < NO_ARC, costs * (SCALE + hour), NO_ARC)

    begun = drive(day.outward) + (ends - hour * day.hours)[:, None]
    opener = begun.argmin(axis=0)
    start = begun[opener, np.arange(count)]
    skip = np.where(day.optional, day.penalty * loss - leave - hour * day.work, NO_ARC)
    skipped = skip < start
    costs = np.full((count + 1, count + 1), NO_ARC, np.int64)
    costs[:count, :count] = drive(day.between) - leave[:, None]
    costs[count, :count] = np.minimum(start, skip)
    tree, parent = cheapest_tree(costs)
    if tree >= NO_ARC // 2:
        return NO_ARC, prices
    arrive = drive(day.home) - leave[:, None] - ends[None, :]
    last = arrive.argmin(axis=0)
    gain = arrive[last, np.arange(shifts)]
    ending = gain < 0
    value = int(leave.sum()) + int(tree) + int(gain[ending].sum())
    value += hour * int(day.work.sum()) - loss * day.room
    into = parent[:count]
    inner = into < count
    first = ~inner & ~skipped
    ways = np.ones(count)
    np.subtract.at(ways, into[inner], 1)
    ways[~inner & skipped] -= 1
    np.subtract.at(ways, last[ending], 1)
    balance = np.zeros(shifts)
    np.add.at(balance, opener[first], 1)
    balance[ending] -= 1
    here = np.arange(count)
    driven = int(day.between[into[inner], here[inner]].sum())
    driven += int(day.outward[opener[first], here[first]].sum())
    driven += int(day.home[last[ending], np.flatnonzero(ending)].sum())
    worked = 0
    if day.hours.any():
        worked = int(day.work[inner | first].sum()) + driven - int(day.hours[opener[first]].sum())
    dropped = float(day.penalty[~inner & skipped].sum()) - day.room
    return value, Prices(ways, balance, dropped, float(worked))
