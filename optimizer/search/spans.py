"""How short a route's day can be: durations of its pieces, joined in O(1).

A piece of a route is (duration, earliest, latest): it lasts so long when it begins between the two
(Vidal, Crainic, Gendreau & Prins 2013, §4.3, without time warps). Only kept for problems that name
``waiting`` or ``cost`` by the hour; there the technician leaves home so late that the day is as
short as it can be without anybody being served later than due, and not later than that.
"""

from __future__ import annotations

from typing import Any

from optimizer.search import layout as c
from optimizer.search.compiled import compiled, inlined
from optimizer.search.layout import (
    BEGIN,
    DUE,
    EARLIEST,
    FAR,
    FINISH,
    HARD_END,
    LATEST,
    LEG,
    NEXT,
    PREV,
    RELEASE,
    SHIFT_END,
    SHIFT_START,
    WEIGHT,
    WINDOWS,
)
from optimizer.search.timing import TOLERANCE_S, arrive, first_start

# span[i]: the route up to the end of service at i, and from the start of service at i on
UP_LASTS, UP_FROM, UP_TO, ON_LASTS, ON_FROM, ON_TO = range(6)


@inlined
def join(
    lasts: int, earliest: int, latest: int, leg: int, lasts2: int, earliest2: int, latest2: int
) -> tuple[int, int, int]:
    """Two pieces with a leg between them as one piece."""
    shift = lasts + leg
    wait = max(0, earliest2 - shift - latest)
    return (
        lasts + leg + lasts2 + wait,
        max(earliest2 - shift, earliest) - wait,
        min(latest2 - shift, latest),
    )


@inlined
def _stay(instance: Any, solution: Any, at: int, arrival: int) -> tuple[int, int, int]:
    """A visit as a piece: (duration, earliest, latest) in its present window, never later than due.

    A visit that opens only after its due keeps the wait that being in time costs.
    """
    begin, finish = solution.node[at, BEGIN], solution.node[at, FINISH]
    opens, closes = instance.task[at, EARLIEST], instance.task[at, LATEST]
    if at < instance.n:
        if instance.group[at] >= 0 or instance.locked[at] != 0:
            opens = closes = begin
        elif instance.task[at, WINDOWS] > 1:
            for w in range(instance.window_from[at], instance.window_from[at + 1]):
                if begin <= instance.closes[w]:
                    opens = max(opens, instance.opens[w])
                    closes = min(closes, instance.closes[w])
                    break
        if instance.late_at_start:
            return finish - begin, opens, min(closes, max(instance.task[at, DUE], begin))
        latest_arrival = max(instance.task[at, DUE], arrival)
        if latest_arrival < opens:
            return finish - begin + opens - latest_arrival, latest_arrival, latest_arrival
        closes = min(closes, latest_arrival)
    return finish - begin, opens, closes


@inlined
def _pause(instance: Any, b: int, leave: int) -> int:
    """The window in which the break is taken when it is reached at ``leave``."""
    for w in range(instance.break_window_from[b], instance.break_window_from[b + 1]):
        if leave <= instance.break_closes[w]:
            return w
    return instance.break_window_from[b + 1] - 1  # type: ignore[no-any-return]


@compiled
def measure_spans(instance: Any, solution: Any, r: int) -> None:
    """Fill ``span`` along route r, after `forward` found it possible."""
    n, node, span, shift = instance.n, solution.node, solution.span, instance.shift[r]
    begin, stop = n + 2 * r, n + 2 * r + 1
    lasts, earliest, latest = 0, shift[SHIFT_START], shift[HARD_END]
    span[begin, UP_LASTS], span[begin, UP_FROM], span[begin, UP_TO] = lasts, earliest, latest
    home = FAR
    at = begin
    while at != stop:
        to = node[at, NEXT]
        leave, leg = node[at, FINISH], node[at, LEG]
        for b in range(solution.break_first[at], solution.break_last[at]):
            if to == stop and leave + leg <= instance.break_opens[instance.break_window_from[b]]:
                home = instance.break_opens[instance.break_window_from[b]]
                break
            w = _pause(instance, b, leave)
            lasts, earliest, latest = join(
                lasts, earliest, latest, 0,
                instance.break_duration[b], instance.break_opens[w], instance.break_closes[w],
            )  # fmt: skip
            leave = max(leave, instance.break_opens[w]) + instance.break_duration[b]
        arrival = leave + leg
        if to == stop:
            stay, opens, closes = 0, -FAR, min(home, max(shift[SHIFT_END], arrival))
            closes = min(closes, shift[HARD_END])
            span[to, ON_LASTS], span[to, ON_FROM], span[to, ON_TO] = stay, opens, closes
        else:
            arrival = max(arrival, instance.task[to, RELEASE])
            stay, opens, closes = _stay(instance, solution, to, arrival)
            # until the way back: the visit alone
            span[to, ON_LASTS], span[to, ON_FROM], span[to, ON_TO] = stay, opens, closes
        lasts, earliest, latest = join(lasts, earliest, latest, leg, stay, opens, closes)
        span[to, UP_LASTS], span[to, UP_FROM], span[to, UP_TO] = lasts, earliest, latest
        at = to
    at = node[stop, PREV]
    lasts, earliest, latest = span[stop, ON_LASTS], span[stop, ON_FROM], span[stop, ON_TO]
    to_end = True
    while at != begin:
        leg = node[at, LEG]
        leave = node[at, FINISH]
        last = solution.break_first[at]
        for b in range(solution.break_first[at], solution.break_last[at]):
            if to_end and leave + leg <= instance.break_opens[instance.break_window_from[b]]:
                break
            w = _pause(instance, b, leave)
            leave = max(leave, instance.break_opens[w]) + instance.break_duration[b]
            last = b + 1
        for b in range(last - 1, solution.break_first[at] - 1, -1):
            w = _pause(instance, b, node[at, FINISH])
            lasts, earliest, latest = join(
                instance.break_duration[b], instance.break_opens[w], instance.break_closes[w],
                leg, lasts, earliest, latest,
            )  # fmt: skip
            leg = 0
        lasts, earliest, latest = join(
            span[at, ON_LASTS], span[at, ON_FROM], span[at, ON_TO], leg, lasts, earliest, latest
        )
        span[at, ON_LASTS], span[at, ON_FROM], span[at, ON_TO] = lasts, earliest, latest
        at = node[at, PREV]
        to_end = False


