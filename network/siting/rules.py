"""What a plan must respect, in arrays, and the exact value of a set of open sites."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from network.siting.exact import Members, Weighed
from network.siting.instance import Floats, Sites, States
from network.siting.problem import Backup, CostIs, Model, SitingProblem

TOLERANCE = 1e-9  # relative, on budget and floors: decimals do not add up exactly


@dataclass(frozen=True, slots=True, eq=False)
class Twice:
    """What has to lie within reach of two open sites.

    Attributes
    ----------
    near : (n, m)
        Whether the site is within the back-up radius.
    pay : (n,)
        What each demand point adds to coverage when covered twice.
    names, members, need
        Back-up floors: a name (``""`` for all demand), the demand points that count, the weight
        that is needed.
    """

    near: NDArray[np.bool_]
    pay: Floats
    names: tuple[str, ...]
    shares: tuple[float, ...]
    members: tuple[NDArray[np.int64], ...]
    need: Floats


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
    net : (n, m)
        What service costs per ``cost_weight``, subsidies taken off (so it may be negative).
    use, limit, terms
        Linear rules on the open sites (``use`` of shape ``(k, m)``): rule 0 is the budget, the
        others come from the terms of kinds and are named ``kind:NAME``.
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
    net: Floats
    use: Floats
    limit: Floats
    terms: tuple[str, ...]
    twice: Twice | None


def _linear(problem: SitingProblem) -> tuple[Floats, Floats, tuple[str, ...]]:
    """The budget and the terms of kinds as rules ``use @ open ≤ limit``."""
    rows = [problem.spends()]
    limits = [np.inf if problem.budget is None else problem.budget]
    names = ["budget"]
    for terms in problem.kinds:
        mine = np.array([site.kind is terms.kind for site in problem.candidates], dtype=np.float64)
        given: list[tuple[Floats, float | None]] = [
            (mine, terms.most),
            (-mine, -terms.least if terms.least else None),
        ]
        if terms.most_share is not None:
            if problem.p is not None and problem.model is not Model.SET_COVER:
                given.append((mine, math.floor(terms.most_share * problem.p * (1.0 + TOLERANCE))))
            else:
                given.append((mine - terms.most_share, TOLERANCE))
        for row, limit in given:
            if limit is not None:
                rows.append(row)
                limits.append(float(limit))
                names.append(f"kind:{terms.kind.value}")
    return np.array(rows).reshape(len(rows), -1), np.array(limits), tuple(names)


def _net(problem: SitingProblem) -> Floats:
    subsidy = problem.subsidies()
    if not np.any(subsidy) or problem.model not in (Model.P_MEDIAN, Model.CAPACITATED):
        return problem.cost
    if problem.cost_is is CostIs.TOTAL:
        return problem.cost - problem.weights()[:, None] * subsidy
    return problem.cost - subsidy


def _twice(problem: SitingProblem, weight: Floats) -> Twice | None:
    backup = problem.backup or Backup()
    shares: dict[str, float] = {}
    for floor in problem.floors:
        if floor.backup_share > 0.0:
            shares[floor.district] = max(shares.get(floor.district, 0.0), floor.backup_share)
    if backup.share > 0.0:
        shares[""] = backup.share
    worth = backup.weight if problem.model is Model.COVERAGE else 0.0
    if not shares and worth == 0.0:
        return None
    radius = backup.radius if backup.radius is not None else problem.radius
    members = tuple(
        np.flatnonzero([name in ("", point.district) for point in problem.demand])
        for name in shares
    )
    need = [
        share * math.fsum(weight[mine]) * (1.0 - TOLERANCE)
        for share, mine in zip(shares.values(), members, strict=True)
    ]
    return Twice(
        problem.cost <= (np.inf if radius is None else radius),
        worth * weight,
        tuple(shares),
        tuple(shares.values()),
        members,
        np.array(need),
    )


def rules_of(problem: SitingProblem) -> Rules:
    """Collect the rules of ``problem``."""
    m = len(problem.candidates)
    shares: dict[str, float] = {}
    for floor in problem.floors:
        if floor.covered_share > 0.0:
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
    use, limit, terms = _linear(problem)
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
        _net(problem),
        use,
        limit,
        terms,
        _twice(problem, weight),
    )


def keeps_terms(rules: Rules, chosen: States) -> bool:
    """Whether a set keeps the linear rules beyond the budget."""
    used = rules.use[1:] @ (chosen == 1)
    return bool(np.all(used <= rules.limit[1:] + TOLERANCE * (1.0 + np.abs(rules.limit[1:]))))


def covered_twice(twice: Twice, chosen: States) -> NDArray[np.bool_]:
    """Which demand points have two open sites within the back-up radius."""
    result: NDArray[np.bool_] = twice.near[:, chosen == 1].sum(axis=1) >= 2
    return result


def backed_up(rules: Rules, chosen: States) -> bool:
    """Whether a set keeps the back-up floors."""
    if rules.twice is None or rules.twice.need.size == 0:
        return True
    held = covered_twice(rules.twice, chosen)
    return all(
        math.fsum(rules.weight[mine[held[mine]]]) >= need
        for mine, need in zip(rules.twice.members, rules.twice.need, strict=True)
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
    return keeps_terms(rules, chosen) and backed_up(rules, chosen)


def cheapest(cost: Floats, chosen: States) -> tuple[Floats, NDArray[np.int64]]:
    """Cost and index of each demand point's cheapest open site."""
    opened = np.flatnonzero(chosen == 1)
    if opened.size == 0:
        n = len(cost)
        return np.full(n, np.inf), np.full(n, -1, np.int64)
    part = cost[:, opened]
    which = np.argmin(part, axis=1)
    return part[np.arange(len(which)), which], opened[which]


def merged(within: NDArray[np.bool_], weight: Floats, times: int = 1) -> list[Weighed]:
    """Demand points that see the same sites, as one each; those that see too few are left out."""
    packed = np.packbits(within, axis=1)
    groups: dict[bytes, float] = {}
    first: dict[bytes, int] = {}
    for i in range(len(weight)):
        key = packed[i].tobytes()
        groups[key] = groups.get(key, 0.0) + float(weight[i])
        first.setdefault(key, i)
    return [
        Weighed(np.flatnonzero(within[i]).astype(np.int64), groups[key], times)
        for key, i in first.items()
        if np.count_nonzero(within[i]) >= times
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
