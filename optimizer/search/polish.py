"""The end polish: visits left out or late are tried at every place, timed in full.

The search prices places by its clocks, with breaks where they lie, and looks beside neighbours.
What it overlooks that way is found here: every position of every shift, each timed anew and
compared goal by goal. Single insertions and moves only; the order is fixed, nothing is drawn.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from optimizer.search import layout as c
from optimizer.search.anneal import (
    begin_part,
    better,
    change_of,
    settle_and_store,
    start_iteration,
)
from optimizer.search.arrays import Compiled
from optimizer.search.compiled import compiled, entry
from optimizer.search.insertion import has_room
from optimizer.search.layout import EARLIEST, LATEST, NEXT, PREV, ROUTE
from optimizer.search.links import put_group
from optimizer.search.moves import carry, mark_empty, pull, put, restore
from optimizer.search.refresh import refresh
from optimizer.search.state import C_PULLED, Solution, Worker

PASSES = 3


@entry
def load_best(instance: Any, solution: Any, worker: Any) -> bool:
    """Make the best plan the current one; False where a route cannot be timed anew as it was.

    Linked visits are held at their starts.
    """
    n, node = instance.n, solution.node
    for r in range(instance.n_shifts):
        at = node[n + 2 * r, NEXT]
        while at != n + 2 * r + 1:
            to = node[at, NEXT]
            if at < n:
                carry(instance, solution, r, at, -1)
            node[at, ROUTE] = -1
            at = to
        solution.visits[r] = 0
    for r in range(instance.n_shifts):
        begin, stop = n + 2 * r, n + 2 * r + 1
        at, count = begin, 0
        while at != stop:
            to = solution.best_next[at]
            node[at, NEXT], node[to, PREV] = to, at
            solution.break_first[at] = solution.break_last[at] = 0
            if to < n:
                count += 1
                carry(instance, solution, r, to, 1)
                if instance.group[to] >= 0:
                    instance.task[to, EARLIEST] = solution.best_begin[to]
                    instance.task[to, LATEST] = solution.best_begin[to]
            if to != stop:
                node[to, ROUTE] = r
            at = to
        solution.visits[r] = count
        if not refresh(instance, solution, worker.scratch, r):
            return False
    return True


@compiled
def _try(instance: Any, solution: Any, worker: Any, job: int, at: int) -> bool:
    """Move the visit (or put the one left out) behind ``at``; what changes is in ``change``."""
    start_iteration(worker)
    r = solution.node[job, ROUTE]
    if r >= 0:
        pull(instance, solution, worker, job)
        if solution.visits[r] == 0:
            mark_empty(instance, worker, r)
        if not refresh(instance, solution, worker.scratch, r):
            return False
    else:
        worker.pulled[0] = job
        worker.was_absent[job] = 1
        worker.counts[C_PULLED] = 1
    q = solution.node[at, ROUTE]
    if not has_room(instance, solution, q, job):
        return False
    if not put(instance, solution, worker, job, at, solution.break_first[at]):
        return False
    change_of(instance, solution, worker, worker.change)
    return True


@entry
def try_everywhere(
    instance: Any, solution: Any, worker: Any, order: Any, best: Any, most: int
) -> int:
    """Take the best single place of each visit in turn, if it betters the plan.

    Returns
    -------
    int
        Places tried; stops soon after ``most``.
    """
    n, node = instance.n, solution.node
    tried = 0
    for x in range(len(order)):
        job = order[x]
        if tried >= most:
            break
        if instance.locked[job] != 0:
            continue
        if instance.group[job] >= 0:
            if node[job, ROUTE] < 0:
                tried += _try_group(instance, solution, worker, job)
            continue
        best[:] = 0
        chosen = -1
        for q in range(instance.n_shifts):
            if instance.fits[job, q] == 0 or solution.part[q] != worker.id:
                continue
            at, stop = n + 2 * q, n + 2 * q + 1
            while at != stop:
                if at != job and node[at, NEXT] != job and at < n + 2 * instance.n_shifts:
                    possible = _try(instance, solution, worker, job, at)
                    tried += 1
                    if possible and better(instance.levels, worker.change, best):
                        chosen = at
                        for f in range(c.N_FIGURES):
                            best[f] = worker.change[f]
                    restore(instance, solution, worker)
                at = node[at, NEXT]
        if chosen >= 0:
            if _try(instance, solution, worker, job, chosen):
                settle_and_store(instance, solution, worker, worker.change)
            else:
                restore(instance, solution, worker)
    return tried


@compiled
def _try_group(instance: Any, solution: Any, worker: Any, job: int) -> int:
    """A linked group that is left out: placed where its members cost least, if that helps."""
    start_iteration(worker)
    group = instance.group[job]
    for k in range(instance.group_from[group], instance.group_from[group + 1]):
        other = instance.group_task[k]
        if solution.node[other, ROUTE] >= 0:
            continue
        worker.pulled[worker.counts[C_PULLED]] = other
        worker.was_absent[other] = 1
        worker.counts[C_PULLED] += 1
    possible = put_group(instance, solution, worker, job, 0.0)
    worker.after[:] = 0
    if possible:
        change_of(instance, solution, worker, worker.change)
        possible = better(instance.levels, worker.change, worker.after)
    if possible:
        settle_and_store(instance, solution, worker, worker.change)
    else:
        restore(instance, solution, worker)
    return 100


def polish(compiled: Compiled, solution: Solution, worker: Worker, most: int) -> bool:
    """Better the best plan by single insertions and moves; whether it is worth looking at.

    ``worker.best`` and the solution's best routes hold the outcome.
    """
    arrays = compiled.arrays
    n = arrays.n
    solution.part[:] = 0
    if not load_best(arrays, solution, worker):
        return False
    begin_part(arrays, solution, worker, np.zeros(n, np.int32))
    best = np.zeros(c.N_FIGURES, np.int64)
    for _ in range(PASSES):
        before = worker.total.copy()
        route = solution.node[:n, c.ROUTE]
        late = np.concatenate([solution.figures[:, c.LATE] > 0, [False]])
        order = np.flatnonzero((route < 0) | late[route])
        if not len(order) or most <= 0:
            break
        worth = -arrays.drop_energy[order] * (route[order] < 0)
        order = order[np.argsort(worth, kind="stable")].astype(np.int64)
        most -= try_everywhere(arrays, solution, worker, order, best, most)
        if not better(arrays.levels, worker.total, before):
            break
    return True
