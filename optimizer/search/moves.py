"""Take a visit out, put it in, and undo a whole iteration."""

from __future__ import annotations

from typing import Any

from optimizer.search.compiled import compiled
from optimizer.search.depot import depot_node, draw_from_stock, give_back
from optimizer.search.layout import (
    EARLIEST,
    LATEST,
    N_FIGURES,
    NEXT,
    PREV,
    ROUTE,
    SHIFT_TYPE,
    TECHNICIAN,
)
from optimizer.search.refresh import refresh
from optimizer.search.spans import measure_spans
from optimizer.search.state import C_ITERATION, C_PULLED, C_ROUTES_ON, C_SAVED


@compiled
def mark_empty(instance: Any, worker: Any, r: int) -> None:
    """Put the shift on its type's stack of empty shifts."""
    kind = instance.shift[r, SHIFT_TYPE]
    worker.empty[worker.empty_from[kind] + worker.empty_count[kind]] = r
    worker.empty_count[kind] += 1
    worker.counts[C_ROUTES_ON] -= 1


@compiled
def mark_used(instance: Any, worker: Any, r: int) -> None:
    """Take the shift off its type's stack of empty shifts."""
    kind = instance.shift[r, SHIFT_TYPE]
    first, count = worker.empty_from[kind], worker.empty_count[kind]
    for k in range(first + count - 1, first - 1, -1):
        if worker.empty[k] == r:
            worker.empty[k] = worker.empty[first + count - 1]
            break
    worker.empty_count[kind] = count - 1
    worker.counts[C_ROUTES_ON] += 1


@compiled
def save_route(instance: Any, solution: Any, worker: Any, r: int) -> None:
    """Keep the route as it is now, once an iteration, so that `restore` can bring it back."""
    if worker.touched[r] == worker.counts[C_ITERATION]:
        return
    worker.touched[r] = worker.counts[C_ITERATION]
    slot = worker.counts[C_SAVED]
    position = worker.saved_from[slot]
    worker.saved_routes[slot] = r
    for f in range(N_FIGURES):
        worker.saved_figures[slot, f] = solution.figures[r, f]
    at = instance.n + 2 * r
    while at >= 0:
        worker.saved_task[position] = at
        for f in range(8):
            worker.saved_node[position, f] = solution.node[at, f]
        worker.saved_breaks[position, 0] = solution.break_first[at]
        worker.saved_breaks[position, 1] = solution.break_last[at]
        worker.saved_window[position, 0] = instance.task[at, EARLIEST]
        worker.saved_window[position, 1] = instance.task[at, LATEST]
        position += 1
        at = solution.node[at, NEXT]
    worker.counts[C_SAVED] = slot + 1
    worker.saved_from[slot + 1] = position


@compiled
def carry(instance: Any, solution: Any, r: int, job: int, sign: int) -> None:
    """Add the load and parts of a visit to its shift, or take them off."""
    for k in range(instance.load.shape[1]):
        solution.loaded[r, k] += sign * instance.load[job, k]
    if instance.stock.shape[1] > 0 and not instance.has_depot:
        who = instance.shift[r, TECHNICIAN]
        for p in range(instance.part_from[job], instance.part_from[job + 1]):
            solution.used[who, instance.part_id[p]] += sign * instance.part_count[p]


@compiled
def unlink(instance: Any, solution: Any, job: int) -> None:
    """Take the visit out of its chain; the clocks of the route are stale until `refresh`."""
    node = solution.node
    r, before, behind = node[job, ROUTE], node[job, PREV], node[job, NEXT]
    node[before, NEXT], node[behind, PREV] = behind, before
    first, last = solution.break_first[job], solution.break_last[job]
    if first < last:
        if solution.break_first[before] == solution.break_last[before]:
            solution.break_first[before] = first
        solution.break_last[before] = last
    node[job, ROUTE] = -1
    solution.visits[r] -= 1
    carry(instance, solution, r, job, -1)
    if instance.group[job] >= 0:
        instance.task[job, EARLIEST] = solution.window[job, 0]
        instance.task[job, LATEST] = solution.window[job, 1]


@compiled
def pull(instance: Any, solution: Any, worker: Any, job: int) -> None:
    """Take a placed visit out and remember it as pulled."""
    save_route(instance, solution, worker, solution.node[job, ROUTE])
    unlink(instance, solution, job)
    count = worker.counts[C_PULLED]
    worker.pulled[count] = job
    worker.was_absent[job] = 0
    worker.counts[C_PULLED] = count + 1


@compiled
def put(instance: Any, solution: Any, worker: Any, job: int, at: int, split: int) -> bool:
    """Insert the visit after node ``at`` and renew the route's clocks."""
    node = solution.node
    r = node[at, ROUTE]
    save_route(instance, solution, worker, r)
    to = node[at, NEXT]
    if solution.visits[r] == 0:
        mark_used(instance, worker, r)
    node[at, NEXT], node[job, PREV], node[job, NEXT], node[to, PREV] = job, at, to, job
    node[job, ROUTE] = r
    last = solution.break_last[at]
    solution.break_first[job], solution.break_last[job] = split, last
    if solution.break_first[at] < last:
        solution.break_last[at] = split
    else:
        solution.break_last[job] = split
    solution.visits[r] += 1
    carry(instance, solution, r, job, 1)
    return refresh(instance, solution, worker.scratch, r)  # type: ignore[no-any-return]


@compiled
def restore(instance: Any, solution: Any, worker: Any) -> None:
    """Bring back every route and every pulled visit as they were before this iteration."""
    node = solution.node
    for x in range(worker.counts[C_PULLED]):
        job = worker.pulled[x]
        if node[job, ROUTE] >= 0:
            carry(instance, solution, node[job, ROUTE], job, -1)
        node[job, ROUTE] = -1
        if instance.group[job] >= 0:
            instance.task[job, EARLIEST] = solution.window[job, 0]
            instance.task[job, LATEST] = solution.window[job, 1]
    if instance.has_depot:  # else one shift of a technician would lack what another still holds
        for slot in range(worker.counts[C_SAVED]):
            give_back(instance, solution, worker.saved_routes[slot])
    for slot in range(worker.counts[C_SAVED]):
        r = worker.saved_routes[slot]
        first, last = worker.saved_from[slot], worker.saved_from[slot + 1]
        if instance.has_depot:
            node[depot_node(instance, r), ROUTE] = -1
        for position in range(first, last):
            at = worker.saved_task[position]
            for f in range(8):
                node[at, f] = worker.saved_node[position, f]
            solution.break_first[at] = worker.saved_breaks[position, 0]
            solution.break_last[at] = worker.saved_breaks[position, 1]
            instance.task[at, EARLIEST] = worker.saved_window[position, 0]
            instance.task[at, LATEST] = worker.saved_window[position, 1]
        count = last - first - 2
        if instance.has_depot:
            draw_from_stock(instance, solution, r)
            if node[depot_node(instance, r), ROUTE] >= 0:
                count -= 1
        if count > 0 and solution.visits[r] == 0:
            mark_used(instance, worker, r)
        elif count == 0 and solution.visits[r] > 0:
            mark_empty(instance, worker, r)
        solution.visits[r] = count
        for f in range(N_FIGURES):
            solution.figures[r, f] = worker.saved_figures[slot, f]
        if instance.short_days:
            measure_spans(instance, solution, r)
    for x in range(worker.counts[C_PULLED]):
        job = worker.pulled[x]
        if worker.was_absent[job] == 0:
            carry(instance, solution, node[job, ROUTE], job, 1)
