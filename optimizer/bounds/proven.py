"""``bounds(problem, plan)``: for each goal a number that is proven not to be beaten."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

from optimizer.bounds.assignment import droppable_jobs, travel_bound
from optimizer.bounds.columns import column_bound
from optimizer.bounds.options import Options, options_of
from optimizer.bounds.relaxation import ADDITIVE, relaxed
from optimizer.bounds.trees import tree_bound
from optimizer.check.facts import read
from optimizer.check.goals import goals as recomputed_goals
from optimizer.plan import Plan
from optimizer.problem import Goal, Problem

PLAIN_FIGURES = ("overtime", "cost", "vehicles", "waiting", "spread", "worst_late")
"""Figures that cannot be negative and of which little more is claimed."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A lower bound and the method that proved it, one of `METHODS`."""

    bound: int
    method: str


METHODS: Mapping[str, str] = {
    "sign": "the figure cannot be negative",
    "relaxation": "each job alone, then jobs handed out to the hours of shifts",
    "assignment": "one stop before and one after everyone served",
    "trees": "a tree of drives that reaches everyone served, one drive out of each at a price",
    "columns": "column generation over whole days of shifts",
    "count": "some job is served in every plan in question",
    "sum": "the weighted sum of the bounds of its figures",
}
"""What a proof may rest on, and in a few words how."""


def bounds(problem: Problem, plan: Plan | None = None, *, rounds: int = 0) -> dict[str, int]:
    """The numbers of `prove` alone: what no plan in question beats."""
    return {name: proof.bound for name, proof in prove(problem, plan, rounds=rounds).items()}


def prove(
    problem: Problem, plan: Plan | None = None, *, rounds: int = 0, seconds: float | None = None
) -> dict[str, Proof]:
    """Lower bounds on ``unserved`` and on every goal of the objective, in its order.

    Claim
    -----
    Let g_0 = ``unserved`` and g_1, g_2, … be the goals. With a plan p, ``bounds[g_k]`` ≤ g_k(q)
    for **every** plan q that obeys all rules and has g_i(q) ≤ g_i(p) for all i < k. So a plan that
    is no worse than p in the goals before cannot be better than the bound in this one; when
    g_k(p) equals its bound for every k, p is optimal. Without a plan nothing is supposed about
    the goals before, and the bound holds for every plan that obeys all rules.

    Parameters
    ----------
    plan
        Its goals are recomputed; what it says about them is not believed. It has to obey the rules
        (`optimizer.check.check`); otherwise the claim still holds but may say nothing.
    rounds
        With a plan, so many rounds of column generation sharpen ``travel`` and ``distance`` (up to
        120 jobs; seconds to a minute of work at 100), so many trees beyond. 0: the assignment
        bound alone.
    seconds
        These end after so many seconds, with the best bound that was proven by then.

    Returns
    -------
    dict of str to Proof
        0 where no more is proven (no figure can be negative). A goal that is a sum gets the
        weighted sum of the figures' bounds, rounded down, or is absent where a weight is negative.

    Notes
    -----
    ``unserved``, ``late``, ``dropped``, ``changes`` and ``preference`` come from
    `optimizer.bounds.relaxation`, ``travel`` and ``distance`` from `optimizer.bounds.assignment`,
    `optimizer.bounds.columns` and `optimizer.bounds.trees`.
    """
    options = options_of(problem)
    known = None if plan is None else recomputed_goals(read(problem, plan))
    earlier: dict[str, int] = {}
    deadline = None if seconds is None else time.monotonic() + seconds
    proven: dict[str, Proof] = {}
    for goal in (Goal.of("unserved"), *problem.objective):
        value = _goal_bound(options, goal, earlier)
        if value is not None:
            proof = Proof(value, _method(goal, value))
            if options is not None and plan is not None and rounds > 0:
                proof = _sharper(options, goal, earlier, plan, rounds, deadline, proof)
            proven[goal.name] = proof
        if known is not None and _single(goal):
            earlier[goal.name] = int(known[goal.name])
    return proven


def _sharper(
    options: Options,
    goal: Goal,
    earlier: Mapping[str, int],
    plan: Plan,
    rounds: int,
    deadline: float | None,
    proof: Proof,
) -> Proof:
    """The better of the bound so far and column generation, or trees where that is too much."""
    if not _single(goal) or goal.name not in ("travel", "distance"):
        return proof
    value = column_bound(options, goal.name, earlier, plan, rounds, deadline=deadline)
    method = "columns"
    if value == 0:
        reached = int(recomputed_goals(read(options.problem, plan))[goal.name])
        value = tree_bound(options, goal.name, earlier, reached, rounds, deadline)
        method = "trees"
    return Proof(value, method) if value > proof.bound else proof


def _method(goal: Goal, value: int) -> str:
    if value == 0:
        return "sign"
    if not _single(goal):
        return "sum"
    if goal.name in ADDITIVE:
        return "relaxation"
    return "assignment" if goal.name in ("travel", "distance") else "count"


def _single(goal: Goal) -> bool:
    return len(goal.terms) == 1 and goal.terms[0][1] == 1.0


def _goal_bound(options: Options | None, goal: Goal, earlier: Mapping[str, int]) -> int | None:
    if any(weight < 0 for _, weight in goal.terms):
        return None
    total = 0.0
    for name, weight in goal.terms:
        figure = 0 if options is None else _figure_bound(options, name, earlier)
        if weight == 1.0 and len(goal.terms) == 1:
            return figure
        total += weight * figure
    # a hair less, because the weights are floating-point numbers
    return max(0, math.floor(total * (1 - 1e-12)))


def _figure_bound(options: Options, name: str, earlier: Mapping[str, int]) -> int:
    if name in ADDITIVE:
        return relaxed(options, name, earlier)
    if name in ("travel", "distance"):
        return travel_bound(options, name, earlier)
    if name == "vehicles":
        return int(bool((~droppable_jobs(options, earlier)).any()))
    return 0


def gaps(plan: Plan) -> dict[str, float | None]:
    """How far each goal of a plan is above its bound, as a share of the goal (0.0: proven best).

    None where the plan has no bound for the goal.
    """
    shares: dict[str, float | None] = {}
    for name, value in plan.goals.items():
        bound = plan.bounds.get(name)
        if bound is None:
            shares[name] = None
        else:
            shares[name] = 0.0 if value <= bound else (value - bound) / value
    return shares
