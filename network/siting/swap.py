"""Local search over sets of open sites: fast swap with additions and closures.

Resende & Werneck, "A fast swap-based local search procedure for location problems", Annals of
Operations Research 150 (2007), doi:10.1007/s10479-006-0154-0: the loss of closing each open site
is kept up to date, so that judging a newcomer touches only the demand it would attract. Budget
and floors are judged in the same pass, as penalties on what is missing.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np

from network.siting.compiled import compiled
from network.siting.instance import Columns, Floats, Ints, Rows, Sites, States

# no site; a variable, or Numba compiles a version for the constant
NONE = cast(int, np.int64(-1))


class Standing(NamedTuple):
    """The present plan: who serves each row, who would next, and what closing a site loses."""

    open_at: Ints  # (m,) position in ``sites``, −1 = closed
    sites: Ints  # (m,) the first ``size[0]`` are open
    size: Ints  # (1,)
    first: Sites  # (n,) serving site, −1 = none
    second: Sites
    first_cost: Floats
    second_cost: Floats
    loss: Floats  # (m,) rise in cost when the site closes
    covered: Floats  # (d,) floor weight within the radius
    cover_loss: Floats  # (m, d) floor weight that only this site keeps within the radius
    used: Floats  # (k,) what the open sites use of each rule, the budget first
    open_count: Ints  # (n,) open listed sites of the rows that ask for two
    fresh: States  # (m,) 1 = the site has to be judged (again)


@compiled
def stand(rows: Rows, use: Floats, floors: int, chosen: States) -> Standing:
    """Build the standing of the set ``chosen`` (1 = open) from nothing."""
    n = rows.start.size - 1
    m = chosen.size
    standing = Standing(
        np.full(m, -1, np.int64),
        np.empty(m, np.int64),
        np.zeros(1, np.int64),
        np.full(n, -1, np.int32),
        np.full(n, -1, np.int32),
        rows.escape.copy(),
        rows.escape.copy(),
        np.zeros(m),
        np.zeros(floors),
        np.zeros((m, max(1, floors))),
        np.zeros(use.shape[0]),
        np.zeros(n, np.int64),
        np.ones(m, np.int8),
    )
    for j in range(m):
        if chosen[j] == 1:
            standing.open_at[j] = standing.size[0]
            standing.sites[standing.size[0]] = j
            standing.size[0] += 1
            for k in range(use.shape[0]):
                standing.used[k] += use[k, j]
    for i in range(n):
        look_up(rows, standing, i)
        account(rows, standing, i, 1.0)
    return standing


@compiled
def copy_standing(source: Standing, target: Standing) -> None:
    """Overwrite ``target`` by ``source``, a plan over the same rows and sites."""
    for j in range(source.open_at.size):
        target.open_at[j] = source.open_at[j]
        target.sites[j] = source.sites[j]
        target.loss[j] = source.loss[j]
        target.fresh[j] = source.fresh[j]
    target.size[0] = source.size[0]
    for i in range(source.first.size):
        target.first[i] = source.first[i]
        target.second[i] = source.second[i]
        target.first_cost[i] = source.first_cost[i]
        target.second_cost[i] = source.second_cost[i]
        target.open_count[i] = source.open_count[i]
    for k in range(source.used.size):
        target.used[k] = source.used[k]
    for d in range(source.covered.size):
        target.covered[d] = source.covered[d]
        for j in range(source.open_at.size):
            target.cover_loss[j, d] = source.cover_loss[j, d]


@compiled
def look_up(rows: Rows, standing: Standing, i: int) -> None:
    """Find the two cheapest open sites of row ``i``."""
    if rows.times[i] == 2:
        standing.open_count[i] = 0
        standing.first[i] = -1
        standing.second[i] = -1
        for k in range(rows.start[i], rows.start[i + 1]):
            j = rows.site[k]
            if standing.open_at[j] >= 0:
                standing.open_count[i] += 1
                standing.second[i] = standing.first[i]
                standing.first[i] = j
        standing.first_cost[i] = rows.escape[i] if standing.open_count[i] < 2 else 0.0
        standing.second_cost[i] = rows.escape[i]
        return
    standing.first[i] = -1
    standing.second[i] = -1
    standing.first_cost[i] = rows.escape[i]
    standing.second_cost[i] = rows.escape[i]
    for k in range(rows.start[i], rows.start[i + 1]):
        j = rows.site[k]
        if standing.open_at[j] >= 0:
            if standing.first[i] < 0:
                standing.first[i] = j
                standing.first_cost[i] = rows.cost[k]
            else:
                standing.second[i] = j
                standing.second_cost[i] = rows.cost[k]
                break


@compiled
def account(rows: Rows, standing: Standing, i: int, sign: float) -> None:
    """Add (sign 1) or take back (−1) what row ``i`` contributes to losses and floors."""
    j = standing.first[i]
    if rows.times[i] == 2:
        count = standing.open_count[i]
        d = rows.floor[i]
        if count == 2:
            standing.loss[j] += sign * rows.escape[i]
            standing.loss[standing.second[i]] += sign * rows.escape[i]
        if d >= 0 and count >= 2:
            standing.covered[d] += sign * rows.floor_weight[i]
            if count == 2:
                standing.cover_loss[j, d] += sign * rows.floor_weight[i]
                standing.cover_loss[standing.second[i], d] += sign * rows.floor_weight[i]
        return
    if j >= 0:
        standing.loss[j] += sign * (standing.second_cost[i] - standing.first_cost[i])
    d = rows.floor[i]
    if d >= 0 and j >= 0 and standing.first_cost[i] <= rows.near_cost[i]:
        standing.covered[d] += sign * rows.floor_weight[i]
        if standing.second[i] < 0 or standing.second_cost[i] > rows.near_cost[i]:
            standing.cover_loss[j, d] += sign * rows.floor_weight[i]


@compiled
def refresh(rows: Rows, standing: Standing, i: int, reach: float) -> None:
    """Mark the sites whose worth depends on row ``i``, whose runner-up costs ``reach``."""
    for k in range(rows.start[i], rows.start[i + 1]):
        if rows.cost[k] > reach:
            break
        standing.fresh[rows.site[k]] = 1


@compiled
def open_site(rows: Rows, columns: Columns, use: Floats, standing: Standing, f: int) -> None:
    """Open ``f`` and update every row it lists."""
    standing.open_at[f] = standing.size[0]
    standing.sites[standing.size[0]] = f
    standing.size[0] += 1
    for k in range(use.shape[0]):
        standing.used[k] += use[k, f]
    for k in range(columns.start[f], columns.start[f + 1]):
        i = int(np.int64(columns.row[k]))
        c = columns.cost[k]
        if rows.times[i] == 2:
            account(rows, standing, i, -1.0)
            look_up(rows, standing, i)
            account(rows, standing, i, 1.0)
            refresh(rows, standing, i, 0.0)
            continue
        if c < standing.second_cost[i] or standing.second[i] < 0:
            account(rows, standing, i, -1.0)
            refresh(rows, standing, i, standing.second_cost[i])
            if c < standing.first_cost[i] or standing.first[i] < 0:
                standing.second[i] = standing.first[i]
                standing.second_cost[i] = standing.first_cost[i]
                standing.first[i] = f
                standing.first_cost[i] = c
            else:
                standing.second[i] = f
                standing.second_cost[i] = c
            account(rows, standing, i, 1.0)


@compiled
def close_site(rows: Rows, columns: Columns, use: Floats, standing: Standing, r: int) -> None:
    """Close ``r`` and update every row that it served or would serve next."""
    last = standing.sites[standing.size[0] - 1]
    standing.sites[standing.open_at[r]] = last
    standing.open_at[last] = standing.open_at[r]
    standing.open_at[r] = -1
    standing.size[0] -= 1
    for k in range(use.shape[0]):
        standing.used[k] -= use[k, r]
    for k in range(columns.start[r], columns.start[r + 1]):
        i = int(np.int64(columns.row[k]))
        if standing.first[i] == r or standing.second[i] == r or rows.times[i] == 2:
            account(rows, standing, i, -1.0)
            look_up(rows, standing, i)
            account(rows, standing, i, 1.0)
            refresh(rows, standing, i, standing.second_cost[i])


@compiled
def excess(
    standing: Standing, use: Floats, limit: Floats, price: Floats, opens: int, closes: int
) -> float:
    """Price of what breaks the linear rules once a site opens and one closes (−1: none)."""
    total = 0.0
    for k in range(limit.size):
        used = standing.used[k]
        if opens >= 0:
            used += use[k, opens]
        if closes >= 0:
            used -= use[k, closes]
        if used > limit[k]:
            # single sites and money come in different sizes, so they have different prices
            total += price[0 if k == 0 else 2] * (used - limit[k])
    return total


@compiled
def violation(standing: Standing, need: Floats, use: Floats, limit: Floats, price: Floats) -> float:
    """Price of what the present plan misses in floors and exceeds in the linear rules."""
    total = excess(standing, use, limit, price, NONE, NONE)
    for d in range(need.size):
        if standing.covered[d] < need[d]:
            total += price[1] * (need[d] - standing.covered[d])
    return total


@compiled
def value_of(standing: Standing, fixed: Floats) -> float:
    """Cost of the present plan: service and fixed costs."""
    total = 0.0
    for i in range(standing.first_cost.size):
        total += standing.first_cost[i]
    for s in range(standing.size[0]):
        total += fixed[standing.sites[s]]
    return total


@compiled
def improve(
    rows: Rows,
    columns: Columns,
    fixed: Floats,
    use: Floats,
    limit: Floats,
    least: int,
    most: int,
    need: Floats,
    price: Floats,
    state: States,
    standing: Standing,
    order: Ints,
) -> None:
    """First-improvement search until no swap, addition or closure helps.

    ``order`` is the order in which newcomers are tried; ``price`` is what a unit over budget,
    a unit of missing floor weight and a unit over any other rule cost. Sites with ``state`` 1
    stay open, with 2 stay closed.
    """
    m = state.size
    floors = need.size
    rise = np.zeros(m)
    cover_change = np.zeros((m, max(1, floors)))
    added = np.zeros(max(1, floors))
    least_gain = 1e-10 * (1.0 + abs(value_of(standing, fixed)))
    idle = 0
    at = 0
    while idle < m:
        f = order[at]
        at += 1
        if at == m:
            at = 0
        idle += 1
        if state[f] == 2 or standing.fresh[f] == 0:
            continue
        standing.fresh[f] = 0
        before = violation(standing, need, use, limit, price)
        if standing.open_at[f] >= 0:
            # a closure
            if state[f] == 1 or standing.size[0] <= least:
                continue
            change = standing.loss[f] - fixed[f]
            after = excess(standing, use, limit, price, NONE, f)
            for d in range(floors):
                have = standing.covered[d] - standing.cover_loss[f, d]
                if have < need[d]:
                    after += price[1] * (need[d] - have)
            if change + after - before < -least_gain:
                close_site(rows, columns, use, standing, f)
                idle = 0
            continue
        gain = 0.0
        for s in range(standing.size[0]):
            rise[standing.sites[s]] = 0.0
        for k in range(columns.start[f], columns.start[f + 1]):
            i = int(np.int64(columns.row[k]))
            c = columns.cost[k]
            if rows.times[i] == 2:
                pay = rows.escape[i]
                if standing.open_count[i] == 1:
                    gain += pay
                    rise[standing.first[i]] += pay
                elif standing.open_count[i] == 2:
                    rise[standing.first[i]] -= pay
                    rise[standing.second[i]] -= pay
            elif c < standing.second_cost[i]:
                j = standing.first[i]
                if c < standing.first_cost[i]:
                    gain += standing.first_cost[i] - c
                    if j >= 0:
                        rise[j] -= standing.second_cost[i] - standing.first_cost[i]
                elif j >= 0:
                    rise[j] -= standing.second_cost[i] - c
        if floors > 0:
            for d in range(floors):
                added[d] = 0.0
                for s in range(standing.size[0]):
                    cover_change[standing.sites[s], d] = 0.0
            for k in range(columns.start[f], columns.start[f + 1]):
                i = int(np.int64(columns.row[k]))
                d = rows.floor[i]
                if d >= 0 and rows.times[i] == 2:
                    counted = rows.floor_weight[i]
                    if standing.open_count[i] == 1:
                        added[d] += counted
                        cover_change[standing.first[i], d] += counted
                    elif standing.open_count[i] == 2:
                        cover_change[standing.first[i], d] -= counted
                        cover_change[standing.second[i], d] -= counted
                elif d >= 0 and columns.cost[k] <= rows.near_cost[i]:
                    j = standing.first[i]
                    if j < 0 or standing.first_cost[i] > rows.near_cost[i]:
                        added[d] += rows.floor_weight[i]
                    elif standing.second[i] < 0 or standing.second_cost[i] > rows.near_cost[i]:
                        cover_change[j, d] -= rows.floor_weight[i]
        best = 1e300
        leaver = NONE
        if standing.size[0] < most:
            after = excess(standing, use, limit, price, f, NONE)
            for d in range(floors):
                have = standing.covered[d] + added[d]
                if have < need[d]:
                    after += price[1] * (need[d] - have)
            best = fixed[f] - gain + after - before
        for s in range(standing.size[0]):
            r = standing.sites[s]
            if state[r] == 1:
                continue
            change = standing.loss[r] + rise[r] - gain + fixed[f] - fixed[r]
            if change - before >= best:
                continue
            change += excess(standing, use, limit, price, f, r)
            for d in range(floors):
                have = (
                    standing.covered[d] + added[d] - standing.cover_loss[r, d] - cover_change[r, d]
                )
                if have < need[d]:
                    change += price[1] * (need[d] - have)
            if change - before < best:
                best = change - before
                leaver = r
        if best < -least_gain:
            open_site(rows, columns, use, standing, f)
            if leaver >= 0:
                close_site(rows, columns, use, standing, leaver)
            idle = 0


@compiled
def greedy(
    rows: Rows,
    columns: Columns,
    fixed: Floats,
    use: Floats,
    limit: Floats,
    least: int,
    most: int,
    need: Floats,
    price: Floats,
    state: States,
    standing: Standing,
) -> None:
    """Open the site with the largest gain until ``least`` are open and none pays any more.

    Gains only shrink while sites open, so an old gain is an upper bound and most need not be
    computed again (Minoux 1978, doi:10.1007/BFb0006528); with floors the bound is only a guide.
    """
    m = state.size
    floors = need.size
    ceiling = np.full(m, 1e300)
    while standing.size[0] < most:
        best = -1e300
        pick = NONE
        for j in range(m):
            if state[j] == 2 or standing.open_at[j] >= 0 or ceiling[j] <= best:
                continue
            if standing.used[0] + use[0, j] > limit[0]:
                continue
            if excess(standing, use, limit, price, j, NONE) > excess(
                standing, use, limit, price, NONE, NONE
            ):
                continue
            gain = -fixed[j]
            for k in range(columns.start[j], columns.start[j + 1]):
                i = int(np.int64(columns.row[k]))
                if rows.times[i] == 2:
                    if standing.open_count[i] < 2:
                        # the first of two is worth half, or no pair would ever begin
                        gain += 0.5 * rows.escape[i]
                        d = rows.floor[i]
                        if d >= 0 and standing.covered[d] < need[d]:
                            gain += 0.5 * price[1] * rows.floor_weight[i]
                    continue
                if columns.cost[k] < standing.first_cost[i]:
                    gain += standing.first_cost[i] - columns.cost[k]
                if floors > 0:
                    d = rows.floor[i]
                    if d >= 0 and standing.covered[d] < need[d]:
                        if columns.cost[k] <= rows.near_cost[i] and (
                            standing.first[i] < 0 or standing.first_cost[i] > rows.near_cost[i]
                        ):
                            gain += price[1] * rows.floor_weight[i]
            ceiling[j] = gain
            if gain > best:
                best = gain
                pick = j
        if pick < 0 or (best <= 0.0 and standing.size[0] >= least):
            break
        open_site(rows, columns, use, standing, pick)
