"""What the plain kernel reads and writes: one cache line per node, neighbours with their sides."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from optimizer.search import layout as c
from optimizer.search.arrays import I64, Compiled
from optimizer.search.by_pointer import by_pointer
from optimizer.search.plain.columns import (
    CLOSE,
    FINISH,
    LAST,
    LEG,
    LOC,
    NEXT,
    OPEN,
    PREV,
    ROUTE,
    SERVICE,
)
from optimizer.search.plain.pool import Pool, new_pool

BEHIND, BEFORE = 1, 2  # sides of a neighbour on which a visit may stand, by the windows alone

STATES = (c.UNSERVED, c.DROPPED, c.LATE, c.CHANGES)
"""Figures that a plain problem changes only by leaving a visit out."""

MOST_POOLED = 400
"""Up to so many visits routes are remembered, to be recombined."""

HORIZON = 1 << 29
"""Times within so many seconds of the first shift's start fit 32 bits with room to add."""


@by_pointer
class PlainInstance(NamedTuple):
    """Read only. Shapes as in `optimizer.search.arrays.Instance`."""

    n: int
    n_shifts: int
    drive: Any  # int32[L, L] from row to column
    back: Any  # int32[L, L] transposed, so that both directions of a visit lie in its own rows
    near: Any  # int32[n, K] neighbour * 4 + sides
    around: Any  # int32[n, A]
    fits: Any  # uint8[n, R]
    load: I64
    capacity: I64
    shift_type: Any  # int32[R]
    max_jobs: I64
    near_types: Any  # int32[n, KT]
    type_detour: Any  # int32[n, KT] home to task to home for that type, ascending
    near_shifts: Any  # int32[n, KF]
    limit: Any  # int64[n] detour at which leaving the task out is as good
    vehicle: int  # detour that using one more shift is worth
    hardness: Any
    drop_energy: Any
    left_out: I64
    levels: Any
    step: Any
    travel_step: float  # a small step in travel, for the first goal that names it
    only_travel: bool  # while the same visits are served, nothing but travel counts


@by_pointer
class PlainSolution(NamedTuple):
    """Linked routes; threads share one, each writes only its own shifts' rows."""

    node: Any  # int32[N, 16]
    visits: I64
    loaded: I64
    part: Any
    best_next: Any
    best_begin: I64


@by_pointer
class PlainWorker(NamedTuple):
    """One thread's scratch space."""

    id: int
    random: Any
    mine: Any
    counts: I64
    absent: Any
    absent_at: Any
    empty: Any
    empty_from: I64
    empty_count: I64
    touched: I64
    saved_routes: Any
    saved_visits: I64
    saved_loaded: I64
    log_node: Any  # int32[N] nodes changed in this iteration
    log: Any  # int32[N, 8] as they were before
    pulled: Any
    was_absent: Any
    key: Any
    total: I64
    best: I64
    change: I64
    dirty: Any
    dirty_list: Any
    pool: Pool


def is_plain(compiled: Compiled) -> bool:
    """Whether every rule that the plain kernel leaves out cannot matter here."""
    arrays = compiled.arrays
    problem = compiled.problem
    n, n_shifts = arrays.n, arrays.n_shifts
    if n < 2 or n_shifts == 0 or arrays.drive.shape[0] > 1 or arrays.service.shape[0] > 1:
        return False
    visits, shift = arrays.task[:n], arrays.shift
    named = np.flatnonzero(arrays.levels.any(axis=0))
    harmless = {*STATES, c.OVERTIME, c.TRAVEL, c.VEHICLES}
    origin = int(shift[:, c.SHIFT_START].min())
    return bool(
        (visits[:, c.WINDOWS] == 1).all()
        and (visits[:, c.SETUP] == 0).all()
        and (visits[:, c.DUE] >= visits[:, c.LATEST]).all()
        and (shift[:, c.FIRST_BREAK] == shift[:, c.LAST_BREAK]).all()
        and (shift[:, c.SHIFT_END] == shift[:, c.HARD_END]).all()
        and int(shift[:, c.HARD_END].max()) - origin < HORIZON
        and int(arrays.drive.max()) < 1 << 31
        and not arrays.has_depot
        and (arrays.group < 0).all()
        and not arrays.locked.any()
        and not (arrays.fits == 2).any()
        and arrays.stock.shape[1] == 0
        and problem.published is None
        and {int(f) for f in named} <= harmless
        and arrays.levels[:, c.TRAVEL].any()
    )


