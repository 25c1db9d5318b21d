"""Ruin: strings of adjacent visits (Christiaens & Vanden Berghe 2020, §5.1)."""

from __future__ import annotations

from typing import Any

from optimizer.search.compiled import compiled, inlined
from optimizer.search.insertion import draw
from optimizer.search.layout import NEXT, PREV, ROUTE
from optimizer.search.moves import mark_empty, pull
from optimizer.search.refresh import refresh
from optimizer.search.state import (
    C_ABSENT,
    C_ITERATION,
    C_MINE,
    C_PULLED,
    C_ROUTES_ON,
    C_SAVED,
)

LONGEST_STRING = 10.0
KEEP_GOING = 0.01  # chance per visit that a preserved substring ends
SPLIT_SHARE = 0.5
TIME_SHARE = 0.3  # share of ruins around a seed in drive *and* time, not in drive alone


@compiled
def ruin(instance: Any, solution: Any, worker: Any, mean_removed: float) -> int:
    """Pull strings from routes near a random seed visit; returns the seed, -1 if a route broke."""
    counts = worker.counts
    on_routes = counts[C_MINE] - counts[C_ABSENT]
    seed = worker.mine[int(draw(worker.random) * counts[C_MINE])]
    if on_routes <= 0 or counts[C_ROUTES_ON] <= 0:
        return seed  # type: ignore[no-any-return]
    mean_length = on_routes / counts[C_ROUTES_ON]
    longest = min(LONGEST_STRING, mean_length)
    most_strings = 4.0 * mean_removed / (1.0 + longest) - 1.0
    strings = int(draw(worker.random) * most_strings + 1.0)
    by_time = draw(worker.random) < TIME_SHARE
    beside = instance.near if by_time else instance.around
    done = 0
    for x in range(-1, beside.shape[1]):
        if done >= strings:
            break
        centre = seed if x < 0 else beside[seed, x]
        r = solution.node[centre, ROUTE]
        if r < 0 or solution.part[r] != worker.id or worker.touched[r] == counts[C_ITERATION]:
            continue
        count = solution.visits[r]
        length = int(draw(worker.random) * min(float(count), longest) + 1.0)
        _pull_string(instance, solution, worker, centre, min(length, count), count)
        done += 1
    possible = True
    for slot in range(counts[C_SAVED]):
        r = worker.saved_routes[slot]
        if solution.visits[r] == 0:
            mark_empty(instance, worker, r)
        if not refresh(instance, solution, worker.scratch, r):
            possible = False
    if not possible:
        return -1
    return seed  # type: ignore[no-any-return]


@inlined
def _visit_before(instance: Any, node: Any, at: int) -> int:
    """The node before, past a trip to the depot."""
    at = node[at, PREV]
    if at >= instance.n + 2 * instance.n_shifts:
        at = node[at, PREV]
    return at


@inlined
def _visit_behind(instance: Any, node: Any, at: int) -> int:
    """The node behind, past a trip to the depot."""
    at = node[at, NEXT]
    if at >= instance.n + 2 * instance.n_shifts:
        at = node[at, NEXT]
    return at


@compiled
def _pull_string(
    instance: Any, solution: Any, worker: Any, centre: int, length: int, count: int
) -> None:
    """Pull ``length`` visits in a row around ``centre``, perhaps sparing some in the middle."""
    node, n = solution.node, instance.n
    spared = 0
    if length < count and draw(worker.random) < SPLIT_SHARE:
        spared = 1
        while length + spared < count and draw(worker.random) > KEEP_GOING:
            spared += 1
        if length + spared > count:
            spared = count - length
    total = length + spared
    behind = 0
    at = _visit_before(instance, node, centre)
    while behind < total - 1 and at < n:
        at = _visit_before(instance, node, at)
        behind += 1
    ahead = 0
    last = _visit_behind(instance, node, centre)
    while ahead < total - 1 and last < n:
        last = _visit_behind(instance, node, last)
        ahead += 1
    # the string may start up to ``behind`` before the centre, and must end on the route
    least = max(0, total - 1 - ahead)
    before = least + int(draw(worker.random) * (behind - least + 1))
    at = centre
    for _ in range(before):
        at = _visit_before(instance, node, at)
    spare_from = int(draw(worker.random) * (length + 1)) if spared > 0 else total
    taken = 0
    for k in range(total):
        worker.scratch[k, 2] = at
        at = _visit_behind(instance, node, at)
    for k in range(total):
        if k >= spare_from and k < spare_from + spared:
            continue
        job = worker.scratch[k, 2]
        if node[job, ROUTE] < 0 or instance.locked[job] != 0:
            continue
        if instance.group[job] >= 0:
            _pull_group(instance, solution, worker, job)
        else:
            pull(instance, solution, worker, job)
        taken += 1


@compiled
def _pull_group(instance: Any, solution: Any, worker: Any, job: int) -> None:
    """Linked visits go together."""
    group = instance.group[job]
    first, last = instance.group_from[group], instance.group_from[group + 1]
    for k in range(first, last):
        other = instance.group_task[k]
        r = solution.node[other, ROUTE]
        if r >= 0 and solution.part[r] != worker.id:
            return
    for k in range(first, last):
        other = instance.group_task[k]
        if solution.node[other, ROUTE] >= 0 and instance.locked[other] == 0:
            pull(instance, solution, worker, other)


@compiled
def call_absent(instance: Any, solution: Any, worker: Any, seed: int) -> None:
    """Give some left-out visits near the seed, and one or two from anywhere, another try."""
    counts = worker.counts
    waiting = counts[C_ABSENT]
    if waiting == 0:
        return
    called = 0
    if waiting > 8:
        for x in range(-1, instance.around.shape[1]):
            job = seed if x < 0 else instance.around[seed, x]
            if worker.absent_at[job] < 0 or solution.node[job, ROUTE] >= 0:
                continue
            if draw(worker.random) < 0.5:
                continue
            _call(instance, worker, job)
            called += 1
            if called >= 6:
                break
    for _ in range(2 if waiting > 8 else waiting):
        if waiting > 8:
            job = worker.absent[int(draw(worker.random) * waiting)]
        else:
            job = worker.absent[_]
        _call(instance, worker, job)


@compiled
def _call(instance: Any, worker: Any, job: int) -> None:
    count = worker.counts[C_PULLED]
    group = instance.group[job]
    if group < 0:
        for x in range(count):
            if worker.pulled[x] == job:
                return
        worker.pulled[count] = job
        worker.was_absent[job] = 1
        worker.counts[C_PULLED] = count + 1
        return
    for k in range(instance.group_from[group], instance.group_from[group + 1]):
        other = instance.group_task[k]
        known = False
        for x in range(worker.counts[C_PULLED]):
            if worker.pulled[x] == other:
                known = True
        if not known and worker.absent_at[other] >= 0:
            worker.pulled[worker.counts[C_PULLED]] = other
            worker.was_absent[other] = 1
            worker.counts[C_PULLED] += 1
