"""A clock's state from its events: every deadline there ever was, and what became of each.

The first deadline is never erased. Pauses with evidence add an *excused* deadline beside it, a
consumer's postponement an *agreed* one; all of them are reported.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.clocks.allowance import Allowance, Pause, joined, paused_s
from domain.clocks.arrival import require_aware
from domain.clocks.events import ClockEvent, EventKind, Proof
from domain.rules.rulebook import TraceLine


class DeadlineKind(StrEnum):
    """Where a deadline comes from."""

    FIRST = "first"
    """The rule's own, as if nothing had happened."""
    EXCUSED = "excused"
    """The rule's with the time added in which the clock stood."""
    AGREED = "agreed"
    """What the consumer asked for."""


class Outcome(StrEnum):
    """What became of a deadline."""

    OPEN = "open"
    KEPT = "kept"
    ATTEMPTED = "attempted"
    """Somebody was at the door in time and could not get in, with evidence."""
    MISSED = "missed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Deadline:
    """A deadline and what became of it; ``due_at`` is None while a pause has no end."""

    kind: DeadlineKind
    due_at: datetime | None
    outcome: Outcome
    event: str = ""


@dataclass(frozen=True, slots=True)
class ClockState:
    """A clock as it stands at ``as_of``.

    Parameters
    ----------
    deadlines
        The first one first; empty when no rule gives a time.
    met_at, cancelled_at
        When what the clock waits for happened, or was no longer wanted.
    elapsed_s, paused_s
        From the start to the end, or to ``as_of``; ``elapsed_s`` includes the pauses.
    """

    started_at: datetime
    as_of: datetime
    deadlines: tuple[Deadline, ...]
    met_at: datetime | None
    cancelled_at: datetime | None
    paused: bool
    elapsed_s: int
    paused_s: int
    trace: tuple[TraceLine, ...]

    @property
    def running(self) -> bool:
        """Whether what the clock waits for may still come."""
        return self.met_at is None and self.cancelled_at is None

    @property
    def first(self) -> Deadline | None:
        """The rule's own deadline."""
        return self.deadlines[0] if self.deadlines else None

    @property
    def next_due_at(self) -> datetime | None:
        """The earliest deadline that is still open; None when there is none."""
        due = [d.due_at for d in self.deadlines if d.outcome is Outcome.OPEN and d.due_at]
        return min(due) if due else None


