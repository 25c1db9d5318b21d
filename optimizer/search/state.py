"""A solution as arrays, and the workspace one search thread needs beside it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from optimizer.search import layout as c
from optimizer.search.arrays import I64, Compiled, Instance
from optimizer.search.by_pointer import by_pointer


@by_pointer
class Solution(NamedTuple):
    """Linked routes with their clocks. Threads share one; each writes only its own shifts' rows.

    ``node[i]`` as in `layout`; a task that is left out has ROUTE -1. ``break_first``/``break_last``
    give the breaks taken on the leg that leaves a node. ``figures[r]`` are the route's figures.
    ``best_next`` chains each shift's best known route.
    """

    node: I64  # int64[N, 8]
    break_first: Any  # int32[N]
    break_last: Any  # int32[N]
    visits: I64  # int64[R] jobs on the route
    loaded: I64  # int64[R, dimensions]
    used: I64  # int64[technicians, parts]
    figures: I64  # int64[R, N_FIGURES]
    part: Any  # int32[R] which worker may touch the shift
    best_next: Any  # int32[N]
    best_begin: I64  # int64[N] starts that belong to ``best_next``
    window: I64  # int64[n, 2] the windows' outer ends as the problem has them
    supplied: Any  # uint8[N] the visit stands behind the trip to the depot
    drawn: I64  # int64[R, parts] taken from the stock; only kept with a depot
    span: I64  # int64[N, 6], see `spans`; [1, 6] where nobody counts hours


@by_pointer
class Worker(NamedTuple):
    """One thread's scratch space; sized once, never allocated in the loop."""

    id: int
    random: Any  # uint64[1]
    mine: Any  # int32[n] tasks of this part
    counts: I64  # int64[16], see C_*
    absent: Any  # int32[n] left-out tasks of this part
    absent_at: Any  # int32[n] their position in ``absent``, -1
    empty: Any  # int32[types, ...] flattened stacks of empty shifts per type
    empty_from: I64  # int64[types + 1]
    empty_count: I64  # int64[types]
    touched: I64  # int64[R] stamp of the iteration that saved the route
    saved_routes: Any  # int32[R]
    saved_from: I64  # int64[R + 1]
    saved_task: Any  # int32[N]
    saved_node: I64  # int64[N, 8]
    saved_breaks: Any  # int32[N, 2]
    saved_window: I64  # int64[N, 2]
    saved_figures: I64  # int64[R, N_FIGURES]
    pulled: Any  # int32[n] tasks out of their routes in this iteration
    was_absent: Any  # uint8[n]
    key: Any  # float64[n]
    stamp: I64  # int64[N]
    total: I64  # int64[N_FIGURES] of this part, now
    best: I64  # int64[N_FIGURES] of this part, best
    change: I64  # int64[N_FIGURES] scratch
    after: I64  # int64[N_FIGURES] scratch
    work: I64  # int64[technicians] scratch
    dirty: Any  # uint8[R] changed since the best was stored
    dirty_list: Any  # int32[R]
    scratch: I64  # int64[longest + 4, 4]
    crews: I64  # int64[crews, N_FIGURES] what each counts beyond its routes, in ``total``
    crews_now: I64  # int64[crews, N_FIGURES] the same after this iteration, for those in crew_list
    crew_list: I64  # int64[crews] counted anew in this iteration
    crew_seen: Any  # uint8[crews] whether it is in crew_list
    is_fresh: Any  # uint8[n] members of the group at hand that it found on no route
    places: Any  # float64[2, MOST_PLACES, 6] places of the two members of a pair, see `pairs`


MOST_PLACES = 200
"""So many places of a member of a pair are looked at."""

# counts[...]
(
    C_MINE,
    C_ABSENT,
    C_SAVED,
    C_PULLED,
    C_DIRTY,
    C_ITERATION,
    C_STAMP,
    C_ROUTES_ON,
    C_CREWS,
) = range(9)


def new_solution(compiled: Compiled) -> Solution:
    """Every shift empty, every task left out."""
    arrays = compiled.arrays
    n, n_shifts = arrays.n, arrays.n_shifts
    size = len(arrays.task)
    node = np.zeros((size, 8), np.int64)
    node[:, c.ROUTE] = -1
    starts = n + 2 * np.arange(n_shifts)
    node[starts, c.ROUTE] = node[starts + 1, c.ROUTE] = np.arange(n_shifts)
    node[starts, c.NEXT], node[starts + 1, c.PREV] = starts + 1, starts
    node[starts, c.PREV], node[starts + 1, c.NEXT] = -1, -1
    best_next = np.full(size, -1, np.int32)
    best_next[starts] = starts + 1
    return Solution(
        node,
        np.full(size, 0, np.int32),
        np.full(size, 0, np.int32),
        np.zeros(n_shifts, np.int64),
        np.zeros((n_shifts, arrays.load.shape[1]), np.int64),
        np.zeros(arrays.stock.shape, np.int64),
        np.zeros((n_shifts, c.N_FIGURES), np.int64),
        np.zeros(n_shifts, np.int32),
        best_next,
        np.zeros(size, np.int64),
        arrays.task[:n, [c.EARLIEST, c.LATEST]].copy(),
        np.zeros(size, np.uint8),
        np.zeros((n_shifts, arrays.stock.shape[1]), np.int64),
        np.zeros((size if arrays.short_days else 1, 6), np.int64),
    )


def new_worker(compiled: Compiled, worker_id: int, seed: int) -> Worker:
    """A workspace whose random stream depends on ``seed`` and ``worker_id`` only."""
    arrays: Instance = compiled.arrays
    n, n_shifts = arrays.n, arrays.n_shifts
    size, crews = len(arrays.task), len(arrays.crew_from) - 1
    types = arrays.shift[:, c.SHIFT_TYPE]
    n_types = int(types.max()) + 1 if n_shifts else 0
    empty_from = np.zeros(n_types + 1, np.int64)
    np.cumsum(np.bincount(types, minlength=n_types), out=empty_from[1:])
    word = (seed * 0x9E3779B97F4A7C15 + (worker_id + 1) * 0xD1B54A32D192ED03) % 2**64
    return Worker(
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
        np.zeros(n_shifts + 1, np.int64),
        np.zeros(size, np.int32),
        np.zeros((size, 8), np.int64),
        np.zeros((size, 2), np.int32),
        np.zeros((size, 2), np.int64),
        np.zeros((n_shifts, c.N_FIGURES), np.int64),
        np.zeros(n, np.int32),
        np.zeros(n, np.uint8),
        np.zeros(n, np.float64),
        np.zeros(size, np.int64),
        np.zeros(c.N_FIGURES, np.int64),
        np.zeros(c.N_FIGURES, np.int64),
        np.zeros(c.N_FIGURES, np.int64),
        np.zeros(c.N_FIGURES, np.int64),
        np.zeros(max(1, arrays.stock.shape[0]), np.int64),
        np.zeros(n_shifts, np.uint8),
        np.zeros(n_shifts, np.int32),
        np.zeros((n + 8, 4), np.int64),
        np.zeros((crews, c.N_FIGURES), np.int64),
        np.zeros((crews, c.N_FIGURES), np.int64),
        np.zeros(crews, np.int64),
        np.zeros(crews, np.uint8),
        np.zeros(n, np.uint8),
        np.zeros((2, MOST_PLACES, 6), np.float64),
    )
