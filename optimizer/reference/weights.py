"""OR-Tools minimises one number: what each figure of a lexicographic objective weighs in it."""

from __future__ import annotations

from dataclasses import dataclass

from optimizer.problem import MANDATORY_PENALTY, UNREACHABLE, Job, Problem

_LEVEL = 10
"""How much more a unit of one level weighs than a unit of the next: units are seconds at best, so
this ranks the levels without promising strict order."""

_UNSERVED = 10**13
_FINENESS = 10
"""Weights of sums may have one decimal."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Cost per unit: a second late, dropped worth, a second of overtime or driving, a vehicle."""

    late: int = 0
    dropped: int = 0
    overtime: int = 0
    travel: int = 1
    distance: int = 0
    vehicles: int = 0
    waiting: int = 0


def weights(problem: Problem) -> Weights:
    """Weights by level; figures that the engine does not model (``changes`` …) weigh nothing."""
    found: dict[str, int] = {}
    level = 1
    for goal in reversed(problem.objective):
        highest = 1
        for name, weight in goal.terms:
            if name in Weights.__dataclass_fields__:
                unit = max(1, problem.horizon_end) if name == "vehicles" else 1
                if name == "dropped" and level > 1:
                    unit = highest = _worth_a_detour(problem)
                part = max(1, round(weight * _FINENESS)) * level * unit
                found[name] = min(10**9, found.get(name, 0) + part)
        level *= _LEVEL * highest
    if not found.get("travel") and not found.get("distance"):
        found["travel"] = 1
    return Weights(**{"travel": 0, **found})


def _worth_a_detour(problem: Problem) -> int:
    """By what worths are multiplied so that the least of them outweighs the longest detour.

    Worths are whatever the problem's author counts in, often 1 a job: beside seconds of driving
    that would leave every job out whose detour takes longer than a few seconds.
    """
    worths = [job.drop_penalty for job in problem.jobs if job.drop_penalty]
    legs = [
        int(travel.durations_s[travel.durations_s < UNREACHABLE].max(initial=0))
        for travel in problem.travel.values()
    ]
    return max(1, -(-2 * max(legs, default=0) // min(worths, default=1)))


def drop_cost(problem: Problem, job: Job, weight: Weights) -> int:
    """What leaving the job out costs: its worth, its lateness to the end, and if it is a must."""
    worth = MANDATORY_PENALTY if job.drop_penalty is None else job.drop_penalty
    cost = weight.dropped * problem.weight(job) * worth
    if job.due is not None:
        cost += weight.late * problem.weight(job) * max(0, problem.horizon_end - job.due)
    if job.drop_penalty is None:
        cost += _UNSERVED
    return min(cost, 10**15)
