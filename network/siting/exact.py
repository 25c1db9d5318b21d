"""Questions about sets of sites alone, answered by CP-SAT: cover, reach, floors, budget.

Whatever the solver returns is checked by its caller against the original numbers. Decimals are
scaled so that rounding only ever loosens a rule and never lifts a bound above the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from network.siting.instance import Floats, States

LARGEST = 2**40  # sums of scaled numbers stay far inside CP-SAT's 64 bits
ENTRIES = 6_000_000  # literals a model may hold, about 0.5 GiB

Members = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Weighed:
    """Demand that counts ``weight`` when ``times`` of ``sites`` are open."""

    sites: Members
    weight: float
    times: int = 1


@dataclass(frozen=True, slots=True)
class SetQuestion:
    """A choice of sites.

    Attributes
    ----------
    must
        Each entry lists sites of which at least one has to be open.
    floors
        Demand that counts towards each floor, and how much of it is needed.
    use, limit
        Sums of ``use[k]`` over open sites are at most ``limit[k]``.
    capacity, load
        Open sites' capacities must add up to ``load`` (``None``: no such rule).
    minimise
        Value per open site to minimise, or
    reward
        demand whose weight is to be maximised.
    """

    state: States
    least: int
    most: int
    use: Floats
    limit: Floats
    must: Sequence[Members] = ()
    floors: Sequence[tuple[Sequence[Weighed], float]] = ()
    capacity: Floats | None = None
    load: float = 0.0
    minimise: Floats | None = None
    reward: Sequence[Weighed] = field(default=())


@dataclass(frozen=True, slots=True)
class SetAnswer:
    """``impossible``: proven; ``chosen``: a set or None; ``bound``: proven, on the objective."""

    impossible: bool
    chosen: States | None
    bound: float


def _factor(values: Floats) -> float:
    total = float(np.sum(np.abs(values)))
    if total == 0.0:
        return 1.0
    if np.all(values == np.floor(values)) and total < LARGEST:
        return 1.0
    return LARGEST / total


def ask(
    question: SetQuestion,
    hint: States | None,
    seconds: float,
    seed: int,
    effort: float | None = None,
) -> SetAnswer:
    """Solve ``question``.

    Parameters
    ----------
    effort
        Deterministic units of work instead of seconds, for runs that must repeat exactly.
    """
    unknown = SetAnswer(False, None, -np.inf if question.minimise is not None else np.inf)
    literals = sum(len(sites) for sites in question.must)
    literals += sum(len(item.sites) for item in question.reward)
    literals += sum(len(item.sites) for items, _ in question.floors for item in items)
    if literals > ENTRIES or seconds <= 0.0:
        return unknown
    from ortools.sat.python import cp_model  # imported late: it takes a while

    model = cp_model.CpModel()
    m = len(question.state)
    sites = [model.new_bool_var(f"y{j}") for j in range(m)]
    for j in range(m):
        if question.state[j] == 1:
            model.add(sites[j] == 1)
        elif question.state[j] == 2:
            model.add(sites[j] == 0)
    model.add_linear_constraint(sum(sites), question.least, min(question.most, m))
    for use, limit in zip(question.use, question.limit, strict=True):
        if np.isfinite(limit):
            scale = _factor(np.append(use, limit))
            parts = np.floor(use * scale).astype(np.int64)
            model.add(
                cp_model.LinearExpr.weighted_sum(sites, parts.tolist())
                <= int(np.ceil(limit * scale))
            )
    if question.capacity is not None:
        capped = np.minimum(question.capacity, question.load)
        scale = _factor(np.append(capped, question.load))
        parts = np.ceil(capped * scale).astype(np.int64)
        model.add(
            cp_model.LinearExpr.weighted_sum(sites, parts.tolist())
            >= int(np.floor(question.load * scale))
        )
    for members in question.must:
        model.add_bool_or([sites[j] for j in members])
    for items, need in question.floors:
        scale = _factor(np.array([*(item.weight for item in items), need]))
        covered = [model.new_bool_var("") for _ in items]
        for item, literal in zip(items, covered, strict=True):
            if item.times > 1:
                found = cp_model.LinearExpr.sum([sites[j] for j in item.sites])
                model.add(found >= item.times * literal)
            else:
                model.add_bool_or([literal.negated(), *(sites[j] for j in item.sites)])
        counts = [int(np.ceil(item.weight * scale)) for item in items]
        model.add(cp_model.LinearExpr.weighted_sum(covered, counts) >= int(np.floor(need * scale)))
    scale = 1.0
    if question.minimise is not None:
        scale = _factor(question.minimise)
        parts = np.floor(question.minimise * scale).astype(np.int64)
        model.minimize(cp_model.LinearExpr.weighted_sum(sites, parts.tolist()))
    elif question.reward:
        weights = np.array([item.weight for item in question.reward])
        scale = _factor(weights)
        covered = [model.new_bool_var("") for _ in question.reward]
        for item, literal in zip(question.reward, covered, strict=True):
            model.add_bool_or([literal.negated(), *(sites[j] for j in item.sites)])
        model.maximize(
            cp_model.LinearExpr.weighted_sum(
                covered, np.ceil(weights * scale).astype(np.int64).tolist()
            )
        )
    if hint is not None:
        for j in range(m):
            model.add_hint(sites[j], int(hint[j]))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = seed % 2**31
    if effort is None:
        solver.parameters.max_time_in_seconds = seconds
    else:
        solver.parameters.max_deterministic_time = effort
    status = solver.solve(model)
    if status == cp_model.INFEASIBLE:
        return SetAnswer(True, None, unknown.bound)
    chosen = None
    if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        chosen = np.array([solver.boolean_value(y) for y in sites], dtype=np.int8)
    bound = unknown.bound
    if question.minimise is not None:
        bound = solver.best_objective_bound / scale * (1.0 - (0.0 if scale == 1.0 else 1e-12))
    elif question.reward:
        bound = solver.best_objective_bound / scale * (1.0 + (0.0 if scale == 1.0 else 1e-12))
    return SetAnswer(False, chosen, float(bound))
