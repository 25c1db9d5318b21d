"""Search and bound together on one instance, until they meet or the time is up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from network.siting import dual, shake, swap
from network.siting.countdown import Countdown
from network.siting.fixing import fix_by_score, reduced_rows
from network.siting.instance import Floats, Instance, States, columns_of

CLOSED = 1e-7  # relative; a search ends when bound and plan are this near
ROUNDING = 1e-6  # of the numbers that cancelled
SLICE = 60  # rounds of the bound between two attempts at a better plan
PATIENCE = 30  # rounds without a gain before the step shrinks
SHRINK = 0.6
DEARER = 1_000.0  # a rule broken by very little may be worth it at the ordinary price
# Sparse rows make rounds cheap, and coverage rows, which all cost nothing, make them zigzag: there
# a long wait at each step comes near the linear relaxation, a short one stays 0.2 % below it.
PATIENT_ENTRIES = 20_000_000
MOST_PATIENCE = 300

Judge = Callable[[States], float]


@dataclass(slots=True)
class Found:
    """What a search knows: the best plan, its value, and a proven bound.

    ``value`` is ``inf`` while no plan is known that respects everything. ``whole`` is where the
    plan's own scale has its 0: coverage counts from all weight down, subsidies shift the costs.
    """

    chosen: States
    value: float
    bound: float
    ascent: dual.Ascent
    step: float
    scale: Floats
    price: Floats
    nodes: int = 0
    whole: float | None = None

    def slack(self, integer: bool, gap: float) -> float:
        """How far below the plan's value a bound may stay and still close the search."""
        if not np.isfinite(self.value):
            return 0.0
        whole = self.whole or 0.0
        # subsidies may bring a plan to its 0, where nothing is left to be relative to
        worth = max(abs(self.value - whole), ROUNDING * abs(whole))
        allowed = max(CLOSED, gap) * worth
        return max(allowed, 1.0 - 1e-6) if integer else allowed

    def closed(self, integer: bool, gap: float) -> bool:
        """Whether nothing better than the plan can exist (or the wanted gap is reached)."""
        return self.bound >= self.value - self.slack(integer, gap)


