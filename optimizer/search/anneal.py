"""Recreate and accept: the loop of the search."""

from __future__ import annotations

import math
from typing import Any

from optimizer.search import layout as c
from optimizer.search.compiled import compiled, entry
from optimizer.search.crews import count_own_crews, crews_changed, settle_crews
from optimizer.search.exchange import swap_tails
from optimizer.search.insertion import (
    INFINITE,
    best_place,
    best_place_anywhere,
    draw,
    has_room,
    price,
)
from optimizer.search.layout import BEGIN, LATEST, LOCATION, NEXT, PREV, ROUTE
from optimizer.search.links import put_group
from optimizer.search.moves import mark_empty, put, restore
from optimizer.search.refresh import clear
from optimizer.search.ruin import call_absent, ruin
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
SMALL_FLEET = 24  # so few shifts are always searched in full when neighbours offer no place


@entry
def begin_part(instance: Any, solution: Any, worker: Any, task_part: Any) -> None:
    """List what belongs to this worker's part and take stock of its figures."""
    counts = worker.counts
    counts[C_MINE] = counts[C_ABSENT] = counts[C_DIRTY] = counts[C_ROUTES_ON] = 0
    worker.total[:] = 0
    worker.dirty[:] = 0
    worker.empty_count[:] = 0
    worker.absent_at[:] = -1
    for job in range(instance.n):
        r = solution.node[job, ROUTE]
        part = task_part[job] if r < 0 else solution.part[r]
        if part != worker.id:
            continue
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
        if solution.visits[r] == 0:
            mark_empty(instance, worker, r)
        for f in range(c.N_FIGURES):
            worker.total[f] += solution.figures[r, f]
        _store_best(instance, solution, r)
    count_own_crews(instance, solution, worker)
    _whole_figures(instance, solution, worker, worker.total)
    for f in range(c.N_FIGURES):
        worker.best[f] = worker.total[f]


@compiled
def _store_best(instance: Any, solution: Any, r: int) -> None:
    at, stop = instance.n + 2 * r, instance.n + 2 * r + 1
    while at != stop:
        to = solution.node[at, NEXT]
        solution.best_next[at] = to
        solution.best_begin[to] = solution.node[to, BEGIN]
        at = to


@compiled
def _whole_figures(instance: Any, solution: Any, worker: Any, total: Any) -> None:
    """Figures that are not sums over routes; only looked at when the objective names them."""
    if instance.sums_only:
        return
    worst = 0
    work = worker.work
    work[:] = 0
    for r in range(instance.n_shifts):
        worst = max(worst, solution.figures[r, c.WORST_LATE])
        work[instance.shift[r, c.TECHNICIAN]] += solution.figures[r, c.SPREAD]
    total[c.WORST_LATE] = worst
    least, most = work[0], work[0]
    for who in range(len(work)):
        least, most = min(least, work[who]), max(most, work[who])
    total[c.SPREAD] = most - least


@entry
def better(levels: Any, a: Any, b: Any) -> bool:
    """Whether figures ``a`` beat ``b``, goal by goal: sums of integers, exact up to 2**53."""
    for g in range(levels.shape[0]):
        left = right = 0.0
        for f in range(levels.shape[1]):
            if levels[g, f] != 0.0:
                left += levels[g, f] * a[f]
                right += levels[g, f] * b[f]
        if left < right - 1e-9:
            return True
        if left > right + 1e-9:
            return False
    return False


