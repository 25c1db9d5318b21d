"""p-median (with fixed costs and budget) and maximal covering: one engine, two views of cost.

p-median: Hakimi 1964, doi:10.1287/opre.12.3.450. Coverage: Church & ReVelle 1974,
doi:10.1007/BF01942293; it is a p-median in which a demand point pays its weight when no open site
lies within the radius, and nothing otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from network.siting.branch import BranchAndBound
from network.siting.countdown import Countdown
from network.siting.dominance import without_dominated
from network.siting.instance import (
    Choice,
    Floats,
    Instance,
    Rows,
    States,
    columns_of,
    count_rows,
    joined,
    nearest_rows,
)
from network.siting.mip import solve_reduced_coverage
from network.siting.problem import Model, SitingProblem
from network.siting.rules import Rules, allowed, cheapest, covered_twice, merged
from network.siting.search import Found, Search
from network.siting.warm import warm_up

FULL_ENTRIES = 3_000_000  # rows are complete up to this many entries
MOST_ENTRIES = 12_000_000  # and never longer than this in all, about 0.3 GiB
IDLE_NODES, IDLE_GAIN = 48, 0.01  # nodes that gained less of the gap lead nowhere
IDLE_SHAKES = 20


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


def _counted(within: NDArray[np.bool_], weight: Floats, pays: bool, floor: int, times: int) -> Rows:
    """Rows of equal demand: each pays its weight when missed, or counts it for a floor."""
    items = merged(within, weight, times)
    seen = np.zeros((len(items), within.shape[1]), dtype=bool)
    for row, item in enumerate(items):
        seen[row, item.sites] = True
    much = np.array([item.weight for item in items])
    nothing = np.zeros(len(items))
    return count_rows(
        seen,
        much if pays else nothing,
        np.full(len(items), floor, np.int32),
        much if floor >= 0 else nothing,
        times,
    )


def _backup_rows(rules: Rules) -> list[Rows]:
    """Rows that ask for two open sites: what back-up pays, then the back-up floors."""
    if rules.twice is None:
        return []
    near = rules.twice.near & (rules.state != 2)
    rows = []
    if np.any(rules.twice.pay):
        rows.append(_counted(near, rules.twice.pay, True, -1, 2))
    for d, mine in enumerate(rules.twice.members):
        rows.append(_counted(near[mine], rules.weight[mine], False, rules.need.size + d, 2))
    return rows


def _choice(rules: Rules, fixed: Floats) -> Choice:
    need = rules.need
    if rules.twice is not None:
        need = np.concatenate([need, rules.twice.need])
    return Choice(fixed, rules.use, rules.limit, rules.least, rules.most, need)


def _median_instance(problem: SitingProblem, rules: Rules, shift: Floats, length: int) -> Instance:
    m = len(problem.candidates)
    subsidised = rules.net is not problem.cost
    # with subsidies the site that serves need not be the nearest: floors get rows of their own
    inside = rules.need.size > 0 and not subsidised
    rows, complete = nearest_rows(
        rules.net + shift[:, None] if subsidised else problem.cost,
        rules.cost_weight,
        rules.state,
        length,
        rules.radius if inside else -1.0,
        rules.floor_of if inside else np.full_like(rules.floor_of, -1),
        rules.floor_weight,
    )
    more = _backup_rows(rules)
    if subsidised:
        within = (problem.cost <= rules.radius) & (rules.state != 2)
        for d in range(rules.need.size):
            mine = np.flatnonzero(rules.floor_of == d)
            more.append(_counted(within[mine], rules.weight[mine], False, d, 1))
    if more:
        rows = joined(rows, *more)
    fixed = rules.fixed
    integer = _whole(rules.cost_weight, fixed, rows.cost) and _whole(
        rows.cap[np.isfinite(rows.cap)]
    )
    integer = integer and (complete or _whole(problem.cost[np.isfinite(problem.cost)]))
    integer = integer and not subsidised
    return Instance(rows, columns_of(rows, m), _choice(rules, fixed), integer, complete)


def _coverage_rows(problem: SitingProblem, rules: Rules, state: States) -> Rows:
    within = (problem.cost <= rules.radius) & (state != 2)
    parts = []
    for d in range(-1, rules.need.size):
        mine = np.flatnonzero((rules.floor_of == d) & (rules.weight > 0.0))
        parts.append(_counted(within[mine], rules.weight[mine], True, d, 1))
    return joined(*parts, *_backup_rows(rules))


def _coverage_instance(problem: SitingProblem, rules: Rules) -> tuple[Instance, States]:
    """The instance, and the sites' states with those closed that others replace."""
    m = len(problem.candidates)
    rows = _coverage_rows(problem, rules, rules.state)
    state = without_dominated(rows, columns_of(rows, m), rules)
    if state is not rules.state:
        rows = _coverage_rows(problem, rules, state)  # without them more rows are alike
    choice = _choice(rules, np.zeros(m))
    return Instance(rows, columns_of(rows, m), choice, _whole(rows.escape), True), state


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
        # subsidies may make costs negative; rows are shifted so that none is
        self.shift = np.zeros(len(problem.demand))
        if rules.net is not problem.cost:
            self.shift = -np.minimum(0.0, rules.net.min(axis=1))
        self.offset = float(rules.cost_weight @ self.shift)

    def judge(self, chosen: States) -> float:
        """The true value of a set, ``inf`` when it breaks a rule."""
        best, _ = cheapest(self.problem.cost, chosen)
        if not allowed(self.rules, chosen, best):
            return float("inf")
        if self.coverage:
            missed = float(self._coverable[best[self._coverable_at] > self.rules.radius].sum())
            if self.rules.twice is not None:
                held = covered_twice(self.rules.twice, chosen)
                missed += float(self.rules.twice.pay[self._doubly & ~held].sum())
            return missed
        if not np.all(np.isfinite(best)):
            return float("inf")
        if self.rules.net is not self.problem.cost:
            best = cheapest(self.rules.net, chosen)[0] + self.shift
        return float(self.rules.cost_weight @ best + self.rules.fixed[chosen == 1].sum())

    def _instance(self, length: int) -> tuple[Instance, States]:
        if not self.coverage:
            found = _median_instance(self.problem, self.rules, self.shift, length)
            return found, self.rules.state
        alive = self.rules.state != 2
        seen = np.any(self.problem.cost[:, alive] <= self.rules.radius, axis=1)
        self._coverable_at = np.flatnonzero(seen)
        # demand that no site can cover pays in every plan; it is left out of the rows
        self._coverable = self.rules.weight[seen]
        if self.rules.twice is not None:
            self._doubly = self.rules.twice.near[:, alive].sum(axis=1) >= 2
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
        self.countdown.aside(warm_up)
        length = self._row_length()
        while True:
            instance, state = self._instance(length)
            search = Search(instance, state, self.judge, self.countdown, self.seed)
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
        bound = min(bound, found.value)
        if found.value - bound <= 1e-12 * abs(found.whole or 0.0):
            bound = found.value  # less than what sums of such numbers round
        value, bound = found.value - self.offset, bound - self.offset
        return Result(chosen, value, bound, self.countdown.rounds, found.nodes)

    def _closed(self, found: Found, instance: Instance) -> bool:
        return found.closed(instance.integer, self.countdown.gap)

    def _beyond(self, found: Found, instance: Instance) -> bool:
        """Whether the plan or the multipliers press against the end of the cut rows."""
        at_cap = found.ascent.multiplier >= instance.rows.cap * (1.0 - 1e-12)
        return bool(np.any(at_cap & (instance.rows.cap > 0.0)))

    def _run(self, search: Search, instance: Instance, start: States | None) -> Found:
        begun = self.countdown.effort()
        gap, integer = self.countdown.gap, instance.integer
        value, chosen = search.first_plan()
        if start is not None:
            polished = search.polish(start)
            for other_value, other in (polished, (self.judge(start), start)):
                if other_value < value:
                    value, chosen = other_value, other
        found = search.begin(value, chosen)
        if self.coverage:
            found.whole = float(self._coverable.sum())
            if self.rules.twice is not None:
                found.whole += float(self.rules.twice.pay[self._doubly].sum())
        elif self.offset:
            found.whole = self.offset
        while not found.closed(integer, gap) and found.step >= 1e-3:
            # the first slice runs whatever the clock says: an answer without a bound is none
            search.raise_bound(found, search.slice, gap)
            if self.countdown.over():
                return found
            search.better_plan(found)
            search.narrow(found, gap)
        return self._close(search, found, begun)

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

    def _close(self, search: Search, found: Found, begun: float) -> Found:
        """Branch and bound, with iterated search beside it as long as the gap is wide.

        ``begun``: the effort that was spent before the bound's first round.
        """
        gap, integer = self.countdown.gap, search.instance.integer
        if found.closed(integer, gap) or not np.isfinite(found.value):
            return found
        if self.coverage:
            self._close_coverage(search, found)
        branching: BranchAndBound | None = None
        shaking, bounding = 0.0, self.countdown.effort() - begun
        unbranched, idle = found.bound, 0
        while not found.closed(integer, gap) and not self.countdown.over():
            distance = (found.value - found.bound) / max(abs(found.value), 1e-300)
            share = 0.5 if distance > 2e-3 and idle < IDLE_SHAKES else 0.12
            if found.nodes >= IDLE_NODES and found.bound - unbranched < IDLE_GAIN * (
                found.value - unbranched
            ):
                share = 0.9  # branching leads nowhere: what is left of the gap is the relaxation's
            before = self.countdown.effort()
            if shaking <= share * (shaking + bounding):
                self.countdown.spend(3)
                idle += 1
                if search.shake(found, 6):
                    search.narrow(found, gap)
                    idle = 0
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
