"""Who stands near whom: sparse lists that keep the cost of an iteration independent of the size."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.search import layout as c

NEAR = 40
"""Visits beside which an insertion is tried."""
AROUND = 100
"""Visits from which strings are removed around a seed."""
NEAR_TYPES = 16
"""Kinds of empty shifts tried for a visit."""
NEAR_SHIFTS = 64
"""Shifts searched in full when no place beside a neighbour was found."""
CHUNK = 256

I32 = NDArray[np.int32]


def neighbours(
    drive: Any, task: NDArray[np.int64], service: NDArray[np.int32], n: int
) -> tuple[I32, I32]:
    """Two lists per task: visits likely to follow or precede it, and the nearest ones.

    Likeliness follows Vidal et al. (2013), §4.4: the drive, plus a fifth of the unavoidable wait,
    plus the unavoidable lateness, the better of the two directions.

    Returns
    -------
    near : int32[n, min(NEAR, n-1)]
    around : int32[n, min(AROUND, n-1)]
    """
    k_near, k_around = max(0, min(NEAR, n - 1)), max(0, min(AROUND, n - 1))
    near, around = np.zeros((n, k_near), np.int32), np.zeros((n, k_around), np.int32)
    if n < 2:
        return near, around
    place = task[:n, c.LOCATION]
    opens = task[:n, c.EARLIEST].astype(np.float64)
    closes = task[:n, c.LATEST].astype(np.float64)
    done = service.astype(np.float64)
    for first in range(0, n, CHUNK):
        rows = np.arange(first, min(n, first + CHUNK))
        there = drive[place[rows][:, None], place[None, :]].astype(np.float64)
        back = drive[place[None, :], place[rows][:, None]].astype(np.float64)
        wait = np.maximum(0, opens - (there + (done + closes)[rows, None]))
        late = np.maximum(0, (opens + done)[rows, None] + there - closes)
        wait_back = np.maximum(0, opens[rows, None] - (back + done + closes))
        late_back = np.maximum(0, opens + done + back - closes[rows, None])
        score = np.minimum(there + 0.2 * wait + late, back + 0.2 * wait_back + late_back)
        score[np.arange(len(rows)), rows] = np.inf
        near[rows] = _smallest(score, k_near)
        there[np.arange(len(rows)), rows] = np.inf
        around[rows] = _smallest(there, k_around)
    return near, around


def nearest_types(
    drive: Any, task: NDArray[np.int64], shift: NDArray[np.int64], fits: Any, n: int
) -> I32:
    """Shift types by detour start → task → end, as int32[n, ≤ NEAR_TYPES], -1 where none fits."""
    n_shifts = len(shift)
    if n_shifts == 0:
        return np.full((n, 1), -1, np.int32)
    types, first_of = np.unique(shift[:, c.SHIFT_TYPE], return_index=True)
    chosen = _nearest(drive, task, fits, n, first_of.astype(np.int64), NEAR_TYPES)
    return np.where(chosen < 0, -1, types[np.maximum(chosen, 0)]).astype(np.int32)


def nearest_shifts(drive: Any, task: NDArray[np.int64], fits: Any, n: int, n_shifts: int) -> I32:
    """Shifts by detour start → task → end, as int32[n, ≤ NEAR_SHIFTS], -1 where none fits."""
    if n_shifts == 0:
        return np.full((n, 1), -1, np.int32)
    return _nearest(drive, task, fits, n, np.arange(n_shifts), NEAR_SHIFTS)


def _nearest(
    drive: Any, task: NDArray[np.int64], fits: Any, n: int, columns: NDArray[np.int64], most: int
) -> I32:
    starts = task[n + 2 * columns, c.LOCATION]
    ends = task[n + 2 * columns + 1, c.LOCATION]
    count = min(most, len(columns))
    out = np.full((n, count), -1, np.int32)
    for first in range(0, n, CHUNK):
        rows = np.arange(first, min(n, first + CHUNK))
        place = task[rows, c.LOCATION]
        detour = drive[starts[None, :], place[:, None]].astype(np.float64)
        detour += np.where(ends < 0, 0, drive[place[:, None], np.maximum(ends, 0)[None, :]])
        detour[fits[np.ix_(rows, columns)] == 0] = np.inf
        order = _smallest(detour, count)
        found = np.isfinite(np.take_along_axis(detour, order.astype(np.int64), axis=1))
        out[rows] = np.where(found, order, -1)
    return out


def _smallest(score: NDArray[np.float64], count: int) -> I32:
    """Columns of the ``count`` smallest entries per row, ascending; ties by column."""
    if count < score.shape[1]:
        some = np.argpartition(score, count - 1, axis=1)[:, :count]
    else:
        some = np.broadcast_to(np.arange(score.shape[1]), score.shape).copy()
    values = np.take_along_axis(score, some, axis=1)
    order = np.lexsort((some, values), axis=1)
    return np.take_along_axis(some, order, axis=1).astype(np.int32)
