"""Trips to the depot (``Problem.restock``): at most one a shift, where it costs least.

Each shift has a node of its own for the trip, ``n + 2R + r``. It stands in the chain of NEXT like a
visit, so the clocks need no special case. Whether a route needs it, and where it goes, is settled
anew whenever the route changes: somewhere before the first visit that the van as it leaves cannot
serve. Visits behind it are *supplied*: they lack nothing and take nothing from the stock.
"""

from __future__ import annotations

from typing import Any

from optimizer.search import layout as c
from optimizer.search.compiled import compiled, inlined
from optimizer.search.layout import (
    DRIVE_KIND,
    EARLIEST,
    FAR,
    FINISH,
    FREE_ARRIVAL,
    LATEST,
    LATEST_START,
    LEG,
    NEXT,
    NOWHERE,
    PREV,
    RELEASE,
    ROUTE,
    TECHNICIAN,
)
from optimizer.search.spans import longer_by, measure_spans
from optimizer.search.timing import arrive, backward, drive_time, first_start, forward


@inlined
def depot_node(instance: Any, r: int) -> int:
    """The node of shift r's trip to the depot."""
    return instance.n + 2 * instance.n_shifts + r  # type: ignore[no-any-return]


@inlined
def lacks(instance: Any, solution: Any, r: int, job: int) -> bool:
    """Whether the van as it left home, with what is left of the stock, cannot serve the visit."""
    who = instance.shift[r, TECHNICIAN]
    if instance.bare[job, who] == 0:
        return True
    for p in range(instance.part_from[job], instance.part_from[job + 1]):
        part = instance.part_id[p]
        if solution.used[who, part] + instance.part_count[p] > instance.stock[who, part]:
            return True
    return False


@inlined
def trip_saving(instance: Any, solution: Any, r: int) -> int:
    """Seconds of driving that the planned trip of route r costs now."""
    node = solution.node
    depot = depot_node(instance, r)
    kind = instance.shift[r, DRIVE_KIND]
    before, behind = node[depot, PREV], node[depot, NEXT]
    direct = drive_time(instance, kind, before, behind)
    if direct >= NOWHERE:
        return 0
    return node[before, LEG] + node[depot, LEG] - direct  # type: ignore[no-any-return]


@compiled
def way_by_depot(
    instance: Any, solution: Any, r: int, at: int, job: int, direct: int
) -> tuple[int, int, int, int]:
    """The way from ``at`` to a visit, by the depot where something lacks.

    `lay_depot` may find a better moment for the trip later.

    Returns
    -------
    way, saving, floor, ceiling
        Seconds from ``at`` to the visit, how much of them is no longer driven (or no drive at all),
        the earliest arrival, and the latest arrival when driving on at once.
    """
    if not lacks(instance, solution, r, job):
        return direct, 0, -FAR, FAR - 1
    kind, depot = instance.shift[r, DRIVE_KIND], depot_node(instance, r)
    there = drive_time(instance, kind, at, depot)
    onto = drive_time(instance, kind, depot, job)
    stay = instance.service[0, depot]
    saving = stay
    if solution.node[depot, ROUTE] >= 0:  # the planned trip comes earlier
        if instance.fetched[r] != 0:
            return NOWHERE, 0, 0, 0
        saving += trip_saving(instance, solution, r)
    if there >= NOWHERE or onto >= NOWHERE:
        return NOWHERE, 0, 0, 0
    rest = stay + onto
    floor, ceiling = instance.task[depot, EARLIEST] + rest, instance.task[depot, LATEST] + rest
    return there + rest, saving, floor, min(ceiling, FAR - 1)


@compiled
def give_back(instance: Any, solution: Any, r: int) -> None:
    """Route r takes nothing from the stock until `draw_from_stock` counts it anew."""
    who = instance.shift[r, TECHNICIAN]
    for part in range(instance.stock.shape[1]):
        solution.used[who, part] -= solution.drawn[r, part]
        solution.drawn[r, part] = 0


