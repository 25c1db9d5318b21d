"""Nested skills: a site serves the demand whose every skill it holds at that level or above.

Services of a hierarchy, each level offering what the lower ones offer: Narula 1986,
doi:10.1016/0377-2217(86)90054-4. A pair that does not match is out of reach, which keeps every
model, bound and check as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from network.siting.problem import SitingProblem


def holds(held: Mapping[str, int], needed: Mapping[str, int]) -> bool:
    """Whether every needed skill is held at least at its level."""
    return all(held.get(skill, 0) >= level for skill, level in needed.items())


def matches(problem: SitingProblem) -> NDArray[np.bool_] | None:
    """Which site may serve which demand point, shape ``(n, m)``; None when all may serve all."""
    classes: dict[tuple[tuple[str, int], ...], list[int]] = {}
    for i, point in enumerate(problem.demand):
        if point.skills:
            classes.setdefault(tuple(sorted(point.skills.items())), []).append(i)
    if not classes:
        return None
    able = np.ones(problem.cost.shape, dtype=bool)
    for needed, rows in classes.items():
        able[rows] = [holds(site.skills, dict(needed)) for site in problem.candidates]
    return None if able.all() else able


def barred(problem: SitingProblem) -> SitingProblem:
    """The problem with every pair out of reach whose skills do not match."""
    able = matches(problem)
    if able is None:
        return problem
    return replace(problem, cost=np.where(able, problem.cost, np.inf))
