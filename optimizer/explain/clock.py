"""Compiled clockwork: at which positions of which routes could one more visit be made?

Every route is tried in full, with its breaks. Only the earliest end per number of breaks taken is
kept, which decides feasibility exactly, because being earlier is never worse. Lateness and the
other goals are not looked at: `optimizer.timetable` prices what is found feasible here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from optimizer.problem import UNREACHABLE

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

NEVER = 2**60
"""A second that never comes."""

FAR = 2**40
"""A second later than any plan reaches; bounds of an interval without an end."""

LIFT_UNREACHABLE, LIFT_SHIFT, LIFT_WINDOW, LIFT_BREAK, LIFT_STOPS = 1, 2, 4, 8, 16
"""Bits of ``Visit.lift``: rules that are not applied at a shift (``LIFT_STOPS``: empty route)."""

NO_SUPPLY, AFTER_RESTOCK = 0, 1
"""Values of ``Visit.supply``: whether the visit needs a restock before it on that route."""


class Clock(NamedTuple):
    """All shifts and what is planned on them, flat. ``x_at[i]:x_at[i + 1]`` are the entries of i.

    Per shift: ``start, limit`` (end + overtime), ``free_from, free_to`` (between the technician's
    other routes), ``origin, destination`` (−1: open end), ``speed, route_at, break_at``. Per
    stop: ``place, service, setup, release, is_job, window_at``.
    Per break: ``break_s, pause_at``.
    """

    start: Ints
    limit: Ints
    free_from: Ints
    free_to: Ints
    origin: Ints
    destination: Ints
    speed: Floats
    route_at: Ints
    place: Ints
    service: Ints
    setup: Ints
    release: Ints
    is_job: Ints
    window_at: Ints
    opens: Ints
    closes: Ints
    break_at: Ints
    break_s: Ints
    pause_at: Ints
    pause_opens: Ints
    pause_closes: Ints


class Visit(NamedTuple):
    """The visit to insert. Arrays over shifts except ``opens``/``closes`` (its windows).

    The service starts in [``earliest``, ``latest``] and ends in [``end_from``, ``end_to``];
    ``skip`` is the index of a stop that is left out (−1: none).
    """

    place: int
    setup: int
    release: int
    opens: Ints
    closes: Ints
    service: Ints
    earliest: Ints
    latest: Ints
    end_from: Ints
    end_to: Ints
    lift: Ints
    supply: Ints
    restock_place: int
    restock_s: int


@njit(cache=True, nogil=True)
def _drive(duration: int, speed: float) -> int:
    if speed == 1.0 or duration >= UNREACHABLE:
        return duration
    return int(duration / speed + 0.5)


@njit(cache=True, nogil=True)
def _first(ready: int, opens: Ints, closes: Ints, begin: int, end: int) -> int:
    if begin == end:
        return ready
    for k in range(begin, end):
        if ready <= closes[k]:
            return int(max(ready, opens[k]))
    return NEVER


@njit(cache=True, nogil=True)
def _pause(clock: Clock, shift: int, times: Ints, breaks: int) -> None:
    for done in range(breaks):
        if times[done] < NEVER:
            k = clock.break_at[shift] + done
            begin = _first(
                times[done], clock.pause_opens, clock.pause_closes,
                clock.pause_at[k], clock.pause_at[k + 1],
            )  # fmt: skip
            if begin < NEVER:
                times[done + 1] = min(times[done + 1], begin + clock.break_s[k])


@njit(cache=True, nogil=True)
def _visit_stop(
    clock: Clock, durations: NDArray[np.int32], shift: int, stop: int, times: Ints, breaks: int,
    place: int, last_job_place: int,
) -> bool:  # fmt: skip
    """Move ``times`` from ends at ``place`` to ends of a stop; False when none is left."""
    _pause(clock, shift, times, breaks)
    leg = _drive(durations[place, clock.place[stop]], clock.speed[shift])
    duration = clock.service[stop]
    if last_job_place != clock.place[stop]:
        duration += clock.setup[stop]
    alive = False
    for done in range(breaks + 1):
        if leg >= UNREACHABLE or times[done] >= NEVER:
            times[done] = NEVER
            continue
        start = _first(
            max(times[done] + leg, clock.release[stop]), clock.opens, clock.closes,
            clock.window_at[stop], clock.window_at[stop + 1],
        )  # fmt: skip
        times[done] = start if start >= NEVER else start + duration
        alive = alive or start < NEVER
    return alive


@njit(cache=True, nogil=True)
def _rest(
    clock: Clock, durations: NDArray[np.int32], shift: int, first: int, last: int, skip: int,
    times: Ints, breaks: int, place: int, last_job_place: int, free_leg: bool,
) -> int:  # fmt: skip
    """The earliest end of the route after doing stops ``first:last`` (limit not applied)."""
    for stop in range(first, last):
        if stop == skip:
            continue
        if free_leg and durations[place, clock.place[stop]] >= UNREACHABLE:
            place = clock.place[stop]
        if not _visit_stop(clock, durations, shift, stop, times, breaks, place, last_job_place):
            return NEVER
        free_leg = False
        place = clock.place[stop]
        if clock.is_job[stop]:
            last_job_place = place
    _pause(clock, shift, times, breaks)
    leg = 0
    if clock.destination[shift] >= 0:
        leg = _drive(durations[place, clock.destination[shift]], clock.speed[shift])
        if leg >= UNREACHABLE:
            if not free_leg:
                return NEVER
            leg = 0
    best = NEVER
    for done in range(breaks + 1):
        if times[done] >= NEVER:
            continue
        end = times[done] + leg
        for k in range(clock.break_at[shift] + done, clock.break_at[shift] + breaks):
            if end > clock.pause_opens[clock.pause_at[k]]:
                end = NEVER
                break
        best = min(best, end)
    return best


@njit(cache=True, nogil=True)
def _reach(
    clock: Clock, durations: NDArray[np.int32], visit: Visit, shift: int, first: int, last: int,
    skip: int, position: int, restock: int, times: Ints, breaks: int,
) -> tuple[int, int]:  # fmt: skip
    """Fill ``times`` with arrivals at the visit; give its duration and the place before (−1: no).

    ``restock`` is the stop before which the route goes to the depot, −1 for no such trip.
    """
    times[:] = NEVER
    times[0] = clock.start[shift]
    if not visit.lift[shift] & LIFT_STOPS:
        times[0] = max(times[0], clock.free_from[shift])
    place, last_job_place = clock.origin[shift], -1
    for stop in range(first, position + 1):
        if stop == restock:
            _pause(clock, shift, times, breaks)
            leg = _drive(durations[place, visit.restock_place], clock.speed[shift])
            if leg >= UNREACHABLE:
                if not visit.lift[shift] & LIFT_UNREACHABLE:
                    return 0, -1
                leg = 0
            for done in range(breaks + 1):
                if times[done] < NEVER:
                    times[done] += leg + visit.restock_s
            place = visit.restock_place
        if stop in (position, skip):
            continue
        if not _visit_stop(clock, durations, shift, stop, times, breaks, place, last_job_place):
            return 0, -1
        place = clock.place[stop]
        if clock.is_job[stop]:
            last_job_place = place
    _pause(clock, shift, times, breaks)
    leg = _drive(durations[place, visit.place], clock.speed[shift])
    if leg >= UNREACHABLE:
        if not visit.lift[shift] & LIFT_UNREACHABLE:
            return 0, -1
        leg = 0
    for done in range(breaks + 1):
        if times[done] < NEVER:
            ready = times[done] + leg
            if not visit.lift[shift] & LIFT_WINDOW:
                ready = max(ready, visit.release)
            times[done] = ready
    duration = visit.service[shift]
    if last_job_place != visit.place:
        duration += visit.setup
    return duration, place


@njit(cache=True, nogil=True)
def _insert(
    clock: Clock, durations: NDArray[np.int32], visit: Visit, shift: int, first: int, last: int,
    skip: int, position: int, restock: int, breaks: int,
) -> int:  # fmt: skip
    """The earliest end of the route with the visit before stop ``position``; NEVER if none."""
    times = np.empty(breaks + 1, np.int64)
    duration, place = _reach(
        clock, durations, visit, shift, first, last, skip, position, restock, times, breaks
    )
    if place < 0:
        return NEVER
    alive = False
    for done in range(breaks + 1):
        if times[done] >= NEVER:
            continue
        ready = max(times[done], visit.earliest[shift], visit.end_from[shift] - duration)
        if not visit.lift[shift] & LIFT_WINDOW:
            ready = _first(ready, visit.opens, visit.closes, 0, len(visit.opens))
        if ready > visit.latest[shift] or ready + duration > visit.end_to[shift]:
            times[done] = NEVER
        else:
            times[done] = ready + duration
            alive = True
    if not alive:
        return NEVER
    free_leg = visit.lift[shift] & LIFT_UNREACHABLE != 0
    end = _rest(
        clock, durations, shift, position, last, skip, times, breaks, visit.place, visit.place,
        free_leg,
    )  # fmt: skip
    if end > clock.limit[shift] and not visit.lift[shift] & LIFT_SHIFT:
        return NEVER
    if end > clock.free_to[shift] and not visit.lift[shift] & LIFT_STOPS:
        return NEVER
    return int(end)


@njit(cache=True, nogil=True)
def _restocked(clock: Clock, first: int, last: int) -> int:
    for stop in range(first, last):
        if not clock.is_job[stop]:
            return stop
    return -1


@njit(cache=True, nogil=True)
def insertion_ends(clock: Clock, durations: NDArray[np.int32], visit: Visit, shifts: Ints) -> Ints:
    """Earliest route end with the visit, per shift (of ``shifts``; others NEVER) and position.

    Position p of shift s stands at ``clock.route_at[s] + s + p``: before the p-th stop.
    """
    ends = np.full(len(clock.place) + len(clock.start), NEVER, np.int64)
    for shift in shifts:
        first, last = clock.route_at[shift], clock.route_at[shift + 1]
        base = first + shift
        if visit.lift[shift] & LIFT_STOPS:
            last = first
        breaks = 0
        if not visit.lift[shift] & LIFT_BREAK:
            breaks = clock.break_at[shift + 1] - clock.break_at[shift]
        restocked = _restocked(clock, first, last)
        for position in range(first, last + 1):
            if visit.supply[shift] == NO_SUPPLY or 0 <= restocked < position:
                ends[base + position - first] = _insert(
                    clock, durations, visit, shift, first, last, -1, position, -1, breaks
                )
            elif restocked < 0 and visit.restock_place >= 0:
                for restock in range(first, position + 1):
                    end = _insert(
                        clock, durations, visit, shift, first, last, -1, position, restock, breaks
                    )
                    ends[base + position - first] = min(ends[base + position - first], end)
    return ends


@njit(cache=True, nogil=True)
def exchange_ends(
    clock: Clock, durations: NDArray[np.int32], visit: Visit, shifts: Ints, droppable: Ints
) -> Ints:
    """Earliest route end with the visit instead of each stop; NEVER where ``droppable`` is 0."""
    ends = np.full(len(clock.place), NEVER, np.int64)
    for shift in shifts:
        first, last = clock.route_at[shift], clock.route_at[shift + 1]
        breaks = clock.break_at[shift + 1] - clock.break_at[shift]
        for skip in range(first, last):
            if droppable[skip]:
                for position in range(first, last + 1):
                    if position != skip:
                        end = _insert(
                            clock, durations, visit, shift, first, last, skip, position, -1, breaks
                        )
                        ends[skip] = min(ends[skip], end)
    return ends


@njit(cache=True, nogil=True)
def start_intervals(clock: Clock, durations: NDArray[np.int32], visit: Visit, shifts: Ints) -> Ints:
    """``int64[n, 4]``: (shift, position, from, to) in which the visit's service may start.

    The visit's own windows are not applied (see `Visit`'s bounds for what is); its release is.
    """
    found = 0
    rows = np.empty((256, 4), np.int64)
    for shift in shifts:
        first, last = clock.route_at[shift], clock.route_at[shift + 1]
        if visit.lift[shift] & LIFT_STOPS:
            last = first
        breaks = 0
        if not visit.lift[shift] & LIFT_BREAK:
            breaks = clock.break_at[shift + 1] - clock.break_at[shift]
        restocked = _restocked(clock, first, last)
        limit = NEVER if visit.lift[shift] & LIFT_SHIFT else clock.limit[shift]
        if not visit.lift[shift] & LIFT_STOPS:
            limit = min(limit, clock.free_to[shift])
        free_leg = visit.lift[shift] & LIFT_UNREACHABLE != 0
        times = np.empty(breaks + 1, np.int64)
        trial = np.empty(breaks + 1, np.int64)
        for position in range(first, last + 1):
            if visit.supply[shift] != NO_SUPPLY and not 0 <= restocked < position:
                continue
            duration, place = _reach(
                clock, durations, visit, shift, first, last, -1, position, -1, times, breaks
            )
            if place < 0:
                continue
            for done in range(breaks + 1):
                if times[done] >= NEVER:
                    continue
                low = max(times[done], visit.earliest[shift], visit.end_from[shift] - duration)
                high = min(visit.latest[shift], visit.end_to[shift] - duration)
                high = min(high, FAR)
                # bisect the last start from which the rest of the day still works out
                begin, bad = low - 1, high + 1
                while begin + 1 < bad:
                    middle = low if begin < low else (begin + bad) // 2
                    trial[:] = NEVER
                    trial[done] = middle + duration
                    end = _rest(
                        clock, durations, shift, position, last, -1, trial, breaks, visit.place,
                        visit.place, free_leg,
                    )  # fmt: skip
                    if end < NEVER and end <= limit:
                        begin = middle
                    elif begin < low:
                        break
                    else:
                        bad = middle
                if begin >= low:
                    if found == len(rows):
                        wider = np.empty((2 * found, 4), np.int64)
                        wider[:found] = rows
                        rows = wider
                    rows[found, 0] = shift
                    rows[found, 1] = position - first
                    rows[found, 2] = low
                    rows[found, 3] = begin
                    found += 1
    return rows[:found].copy()