@compiled
def longer_by(
    instance: Any,
    solution: Any,
    r: int,
    at: int,
    job: int,
    out: int,
    on: int,
    service: int,
    driven: int,
) -> float:
    """Energy of the hours and the waiting that ``job`` behind ``at`` adds to the day.

    ``driven`` is by how much the drive gets longer. Breaks of the leg count as drive.
    """
    span, shift, node = solution.span, instance.shift[r], solution.node
    to = node[at, NEXT]
    before = 0 if solution.visits[r] == 0 else span[instance.n + 2 * r + 1, UP_LASTS]
    pause = 0
    for b in range(solution.break_first[at], solution.break_last[at]):
        pause += instance.break_duration[b]
    lasts, earliest, latest = join(
        span[at, UP_LASTS], span[at, UP_FROM], span[at, UP_TO], out + pause,
        service, instance.task[job, EARLIEST], instance.task[job, LATEST],
    )  # fmt: skip
    lasts, earliest, latest = join(
        lasts, earliest, latest, on, span[to, ON_LASTS], span[to, ON_FROM], span[to, ON_TO]
    )
    longer = lasts - before
    waits = longer - driven - service
    return (  # type: ignore[no-any-return]
        instance.weight[c.COST] * shift[c.FEN_PER_HOUR] * longer / 3600.0
        + instance.weight[c.WAITING] * waits
    )


@compiled
def leave_as_suits(instance: Any, solution: Any, r: int) -> None:
    """The route's figures when the technician leaves so that the day is shortest, and no later."""
    n, node, shift = instance.n, solution.node, instance.shift[r]
    figures = solution.figures[r]
    at, stop = n + 2 * r, n + 2 * r + 1
    begin = solution.span[stop, UP_FROM]
    figures[c.WAITING] = figures[c.CHANGES] = figures[c.LATE] = figures[c.WORST_LATE] = 0
    time = begin
    while True:
        to = node[at, NEXT]
        first, last = solution.break_first[at], solution.break_last[at]
        arrival = arrive(instance, first, last, time, node[at, LEG], to == stop)
        if to == stop:
            break
        arrival = max(arrival, instance.task[to, RELEASE])
        start = first_start(instance, to, arrival)
        if to < n:
            if instance.group[to] >= 0 or instance.locked[to] != 0:
                start = node[to, BEGIN]
            late = (start if instance.late_at_start else arrival) - instance.task[to, DUE]
            if late > 0:
                figures[c.LATE] += late * instance.task[to, WEIGHT]
                figures[c.WORST_LATE] = max(figures[c.WORST_LATE], late)
            figures[c.WAITING] += start - arrival
            shown = instance.published_shift[to]
            if shown != -1:
                if shown != r:
                    figures[c.CHANGES] += 2
                elif abs(start - instance.published_start[to]) > TOLERANCE_S:
                    figures[c.CHANGES] += 1
        time = start + node[to, FINISH] - node[to, BEGIN]
        at = to
    figures[c.OVERTIME] = max(0, arrival - shift[SHIFT_END])
    figures[c.SPREAD] = arrival - begin
    figures[c.COST] = (shift[c.FEN_PER_HOUR] * (arrival - begin) + 1800) // 3600 + (
        shift[c.FEN_PER_KM] * figures[c.DISTANCE] + 500
    ) // 1000
