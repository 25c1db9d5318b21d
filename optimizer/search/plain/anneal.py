"""The loop of the plain search: the faces are those of `optimizer.search.anneal`."""

from __future__ import annotations

import math
from typing import Any

from optimizer.search import layout as c
from optimizer.search.anneal import better
from optimizer.search.compiled import compiled, entry, inlined
from optimizer.search.insertion import draw
from optimizer.search.plain.clocks import C_LOG, mark_empty, put, undo
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
    STAMP,
)
from optimizer.search.plain.pool import remember
from optimizer.search.plain.recreate import has_room, order_pulled, recreate
from optimizer.search.plain.ruin import IMPOSSIBLE, call_absent, ruin, swap_tails
from optimizer.search.state import (
    C_ABSENT,
    C_DIRTY,
    C_ITERATION,
    C_MINE,
    C_PULLED,
    C_ROUTES_ON,
    C_SAVED,
)

BLINK = 0.01
UPPER_HEAT = 0.2  # goals above the last are annealed cooler
NEAR_BEST = 1.02  # plans whose routes are remembered: at most this much more travel than the best


@entry
def begin_part(instance: Any, solution: Any, worker: Any, task_part: Any) -> None:
    """List what belongs to this worker's part and take stock of its figures."""
    n, node, counts = instance.n, solution.node, worker.counts
    counts[C_MINE] = counts[C_ABSENT] = counts[C_DIRTY] = counts[C_ROUTES_ON] = 0
    counts[C_ITERATION] = counts[C_LOG] = counts[C_SAVED] = counts[C_PULLED] = 0
    worker.total[:] = 0
    worker.dirty[:] = 0
    worker.touched[:] = 0
    worker.empty_count[:] = 0
    worker.absent_at[:] = -1
    for job in range(n):
        r = node[job, ROUTE]
        part = task_part[job] if r < 0 else solution.part[r]
        if part != worker.id:
            continue
        node[job, STAMP] = 0
        worker.mine[counts[C_MINE]] = job
        counts[C_MINE] += 1
        if r < 0:
            worker.absent[counts[C_ABSENT]] = job
            worker.absent_at[job] = counts[C_ABSENT]
            counts[C_ABSENT] += 1
            for f in range(c.N_FIGURES):
                worker.total[f] += instance.left_out[job, f]
    for r in range(instance.n_shifts - 1, -1, -1):
        if solution.part[r] != worker.id:
            continue
        counts[C_ROUTES_ON] += 1
        start = n + 2 * r
        node[start, STAMP] = node[start + 1, STAMP] = 0
        if solution.visits[r] == 0:
            mark_empty(instance, worker, r)
        else:
            worker.total[c.VEHICLES] += 1
            at = start
            while at != start + 1:
                worker.total[c.TRAVEL] += node[at, LEG]
                at = node[at, NEXT]
        _store_best(instance, solution, r)
    for f in range(c.N_FIGURES):
        worker.best[f] = worker.total[f]


@inlined
def _store_best(instance: Any, solution: Any, r: int) -> None:
    at, stop = instance.n + 2 * r, instance.n + 2 * r + 1
    while at != stop:
        to = solution.node[at, NEXT]
        solution.best_next[at] = to
        at = to


@inlined
def _start_iteration(worker: Any) -> None:
    counts = worker.counts
    counts[C_ITERATION] += 1
    counts[C_LOG] = counts[C_SAVED] = counts[C_PULLED] = 0


@inlined
def _same_served(instance: Any, solution: Any, worker: Any) -> bool:
    """Whether travel is all that this iteration changed."""
    if not instance.only_travel:
        return False
    for x in range(worker.counts[C_PULLED]):
        job = worker.pulled[x]
        if (solution.node[job, ROUTE] < 0) != (worker.was_absent[job] != 0):
            return False
    return True


@inlined
def _change_of(instance: Any, solution: Any, worker: Any, travel: int) -> None:
    """Write into ``worker.change`` by how much this iteration moved each figure of the part."""
    change = worker.change
    change[:] = 0
    change[c.TRAVEL] = travel
    for x in range(worker.counts[C_PULLED]):
        job = worker.pulled[x]
        out = (0 if solution.node[job, ROUTE] >= 0 else 1) - worker.was_absent[job]
        if out != 0:
            for f in range(c.N_FIGURES):
                change[f] += out * instance.left_out[job, f]
    for slot in range(worker.counts[C_SAVED]):
        r = worker.saved_routes[slot]
        now = 1 if solution.visits[r] > 0 else 0
        change[c.VEHICLES] += now - (1 if worker.saved_visits[slot] > 0 else 0)


@inlined
def _is_accepted(instance: Any, worker: Any, temperature: float) -> bool:
    """Metropolis, goal by goal: the first goal that differs decides, each with its own step."""
    goals, change = instance.levels.shape[0], worker.change
    for g in range(goals):
        delta = 0.0
        for f in range(c.N_FIGURES):
            if change[f] != 0 and instance.levels[g, f] != 0.0:
                delta += instance.levels[g, f] * change[f]
        if delta < 0.0:
            return True
        if delta > 0.0:
            heat = temperature * instance.step[g] * (1.0 if g == goals - 1 else UPPER_HEAT)
            if draw(worker.random) >= math.exp(-delta / heat):
                return False
            if g < goals - 1:
                return True
    return True


