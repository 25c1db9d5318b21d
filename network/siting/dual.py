"""The Lagrangian bound: assignment relaxed, the choice of sites solved inside.

With multipliers λ on "each demand point is served once" the problem falls apart into one score
per site and a choice among sites (Cornuéjols, Fisher & Nemhauser 1977, doi:10.1287/mnsc.23.8.789;
Beasley 1993, doi:10.1016/0377-2217(93)90118-7). Locks, the number of sites, fixed costs and the
budget stay inside that choice; floors join through a multiplier ν per district that makes sites
within the radius cheaper. Whatever λ ≥ 0, ν ≥ 0, μ ≥ 0 are, the value is a bound.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np

from network.siting.compiled import compiled
from network.siting.instance import Columns, Floats, Rows, States

UNIT_ROUNDOFF = 1.1102230246251565e-16
# a variable, or Numba compiles a version for the constant
ZERO = cast(int, np.int64(0))


class Ascent(NamedTuple):
    """Where an ascent stands; the arrays are overwritten by :func:`ascend`.

    Attributes
    ----------
    multiplier : (n,)
        λ of the best bound so far.
    floor_multiplier : (d + k − 1,)
        ν of the best bound so far: prices of the floors, then of the rules beyond the budget.
    score : (m,)
        Change of the relaxed value when the site opens, at the best bound, budget price included.
    chosen : (m,)
        Sites the relaxed choice opens at the best bound (fractions where the budget splits one).
    mean : (m,)
        Running mean of the relaxed choices.
    direction : (n + d + k − 1,)
        Step direction with momentum.
    """

    multiplier: Floats
    floor_multiplier: Floats
    score: Floats
    chosen: Floats
    mean: Floats
    direction: Floats


def new_ascent(rows: Rows, prices: int, sites: int, multiplier: Floats) -> Ascent:
    """An ascent that starts at ``multiplier`` with nothing known and ``prices`` beside it."""
    n = rows.start.size - 1
    return Ascent(
        np.minimum(multiplier, rows.cap),
        np.zeros(prices),
        np.zeros(sites),
        np.zeros(sites),
        np.zeros(sites),
        np.zeros(n + prices),
    )


@compiled
def _copy(source: Floats, target: Floats) -> None:
    """``target[:] = source``, which would compile the words of a shape error for seconds."""
    for k in range(target.size):
        target[k] = source[k]


@compiled
def _smallest_but(value: Floats, size: int, rank: int) -> float:
    """The value with ``rank`` smaller ones (Hoare's quickselect); reorders ``value[:size]``.

    NumPy's own partition would do, but takes several seconds to compile.
    """
    low = 0
    high = size - 1
    while low < high:
        pivot = value[(low + high) // 2]
        left = low
        right = high
        while left <= right:
            while value[left] < pivot:
                left += 1
            while value[right] > pivot:
                right -= 1
            if left <= right:
                kept = value[left]
                value[left] = value[right]
                value[right] = kept
                left += 1
                right -= 1
        if rank <= right:
            high = right
        elif rank >= left:
            low = left
        else:
            break
    return float(value[rank])


@compiled
def _smallest(
    value: Floats, free: Floats, size: int, low: int, high: int, taken: Floats
) -> tuple[float, int]:
    """Mark the ``low``…``high`` smallest of ``value[:size]``, beyond ``low`` only negative ones."""
    for k in range(size):
        taken[k] = 0.0
    negative = 0
    for k in range(size):
        if value[k] < 0.0:
            negative += 1
    want = min(max(negative, low), high)
    total = 0.0
    if want >= size:
        for k in range(size):
            taken[k] = 1.0
            total += value[k]
        return total, size
    if want > 0:
        for k in range(size):
            free[k] = value[k]
        limit = _smallest_but(free, size, want - 1)
        got = 0
        for k in range(size):
            if value[k] < limit:
                taken[k] = 1.0
                total += value[k]
                got += 1
        for k in range(size):
            if got == want:
                break
            if value[k] == limit:
                taken[k] = 1.0
                total += value[k]
                got += 1
    return total, want


@compiled
def choose(
    score: Floats,
    state: States,
    spend: Floats,
    budget: float,
    least: int,
    most: int,
    chosen: Floats,
) -> tuple[float, float]:
    """Cheapest choice of sites, the budget relaxed with its best price μ.

    Parameters
    ----------
    score : (m,)
        What opening each site adds.

    Returns
    -------
    value, price
        Bound on the cheapest choice (``inf`` when none exists) and μ; ``chosen`` is filled.
    """
    m = score.size
    forced = 0
    value = 0.0
    left = budget
    free = np.empty(m, np.int64)
    size = ZERO
    for j in range(m):
        chosen[j] = 0.0
        if state[j] == 1:
            chosen[j] = 1.0
            forced += 1
            value += score[j]
            left -= spend[j]
        elif state[j] == 0:
            free[size] = j
            size += 1
    low = max(0, least - forced)
    high = most - forced
    if high < 0 or low > size:
        return np.inf, 0.0
    high = min(high, size)
    priced = np.empty(size)
    work = np.empty(size)
    taken = np.empty(size)
    for k in range(size):
        priced[k] = score[free[k]]
    total, _ = _smallest(priced, work, size, low, high, taken)
    spent = 0.0
    if budget < np.inf:
        for k in range(size):
            spent += taken[k] * spend[free[k]]
    if spent <= left or budget == np.inf:
        for k in range(size):
            chosen[free[k]] = taken[k]
        return value + total, 0.0
    # the cheapest ``low`` sites decide whether any choice fits at all
    for k in range(size):
        priced[k] = spend[free[k]]
    over = taken.copy()
    least_spent, _ = _smallest(priced, work, size, low, low, taken)
    if least_spent > left + 1e-9 * (1.0 + abs(left)):
        return np.inf, 0.0
    over_spent = spent
    under_price = 1.0
    magnitude = 1.0
    for k in range(size):
        magnitude = max(magnitude, abs(score[free[k]]))
    positive = 1e300
    for k in range(size):
        if spend[free[k]] > 0.0:
            positive = min(positive, spend[free[k]])
    low_price = 0.0
    high_price = 4.0 * magnitude / positive
    under = np.empty(size)
    under_spent = -1.0
    under_value = 0.0
    for attempt in range(60):
        price = high_price if attempt == 0 else 0.5 * (low_price + high_price)
        if attempt > 0 and high_price - low_price <= 1e-9 * high_price:
            break
        for k in range(size):
            priced[k] = score[free[k]] + price * spend[free[k]]
        total, _ = _smallest(priced, work, size, low, high, taken)
        spent = 0.0
        for k in range(size):
            spent += taken[k] * spend[free[k]]
        if spent <= left:
            high_price = price
            _copy(taken, under)
            under_spent = spent
            under_price = price
            under_value = total - price * left
            if spent == left:
                break
        elif attempt == 0:
            low_price = price
            _copy(taken, over)
            over_spent = spent
            high_price = price * 1e6
            under_price = price
            under_value = total - price * left
            _copy(taken, under)
            under_spent = left
            break
        else:
            low_price = price
            _copy(taken, over)
            over_spent = spent
    share = 1.0
    if over_spent > under_spent and under_spent < left:
        share = (over_spent - left) / (over_spent - under_spent)
    for k in range(size):
        chosen[free[k]] = share * under[k] + (1.0 - share) * over[k]
    return value + under_value, under_price


@compiled
def relaxed(
    rows: Rows,
    fixed: Floats,
    use: Floats,
    multiplier: Floats,
    floor_multiplier: Floats,
    score: Floats,
) -> float:
    """Score every site at the given multipliers; returns the constant part of the value.

    A site can do half of a row that asks for two, so half of its reduced cost counts.
    """
    base = 0.0
    floors = floor_multiplier.size - (use.shape[0] - 1)
    for j in range(fixed.size):
        score[j] = fixed[j]
    for k in range(1, use.shape[0]):
        if floor_multiplier[floors + k - 1] != 0.0:
            for j in range(fixed.size):
                score[j] += floor_multiplier[floors + k - 1] * use[k, j]
    for i in range(multiplier.size):
        price = multiplier[i]
        base += price
        k = rows.start[i]
        d = rows.floor[i]
        if rows.times[i] == 2:
            reduced = -price
            if d >= 0:
                reduced -= floor_multiplier[d] * rows.floor_weight[i]
            if reduced < 0.0:
                while k < rows.start[i + 1]:
                    score[rows.site[k]] += 0.5 * reduced
                    k += 1
            continue
        if d >= 0:
            discount = floor_multiplier[d] * rows.floor_weight[i]
            near = rows.near_end[i]
            while k < near:
                reduced = rows.cost[k] - discount - price
                if reduced >= 0.0:
                    break
                score[rows.site[k]] += reduced
                k += 1
            if k < near:
                continue
        end = rows.start[i + 1]
        while k < end:
            reduced = rows.cost[k] - price
            if reduced >= 0.0:
                break
            score[rows.site[k]] += reduced
            k += 1
    return base


@compiled
def ascend(
    rows: Rows,
    columns: Columns,
    fixed: Floats,
    use: Floats,
    limit: Floats,
    least: int,
    most: int,
    need: Floats,
    state: States,
    scale: Floats,
    upper: float,
    target: float,
    start: float,
    step: float,
    shrink: float,
    patience: int,
    iterations: int,
    momentum: float,
    ascent: Ascent,
) -> tuple[float, float, int, float]:
    """Raise the bound by subgradient steps scaled per demand point.

    The step of λ_i is proportional to ``scale[i]``, the cost the demand point is about to pay:
    heavy and far demand needs long steps, light and near demand short ones. ``momentum`` keeps a
    share of the last direction (Camerini, Fratta & Maffioli 1975, doi:10.1007/BFb0120697).

    Parameters
    ----------
    upper
        Value of the best plan known, for the step length (Held, Wolfe & Crowder 1974).
    target
        The ascent stops once the bound reaches it.
    start
        Bound that the arrays in ``ascent`` belong to (``-inf`` for none).

    Returns
    -------
    bound, step, iterations, budget price
        The bound is rounded down by more than the arithmetic can have erred.
    """
    n = rows.start.size - 1
    m = fixed.size
    floors = need.size
    prices = floors + limit.size - 1
    best = start
    best_price = 0.0
    now = ascent.multiplier.copy()
    now_floor = ascent.floor_multiplier.copy()
    score = np.empty(m)
    chosen = np.empty(m)
    slope = np.empty(n + prices)
    stalled = 0
    rounds = 0
    while rounds < iterations:
        base = relaxed(rows, fixed, use, now, now_floor, score)
        for d in range(floors):
            base += now_floor[d] * need[d]
        for d in range(floors, prices):
            base -= now_floor[d] * limit[d - floors + 1]
        value, price = choose(score, state, use[0], limit[0], least, most, chosen)
        rounds += 1
        if value == np.inf:
            return np.inf, step, rounds, 0.0
        size = 0.0
        for i in range(n):
            size += abs(now[i])
        for d in range(floors):
            size += now_floor[d] * need[d]
        for d in range(floors, prices):
            size += 2.0 * now_floor[d] * (abs(limit[d - floors + 1]) + m)
        for j in range(m):
            if chosen[j] > 0.0:
                size += abs(score[j]) + price * use[0, j] + 2.0 * fixed[j]
        bound = base + value
        bound -= 4.0 * UNIT_ROUNDOFF * (n + m + 16) * size
        for j in range(m):
            ascent.mean[j] += 0.06 * (chosen[j] - ascent.mean[j])
        if bound > best:
            if bound > best + min(1e-5 * abs(bound), 0.01 * abs(upper - best)):
                stalled = 0
            else:
                stalled += 1
            best = bound
            best_price = price
            _copy(now, ascent.multiplier)
            _copy(now_floor, ascent.floor_multiplier)
            for j in range(m):
                ascent.score[j] = score[j] + price * use[0, j]
            _copy(chosen, ascent.chosen)
        else:
            stalled += 1
        if best >= target:
            break
        if stalled >= patience:
            step *= shrink
            stalled = 0
            _copy(ascent.multiplier, now)
            _copy(ascent.floor_multiplier, now_floor)
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
            share = chosen[j]
            if share == 0.0:
                continue
            for d in range(floors, prices):
                slope[n + d] += share * use[d - floors + 1, j]
            for k in range(columns.start[j], columns.start[j + 1]):
                i = columns.row[k]
                c = columns.cost[k]
                d = rows.floor[i]
                if rows.times[i] == 2:
                    floor_price = now[i]
                    if d >= 0:
                        floor_price += now_floor[d] * rows.floor_weight[i]
                    if floor_price > 0.0:
                        slope[i] -= 0.5 * share
                        if d >= 0:
                            slope[n + d] -= 0.5 * share * rows.floor_weight[i]
                elif d >= 0 and c <= rows.near_cost[i]:
                    if c - now_floor[d] * rows.floor_weight[i] < now[i]:
                        slope[i] -= share
                        slope[n + d] -= share * rows.floor_weight[i]
                elif c < now[i]:
                    slope[i] -= share
        length = 0.0
        for i in range(n + prices):
            direction = slope[i] + momentum * ascent.direction[i]
            ascent.direction[i] = direction
            length += scale[i] * direction * direction
        if length <= 1e-300:
            break
        pace = step * 1.05 * max(upper - bound, 1e-9 * abs(upper)) / length
        for i in range(n):
            moved = now[i] + pace * scale[i] * ascent.direction[i]
            floor_price = 0.0
            d = rows.floor[i]
            if d >= 0:
                floor_price = now_floor[d] * rows.floor_weight[i]
            if moved < -floor_price:
                moved = -floor_price
            if moved > rows.cap[i]:
                moved = rows.cap[i]
            now[i] = moved
        for d in range(prices):
            moved = now_floor[d] + pace * scale[n + d] * ascent.direction[n + d]
            now_floor[d] = moved if moved > 0.0 else 0.0
    return best, step, rounds, best_price