class Search:
    """Fast swap and Lagrangian bound on one instance.

    Parameters
    ----------
    state
        0 free, 1 open, 2 closed; shape ``(m,)``.
    judge
        The true value of a set of open sites, ``inf`` when it breaks a rule.
    """

    def __init__(
        self,
        instance: Instance,
        state: States,
        judge: Judge,
        countdown: Countdown,
        seed: int,
    ) -> None:
        self.instance = instance
        self.state = state
        self.judge = judge
        self.countdown = countdown
        self.random = np.random.default_rng(seed)
        self._tried: set[bytes] = set()
        self.patience, self.slice, self.shrink = PATIENCE, SLICE, SHRINK
        if instance.rows.cost.size and not np.any(instance.rows.cost):
            entries = instance.rows.cost.size
            self.patience = int(np.clip(PATIENT_ENTRIES // entries, PATIENCE, MOST_PATIENCE))
            self.slice = max(SLICE, 2 * self.patience)
            self.shrink = 0.5 if self.patience >= 100 else SHRINK
        self.bound_state = state
        self.bound_rows = instance.rows
        self.bound_columns = instance.columns
        choice = instance.choice
        top = float(np.max(instance.rows.escape, initial=1.0))
        if not np.any(instance.rows.cost):
            top = max(top, float(instance.rows.escape.sum()))  # all that coverage can win
        total = float(instance.rows.cost.size and np.max(instance.rows.cost)) * len(
            instance.rows.cap
        )
        total = max(total, top, float(choice.fixed.sum()))
        money = float(choice.limit[0]) if 0.0 < choice.limit[0] < np.inf else 1.0
        weight = float(np.max(choice.need, initial=0.0)) or 1.0
        self.price = np.array([10.0 * total / money, 10.0 * total / weight, 10.0 * total])

    def _shape(
        self,
    ) -> tuple[Floats, Floats, Floats, int, int, Floats]:
        choice = self.instance.choice
        return choice.fixed, choice.use, choice.limit, choice.least, choice.most, choice.need

    def polish(self, chosen: States) -> tuple[float, States]:
        """Local search from ``chosen``; returns the true value and the set."""
        rows, columns = self.bound_rows, self.bound_columns
        start = chosen.copy()
        # nothing better has a site that fixing excluded, so the search leaves those alone too
        start[self.bound_state == 1] = 1
        start[self.bound_state == 2] = 0
        standing = swap.stand(rows, self.instance.choice.use, self.instance.choice.need.size, start)
        self._fit_count(standing)
        order = self.random.permutation(len(chosen))
        swap.improve(rows, columns, *self._shape(), self.price, self.bound_state, standing, order)
        result = (standing.open_at >= 0).astype(np.int8)
        return self._judged(result), result

    def _fit_count(self, standing: swap.Standing) -> None:
        """Open or close sites until their number is allowed."""
        rows, columns, choice = self.bound_rows, self.bound_columns, self.instance.choice
        if standing.size[0] < choice.least:
            swap.greedy(
                rows,
                columns,
                *self._shape(),
                self.price,
                self.bound_state,
                standing,
            )
            closed = np.flatnonzero((standing.open_at < 0) & (self.bound_state != 2))
            for j in closed[np.argsort(choice.use[0, closed], kind="stable")]:
                if standing.size[0] >= choice.least:
                    break
                swap.open_site(rows, columns, choice.use, standing, int(j))
        while standing.size[0] > choice.most:
            sites = standing.sites[: standing.size[0]]
            free = sites[self.bound_state[sites] == 0]
            if free.size == 0:
                break
            swap.close_site(
                rows, columns, choice.use, standing, int(free[np.argmin(standing.loss[free])])
            )

    def _judged(self, chosen: States) -> float:
        choice = self.instance.choice
        count = int(chosen.sum())
        if not choice.least <= count <= choice.most:
            return float("inf")
        return self.judge(chosen)

    def first_plan(self) -> tuple[float, States]:
        """Greedy construction and local search; broken rules cost more when that broke one."""
        value, chosen = self.polish((self.state == 1).astype(np.int8))
        if not np.isfinite(value):
            self.price = self.price * DEARER
            value, chosen = self.polish(chosen)
        return value, chosen

    def begin(self, value: float, chosen: States) -> Found:
        """Multipliers and step scales from a first plan (valid whatever the plan is worth)."""
        rows, choice = self.instance.rows, self.instance.choice
        standing = swap.stand(rows, choice.use, choice.need.size, chosen)
        listed_end = rows.start[1:] - 1
        has = rows.start[1:] > rows.start[:-1]
        largest = np.zeros(len(rows.cap))
        largest[has] = rows.cost[listed_end[has]]
        limit = np.minimum(
            rows.escape, np.maximum(largest * 2.0, np.where(np.isfinite(rows.cap), rows.cap, 0.0))
        )
        if not np.any(rows.cost):
            limit = np.where(np.isfinite(rows.cap), rows.cap, 1.0)
        near = np.minimum(standing.first_cost, limit)
        far = np.minimum(standing.second_cost, limit)
        middle = 0.5 * (near + far)
        ordinary = float(np.median(middle[middle > 0.0])) if np.any(middle > 0.0) else 1.0
        scale = np.maximum(middle, ordinary * 1e-3)
        if not np.any(rows.cost):
            scale = np.maximum(limit, 1e-12)
        reference = value if np.isfinite(value) else float(np.sum(far))
        for d, asked in enumerate(choice.need):
            # rows that only count have no cost of their own to set the pace
            counted = (rows.floor == d) & (rows.escape == 0.0)
            scale[counted] = reference * rows.floor_weight[counted] / max(asked, 1e-9) ** 2
        sites = max(1, int(np.count_nonzero(chosen)))
        whole = np.concatenate(
            [
                scale,
                np.array([reference / max(w, 1e-9) ** 2 for w in choice.need]),
                np.full(choice.limit.size - 1, reference / sites),
            ]
        )
        prices = choice.need.size + choice.limit.size - 1
        ascent = dual.new_ascent(rows, prices, len(chosen), middle)
        return Found(chosen, value, -np.inf, ascent, 1.0, whole, self.price)

    def raise_bound(self, found: Found, rounds: int, gap: float) -> None:
        """Some more rounds of the ascent."""
        allowed = self.countdown.rounds_left(rounds)
        if allowed == 0:
            return
        upper = found.value
        if not np.isfinite(upper):
            upper = (
                abs(found.bound) * 1.1
                if np.isfinite(found.bound)
                else float(np.sum(found.ascent.multiplier)) * 1.1
            )
        target = found.value - found.slack(self.instance.integer, gap)
        if not np.isfinite(target):
            target = 1e300
        bound, step, made, _ = dual.ascend(
            self.bound_rows,
            self.bound_columns,
            *self._shape(),
            self.bound_state,
            found.scale,
            upper,
            target,
            found.bound,
            found.step,
            self.shrink,
            self.patience,
            allowed,
            0.7,
            found.ascent,
        )
        self.countdown.spend(made)
        # sites were fixed on the premise that nothing beyond ``target`` matters
        found.bound = max(found.bound, min(bound, target))
        found.step = step

    def narrow(self, found: Found, gap: float) -> None:
        """Fix sites by reduced cost and drop from the bound's rows what no better plan uses."""
        if not np.isfinite(found.value) or not np.isfinite(found.bound):
            return
        limit = found.value - found.slack(self.instance.integer, gap)
        fixed = fix_by_score(
            found.ascent.score, self.bound_state, self.instance.choice, found.bound, limit
        )
        free = np.count_nonzero(self.bound_state == 0)
        if np.count_nonzero(fixed == 0) > 0.9 * free:
            return
        self.bound_state = fixed
        self.bound_rows = reduced_rows(self.bound_rows, fixed)
        self.bound_columns = columns_of(self.bound_rows, len(fixed))

    def better_plan(self, found: Found) -> bool:
        """Turn the relaxed choices into plans; True when one beats the best."""
        improved = False
        for guide in (found.ascent.chosen, found.ascent.mean):
            chosen = self._rounded(guide)
            key = chosen.tobytes()
            if key in self._tried:
                continue
            self._tried.add(key)
            value, plan = self.polish(chosen)
            if value < found.value - 1e-10 * abs(value):
                found.value, found.chosen = value, plan
                improved = True
        return improved

    def _rounded(self, guide: Floats) -> States:
        choice = self.instance.choice
        count = int(np.clip(round(float(guide.sum())), choice.least, choice.most))
        order = np.argsort(-guide, kind="stable")[:count]
        chosen = np.zeros(len(guide), np.int8)
        chosen[order] = 1
        return chosen

    def shake(self, found: Found, rounds: int) -> bool:
        """Iterated local search around the best plan; True when it got better."""
        if not np.isfinite(found.value):
            return False
        chosen = found.chosen.copy()
        shake.shake_and_improve(
            self.bound_rows,
            self.bound_columns,
            *self._shape(),
            self.price,
            self.bound_state,
            chosen,
            found.value,
            rounds,
            found.ascent.mean,
            int(self.random.integers(1, 2**40)),
        )
        value = self._judged(chosen)
        if value < found.value - 1e-10 * abs(value):
            found.value, found.chosen = value, chosen
            return True
        return False
