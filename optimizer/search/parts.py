"""Split the shifts into neighbouring parts that can be searched side by side."""

from __future__ import annotations

from typing import Any

import numpy as np

from optimizer.search import layout as c
from optimizer.search.arrays import Compiled
from optimizer.search.state import Solution


def split_into_parts(
    compiled: Compiled, solution: Solution, parts: int, random: np.random.Generator
) -> Any:
    """Give every technician to a part; write ``solution.part`` and return each task's part.

    Halving again and again: a random technician is a pole, the half of the technicians nearest to
    it (mean drive from the pole's place to the places on their routes) goes one way. A technician's
    shifts stay together, since the van's parts are shared between them.

    Returns
    -------
    int32[n]
        The part in which a left-out task is tried: that of its nearest placed neighbour.
    """
    arrays = compiled.arrays
    n, n_shifts = arrays.n, arrays.n_shifts
    technicians = arrays.shift[:, c.TECHNICIAN]
    count = int(technicians.max()) + 1
    place = _places(compiled, solution, count)
    work = np.bincount(technicians, weights=solution.visits + 0.2, minlength=count)
    part_of = np.zeros(count, np.int32)
    pieces = [np.arange(count)]
    while len(pieces) < min(parts, count):
        largest = max(range(len(pieces)), key=lambda k: float(work[pieces[k]].sum()))
        piece = pieces.pop(largest)
        if len(piece) < 2:
            pieces.append(piece)
            break
        pole = place[piece[random.integers(len(piece))]]
        drives = arrays.drive[0, pole, place[piece]]
        order = piece[np.argsort(drives, kind="stable")]
        half = int(np.searchsorted(np.cumsum(work[order]), work[order].sum() / 2)) + 1
        half = min(max(1, half), len(order) - 1)
        pieces += [order[:half], order[half:]]
    for number, piece in enumerate(pieces):
        part_of[piece] = number
    solution.part[:] = part_of[technicians]
    task_part = np.zeros(n, np.int32)
    out = np.flatnonzero(solution.node[:n, c.ROUTE] < 0)
    for job in out:
        routes = solution.node[arrays.around[job], c.ROUTE] if n > 1 else np.array([])
        placed = routes[routes >= 0]
        if len(placed):
            task_part[job] = solution.part[placed[0]]
        elif n_shifts and arrays.near_shifts[job, 0] >= 0:
            task_part[job] = solution.part[arrays.near_shifts[job, 0]]
    return task_part


def _places(compiled: Compiled, solution: Solution, count: int) -> Any:
    """A location per technician that stands for where the work is: a visit, else the start."""
    arrays = compiled.arrays
    n = arrays.n
    place = np.zeros(count, np.int64)
    first = n + 2 * np.arange(arrays.n_shifts)
    place[arrays.shift[:, c.TECHNICIAN]] = arrays.task[first, c.LOCATION]
    following = solution.node[first, c.NEXT]
    busy = following < n
    place[arrays.shift[busy, c.TECHNICIAN]] = arrays.task[following[busy], c.LOCATION]
    return place
