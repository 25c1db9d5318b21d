"""Compiled: every place for one more visit, with and without moving others out of its way.

One file, because Numba's cache looks at the file of a function only.
"""

from __future__ import annotations

from typing import Any

from optimizer.search import layout as c
from optimizer.search.anneal import better, change_of, start_iteration
from optimizer.search.compiled import compiled, entry
from optimizer.search.insertion import (
    INFINITE,
    best_place,
    best_place_anywhere,
    has_room,
    price,
)
from optimizer.search.layout import (
    DRIVE_KIND,
    FAR,
    FINISH,
    FIRST_BREAK,
    HARD_END,
    LAST_BREAK,
    LATEST,
    LOCATION,
    NEXT,
    NOWHERE,
    RELEASE,
    ROUTE,
    SERVICE_KIND,
    SETUP,
    TECHNICIAN,
)
from optimizer.search.moves import mark_empty, pull, put, restore
from optimizer.search.refresh import refresh
from optimizer.search.state import C_PULLED, C_SAVED
from optimizer.search.timing import drive_time, duration, first_start

# a change: who goes in, who makes room, and for each the node to follow and the split of the breaks
JOB, FIRST_OUT, SECOND_OUT, AT, SPLIT, FIRST_AT, FIRST_SPLIT, SECOND_AT, SECOND_SPLIT = range(9)
CHANGE_SIZE = 9


@compiled
def _call_in(worker: Any, job: int) -> None:
    """Begin a change that brings in a visit that is on no route (-1: none)."""
    start_iteration(worker)
    if job >= 0:
        worker.pulled[0] = job
        worker.was_absent[job] = 1
        worker.counts[C_PULLED] = 1


@compiled
def _pull_out(instance: Any, solution: Any, worker: Any, first: int, second: int) -> bool:
    """Take one or two visits (-1: none) out and renew their routes' clocks."""
    if first >= 0:
        pull(instance, solution, worker, first)
    if second >= 0:
        pull(instance, solution, worker, second)
    for slot in range(worker.counts[C_SAVED]):
        r = worker.saved_routes[slot]
        if solution.visits[r] == 0:
            mark_empty(instance, worker, r)
        if not refresh(instance, solution, worker.scratch, r):
            return False
    return True


@entry
def perform(instance: Any, solution: Any, worker: Any, change: Any) -> bool:
    """Carry out a change; on False nothing has happened."""
    job = change[JOB]
    _call_in(worker, job)
    possible = _pull_out(instance, solution, worker, change[FIRST_OUT], change[SECOND_OUT])
    if possible and job >= 0:
        possible = put(instance, solution, worker, job, change[AT], change[SPLIT])
    if possible and change[FIRST_OUT] >= 0 and change[FIRST_AT] >= 0:
        possible = put(
            instance, solution, worker, change[FIRST_OUT], change[FIRST_AT], change[FIRST_SPLIT]
        )
    if possible and change[SECOND_OUT] >= 0 and change[SECOND_AT] >= 0:
        possible = put(
            instance, solution, worker, change[SECOND_OUT], change[SECOND_AT], change[SECOND_SPLIT]
        )
    if not possible:
        restore(instance, solution, worker)
    return possible


@entry
def undo(instance: Any, solution: Any, worker: Any) -> None:
    """Take back what `perform` has done."""
    restore(instance, solution, worker)


@compiled
def _note(
    instance: Any, worker: Any, who: int, change: Any, figures: Any, changes: Any, found: Any
) -> None:
    """Remember the change under ``who`` when it beats what is remembered there, goal by goal."""
    if found[who] != 0 and not better(instance.levels, worker.change, figures[who]):
        return
    found[who] = 1
    for f in range(c.N_FIGURES):
        figures[who, f] = worker.change[f]
    for k in range(CHANGE_SIZE):
        changes[who, k] = change[k]


