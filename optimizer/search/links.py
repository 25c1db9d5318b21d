"""Visits whose starts depend on each other: crews, ``together``, ``after``.

Routes stay independent: once a linked group is placed, each member's start is held inside a window
of its own so that every relation holds whatever else happens on the routes. A group is pulled as a
whole, put as a whole where that is possible, and its windows are chosen anew each time.
"""

from __future__ import annotations

from typing import Any

from optimizer.search.compiled import compiled
from optimizer.search.insertion import INFINITE, draw, has_room, price
from optimizer.search.layout import (
    BEGIN,
    EARLIEST,
    FAR,
    LATEST,
    LATEST_START,
    NEXT,
    PREV,
    ROUTE,
    TECHNICIAN,
)
from optimizer.search.moves import mark_empty, pull, put, unlink
from optimizer.search.pairs import (
    SAME_START,
    best_pair,
    gap_base,
    harm_to_relatives,
)
from optimizer.search.refresh import refresh
from optimizer.search.state import C_PULLED

BOLD_BLINK = 0.4
TRIES, THOROUGH_TRIES = 2, 8
PAIR_SHARE = 0.8  # of the pairs are placed by looking at both members' places at once
SHIFT_BLINK = 0.1  # what suits one member best may leave nothing for the next: look away at times


@compiled
def _room_to_start(instance: Any, solution: Any, job: int) -> tuple[int, int]:
    """Starts of ``job`` that its placed relatives (and their relations to it) leave open.

    Relatives may still be moved later by their own slack.
    """
    node = solution.node
    least, most = -FAR, FAR
    for x in range(instance.relation_from[job], instance.relation_from[job + 1]):
        other = instance.relation_other[x]
        if node[other, ROUTE] < 0:
            continue
        kind = instance.relation_kind[x]
        if kind == SAME_START:
            least = max(least, node[other, BEGIN])
            most = min(most, node[other, LATEST_START])
        else:
            early, late = gap_base(instance, solution, kind, other)
            least = max(least, late + instance.relation_least[x])
            slack = node[other, LATEST_START] - node[other, BEGIN]
            most = min(most, early + slack + instance.relation_most[x])
    return least, most


@compiled
def _hold(instance: Any, job: int, least: int, most: int) -> None:
    instance.task[job, EARLIEST] = max(instance.task[job, EARLIEST], least)
    instance.task[job, LATEST] = min(instance.task[job, LATEST], most)


@compiled
def _settle_windows(instance: Any, solution: Any, worker: Any, job: int) -> bool:
    """After placing ``job``: hold it and its placed relatives where the relations stay true."""
    node = solution.node
    start = node[job, BEGIN]
    _hold(instance, job, start, FAR)
    for x in range(instance.relation_from[job], instance.relation_from[job + 1]):
        other = instance.relation_other[x]
        if node[other, ROUTE] < 0:
            continue
        kind = instance.relation_kind[x]
        if kind == SAME_START:
            _hold(instance, job, start, start)
            _hold(instance, other, start, start)
        else:
            early, late = gap_base(instance, solution, kind, other)
            later = start - instance.relation_most[x] - early
            if later > 0:  # the one before waits, so that the largest gap is kept
                _hold(instance, other, node[other, BEGIN] + later, FAR)
                if not refresh(instance, solution, worker.scratch, node[other, ROUTE]):
                    return False
                if node[job, BEGIN] != start:
                    return False
                early, late = gap_base(instance, solution, kind, other)
            spare = start - late - instance.relation_least[x]
            if spare < 0 or start > early + instance.relation_most[x]:
                return False
            _hold(instance, other, node[other, BEGIN], node[other, BEGIN] + spare)
            _hold(instance, job, start, early + instance.relation_most[x])
        if not refresh(instance, solution, worker.scratch, node[other, ROUTE]):
            return False
        if kind == SAME_START and node[other, BEGIN] != start:
            return False
    return refresh(instance, solution, worker.scratch, node[job, ROUTE])  # type: ignore[no-any-return]


@compiled
def _is_taken(instance: Any, solution: Any, job: int, who: int) -> bool:
    """Whether this technician already is one of the crew."""
    for x in range(instance.relation_from[job], instance.relation_from[job + 1]):
        other = instance.relation_other[x]
        r = solution.node[other, ROUTE]
        if (
            r >= 0
            and instance.relation_kind[x] == SAME_START
            and instance.shift[r, TECHNICIAN] == who
        ):
            return True
    return False


