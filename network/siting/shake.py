"""Iterated local search: disturb the best plan a little, search again, keep what is better."""

from __future__ import annotations

import numpy as np

from network.siting.compiled import compiled
from network.siting.instance import Columns, Floats, Rows, States
from network.siting.swap import (
    NONE,
    Standing,
    close_site,
    copy_standing,
    improve,
    open_site,
    stand,
    value_of,
    violation,
)


@compiled
def _next_word(word: np.uint64) -> np.uint64:
    """Marsaglia's xorshift64 (2003, doi:10.18637/jss.v008.i14)."""
    word ^= word << np.uint64(13)
    word ^= word >> np.uint64(7)
    word ^= word << np.uint64(17)
    return word


@compiled
def _shake_near(
    rows: Rows,
    columns: Columns,
    use: Floats,
    state: States,
    standing: Standing,
    word: np.uint64,
) -> np.uint64:
    """Exchange one to three open sites for others around a random demand point."""
    n = rows.start.size - 1
    word = _next_word(word)
    i = np.int64(word % np.uint64(n))
    moves = 1 + np.int64((word >> np.uint64(40)) % np.uint64(3))
    begin = rows.start[i]
    length = rows.start[i + 1] - begin
    # as far as about the fourth open site
    reach = 0
    seen = 0
    while reach < length and seen < 4:
        if standing.open_at[rows.site[begin + reach]] >= 0:
            seen += 1
        reach += 1
    if reach == 0:
        return word
    for _ in range(moves):
        word = _next_word(word)
        first = np.int64(word % np.uint64(reach))
        f = NONE
        for k in range(reach):
            j = rows.site[begin + (first + k) % reach]
            if standing.open_at[j] < 0 and state[j] == 0:
                f = int(j)
                break
        word = _next_word(word)
        first = np.int64(word % np.uint64(reach))
        r = NONE
        for k in range(reach):
            j = rows.site[begin + (first + k) % reach]
            if standing.open_at[j] >= 0 and state[j] == 0:
                r = int(j)
                break
        if f < 0 or r < 0:
            break
        open_site(rows, columns, use, standing, f)
        close_site(rows, columns, use, standing, r)
    return word


@compiled
def _shake_anywhere(
    rows: Rows,
    columns: Columns,
    use: Floats,
    state: States,
    standing: Standing,
    likely: Floats,
    word: np.uint64,
) -> np.uint64:
    """Exchange one or two open sites for likely ones, wherever they are."""
    m = state.size
    word = _next_word(word)
    moves = 1 + np.int64((word >> np.uint64(40)) % np.uint64(2))
    for _ in range(moves):
        f = NONE
        for _ in range(20):
            word = _next_word(word)
            j = np.int64(word % np.uint64(m))
            draw = np.float64((word >> np.uint64(32)) % np.uint64(1000)) / 1000.0
            if standing.open_at[j] < 0 and state[j] == 0 and draw < likely[j] + 0.1:
                f = int(j)
                break
        r = NONE
        for _ in range(20):
            if standing.size[0] == 0:
                break
            word = _next_word(word)
            j = standing.sites[np.int64(word % np.uint64(standing.size[0]))]
            if state[j] == 0:
                r = int(j)
                break
        if f >= 0 and r >= 0:
            open_site(rows, columns, use, standing, f)
            close_site(rows, columns, use, standing, r)
    return word


@compiled
def shake_and_improve(
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
    chosen: States,
    best: float,
    rounds: int,
    likely: Floats,
    seed: int,
) -> float:
    """Iterated local search from ``chosen``, which is overwritten by the best set found.

    Most rounds exchange a few sites around one demand point, the others a few anywhere, likely
    ones first (``likely`` in 0…1: the share of recent relaxed choices that opened the site).
    Slightly worse sets are kept for a while (Lourenço, Martin & Stützle 2003,
    doi:10.1007/0-306-48056-5_11). Returns the best value, penalties included.
    """
    m = state.size
    word = np.uint64(seed * 2 + 1)
    order = np.arange(m)
    current = stand(rows, use, need.size, chosen)
    current.fresh.fill(0)
    trial = stand(rows, use, need.size, chosen)
    value_now = best
    worse = 0
    for _ in range(rounds):
        copy_standing(current, trial)
        word = _next_word(word)
        offset = np.int64(word % np.uint64(m))
        for k in range(m):
            order[k] = (k + offset) % m
        if (word >> np.uint64(33)) % np.uint64(10) < np.uint64(7):
            word = _shake_near(rows, columns, use, state, trial, word)
        else:
            word = _shake_anywhere(rows, columns, use, state, trial, likely, word)
        improve(rows, columns, fixed, use, limit, least, most, need, price, state, trial, order)
        value = value_of(trial, fixed) + violation(trial, need, use, limit, price)
        if value < best - 1e-10 * (1.0 + abs(best)):
            best = value
            worse = 0
            value_now = value
            copy_standing(trial, current)
            for j in range(m):
                chosen[j] = 1 if trial.open_at[j] >= 0 else 0
        elif value <= value_now + 2e-4 * abs(best) and worse < 20:
            if value > value_now:
                worse += 1
            value_now = value
            copy_standing(trial, current)
        elif worse >= 20:
            worse = 0
            value_now = best
            current = stand(rows, use, need.size, chosen)
            current.fresh.fill(0)
    return best
