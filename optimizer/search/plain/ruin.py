"""Pull strings of visits (Christiaens & Vanden Berghe 2020, §5.1), or swap tails of routes."""

from __future__ import annotations

from typing import Any

from optimizer.search.compiled import compiled, inlined
from optimizer.search.insertion import draw
from optimizer.search.plain.clocks import (
    close_gap,
    drive_between,
    keep,
    mark_empty,
    mark_used,
    renew_backward,
    renew_forward,
    touch,
)
from optimizer.search.plain.columns import (
    CLOSE,
    FINISH,
    LAST,
    LEG,
    NEXT,
    OPEN,
    PREV,
    ROUTE,
    SERVICE,
)
from optimizer.search.state import C_ABSENT, C_ITERATION, C_MINE, C_PULLED, C_ROUTES_ON

LONGEST_STRING = 10.0
KEEP_GOING = 0.01  # chance per visit that a preserved substring ends
SPLIT_SHARE = 0.5
TIME_SHARE = 0.3  # share of ruins around a seed in drive *and* time, not in drive alone
IMPOSSIBLE = 1 << 40
WHOLE_SHARE = 0.2  # share of swaps that swap whole routes
SWAP_BLINK = 0.2
PATIENCE = 6.0  # worse by more than so many temperatures: not worth timing


@compiled
def ruin(instance: Any, solution: Any, worker: Any, mean_removed: float) -> tuple[int, int]:
    """Pull strings from routes near a random seed visit; the seed and the change in travel.

    The change is `IMPOSSIBLE` where a route broke: drives that break the triangle inequality can
    make a shorter route later.
    """
    counts, node = worker.counts, solution.node
    on_routes = counts[C_MINE] - counts[C_ABSENT]
    seed = worker.mine[int(draw(worker.random) * counts[C_MINE])]
    if on_routes <= 0 or counts[C_ROUTES_ON] <= 0:
        return seed, 0
    mean_length = on_routes / counts[C_ROUTES_ON]
    longest = min(LONGEST_STRING, mean_length)
    most_strings = 4.0 * mean_removed / (1.0 + longest) - 1.0
    strings = int(draw(worker.random) * most_strings + 1.0)
    by_time = draw(worker.random) < TIME_SHARE
    beside, shift = (instance.near, 2) if by_time else (instance.around, 0)
    done, change = 0, 0
    for x in range(-1, beside.shape[1]):
        if done >= strings:
            break
        centre = seed if x < 0 else beside[seed, x] >> shift
        r = node[centre, ROUTE]
        if r < 0 or solution.part[r] != worker.id or worker.touched[r] == counts[C_ITERATION]:
            continue
        count = solution.visits[r]
        length = min(count, int(draw(worker.random) * min(float(count), longest) + 1.0))
        change += _pull_string(instance, solution, worker, r, centre, length, count)
        if change >= IMPOSSIBLE:
            return seed, IMPOSSIBLE
        done += 1
    return seed, change


@inlined
def _pull_string(
    instance: Any, solution: Any, worker: Any, r: int, centre: int, length: int, count: int
) -> int:
    """Pull ``length`` visits in a row around ``centre``, perhaps sparing some in the middle."""
    node, n = solution.node, instance.n
    spared = 0
    if length < count and draw(worker.random) < SPLIT_SHARE:
        spared = 1
        while length + spared < count and draw(worker.random) > KEEP_GOING:
            spared += 1
    total = length + spared
    behind, at = 0, centre
    while behind < total - 1 and node[at, PREV] < n:
        at = node[at, PREV]
        behind += 1
    ahead, at = 0, centre
    while ahead < total - 1 and node[at, NEXT] < n:
        at = node[at, NEXT]
        ahead += 1
    # the string may start up to ``behind`` before the centre, and must end on the route
    least = max(0, total - 1 - ahead)
    before = least + int(draw(worker.random) * (behind - least + 1))
    at = centre
    for _ in range(before):
        at = node[at, PREV]
    first = length  # visits before the spared ones
    if spared > 0:
        first = int(draw(worker.random) * (length + 1))
    touch(solution, worker, r)
    change = 0
    left = node[at, PREV]
    right = at
    for _ in range(first):
        change -= node[right, LEG]
        right = _pull(instance, solution, worker, r, right)
    gap = left
    if first > 0:
        change -= node[left, LEG]
        change += close_gap(instance, solution, worker, left, right)
    if first < length:
        for _ in range(spared):
            left, right = right, node[right, NEXT]
        for _ in range(length - first):
            change -= node[right, LEG]
            right = _pull(instance, solution, worker, r, right)
        change -= node[left, LEG]
        change += close_gap(instance, solution, worker, left, right)
    if solution.visits[r] == 0:
        mark_empty(instance, worker, r)
    if not renew_forward(node, worker, gap):
        return IMPOSSIBLE
    if left != gap and not renew_forward(node, worker, left):
        return IMPOSSIBLE
    renew_backward(n, node, worker, left)
    if left != gap:
        renew_backward(n, node, worker, gap)
    return change