def plain_instance(compiled: Compiled) -> PlainInstance:
    """The arrays of a problem for which `is_plain` holds."""
    arrays = compiled.arrays
    n = arrays.n
    drive = arrays.drive[0]
    same = _is_symmetric(drive)
    weight = arrays.weight
    level = int(np.flatnonzero(arrays.levels[:, c.TRAVEL])[0])
    last = level == len(arrays.levels) - 1
    worth = arrays.drop_energy / weight[c.TRAVEL]
    return PlainInstance(
        n,
        arrays.n_shifts,
        drive,
        drive if same else np.ascontiguousarray(drive.T),
        _with_sides(compiled),
        arrays.around,
        arrays.fits,
        arrays.load,
        arrays.capacity,
        arrays.shift[:, c.SHIFT_TYPE].astype(np.int32),
        arrays.shift[:, c.MAX_JOBS].copy(),
        arrays.near_types,
        _type_detours(compiled),
        arrays.near_shifts,
        np.minimum(worth, 2.0**40).astype(np.int64),
        int(min(weight[c.VEHICLES] / weight[c.TRAVEL], 2.0**40)),
        arrays.hardness,
        arrays.drop_energy,
        arrays.left_out,
        arrays.levels,
        arrays.step,
        float(arrays.step[level] / arrays.levels[level, c.TRAVEL]) * (1.0 if last else 0.2),
        bool(not arrays.levels[:, c.VEHICLES].any()),
    )


def _is_symmetric(drive: Any, rows: int = 512) -> bool:
    return all(
        np.array_equal(drive[first : first + rows], drive[:, first : first + rows].T)
        for first in range(0, len(drive), rows)
    )


def _with_sides(compiled: Compiled) -> Any:
    """Neighbours as ``task * 4 + sides``: behind it, before it, by windows, service and drive."""
    arrays = compiled.arrays
    n, near = arrays.n, arrays.near
    task, service, drive = arrays.task, arrays.service[0].astype(np.int64), arrays.drive[0]
    opens, closes = task[:n, c.EARLIEST], task[:n, c.LATEST]
    coded = np.empty(near.shape, np.int32)
    for first in range(0, n, 1024):
        own = np.arange(first, min(n, first + 1024))
        other = near[own]
        place, there = task[own, c.LOCATION][:, None], task[other, c.LOCATION]
        behind = opens[other] + service[other] + drive[there, place] <= closes[own][:, None]
        before = (opens + service)[own][:, None] + drive[place, there] <= closes[other]
        coded[own] = other * 4 + behind * BEHIND + before * BEFORE
    return coded


def _type_detours(compiled: Compiled) -> Any:
    arrays = compiled.arrays
    n, drive = arrays.n, arrays.drive[0]
    types, first_of = np.unique(arrays.shift[:, c.SHIFT_TYPE], return_index=True)
    shift_of = np.zeros(int(types.max()) + 1, np.int64)
    shift_of[types] = first_of
    node = n + 2 * shift_of[np.maximum(arrays.near_types, 0)]
    start, end = arrays.task[node, c.LOCATION], arrays.task[node + 1, c.LOCATION]
    place = arrays.task[:n, c.LOCATION][:, None]
    detour = drive[start, place].astype(np.int64)
    detour += np.where(end < 0, 0, drive[place, np.maximum(end, 0)])
    return np.minimum(detour, (1 << 31) - 1).astype(np.int32)