@compiled
def _place_one(
    instance: Any, solution: Any, worker: Any, job: int, blink: float, limit: float
) -> tuple[float, int, int]:
    """The cheapest place of one member, over neighbours first and near shifts after."""
    node, n = solution.node, instance.n
    best, best_at, best_split = limit, -1, 0
    for x in range(instance.near.shape[1]):
        beside = instance.near[job, x]
        r = node[beside, ROUTE]
        if r < 0 or instance.fits[job, r] == 0 or solution.part[r] != worker.id:
            continue
        if not has_room(instance, solution, r, job):
            continue
        if _is_taken(instance, solution, job, instance.shift[r, TECHNICIAN]):
            continue
        if blink > 0.0 and draw(worker.random) < SHIFT_BLINK:
            continue
        for side in range(2):
            at = beside if side == 0 else node[beside, PREV]
            if draw(worker.random) < blink:
                continue
            energy, split, start, _ = price(instance, solution, r, at, job, best)
            if energy < best:
                energy += harm_to_relatives(instance, solution, job, start)
            if energy < best:
                best, best_at, best_split = energy, at, split
    for x in range(instance.near_shifts.shape[1]):
        r = instance.near_shifts[job, x]
        if r < 0:
            break
        if solution.part[r] != worker.id or not has_room(instance, solution, r, job):
            continue
        if solution.visits[r] > 0 and best_at >= 0:
            continue
        if blink > 0.0 and draw(worker.random) < SHIFT_BLINK:
            continue
        if _is_taken(instance, solution, job, instance.shift[r, TECHNICIAN]):
            continue
        at, stop = n + 2 * r, n + 2 * r + 1
        while at != stop:
            if draw(worker.random) >= blink:
                energy, split, start, _ = price(instance, solution, r, at, job, best)
                if energy < best:
                    energy += harm_to_relatives(instance, solution, job, start)
                if energy < best:
                    best, best_at, best_split = energy, at, split
            at = node[at, NEXT]
    return best, best_at, best_split


@compiled
def put_group(instance: Any, solution: Any, worker: Any, job: int, blink: float) -> bool:
    """Place the group of ``job``, all of it where possible; False if a route broke for good.

    What suits the first member best may leave nothing for the others, so a failure is tried again
    with bolder looking away: once within the search, more often when called without blinks. Where
    some cannot be placed, those that can stay without them are.
    """
    group = instance.group[job]
    if not _gather(instance, solution, worker, group):
        return False
    worth = 0.0
    for k in range(instance.group_from[group], instance.group_from[group + 1]):
        member = instance.group_task[k]
        if worker.is_fresh[member] != 0 and solution.node[member, ROUTE] >= 0:
            return True  # this iteration has placed what can be placed
        worth += instance.drop_energy[member]
    tries = TRIES if blink > 0.0 else THOROUGH_TRIES
    if blink > 0.0 and draw(worker.random) < 0.5:
        blink = BOLD_BLINK
    if blink > 0.0 and draw(worker.random) < PAIR_SHARE:
        if _put_pair(instance, solution, worker, group, worth):
            return True
        if not _take_back(instance, solution, worker, group):
            return False
    for _ in range(tries):
        if _put_members(instance, solution, worker, group, blink, worth):
            return True
        if not _take_back(instance, solution, worker, group):
            return False
        blink = BOLD_BLINK
    return _put_some(instance, solution, worker, group)  # type: ignore[no-any-return]


@compiled
def _gather(instance: Any, solution: Any, worker: Any, group: int) -> bool:
    """Call the members that stand on routes or are left out, unless this iteration has done so.

    ``worker.is_fresh`` tells which of them this iteration may place. False if a route broke.
    """
    possible = True
    for k in range(instance.group_from[group], instance.group_from[group + 1]):
        member = instance.group_task[k]
        worker.is_fresh[member] = 0
        for x in range(worker.counts[C_PULLED]):
            if worker.pulled[x] == member:
                worker.is_fresh[member] = 1
        r = solution.node[member, ROUTE]
        if worker.is_fresh[member] != 0 or (r >= 0 and instance.locked[member] != 0):
            continue
        worker.is_fresh[member] = 1
        if r < 0:
            worker.pulled[worker.counts[C_PULLED]] = member
            worker.was_absent[member] = 1
            worker.counts[C_PULLED] += 1
            continue
        pull(instance, solution, worker, member)
        if solution.visits[r] == 0:
            mark_empty(instance, worker, r)
        possible = refresh(instance, solution, worker.scratch, r) and possible
    return possible