@inlined
def _pull(instance: Any, solution: Any, worker: Any, r: int, job: int) -> int:
    """Off the route; the links around it are stale until `close_gap`. What followed it."""
    node = solution.node
    keep(node, worker, job)
    node[job, ROUTE] = -1
    solution.visits[r] -= 1
    for k in range(instance.load.shape[1]):
        solution.loaded[r, k] -= instance.load[job, k]
    count = worker.counts[C_PULLED]
    worker.pulled[count] = job
    worker.was_absent[job] = 0
    worker.counts[C_PULLED] = count + 1
    return node[job, NEXT]  # type: ignore[no-any-return]


@inlined
def call_absent(instance: Any, solution: Any, worker: Any, seed: int) -> None:
    """Give some left-out visits near the seed, and one or two from anywhere, another try."""
    counts = worker.counts
    waiting = counts[C_ABSENT]
    if waiting == 0:
        return
    first = counts[C_PULLED]
    if waiting > 8:
        for x in range(-1, instance.around.shape[1]):
            job = seed if x < 0 else instance.around[seed, x]
            if worker.absent_at[job] < 0 or draw(worker.random) < 0.5:
                continue
            _call(worker, first, job)
            if counts[C_PULLED] - first >= 6:
                break
    for x in range(2 if waiting > 8 else waiting):
        if waiting > 8:
            _call(worker, first, worker.absent[int(draw(worker.random) * waiting)])
        else:
            _call(worker, first, worker.absent[x])


@inlined
def _call(worker: Any, first: int, job: int) -> None:
    count = worker.counts[C_PULLED]
    known = False
    for x in range(first, count):
        if worker.pulled[x] == job:
            known = True
    if not known:
        worker.pulled[count] = job
        worker.was_absent[job] = 1
        worker.counts[C_PULLED] = count + 1


@compiled
def swap_tails(instance: Any, solution: Any, worker: Any, temperature: float) -> int:
    """Swap what follows a random visit with what comes from a neighbour on (2-opt*).

    Potvin & Rousseau (1995), between shifts with other homes and skills; or all visits of both.
    Returns the change in travel, `IMPOSSIBLE` where no swap is promising.
    """
    n, node, random = instance.n, solution.node, worker.random
    centre = worker.mine[int(draw(random) * worker.counts[C_MINE])]
    r = node[centre, ROUTE]
    if r < 0:
        return IMPOSSIBLE
    whole = draw(random) < WHOLE_SHARE
    own = n + 2 * r if whole else centre
    best, other = temperature * instance.travel_step * PATIENCE, -1
    for x in range(instance.near.shape[1]):
        beside = instance.near[centre, x] >> 2
        q = node[beside, ROUTE]
        if q < 0 or q == r or solution.part[q] != worker.id or draw(random) < SWAP_BLINK:
            continue
        if whole and instance.shift_type[q] == instance.shift_type[r]:
            continue
        at = n + 2 * q if whole else node[beside, PREV]
        change = _detour(instance, solution, r, own, q, at)
        if change < best and _may_swap(instance, solution, r, own, q, at):
            best, other = change, at
    if other < 0:
        return IMPOSSIBLE
    return _swap(instance, solution, worker, r, own, node[other, ROUTE], other)


@inlined
def _detour(instance: Any, solution: Any, r: int, a: int, q: int, b: int) -> int:
    """Change in driving when what follows ``a`` on r and what follows ``b`` on q change places."""
    n, node = instance.n, solution.node
    end_r, end_q = n + 2 * r + 1, n + 2 * q + 1
    next_a, next_b = node[a, NEXT], node[b, NEXT]
    if next_a == end_r and next_b == end_q:
        return IMPOSSIBLE
    alike = instance.shift_type[r] == instance.shift_type[q]
    last_r, last_q = node[end_r, PREV], node[end_q, PREV]
    change = -node[a, LEG] - node[b, LEG]
    if next_b == end_q:
        change += drive_between(instance, node, a, end_r)
        if a >= n:  # nothing would be left on r, and an unused shift drives nowhere
            change -= drive_between(instance, node, a, end_r)
    else:
        leg = drive_between(instance, node, a, next_b)
        if node[a, FINISH] + leg > (node[next_b, LAST] if alike else node[next_b, CLOSE]):
            return IMPOSSIBLE
        change += leg + drive_between(instance, node, last_q, end_r) - node[last_q, LEG]
    if next_a == end_r:
        change += drive_between(instance, node, b, end_q)
        if b >= n:
            change -= drive_between(instance, node, b, end_q)
    else:
        leg = drive_between(instance, node, b, next_a)
        if node[b, FINISH] + leg > (node[next_a, LAST] if alike else node[next_a, CLOSE]):
            return IMPOSSIBLE
        change += leg + drive_between(instance, node, last_r, end_q) - node[last_r, LEG]
    return change  # type: ignore[no-any-return]


