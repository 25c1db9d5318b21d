"""Fixed-charge location with capacities; demand may be split between sites.

Model and test sets: Beasley 1988, doi:10.1016/0377-2217(88)90355-0. Bound by Lagrangian relaxation,
plans by solving the transportation problem for a set of open sites, the rest by branch and bound.
"""

from __future__ import annotations

import heapq
from itertools import count

import numpy as np
from numpy.typing import NDArray

from network.siting.capacity_dual import ascend_capacitated
from network.siting.countdown import Countdown
from network.siting.dual import Ascent
from network.siting.fixing import fix_by_score
from network.siting.instance import Choice, Floats, States
from network.siting.median import Result
from network.siting.problem import SitingProblem
from network.siting.rules import Rules, backed_up, keeps_terms
from network.siting.search import CLOSED
from network.siting.split import split_with_floors
from network.siting.transport import transport

Shares = list[tuple[int, int, float]]

ROOT_ROUNDS = 400
NODE_ROUNDS = 40


class CapacitatedSolver:
    """Branch and bound for one capacitated problem."""

    def __init__(
        self, problem: SitingProblem, rules: Rules, countdown: Countdown, seed: int
    ) -> None:
        self.problem, self.rules, self.countdown = problem, rules, countdown
        self.random = np.random.default_rng(seed)
        self.weight = rules.weight
        load = float(self.weight.sum())
        sizes = [np.inf if s.capacity is None else s.capacity for s in problem.candidates]
        self.capacity = np.minimum(np.array(sizes), load)
        self.load = load
        # out of reach stays out of reach, even for a weight of 0
        reach = np.isfinite(rules.net)
        finite = np.where(reach, rules.net, 0.0) * rules.cost_weight[:, None]
        self.cost = np.ascontiguousarray(np.where(reach, finite, np.inf).T)
        self.near = np.ascontiguousarray((problem.cost <= rules.radius).T.astype(np.int8))
        heavy = self.weight > 0.0
        self.heavy = np.flatnonzero(heavy)
        self.light = np.flatnonzero(~heavy)
        self.unit = np.ascontiguousarray(self.cost[:, self.heavy] / self.weight[self.heavy])
        self.value = np.inf
        self.chosen: States | None = None
        self._known: dict[bytes, float] = {}
        self.nodes = 0
        whole = all(
            bool(np.all(a == np.floor(a)))
            for a in (
                self.unit[np.isfinite(self.unit)],
                self.weight,
                self.capacity[np.isfinite(self.capacity)],
                rules.fixed,
            )
        )
        # whole capacities, weights and unit costs: some optimal split is whole as well
        self.integer = whole and not rules.need.size

    def least_sites(self, state: States) -> int:
        """How many sites it takes at least to hold all demand, given what is fixed."""
        opened = self.capacity[state == 1]
        missing = self.load * (1.0 - 1e-9) - float(opened.sum())
        sizes = np.sort(self.capacity[state == 0])[::-1]
        total = np.cumsum(sizes)
        more = 0 if missing <= 0.0 else int(np.searchsorted(total, missing)) + 1
        if more > sizes.size:
            return int(1e9)
        return max(self.rules.least, int(opened.size) + more)

    def judge(self, chosen: States) -> float:
        """Exact cost of a set of open sites, ``inf`` when it breaks a rule; keeps the best."""
        key = chosen.tobytes()
        if key in self._known:
            return self._known[key]
        value = self._judge(chosen)
        self._known[key] = value
        if value < self.value:
            self.value, self.chosen = value, chosen.copy()
        return value

    def _allowed(self, chosen: States) -> bool:
        rules = self.rules
        size = int(chosen.sum())
        return (
            rules.least <= size <= rules.most
            and float(rules.spend[chosen == 1].sum()) <= rules.budget * (1.0 + 1e-9)
            and float(self.capacity[chosen == 1].sum()) >= self.load * (1.0 - 1e-9)
            and keeps_terms(rules, chosen)
            and backed_up(rules, chosen)
        )

    def _judge(self, chosen: States) -> float:
        if not self._allowed(chosen):
            return float("inf")
        opened = np.flatnonzero(chosen == 1)
        fixed = float(self.rules.fixed[opened].sum())
        light = self.cost[np.ix_(opened, self.light)].min(axis=0, initial=np.inf)
        if not np.all(np.isfinite(light)):
            return float("inf")
        total = float(light.sum()) + fixed
        if self.rules.need.size:
            split = split_with_floors(
                self.unit[opened],
                self.weight[self.heavy],
                self.capacity[opened],
                self.near[np.ix_(opened, self.heavy)],
                self.rules.floor_of[self.heavy],
                self.rules.need,
            )
            return float("inf") if split is None else total + split[0]
        amount = np.empty((opened.size, self.heavy.size))
        return total + transport(
            self.unit[opened], self.weight[self.heavy], self.capacity[opened], amount
        )

    def shares(self, chosen: States) -> Shares:
        """The split behind :meth:`judge`."""
        opened = np.flatnonzero(chosen == 1)
        weight = self.weight[self.heavy]
        if self.rules.need.size:
            split = split_with_floors(
                self.unit[opened],
                weight,
                self.capacity[opened],
                self.near[np.ix_(opened, self.heavy)],
                self.rules.floor_of[self.heavy],
                self.rules.need,
            )
            assert split is not None
            amount = split[1]
        else:
            amount = np.empty((opened.size, self.heavy.size))
            transport(self.unit[opened], weight, self.capacity[opened], amount)
        pairs: Shares = []
        for at, i in enumerate(self.heavy):
            parts = amount[:, at]
            for a in np.flatnonzero(parts > 1e-12 * weight[at]):
                pairs.append((int(i), int(opened[a]), float(parts[a] / parts.sum())))
        for i in self.light:
            pairs.append((int(i), int(opened[np.argmin(self.cost[opened, i])]), 1.0))
        return sorted(pairs)

    def repaired(self, guide: Floats) -> States:
        """Open sites in order of ``guide`` until the demand fits and the number is allowed."""
        rules = self.rules
        chosen: States = (rules.state == 1).astype(np.int8)
        spent = 0.0
        order = np.argsort(-guide, kind="stable")
        for j in order:
            if rules.state[j] != 0:
                continue
            enough = float(self.capacity[chosen == 1].sum()) >= self.load
            if enough and guide[j] < 0.5 and int(chosen.sum()) >= rules.least:
                break
            if int(chosen.sum()) >= rules.most or spent + rules.spend[j] > rules.budget:
                continue
            chosen[j] = 1
            spent += float(rules.spend[j])
        return chosen

    def improve(self, chosen: States, likely: NDArray[np.int64]) -> None:
        """Close, open and exchange sites among the likely ones while that helps."""
        value = self.judge(chosen)
        better = True
        while better and not self.countdown.over():
            better = False
            opened = [int(j) for j in np.flatnonzero(chosen == 1) if self.rules.state[j] == 0]
            closed = [int(j) for j in likely if chosen[j] == 0 and self.rules.state[j] == 0]
            moves: list[tuple[int, ...]] = []
            moves.extend((j,) for j in opened + closed)
            moves.extend((r, f) for r in opened for f in closed)
            for move in moves:
                if self.countdown.over():
                    break
                trial = chosen.copy()
                for j in move:
                    trial[j] = 1 - trial[j]
                trial_value = self.judge(trial)
                if trial_value < value * (1.0 - 1e-12):
                    chosen, value, better = trial, trial_value, True
                    break

    def limit(self) -> float:
        """The bound at which a node cannot hold anything worth finding."""
        if not np.isfinite(self.value):
            return np.inf
        slack = max(CLOSED, self.countdown.gap) * abs(self.value)
        if self.integer:
            slack = max(slack, 1.0 - 1e-6)
        return self.value - slack

    def run(self, start: States | None) -> Result:
        """Solve."""
        rules, m = self.rules, len(self.problem.candidates)
        finite = np.where(np.isfinite(self.cost), self.cost, np.nan)
        ranked = np.sort(finite[rules.state != 2], axis=0)
        depth = min(ranked.shape[0] - 1, max(1, ranked.shape[0] // 5))
        first = np.nan_to_num(ranked[depth], nan=float(np.nanmax(finite)))
        ordinary = float(np.median(first[first > 0.0])) if np.any(first > 0.0) else 1.0
        scale = np.concatenate(
            [
                np.maximum(first, ordinary * 1e-3),
                np.array([max(1.0, first.sum()) / max(x, 1e-9) ** 2 for x in rules.need]),
                np.full(rules.limit.size - 1, max(1.0, float(first.sum())) / 10.0),
            ]
        )
        root = Ascent(
            first + float(rules.fixed.mean()) * self.weight / max(self.load, 1e-300),
            np.zeros(rules.need.size + rules.limit.size - 1),
            np.zeros(m),
            np.zeros(m),
            np.zeros(m),
            np.zeros(scale.size),
        )
        if start is not None:
            self.judge(start)
        bound, step = -np.inf, 1.0
        state = rules.state.copy()
        for _ in range(0, ROOT_ROUNDS, 50):
            value, step, made = self._ascend(root, state, scale, 50, step, 0.7, 12)
            self.countdown.spend(made)
            bound = max(bound, min(value, self.limit()))
            if value == np.inf:
                return Result(None, np.inf, np.inf, self.countdown.rounds, 0)
            for guide in (root.chosen, root.mean):
                self.judge(self.repaired(guide))
            if bound >= self.limit() or step < 1e-3 or self.countdown.over():
                break
        if self.chosen is not None and bound < self.limit():
            self._polish(root)
            state = fix_by_score(root.score, state, self._choice(state), bound, self.limit())
        if self.value < np.inf or not self.countdown.over():
            bound = self._branch(root, state, scale, bound)
        if self.integer and np.isfinite(bound):
            bound = float(np.ceil(bound))
        return Result(
            self.chosen, self.value, min(bound, self.value), self.countdown.rounds, self.nodes
        )

    def _polish(self, ascent: Ascent) -> None:
        if self.chosen is None:
            return
        order = np.argsort(ascent.score - 1e-9 * ascent.mean, kind="stable")
        size = int(self.chosen.sum())
        self.improve(self.chosen.copy(), order[: size + 6])

    def _choice(self, state: States) -> Choice:
        rules = self.rules
        return Choice(
            rules.fixed,
            rules.use,
            rules.limit,
            self.least_sites(state),
            rules.most,
            rules.need,
        )

    def _ascend(
        self,
        ascent: Ascent,
        state: States,
        scale: Floats,
        rounds: int,
        step: float,
        shrink: float,
        patience: int,
    ) -> tuple[float, float, int]:
        rules = self.rules
        least = self.least_sites(state)
        if least > rules.most:
            return np.inf, step, 0
        upper = self.value
        if not np.isfinite(upper):
            upper = 1.2 * abs(float(ascent.multiplier.sum())) + 1.0
        target = self.limit() + CLOSED * abs(self.value) if np.isfinite(self.value) else np.inf
        return ascend_capacitated(
            self.cost,
            self.near,
            self.weight,
            self.capacity,
            rules.fixed,
            rules.use,
            rules.limit,
            least,
            rules.most,
            rules.need,
            rules.floor_of,
            state,
            scale,
            upper,
            target,
            step,
            shrink,
            patience,
            max(1, self.countdown.rounds_left(rounds)),
            0.7,
            ascent,
        )

    def _branch(self, root: Ascent, state: States, scale: Floats, bound: float) -> float:
        order = count()
        queue = [(bound, next(order), state, root.multiplier, root.floor_multiplier, root.mean)]
        pruned = np.inf
        while queue and not self.countdown.over():
            low, _, state, multiplier, floor_multiplier, mean = heapq.heappop(queue)
            if low >= self.limit():
                pruned = min(pruned, low)
                continue
            ascent = Ascent(
                multiplier.copy(),
                floor_multiplier.copy(),
                np.zeros(state.size),
                np.zeros(state.size),
                mean.copy(),
                np.zeros(scale.size),
            )
            value, _, made = self._ascend(ascent, state, scale, NODE_ROUNDS, 1.0, 0.7, 6)
            self.countdown.spend(max(1, made))
            self.nodes += 1
            if value == np.inf:
                continue
            low = max(low, value)
            before = self.value
            self.judge(self.repaired(np.where(state == 1, 2.0, ascent.mean) - 2.0 * (state == 2)))
            self.judge(self.repaired(ascent.chosen - 2.0 * (state == 2)))
            if self.value < before:
                self._polish(ascent)
            if low >= self.limit():
                pruned = min(pruned, low)
                continue
            if np.isfinite(self.value):
                state = fix_by_score(ascent.score, state, self._choice(state), low, self.limit())
            free = np.flatnonzero(state == 0)
            forced = int(np.count_nonzero(state == 1))
            if forced > self.rules.most or self.least_sites(state) > forced + free.size:
                continue
            if free.size == 0 or forced == self.rules.most:
                pruned = min(pruned, self.judge((state == 1).astype(np.int8)))
                continue
            j = free[np.argmin(np.abs(ascent.mean[free] - 0.5))]
            for side in (1, 2):
                half = state.copy()
                half[j] = side
                item = (
                    low,
                    next(order),
                    half,
                    ascent.multiplier,
                    ascent.floor_multiplier,
                    ascent.mean,
                )
                heapq.heappush(queue, item)
        proven = min([pruned, *(item[0] for item in queue)])
        if np.isfinite(self.value):
            proven = min(proven, self.limit())
        return float(max(bound, proven))


def solve_capacitated(
    problem: SitingProblem,
    rules: Rules,
    countdown: Countdown,
    seed: int,
    start: States | None,
) -> tuple[Result, Shares | None]:
    """Solve a capacitated problem; the shares are (demand, site, share) by index."""
    solver = CapacitatedSolver(problem, rules, countdown, seed)
    result = solver.run(start)
    return result, None if result.chosen is None else solver.shares(result.chosen)
