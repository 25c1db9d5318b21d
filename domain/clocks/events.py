"""What happens to a clock. Events are only ever added; a wrong one is taken back by another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.clocks.arrival import require_aware


class EventKind(StrEnum):
    """What happened."""

    MET = "met"
    """What the clock waits for has happened: the arrival, the answer, the loaner."""
    POSTPONED = "postponed"
    """The consumer asked for later; ``until`` is the deadline that was agreed."""
    NO_ACCESS = "no_access"
    """Somebody stood at the door and could not get in."""
    PAUSED = "paused"
    """Force majeure, testing: the clock stands until it is resumed."""
    RESUMED = "resumed"
    CANCELLED = "cancelled"
    """The consumer does not want it any more."""
    WITHDRAWN = "withdrawn"
    """An earlier event, ``target``, was recorded wrongly."""
    CONFIRMED = "confirmed"
    """An arrival, ``target``, is confirmed by the consumer, or by the office with evidence."""


class Proof(StrEnum):
    """What shows that somebody really stood at the door. Which of it counts, a rule pack says."""

    PLACE = "place"
    """The phone's place was near the door."""
    DOOR_CODE = "door_code"
    """The code on the consumer's page was told with the arrival."""
    CONFIRMED = "confirmed"
    """The consumer said so afterwards, or the office with evidence."""
    TOLD = "told"
    """Nothing is on record about the place: older records, taken over from elsewhere."""
    FAR = "far"
    """The phone's place was far from the door, and nothing else speaks for the arrival."""


NEED_REASON = frozenset(EventKind) - {EventKind.MET, EventKind.RESUMED}
NEED_EVIDENCE = frozenset(
    {EventKind.POSTPONED, EventKind.NO_ACCESS, EventKind.PAUSED, EventKind.CONFIRMED}
)
"""What excuses the operator has to be proven."""

NAME_ANOTHER = frozenset({EventKind.WITHDRAWN, EventKind.CONFIRMED})
"""Events about another event, their ``target``."""


class EventError(ValueError):
    """An event that may not be recorded as it is; ``code`` is for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class ClockEvent:
    """One event. ``evidence`` names what proves it: a photo, a call, a signed link, a notice.

    ``proof`` is what shows an arrival; None for whatever else a clock waits for.

    Raises
    ------
    EventError
        ``needs_actor``, ``needs_reason``, ``needs_evidence``, ``needs_until``, ``needs_target``.
    ValueError
        For a naive instant.
    """

    id: str
    kind: EventKind
    at: datetime
    actor: str
    reason: str = ""
    evidence: tuple[str, ...] = ()
    until: datetime | None = None
    target: str = ""
    proof: Proof | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", require_aware(self.at, "at"))
        if self.until is not None:
            object.__setattr__(self, "until", require_aware(self.until, "until"))
        if not self.actor.strip():
            raise EventError("needs_actor", f"{self.kind}: say who")
        if self.kind in NEED_REASON and not self.reason.strip():
            raise EventError("needs_reason", f"{self.kind}: say why")
        if self.kind in NEED_EVIDENCE and not any(one.strip() for one in self.evidence):
            raise EventError("needs_evidence", f"{self.kind} needs evidence")
        if (self.kind is EventKind.POSTPONED) != (self.until is not None):
            raise EventError("needs_until", "a postponement, and nothing else, says until when")
        if (self.kind in NAME_ANOTHER) != bool(self.target):
            raise EventError(
                "needs_target", "a withdrawal or confirmation, and nothing else, names an event"
            )
        if self.until is not None and self.until <= self.at:
            raise EventError("needs_until", "a postponement must lie ahead")