@compiled
def _settle(instance: Any, solution: Any, worker: Any, improved: bool) -> None:
    """Make this iteration's outcome the current one; store it when the part is better than ever."""
    counts = worker.counts
    for x in range(counts[C_PULLED]):
        job = worker.pulled[x]
        placed = solution.node[job, ROUTE] >= 0
        if placed and worker.was_absent[job] != 0:
            last = worker.absent[counts[C_ABSENT] - 1]
            hole = worker.absent_at[job]
            worker.absent[hole] = last
            worker.absent_at[last] = hole
            worker.absent_at[job] = -1
            counts[C_ABSENT] -= 1
        elif not placed and worker.was_absent[job] == 0:
            worker.absent[counts[C_ABSENT]] = job
            worker.absent_at[job] = counts[C_ABSENT]
            counts[C_ABSENT] += 1
    for slot in range(counts[C_SAVED]):
        r = worker.saved_routes[slot]
        if worker.dirty[r] == 0:
            worker.dirty[r] = 1
            worker.dirty_list[counts[C_DIRTY]] = r
            counts[C_DIRTY] += 1
    if worker.total[c.TRAVEL] < NEAR_BEST * worker.best[c.TRAVEL]:
        for slot in range(counts[C_SAVED]):
            remember(instance, solution, worker.pool, worker.saved_routes[slot])
    if improved and better(instance.levels, worker.total, worker.best):
        for f in range(c.N_FIGURES):
            worker.best[f] = worker.total[f]
        for k in range(counts[C_DIRTY]):
            r = worker.dirty_list[k]
            worker.dirty[r] = 0
            _store_best(instance, solution, r)
        counts[C_DIRTY] = 0


@entry
def insert_all(instance: Any, solution: Any, worker: Any, order: Any, thorough: bool) -> None:
    """Greedy insertion of the given left-out visits, one at a time, each kept if it helps."""
    for x in range(len(order)):
        job = order[x]
        if solution.node[job, ROUTE] >= 0:
            continue
        _start_iteration(worker)
        worker.pulled[0] = job
        worker.was_absent[job] = 1
        worker.counts[C_PULLED] = 1
        travel = recreate(instance, solution, worker, 0.0, thorough)
        _change_of(instance, solution, worker, travel)
        for f in range(c.N_FIGURES):
            worker.total[f] += worker.change[f]
        _settle(instance, solution, worker, True)


@entry
def anneal(
    instance: Any,
    solution: Any,
    worker: Any,
    iterations: int,
    hot: float,
    cold: float,
    mean_removed: float,
    swap_share: float,
) -> None:
    """Ruin and recreate, or swap tails, ``iterations`` times while it cools from hot to cold."""
    if worker.counts[C_MINE] == 0:
        return
    factor = (cold / hot) ** (1.0 / max(1, iterations))
    temperature = hot
    for _ in range(iterations):
        _start_iteration(worker)
        if draw(worker.random) < swap_share:
            travel = swap_tails(instance, solution, worker, temperature)
        else:
            seed, travel = ruin(instance, solution, worker, mean_removed)
            if travel < IMPOSSIBLE:
                call_absent(instance, solution, worker, seed)
                order_pulled(instance, solution, worker, seed)
                travel += recreate(instance, solution, worker, BLINK, False)
        accepted = travel < IMPOSSIBLE
        improved = True
        if accepted:
            if _same_served(instance, solution, worker):
                improved = travel < 0
                if travel > 0:
                    heat = temperature * instance.travel_step
                    accepted = draw(worker.random) < math.exp(-travel / heat)
                if accepted:
                    worker.total[c.TRAVEL] += travel
            else:
                _change_of(instance, solution, worker, travel)
                accepted = _is_accepted(instance, worker, temperature)
                if accepted:
                    for f in range(c.N_FIGURES):
                        worker.total[f] += worker.change[f]
        if accepted:
            _settle(instance, solution, worker, improved)
        else:
            undo(instance, solution, worker)
        temperature *= factor


@entry
def lay_routes(
    instance: Any, solution: Any, worker: Any, shifts: Any, first_of: Any, tasks: Any
) -> None:
    """Append the given visits to their shifts in order; what a rule forbids stays left out."""
    n, node = instance.n, solution.node
    for k in range(len(shifts)):
        r = shifts[k]
        stop = n + 2 * r + 1
        for x in range(first_of[k], first_of[k + 1]):
            job = tasks[x]
            if node[job, ROUTE] >= 0 or not has_room(instance, solution, worker, r, job):
                continue
            at = node[stop, PREV]
            out = instance.drive[node[at, LOC], node[job, LOC]]
            there = node[stop, LOC]
            on = instance.drive[node[job, LOC], there] if there >= 0 else 0
            start = max(node[at, FINISH] + out, node[job, OPEN])
            if start > node[job, CLOSE] or start + node[job, SERVICE] + on > node[stop, LAST]:
                continue
            _start_iteration(worker)
            worker.pulled[0] = job
            worker.was_absent[job] = 1
            worker.counts[C_PULLED] = 1
            _change_of(instance, solution, worker, put(instance, solution, worker, job, at))
            for f in range(c.N_FIGURES):
                worker.total[f] += worker.change[f]
            _settle(instance, solution, worker, True)
