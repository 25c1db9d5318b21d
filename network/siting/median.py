"""p-median (with fixed costs and budget) and maximal covering: one engine, two views of cost.

p-median: Hakimi 1964, doi:10.1287/opre.12.3.450. Coverage: Church & ReVelle 1974,
doi:10.1007/BF01942293; it is a p-median in which a demand point pays its weight when no open site
lies within the radius, and nothing otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from network.siting.branch import BranchAndBound
from network.siting.countdown import Countdown
from network.siting.instance import (
    Choice,
    Floats,
    Instance,
    Rows,
    States,
    columns_of,
    nearest_rows,
)
from network.siting.mip import solve_reduced_coverage
from network.siting.problem import Model, SitingProblem
from network.siting.rules import Rules, allowed, cheapest, merged
from network.siting.search import SLICE, Found, Search

FULL_ENTRIES = 3_000_000  # rows are complete up to this many entries
MOST_ENTRIES = 12_000_000  # and never longer than this in all, about 0.3 GiB


@dataclass(slots=True)
class Result:
    """A set of open sites with its value and a bound, both as costs to minimise."""

    chosen: States | None
    value: float
    bound: float
    rounds: int
    nodes: int


def _whole(*arrays: Floats) -> bool:
    return all(bool(np.all(a == np.floor(a))) for a in arrays)


def _median_instance(problem: SitingProblem, rules: Rules, length: int) -> Instance:
    m = len(problem.candidates)
    rows, complete = nearest_rows(
        problem.cost,
        rules.cost_weight,
        rules.state,
        length,
        rules.radius if rules.need.size else -1.0,
        rules.floor_of,
        rules.floor_weight,
    )
    fixed = rules.fixed
    integer = _whole(rules.cost_weight, fixed, rows.cost) and _whole(
        rows.cap[np.isfinite(rows.cap)]
    )
    integer = integer and (complete or _whole(problem.cost[np.isfinite(problem.cost)]))
    choice = Choice(fixed, rules.spend, rules.budget, rules.least, rules.most, rules.need)
    return Instance(rows, columns_of(rows, m), choice, integer, complete)


def _coverage_instance(problem: SitingProblem, rules: Rules) -> Instance:
    m = len(problem.candidates)
    within = (problem.cost <= rules.radius) & (rules.state != 2)
    items = []
    floor_of = []
    for d in range(-1, rules.need.size):
        mine = np.flatnonzero((rules.floor_of == d) & (rules.weight > 0.0))
        group = merged(within[mine], rules.weight[mine])
        items += group
        floor_of += [d] * len(group)
    counts = np.array([len(item.sites) for item in items], dtype=np.int64)
    start = np.zeros(len(items) + 1, np.int64)
    np.cumsum(counts, out=start[1:])
    site = (
        np.concatenate([item.sites for item in items]).astype(np.int32)
        if items
        else np.zeros(0, np.int32)
    )
    weight = np.array([item.weight for item in items])
    rows = Rows(
        start,
        site,
        np.zeros(site.size),
        weight,
        weight.copy(),
        start[1:].copy(),
        np.zeros(len(items)),
        np.array(floor_of, dtype=np.int32),
        weight.copy(),
    )
    choice = Choice(np.zeros(m), rules.spend, rules.budget, rules.least, rules.most, rules.need)
    return Instance(rows, columns_of(rows, m), choice, _whole(weight), True)


class MedianSolver:
    """One p-median or coverage question; also answers it again for another p or budget."""

    def __init__(
        self, problem: SitingProblem, rules: Rules, countdown: Countdown, seed: int
    ) -> None:
        self.problem = problem
        self.rules = rules
        self.countdown = countdown
        self.seed = seed
        self.coverage = problem.model is Model.COVERAGE
        # demand that no site can cover pays in every plan; it is left out of the rows
        self.offset = 0.0

    def judge(self, chosen: States) -> float:
        """The true value of a set, ``inf`` when it breaks a rule."""
        best, _ = cheapest(self.problem, chosen)
        if not allowed(self.rules, chosen, best):
            return float("inf")
        if self.coverage:
            return float(self._coverable[best[self._coverable_at] > self.rules.radius].sum())
        if not np.all(np.isfinite(best)):
            return float("inf")
        return float(self.rules.cost_weight @ best + self.rules.fixed[chosen == 1].sum())

    def _instance(self, length: int) -> Instance:
        if not self.coverage:
            return _median_instance(self.problem, self.rules, length)
        alive = self.rules.state != 2
        seen = np.any(self.problem.cost[:, alive] <= self.rules.radius, axis=1)
        self._coverable_at = np.flatnonzero(seen)
        self._coverable = self.rules.weight[seen]
        self.offset = float(self.rules.weight[~seen].sum())
        return _coverage_instance(self.problem, self.rules)

    def _row_length(self) -> int:
        n, m = len(self.problem.demand), len(self.problem.candidates)
        if n * m <= FULL_ENTRIES:
            return m
        expected = self.rules.most if self.rules.most < m else max(1, self.rules.least)
        length = int(np.clip(8 * m // max(1, expected), 64, m))
        if self.rules.need.size:
            near = np.count_nonzero(self.problem.cost <= self.rules.radius, axis=1)
            length = max(length, min(m, int(near.max(initial=0)) + 1))
        return min(length, max(2, MOST_ENTRIES // max(1, n)))

    def solve(self, start: States | None = None) -> Result:
        """Search and bound until closed or out of time.

        Parameters
        ----------
        start
            A set to begin from, for instance the answer for one site fewer.
        """
        length = self._row_length()
        while True:
            instance = self._instance(length)
            search = Search(instance, self.rules.state, self.judge, self.countdown, self.seed)
            found = self._run(search, instance, start)
            widest = min(self.problem.cost.shape[1], MOST_ENTRIES // max(1, len(self.rules.weight)))
            if (
                instance.complete
                or length >= widest
                or self.countdown.over()
                or self._closed(found, instance)
                or not self._beyond(found, instance)
            ):
                break
            length = min(widest, 2 * length)
            start = found.chosen
        bound = found.bound
        if instance.integer and np.isfinite(bound):
            bound = float(np.ceil(bound))
        chosen = found.chosen if np.isfinite(found.value) else None
        return Result(
            chosen, found.value, min(bound, found.value), self.countdown.rounds, found.nodes
        )

    def _closed(self, found: Found, instance: Instance) -> bool:
        return found.closed(instance.integer, self.countdown.gap)

    def _beyond(self, found: Found, instance: Instance) -> bool:
        """Whether the plan or the multipliers press against the end of the cut rows."""
        at_cap = found.ascent.multiplier >= instance.rows.cap * (1.0 - 1e-12)
        return bool(np.any(at_cap & (instance.rows.cap > 0.0)))

    def _run(self, search: Search, instance: Instance, start: States | None) -> Found:
        gap, integer = self.countdown.gap, instance.integer
        value, chosen = search.first_plan()
        if start is not None:
            other_value, other = search.polish(start)
            if other_value < value or not np.isfinite(value):
                value, chosen = other_value, other
        found = search.begin(value, chosen)
        if self.coverage:
            found.whole = float(self._coverable.sum())
        while not found.closed(integer, gap) and found.step >= 1e-3:
            # the first slice runs whatever the clock says: an answer without a bound is none
            search.raise_bound(found, SLICE, gap)
            if self.countdown.over():
                return found
            search.better_plan(found)
            search.narrow(found, gap)
        return self._close(search, found)

    def _close_coverage(self, search: Search, found: Found) -> None:
        """Hand what is left to a MIP solver, and judge what it says."""
        instance, gap = search.instance, self.countdown.gap
        if self.countdown.limited():
            return  # its effort is measured in seconds only
        # a better plan fixes more sites, which is worth more to the solver than time
        until = self.countdown.elapsed_s() + 0.15 * self.countdown.left_s()
        idle = 0
        while idle < 10 and self.countdown.elapsed_s() < until:
            idle = 0 if search.shake(found, 40) else idle + 1
        search.narrow(found, gap)
        if found.closed(instance.integer, gap):
            return
        chosen, bound = solve_reduced_coverage(
            search.bound_rows,
            instance.choice,
            search.bound_state,
            found.chosen,
            0.8 * self.countdown.left_s(),
            max(gap, 1e-9),
        )
        if chosen is not None:
            value = self.judge(chosen)
            if value < found.value:
                found.value, found.chosen = value, chosen
        limit = found.value - found.slack(instance.integer, gap)
        if bound <= found.value * (1.0 + 1e-6) + 1e-6:
            found.bound = max(found.bound, min(bound, limit))

    def _close(self, search: Search, found: Found) -> Found:
        """Branch and bound, with iterated search beside it as long as the gap is wide."""
        gap, integer = self.countdown.gap, search.instance.integer
        if found.closed(integer, gap) or not np.isfinite(found.value):
            return found
        if self.coverage:
            self._close_coverage(search, found)
        branching: BranchAndBound | None = None
        shaking, bounding = 0.0, self.countdown.effort()
        while not found.closed(integer, gap) and not self.countdown.over():
            distance = (found.value - found.bound) / max(abs(found.value), 1e-300)
            share = 0.5 if distance > 2e-3 else 0.12
            before = self.countdown.effort()
            if shaking <= share * (shaking + bounding):
                self.countdown.spend(3)
                if search.shake(found, 6):
                    search.narrow(found, gap)
                shaking += self.countdown.effort() - before
                continue
            if branching is None:
                search.narrow(found, gap)
                branching = BranchAndBound(search, found, gap)
            branching.run(8)
            bounding += self.countdown.effort() - before
            if branching.exhausted():
                break
        return found
