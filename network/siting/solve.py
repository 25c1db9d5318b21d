"""Solve a siting problem: check, search, bound, and put the answer into words."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from network.siting.answer import PROVEN, Sites, Solver, Status, infeasible, relative_gap
from network.siting.capacitated import Shares, solve_capacitated
from network.siting.conflict import Conflict, at_a_glance, search_conflict
from network.siting.countdown import Clock, Countdown
from network.siting.cover import cover_values, solve_center, solve_cover
from network.siting.instance import States
from network.siting.median import MedianSolver, Result
from network.siting.problem import Model, SitingProblem
from network.siting.rules import Rules, cheapest, covered_twice, rules_of
from network.siting.skills import barred

CONFLICT_SECONDS = 20.0
EFFORT = 5.0  # deterministic work per question to CP-SAT when the stop is by iterations

_ENGINES = {
    Model.P_MEDIAN: "fast swap + Lagrangian branch and bound",
    Model.COVERAGE: "fast swap + Lagrangian branch and bound",
    Model.SET_COVER: "greedy + CP-SAT",
    Model.P_CENTER: "bisection + CP-SAT",
    Model.CAPACITATED: "Lagrangian branch and bound with transport",
}


class NoPlanFound(RuntimeError):
    """The time ran out before a plan was found or shown to be impossible."""


def solve(problem: SitingProblem, seed: int = 1, clock: Clock = time.perf_counter) -> Sites:
    """Answer a siting problem.

    Parameters
    ----------
    seed
        Same problem, seed and ``stop.iterations``: same answer.
    clock
        Measures ``stop.seconds``.

    Returns
    -------
    Sites
        With a proven bound, or infeasible with one sentence that says why.

    Raises
    ------
    NoPlanFound
        When the stop came before any plan.
    """
    return _solve(barred(problem), seed, clock, None)[0]


def frontier(
    problem: SitingProblem,
    numbers: Sequence[int] = (),
    budgets: Sequence[float] = (),
    seed: int = 1,
    clock: Clock = time.perf_counter,
) -> list[Sites]:
    """The best plan for every p in ``numbers``, or for every budget, each from the one before.

    ``stop`` holds for each point of the frontier.
    """
    answers = []
    start: States | None = None
    problem = barred(problem)
    steps = [replace(problem, p=number) for number in numbers]
    steps += [replace(problem, budget=money) for money in budgets]
    for step in steps:
        answer, chosen = _solve(step, seed, clock, start)
        answers.append(answer)
        if chosen is not None:
            start = chosen
    return answers


def _solve(
    problem: SitingProblem, seed: int, clock: Clock, start: States | None
) -> tuple[Sites, States | None]:
    countdown = Countdown(problem.stop, clock)
    rules = rules_of(problem)

    def solver(result: Result | None) -> Solver:
        return Solver(
            _ENGINES[problem.model],
            countdown.elapsed_s(),
            seed,
            problem.travel,
            result.rounds if result else 0,
            result.nodes if result else 0,
        )

    def impossible(conflict: Conflict) -> tuple[Sites, None]:
        return infeasible(conflict.sentence, conflict.rules, solver(None)), None

    conflict = at_a_glance(problem, rules)
    if conflict is not None:
        return impossible(conflict)
    effort = EFFORT if problem.stop.iterations is not None else None
    shares: Shares | None = None
    result, shares = _search(problem, rules, countdown, seed, effort, start)
    if result.chosen is None:
        conflict, some = search_conflict(problem, rules, CONFLICT_SECONDS, seed, effort)
        if conflict is not None:
            return impossible(conflict)
        if some is not None:
            again = Countdown(problem.stop, clock)
            result, shares = _search(problem, rules, again, seed, effort, some)
        if result.chosen is None:
            if result.bound == math.inf:
                return impossible(Conflict("No plan keeps every rule of the problem.", ()))
            raise NoPlanFound(
                f"no plan was found within {problem.stop.seconds:g} s; allow more seconds"
            )
    return _worded(problem, rules, result, shares, solver(result)), result.chosen


def _search(
    problem: SitingProblem,
    rules: Rules,
    countdown: Countdown,
    seed: int,
    effort: float | None,
    start: States | None,
) -> tuple[Result, Shares | None]:
    if problem.model is Model.SET_COVER:
        return solve_cover(problem, rules, countdown, seed, effort)[0], None
    if problem.model is Model.P_CENTER:
        return solve_center(problem, rules, countdown, seed, effort, start), None
    if problem.model is Model.CAPACITATED:
        return solve_capacitated(problem, rules, countdown, seed, start)
    return MedianSolver(problem, rules, countdown, seed).solve(start), None


def _worded(
    problem: SitingProblem,
    rules: Rules,
    result: Result,
    shares: Shares | None,
    solver: Solver,
) -> Sites:
    """Recompute the objective from the assignment alone and state the proof."""
    assert result.chosen is not None
    best, nearest = cheapest(problem.cost, result.chosen)
    paid = cheapest(rules.net, result.chosen)[1] if rules.net is not problem.cost else nearest
    uncovered: tuple[str, ...] = ()
    covered = np.isfinite(best)
    if problem.radius is not None:
        covered = best <= problem.radius
        uncovered = tuple(problem.demand[i].id for i in np.flatnonzero(~covered))
    served = covered if problem.model is Model.COVERAGE else np.isfinite(best)
    if shares is None:
        pairs = [(int(i), int(paid[i]), 1.0) for i in np.flatnonzero(served)]
    else:
        pairs = shares
    opened = np.flatnonzero(result.chosen == 1)
    bound = result.bound
    single: tuple[str, ...] = ()
    extra, most_extra = 0.0, 0.0
    if rules.twice is not None:
        held = covered_twice(rules.twice, result.chosen)
        single = tuple(problem.demand[i].id for i in np.flatnonzero(~held))
        extra = math.fsum(rules.twice.pay[held])
        could = rules.twice.near[:, rules.state != 2].sum(axis=1) >= 2
        most_extra = math.fsum(rules.twice.pay[could])
    if problem.model is Model.COVERAGE:
        objective = math.fsum(rules.weight[covered]) + extra
        whole = math.fsum(rules.weight[_coverable(problem, rules)]) + most_extra
        bound = max(whole - result.bound, objective)
    elif problem.model is Model.SET_COVER:
        objective = math.fsum(cover_values(rules)[opened])
    elif problem.model is Model.P_CENTER:
        objective = float(best.max())
    else:
        objective = math.fsum(
            [rules.cost_weight[i] * rules.net[i, j] * share for i, j, share in pairs]
            + [float(rules.fixed[j]) for j in opened]
        )
    if problem.model is not Model.COVERAGE:
        bound = min(bound, objective) + 0.0  # no minus zero
    gap = relative_gap(objective, bound)
    return Sites(
        Status.OPTIMAL if gap <= PROVEN else Status.FEASIBLE,
        tuple(problem.candidates[j].id for j in opened),
        tuple((problem.demand[i].id, problem.candidates[j].id, share) for i, j, share in pairs),
        objective,
        bound,
        gap if math.isfinite(gap) else None,
        uncovered,
        solver,
        without_backup=single,
    )


def _coverable(problem: SitingProblem, rules: Rules) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    alive = rules.state != 2
    seen: np.ndarray[tuple[int], np.dtype[np.bool_]] = np.any(
        problem.cost[:, alive] <= rules.radius, axis=1
    )
    return seen
