"""Will the deadline be kept? Told before it is broken, from where the plan stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.clocks.run import ClockState, Outcome


class Risk(StrEnum):
    """How a clock stands against its plan."""

    NONE = "none"
    TIGHT = "tight"
    """In time as planned, by less than the margin asked for."""
    UNPLANNED = "unplanned"
    """Nobody is planned to come, and the deadline is near."""
    LATE = "late"
    """As planned, the deadline will be missed."""
    BROKEN = "broken"
    """The deadline has passed."""


ALERTING = frozenset({Risk.UNPLANNED, Risk.LATE})
"""What somebody has to be told ahead of the breach."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """A deadline, the arrival expected, and the seconds between them (negative when late)."""

    risk: Risk
    due_at: datetime | None
    expected_at: datetime | None
    margin_s: int | None


def forecast(
    state: ClockState, expected_at: datetime | None, lead: timedelta, margin: timedelta
) -> Forecast:
    """Hold a clock against the expected instant.

    Parameters
    ----------
    expected_at
        When the plan, with the delays known, brings what the clock waits for; None when nothing
        is planned.
    lead
        How long before its deadline an unplanned job becomes an alert.
    margin
        What a planned arrival needs to the deadline not to be tight.
    """
    open_ones = [d for d in state.deadlines if d.outcome is Outcome.OPEN and d.due_at is not None]
    if not state.running:
        return Forecast(Risk.NONE, None, expected_at, None)
    if not open_ones:
        missed = [d.due_at for d in state.deadlines if d.outcome is Outcome.MISSED]
        risk = Risk.BROKEN if missed else Risk.NONE
        return Forecast(risk, missed[-1] if missed else None, expected_at, None)
    due = min(d.due_at for d in open_ones if d.due_at is not None)
    if expected_at is None:
        near = due - state.as_of <= lead
        return Forecast(Risk.UNPLANNED if near else Risk.NONE, due, None, None)
    # What was expected in the past has not happened: it can happen now at the earliest.
    slack = due - max(expected_at, state.as_of)
    risk = Risk.LATE if slack < timedelta() else Risk.TIGHT if slack < margin else Risk.NONE
    return Forecast(risk, due, expected_at, int(slack.total_seconds() // 1))
