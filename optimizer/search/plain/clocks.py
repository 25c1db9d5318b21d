"""Link, unlink, renew clocks only as far as they change, and undo."""

from __future__ import annotations

from typing import Any

from optimizer.search.compiled import inlined
from optimizer.search.plain.columns import (
    CHANGING,
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
    STAMP,
)
from optimizer.search.state import C_ITERATION, C_PULLED, C_ROUTES_ON, C_SAVED

C_LOG = 8  # nodes logged in this iteration


@inlined
def drive_between(instance: Any, node: Any, origin: int, destination: int) -> int:
    """Drive from node to node; 0 to an open end."""
    there = node[destination, LOC]
    return instance.drive[node[origin, LOC], there] if there >= 0 else 0  # type: ignore[no-any-return]


@inlined
def keep(node: Any, worker: Any, at: int) -> None:
    """Log a node as it is, once an iteration, before it changes."""
    now = worker.counts[C_ITERATION]
    if node[at, STAMP] != now:
        node[at, STAMP] = now
        k = worker.counts[C_LOG]
        worker.log_node[k] = at
        for f in range(CHANGING):
            worker.log[k, f] = node[at, f]
        worker.counts[C_LOG] = k + 1


@inlined
def touch(solution: Any, worker: Any, r: int) -> None:
    """Remember count and load of a route before its first change in this iteration."""
    if worker.touched[r] == worker.counts[C_ITERATION]:
        return
    worker.touched[r] = worker.counts[C_ITERATION]
    slot = worker.counts[C_SAVED]
    worker.saved_routes[slot] = r
    worker.saved_visits[slot] = solution.visits[r]
    for k in range(solution.loaded.shape[1]):
        worker.saved_loaded[slot, k] = solution.loaded[r, k]
    worker.counts[C_SAVED] = slot + 1


@inlined
def renew_forward(node: Any, worker: Any, at: int) -> bool:
    """Earliest times behind ``at``, until they stop changing; False where a window closes first."""
    time = node[at, FINISH] + node[at, LEG]
    at = node[at, NEXT]
    while at >= 0:
        begin = max(time, node[at, OPEN])
        if begin > node[at, CLOSE]:
            return False
        finish = begin + node[at, SERVICE]
        if finish == node[at, FINISH]:
            return True
        keep(node, worker, at)
        node[at, FINISH] = finish
        time = finish + node[at, LEG]
        at = node[at, NEXT]
    return True


@inlined
def renew_backward(n: int, node: Any, worker: Any, at: int) -> None:
    """Latest starts from ``at`` back to the start, until they stop changing."""
    while at < n:
        last = node[node[at, NEXT], LAST] - node[at, LEG] - node[at, SERVICE]
        last = min(last, node[at, CLOSE])
        if last == node[at, LAST]:
            return
        keep(node, worker, at)
        node[at, LAST] = last
        at = node[at, PREV]


@inlined
def mark_empty(instance: Any, worker: Any, r: int) -> None:
    """Put the shift on its type's stack of empty shifts."""
    kind = instance.shift_type[r]
    worker.empty[worker.empty_from[kind] + worker.empty_count[kind]] = r
    worker.empty_count[kind] += 1
    worker.counts[C_ROUTES_ON] -= 1


@inlined
def mark_used(instance: Any, worker: Any, r: int) -> None:
    """Take the shift off its type's stack of empty shifts."""
    kind = instance.shift_type[r]
    first, count = worker.empty_from[kind], worker.empty_count[kind]
    for k in range(first + count - 1, first - 1, -1):
        if worker.empty[k] == r:
            worker.empty[k] = worker.empty[first + count - 1]
            break
    worker.empty_count[kind] = count - 1
    worker.counts[C_ROUTES_ON] += 1


@inlined
def close_gap(instance: Any, solution: Any, worker: Any, before: int, behind: int) -> int:
    """Link two nodes of a route whose visits in between are out; the new leg's drive."""
    n, node = instance.n, solution.node
    keep(node, worker, before)
    keep(node, worker, behind)
    leg = 0
    if before < n or behind < n:  # an unused shift drives nowhere
        leg = drive_between(instance, node, before, behind)
    node[before, NEXT], node[behind, PREV] = behind, before
    node[before, LEG] = leg
    return leg


@inlined
def put(instance: Any, solution: Any, worker: Any, job: int, at: int) -> int:
    """Insert the visit after node ``at``, where it fits; the detour."""
    n, node = instance.n, solution.node
    r, to = node[at, ROUTE], node[at, NEXT]
    touch(solution, worker, r)
    if solution.visits[r] == 0:
        mark_used(instance, worker, r)
    keep(node, worker, at)
    keep(node, worker, to)
    keep(node, worker, job)
    out = instance.back[node[job, LOC], node[at, LOC]]
    on = drive_between(instance, node, job, to)
    detour = out + on - node[at, LEG]
    node[at, NEXT], node[job, PREV], node[job, NEXT], node[to, PREV] = job, at, to, job
    node[at, LEG], node[job, LEG] = out, on
    node[job, ROUTE] = r
    solution.visits[r] += 1
    for k in range(instance.load.shape[1]):
        solution.loaded[r, k] += instance.load[job, k]
    begin = max(node[at, FINISH] + out, node[job, OPEN])
    node[job, FINISH] = begin + node[job, SERVICE]
    node[job, LAST] = min(node[to, LAST] - on - node[job, SERVICE], node[job, CLOSE])
    renew_forward(node, worker, job)
    renew_backward(n, node, worker, at)
    return detour  # type: ignore[no-any-return]


@inlined
def undo(instance: Any, solution: Any, worker: Any) -> None:
    """Everything as it was before this iteration."""
    node, counts = solution.node, worker.counts
    for k in range(counts[C_LOG]):
        at = worker.log_node[k]
        for f in range(CHANGING):
            node[at, f] = worker.log[k, f]
    for slot in range(counts[C_SAVED]):
        r = worker.saved_routes[slot]
        count = worker.saved_visits[slot]
        if count > 0 and solution.visits[r] == 0:
            mark_used(instance, worker, r)
        elif count == 0 and solution.visits[r] > 0:
            mark_empty(instance, worker, r)
        solution.visits[r] = count
        for k in range(solution.loaded.shape[1]):
            solution.loaded[r, k] = worker.saved_loaded[slot, k]
    counts[C_LOG] = counts[C_SAVED] = counts[C_PULLED] = 0
