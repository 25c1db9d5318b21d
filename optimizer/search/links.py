"""Visits whose starts depend on each other: crews, ``together``, ``after``.

Routes stay independent: once a linked group is placed, each member's start is held inside a window
of its own so that every relation holds whatever else happens on the routes. A group is pulled and
put as a whole, and its windows are chosen anew each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.problem import Job, Problem
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
    SETUP,
    TECHNICIAN,
)
from optimizer.search.moves import mark_empty, put, unlink
from optimizer.search.pairs import (
    AFTER_END,
    AFTER_START,
    SAME_START,
    best_pair,
    gap_base,
    harm_to_relatives,
)
from optimizer.search.refresh import refresh

BOLD_BLINK = 0.4
TRIES, THOROUGH_TRIES = 2, 8
PASSES = 20  # a bound travels one relation or more per pass
PAIR_SHARE = 0.8  # of the pairs are placed by looking at both members' places at once
SHIFT_BLINK = 0.1  # what suits one member best may leave nothing for the next: look away at times


class Links(NamedTuple):
    """Groups of linked tasks (predecessors first) and, per task, its relations to others.

    A relation of task t to ``other`` bounds start(t) − start(other) (SAME_START, AFTER_START) or
    start(t) − end(other) (AFTER_END) to [least, most].
    """

    group: NDArray[np.int64]
    group_from: NDArray[np.int64]
    group_task: NDArray[np.int64]
    relation_from: NDArray[np.int64]
    relation_other: NDArray[np.int64]
    relation_kind: NDArray[np.int64]
    relation_least: NDArray[np.int64]
    relation_most: NDArray[np.int64]


def find_links(
    problem: Problem,
    tasks: tuple[Job, ...],
    task_of: dict[str, list[int]],
    choices: Sequence[int],
) -> Links:
    """Collect relations and the groups they tie together; ``choices`` = shifts that fit a task."""
    n = len(tasks)
    relations: list[list[tuple[int, int, int, int]]] = [[] for _ in range(n)]
    ties: list[tuple[int, int]] = []
    for job in problem.jobs:
        own = task_of[job.id]
        halves = own + [t for other in job.together for t in task_of.get(other, ())]
        for a in halves if len(halves) > 1 else ():
            for b in halves:
                if a != b and (b, SAME_START, 0, 0) not in relations[a]:
                    relations[a].append((b, SAME_START, 0, 0))
                    ties.append((a, b))
        for before in job.after:
            kind = AFTER_END if job.gap_from == "end" else AFTER_START
            most = FAR if job.max_gap_s is None else job.max_gap_s
            for t in own:
                for other in task_of.get(before, ()):
                    relations[t].append((other, kind, job.min_gap_s, most))
                    ties.append((t, other))
    group = _groups(n, ties)
    order = _topological(n, relations, choices)
    members: dict[int, list[int]] = {}
    for t in order:
        if group[t] >= 0:
            members.setdefault(int(group[t]), []).append(t)
    group_from, group_task = [0], []
    for g in range(len(members)):
        group_task += members[g]
        group_from.append(len(group_task))
    relation_from = np.zeros(n + 1, np.int64)
    np.cumsum([len(row) for row in relations], out=relation_from[1:])
    flat = np.array([entry for row in relations for entry in row], np.int64).reshape(-1, 4)
    return Links(
        group,
        np.array(group_from, np.int64),
        np.array(group_task, np.int64),
        relation_from,
        *(np.ascontiguousarray(flat[:, k]) for k in range(4)),
    )


def narrow_windows(
    links: Links, task: NDArray[np.int64], service: NDArray[np.int32], locked: NDArray[np.uint8]
) -> None:
    """Narrow the windows of linked visits, in place, to what their relations leave at best.

    So a predecessor does not start so early that the largest gap ends before its successor opens.
    The loosest durations count: nothing that could be planned is lost.
    """
    tasks = [int(t) for t in links.group_task]
    shortest, longest = service.min(axis=0), service.max(axis=0)
    for _ in range(PASSES):
        changed = False
        for t in tasks:
            for x in range(links.relation_from[t], links.relation_from[t + 1]):
                other, kind = int(links.relation_other[x]), int(links.relation_kind[x])
                least, most = int(links.relation_least[x]), int(links.relation_most[x])
                if kind == AFTER_END:
                    least += int(shortest[other])
                    most += int(longest[other]) + int(task[other, SETUP])
                for which, bound in (
                    (t, (task[other, EARLIEST] + least, task[other, LATEST] + most)),
                    (other, (task[t, EARLIEST] - most, task[t, LATEST] - least)),
                ):
                    if locked[which]:
                        continue
                    low = max(int(task[which, EARLIEST]), int(bound[0]))
                    high = min(int(task[which, LATEST]), int(bound[1]))
                    changed |= low != task[which, EARLIEST] or high != task[which, LATEST]
                    task[which, EARLIEST], task[which, LATEST] = low, high
        if not changed:
            return


def _groups(n: int, ties: list[tuple[int, int]]) -> NDArray[np.int64]:
    root = list(range(n))

    def find(x: int) -> int:
        while root[x] != x:
            root[x] = root[root[x]]
            x = root[x]
        return x

    for a, b in ties:
        root[find(a)] = find(b)
    tied = {t for tie in ties for t in tie}
    numbers: dict[int, int] = {}
    group = np.full(n, -1, np.int64)
    for t in sorted(tied):
        group[t] = numbers.setdefault(find(t), len(numbers))
    return group


def _topological(
    n: int, relations: list[list[tuple[int, int, int, int]]], choices: Sequence[int]
) -> list[int]:
    """Tasks so that each comes after those it has to wait for (the loader refuses cycles).

    Among equals, the ones that fewer shifts can take come first.
    """
    done: list[int] = []
    state = [0] * n
    for first in sorted(range(n), key=lambda t: choices[t]):
        stack = [first]
        while stack:
            t = stack[-1]
            if state[t] == 0:
                state[t] = 1
                stack += [
                    other
                    for other, kind, _, _ in relations[t]
                    if kind != SAME_START and state[other] == 0
                ]
            else:
                stack.pop()
                if state[t] == 1:
                    state[t] = 2
                    done.append(t)
    return done


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
    """Place every member of the group of ``job``, or none; False if a route broke for good.

    What suits the first member best may leave nothing for the others, so a failure is tried again
    with bolder looking away: once within the search, more often when called without blinks.
    """
    group = instance.group[job]
    worth = 0.0
    for k in range(instance.group_from[group], instance.group_from[group + 1]):
        worth += instance.drop_energy[instance.group_task[k]]
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
    """Take every member out and free its window; False if a route broke for good."""
    possible = True
    for k in range(instance.group_from[group], instance.group_from[group + 1]):
        member = instance.group_task[k]
        if instance.locked[member] != 0:
            continue
        r = solution.node[member, ROUTE]
        instance.task[member, EARLIEST] = solution.window[member, 0]
        instance.task[member, LATEST] = solution.window[member, 1]
        if r >= 0:
            unlink(instance, solution, member)
            if solution.visits[r] == 0:
                mark_empty(instance, worker, r)
            possible = refresh(instance, solution, worker.scratch, r) and possible
    return possible
