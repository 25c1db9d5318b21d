"""Scenarios side by side: paired differences over common random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from network.simulate.intervals import Estimate, difference_of, mean_of
from network.simulate.outcome import Outcome, clusters


@dataclass(frozen=True, slots=True)
class Comparison:
    """Differences of one outcome to the first one: per class, points of the share in time.

    ``cost_fen`` is the difference of a mean day's cost.
    """

    scenario: str
    share: dict[str, Estimate]
    cost_fen: Estimate

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "scenario": self.scenario,
            "share": {name: found.to_json() for name, found in self.share.items()},
            "cost_fen": self.cost_fen.to_json(),
        }


def compare(outcomes: Sequence[Outcome]) -> tuple[Comparison, ...]:
    """Every outcome against the first, replication by replication.

    Replication k met the same faults in each (where the demand is the same), so what differs is
    the scenario's doing, and the intervals are those of the differences.

    Raises
    ------
    ValueError
        When there are no outcomes, or they differ in seed, mode, days or replications.
    """
    if not outcomes:
        raise ValueError("nothing to compare")
    base = outcomes[0]
    found = []
    for other in outcomes[1:]:
        for key in ("seed", "mode", "days"):
            if getattr(other, key) != getattr(base, key):
                raise ValueError(f"{other.scenario!r} and {base.scenario!r} differ in {key}")
        if len(other.replications) != len(base.replications):
            raise ValueError(
                f"{other.scenario!r} and {base.scenario!r} differ in their replications"
            )
        names = {each.name for each in other.classes}
        share = {
            each.name: difference_of(
                clusters(base.replications, each.name, None, base.days),
                clusters(other.replications, each.name, None, base.days),
            )
            for each in base.classes
            if each.name in names
        }
        costs = [
            (sum(w.cost_fen for w in b.work.values()) - sum(w.cost_fen for w in a.work.values()))
            / base.days
            for a, b in zip(base.replications, other.replications, strict=True)
        ]
        found.append(Comparison(other.scenario, share, mean_of(costs)))
    return tuple(found)
