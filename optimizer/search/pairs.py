"""Two linked visits placed at once: every place of the one with every place of the other.

Placed one after the other, the first goes where it costs least and the second has to live with
that. Prices of places on two routes add up, but for what the one who comes first loses by waiting.
"""

from __future__ import annotations

from typing import Any

from optimizer.search import layout as c
from optimizer.search.compiled import compiled, inlined
from optimizer.search.insertion import (
    INFINITE,
    draw,
    harm_downstream,
    has_room,
    price,
)
from optimizer.search.layout import (
    BEGIN,
    DUE,
    FAR,
    FINISH,
    FREE_ARRIVAL,
    LATEST,
    LEG,
    NEXT,
    PREV,
    RELEASE,
    ROUTE,
    SERVICE_KIND,
    SETUP,
    TECHNICIAN,
    WEIGHT,
)
from optimizer.search.state import C_STAMP, MOST_PLACES
from optimizer.search.timing import arrive, drive_time, duration, first_start

SAME_START, AFTER_END, AFTER_START = 0, 1, 2
ENERGY, ROUTE_OF, AT, SPLIT, START, SLACK = range(6)


@compiled
def gap_base(instance: Any, solution: Any, kind: int, other: int) -> tuple[int, int]:
    """From when a gap counts, earliest and latest: setup may come or go with the neighbours."""
    begin = solution.node[other, BEGIN]
    if kind != AFTER_END:
        return begin, begin
    r = solution.node[other, ROUTE]
    end = begin + instance.service[instance.shift[r, SERVICE_KIND], other]
    return end, end + instance.task[other, SETUP]


@inlined
def _own_harm(instance: Any, job: int, start: int, later: int) -> float:
    """Energy of the lateness of ``job`` itself when it starts ``later`` than at ``start``."""
    if not instance.late_at_start:
        return 0.0
    late = start + later - max(instance.task[job, DUE], start)
    energy = instance.weight[c.LATE] * instance.task[job, WEIGHT] * late
    return max(0.0, energy)  # type: ignore[no-any-return]


@compiled
def harm_to_relatives(instance: Any, solution: Any, job: int, start: int) -> float:
    """Energy of the lateness that ``job`` at ``start`` brings to its placed relatives' routes."""
    node = solution.node
    harm = 0.0
    for x in range(instance.relation_from[job], instance.relation_from[job + 1]):
        other = instance.relation_other[x]
        r = node[other, ROUTE]
        if r < 0:
            continue
        kind = instance.relation_kind[x]
        if kind == SAME_START:
            later = start - node[other, BEGIN]
        else:
            early, _ = gap_base(instance, solution, kind, other)
            later = start - instance.relation_most[x] - early
        if later <= 0:
            continue
        harm += _own_harm(instance, other, node[other, BEGIN], later)
        harm += _harm_behind(
            instance, solution, r, node[other, NEXT],
            arrive(
                instance, solution.break_first[other], solution.break_last[other],
                node[other, FINISH] + later, node[other, LEG],
                node[other, NEXT] == instance.n + 2 * r + 1,
            ),
        )  # fmt: skip
    return harm


@compiled
def _harm_behind(instance: Any, solution: Any, r: int, to: int, onward: int) -> float:
    """Energy of new lateness and overtime when ``to`` is reached at ``onward``."""
    if onward >= FAR:
        return INFINITE
    if to != instance.n + 2 * r + 1:
        onward = max(onward, instance.task[to, RELEASE])
    if onward <= solution.node[to, FREE_ARRIVAL]:
        return 0.0
    return harm_downstream(instance, solution, r, to, onward)  # type: ignore[no-any-return]


@compiled
def _find_places(
    instance: Any, solution: Any, worker: Any, job: int, row: int, limit: float, blink: float
) -> tuple[int, float]:
    """Write the possible places of one member into ``places[row]``; their number, the least price.

    A shift is looked away from with probability ``blink``.
    """
    node, n = solution.node, instance.n
    worker.counts[C_STAMP] += 1
    stamp = worker.counts[C_STAMP]
    near = instance.near.shape[1]
    count, least = 0, INFINITE
    for x in range(2 * near + instance.near_shifts.shape[1]):
        if x < 2 * near:
            beside = instance.near[job, x >> 1]
            r = node[beside, ROUTE]
            if r < 0:
                continue
            at = beside if x & 1 == 0 else node[beside, PREV]
        else:
            r = instance.near_shifts[job, x - 2 * near]
            if r < 0:
                break
            at = n + 2 * r
        if worker.stamp[at] == stamp or instance.fits[job, r] == 0:
            continue
        worker.stamp[at] = stamp
        if solution.part[r] != worker.id or not has_room(instance, solution, r, job):
            continue
        if draw(worker.random) < blink:
            continue
        energy, split, start, slack = price(instance, solution, r, at, job, limit)
        if energy >= limit:
            continue
        place = worker.places[row, count]
        place[ENERGY], place[ROUTE_OF], place[AT], place[SPLIT] = energy, r, at, split
        place[START], place[SLACK] = start, slack
        least = min(least, energy)
        count += 1
        if count == MOST_PLACES:
            break
    return count, least


