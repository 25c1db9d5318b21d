"""Rules about what the plan says of itself: step figures, goals and bounds have to be true."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from optimizer.check.facts import Facts
from optimizer.check.report import Violation


def step_figures(facts: Facts) -> Iterator[Violation]:
    """``travel_s``, ``wait_s`` and ``late_s`` of job steps are what the problem makes of them.

    Other steps may leave them at 0.
    """
    for tour in facts.tours:
        for visit in tour.visits:
            step, job = visit.step, visit.job
            counted = visit.start if facts.problem.late_at == "start" else visit.arrival
            true = {
                "travel_s": visit.drive_s,
                "wait_s": visit.start - visit.arrival,
                "late_s": 0 if job is None or job.due is None else counted - job.due,
            }
            for name, value in true.items():
                stated, value = getattr(step, name), max(0, value)
                if stated != value and (job is not None or stated != 0):
                    message = f"{name} says {stated}, is {value}"
                    yield Violation("figures", visit.where, abs(stated - value), message)


def goal_figures(facts: Facts, goals: Mapping[str, int | float]) -> Iterator[Violation]:
    """Every goal the plan states equals the one recomputed."""
    for name, stated in facts.plan.goals.items():
        if name not in goals:
            yield Violation("figures", f"goals.{name}", 1, "no such goal")
        elif not math.isclose(stated, goals[name], rel_tol=1e-9, abs_tol=1e-6):
            message = f"says {stated}, is {goals[name]}"
            yield Violation("figures", f"goals.{name}", abs(stated - goals[name]), message)


def bounds(facts: Facts, goals: Mapping[str, int | float]) -> Iterator[Violation]:
    """A proven bound is not above what the plan itself reaches.

    Goals are lexicographic: a bound on a later goal only speaks about plans that are as good as
    the bounds in every goal before it.
    """
    names = ["unserved", *(goal.name for goal in facts.problem.objective)]
    for name in facts.plan.bounds:
        if name not in names:
            yield Violation("bounds", f"bounds.{name}", 1, "no such goal in the objective")
    for name in names:
        bound = facts.plan.bounds.get(name)
        if bound is None:
            if goals[name] == 0:
                continue
            return
        if goals[name] < bound:
            message = f"says {bound}, but this plan has {goals[name]}"
            yield Violation("bounds", f"bounds.{name}", bound - goals[name], message)
        if goals[name] != bound:
            return
