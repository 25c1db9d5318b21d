"""Swap the tails of two routes, or whole routes between two shifts.

Taking visits out and putting them back one by one rarely hands a whole day's work to somebody else;
this move does (2-opt*, Potvin & Rousseau 1995, with other people's homes and skills at the end).
"""

from __future__ import annotations

from typing import Any

from optimizer.search import layout as c
from optimizer.search.compiled import compiled, inlined
from optimizer.search.depot import depot_node, unlink_depot
from optimizer.search.insertion import INFINITE, draw
from optimizer.search.layout import (
    DRIVE_KIND,
    FINISH,
    FIRST_BREAK,
    LAST_BREAK,
    LATEST,
    MAX_JOBS,
    NEXT,
    NOWHERE,
    PREV,
    ROUTE,
)
from optimizer.search.moves import carry, mark_empty, mark_used, pull, save_route
from optimizer.search.refresh import refresh
from optimizer.search.state import C_MINE, C_PULLED
from optimizer.search.timing import drive_time

WHOLE_SHARE = 0.2  # share of tries that swap whole routes
BLINK = 0.2
PATIENCE = 6.0  # worse by more than so many temperatures: not worth timing


@compiled
def swap_tails(instance: Any, solution: Any, worker: Any, temperature: float) -> bool:
    """Try one swap near a random visit; False where none is promising or possible.

    The visits moved are in ``worker.pulled``, so that `restore` can undo the swap.
    """
    n, node = instance.n, solution.node
    random = worker.random
    centre = worker.mine[int(draw(random) * worker.counts[C_MINE])]
    r = node[centre, ROUTE]
    if r < 0:
        return False
    whole = draw(random) < WHOLE_SHARE
    own = n + 2 * r if whole else centre
    best, other = temperature * instance.step[len(instance.step) - 1] * PATIENCE, -1
    for x in range(instance.near.shape[1]):
        beside = instance.near[centre, x]
        q = node[beside, ROUTE]
        if q < 0 or q == r or solution.part[q] != worker.id or draw(random) < BLINK:
            continue
        at = n + 2 * q if whole else node[beside, PREV]
        energy = _detour(instance, solution, r, own, q, at)
        if energy < best and _may_swap(instance, solution, r, own, q, at):
            best, other = energy, at
    if other < 0:
        return False
    return _swap(instance, solution, worker, r, own, node[other, ROUTE], other)  # type: ignore[no-any-return]


@inlined
def _detour(instance: Any, solution: Any, r: int, a: int, q: int, b: int) -> float:
    """Change in driving when what follows ``a`` on r and what follows ``b`` on q change places."""
    n, node = instance.n, solution.node
    kind_r, kind_q = instance.shift[r, DRIVE_KIND], instance.shift[q, DRIVE_KIND]
    end_r, end_q = n + 2 * r + 1, n + 2 * q + 1
    next_a, next_b = node[a, NEXT], node[b, NEXT]
    if next_a == end_r and next_b == end_q:
        return INFINITE
    last_r, last_q = node[end_r, PREV], node[end_q, PREV]
    change = 0
    if next_b == end_q:
        change += drive_time(instance, kind_r, a, end_r)
    else:
        if node[a, FINISH] > instance.task[next_b, LATEST]:
            return INFINITE
        change += drive_time(instance, kind_r, a, next_b)
        change += drive_time(instance, kind_r, last_q, end_r)
        change -= drive_time(instance, kind_q, last_q, end_q)
    if next_a == end_r:
        change += drive_time(instance, kind_q, b, end_q)
    else:
        if node[b, FINISH] > instance.task[next_a, LATEST]:
            return INFINITE
        change += drive_time(instance, kind_q, b, next_a)
        change += drive_time(instance, kind_q, last_r, end_q)
        change -= drive_time(instance, kind_r, last_r, end_r)
    if change > NOWHERE // 2:
        return INFINITE
    change -= drive_time(instance, kind_r, a, next_a)
    change -= drive_time(instance, kind_q, b, next_b)
    return instance.weight[c.TRAVEL] * change  # type: ignore[no-any-return]