@compiled
def _order(instance: Any, worker: Any, seed: int) -> None:
    """Sort the pulled visits by a rule drawn at random (ibid., §5.2, with hardness and worth)."""
    random, count = worker.random, worker.counts[C_PULLED]
    o = draw(random) * (20.0 if worker.counts[C_ABSENT] > 0 else 17.0)
    place = instance.task[seed, LOCATION]
    for x in range(count):
        job = worker.pulled[x]
        if o < 4.0:
            key = draw(random)
        elif o < 8.0:
            key = -instance.hardness[job] - 1e-9 * instance.service[0, job]
        elif o < 10.0:
            key = -float(instance.drive[0, place, instance.task[job, LOCATION]])
        elif o < 11.0:
            key = float(instance.drive[0, place, instance.task[job, LOCATION]])
        elif o < 13.0:
            key = float(instance.task[job, LATEST] - instance.task[job, c.EARLIEST])
        elif o < 15.0:
            key = float(instance.task[job, c.EARLIEST])
        elif o < 17.0:
            key = -float(instance.task[job, LATEST])
        else:
            key = -instance.drop_energy[job]
        worker.key[x] = key
    for x in range(1, count):
        key, job = worker.key[x], worker.pulled[x]
        y = x - 1
        while y >= 0 and worker.key[y] > key:
            worker.key[y + 1] = worker.key[y]
            worker.pulled[y + 1] = worker.pulled[y]
            y -= 1
        worker.key[y + 1] = key
        worker.pulled[y + 1] = job


@compiled
def recreate(instance: Any, solution: Any, worker: Any, blink: float, thorough: bool) -> bool:
    """Put the pulled visits back one by one where each costs least; False if a route broke."""
    for x in range(worker.counts[C_PULLED]):
        job = worker.pulled[x]
        if solution.node[job, ROUTE] >= 0:
            continue
        if instance.group[job] >= 0:
            if not put_group(instance, solution, worker, job, blink):
                return False
            continue
        limit = instance.drop_energy[job]
        _, at, split = best_place(instance, solution, worker, job, blink, limit)
        if at < 0 and (thorough or worker.was_absent[job] == 0 or draw(worker.random) < 0.1):
            everywhere = thorough or instance.n_shifts <= SMALL_FLEET
            _, at, split = best_place_anywhere(instance, solution, worker, job, limit, everywhere)
        if at >= 0 and not put(instance, solution, worker, job, at, split):
            return False
    return True


@compiled
def _settle(instance: Any, solution: Any, worker: Any) -> None:
    """Make this iteration's outcome the current solution."""
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


@compiled
def start_iteration(worker: Any) -> None:
    """Forget what the last iteration saved."""
    worker.counts[C_ITERATION] += 1
    worker.counts[C_SAVED] = 0
    worker.counts[C_PULLED] = 0


@compiled
def change_of(instance: Any, solution: Any, worker: Any, change: Any) -> None:
    """Write into ``change`` by how much this iteration moved each figure of the part."""
    change[:] = 0
    for slot in range(worker.counts[C_SAVED]):
        r = worker.saved_routes[slot]
        for f in range(c.N_FIGURES):
            change[f] += solution.figures[r, f] - worker.saved_figures[slot, f]
    for x in range(worker.counts[C_PULLED]):
        job = worker.pulled[x]
        out = (0 if solution.node[job, ROUTE] >= 0 else 1) - worker.was_absent[job]
        if out != 0:
            for f in range(c.N_FIGURES):
                change[f] += out * instance.left_out[job, f]
    if len(instance.crew_from) > 1:
        crews_changed(instance, solution, worker, change)
    if not instance.sums_only:
        change[c.SPREAD] = change[c.WORST_LATE] = 0
        after = worker.after
        for f in range(c.N_FIGURES):
            after[f] = worker.total[f] + change[f]
        _whole_figures(instance, solution, worker, after)
        change[c.SPREAD] = after[c.SPREAD] - worker.total[c.SPREAD]
        change[c.WORST_LATE] = after[c.WORST_LATE] - worker.total[c.WORST_LATE]


@compiled
def settle_and_store(instance: Any, solution: Any, worker: Any, change: Any) -> None:
    """Accept the iteration; store the routes that changed when the part is better than ever."""
    _settle(instance, solution, worker)
    for f in range(c.N_FIGURES):
        worker.total[f] += change[f]
    settle_crews(worker)
    if better(instance.levels, worker.total, worker.best):
        for f in range(c.N_FIGURES):
            worker.best[f] = worker.total[f]
        for k in range(worker.counts[C_DIRTY]):
            r = worker.dirty_list[k]
            worker.dirty[r] = 0
            _store_best(instance, solution, r)
        worker.counts[C_DIRTY] = 0


