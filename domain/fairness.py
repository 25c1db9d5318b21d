"""How work is shared out among colleagues: jobs, travel, overtime, urgent jobs, by hours on shift.

Who works half the hours has half the jobs and no grievance; so every measure is held against the
share of the hours. How even a group is as a whole is Jain's index (Jain, Chiu and Hawe 1984,
DEC-TR-301): the square of the sum of the rates over the number times the sum of their squares; 1 is
even, 1/n all on one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

MEASURES: Final = ("visits", "urgent", "travel_s", "overtime_s")
LEAST_COLLEAGUES: Final = 3
"""With fewer colleagues, what is told of them all would tell what one of them does."""


@dataclass(frozen=True, slots=True)
class Work:
    """What one technician did in a period.

    Attributes
    ----------
    shift_s
        Seconds on shift.
    visits, urgent
        Doors stood at; how many of them for urgent jobs.
    travel_s, overtime_s
        Seconds on the way to them; worked after the end of a shift.
    """

    technician: str
    shift_s: int
    visits: int = 0
    urgent: int = 0
    travel_s: int = 0
    overtime_s: int = 0


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure of one technician beside the colleagues of the outlet.

    Attributes
    ----------
    own
        The amount.
    share, fair_share
        Of the outlet's amount, and of its hours on shift: what it would be if all had the same an
        hour. None where there is nothing to share, or nobody on shift.
    colleagues
        How many others were on shift.
    colleagues_per_hour
        Their amount an hour on shift, all of them together; None with fewer than
        `LEAST_COLLEAGUES`.
    """

    own: int
    share: float | None
    fair_share: float | None
    colleagues: int
    colleagues_per_hour: float | None


def figures_of(own: Work, outlet: Sequence[Work]) -> dict[str, Figure]:
    """A technician's figures by measure; ``outlet`` has the technician's own work among it."""
    others = [one for one in outlet if one.technician != own.technician and one.shift_s > 0]
    hours_s = own.shift_s + sum(one.shift_s for one in others)
    shown = len(others) >= LEAST_COLLEAGUES
    found = {}
    for measure in MEASURES:
        mine = int(getattr(own, measure))
        theirs = sum(int(getattr(one, measure)) for one in others)
        per_hour = 3600 * theirs / (hours_s - own.shift_s) if shown else None
        found[measure] = Figure(
            mine,
            mine / (mine + theirs) if shown and mine + theirs else None,
            own.shift_s / hours_s if shown and hours_s else None,
            len(others),
            per_hour,
        )
    return found


def evenness(outlet: Sequence[Work]) -> Mapping[str, float | None]:
    """Jain's index of each measure's rates an hour on shift; None where there is nothing of it."""
    on_shift = [one for one in outlet if one.shift_s > 0]
    found: dict[str, float | None] = {}
    for measure in MEASURES:
        rates = [int(getattr(one, measure)) / one.shift_s for one in on_shift]
        squares = sum(rate * rate for rate in rates)
        found[measure] = sum(rates) ** 2 / (len(rates) * squares) if squares else None
    return found
