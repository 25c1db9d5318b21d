"""What a plan must respect, in arrays, and the exact value of a set of open sites."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from network.siting.exact import Members, Weighed
from network.siting.instance import Floats, Sites, States
from network.siting.problem import Model, SitingProblem

TOLERANCE = 1e-9  # relative, on budget and floors: decimals do not add up exactly


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """The problem's rules as numbers.

    Attributes
    ----------
    least, most
        Bounds on the number of open sites (equal when ``p`` is given).
    floor_of, floor_weight, need
        Floor that each demand point counts towards (−1: none), its weight there, and the weight
        each floor needs. Floors of one district are merged, the largest counts.
    """

    state: States
    fixed: Floats
    spend: Floats
    budget: float
    least: int
    most: int
    radius: float
    weight: Floats
    cost_weight: Floats
    floor_of: Sites
    floor_weight: Floats
    need: Floats
    districts: tuple[str, ...]
    shares: tuple[float, ...]


def rules_of(problem: SitingProblem) -> Rules:
    """Collect the rules of ``problem``."""
    m = len(problem.candidates)
    shares: dict[str, float] = {}
    for floor in problem.floors:
        shares[floor.district] = max(shares.get(floor.district, 0.0), floor.covered_share)
    index = {district: d for d, district in enumerate(shares)}
    weight = problem.weights()
    floor_of = np.array(
        [index.get(point.district or "", -1) for point in problem.demand], dtype=np.int32
    )
    totals = [math.fsum(weight[floor_of == d]) for d in range(len(index))]
    need = np.array([share * total for share, total in zip(shares.values(), totals, strict=True)])
    counted = problem.p is not None and problem.model is not Model.SET_COVER
    p = problem.p if problem.p is not None else 0
    return Rules(
        problem.states(),
        problem.fixed_costs(),
        problem.spends(),
        np.inf if problem.budget is None else problem.budget,
        p if counted else 0,
        p if counted else m,
        np.inf if problem.radius is None else problem.radius,
        weight,
        problem.cost_weights(),
        floor_of,
        np.where(floor_of >= 0, weight, 0.0),
        need * (1.0 - TOLERANCE),
        tuple(shares),
        tuple(shares.values()),
    )


def allowed(rules: Rules, chosen: States, best: Floats) -> bool:
    """Whether a set keeps number, locks, budget and floors.

    Parameters
    ----------
    best : (n,)
        Cost of each demand point's cheapest open site, ``inf`` for none.
    """
    count = int(np.count_nonzero(chosen))
    if not rules.least <= count <= rules.most:
        return False
    if np.any((rules.state == 1) & (chosen == 0)) or np.any((rules.state == 2) & (chosen == 1)):
        return False
    spent = math.fsum(rules.spend[chosen == 1])
    if spent > rules.budget * (1.0 + TOLERANCE):
        return False
    for d in range(rules.need.size):
        mine = rules.floor_of == d
        if math.fsum(rules.weight[mine & (best <= rules.radius)]) < rules.need[d]:
            return False
    return True


def cheapest(problem: SitingProblem, chosen: States) -> tuple[Floats, NDArray[np.int64]]:
    """Cost and index of each demand point's cheapest open site."""
    opened = np.flatnonzero(chosen == 1)
    if opened.size == 0:
        n = len(problem.demand)
        return np.full(n, np.inf), np.full(n, -1, np.int64)
    part = problem.cost[:, opened]
    which = np.argmin(part, axis=1)
    return part[np.arange(len(which)), which], opened[which]


def merged(
    within: NDArray[np.bool_], weight: Floats, keys: Iterable[int] | None = None
) -> list[Weighed]:
    """Demand points that see the same sites, as one each; those that see none are left out."""
    packed = np.packbits(within, axis=1)
    groups: dict[tuple[bytes, int], float] = {}
    first: dict[tuple[bytes, int], int] = {}
    marks = list(keys) if keys is not None else [0] * len(weight)
    for i in range(len(weight)):
        key = (packed[i].tobytes(), marks[i])
        groups[key] = groups.get(key, 0.0) + float(weight[i])
        first.setdefault(key, i)
    return [
        Weighed(np.flatnonzero(within[i]).astype(np.int64), groups[key])
        for key, i in first.items()
        if within[i].any()
    ]


def must_reach(within: NDArray[np.bool_], state: States) -> list[Members]:
    """One entry per different set of sites that some demand point depends on."""
    kept = state == 1
    alive = state != 2
    rows = within[~np.any(within[:, kept], axis=1)] & alive
    if rows.size == 0:
        return []
    packed = np.packbits(rows, axis=1)
    _, first = np.unique(packed, axis=0, return_index=True)
    return [np.flatnonzero(rows[i]).astype(np.int64) for i in np.sort(first)]