@compiled
def _might_fit(instance: Any, solution: Any, r: int, at: int, job: int) -> bool:
    """Whether other legs for the breaks, or a setup saved behind, might make room after all."""
    shift, node = instance.shift[r], solution.node
    to, stop = node[at, NEXT], instance.n + 2 * r + 1
    saves_setup = (
        to != stop
        and instance.task[to, SETUP] > 0
        and instance.task[to, LOCATION] == instance.task[job, LOCATION]
    )
    if shift[FIRST_BREAK] == shift[LAST_BREAK] and not saves_setup:
        return False
    out = drive_time(instance, shift[DRIVE_KIND], at, job)
    on = drive_time(instance, shift[DRIVE_KIND], job, to)
    if out >= NOWHERE or on >= NOWHERE:
        return False
    start = first_start(instance, job, max(node[at, FINISH] + out, instance.task[job, RELEASE]))
    if start >= FAR:
        return False
    onward = start + duration(instance, node, shift[SERVICE_KIND], at, job) + on
    return onward <= (shift[HARD_END] if to == stop else instance.task[to, LATEST])  # type: ignore[no-any-return]


@entry
def scan(
    instance: Any,
    solution: Any,
    worker: Any,
    job: int,
    first_at: Any,
    change: Any,
    figures: Any,
    changes: Any,
    found: Any,
) -> None:
    """The best place per technician, by the exact change of every figure.

    Parameters
    ----------
    first_at : int64[R]
        The node behind which each shift may still be changed.
    change : int64[CHANGE_SIZE]
        Scratch.
    figures, changes, found
        ``int64[technicians, N_FIGURES]``, ``int64[technicians, CHANGE_SIZE]``,
        ``uint8[technicians]``: filled.
    """
    found[:] = 0
    change[:] = -1
    change[JOB] = job
    for r in range(instance.n_shifts):
        if instance.fits[job, r] == 0 or not has_room(instance, solution, r, job):
            continue
        at, stop = first_at[r], instance.n + 2 * r + 1
        while at != stop:
            if solution.node[at, FINISH] > instance.task[job, LATEST]:
                break
            energy, split, _, _ = price(instance, solution, r, at, job, INFINITE)
            if energy < INFINITE or _might_fit(instance, solution, r, at, job):
                _call_in(worker, job)
                if put(instance, solution, worker, job, at, split):
                    change_of(instance, solution, worker, worker.change)
                    change[AT], change[SPLIT] = at, split
                    who = instance.shift[r, TECHNICIAN]
                    _note(instance, worker, who, change, figures, changes, found)
                restore(instance, solution, worker)
            at = solution.node[at, NEXT]


@compiled
def _best_on_route(
    instance: Any, solution: Any, r: int, job: int, first: int
) -> tuple[float, int, int]:
    best, best_at, best_split = INFINITE, -1, 0
    at, stop = first, instance.n + 2 * r + 1
    while at != stop:
        if solution.node[at, FINISH] > instance.task[job, LATEST]:
            break
        energy, split, _, _ = price(instance, solution, r, at, job, best)
        if energy < best:
            best, best_at, best_split = energy, at, split
        at = solution.node[at, NEXT]
    return best, best_at, best_split


@compiled
def _enlist(
    pool: Any, pool_energy: Any, counts: Any, energy: float, first: int, second: int
) -> None:
    """Keep the cheapest pairs, sorted; ``counts[0]`` are kept."""
    count = counts[0]
    if count == len(pool_energy):
        if energy >= pool_energy[count - 1]:
            return
        count -= 1
    y = count - 1
    while y >= 0 and pool_energy[y] > energy:
        pool_energy[y + 1] = pool_energy[y]
        pool[y + 1, 0], pool[y + 1, 1] = pool[y, 0], pool[y, 1]
        y -= 1
    pool_energy[y + 1] = energy
    pool[y + 1, 0], pool[y + 1, 1] = first, second
    counts[0] = count + 1


@compiled
def _try_without(
    instance: Any,
    solution: Any,
    worker: Any,
    r: int,
    job: int,
    first: int,
    second: int,
    start: int,
    pool: Any,
    pool_energy: Any,
    pool_count: Any,
) -> None:
    """What the job costs on route ``r`` once these have left it, their new places not counted."""
    _call_in(worker, -1)
    possible = _pull_out(instance, solution, worker, first, second)
    if possible and has_room(instance, solution, r, job):
        energy, at, _ = _best_on_route(instance, solution, r, job, start)
        if at >= 0:
            for f in range(c.N_FIGURES):
                gained = solution.figures[r, f] - worker.saved_figures[0, f]
                energy += instance.weight[f] * gained
            _enlist(pool, pool_energy, pool_count, energy, first, second)
    restore(instance, solution, worker)


