"""The best plan that the remembered routes can make: set partitioning.

    min Σ travel_k x_k   such that every visit lies on one chosen route,
                         no kind of shift is used more often than there are shifts of it.

The relaxation is solved over a few routes first; those that its prices make attractive join until
none is left. Routes whose reduced cost exceeds the gap between the relaxation and the plan at hand
cannot be part of a better plan; HiGHS chooses among the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np

from optimizer.search import layout as c
from optimizer.search.plain.pool import Pool

FIRST, MORE, ROUNDS = 4_000, 2_000, 12
MOST = 1_500
"""Routes in the final choice."""


@dataclass(frozen=True, slots=True)
class Routes:
    """Columns: kind of shift, travel, and visits ``visit[first[k] : first[k + 1]]`` in order."""

    kind: Any
    travel: Any
    first: Any
    visit: Any

    def __len__(self) -> int:
        return len(self.kind)

    def take(self, which: Any) -> Routes:
        """Some of the routes, in the order given."""
        lengths = np.diff(self.first)[which]
        first = np.concatenate([[0], np.cumsum(lengths)])
        index = np.repeat(self.first[which] - first[:-1], lengths) + np.arange(first[-1])
        return Routes(self.kind[which], self.travel[which], first, self.visit[index])

    def visits_of(self, k: int) -> list[int]:
        """The k-th route's visits in order."""
        return [int(v) for v in self.visit[self.first[k] : self.first[k + 1]]]


class Store:
    """Routes that searches side by side put together; each chooses from all."""

    def __init__(self) -> None:
        self._parts: list[Routes] = []
        self._lock = Lock()

    def add(self, routes: Routes) -> None:
        """Put routes in."""
        with self._lock:
            self._parts.append(routes)

    def choose(
        self, n: int, shifts_of_kind: Any, known: Routes, seconds: float | None
    ) -> list[tuple[int, list[int]]] | None:
        """(kind of shift, visits) of routes that serve everybody with less travel than ``known``.

        ``known`` is the plan at hand. Routes that cannot be part of a better one leave the store.
        """
        with self._lock:
            parts, self._parts = self._parts, []
        routes = joined([*parts, known])
        upper = int(known.travel.sum())
        chosen, worth = best_choice(routes, n, shifts_of_kind, upper, seconds)
        self.add(routes.take(worth))
        if chosen is None:
            return None
        return [(int(routes.kind[k]), routes.visits_of(k)) for k in chosen]


def held_by(pool: Pool) -> Routes:
    """What the pool holds, as columns of its own."""
    count = int(pool.facts[0])
    return Routes(
        pool.kind[:count].copy(),
        pool.travel[:count].copy(),
        pool.first[: count + 1].copy(),
        pool.visit[: int(pool.first[count])].copy(),
    )


def routes_of(arrays: Any, following: Any) -> Routes:
    """A plan's routes as columns, from its chains ``following``."""
    n, drive = arrays.n, arrays.drive[0]
    kinds, travel, first, visits = list[int](), list[int](), [0], list[int]()
    for r in range(arrays.n_shifts):
        chain, at = [n + 2 * r], n + 2 * r
        while at != n + 2 * r + 1:
            at = int(following[at])
            chain.append(at)
        if len(chain) == 2:
            continue
        places = arrays.task[chain, c.LOCATION]
        legs = drive[places[:-1], places[1:]]
        kinds.append(int(arrays.shift[r, c.SHIFT_TYPE]))
        travel.append(int(legs[: -1 if places[-1] < 0 else None].sum()))
        visits += chain[1:-1]
        first.append(len(visits))
    return Routes(*(np.array(column, np.int64) for column in (kinds, travel, first, visits)))


def joined(parts: list[Routes]) -> Routes:
    """Columns one after another."""
    offsets = np.cumsum([0] + [len(part.visit) for part in parts])
    first = [part.first[:-1] + offset for part, offset in zip(parts, offsets, strict=False)]
    return Routes(
        np.concatenate([part.kind for part in parts]),
        np.concatenate([part.travel for part in parts]),
        np.concatenate([*first, offsets[-1:]]).astype(np.int64),
        np.concatenate([part.visit for part in parts]),
    )


def best_choice(
    routes: Routes, n: int, shifts_of_kind: Any, upper: int, seconds: float | None
) -> tuple[list[int] | None, Any]:
    """Routes that together beat ``upper``, and those worth keeping for another time.

    The last columns have to be a plan, so that the relaxation always has a solution.

    ``seconds`` limits the final choice; without it a count of nodes does, so that the outcome does
    not depend on the machine.

    Returns
    -------
    chosen : list of columns, None where the relaxation or the choice finds nothing better
    worth : indices of the columns that could still be part of a better plan
    """
    from scipy.optimize import Bounds, LinearConstraint, linprog, milp
    from scipy.sparse import csc_matrix

    lengths = np.diff(routes.first)
    rows = n + len(shifts_of_kind)

    def matrix(which: Any) -> Any:
        some = routes.take(which)
        ones = np.diff(some.first)
        index = np.insert(some.visit.astype(np.int64), some.first[1:], n + some.kind)
        start = np.concatenate([[0], np.cumsum(ones + 1)])
        return csc_matrix((np.ones(len(index)), index, start), shape=(rows, len(which)))

    owner = np.repeat(np.arange(len(routes)), lengths)
    order = np.argsort(routes.travel / lengths, kind="stable")
    active = np.unique(np.concatenate([np.arange(len(routes))[-FIRST:], order[:500]]))
    reduced = np.zeros(len(routes))
    gap = 0.0
    for _ in range(ROUNDS):
        columns = matrix(active)
        solved = linprog(
            routes.travel[active], A_eq=columns[:n], b_eq=np.ones(n), A_ub=columns[n:],
            b_ub=shifts_of_kind, bounds=(0, None), method="highs-ds",
        )  # fmt: skip
        if solved.status != 0:
            return None, order[:0]
        prices = solved.eqlin.marginals
        reduced = routes.travel - np.bincount(owner, prices[routes.visit], len(routes))
        reduced -= solved.ineqlin.marginals[routes.kind]
        gap = upper - solved.fun
        wrong = np.flatnonzero(reduced < -1e-6 * max(1.0, upper))
        fresh = np.setdiff1d(wrong, active, assume_unique=True)
        if not len(fresh):
            break
        best = fresh[np.argsort(reduced[fresh], kind="stable")[:MORE]]
        active = np.union1d(active[reduced[active] <= gap], best)
    worth = np.flatnonzero(reduced < gap)
    if gap < 0.5 or not len(worth):
        return None, worth
    if len(worth) > MOST:
        worth = np.sort(worth[np.argsort(reduced[worth], kind="stable")[:MOST]])
    columns = matrix(worth)
    ends = np.concatenate([np.ones(n), shifts_of_kind])
    low = np.concatenate([np.ones(n), np.zeros(len(shifts_of_kind))])
    options: dict[str, Any] = {"node_limit": 500} if seconds is None else {"time_limit": seconds}
    answer = milp(
        routes.travel[worth], constraints=LinearConstraint(columns, low, ends),
        integrality=np.ones(len(worth)), bounds=Bounds(0, 1), options=options,
    )  # fmt: skip
    if answer.x is None:
        return None, worth
    chosen = worth[answer.x > 0.5]
    served = np.bincount(routes.take(chosen).visit, minlength=n)
    if (served != 1).any() or int(routes.travel[chosen].sum()) >= upper:
        return None, worth
    return [int(k) for k in chosen], worth