def plain_solution(compiled: Compiled) -> PlainSolution:
    """Every shift empty, every task left out; times count from the first shift's start."""
    arrays = compiled.arrays
    n, n_shifts = arrays.n, arrays.n_shifts
    size = n + 2 * n_shifts
    origin = int(arrays.shift[:, c.SHIFT_START].min())
    node = np.zeros((size, 16), np.int32)
    node[:, ROUTE] = -1
    node[:, LOC] = arrays.task[:, c.LOCATION]
    node[:n, OPEN] = np.clip(arrays.task[:n, c.EARLIEST] - origin, -HORIZON, HORIZON)
    node[:n, CLOSE] = np.clip(arrays.task[:n, c.LATEST] - origin, -HORIZON, HORIZON)
    node[:n, SERVICE] = arrays.service[0]
    starts = n + 2 * np.arange(n_shifts)
    ends = starts + 1
    node[starts, OPEN] = arrays.shift[:, c.SHIFT_START] - origin
    node[ends, OPEN] = -HORIZON
    node[ends, CLOSE] = node[ends, LAST] = arrays.shift[:, c.HARD_END] - origin
    best_next = np.full(size, -1, np.int32)
    best_next[starts] = ends
    solution = PlainSolution(
        node,
        np.zeros(n_shifts, np.int64),
        np.zeros((n_shifts, arrays.load.shape[1]), np.int64),
        np.zeros(n_shifts, np.int32),
        best_next,
        np.zeros(size, np.int64),
    )
    empty_routes(compiled, solution)
    return solution


def empty_routes(compiled: Compiled, solution: PlainSolution) -> None:
    """Take every visit off its route."""
    n, n_shifts, node = compiled.arrays.n, compiled.arrays.n_shifts, solution.node
    starts = n + 2 * np.arange(n_shifts)
    ends = starts + 1
    node[:n, ROUTE] = -1
    node[starts, ROUTE] = node[ends, ROUTE] = np.arange(n_shifts)
    node[starts, NEXT], node[ends, PREV] = ends, starts
    node[starts, PREV], node[ends, NEXT] = -1, -1
    node[starts, LEG] = 0
    node[starts, FINISH] = node[ends, FINISH] = node[starts, OPEN]
    solution.visits[:] = 0
    solution.loaded[:] = 0


def plain_worker(compiled: Compiled, worker_id: int, seed: int) -> PlainWorker:
    """A workspace whose random stream depends on ``seed`` and ``worker_id`` only."""
    arrays = compiled.arrays
    n, n_shifts = arrays.n, arrays.n_shifts
    size = n + 2 * n_shifts
    types = arrays.shift[:, c.SHIFT_TYPE]
    n_types = int(types.max()) + 1
    empty_from = np.zeros(n_types + 1, np.int64)
    np.cumsum(np.bincount(types, minlength=n_types), out=empty_from[1:])
    word = (seed * 0x9E3779B97F4A7C15 + (worker_id + 1) * 0xD1B54A32D192ED03) % 2**64
    return PlainWorker(
        worker_id,
        np.array([word | 1], np.uint64),
        np.zeros(n, np.int32),
        np.zeros(16, np.int64),
        np.zeros(n, np.int32),
        np.full(n, -1, np.int32),
        np.zeros(n_shifts, np.int32),
        empty_from,
        np.zeros(n_types, np.int64),
        np.zeros(n_shifts, np.int64),
        np.zeros(n_shifts, np.int32),
        np.zeros(n_shifts, np.int64),
        np.zeros((n_shifts, arrays.load.shape[1]), np.int64),
        np.zeros(size, np.int32),
        np.zeros((size, 8), np.int32),
        np.zeros(n, np.int32),
        np.zeros(n, np.uint8),
        np.zeros(n, np.float64),
        np.zeros(c.N_FIGURES, np.int64),
        np.zeros(c.N_FIGURES, np.int64),
        np.zeros(c.N_FIGURES, np.int64),
        np.zeros(n_shifts, np.uint8),
        np.zeros(n_shifts, np.int32),
        new_pool(wanted=n <= MOST_POOLED),
    )
