"""Routes worth remembering: every route of the plans that came near the best one."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from optimizer.search.by_pointer import by_pointer
from optimizer.search.compiled import inlined
from optimizer.search.plain.columns import LEG, NEXT

ROUTES = 1 << 17
VISITS = 1 << 21
SLOTS = 1 << 19

P_COUNT, P_OPEN = 0, 1


@by_pointer
class Pool(NamedTuple):
    """Routes by the set of their visits; of two orders the shorter one stays."""

    facts: Any  # int64[2] routes held, whether it takes more
    slot: Any  # int32[SLOTS] hash → route + 1
    key: Any  # int64[ROUTES]
    kind: Any  # int32[ROUTES] shift type
    travel: Any  # int64[ROUTES]
    first: Any  # int64[ROUTES + 1]
    visit: Any  # int32[VISITS]


def new_pool(wanted: bool) -> Pool:
    """An empty pool; one that takes nothing where it is not wanted."""
    routes, visits, slots = (ROUTES, VISITS, SLOTS) if wanted else (1, 1, 1)
    return Pool(
        np.array([0, 1 if wanted else 0], np.int64),
        np.zeros(slots, np.int32),
        np.zeros(routes, np.int64),
        np.zeros(routes, np.int32),
        np.zeros(routes, np.int64),
        np.zeros(routes + 1, np.int64),
        np.zeros(visits, np.int32),
    )


def empty_pool(pool: Pool) -> None:
    """Forget every route."""
    pool.facts[0], pool.facts[1] = 0, 1
    pool.slot[:] = 0


@inlined
def _mixed(number: int) -> Any:
    """A 64-bit hash of a small number (splitmix64, Steele et al. 2014)."""
    z = np.uint64(number) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@inlined
def remember(instance: Any, solution: Any, pool: Any, r: int) -> None:
    """Hold the route of shift ``r`` as it is now."""
    n, node = instance.n, solution.node
    count = solution.visits[r]
    held = pool.facts[P_COUNT]
    if count == 0 or pool.facts[P_OPEN] == 0:
        return
    if held + 1 >= len(pool.key) or pool.first[held] + count >= len(pool.visit):
        pool.facts[P_OPEN] = 0
        return
    at = n + 2 * r
    travel = node[at, LEG]
    kind = instance.shift_type[r]
    mixed = _mixed(n + kind)
    at = node[at, NEXT]
    while at < n:
        mixed += _mixed(at)
        travel += node[at, LEG]
        at = node[at, NEXT]
    key = np.int64(mixed)
    mask = len(pool.slot) - 1
    slot = key & mask
    while pool.slot[slot] != 0 and pool.key[pool.slot[slot] - 1] != key:
        slot = (slot + 1) & mask
    if pool.slot[slot] == 0:
        pool.slot[slot] = held + 1
        pool.key[held] = key
        pool.kind[held] = kind
        pool.first[held + 1] = pool.first[held] + count
        pool.facts[P_COUNT] = held + 1
    else:
        held = pool.slot[slot] - 1
        if pool.travel[held] <= travel:
            return
    pool.travel[held] = travel
    position = pool.first[held]
    at = node[n + 2 * r, NEXT]
    while at < n:
        pool.visit[position] = at
        position += 1
        at = node[at, NEXT]