@compiled
def _put_some(instance: Any, solution: Any, worker: Any, group: int) -> bool:
    """Place each member that needs none of those left out; False if a route broke for good."""
    first, last = instance.group_from[group], instance.group_from[group + 1]
    for k in range(first, last):
        member = instance.group_task[k]
        if solution.node[member, ROUTE] >= 0 or not _has_all(instance, solution, member, True):
            continue
        worth = instance.drop_energy[member]
        for x in range(instance.relation_from[member], instance.relation_from[member + 1]):
            if instance.relation_kind[x] == SAME_START:
                worth += instance.drop_energy[instance.relation_other[x]]
        instance.task[member, EARLIEST] = instance.wide[member, 0]
        instance.task[member, LATEST] = instance.wide[member, 1]
        least, most = _room_to_start(instance, solution, member)
        _hold(instance, member, least, most)
        at, split = -1, 0
        if instance.task[member, EARLIEST] <= instance.task[member, LATEST]:
            _, at, split = _place_one(instance, solution, worker, member, 0.0, worth)
        if at < 0:
            instance.task[member, EARLIEST] = solution.window[member, 0]
            instance.task[member, LATEST] = solution.window[member, 1]
        elif not (
            put(instance, solution, worker, member, at, split)
            and _settle_windows(instance, solution, worker, member)
        ):
            return _take_back(instance, solution, worker, group)  # type: ignore[no-any-return]
    k = first
    while k < last:
        member = instance.group_task[k]
        k += 1
        if solution.node[member, ROUTE] < 0 or worker.is_fresh[member] == 0:
            continue
        if not _has_all(instance, solution, member, False):
            if not _take_out(instance, solution, worker, member):
                return False
            k = first
    return True


@compiled
def _has_all(instance: Any, solution: Any, job: int, only_before: bool) -> bool:
    """Whether all it comes after are placed, and all it starts with (not ``only_before``)."""
    for x in range(instance.relation_from[job], instance.relation_from[job + 1]):
        if only_before and instance.relation_kind[x] == SAME_START:
            continue
        if solution.node[instance.relation_other[x], ROUTE] < 0:
            return False
    return True


@compiled
def _put_pair(instance: Any, solution: Any, worker: Any, group: int, worth: float) -> bool:
    """Place both members of a pair where they cost least together; False, and a mess, else."""
    first = instance.group_from[group]
    if instance.group_from[group + 1] - first != 2 or instance.has_depot:
        return False
    early, late = instance.group_task[first], instance.group_task[first + 1]
    if solution.node[early, ROUTE] >= 0 or solution.node[late, ROUTE] >= 0:
        return False
    found, at, split, start, at2, split2 = best_pair(
        instance, solution, worker, early, late, worth, SHIFT_BLINK
    )
    if not found:
        return False
    _hold(instance, early, start, FAR)
    if not put(instance, solution, worker, early, at, split):
        return False
    if not _settle_windows(instance, solution, worker, early):
        return False
    least, most = _room_to_start(instance, solution, late)
    _hold(instance, late, least, most)
    if instance.task[late, EARLIEST] > instance.task[late, LATEST]:
        return False
    if not put(instance, solution, worker, late, at2, split2):
        return False
    return _settle_windows(instance, solution, worker, late)  # type: ignore[no-any-return]


@compiled
def _put_members(
    instance: Any, solution: Any, worker: Any, group: int, blink: float, worth: float
) -> bool:
    """Place the members one by one; False, and a mess, where one finds no place."""
    spent = 0.0
    for k in range(instance.group_from[group], instance.group_from[group + 1]):
        member = instance.group_task[k]
        if solution.node[member, ROUTE] >= 0:
            continue
        least, most = _room_to_start(instance, solution, member)
        _hold(instance, member, least, most)
        if instance.task[member, EARLIEST] > instance.task[member, LATEST]:
            return False
        limit = min(worth - spent, INFINITE)
        energy, at, split = _place_one(instance, solution, worker, member, blink, limit)
        if at < 0:
            return False
        spent += energy
        if not put(instance, solution, worker, member, at, split):
            return False
        if not _settle_windows(instance, solution, worker, member):
            return False
    return True


@compiled
def _take_back(instance: Any, solution: Any, worker: Any, group: int) -> bool:
    """Take every member just placed out again and free its window; False if a route broke."""
    possible = True
    for k in range(instance.group_from[group], instance.group_from[group + 1]):
        member = instance.group_task[k]
        if worker.is_fresh[member] != 0:
            possible = _take_out(instance, solution, worker, member) and possible
    return possible


@compiled
def _take_out(instance: Any, solution: Any, worker: Any, member: int) -> bool:
    r = solution.node[member, ROUTE]
    instance.task[member, EARLIEST] = solution.window[member, 0]
    instance.task[member, LATEST] = solution.window[member, 1]
    if r < 0:
        return True
    unlink(instance, solution, member)
    if solution.visits[r] == 0:
        mark_empty(instance, worker, r)
    return refresh(instance, solution, worker.scratch, r)  # type: ignore[no-any-return]
