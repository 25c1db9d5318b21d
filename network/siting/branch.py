"""Branch and bound on the sites, with the Lagrangian bound at every node.

Each node fixes some sites open or closed. Sites whose forced flip would lift the bound past the
best plan are fixed as well (reduced-cost fixing; Beasley 1993, doi:10.1016/0377-2217(93)90118-7,
section 4), which is valid with a budget or floors because the score already carries their prices.
"""

from __future__ import annotations

import heapq
from itertools import count

import numpy as np

from network.siting import dual
from network.siting.fixing import fix_by_score
from network.siting.instance import Columns, Rows, States
from network.siting.search import Found, Search

NODE_ROUNDS = 90
NODE_STEP = 1.0
NODE_SHRINK = 0.7
NODE_PATIENCE = 45  # less cut the bound short and made three times the nodes
QUEUE_BYTES = 250_000_000


class BranchAndBound:
    """Closes the gap that the root bound leaves, as far as time allows."""

    def __init__(self, search: Search, found: Found, gap: float) -> None:
        self.search = search
        self.found = found
        self.gap = gap
        self.integer = search.instance.integer
        self._order = count()
        self._pruned = np.inf
        root = search.bound_state.copy()
        self._root_rows = search.bound_rows
        self._root_columns = search.bound_columns
        self._queue = [
            (
                found.bound,
                next(self._order),
                root,
                found.ascent.multiplier.astype(np.float32),
                found.ascent.floor_multiplier.copy(),
                found.ascent.mean.astype(np.float32),
            )
        ]

    def _limit(self) -> float:
        return self.found.value - self.found.slack(self.integer, self.gap)

    def exhausted(self) -> bool:
        """Whether nothing is left to branch on."""
        return not self._queue

    def run(self, nodes: int) -> None:
        """Branch on until the queue is empty, the countdown is over or ``nodes`` were made."""
        search, found, choice = self.search, self.found, self.search.instance.choice
        rows, columns, queue = self._root_rows, self._root_columns, self._queue
        size = 4 * (len(rows.cap) + 3 * len(search.state)) + 200
        last = found.nodes + nodes
        while queue and found.nodes < last and not search.countdown.over():
            if len(queue) * size > QUEUE_BYTES:
                break
            bound, _, state, multiplier, floor_multiplier, mean = heapq.heappop(queue)
            if bound > self._limit():
                self._pruned = min(self._pruned, bound)
                continue
            ascent = dual.Ascent(
                np.minimum(multiplier.astype(np.float64), rows.cap),
                floor_multiplier.copy(),
                np.zeros(len(state)),
                np.zeros(len(state)),
                mean.astype(np.float64),
                np.zeros(len(multiplier) + len(floor_multiplier)),
            )
            first = found.nodes == 0
            node_bound = self._bound(rows, columns, state, ascent, 300 if first else NODE_ROUNDS)
            found.nodes += 1
            if found.nodes < 12 or found.nodes % 8 == 0:
                self._try_plan(ascent)
            node_bound = max(node_bound, bound)
            if node_bound > self._limit():
                self._pruned = min(self._pruned, node_bound)
                continue
            state = fix_by_score(ascent.score, state, choice, node_bound, self._limit())
            for child in self._children(state, ascent):
                heapq.heappush(
                    queue,
                    (
                        node_bound,
                        next(self._order),
                        child,
                        ascent.multiplier.astype(np.float32),
                        ascent.floor_multiplier.copy(),
                        ascent.mean.astype(np.float32),
                    ),
                )
        # plans that fixing excluded are no better than the limit, so the bound stops there
        proven = min([self._pruned, self._limit(), *(item[0] for item in queue)])
        found.bound = max(found.bound, min(proven, found.value))

    def _bound(
        self, rows: Rows, columns: Columns, state: States, ascent: dual.Ascent, rounds: int
    ) -> float:
        search, found, choice = self.search, self.found, self.search.instance.choice
        bound, _, made, _ = dual.ascend(
            rows,
            columns,
            choice.fixed,
            choice.use,
            choice.limit,
            choice.least,
            choice.most,
            choice.need,
            state,
            found.scale,
            found.value,
            self._limit() + 0.01 * found.slack(self.integer, self.gap),
            -np.inf,
            NODE_STEP,
            NODE_SHRINK,
            NODE_PATIENCE,
            max(1, search.countdown.rounds_left(rounds)),
            0.6,
            ascent,
        )
        search.countdown.spend(made)
        return bound

    def _try_plan(self, ascent: dual.Ascent) -> None:
        found = self.found
        trial = Found(found.chosen, found.value, found.bound, ascent, 1.0, found.scale, found.price)
        if self.search.better_plan(trial):
            found.value, found.chosen = trial.value, trial.chosen

    def _children(self, state: States, ascent: dual.Ascent) -> list[States]:
        """The two halves of a node, or nothing when it held a single plan (which is judged)."""
        choice = self.search.instance.choice
        forced = int(np.count_nonzero(state == 1))
        free = np.flatnonzero(state == 0)
        if forced > choice.most or forced + free.size < choice.least:
            return []
        if forced == choice.most or free.size == 0:
            self._judge(state)
            return []
        if forced + free.size == choice.least:
            state = state.copy()
            state[free] = 1
            self._judge(state)
            return []
        # a site that the relaxed choices open now and then; a little below half did best
        j = free[np.argmin(np.abs(ascent.mean[free] - 0.4))]
        halves = []
        for value in (1, 2):
            half = state.copy()
            half[j] = value
            halves.append(half)
        return halves

    def _judge(self, state: States) -> None:
        chosen = (state == 1).astype(np.int8)
        value = self.search.judge(chosen)
        self._pruned = min(self._pruned, value)
        if value < self.found.value:
            self.found.value, self.found.chosen = value, chosen
