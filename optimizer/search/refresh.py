"""Renew a route after its chain of visits changed: depot trip, breaks, clocks, figures."""

from __future__ import annotations

from typing import Any

from optimizer.search.compiled import compiled
from optimizer.search.depot import lay_depot
from optimizer.search.layout import (
    BEGIN,
    FAR,
    FINISH,
    FIRST_BREAK,
    FREE_ARRIVAL,
    HARD_END,
    LAST_BREAK,
    LATEST_START,
    LEG,
    NEXT,
    PREV,
    RELEASE,
    SHIFT_END,
    SHIFT_START,
)
from optimizer.search.spans import leave_as_suits, measure_spans
from optimizer.search.timing import arrive, backward, forward


@compiled
def _lay_breaks(instance: Any, solution: Any, r: int) -> bool:
    """Put each break on the leg where it delays least; False when some break fits nowhere."""
    n = instance.n
    node, shift = solution.node, instance.shift[r]
    begin, stop = n + 2 * r, n + 2 * r + 1
    at = begin
    while at != stop:
        solution.break_first[at] = solution.break_last[at] = 0
        at = node[at, NEXT]
    earliest_leg = begin
    for b in range(shift[FIRST_BREAK], shift[LAST_BREAK]):
        if not forward(instance, solution, r):
            return False
        backward(instance, solution, r)
        best, chosen = FAR, -1
        at = earliest_leg
        while at != stop:
            to = node[at, NEXT]
            to_end = to == stop
            first = solution.break_first[at]
            if solution.break_last[at] == first:
                first = b
            arrival = arrive(instance, first, b + 1, node[at, FINISH], node[at, LEG], to_end)
            if arrival < FAR:
                if not to_end:
                    arrival = max(arrival, instance.task[to, RELEASE])
                if arrival <= node[to, LATEST_START]:
                    harm = max(0, arrival - node[to, FREE_ARRIVAL]) * 1000
                    harm += max(0, arrival - node[to, BEGIN])
                    if harm < best:
                        best, chosen = harm, at
            elif chosen >= 0:
                break
            at = to
        if chosen < 0:
            return False
        if solution.break_last[chosen] == solution.break_first[chosen]:
            solution.break_first[chosen] = b
        solution.break_last[chosen] = b + 1
        earliest_leg = chosen
    return forward(instance, solution, r)


@compiled
def clear(instance: Any, solution: Any, r: int) -> None:
    """The clocks of a shift that is not used; all its breaks lie before the first visit to come."""
    node, shift = solution.node, instance.shift[r]
    begin = instance.n + 2 * r
    stop = begin + 1
    node[begin, NEXT], node[stop, PREV] = stop, begin
    node[begin, FINISH] = shift[SHIFT_START]
    node[stop, BEGIN] = node[stop, FINISH] = shift[SHIFT_START]
    node[stop, LATEST_START] = shift[HARD_END]
    node[stop, FREE_ARRIVAL] = min(shift[SHIFT_END], shift[HARD_END])
    solution.break_first[begin], solution.break_last[begin] = shift[FIRST_BREAK], shift[LAST_BREAK]
    solution.visits[r] = 0
    solution.figures[r, :] = 0
    if instance.short_days:
        measure_spans(instance, solution, r)


@compiled
def refresh(instance: Any, solution: Any, scratch: Any, r: int) -> bool:
    """Recompute route ``r`` after its chain of NEXT changed; False where it cannot be timed.

    Breaks are laid anew; if that fails, they go back to the legs they were on, if all were on one.
    """
    n = instance.n
    node, shift = solution.node, instance.shift[r]
    begin, stop = n + 2 * r, n + 2 * r + 1
    if instance.has_depot:
        lay_depot(instance, solution, r)
    if node[begin, NEXT] == stop:
        clear(instance, solution, r)
        return True
    if shift[FIRST_BREAK] < shift[LAST_BREAK]:
        at, k, laid = begin, 0, 0
        while at != stop:
            scratch[k, 0] = solution.break_first[at]
            scratch[k, 1] = solution.break_last[at]
            laid += scratch[k, 1] - scratch[k, 0]
            at = node[at, NEXT]
            k += 1
        if not _lay_breaks(instance, solution, r):
            if laid < shift[LAST_BREAK] - shift[FIRST_BREAK]:
                return False
            at, k = begin, 0
            while at != stop:
                solution.break_first[at] = scratch[k, 0]
                solution.break_last[at] = scratch[k, 1]
                at = node[at, NEXT]
                k += 1
            if not forward(instance, solution, r):
                return False
    elif not forward(instance, solution, r):
        return False
    backward(instance, solution, r)
    if instance.short_days:
        measure_spans(instance, solution, r)
        leave_as_suits(instance, solution, r)
    return True
