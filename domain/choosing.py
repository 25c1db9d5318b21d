"""The alternatives a consumer may choose between, in the order of an open rule.

PIPL Art. 24 wants automated rankings transparent and fair: the rule is the few lines of `rank`, it
is shown with its result, and nothing about the consumer goes into it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.lifecycle import Mode


@dataclass(frozen=True, slots=True)
class Option:
    """One alternative.

    Parameters
    ----------
    provider, provider_name
        Id and name of the outlet.
    start, end
        When: a visit starts in between; for other modes the opening of the outlet.
    price_fen
        What the mode itself costs, as the price book says.
    distance_m
        From the consumer to the outlet, in a straight line.
    free_people
        Technicians with the skills on shift in the window, less those already busy.
    keeps_deadline
        Whether the window begins before the first deadline.
    """

    provider: str
    provider_name: str
    mode: Mode
    start: datetime
    end: datetime
    price_fen: int
    distance_m: int
    free_people: int
    keeps_deadline: bool

    def document(self) -> dict[str, Any]:
        """The option as it is shown and logged."""
        return {
            "provider": self.provider,
            "provider_name": self.provider_name,
            "mode": str(self.mode),
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "price_fen": self.price_fen,
            "distance_m": self.distance_m,
            "free_people": self.free_people,
            "keeps_deadline": self.keeps_deadline,
        }


def rank(options: Iterable[Option]) -> tuple[Option, ...]:
    """Those that keep the deadline first; then the earlier, the cheaper, the nearer."""
    return tuple(
        sorted(
            options,
            key=lambda one: (
                not one.keeps_deadline,
                one.start,
                one.price_fen,
                one.distance_m,
                one.provider,
                one.mode,
            ),
        )
    )
