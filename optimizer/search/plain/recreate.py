"""Where a visit can go, and greedy insertion of the pulled ones."""

from __future__ import annotations

from typing import Any

from optimizer.search.compiled import compiled, inlined
from optimizer.search.insertion import draw
from optimizer.search.plain.arrays import BEFORE, BEHIND
from optimizer.search.plain.clocks import put
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
)
from optimizer.search.state import C_ABSENT, C_PULLED

SMALL_FLEET = 24  # so few shifts are always searched in full when neighbours offer no place


@inlined
def has_room(instance: Any, solution: Any, worker: Any, r: int, job: int) -> bool:
    """Whether the shift is in this part, may take the job by every rule, and has room left."""
    if solution.part[r] != worker.id or instance.fits[job, r] == 0:
        return False
    if solution.visits[r] >= instance.max_jobs[r]:
        return False
    for k in range(instance.load.shape[1]):
        if solution.loaded[r, k] + instance.load[job, k] > instance.capacity[r, k]:
            return False
    return True


@inlined
def place_beside(instance: Any, solution: Any, worker: Any, job: int, blink: float) -> int:
    """The node behind which ``job`` costs least, beside its neighbours or on a near empty shift.

    The detour is compared first: most places end there. Each place that would be better is passed
    over with probability ``blink`` (Christiaens & Vanden Berghe 2020, §5.2). -1 where none is
    cheaper than leaving the job out.
    """
    n, node = instance.n, solution.node
    near, drive, back = instance.near, instance.drive, instance.back
    place = node[job, LOC]
    opens, closes, service = node[job, OPEN], node[job, CLOSE], node[job, SERVICE]
    best, best_at = instance.limit[job], -1
    for x in range(near.shape[1]):
        code = near[job, x]
        beside = code >> 2
        r = node[beside, ROUTE]
        if r < 0:
            continue
        here = node[beside, LOC]
        if code & BEHIND:
            to = node[beside, NEXT]
            there = node[to, LOC]
            out = back[place, here]
            on = drive[place, there] if there >= 0 else 0
            detour = out + on - node[beside, LEG]
            if detour < best:
                start = max(node[beside, FINISH] + out, opens)
                if (
                    start <= closes
                    and start + service + on <= node[to, LAST]
                    and has_room(instance, solution, worker, r, job)
                    and (blink == 0.0 or draw(worker.random) >= blink)
                ):
                    best, best_at = detour, beside
        if code & BEFORE:
            at = node[beside, PREV]
            on = drive[place, here]
            out = back[place, node[at, LOC]]
            detour = out + on - node[at, LEG]
            if detour < best:
                start = max(node[at, FINISH] + out, opens)
                if (
                    start <= closes
                    and start + service + on <= node[beside, LAST]
                    and has_room(instance, solution, worker, r, job)
                    and (blink == 0.0 or draw(worker.random) >= blink)
                ):
                    best, best_at = detour, at
    for x in range(instance.near_types.shape[1]):
        kind = instance.near_types[job, x]
        detour = instance.type_detour[job, x] + instance.vehicle
        if kind < 0 or detour >= best:
            break
        count = worker.empty_count[kind]
        if count == 0:
            continue
        r = worker.empty[worker.empty_from[kind] + count - 1]
        at = n + 2 * r
        start = max(node[at, FINISH] + back[place, node[at, LOC]], opens)
        there = node[at + 1, LOC]
        on = drive[place, there] if there >= 0 else 0
        if (
            start <= closes
            and start + service + on <= node[at + 1, LAST]
            and has_room(instance, solution, worker, r, job)
        ):
            best, best_at = detour, at
    return best_at


@inlined
def place_anywhere(instance: Any, solution: Any, worker: Any, job: int, everywhere: bool) -> int:
    """The same over every position of the nearest shifts that fit (or of all)."""
    n, node = instance.n, solution.node
    drive, back = instance.drive, instance.back
    place = node[job, LOC]
    opens, closes, service = node[job, OPEN], node[job, CLOSE], node[job, SERVICE]
    best, best_at = instance.limit[job], -1
    count = instance.n_shifts if everywhere else instance.near_shifts.shape[1]
    for x in range(count):
        r = x if everywhere else instance.near_shifts[job, x]
        if r < 0:
            break
        if not has_room(instance, solution, worker, r, job):
            continue
        at = n + 2 * r
        extra = instance.vehicle if solution.visits[r] == 0 else 0
        while node[at, NEXT] >= 0 and node[at, FINISH] <= closes:
            to = node[at, NEXT]
            there = node[to, LOC]
            out = back[place, node[at, LOC]]
            on = drive[place, there] if there >= 0 else 0
            detour = out + on - node[at, LEG] + extra
            if detour < best:
                start = max(node[at, FINISH] + out, opens)
                if start <= closes and start + service + on <= node[to, LAST]:
                    best, best_at = detour, at
            at = to
    return best_at


@inlined
def order_pulled(instance: Any, solution: Any, worker: Any, seed: int) -> None:
    """Sort the pulled visits by a rule drawn at random (ibid., §5.2, with hardness and worth)."""
    random, node, count = worker.random, solution.node, worker.counts[C_PULLED]
    o = draw(random) * (20.0 if worker.counts[C_ABSENT] > 0 else 17.0)
    place = node[seed, LOC]
    for x in range(count):
        job = worker.pulled[x]
        if o < 4.0:
            key = draw(random)
        elif o < 8.0:
            key = -instance.hardness[job] - 1e-9 * node[job, SERVICE]
        elif o < 10.0:
            key = -float(instance.drive[place, node[job, LOC]])
        elif o < 11.0:
            key = float(instance.drive[place, node[job, LOC]])
        elif o < 13.0:
            key = float(node[job, CLOSE] - node[job, OPEN])
        elif o < 15.0:
            key = float(node[job, OPEN])
        elif o < 17.0:
            key = -float(node[job, CLOSE])
        else:
            key = -instance.drop_energy[job]
        y = x - 1
        while y >= 0 and worker.key[y] > key:
            worker.key[y + 1] = worker.key[y]
            worker.pulled[y + 1] = worker.pulled[y]
            y -= 1
        worker.key[y + 1] = key
        worker.pulled[y + 1] = job


@compiled
def recreate(instance: Any, solution: Any, worker: Any, blink: float, thorough: bool) -> int:
    """Put the pulled visits back one by one where each costs least; what that adds to travel."""
    added = 0
    for x in range(worker.counts[C_PULLED]):
        job = worker.pulled[x]
        at = place_beside(instance, solution, worker, job, blink)
        if at < 0 and (thorough or worker.was_absent[job] == 0 or draw(worker.random) < 0.1):
            everywhere = thorough or instance.n_shifts <= SMALL_FLEET
            at = place_anywhere(instance, solution, worker, job, everywhere)
        if at >= 0:
            added += put(instance, solution, worker, job, at)
    return added
