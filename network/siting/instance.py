"""The numbers a search works on: each demand point's nearest sites, and each site's demand.

All models without capacities share one shape: a demand point pays the cost of its cheapest open
site, or ``escape`` when none of its listed sites is open. For coverage every listed cost is 0 and
``escape`` is the weight that stays uncovered (ReVelle 2008, doi:10.1016/j.ejor.2006.12.044).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from network.siting.compiled import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Sites = NDArray[np.int32]
States = NDArray[np.int8]


class Rows(NamedTuple):
    """Demand points with their sites, cheapest first (compressed rows).

    Attributes
    ----------
    start : (n + 1,)
        Row ``i`` is ``site[start[i]:start[i + 1]]`` with ``cost`` beside it.
    cap : (n,)
        No site left out of the row costs less; a multiplier never exceeds it.
    escape : (n,)
        Cost of being served by no listed site.
    near_end : (n,)
        End of the row's part within the radius (only where ``floor`` ≥ 0).
    near_cost : (n,)
        Largest listed cost within the radius, −1 if none.
    floor : (n,)
        Index of the floor the demand point counts towards, −1 for none.
    floor_weight : (n,)
        What it counts there.
    times : (n,)
        How many listed sites must be open for the row to count as served: 1, or 2 for back-up
        rows, whose listed costs are all 0.
    """

    start: Ints
    site: Sites
    cost: Floats
    cap: Floats
    escape: Floats
    near_end: Ints
    near_cost: Floats
    floor: Sites
    floor_weight: Floats
    times: States


class Columns(NamedTuple):
    """The same entries by site: site ``j`` has rows ``row[start[j]:start[j + 1]]``."""

    start: Ints
    row: Sites
    cost: Floats


class Choice(NamedTuple):
    """What a set of open sites must respect, apart from where the demand lies.

    ``least`` and ``most`` bound the number of open sites, ``limit[k]`` (``inf`` for none) the sum
    of ``use[k]`` over them: rule 0 is the budget, the others come from the terms of kinds.
    ``need[d]`` is the weight that floor ``d`` asks for.
    """

    fixed: Floats
    use: Floats
    limit: Floats
    least: int
    most: int
    need: Floats


class Instance(NamedTuple):
    """Rows, the same by columns, and the choice; ``integer``: every plan's value is whole."""

    rows: Rows
    columns: Columns
    choice: Choice
    integer: bool
    complete: bool


@compiled
def _fill_columns(start: Ints, site: Sites, cost: Floats, sites: int) -> tuple[Ints, Sites, Floats]:
    begin = np.zeros(sites + 1, np.int64)
    for k in range(site.size):
        begin[site[k] + 1] += 1
    for j in range(sites):
        begin[j + 1] += begin[j]
    place = begin[:-1].copy()
    row = np.empty(site.size, np.int32)
    value = np.empty(site.size)
    for i in range(start.size - 1):
        for k in range(start[i], start[i + 1]):
            j = site[k]
            row[place[j]] = i
            value[place[j]] = cost[k]
            place[j] += 1
    return begin, row, value


def columns_of(rows: Rows, sites: int) -> Columns:
    """The entries of ``rows`` by site."""
    return Columns(*_fill_columns(rows.start, rows.site, rows.cost, sites))


def nearest_rows(
    cost: Floats,
    weight: Floats,
    state: States,
    length: int,
    radius: float,
    floor: Sites,
    floor_weight: Floats,
) -> tuple[Rows, bool]:
    """Rows of the ``length`` cheapest sites of each demand point, closed sites left out.

    Returns the rows and whether they are complete (no reachable site was left out).
    """
    alive = np.flatnonzero(state != 2)
    n, m = cost.shape[0], alive.size
    length = min(length, m)
    site = np.empty((n, length), np.int32)
    value = np.empty((n, length))
    omitted = np.full(n, np.inf)
    largest = np.zeros(n)
    everything = alive.size == cost.shape[1]
    block = max(1, 2_000_000 // max(1, m))
    for low in range(0, n, block):
        part = cost[low : low + block] if everything else cost[low : low + block, alive]
        if length < m:
            order = np.argpartition(part, length, axis=1)
            omitted[low : low + block] = np.take_along_axis(part, order[:, length : length + 1], 1)[
                :, 0
            ]
            order = order[:, :length]
        else:
            order = np.broadcast_to(np.arange(m), part.shape)
        chosen = np.take_along_axis(part, order, 1)
        rank = np.argsort(chosen, axis=1)
        value[low : low + block] = np.take_along_axis(chosen, rank, 1)
        site[low : low + block] = alive[np.take_along_axis(order, rank, 1)]
        largest[low : low + block] = np.max(np.where(np.isfinite(part), part, 0.0), axis=1)
    reachable = np.isfinite(value)
    counts = reachable.sum(axis=1)
    start = np.zeros(n + 1, np.int64)
    np.cumsum(counts, out=start[1:])
    within = (value <= radius) & reachable
    near = within.sum(axis=1)
    last = np.take_along_axis(value, np.maximum(near - 1, 0)[:, None], 1)[:, 0] * weight
    cut = np.isfinite(omitted)
    full = np.where(cut, np.where(cut, omitted, 0.0) * weight, np.inf)
    # No listed site open: for a cut row the next ones are not far beyond the cut; for a complete
    # one nothing serves the demand, which has to cost more than any plan can save.
    top = float(np.max(largest * weight, initial=0.0))
    forbidden = 2.0 * n * (top + 1.0)
    escape = np.where(np.isfinite(omitted), np.minimum(largest * weight, 2.0 * full), forbidden)
    escape = np.maximum(escape, np.where(np.isfinite(full), full, 0.0))
    flat = value[reachable] * np.repeat(weight, counts)
    rows = Rows(
        start,
        np.ascontiguousarray(site[reachable]),
        flat,
        full,
        escape,
        start[:-1] + near,
        np.where(near > 0, last, -1.0),
        floor,
        floor_weight,
        np.ones(n, np.int8),
    )
    return rows, not bool(np.any(cut))


def count_rows(
    within: NDArray[np.bool_],
    pay: Floats,
    floor: Sites,
    floor_weight: Floats,
    times: int,
) -> Rows:
    """Rows that pay ``pay`` unless ``times`` sites within reach are open, and count for floors.

    Parameters
    ----------
    within : (n, m)
        Which open sites would serve each row, without those closed in any case.
    """
    counts = within.sum(axis=1)
    start = np.zeros(len(pay) + 1, np.int64)
    np.cumsum(counts, out=start[1:])
    site = np.nonzero(within)[1].astype(np.int32)
    return Rows(
        start,
        site,
        np.zeros(site.size),
        pay,
        pay.copy(),
        start[1:].copy(),
        np.zeros(len(pay)),
        floor.astype(np.int32),
        floor_weight,
        np.full(len(pay), times, np.int8),
    )


def joined(*parts: Rows) -> Rows:
    """Several sets of rows as one."""
    offsets = np.cumsum([0, *(part.site.size for part in parts[:-1])])

    def ends(name: str) -> Ints:
        moved = [getattr(p, name) + at for p, at in zip(parts, offsets, strict=True)]
        return np.concatenate(moved)

    start = np.concatenate([[0], *(p.start[1:] + o for p, o in zip(parts, offsets, strict=True))])
    whole = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in Rows._fields
        if name not in ("start", "near_end")
    }
    return Rows(start=start.astype(np.int64), near_end=ends("near_end"), **whole)
