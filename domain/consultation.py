"""Consultation: by when a suggestion is answered, and which shares are shown to all parties."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from domain.roles import ASSESSOR, ASSOCIATION, CONSUMER, REGULATOR

PARTIES = (REGULATOR, ASSOCIATION, ASSESSOR, CONSUMER)
"""Whose suggestions are answered."""


@dataclass(frozen=True, slots=True)
class ConsultationPolicy:
    """The operator's promises from a day on.

    Attributes
    ----------
    smallest_group
        A share over fewer jobs is not shown.
    answer_within_days
        By party.
    """

    version: str
    valid_from: date
    smallest_group: int
    answer_within_days: Mapping[str, int]

    def due_on(self, party: str, told_on: date) -> date:
        """The last day on which an answer is in time."""
        return told_on + timedelta(days=self.answer_within_days[party])

    def shown(self, passed: int, of: int) -> tuple[int, int] | None:
        """A share, or None where so few stand behind it that they could be known."""
        return (passed, of) if of >= self.smallest_group else None


def consultation_policy(table: Mapping[str, Any]) -> ConsultationPolicy:
    """Read a policy from a table as in ``config/policies/consultation``.

    Raises
    ------
    ValueError
        When a party has no promise, or a number makes no sense.
    """
    days = {party: int(table["answer_within_days"].get(party, 0)) for party in PARTIES}
    if min(days.values()) < 1 or table["smallest_group"] < 2:
        raise ValueError(f"consultation policy {table['version']!r}: a promise is missing")
    return ConsultationPolicy(
        table["version"], table["valid_from"], int(table["smallest_group"]), days
    )


def consultation_in_force(policies: Iterable[ConsultationPolicy], day: date) -> ConsultationPolicy:
    """The newest policy that holds on a day; before the first, the first."""
    ordered = sorted(policies, key=lambda one: one.valid_from)
    held = [one for one in ordered if one.valid_from <= day]
    return held[-1] if held else ordered[0]