@compiled
def _rehouse(instance: Any, solution: Any, worker: Any, job: int) -> tuple[int, int]:
    """The cheapest place for a visit that made room: beside neighbours, else anywhere near."""
    _, at, split = best_place(instance, solution, worker, job, 0.0, INFINITE)
    if at < 0:
        _, at, split = best_place_anywhere(instance, solution, worker, job, INFINITE, False)
    return at, split


@entry
def scan_ejections(
    instance: Any,
    solution: Any,
    worker: Any,
    job: int,
    first_at: Any,
    movable: Any,
    wanted: Any,
    most: int,
    pool: Any,
    pool_energy: Any,
    pool_count: Any,
    change: Any,
    figures: Any,
    changes: Any,
    found: Any,
) -> None:
    """Let one visit, or two that follow each other, make room on a route and go elsewhere.

    All removals are priced first; the cheapest (as many as ``pool`` holds) are then carried out in
    full, the visits that made room being put where they cost least.

    Parameters
    ----------
    movable : uint8[n]
        Visits that carry no promise.
    wanted : uint8[technicians]
        Technicians whose best place so far leaves something to wish.
    most
        1 or 2 visits.
    pool, pool_energy, pool_count
        ``int64[P, 2]``, ``float64[P]``, ``int64[1]``: scratch.
    """
    n, node = instance.n, solution.node
    pool_count[0] = 0
    for r in range(instance.n_shifts):
        if instance.fits[job, r] == 0 or wanted[instance.shift[r, TECHNICIAN]] == 0:
            continue
        at, stop = node[first_at[r], NEXT], n + 2 * r + 1
        while at != stop:
            to = node[at, NEXT]
            if movable[at] != 0:
                _try_without(
                    instance, solution, worker, r, job, at, -1, first_at[r],
                    pool, pool_energy, pool_count,
                )  # fmt: skip
                if most > 1 and to != stop and movable[to] != 0:
                    _try_without(
                        instance, solution, worker, r, job, at, to, first_at[r],
                        pool, pool_energy, pool_count,
                    )  # fmt: skip
            at = to
    for x in range(pool_count[0]):
        first, second = pool[x, 0], pool[x, 1]
        r = node[first, ROUTE]
        change[:] = -1
        change[JOB], change[FIRST_OUT], change[SECOND_OUT] = job, first, second
        _call_in(worker, job)
        possible = _pull_out(instance, solution, worker, first, second)
        if possible:
            _, at, split = _best_on_route(instance, solution, r, job, first_at[r])
            change[AT], change[SPLIT] = at, split
            possible = at >= 0 and put(instance, solution, worker, job, at, split)
        if possible:
            at, split = _rehouse(instance, solution, worker, first)
            change[FIRST_AT], change[FIRST_SPLIT] = at, split
            possible = at >= 0 and put(instance, solution, worker, first, at, split)
        if possible and second >= 0:
            at, split = _rehouse(instance, solution, worker, second)
            change[SECOND_AT], change[SECOND_SPLIT] = at, split
            possible = at >= 0 and put(instance, solution, worker, second, at, split)
        if possible:
            change_of(instance, solution, worker, worker.change)
            who = instance.shift[r, TECHNICIAN]
            _note(instance, worker, who, change, figures, changes, found)
        restore(instance, solution, worker)


@entry
def perform_company(
    instance: Any, solution: Any, worker: Any, tasks: Any, ats: Any, out: Any
) -> bool:
    """Put each of ``tasks`` behind its node once ``out`` have left; these go where it costs least.

    Parameters
    ----------
    out : int64[2]
        Visits that make room, -1 for none.

    Returns
    -------
    bool
        On False nothing has happened.
    """
    start_iteration(worker)
    for x in range(len(tasks)):
        worker.pulled[x] = tasks[x]
        worker.was_absent[tasks[x]] = 1
    worker.counts[C_PULLED] = len(tasks)
    possible = _pull_out(instance, solution, worker, out[0], out[1])
    for x in range(len(tasks)):
        if possible:
            r = solution.node[ats[x], ROUTE]
            _, split, _, _ = price(instance, solution, r, ats[x], tasks[x], INFINITE)
            possible = put(instance, solution, worker, tasks[x], ats[x], split)
    for x in range(2):
        if possible and out[x] >= 0:
            at, split = _rehouse(instance, solution, worker, out[x])
            possible = at >= 0 and put(instance, solution, worker, out[x], at, split)
    if not possible:
        restore(instance, solution, worker)
    return possible  # type: ignore[no-any-return]
