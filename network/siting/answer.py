"""The answer to a siting problem: open sites, who is served from where, and the proof."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

FORMAT = "zhunda-sites/1"
VERSION = "1"
PROVEN = 1e-6  # a gap up to this is called optimal: decimals cannot be told apart further


class Status(StrEnum):
    """What is known about the plan."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"


@dataclass(frozen=True, slots=True)
class Solver:
    """How an answer came about; ``rounds`` and ``nodes`` count bound rounds and branches."""

    engine: str
    seconds: float
    seed: int
    travel: str = "given"
    rounds: int = 0
    nodes: int = 0
    version: str = VERSION


@dataclass(frozen=True, slots=True)
class Sites:
    """An answer.

    Attributes
    ----------
    assignment
        Demand point, site, and the share of the demand point's weight that the site serves.
    bound
        No plan can be better than this: a lower bound, for coverage an upper one.
    uncovered
        Demand points without an open site within the radius (when there is a radius).
    without_backup
        Demand points without two open sites within the back-up radius, where back-up is asked for.
    conflict
        For an infeasible problem: the rules that clash, each as ``kind`` or ``kind:name``.
    """

    status: Status
    open: tuple[str, ...]
    assignment: tuple[tuple[str, str, float], ...]
    objective: float | None
    bound: float | None
    gap: float | None
    uncovered: tuple[str, ...]
    solver: Solver
    infeasible_because: str | None = None
    conflict: tuple[str, ...] = field(default=())
    without_backup: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """The answer as the JSON object of ``docs/reference/sites.schema.json``."""
        return {
            "format": FORMAT,
            "status": self.status.value,
            "open": list(self.open),
            "assignment": [list(entry) for entry in self.assignment],
            "objective": self.objective,
            "bound": self.bound,
            "gap": self.gap,
            "uncovered": list(self.uncovered),
            "without_backup": list(self.without_backup),
            "infeasible_because": self.infeasible_because,
            "conflict": list(self.conflict),
            "solver": {
                "engine": self.solver.engine,
                "seconds": round(self.solver.seconds, 3),
                "seed": self.solver.seed,
                "version": self.solver.version,
                "travel": self.solver.travel,
                "rounds": self.solver.rounds,
                "nodes": self.solver.nodes,
            },
        }


def relative_gap(objective: float, bound: float) -> float:
    """``|objective − bound| / |objective|``; 0 when both are 0, ``inf`` when only one is."""
    difference = abs(objective - bound)
    if difference == 0.0:
        return 0.0
    return difference / abs(objective) if objective != 0.0 else math.inf


def infeasible(sentence: str, conflict: tuple[str, ...], solver: Solver) -> Sites:
    """The answer to a valid question that no plan can satisfy."""
    return Sites(Status.INFEASIBLE, (), (), None, None, None, (), solver, sentence, conflict)