@compiled
def draw_from_stock(instance: Any, solution: Any, r: int) -> int:
    """Count the parts route r takes from the stock, visit by visit, up to its trip.

    Returns
    -------
    int
        The first visit before the trip that lacks something, -1 when none does. Parts of visits
        from there on are not counted.
    """
    n, node = instance.n, solution.node
    who = instance.shift[r, TECHNICIAN]
    give_back(instance, solution, r)
    at = node[n + 2 * r, NEXT]
    stop = n + 2 * r + 1
    supplied, lacking = 0, -1
    solution.supplied[n + 2 * r] = 0
    while at != stop:
        if at >= n:
            supplied = 1
        elif supplied == 0 and lacking < 0:
            if lacks(instance, solution, r, at):
                lacking = at
            else:
                for p in range(instance.part_from[at], instance.part_from[at + 1]):
                    part = instance.part_id[p]
                    solution.used[who, part] += instance.part_count[p]
                    solution.drawn[r, part] += instance.part_count[p]
        solution.supplied[at] = supplied
        at = node[at, NEXT]
    return lacking  # type: ignore[no-any-return]


@compiled
def unlink_depot(instance: Any, solution: Any, r: int) -> None:
    """Take the trip out of the chain; breaks behind it go to the leg before."""
    node = solution.node
    depot = depot_node(instance, r)
    if node[depot, ROUTE] < 0:
        return
    before, behind = node[depot, PREV], node[depot, NEXT]
    node[before, NEXT], node[behind, PREV] = behind, before
    node[depot, ROUTE] = -1
    first, last = solution.break_first[depot], solution.break_last[depot]
    if first < last:
        if solution.break_first[before] == solution.break_last[before]:
            solution.break_first[before] = first
        solution.break_last[before] = last


@compiled
def link_depot(instance: Any, solution: Any, r: int, at: int) -> None:
    """Put the trip behind ``at``; breaks of that leg are taken before it."""
    node = solution.node
    depot = depot_node(instance, r)
    to = node[at, NEXT]
    node[at, NEXT], node[depot, PREV], node[depot, NEXT], node[to, PREV] = depot, at, to, depot
    node[depot, ROUTE] = r
    solution.break_first[depot] = solution.break_last[depot] = solution.break_last[at]


@compiled
def lay_depot(instance: Any, solution: Any, r: int) -> None:
    """Settle anew whether route r goes to the depot, and where.

    The clocks are stale afterwards, and tell whether it can. What counts: nobody late, then the
    detour, then the delay.
    """
    n, node = instance.n, solution.node
    begin, stop = n + 2 * r, n + 2 * r + 1
    depot = depot_node(instance, r)
    unlink_depot(instance, solution, r)
    lacking = draw_from_stock(instance, solution, r)
    kept = instance.fetched[r] != 0
    if node[begin, NEXT] == stop or (lacking < 0 and not kept):
        return
    if kept:  # its second stands: breaks are laid around it afterwards
        at = begin
        while at != stop:
            solution.break_first[at] = solution.break_last[at] = 0
            at = node[at, NEXT]
    kind = instance.shift[r, DRIVE_KIND]
    best, chosen = 1e300, -1
    if forward(instance, solution, r):
        backward(instance, solution, r)
        if instance.short_days:
            measure_spans(instance, solution, r)
        at = begin
        while at != stop:
            to = node[at, NEXT]
            out = drive_time(instance, kind, at, depot)
            on = drive_time(instance, kind, depot, to)
            if out < NOWHERE and on < NOWHERE:
                first, last = solution.break_first[at], solution.break_last[at]
                there = arrive(instance, first, last, node[at, FINISH], out, False)
                start = first_start(instance, depot, there)
                if start < FAR:
                    onward = start + instance.service[0, depot] + on
                    if to != stop:
                        onward = max(onward, instance.task[to, RELEASE])
                    if onward <= node[to, LATEST_START]:
                        harm = instance.weight[c.TRAVEL] * float(out + on - node[at, LEG])
                        harm += 1e6 * float(max(0, onward - node[to, FREE_ARRIVAL]))
                        if instance.short_days:
                            harm += longer_by(
                                instance, solution, r, at, depot, out, on,
                                instance.service[0, depot], out + on - node[at, LEG],
                            )  # fmt: skip
                        if harm < best:
                            best, chosen = harm, at
            if to == lacking:
                break
            at = to
    if chosen < 0:  # the clocks have the last word
        if kept:  # no way past the depot, perhaps
            chosen, to = begin, node[begin, NEXT]
            while to != stop and instance.task[to, LATEST] <= instance.task[depot, EARLIEST]:
                chosen, to = to, node[to, NEXT]
        else:
            chosen = node[lacking, PREV]
    link_depot(instance, solution, r, chosen)
    draw_from_stock(instance, solution, r)