@compiled
def _may_swap(instance: Any, solution: Any, r: int, a: int, q: int, b: int) -> bool:
    """Whether each tail may be served on the other shift by every rule without a clock."""
    n, node = instance.n, solution.node
    if instance.stock.shape[1] > 0 and not instance.has_depot:
        return False  # vans differ; ruin and recreate keeps count of parts
    end_r, end_q = n + 2 * r + 1, n + 2 * q + 1
    moved_r, at = 0, node[a, NEXT]
    while at != end_r:
        if at >= n:  # a trip to the depot, which is laid anew
            at = node[at, NEXT]
            continue
        if instance.fits[at, q] == 0 or instance.locked[at] != 0 or instance.group[at] >= 0:
            return False
        moved_r += 1
        at = node[at, NEXT]
    moved_q, at = 0, node[b, NEXT]
    while at != end_q:
        if at >= n:
            at = node[at, NEXT]
            continue
        if instance.fits[at, r] == 0 or instance.locked[at] != 0 or instance.group[at] >= 0:
            return False
        moved_q += 1
        at = node[at, NEXT]
    change = moved_q - moved_r
    if solution.visits[r] + change > instance.shift[r, MAX_JOBS]:
        return False
    if solution.visits[q] - change > instance.shift[q, MAX_JOBS]:
        return False
    for k in range(instance.load.shape[1]):
        load = 0
        at = node[b, NEXT]
        while at != end_q:
            if at < n:
                load += instance.load[at, k]
            at = node[at, NEXT]
        at = node[a, NEXT]
        while at != end_r:
            if at < n:
                load -= instance.load[at, k]
            at = node[at, NEXT]
        if solution.loaded[r, k] + load > instance.capacity[r, k]:
            return False
        if solution.loaded[q, k] - load > instance.capacity[q, k]:
            return False
    return True


@compiled
def _swap(instance: Any, solution: Any, worker: Any, r: int, a: int, q: int, b: int) -> bool:
    n, node = instance.n, solution.node
    save_route(instance, solution, worker, r)
    save_route(instance, solution, worker, q)
    if instance.has_depot:
        if b == depot_node(instance, q):
            b = node[b, PREV]
        unlink_depot(instance, solution, r)
        unlink_depot(instance, solution, q)
    while node[a, NEXT] < n:
        pull(instance, solution, worker, node[a, NEXT])
    from_r = worker.counts[C_PULLED]
    while node[b, NEXT] < n:
        pull(instance, solution, worker, node[b, NEXT])
    count = worker.counts[C_PULLED]
    if solution.visits[r] == 0:
        mark_empty(instance, worker, r)
    if solution.visits[q] == 0:
        mark_empty(instance, worker, q)
    _append(instance, solution, worker, q, 0, from_r)
    _append(instance, solution, worker, r, from_r, count)
    possible = True
    for s in (r, q):
        begin = n + 2 * s
        at = begin
        while at != begin + 1:
            solution.break_first[at] = solution.break_last[at] = 0
            at = node[at, NEXT]
        solution.break_first[begin] = instance.shift[s, FIRST_BREAK]
        solution.break_last[begin] = instance.shift[s, LAST_BREAK]
        if not refresh(instance, solution, worker.scratch, s):
            possible = False
    return possible


@compiled
def _append(instance: Any, solution: Any, worker: Any, r: int, first: int, last: int) -> None:
    """Link the pulled visits ``first .. last - 1`` to the end of route r; clocks stay stale."""
    node, stop = solution.node, instance.n + 2 * r + 1
    for x in range(first, last):
        job = worker.pulled[x]
        if solution.visits[r] == 0:
            mark_used(instance, worker, r)
        before = node[stop, PREV]
        node[before, NEXT], node[job, PREV] = job, before
        node[job, NEXT], node[stop, PREV] = stop, job
        node[job, ROUTE] = r
        solution.visits[r] += 1
        carry(instance, solution, r, job, 1)
