"""The cheapest day of one shift when every job pays a price: labels over an ng-route relaxation.

Baldacci, Mingozzi, Roberti 2011, doi:10.1287/opre.1110.0975: a route may come back to a job, but
only once it has left the job's neighbourhood behind. Windows, service, drives and the end of the
shift hold; breaks, load and all that concerns several shifts do not. So the routes seen here
include every route a plan can have, and the least cost found bounds theirs.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np
from numba import njit

from optimizer.bounds.assignment import NO_ARC, figure_matrices, least_drives
from optimizer.bounds.options import Ints, Options

MOST_LABELS = 60_000
"""Labels of one pricing; where more are needed nothing is claimed."""

MOST_WORK = 200_000_000
"""Labels compared in one pricing, so that none takes longer than about a second."""

MOST_JOBS = 120
"""Jobs that the two 63-bit words of a label's memory have room for, and a few to spare."""

_WORD = 60


class Day(NamedTuple):
    """One shift and the jobs that fit into it (rows ``jobs``), with arcs and windows.

    ``near_low, near_high`` hold each job's neighbourhood as bits; bit k is the k-th of ``jobs``.
    """

    jobs: Ints
    begin: int
    limit: int
    out_s: Ints
    out: Ints
    between_s: Ints
    between: Ints
    home_s: Ints
    home: Ints
    service: Ints
    release: Ints
    latest: Ints
    window_at: Ints
    opens: Ints
    closes: Ints
    near_low: Ints
    near_high: Ints


def day_of(options: Options, column: int, figure: str, scale: int, neighbours: int) -> Day:
    """The pricing problem of one shift; costs are multiplied by ``scale``."""
    shift = options.slots[column][1]
    rows = np.flatnonzero(options.fits[:, column] & options.possible)
    places = options.places[rows]
    matrices = figure_matrices(options, column, figure)
    start = np.array([shift.start_location], np.int64)
    out_s, out = least_drives(options, matrices, start, places)
    between_s, between = least_drives(options, matrices, places, places)
    if shift.end_location is None:
        home_s, home = np.zeros((len(rows), 1), np.int64), np.zeros((len(rows), 1), np.int64)
    else:
        end = np.array([shift.end_location], np.int64)
        home_s, home = least_drives(options, matrices, places, end)
    windows_at, opens, closes = [0], [], []
    for row in rows.tolist():
        job = options.problem.jobs[row]
        windows = job.time_windows
        if job.pinned is not None and job.pinned.start is not None:
            windows = ((job.pinned.start, job.pinned.start),)
        opens += [window[0] for window in windows]
        closes += [window[1] for window in windows]
        windows_at.append(len(opens))
    low, high = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
    for number in range(len(rows)):
        for other in np.argsort(between_s[:, number], kind="stable")[: neighbours + 1].tolist():
            if other < _WORD:
                low[number] |= 1 << other
            else:
                high[number] |= 1 << (other - _WORD)
    # where there is no way the cost says so; a second count past any limit does the rest
    return Day(
        rows, shift.start, shift.end + shift.overtime_s,
        np.ascontiguousarray(out_s[0]), _scaled(out[0], scale), np.ascontiguousarray(between_s),
        _scaled(between, scale), np.ascontiguousarray(home_s[:, 0]), _scaled(home[:, 0], scale),
        options.service[rows, column].copy(),
        np.array([options.problem.jobs[row].release for row in rows], np.int64),
        options.latest[rows, column].copy(), np.array(windows_at, np.int64),
        np.array(opens, np.int64), np.array(closes, np.int64), low, high,
    )  # fmt: skip


def forgetful(day: Day) -> Day:
    """The same with each job its own only neighbour: fewer labels, more routes, a weaker bound."""
    low, high = np.zeros_like(day.near_low), np.zeros_like(day.near_high)
    for number in range(len(day.jobs)):
        if number < _WORD:
            low[number] = 1 << number
        else:
            high[number] = 1 << (number - _WORD)
    return day._replace(near_low=low, near_high=high)


def _scaled(costs: Ints, scale: int) -> Ints:
    return np.ascontiguousarray(np.where(costs < NO_ARC, costs * scale, NO_ARC))