def run_clock(
    started_at: datetime,
    allowance: Allowance | None,
    events: Iterable[ClockEvent],
    as_of: datetime,
    rule: TraceLine | None = None,
    proofs: Collection[Proof] | None = None,
) -> ClockState:
    """Run a clock over its events up to ``as_of``; later events have not happened yet.

    Parameters
    ----------
    started_at
        The aware instant the clock starts at.
    allowance
        The time that the rule gives; None when no rule does.
    events
        In any order. A withdrawn event counts from its withdrawal on as never having been.
    rule
        The line of the trace that says where the time comes from.
    proofs
        What shows that an arrival was one; an arrival that is shown by anything else is told in the
        trace and stops nothing. None: whatever is told counts.

    Raises
    ------
    ValueError
        For a naive instant.
    """
    start, now = require_aware(started_at, "started_at"), require_aware(as_of, "as_of")
    known = sorted((e for e in events if e.at <= now), key=lambda e: (e.at, e.id))
    withdrawn = {e.target: e for e in known if e.kind is EventKind.WITHDRAWN}
    live = counting(known, now, proofs)
    met = next((e.at for e in live if e.kind is EventKind.MET), None)
    gone = next((e.at for e in live if e.kind is EventKind.CANCELLED), None)
    if met is not None and gone is not None:
        met, gone = (met, None) if met <= gone else (None, gone)
    end = met or gone or now
    pauses = _pauses(live, end)
    trace = [TraceLine(f"{start.isoformat()}: the clock starts")]
    if rule is not None:
        trace.append(rule)
    trace += [
        _told(event, withdrawn.get(event.id), event.kind is EventKind.MET and event not in live)
        for event in known
    ]
    deadlines = _deadlines(start, allowance, pauses, live)
    judged = tuple(_judged(deadline, live, met, gone, now) for deadline in deadlines)
    if not judged:
        trace.append(TraceLine("no rule in force gives a time: there is no deadline"))
    for deadline in judged:
        due = deadline.due_at.isoformat() if deadline.due_at else "open while the clock stands"
        trace.append(TraceLine(f"{deadline.kind} deadline {due}: {deadline.outcome}"))
    return ClockState(
        started_at=start,
        as_of=now,
        deadlines=judged,
        met_at=met,
        cancelled_at=gone,
        paused=met is None and gone is None and any(ended is None for _, ended in pauses),
        elapsed_s=int((end - start).total_seconds() // 1),
        paused_s=paused_s(pauses, start, end),
        trace=tuple(trace),
    )


def counting(
    events: Iterable[ClockEvent], as_of: datetime, proofs: Collection[Proof] | None = None
) -> list[ClockEvent]:
    """The events that count as of an instant, in order: nothing withdrawn, no unproven arrival.

    An arrival counts by its own proof, or by a confirmation of it, where ``proofs`` has that.
    """
    known = sorted((e for e in events if e.at <= as_of), key=lambda e: (e.at, e.id))
    withdrawn = {e.target for e in known if e.kind is EventKind.WITHDRAWN}
    live = [e for e in known if e.id not in withdrawn and e.kind is not EventKind.WITHDRAWN]
    if proofs is None:
        return live
    confirmed = {e.target for e in live if e.kind is EventKind.CONFIRMED}

    def counts(event: ClockEvent) -> bool:
        if event.kind is not EventKind.MET or event.proof is None or event.proof in proofs:
            return True
        return Proof.CONFIRMED in proofs and event.id in confirmed

    return [event for event in live if counts(event)]


def _pauses(live: list[ClockEvent], end: datetime) -> tuple[Pause, ...]:
    """Stretches in which the clock stood; a pause begun twice is one, and ends once."""
    found: list[Pause] = []
    began: datetime | None = None
    for event in live:
        if event.at > end:
            break
        if event.kind is EventKind.PAUSED and began is None:
            began = event.at
        elif event.kind is EventKind.RESUMED and began is not None:
            found.append((began, event.at))
            began = None
    if began is not None:
        found.append((began, None))
    return joined(found)


def _deadlines(
    start: datetime,
    allowance: Allowance | None,
    pauses: tuple[Pause, ...],
    live: list[ClockEvent],
) -> list[Deadline]:
    found = []
    if allowance is not None:
        first = allowance.due(start)
        found.append(Deadline(DeadlineKind.FIRST, first, Outcome.OPEN))
        excused = allowance.due(start, pauses) if pauses else first
        if excused != first:
            found.append(Deadline(DeadlineKind.EXCUSED, excused, Outcome.OPEN))
    found += [
        Deadline(DeadlineKind.AGREED, event.until, Outcome.OPEN, event.id)
        for event in live
        if event.kind is EventKind.POSTPONED
    ]
    return found


def _judged(
    deadline: Deadline,
    live: list[ClockEvent],
    met: datetime | None,
    gone: datetime | None,
    now: datetime,
) -> Deadline:
    due = deadline.due_at
    outcome = Outcome.OPEN
    if met is not None and (due is None or met <= due):
        outcome = Outcome.KEPT
    elif due is not None and _attempted(deadline, due, live):
        outcome = Outcome.ATTEMPTED
    elif gone is not None and (due is None or gone <= due):
        outcome = Outcome.CANCELLED
    elif due is not None and (met is not None or now > due):
        outcome = Outcome.MISSED
    return Deadline(deadline.kind, due, outcome, deadline.event)


def _attempted(deadline: Deadline, due: datetime, live: list[ClockEvent]) -> bool:
    """Somebody stood before a locked door in time; for an agreed deadline, after the agreement."""
    agreed_at = next((e.at for e in live if e.id == deadline.event), None)
    return any(
        e.kind is EventKind.NO_ACCESS and e.at <= due and (agreed_at is None or e.at >= agreed_at)
        for e in live
    )


def _told(event: ClockEvent, withdrawn: ClockEvent | None, unproven: bool) -> TraceLine:
    text = f"{event.at.isoformat()}: {event.kind} by {event.actor}"
    if event.proof is not None:
        text += f", shown by: {event.proof}"
    if event.until is not None:
        text += f" until {event.until.isoformat()}"
    if event.target:
        text += f" ({event.target})"
    if event.reason:
        text += f": {event.reason}"
    if event.evidence:
        text += f" [{', '.join(event.evidence)}]"
    if withdrawn is not None:
        text += f" — withdrawn at {withdrawn.at.isoformat()}"
    elif unproven:
        text += " — no proof that counts: the clock runs on"
    return TraceLine(text)
