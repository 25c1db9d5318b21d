"""Who serves what once the open sites are fixed: the transportation problem.

Starting from everyone at the cheapest site, overload is moved along cheapest chains of
re-assignments until no site is overloaded (successive shortest paths; Busacker & Gowen 1960;
Ahuja, Magnanti & Orlin 1993, section 9.7). Every step keeps the plan optimal for the loads it
has, so the first plan without overload is optimal.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from network.siting.compiled import compiled
from network.siting.instance import Floats


@compiled
def _cheapest_moves(
    unit: Floats, amount: Floats, a: int, step: Floats, mover: NDArray[np.int64]
) -> None:
    """Cheapest way to move a little weight from site ``a`` to each other site."""
    k, n = unit.shape
    for b in range(k):
        step[a, b] = np.inf
        mover[a, b] = -1
    for i in range(n):
        if amount[a, i] > 0.0:
            for b in range(k):
                rise = unit[b, i] - unit[a, i]
                if b != a and rise < step[a, b]:
                    step[a, b] = rise
                    mover[a, b] = i


@compiled
def transport(unit: Floats, weight: Floats, capacity: Floats, amount: Floats) -> float:
    """Cheapest split of the demand over the open sites.

    Parameters
    ----------
    unit : (k, n)
        Cost per unit of weight from each open site, ``inf`` = out of reach.
    weight : (n,)
    capacity : (k,)
    amount : (k, n)
        Overwritten with the weight each site serves.

    Returns
    -------
    float
        Total cost, ``inf`` when the capacities or reach do not allow any plan.
    """
    k, n = unit.shape
    load = np.zeros(k)
    total_weight = 0.0
    for i in range(n):
        best = 0
        for a in range(k):
            amount[a, i] = 0.0
            if unit[a, i] < unit[best, i]:
                best = a
        if unit[best, i] == np.inf:
            return np.inf
        amount[best, i] = weight[i]
        load[best] += weight[i]
        total_weight += weight[i]
    tiny = 1e-12 * (1.0 + total_weight)
    step = np.empty((k, k))
    mover = np.empty((k, k), np.int64)
    for a in range(k):
        _cheapest_moves(unit, amount, a, step, mover)
    distance = np.empty(k)
    before = np.empty(k, np.int64)
    path = np.empty(k, np.int64)
    while True:
        overloaded = False
        for a in range(k):
            distance[a] = np.inf
            before[a] = -1
            if load[a] > capacity[a] + tiny:
                distance[a] = 0.0
                overloaded = True
        if not overloaded:
            break
        for _ in range(k):
            changed = False
            for a in range(k):
                if distance[a] == np.inf:
                    continue
                for b in range(k):
                    reached = distance[a] + step[a, b]
                    if reached < distance[b] - 1e-12 * (1.0 + abs(reached)):
                        # an overloaded site is a source and keeps distance 0
                        if load[b] > capacity[b] + tiny:
                            continue
                        distance[b] = reached
                        before[b] = a
                        changed = True
            if not changed:
                break
        end = -1
        for b in range(k):
            if load[b] < capacity[b] - tiny and distance[b] < np.inf:
                if end < 0 or distance[b] < distance[end]:
                    end = b
        if end < 0:
            return np.inf
        size = 0
        b = end
        much = capacity[end] - load[end]
        while before[b] >= 0:
            path[size] = b
            size += 1
            a = before[b]
            much = min(much, amount[a, mover[a, b]])
            b = a
            if size >= k:
                break
        much = min(much, load[b] - capacity[b])
        load[b] -= much
        load[end] += much
        for s in range(size):
            b = path[s]
            a = before[b]
            i = mover[a, b]
            amount[a, i] -= much
            if amount[a, i] < 1e-13 * weight[i]:
                amount[a, i] = 0.0
            amount[b, i] += much
        for s in range(size):
            b = path[s]
            a = before[b]
            _cheapest_moves(unit, amount, b, step, mover)
            if s == size - 1:
                _cheapest_moves(unit, amount, a, step, mover)
    total = 0.0
    for a in range(k):
        for i in range(n):
            if amount[a, i] > 0.0:
                total += unit[a, i] * amount[a, i]
    return total