@njit(cache=True, nogil=True)
def _start(day: Day, job: int, ready: int) -> int:
    ready = max(ready, day.release[job])
    first, last = day.window_at[job], day.window_at[job + 1]
    if first == last:
        return ready
    for k in range(first, last):
        if ready <= day.closes[k]:
            return int(max(ready, day.opens[k]))
    return NO_ARC


@njit(cache=True, nogil=True)
def cheapest_days(day: Day, prices: Ints) -> tuple[int, Ints, Ints]:
    """The least reduced cost of a day, and per last job the best day that ends there.

    Parameters
    ----------
    prices : int64[len(day.jobs)]
        What serving each job pays, in the scale of the arcs.

    Returns
    -------
    least : int
        At most 0 (the empty day); 1 when the labels did not suffice and nothing is known.
    reduced : int64[n]
        Reduced cost of the best day ending at each job (``NO_ARC``: none).
    routes : int64[n, 40]
        Its jobs (−1: no more), as positions in ``day.jobs``; longer days are left out.
    """
    count = len(day.jobs)
    time = np.empty(MOST_LABELS, np.int64)
    cost = np.empty(MOST_LABELS, np.int64)
    low = np.empty(MOST_LABELS, np.int64)
    high = np.empty(MOST_LABELS, np.int64)
    node = np.empty(MOST_LABELS, np.int64)
    parent = np.empty(MOST_LABELS, np.int64)
    following = np.empty(MOST_LABELS, np.int64)
    dead = np.zeros(MOST_LABELS, np.bool_)
    head = np.full(count, -1, np.int64)
    best_label = np.full(count, -1, np.int64)
    reduced = np.full(count, NO_ARC, np.int64)
    routes = np.full((count, 40), -1, np.int64)
    made, work = 0, 0
    heap = [(np.int64(0), np.int64(-1))]
    least = 0
    while len(heap) > 0:
        _, label = heappop(heap)
        if label >= 0 and dead[label]:
            continue
        for job in range(count):
            if label < 0:
                leg, price = day.out_s[job], day.out[job]
                ready, spent, seen_low, seen_high = day.begin, 0, 0, 0
            else:
                here = node[label]
                seen_low, seen_high = low[label], high[label]
                inside = (seen_low >> job) & 1 if job < _WORD else (seen_high >> (job - _WORD)) & 1
                if inside:
                    continue
                leg, price = day.between_s[here, job], day.between[here, job]
                ready, spent = time[label], cost[label]
            if price >= NO_ARC:
                continue
            start = _start(day, job, ready + leg)
            if start > day.latest[job]:
                continue
            end = start + day.service[job]
            total = spent + price - prices[job]
            new_low, new_high = seen_low & day.near_low[job], seen_high & day.near_high[job]
            if job < _WORD:
                new_low |= np.int64(1) << job
            else:
                new_high |= np.int64(1) << (job - _WORD)
            worse = False
            before = -1
            other = head[job]
            while other >= 0:
                work += 1
                if (
                    time[other] <= end
                    and cost[other] <= total
                    and low[other] & ~new_low == 0
                    and high[other] & ~new_high == 0
                ):
                    worse = True
                    break
                if (
                    end <= time[other]
                    and total <= cost[other]
                    and new_low & ~low[other] == 0
                    and new_high & ~high[other] == 0
                ):
                    dead[other] = True
                    if before < 0:
                        head[job] = following[other]
                    else:
                        following[before] = following[other]
                else:
                    before = other
                other = following[other]
            if worse:
                continue
            if made == MOST_LABELS or work > MOST_WORK:
                return 1, reduced, routes
            time[made], cost[made], low[made], high[made] = end, total, new_low, new_high
            node[made], parent[made] = job, label
            following[made] = head[job]
            head[job] = made
            heappush(heap, (np.int64(end), np.int64(made)))
            if day.home[job] < NO_ARC and end + day.home_s[job] <= day.limit:
                closed = total + day.home[job]
                if closed < reduced[job]:
                    reduced[job] = closed
                    best_label[job] = made
                least = min(least, closed)
            made += 1
    for job in range(count):
        label, length = best_label[job], 0
        while label >= 0 and length < 40:
            routes[job, length] = node[label]
            label = parent[label]
            length += 1
        if label >= 0:
            routes[job, :] = -1
    return least, reduced, routes
