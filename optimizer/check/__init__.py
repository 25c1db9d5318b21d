"""The independent checker: reads problem and plan, trusts neither, shares no code with the search.

Each rule is one named function; `RULES` is the table of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from optimizer.check import job_rules, route_rules
from optimizer.check.facts import Facts, read
from optimizer.check.figures import bounds, goal_figures, step_figures
from optimizer.check.goals import goals
from optimizer.check.report import CheckReport, Violation
from optimizer.plan import Plan
from optimizer.problem import Problem

Rule = Callable[[Facts], Iterator[Violation]]

RULES: dict[str, Rule] = {
    "order": route_rules.order,
    "empty route": route_rules.empty_route,
    "place": route_rules.place,
    "drive": route_rules.drive,
    "service": route_rules.service,
    "shift": route_rules.shift,
    "overlap": route_rules.overlap,
    "break": route_rules.breaks,
    "max_jobs": route_rules.max_jobs,
    "capacity": route_rules.capacity,
    "restock": route_rules.restock,
    "assignment": job_rules.assignment,
    "release": job_rules.release,
    "time_windows": job_rules.time_windows,
    "skills": job_rules.skills,
    "equipment": job_rules.equipment,
    "stock": job_rules.stock,
    "allowed": job_rules.allowed,
    "crew": job_rules.crew,
    "together": job_rules.together,
    "after": job_rules.after,
    "pinned": job_rules.pinned,
    "frozen": job_rules.frozen,
    "figures": step_figures,
}
"""What a plan has to obey. Reading adds ``reference`` and ``step``, driving ``reachable``."""


def check(problem: Problem, plan: Plan) -> CheckReport:
    """Every violation of the plan, and its goals recomputed from the raw problem.

    Parameters
    ----------
    problem
        A valid problem (what `optimizer.formats.problem_from_json` returns is).
    plan
        Any plan; ids it makes up, steps that make no sense and figures that are wrong are
        violations, never exceptions.

    Returns
    -------
    CheckReport
        ``violations`` is empty exactly when the plan may be carried out as it stands.
    """
    facts = read(problem, plan)
    violations = list(facts.faults)
    for rule in RULES.values():
        violations.extend(rule(facts))
    recomputed = goals(facts)
    violations.extend(goal_figures(facts, recomputed))
    violations.extend(bounds(facts, recomputed))
    return CheckReport(tuple(violations), recomputed)


__all__ = ["RULES", "CheckReport", "Rule", "Violation", "check"]
