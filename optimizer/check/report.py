"""What the checker says: every violation by name, and the goals as it computed them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule broken in one place.

    ``where`` names the place in the plan (``routes[0].steps[2]`` and who or what it is), ``by`` how
    far it is off, in the rule's own unit: seconds, levels, pieces, jobs.
    """

    rule: str
    where: str
    by: int | float
    message: str

    def __str__(self) -> str:
        return f"{self.rule} at {self.where}: {self.message} (by {self.by})"


@dataclass(frozen=True, slots=True)
class CheckReport:
    """All violations, in the order of the rules, and every goal recomputed from the problem.

    ``goals`` starts with ``unserved``, then the objective in its order (sums under ``a+b``), then
    the figures that the objective does not name.
    """

    violations: tuple[Violation, ...] = ()
    goals: Mapping[str, int | float] = field(default_factory=dict)

    @property
    def valid(self) -> bool:
        """Whether the plan breaks no rule."""
        return not self.violations
