"""Sites that another site replaces at no loss: what they cover, the other one covers as well.

It holds where every site counts the same: no budget, no terms of kinds, no demand that has to be
covered twice (coverage does not count fixed costs). Of a set that opens a dominated site, the site
can be exchanged for the one that dominates it or, when that one is open, for any other; so enough
others must be left.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from network.siting.compiled import compiled
from network.siting.instance import Columns, Ints, Rows, Sites, States
from network.siting.rules import Rules

Words = NDArray[np.uint64]


@compiled
def _dominated(
    begin: Ints, row: Sites, start: Ints, site: Sites, words: Words, state: States
) -> States:
    m = begin.size - 1
    reduced = state.copy()
    for j in range(m):
        size = begin[j + 1] - begin[j]
        if state[j] != 0:
            continue
        if size == 0:
            reduced[j] = 2
            continue
        # whoever dominates it covers its rarest row
        rarest = row[begin[j]]
        for at in range(begin[j] + 1, begin[j + 1]):
            i = row[at]
            if start[i + 1] - start[i] < start[rarest + 1] - start[rarest]:
                rarest = i
        for at in range(start[rarest], start[rarest + 1]):
            k = site[at]
            other = begin[k + 1] - begin[k]
            # of two equal ones the first stays, unless the other is open anyway
            if k == j or other < size or state[k] == 2:
                continue
            if other == size and k > j and state[k] == 0:
                continue
            inside = True
            for word in range(words.shape[1]):
                if words[j, word] & ~words[k, word]:
                    inside = False
                    break
            if inside:
                reduced[j] = 2
                break
    return reduced


def without_dominated(rows: Rows, columns: Columns, rules: Rules) -> States:
    """The sites' states with dominated free ones closed, where that costs nothing.

    Parameters
    ----------
    rows, columns
        Coverage, every different row once.
    """
    if np.any(np.isfinite(rules.limit)) or rules.twice is not None or rules.least != rules.most:
        return rules.state
    m, n = rules.state.size, rows.start.size - 1
    bits = np.zeros((m, -(-n // 64) * 64), bool)
    bits[rows.site, np.repeat(np.arange(n), np.diff(rows.start))] = True
    words = np.packbits(bits, axis=1).view(np.uint64)
    reduced = _dominated(columns.start, columns.row, rows.start, rows.site, words, rules.state)
    return reduced if np.count_nonzero(reduced != 2) >= rules.most else rules.state
