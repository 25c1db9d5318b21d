"""Where a visit can go and what it costs there: one O(1) test per place."""

from __future__ import annotations

from typing import Any

import numpy as np

from optimizer.search import layout as c
from optimizer.search.compiled import compiled, inlined
from optimizer.search.depot import way_by_depot
from optimizer.search.layout import (
    BEGIN,
    DRIVE_KIND,
    DUE,
    FAR,
    FINISH,
    FREE_ARRIVAL,
    HARD_END,
    LATEST_START,
    LEG,
    LOCATION,
    MAX_JOBS,
    NEXT,
    NOWHERE,
    PREV,
    RELEASE,
    ROUTE,
    SERVICE_KIND,
    SETUP,
    SHIFT_END,
    TECHNICIAN,
    WEIGHT,
)
from optimizer.search.spans import longer_by
from optimizer.search.state import C_STAMP
from optimizer.search.timing import (
    arrive,
    depart,
    drive_time,
    duration,
    first_start,
    last_start,
)

INFINITE = 1e300


@inlined
def draw(random: Any) -> float:
    """A uniform number in [0, 1): xorshift64 (Marsaglia 2003)."""
    x = random[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    random[0] = x
    return (x >> np.uint64(11)) * (1.0 / 9007199254740992.0)  # type: ignore[no-any-return]


@inlined
def has_room(instance: Any, solution: Any, r: int, job: int) -> bool:
    """Whether count, load and parts leave room for the job on the shift."""
    shift = instance.shift[r]
    if solution.visits[r] >= shift[MAX_JOBS]:
        return False
    for k in range(instance.load.shape[1]):
        if solution.loaded[r, k] + instance.load[job, k] > instance.capacity[r, k]:
            return False
    if instance.stock.shape[1] > 0 and not instance.has_depot:  # with one, `price` looks
        who = shift[TECHNICIAN]
        for p in range(instance.part_from[job], instance.part_from[job + 1]):
            part = instance.part_id[p]
            if solution.used[who, part] + instance.part_count[p] > instance.stock[who, part]:
                return False
    return True


@compiled
def harm_downstream(instance: Any, solution: Any, r: int, at: int, arrival: int) -> float:
    """Energy of new lateness and overtime when ``at`` is reached only at ``arrival``."""
    node, shift = solution.node, instance.shift[r]
    stop = instance.n + 2 * r + 1
    weight_late, weight_over = instance.weight[c.LATE], instance.weight[c.OVERTIME]
    previous = node[at, PREV]
    old = max(
        arrive(
            instance, solution.break_first[previous], solution.break_last[previous],
            node[previous, FINISH], node[previous, LEG], at == stop,
        ),
        instance.task[at, RELEASE],
    )  # fmt: skip
    harm = 0.0
    while at != stop:
        due = instance.task[at, DUE]
        start = first_start(instance, at, arrival)
        if start >= FAR:
            return INFINITE
        counts, counted = arrival, old
        if instance.late_at_start:
            counts, counted = start, node[at, BEGIN]
        if counts > due:
            harm += weight_late * instance.task[at, WEIGHT] * (counts - max(due, counted))
        if start <= node[at, BEGIN]:
            return harm
        to = node[at, NEXT]
        finish = start + node[at, FINISH] - node[at, BEGIN]
        first, last = solution.break_first[at], solution.break_last[at]
        arrival = arrive(instance, first, last, finish, node[at, LEG], to == stop)
        old = arrive(instance, first, last, node[at, FINISH], node[at, LEG], to == stop)
        if to != stop:
            arrival = max(arrival, instance.task[to, RELEASE])
            old = max(old, instance.task[to, RELEASE])
        if arrival <= old:
            return harm
        at = to
    over = max(0, arrival - shift[SHIFT_END]) - max(0, old - shift[SHIFT_END])
    return harm + weight_over * over  # type: ignore[no-any-return]


@compiled
def latest_without_setup(instance: Any, solution: Any, r: int, at: int) -> int:
    """Latest start of the visit at ``at`` once the one before it is at the same place."""
    node, stop = solution.node, instance.n + 2 * r + 1
    to = node[at, NEXT]
    length = instance.service[instance.shift[r, SERVICE_KIND], at]
    first, last = solution.break_first[at], solution.break_last[at]
    limit = depart(instance, first, last, node[to, LATEST_START], node[at, LEG], to == stop)
    return max(node[at, LATEST_START], last_start(instance, at, limit - length))  # type: ignore[no-any-return]


@compiled
def price(
    instance: Any, solution: Any, r: int, at: int, job: int, limit: float
) -> tuple[float, int, int, int]:
    """Energy of serving ``job`` right after node ``at`` on route ``r``.

    Returns
    -------
    energy, split, start, slack
        INFINITE where a rule breaks or the energy is not below ``limit``. Breaks of the leg before
        ``split`` come before the job. ``start`` is the earliest start, ``start + slack`` the latest
        one that keeps the rules downstream.
    """
    node, shift = solution.node, instance.shift[r]
    stop = instance.n + 2 * r + 1
    kind = shift[DRIVE_KIND]
    to = node[at, NEXT]
    out = drive_time(instance, kind, at, job)
    on = drive_time(instance, kind, job, to)
    saving, floor, ceiling = 0, -FAR, FAR - 1
    if instance.has_depot and solution.supplied[at] == 0:
        out, saving, floor, ceiling = way_by_depot(instance, solution, r, at, job, out)
    if out >= NOWHERE or on >= NOWHERE:
        return INFINITE, 0, 0, 0
    leg = 0 if node[at, PREV] < 0 and to == stop else node[at, LEG]
    driven = out - saving + on - leg
    energy = instance.weight[c.TRAVEL] * driven
    if instance.has_metres:
        m = min(kind, instance.metres.shape[0] - 1)
        here, place, there = (
            instance.task[at, LOCATION], instance.task[job, LOCATION], instance.task[to, LOCATION],
        )  # fmt: skip
        metres = instance.metres[m, here, place]
        if there >= 0:
            metres += instance.metres[m, place, there]
            if leg > 0:
                metres -= instance.metres[m, here, there]
        energy += metres * (
            instance.weight[c.DISTANCE] + instance.weight[c.COST] * shift[c.FEN_PER_KM] / 1000.0
        )
    if instance.fits[job, r] == 2:
        energy += instance.weight[c.PREFERENCE] * instance.task[job, WEIGHT]
    shown = instance.published_shift[job]
    if shown != -1 and shown != r:
        energy += 2 * instance.weight[c.CHANGES]
    if node[at, PREV] < 0 and to == stop:
        energy += instance.weight[c.VEHICLES]
    length = duration(instance, node, shift[SERVICE_KIND], at, job)
    if instance.short_days:
        energy += longer_by(instance, solution, r, at, job, out, on, length, driven)
    if energy >= limit:
        return INFINITE, 0, 0, 0
    latest = node[to, LATEST_START]
    free = node[to, FREE_ARRIVAL]
    again = 0  # the visit behind has to set up anew when this one parts it from its own place
    if to != stop and at < instance.n and instance.task[to, SETUP] > 0:
        place = instance.task[to, LOCATION]
        if place == instance.task[at, LOCATION] and place != instance.task[job, LOCATION]:
            again = instance.task[to, SETUP]
            free -= again
    elif to != stop and instance.task[to, SETUP] > 0:
        if instance.task[to, LOCATION] == instance.task[job, LOCATION]:
            latest = latest_without_setup(instance, solution, r, to)
    first, last = solution.break_first[at], solution.break_last[at]
    leave = node[at, FINISH]
    best, best_split, best_start, best_slack = INFINITE, 0, 0, 0
    for split in range(first, last + 1):
        arrival = arrive(instance, first, split, leave, out, False)
        if arrival > ceiling:
            break
        arrival = max(arrival, floor)
        arrival = max(arrival, instance.task[job, RELEASE])
        start = first_start(instance, job, arrival)
        if start >= FAR:
            break
        onward = arrive(instance, split, last, start + length, on, to == stop)
        if to != stop:
            onward = max(onward, instance.task[to, RELEASE])
        if onward > latest or (to == stop and onward > shift[HARD_END]):
            continue
        if again > 0 and first_start(instance, to, onward) > latest - again:
            continue
        total = energy
        late = (start if instance.late_at_start else arrival) - instance.task[job, DUE]
        if late > 0:
            total += instance.weight[c.LATE] * instance.task[job, WEIGHT] * late
        if shown == r and abs(start - instance.published_start[job]) > 900:
            total += instance.weight[c.CHANGES]
        if onward > free:
            total += harm_downstream(instance, solution, r, to, onward)
        if total < best:
            best, best_split, best_start, best_slack = total, split, start, latest - onward
    if best >= limit:
        return INFINITE, 0, 0, 0
    return best, best_split, best_start, best_slack


@compiled
def best_place(
    instance: Any, solution: Any, worker: Any, job: int, blink: float, limit: float
) -> tuple[float, int, int]:
    """The cheapest place for ``job`` beside its neighbours or on a near empty shift.

    Each place is passed over with probability ``blink`` (Christiaens & Vanden Berghe 2020, §5.2).

    Returns
    -------
    energy, node to follow, split of the breaks
        Node -1 where none is cheaper than ``limit``.
    """
    n = instance.n
    node, fits = solution.node, instance.fits[job]
    worker.counts[C_STAMP] += 1
    stamp = worker.counts[C_STAMP]
    best, best_at, best_split = limit, -1, 0
    for x in range(instance.near.shape[1]):
        beside = instance.near[job, x]
        r = node[beside, ROUTE]
        if r < 0 or fits[r] == 0 or solution.part[r] != worker.id:
            continue
        if not has_room(instance, solution, r, job):
            continue
        for side in range(2):
            at = beside if side == 0 else node[beside, PREV]
            if worker.stamp[at] == stamp:
                continue
            worker.stamp[at] = stamp
            if blink > 0.0 and draw(worker.random) < blink:
                continue
            energy, split, _, _ = price(instance, solution, r, at, job, best)
            if energy < best:
                best, best_at, best_split = energy, at, split
    for x in range(instance.near_types.shape[1]):
        kind = instance.near_types[job, x]
        if kind < 0:
            break
        count = worker.empty_count[kind]
        if count == 0:
            continue
        r = worker.empty[worker.empty_from[kind] + count - 1]
        if fits[r] == 0 or not has_room(instance, solution, r, job):
            continue
        at = n + 2 * r
        energy, split, _, _ = price(instance, solution, r, at, job, best)
        if energy < best:
            best, best_at, best_split = energy, at, split
    return best, best_at, best_split


@compiled
def best_place_anywhere(
    instance: Any, solution: Any, worker: Any, job: int, limit: float, everywhere: bool
) -> tuple[float, int, int]:
    """Every position of the nearest shifts that fit (or of all): slower, for the stubborn ones."""
    n = instance.n
    node, fits = solution.node, instance.fits[job]
    best, best_at, best_split = limit, -1, 0
    count = instance.n_shifts if everywhere else instance.near_shifts.shape[1]
    for x in range(count):
        r = x if everywhere else instance.near_shifts[job, x]
        if r < 0:
            break
        if fits[r] == 0 or solution.part[r] != worker.id:
            continue
        if not has_room(instance, solution, r, job):
            continue
        at, stop = n + 2 * r, n + 2 * r + 1
        while at != stop:
            if node[at, FINISH] > instance.task[job, c.LATEST]:
                break
            energy, split, _, _ = price(instance, solution, r, at, job, best)
            if energy < best:
                best, best_at, best_split = energy, at, split
            at = node[at, NEXT]
    return best, best_at, best_split
