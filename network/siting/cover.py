"""Set covering and p-center: every demand point within a distance.

Set covering: Toregas, Swain, ReVelle & Bergman 1971, doi:10.1287/opre.19.6.1363. p-center by
bisection over set covering: Minieka 1970, doi:10.1137/1012016; Daskin 2000 for the bounds.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from network.siting.conflict import question_of
from network.siting.countdown import Countdown
from network.siting.exact import SetQuestion, ask
from network.siting.instance import Floats, States
from network.siting.median import Result
from network.siting.problem import SitingProblem
from network.siting.rules import Rules, allowed, cheapest, must_reach


def cover_values(rules: Rules) -> Floats:
    """What set covering minimises per open site: fixed costs where there are any, else 1."""
    if np.any(rules.fixed > 0.0):
        return rules.fixed
    return np.ones(rules.fixed.size)


def undominated(question: SetQuestion, equal: bool) -> States:
    """Close free sites that another free site replaces at no loss, where all else is ``equal``."""
    state = question.state.copy()
    if not equal or not question.must or question.floors:
        return state
    m = state.size
    seen = np.zeros((len(question.must), m), np.float32)
    for row, members in enumerate(question.must):
        seen[row, members] = 1.0
    free = np.flatnonzero(state == 0)
    part = seen[:, free]
    sizes = part.sum(axis=0)
    for at in range(free.size):
        if state[free[at]] != 0:
            continue
        shared = part[:, at] @ part
        inside = (shared >= sizes) & (state[free] == 0)
        inside &= (sizes < sizes[at]) | (np.arange(free.size) > at)
        inside[at] = False
        state[free[inside]] = 2
    return state


def greedy_cover(question: SetQuestion, values: Floats) -> States:
    """Open the site with the most uncovered entries per value until all are covered."""
    m = question.state.size
    chosen: States = (question.state == 1).astype(np.int8)
    seen = np.zeros((len(question.must), m), bool)
    for row, members in enumerate(question.must):
        seen[row, members] = True
    open_rows = ~np.any(seen[:, chosen == 1], axis=1)
    worth = np.maximum(values, 1e-9)
    while open_rows.any():
        gain = seen[open_rows].sum(axis=0) / worth
        gain[(question.state != 0) | (chosen == 1)] = -1.0
        j = int(np.argmax(gain))
        if gain[j] <= 0.0:
            break
        chosen[j] = 1
        open_rows &= ~seen[:, j]
    for opened in np.flatnonzero((chosen == 1) & (question.state == 0)):
        j = int(opened)
        chosen[j] = 0
        if not np.all(np.any(seen[:, chosen == 1], axis=1)):
            chosen[j] = 1
    return chosen


def solve_cover(
    problem: SitingProblem, rules: Rules, countdown: Countdown, seed: int, effort: float | None
) -> tuple[Result, bool]:
    """Cheapest cover; returns the result and whether it was proven that none exists."""
    values = cover_values(rules)
    question = question_of(problem, rules)
    equal = bool(np.all(values == values[0])) and not np.any(np.isfinite(rules.limit))
    state = undominated(question, equal)
    start = greedy_cover(question, values)
    answer = ask(
        replace(question, state=state, minimise=values),
        start,
        countdown.left_s(),
        seed,
        effort,
    )
    if answer.impossible:
        return Result(None, np.inf, np.inf, 0, 0), True
    bound = max(answer.bound, float(values[rules.state == 1].sum()))
    if np.all(values == np.floor(values)):
        bound = float(np.ceil(bound - 1e-6))
    best, value = None, np.inf
    for chosen in (start, answer.chosen):
        if chosen is None:
            continue
        nearest, _ = cheapest(problem.cost, chosen)
        if not np.all(nearest <= rules.radius) or not allowed(rules, chosen, nearest):
            continue
        worth = float(values[chosen == 1].sum())
        if worth < value:
            best, value = chosen, worth
    return Result(best, value, min(bound, value), 0, 0), False


def _farthest(problem: SitingProblem, chosen: States) -> float:
    return float(cheapest(problem.cost, chosen)[0].max())


def _gonzalez(problem: SitingProblem, rules: Rules) -> States:
    """Serve the worst-served demand point with its nearest free site, p times.

    After Gonzalez 1985, doi:10.1016/0304-3975(85)90224-5.
    """
    chosen: States = (rules.state == 1).astype(np.int8)
    spent = 0.0
    while int(chosen.sum()) < rules.most:
        best, _ = cheapest(problem.cost, chosen)
        usable = (rules.state == 0) & (chosen == 0) & (spent + rules.spend <= rules.budget)
        if not usable.any():
            break
        worst = int(np.argmax(best)) if chosen.any() else 0
        options = np.where(usable, problem.cost[worst], np.inf)
        j = int(np.argmin(options))
        if not np.isfinite(options[j]):
            j = int(np.argmax(usable))
        chosen[j] = 1
        spent += float(rules.spend[j])
    return chosen


def solve_center(
    problem: SitingProblem,
    rules: Rules,
    countdown: Countdown,
    seed: int,
    effort: float | None,
    start: States | None,
) -> Result:
    """Smallest largest cost, by bisection over the costs that occur.

    ``start`` is a set that keeps the rules, if one is known.
    """
    alive = rules.state != 2
    usable = problem.cost[:, alive]
    least = float(usable.min(axis=1).max())
    levels = np.unique(usable[np.isfinite(usable) & (usable >= least)])
    best: States | None = None
    value = np.inf
    for guess in (_gonzalez(problem, rules), start):
        if guess is None:
            continue
        nearest, _ = cheapest(problem.cost, guess)
        if allowed(rules, guess, nearest) and float(nearest.max()) < value:
            best, value = guess, float(nearest.max())
    base = question_of(problem, rules)
    low, high = 0, int(np.searchsorted(levels, value)) if best is not None else levels.size
    # the optimum is levels[k] for some low ≤ k ≤ high; level ``high`` is reached already
    while low < high and not countdown.over():
        middle = (low + high) // 2
        must = must_reach(problem.cost <= levels[middle], rules.state)
        question = replace(base, must=must)
        if rules.least == rules.most and not base.floors and not np.any(np.isfinite(rules.limit)):
            # without other rules more sites never hurt: at most p, the rest is filled up
            question = replace(
                question, least=0, state=undominated(replace(question, least=0), True)
            )
        answer = ask(question, best, countdown.left_s(), seed, effort)
        countdown.spend(1)
        if answer.impossible:
            low = middle + 1
            continue
        if answer.chosen is None:
            break
        chosen = _filled(answer.chosen, rules)
        reached = _farthest(problem, chosen)
        nearest, _ = cheapest(problem.cost, chosen)
        if not allowed(rules, chosen, nearest) or reached > levels[middle]:
            break
        best, value = chosen, reached
        high = int(np.searchsorted(levels, reached))
    bound = float(levels[low]) if low < levels.size else value
    return Result(best, value, min(bound, value), 0, 0)


def _filled(chosen: States, rules: Rules) -> States:
    chosen = chosen.copy()
    for j in np.flatnonzero((chosen == 0) & (rules.state == 0)):
        if int(chosen.sum()) >= rules.least:
            break
        chosen[j] = 1
    return chosen