@entry
def insert_all(instance: Any, solution: Any, worker: Any, order: Any, thorough: bool) -> None:
    """Greedy insertion of the given left-out visits, one at a time, each kept if it helps."""
    change = worker.change
    for x in range(len(order)):
        job = order[x]
        if solution.node[job, ROUTE] >= 0:
            continue
        start_iteration(worker)
        group = instance.group[job]
        if group < 0:
            worker.pulled[0] = job
            worker.was_absent[job] = 1
            worker.counts[C_PULLED] = 1
        else:
            for k in range(instance.group_from[group], instance.group_from[group + 1]):
                other = instance.group_task[k]
                if solution.node[other, ROUTE] < 0:
                    worker.pulled[worker.counts[C_PULLED]] = other
                    worker.was_absent[other] = 1
                    worker.counts[C_PULLED] += 1
        if recreate(instance, solution, worker, 0.0, thorough):
            change_of(instance, solution, worker, change)
            settle_and_store(instance, solution, worker, change)
        else:
            restore(instance, solution, worker)


@compiled
def _is_accepted(instance: Any, worker: Any, change: Any, temperature: float) -> bool:
    """Metropolis, goal by goal: the first goal that differs decides, each with its own step."""
    goals = instance.levels.shape[0]
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
    change = worker.change
    factor = (cold / hot) ** (1.0 / max(1, iterations))
    temperature = hot
    for _ in range(iterations):
        start_iteration(worker)
        swap = draw(worker.random) < swap_share
        if swap:
            possible = swap_tails(instance, solution, worker, temperature)
        else:
            seed = ruin(instance, solution, worker, mean_removed)
            possible = seed >= 0
        if possible and not swap:
            call_absent(instance, solution, worker, seed)
            _order(instance, worker, seed)
            possible = recreate(instance, solution, worker, BLINK, False)
        if possible:
            change_of(instance, solution, worker, change)
            possible = _is_accepted(instance, worker, change, temperature)
        if possible:
            settle_and_store(instance, solution, worker, change)
        else:
            restore(instance, solution, worker)
        temperature *= factor


@entry
def lay_routes(
    instance: Any, solution: Any, worker: Any, shifts: Any, first_of: Any, tasks: Any
) -> None:
    """Append the given visits to their shifts in order; what a rule forbids stays left out."""
    change = worker.change
    for k in range(len(shifts)):
        r = shifts[k]
        stop = instance.n + 2 * r + 1
        for x in range(first_of[k], first_of[k + 1]):
            job = tasks[x]
            if solution.node[job, ROUTE] >= 0:
                continue
            if instance.group[job] >= 0 and instance.locked[job] == 0:
                continue
            if instance.fits[job, r] == 0 or not has_room(instance, solution, r, job):
                continue
            at = solution.node[stop, PREV]
            energy, split, _, _ = price(instance, solution, r, at, job, INFINITE)
            if energy >= INFINITE:
                # `price` takes the breaks of a leg before the trip to the depot that is on it
                if not instance.has_depot or instance.fetched[r] == 0 or instance.locked[job] == 0:
                    continue
                split = solution.break_first[at]
            start_iteration(worker)
            worker.pulled[0] = job
            worker.was_absent[job] = 1
            worker.counts[C_PULLED] = 1
            if put(instance, solution, worker, job, at, split):
                change_of(instance, solution, worker, change)
                settle_and_store(instance, solution, worker, change)
            else:
                restore(instance, solution, worker)


@entry
def clear_all(instance: Any, solution: Any) -> None:
    """Set the clocks of every unused shift."""
    for r in range(instance.n_shifts):
        clear(instance, solution, r)
