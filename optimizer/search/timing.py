"""The clocks of a route: earliest times forwards, latest times backwards, breaks on the legs.

Times obey the rules of ``optimizer.timetable``; property tests hold the two together. Checking an
insertion against the stored latest times is O(1) (Savelsbergh 1992, "forward time slack").
"""

from __future__ import annotations

from typing import Any

from optimizer.problem import START_TOLERANCE_S
from optimizer.search import layout as c
from optimizer.search.compiled import compiled, inlined
from optimizer.search.layout import (
    BEGIN,
    DRIVE_KIND,
    DUE,
    EARLIEST,
    FAR,
    FINISH,
    FREE_ARRIVAL,
    HARD_END,
    LATEST,
    LATEST_START,
    LEG,
    LOCATION,
    NEXT,
    NOWHERE,
    PREV,
    RELEASE,
    ROUTE,
    SERVICE_KIND,
    SETUP,
    SHIFT_END,
    SHIFT_START,
    WEIGHT,
    WINDOWS,
)

TOLERANCE_S = START_TOLERANCE_S


@inlined
def drive_time(instance: Any, kind: int, origin: int, destination: int) -> int:
    """Seconds from node ``origin`` to node ``destination``; 0 to an open end."""
    there = instance.task[destination, LOCATION]
    if there < 0:
        return 0
    return instance.drive[kind, instance.task[origin, LOCATION], there]  # type: ignore[no-any-return]


@inlined
def first_start(instance: Any, job: int, arrival: int) -> int:
    """Earliest start of service when arriving then; FAR when every window has closed."""
    start = max(arrival, instance.task[job, EARLIEST])
    if start > instance.task[job, LATEST]:
        return FAR
    if instance.task[job, WINDOWS] <= 1:
        return start  # type: ignore[no-any-return]
    for w in range(instance.window_from[job], instance.window_from[job + 1]):
        if start <= instance.closes[w]:
            start = max(start, instance.opens[w])
            return start if start <= instance.task[job, LATEST] else FAR
    return FAR


@inlined
def last_start(instance: Any, job: int, limit: int) -> int:
    """Latest start of service not after ``limit``; -FAR when no window is open by then."""
    start = min(limit, instance.task[job, LATEST])
    if start < instance.task[job, EARLIEST]:
        return -FAR
    if instance.task[job, WINDOWS] <= 1:
        return start  # type: ignore[no-any-return]
    for w in range(instance.window_from[job + 1] - 1, instance.window_from[job] - 1, -1):
        if start >= instance.opens[w]:
            start = min(start, instance.closes[w])
            return start if start >= instance.task[job, EARLIEST] else -FAR
    return -FAR


@inlined
def arrive(instance: Any, first: int, last: int, leave: int, leg: int, to_end: bool) -> int:
    """Arrival over a leg on which breaks ``first .. last - 1`` are taken before driving off."""
    for b in range(first, last):
        w0, w1 = instance.break_window_from[b], instance.break_window_from[b + 1]
        if to_end and leave + leg <= instance.break_opens[w0]:
            break
        start = FAR
        for w in range(w0, w1):
            if leave <= instance.break_closes[w]:
                start = max(leave, instance.break_opens[w])
                break
        if start == FAR:
            return FAR
        leave = start + instance.break_duration[b]
    return leave + leg


@inlined
def depart(instance: Any, first: int, last: int, arrival: int, leg: int, to_end: bool) -> int:
    """Latest departure that still arrives by ``arrival``; the mirror of `arrive`."""
    leave = arrival - leg
    for b in range(last - 1, first - 1, -1):
        w0, w1 = instance.break_window_from[b], instance.break_window_from[b + 1]
        limit = leave - instance.break_duration[b]
        leave = -FAR
        for w in range(w1 - 1, w0 - 1, -1):
            if limit >= instance.break_opens[w]:
                leave = min(limit, instance.break_closes[w])
                break
        if to_end:
            leave = max(leave, min(instance.break_opens[w0], arrival) - leg)
    return leave


@inlined
def duration(instance: Any, node: Any, kind: int, previous: int, job: int) -> int:
    """Seconds of service at ``job`` after ``previous``: setup only where the place is new."""
    time = instance.service[kind, job]
    if instance.task[job, SETUP] <= 0:
        return time  # type: ignore[no-any-return]
    if previous >= instance.n + 2 * instance.n_shifts:  # a trip to the depot changes nothing
        previous = node[previous, PREV]
    if previous >= instance.n or (
        instance.task[previous, LOCATION] != instance.task[job, LOCATION]
    ):
        return time + instance.task[job, SETUP]  # type: ignore[no-any-return]
    return time  # type: ignore[no-any-return]


