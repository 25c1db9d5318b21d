"""The Lagrangian bound with capacities: each site packs the demand that pays best.

Assignment relaxed as in :mod:`network.siting.dual`; what remains per site is a continuous knapsack
(Cornuéjols, Sridharan & Thizy 1991, doi:10.1016/0377-2217(91)90257-X; Beasley 1988,
doi:10.1016/0377-2217(88)90355-0). The bound equals that of the linear relaxation with x ≤ y.
"""

from __future__ import annotations

import numpy as np

from network.siting.compiled import compiled
from network.siting.dual import UNIT_ROUNDOFF, Ascent, choose
from network.siting.instance import Floats, Sites, States


@compiled
def pack(
    cost: Floats,
    near: States,
    weight: Floats,
    room: float,
    multiplier: Floats,
    floor_of: Sites,
    floor_multiplier: Floats,
    share: Floats,
) -> float:
    """Most negative reduced cost one site can collect within ``room``; fills ``share``."""
    n = weight.size
    load = 0.0
    value = 0.0
    for i in range(n):
        reduced = cost[i] - multiplier[i]
        if floor_of[i] >= 0 and near[i] == 1:
            reduced -= floor_multiplier[floor_of[i]] * weight[i]
        share[i] = 0.0
        if reduced < 0.0:
            share[i] = 1.0
            load += weight[i]
            value += reduced
    if load <= room:
        return value
    size = 0
    wanted = np.empty(n, np.int64)
    ratio = np.empty(n)
    for i in range(n):
        if share[i] > 0.0:
            if weight[i] > 0.0:
                reduced = cost[i] - multiplier[i]
                if floor_of[i] >= 0 and near[i] == 1:
                    reduced -= floor_multiplier[floor_of[i]] * weight[i]
                wanted[size] = i
                ratio[size] = -reduced / weight[i]
                size += 1
    order = np.argsort(ratio[:size])
    for s in range(size):
        # the worst payers leave first
        i = wanted[order[s]]
        excess = load - room
        if excess <= 0.0:
            break
        if weight[i] <= excess:
            share[i] = 0.0
            value += ratio[order[s]] * weight[i]
            load -= weight[i]
        else:
            share[i] = 1.0 - excess / weight[i]
            value += ratio[order[s]] * excess
            load = room
    return value


@compiled
def ascend_capacitated(
    cost: Floats,
    near: States,
    weight: Floats,
    capacity: Floats,
    fixed: Floats,
    use: Floats,
    limit: Floats,
    least: int,
    most: int,
    need: Floats,
    floor_of: Sites,
    state: States,
    scale: Floats,
    upper: float,
    target: float,
    step: float,
    shrink: float,
    patience: int,
    iterations: int,
    momentum: float,
    ascent: Ascent,
) -> tuple[float, float, int]:
    """Raise the bound; as :func:`network.siting.dual.ascend`, with ``cost`` of shape (m, n)."""
    m, n = cost.shape
    floors = need.size
    prices = floors + limit.size - 1
    best = -np.inf
    now = ascent.multiplier.copy()
    now_floor = ascent.floor_multiplier.copy()
    score = np.zeros(m)
    chosen = np.empty(m)
    share = np.zeros((m, n))
    slope = np.empty(n + prices)
    stalled = 0
    rounds = 0
    while rounds < iterations:
        base = 0.0
        size = 0.0
        for i in range(n):
            base += now[i]
            size += abs(now[i])
        for d in range(floors):
            base += now_floor[d] * need[d]
            size += now_floor[d] * need[d]
        for d in range(floors, prices):
            base -= now_floor[d] * limit[d - floors + 1]
            size += 2.0 * now_floor[d] * (abs(limit[d - floors + 1]) + m)
        for j in range(m):
            if state[j] == 2:
                continue
            score[j] = fixed[j] + pack(
                cost[j], near[j], weight, capacity[j], now, floor_of, now_floor, share[j]
            )
            for d in range(floors, prices):
                score[j] += now_floor[d] * use[d - floors + 1, j]
        value, price = choose(score, state, use[0], limit[0], least, most, chosen)
        rounds += 1
        if value == np.inf:
            return np.inf, step, rounds
        for j in range(m):
            if chosen[j] > 0.0:
                size += 2.0 * abs(score[j]) + price * use[0, j] + 2.0 * fixed[j]
        bound = base + value - 8.0 * UNIT_ROUNDOFF * (n + m + 16) * size
        for j in range(m):
            ascent.mean[j] += 0.06 * (chosen[j] - ascent.mean[j])
        if bound > best:
            if bound > best + min(1e-5 * abs(bound), 0.01 * abs(upper - best)):
                stalled = 0
            else:
                stalled += 1
            best = bound
            ascent.multiplier[:] = now
            ascent.floor_multiplier[:] = now_floor
            for j in range(m):
                ascent.score[j] = score[j] + price * use[0, j]
            ascent.chosen[:] = chosen
        else:
            stalled += 1
        if best >= target:
            break
        if stalled >= patience:
            step *= shrink
            stalled = 0
            now[:] = ascent.multiplier
            now_floor[:] = ascent.floor_multiplier
            ascent.direction[:] = 0.0
            if step < 1e-3:
                break
        for i in range(n):
            slope[i] = 1.0
        for d in range(floors):
            slope[n + d] = need[d]
        for d in range(floors, prices):
            slope[n + d] = -limit[d - floors + 1]
        for j in range(m):
            if chosen[j] > 0.0:
                for d in range(floors, prices):
                    slope[n + d] += chosen[j] * use[d - floors + 1, j]
                for i in range(n):
                    slope[i] -= chosen[j] * share[j, i]
                if floors > 0:
                    for i in range(n):
                        if floor_of[i] >= 0 and near[j, i] == 1:
                            slope[n + floor_of[i]] -= chosen[j] * share[j, i] * weight[i]
        length = 0.0
        for i in range(n + prices):
            direction = slope[i] + momentum * ascent.direction[i]
            ascent.direction[i] = direction
            length += scale[i] * direction * direction
        if length <= 1e-300:
            break
        pace = step * 1.05 * max(upper - bound, 1e-9 * abs(upper)) / length
        for i in range(n):
            now[i] += pace * scale[i] * ascent.direction[i]
        for d in range(prices):
            moved = now_floor[d] + pace * scale[n + d] * ascent.direction[n + d]
            now_floor[d] = moved if moved > 0.0 else 0.0
    return best, step, rounds
