"""An answer of `why` as a JSON document and as lines to read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from optimizer.explain.why import Placement, Why
from optimizer.problem import Problem


def why_document(problem: Problem, answer: Why) -> dict[str, Any]:
    """The answer as JSON: ``can``, ``assigned``, ``rules``, ``placement`` (null: there is none)."""
    return {
        "job": answer.job,
        "technician": answer.technician,
        "can": answer.can,
        "assigned": answer.assigned,
        "rules": [
            {"rule": reason.rule, "shifts": reason.shifts, "detail": reason.detail}
            for reason in answer.rules
        ],
        "placement": None if answer.placement is None else _placement(problem, answer.placement),
    }


def _placement(problem: Problem, found: Placement) -> dict[str, Any]:
    return {
        "shift": found.shift,
        "position": found.position,
        "arrival": found.arrival,
        "start": found.start,
        "end": found.end,
        "goals": _named(problem, found.goals),
        "effect": _named(problem, found.effect),
        "companions": [
            {"job": job, "technician": technician, "shift": shift}
            for job, technician, shift in found.companions
        ],
    }


def _named(problem: Problem, goals: Mapping[str, int | float]) -> dict[str, int | float]:
    """``unserved`` and the goals of the objective, in their order."""
    names = ["unserved", *(goal.name for goal in problem.objective)]
    return {name: goals[name] for name in names if name in goals}


def why_lines(problem: Problem, answer: Why) -> str:
    """The same for a reader: a verdict, then the rules in the way or the effect on each goal."""
    who, job, found = answer.technician, answer.job, answer.placement
    if found is None:
        lines = [f"{who} cannot take {job} as the plan stands:"]
        for reason in answer.rules:
            detail = f": {reason.detail}" if reason.detail else ""
            shifts = f" ({reason.shifts} of the shifts)" if reason.shifts else ""
            lines.append(f"  {reason.rule}{detail}{shifts}")
        return "\n".join(lines)
    when = f"{_clock(problem, found.start)} to {_clock(problem, found.end)}"
    place = f"shift {found.shift}, after {found.position} other jobs, {when}"
    if answer.assigned:
        return f"{who} has {job} already: {place}"
    lines = [f"{who} can take {job}: {place}"]
    for companion, technician, shift in found.companions:
        lines.append(f"  together with {companion} for {technician}, shift {shift}")
    after = _named(problem, found.goals)
    for name, change in _named(problem, found.effect).items():
        lines.append(f"  {name} {after[name]} ({change:+g})" if change else f"  {name} unchanged")
    return "\n".join(lines)


def _clock(problem: Problem, second: int) -> str:
    """The second as a wall clock says it, where the problem has an epoch."""
    if problem.epoch is None:
        return f"second {second}"
    instant = datetime.fromisoformat(problem.epoch) + timedelta(seconds=second)
    return instant.strftime("%Y-%m-%d %H:%M:%S")