@inlined
def _may_swap(instance: Any, solution: Any, r: int, a: int, q: int, b: int) -> bool:
    """Whether each tail may be served on the other shift by every rule without a clock."""
    n, node = instance.n, solution.node
    change = 0
    at = node[a, NEXT]
    while at < n:
        if instance.fits[at, q] == 0:
            return False
        change -= 1
        at = node[at, NEXT]
    at = node[b, NEXT]
    while at < n:
        if instance.fits[at, r] == 0:
            return False
        change += 1
        at = node[at, NEXT]
    if solution.visits[r] + change > instance.max_jobs[r]:
        return False
    if solution.visits[q] - change > instance.max_jobs[q]:
        return False
    for k in range(instance.load.shape[1]):
        load = 0
        at = node[b, NEXT]
        while at < n:
            load += instance.load[at, k]
            at = node[at, NEXT]
        at = node[a, NEXT]
        while at < n:
            load -= instance.load[at, k]
            at = node[at, NEXT]
        if solution.loaded[r, k] + load > instance.capacity[r, k]:
            return False
        if solution.loaded[q, k] - load > instance.capacity[q, k]:
            return False
    return True


@inlined
def _swap(instance: Any, solution: Any, worker: Any, r: int, a: int, q: int, b: int) -> int:
    n, node = instance.n, solution.node
    end_r, end_q = n + 2 * r + 1, n + 2 * q + 1
    touch(solution, worker, r)
    touch(solution, worker, q)
    next_a, next_b = node[a, NEXT], node[b, NEXT]
    last_a, last_b = node[end_r, PREV], node[end_q, PREV]
    change = -node[a, LEG] - node[b, LEG]
    if next_a != end_r:
        change -= node[last_a, LEG]
    if next_b != end_q:
        change -= node[last_b, LEG]
    moved = _hand_over(instance, solution, worker, next_a, r, q)
    moved_back = _hand_over(instance, solution, worker, next_b, q, r)
    change += _join(instance, solution, worker, a, end_r, next_b, last_b, moved_back > 0)
    change += _join(instance, solution, worker, b, end_q, next_a, last_a, moved > 0)
    for x in range(2):
        s = r if x == 0 else q
        before = worker.saved_visits[0 if worker.saved_routes[0] == s else 1]
        if before > 0 and solution.visits[s] == 0:
            mark_empty(instance, worker, s)
        elif before == 0 and solution.visits[s] > 0:
            mark_used(instance, worker, s)
    for x in range(2):
        if not _time_anew(instance, solution, worker, r if x == 0 else q):
            return IMPOSSIBLE
    return change  # type: ignore[no-any-return]


@inlined
def _hand_over(instance: Any, solution: Any, worker: Any, at: int, old: int, new: int) -> int:
    """Move count and load of the visits from ``at`` on to another route; how many."""
    n, node = instance.n, solution.node
    moved = 0
    while at < n:
        keep(node, worker, at)
        node[at, ROUTE] = new
        for k in range(instance.load.shape[1]):
            solution.loaded[old, k] -= instance.load[at, k]
            solution.loaded[new, k] += instance.load[at, k]
        moved += 1
        at = node[at, NEXT]
    solution.visits[old] -= moved
    solution.visits[new] += moved
    return moved


@inlined
def _join(
    instance: Any, solution: Any, worker: Any, at: int, end: int, first: int, last: int, some: bool
) -> int:
    """Link ``at`` to the tail ``first .. last`` (if there is one) and that to ``end``."""
    if not some:
        return close_gap(instance, solution, worker, at, end)  # type: ignore[no-any-return]
    leg = close_gap(instance, solution, worker, at, first)
    return leg + close_gap(instance, solution, worker, last, end)  # type: ignore[no-any-return]


@inlined
def _time_anew(instance: Any, solution: Any, worker: Any, r: int) -> bool:
    """All clocks of a route, after its tail changed."""
    n, node = instance.n, solution.node
    start = n + 2 * r
    time = node[start, FINISH] + node[start, LEG]
    at = node[start, NEXT]
    while at >= 0:
        begin = max(time, node[at, OPEN])
        if begin > node[at, CLOSE]:
            return False
        keep(node, worker, at)
        node[at, FINISH] = begin + node[at, SERVICE]
        time = node[at, FINISH] + node[at, LEG]
        at = node[at, NEXT]
    at = node[start + 1, PREV]
    while at < n:
        last = node[node[at, NEXT], LAST] - node[at, LEG] - node[at, SERVICE]
        node[at, LAST] = min(last, node[at, CLOSE])
        at = node[at, PREV]
    return True
