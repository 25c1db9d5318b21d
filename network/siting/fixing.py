"""Fixing sites by their reduced cost, and smaller rows once sites are fixed.

Beasley 1993 (doi:10.1016/0377-2217(93)90118-7), section 4. Valid with a budget or floors, because
the score already carries their prices.
"""

from __future__ import annotations

import numpy as np

from network.siting.compiled import compiled
from network.siting.instance import Choice, Floats, Ints, Rows, Sites, States


@compiled
def _kept_entries(
    start: Ints, site: Sites, cost: Floats, near_end: Ints, times: States, state: States
) -> tuple[Ints, Sites, Floats, Ints]:
    n = start.size - 1
    begin = np.zeros(n + 1, np.int64)
    near = np.zeros(n, np.int64)
    kept_site = np.empty(site.size, np.int32)
    kept_cost = np.empty(site.size)
    size = 0
    for i in range(n):
        near[i] = -1
        forced = 0
        enough = np.inf  # at this cost the row is served in any case
        for k in range(start[i], start[i + 1]):
            if state[site[k]] == 1:
                forced += 1
                if forced == times[i]:
                    enough = cost[k]
                    break
        forced = 0
        for k in range(start[i], start[i + 1]):
            if k == near_end[i]:
                near[i] = size
            j = site[k]
            if state[j] == 2 or (state[j] == 0 and cost[k] >= enough):
                continue
            kept_site[size] = j
            kept_cost[size] = cost[k]
            size += 1
            if state[j] == 1:
                forced += 1
                if forced == times[i]:
                    break
        if near[i] < 0:
            near[i] = size
        begin[i + 1] = size
    return begin, kept_site[:size].copy(), kept_cost[:size].copy(), near


def reduced_rows(rows: Rows, state: States) -> Rows:
    """Rows without closed sites and without what lies behind a site that is open anyway."""
    start, site, cost, near_end = _kept_entries(
        rows.start, rows.site, rows.cost, rows.near_end, rows.times, state
    )
    return rows._replace(start=start, site=site, cost=cost, near_end=near_end)


def fix_by_score(
    score: Floats, state: States, choice: Choice, bound: float, limit: float
) -> States:
    """Fix every free site whose flip would lift ``bound`` above ``limit``."""
    fixed = state.copy()
    free = np.flatnonzero(state == 0)
    if free.size == 0:
        return fixed
    forced = int(np.count_nonzero(state == 1))
    low, high = max(0, choice.least - forced), min(choice.most - forced, free.size)
    value = score[free]
    order = np.argsort(value, kind="stable")
    want = int(np.clip(np.count_nonzero(value < 0.0), low, high))
    picked = np.zeros(free.size, bool)
    picked[order[:want]] = True
    last = float(value[order[want - 1]]) if want > 0 else -np.inf
    following = float(value[order[want]]) if want < free.size else np.inf
    # flipping one site moves the count, or swaps with the marginal one where the count is tight
    opening = value if want < high else value - last
    if low < want < high or (want < high and want == 0):
        opening = value
    elif want < high and want == low:
        opening = np.minimum(value, value - last) if want > 0 else value
    closing = following - value
    if want > low:
        closing = np.minimum(closing, -value)
    room = limit - bound
    fixed[free[~picked & (opening > room)]] = 2
    fixed[free[picked & (closing > room)]] = 1
    return fixed