@compiled
def _harm_of_waiting(
    instance: Any, solution: Any, job: int, r: int, at: int, split: int, start: int, later: int
) -> float:
    """Energy that ``job``, not placed yet, adds behind it when it starts later than it could."""
    node = solution.node
    to, stop = node[at, NEXT], instance.n + 2 * r + 1
    kind = instance.shift[r, c.DRIVE_KIND]
    finish = start + duration(instance, node, instance.shift[r, SERVICE_KIND], at, job)
    on = drive_time(instance, kind, job, to)
    last = solution.break_last[at]
    then = arrive(instance, split, last, finish + later, on, to == stop)
    now = arrive(instance, split, last, finish, on, to == stop)
    return _harm_behind(instance, solution, r, to, then) - _harm_behind(  # type: ignore[no-any-return]
        instance, solution, r, to, now
    )


@compiled
def best_pair(
    instance: Any,
    solution: Any,
    worker: Any,
    early: int,
    late: int,
    worth: float,
    blink: float,
) -> tuple[bool, int, int, int, int, int]:
    """The cheapest two places, on different technicians' routes, for a pair of linked visits.

    Returns
    -------
    found, at, split, start, at2, split2
        The node to follow, the split of its breaks and the start of the one that comes first;
        the same, but for the start, for the other.
    """
    x = instance.relation_from[late]
    nothing = (False, -1, 0, 0, -1, 0)
    if instance.relation_from[late + 1] - x != 1 or instance.relation_other[x] != early:
        return nothing
    kind = instance.relation_kind[x]
    least, most = instance.relation_least[x], instance.relation_most[x]
    if kind == SAME_START:
        least = most = 0
    count, cheapest = _find_places(instance, solution, worker, early, 0, worth, blink)
    if count == 0:
        return nothing
    count2, cheapest2 = _find_places(instance, solution, worker, late, 1, worth - cheapest, blink)
    if count2 == 0:
        return nothing
    best, best_a, best_b, best_start = worth, -1, -1, 0
    for a in range(count):
        place = worker.places[0, a]
        if place[ENERGY] + cheapest2 >= best:
            continue
        r = int(place[ROUTE_OF])
        who = instance.shift[r, TECHNICIAN]
        base = base_late = 0
        if kind == AFTER_END:
            base = instance.service[instance.shift[r, SERVICE_KIND], early]
            base_late = base + instance.task[early, SETUP]
        start, slack = int(place[START]), int(place[SLACK])
        for b in range(count2):
            place2 = worker.places[1, b]
            total = place[ENERGY] + place2[ENERGY]
            if total >= best:
                continue
            r2 = int(place2[ROUTE_OF])
            if instance.shift[r2, TECHNICIAN] == who:
                continue
            start2 = int(place2[START])
            begin2 = max(start2, start + base_late + least)
            begin = max(start, begin2 - most - base)
            wait, wait2 = begin - start, begin2 - start2
            if begin2 < begin + base_late + least or wait > slack or wait2 > int(place2[SLACK]):
                continue
            if wait > 0:
                if begin > instance.task[early, LATEST]:
                    continue
                if first_start(instance, early, begin) != begin:
                    continue
                total += _own_harm(instance, early, start, wait)
            if wait2 > 0:
                if begin2 > instance.task[late, LATEST]:
                    continue
                if first_start(instance, late, begin2) != begin2:
                    continue
                total += _own_harm(instance, late, start2, wait2)
            if total >= best:
                continue
            if wait > 0:
                total += _harm_of_waiting(
                    instance, solution, early, r, int(place[AT]), int(place[SPLIT]), start, wait
                )
            if wait2 > 0 and total < best:
                total += _harm_of_waiting(
                    instance, solution, late, r2, int(place2[AT]), int(place2[SPLIT]), start2, wait2
                )
            if total < best:
                best, best_a, best_b, best_start = total, a, b, begin
    if best_a < 0:
        return nothing
    place, place2 = worker.places[0, best_a], worker.places[1, best_b]
    return True, int(place[AT]), int(place[SPLIT]), best_start, int(place2[AT]), int(place2[SPLIT])
