"""A phone that was out of reach sends what happened meanwhile: nothing lost, nothing twice.

Events are taken in the order of the device's clock, whatever order they come in. One that follows
on something that has not come yet, or that the office has decided against meanwhile, is held: kept
with its reason, taken by itself when what it waits for comes, and shown to the office until then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.db.models import HeldEvent, Visit
from api.services.activity import record
from api.services.device_keys import checked
from api.services.identity import Identity
from api.services.policies import policy_on
from api.services.refusals import Refusal
from api.services.sheets import lock_sheets
from api.services.visits import Report, lock_visit, take
from domain.lifecycle import VisitEvent as Event
from domain.places import Place

HOLDING = frozenset({"illegal_transition", "evidence_missing", "stock_short"})
"""Refusals that time or the office can cure; anything else is wrong for ever and said so."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event of a batch, and the visit it belongs to.

    ``signature`` is what came with it, still to be checked, and ``sent`` the event as it was sent.
    """

    visit_id: UUID
    report: Report
    signature: dict[str, Any] | None = None
    sent: dict[str, Any] = field(default_factory=dict)


def skew_of(sent_at: datetime, now: datetime) -> int:
    """Seconds to add to the device's instants: nothing while its clock is as good as allowed."""
    skew_s = int((now - sent_at).total_seconds())
    allowed_s = policy_on(now.date()).device_clock_error_s
    return skew_s if abs(skew_s) > allowed_s else 0


def take_batch(
    session: Session, events: Sequence[Told], who: Identity, now: datetime
) -> list[dict[str, Any]]:
    """Take many events; the answers stand in the order in which the events were sent.

    Each answer has a ``status``: ``taken``, ``held`` (with the ``code`` of what is in the way) or
    ``refused`` (with ``code`` and ``detail``: this event cannot be taken ever).
    """
    order = sorted(range(len(events)), key=lambda place: (events[place].report.at, place))
    # All sheets first and in one order: a batch sent twice at once waits for itself.
    sheets = select(Visit.day, Visit.technician_number).where(
        Visit.id.in_({told.visit_id for told in events}),
        Visit.technician_number == who.technician_number,
    )
    for day, number in sorted(set(session.execute(sheets))):
        lock_sheets(session, day, number)
    answers: dict[int, dict[str, Any]] = {}
    for place in order:
        answers[place] = _take_one(session, events[place], who, now)
    return [answers[place] for place in range(len(events))]


def _take_one(session: Session, told: Told, who: Identity, now: datetime) -> dict[str, Any]:
    report = told.report
    head = {"id": report.id, "visit_id": told.visit_id}
    try:
        if told.signature is not None:
            signed = checked(session, told.signature, told.sent, who)
            report = replace(report, signed=signed)
            told = replace(told, report=report)
        with session.begin_nested():
            answer = take(session, told.visit_id, report, who, now)
        settle_waiting(session, told.visit_id, who, now)
        return {**head, "status": "taken", "answer": answer}
    except Refusal as refusal:
        if refusal.code not in HOLDING:
            return {
                **head,
                "status": "refused",
                "code": refusal.code,
                "detail": refusal.detail,
                "params": refusal.params,
            }
        hold(session, told, who, refusal, now)
        return {**head, "status": "held", "code": refusal.code, "detail": refusal.detail}


def hold(session: Session, told: Told, who: Identity, refusal: Refusal, now: datetime) -> None:
    """Keep an event that cannot be taken yet; the same one again changes nothing."""
    report = told.report
    if session.get(HeldEvent, report.id) is not None:
        return
    session.add(
        HeldEvent(
            id=report.id,
            visit_id=told.visit_id,
            event=as_json(report),
            at=report.at,
            person_id=who.person_id,
            reason=refusal.code,
            received_at=now,
        )
    )
    session.flush()
    record(
        session,
        "event_held",
        "visit",
        told.visit_id,
        actor_id=who.person_id,
        technician_number=who.technician_number,
        event=str(report.event),
        event_id=str(report.id),
        reason=refusal.code,
    )


def settle_waiting(session: Session, visit_id: UUID, who: Identity, now: datetime) -> list[UUID]:
    """Take the events of a visit that were waiting, as far as they can be taken now."""
    # The sheet before the held rows, as everywhere: two deliveries of one phone come one by one.
    lock_visit(session, visit_id, who)
    settled: list[UUID] = []
    while True:
        waiting = session.scalars(
            select(HeldEvent)
            .where(HeldEvent.visit_id == visit_id, HeldEvent.settled_at.is_(None))
            .order_by(HeldEvent.at, HeldEvent.id)
            .with_for_update()
        ).all()
        taken = next((row for row in waiting if _try(session, row, who, now)), None)
        if taken is None:
            return settled
        settled.append(taken.id)


def _try(session: Session, row: HeldEvent, who: Identity, now: datetime) -> bool:
    try:
        with session.begin_nested():
            take(session, row.visit_id, from_json(row.id, row.event), who, now)
    except Refusal as refusal:
        row.reason = refusal.code
        return False
    row.settled_at = now
    row.outcome = "taken"
    session.flush()
    return True


def settle(
    session: Session, event_id: UUID, decision: str, reason: str, who: Identity, now: datetime
) -> HeldEvent:
    """The office tries a held event again, or sets it aside with a reason; it stays on record.

    Raises
    ------
    Refusal
        ``not_found``; ``already_exists`` when it has been settled; what `take` says to a retry.
    """
    row = session.get(HeldEvent, event_id)
    if row is None:
        raise Refusal("not_found")
    lock_visit(session, row.visit_id, who)
    session.refresh(row, with_for_update=True)
    if row.settled_at is not None:
        raise Refusal("already_exists", "this event has been settled", outcome=row.outcome)
    if decision == "retry":
        take(session, row.visit_id, from_json(row.id, row.event), who, now)
        row.outcome = "taken"
    else:
        row.outcome = "set_aside"
        row.reason = reason
    row.settled_at = now
    session.flush()
    record(
        session,
        "held_event_settled",
        "visit",
        row.visit_id,
        actor_id=who.person_id,
        event_id=str(row.id),
        outcome=row.outcome,
        reason=reason,
    )
    return row


def waiting_events(session: Session) -> Iterable[tuple[HeldEvent, Visit]]:
    """Held events that nobody has settled, the oldest first."""
    return session.execute(
        select(HeldEvent, Visit)
        .join(Visit, Visit.id == HeldEvent.visit_id)
        .where(HeldEvent.settled_at.is_(None))
        .order_by(HeldEvent.received_at, HeldEvent.id)
    )


def as_json(report: Report) -> dict[str, Any]:
    """An event as it is kept while it waits."""
    offset = report.at.utcoffset() or timedelta()
    return {
        "event": str(report.event),
        "at": report.at.isoformat(),
        "offset_minutes": int(offset.total_seconds() // 60),
        "place": None
        if report.place is None
        else {"lat": report.place.lat, "lon": report.place.lon},
        "accuracy_m": report.accuracy_m,
        "details": report.details,
        "skew_s": report.skew_s,
        "signed": report.signed,
    }


def from_json(event_id: UUID, body: dict[str, Any]) -> Report:
    """The event that `as_json` kept."""
    place = body["place"]
    return Report(
        event_id,
        Event(body["event"]),
        datetime.fromisoformat(body["at"]),
        None if place is None else Place(place["lat"], place["lon"]),
        body["accuracy_m"],
        body["details"],
        body["skew_s"],
        body.get("signed"),
    )