@compiled
def forward(instance: Any, solution: Any, r: int) -> bool:
    """Earliest times along route ``r`` and its figures; False where a hard rule breaks."""
    n = instance.n
    node, shift = solution.node, instance.shift[r]
    drive_kind, service_kind = shift[DRIVE_KIND], shift[SERVICE_KIND]
    figures = solution.figures[r]
    figures[:] = 0
    at, stop = n + 2 * r, n + 2 * r + 1
    begin = shift[SHIFT_START]
    node[at, FINISH] = begin
    time = begin
    count = 0
    while True:
        to = node[at, NEXT]
        leg = drive_time(instance, drive_kind, at, to)
        if leg >= NOWHERE:
            return False
        node[at, LEG] = leg
        first, last = solution.break_first[at], solution.break_last[at]
        if to == stop:
            arrival = arrive(instance, first, last, time, leg, True)
            break
        arrival = arrive(instance, first, last, time, leg, False)
        arrival = max(arrival, instance.task[to, RELEASE])
        start = first_start(instance, to, arrival)
        if start >= FAR:
            return False
        time = start + duration(instance, node, service_kind, at, to)
        node[to, BEGIN], node[to, FINISH], node[to, ROUTE] = start, time, r
        node[to, PREV] = at
        figures[c.TRAVEL] += leg
        if instance.has_metres:
            figures[c.DISTANCE] += instance.metres[
                min(drive_kind, instance.metres.shape[0] - 1),
                instance.task[at, LOCATION],
                instance.task[to, LOCATION],
            ]
        if to >= n:  # a trip to the depot
            at = to
            continue
        late = (start if instance.late_at_start else arrival) - instance.task[to, DUE]
        if late > 0:
            figures[c.LATE] += late * instance.task[to, WEIGHT]
            figures[c.WORST_LATE] = max(figures[c.WORST_LATE], late)
        wait = start - arrival
        if at == n + 2 * r and first == last:
            spare = wait if instance.late_at_start else min(wait, max(0, -late))
            begin = arrival + spare - leg
            wait -= spare
        figures[c.WAITING] += wait
        shown = instance.published_shift[to]
        if shown != -1:
            if shown != r:
                figures[c.CHANGES] += 2
            elif abs(start - instance.published_start[to]) > TOLERANCE_S:
                figures[c.CHANGES] += 1
        if instance.fits[to, r] == 2:
            figures[c.PREFERENCE] += instance.task[to, WEIGHT]
        at = to
        count += 1
    if arrival > shift[HARD_END]:
        return False
    node[stop, PREV] = at
    node[stop, BEGIN] = node[stop, FINISH] = arrival
    solution.visits[r] = count
    if count > 0:
        figures[c.TRAVEL] += leg
        if instance.has_metres and instance.task[stop, LOCATION] >= 0:
            figures[c.DISTANCE] += instance.metres[
                min(drive_kind, instance.metres.shape[0] - 1),
                instance.task[at, LOCATION],
                instance.task[stop, LOCATION],
            ]
        figures[c.OVERTIME] = max(0, arrival - shift[SHIFT_END])
        figures[c.VEHICLES] = 1
        figures[c.SPREAD] = arrival - begin
        figures[c.COST] = (shift[c.FEN_PER_HOUR] * (arrival - begin) + 1800) // 3600 + (
            shift[c.FEN_PER_KM] * figures[c.DISTANCE] + 500
        ) // 1000
    return True


@compiled
def backward(instance: Any, solution: Any, r: int) -> None:
    """Latest times along route ``r``, after `forward` found it possible."""
    n = instance.n
    node, shift = solution.node, instance.shift[r]
    service_kind = shift[SERVICE_KIND]
    begin, at = n + 2 * r, n + 2 * r + 1
    node[at, LATEST_START] = shift[HARD_END]
    node[at, FREE_ARRIVAL] = min(shift[HARD_END], max(shift[SHIFT_END], node[at, BEGIN]))
    to_end = True
    while True:
        job = node[at, PREV]
        if job == begin:
            break
        first, last = solution.break_first[job], solution.break_last[job]
        leg = node[job, LEG]
        length = duration(instance, node, service_kind, node[job, PREV], job)
        limit = depart(instance, first, last, node[at, LATEST_START], leg, to_end)
        node[job, LATEST_START] = last_start(instance, job, limit - length)
        free = depart(instance, first, last, node[at, FREE_ARRIVAL], leg, to_end)
        free = last_start(instance, job, free - length)
        due = instance.task[job, DUE]
        if instance.late_at_start:
            # An arrival before due can start after it where one window ends before the next.
            free = min(free, last_start(instance, job, max(due, node[job, BEGIN])))
        elif due < FAR and free > due:
            arrival = max(
                arrive(
                    instance,
                    solution.break_first[node[job, PREV]],
                    solution.break_last[node[job, PREV]],
                    node[node[job, PREV], FINISH],
                    node[node[job, PREV], LEG],
                    False,
                ),
                instance.task[job, RELEASE],
            )
            free = min(free, max(due, arrival))
        node[job, FREE_ARRIVAL] = free
        at = job
        to_end = False
