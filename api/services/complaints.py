"""Complaints and disputes: each step once, each clock by the law of the day it was received."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from api.db.models import Complaint, ComplaintStep, Job
from api.db.models import Request as RequestRow
from api.services import looks
from api.services.activity import record
from api.services.clock_events import CLOCK_ERROR, recorded, ruling_view, trace_view
from api.services.identity import Identity
from api.services.masking import NAME, mask_words, sees
from api.services.refusals import Refusal
from api.services.rule_packs import rulebook, setting_of
from domain.clocks import ClockState
from domain.complaints import (
    BY_CONSUMER,
    NEED_REASON,
    ComplaintEvent,
    ComplaintState,
    IllegalStep,
    step,
)
from domain.judging import ComplaintCase, judge_complaint
from domain.rules import Judgement


@dataclass(frozen=True, slots=True)
class NewComplaint:
    """A complaint as it comes in; ``id`` is made by whoever reports it."""

    id: UUID
    topic: str
    text: str
    wish: str
    door: str


@dataclass(frozen=True, slots=True)
class NewStep:
    """A step of a complaint; ``id`` is made by whoever reports it."""

    id: UUID
    event: ComplaintEvent
    at: datetime
    note: str


def file(
    session: Session, job: Job, complaint: NewComplaint, who: Identity, now: datetime
) -> Complaint:
    """Take a complaint about a job, once; its clock starts now.

    Raises
    ------
    Refusal
        ``event_id_reused`` when the id names another complaint.
    """
    earlier = session.get(Complaint, complaint.id)
    if earlier is not None:
        if (earlier.job_id, earlier.text) != (job.id, complaint.text):
            raise Refusal("event_id_reused", id=str(complaint.id))
        return earlier
    row = Complaint(
        id=complaint.id,
        job_id=job.id,
        topic=complaint.topic,
        text=complaint.text,
        wish=complaint.wish,
        door=complaint.door,
        received_at=now,
        recorded_by=who.person_id,
    )
    session.add(row)
    session.flush()
    record(
        session,
        "complaint_received",
        "complaint",
        row.id,
        actor_id=who.person_id,
        number=row.number,
        job_id=str(job.id),
        topic=row.topic,
        door=row.door,
    )
    return row


def reach(session: Session, complaint_id: UUID, job_id: UUID | None = None) -> Complaint:
    """A complaint; with ``job_id`` only when it is about that job.

    Raises
    ------
    Refusal
        ``not_found``.
    """
    query = (
        select(Complaint)
        .where(Complaint.id == complaint_id)
        .options(joinedload(Complaint.job).joinedload(Job.request).joinedload(RequestRow.consumer))
    )
    if job_id is not None:
        query = query.where(Complaint.job_id == job_id)
    found = session.scalars(query).one_or_none()
    if found is None:
        raise Refusal("not_found", "there is no such complaint")
    return found


def take_step(
    session: Session, complaint: Complaint, new: NewStep, who: Identity, now: datetime
) -> Complaint:
    """Take a step, once, in a legal order and never before the step before.

    Raises
    ------
    Refusal
        ``event_id_reused``; ``illegal_step`` with what is allowed; ``forbidden`` for a step that is
        not the consumer's; ``invalid`` without a reason, or for an instant out of order.
    """
    if who.role == "consumer" and new.event not in BY_CONSUMER:
        raise Refusal("forbidden", "this step is the desk's")
    session.execute(select(Complaint.id).where(Complaint.id == complaint.id).with_for_update())
    session.refresh(complaint, ["state", "steps"])
    earlier = session.get(ComplaintStep, new.id)
    if earlier is not None:
        if (earlier.complaint_id, earlier.event) != (complaint.id, str(new.event)):
            raise Refusal("event_id_reused", id=str(new.id))
        return complaint
    if new.event in NEED_REASON and not new.note.strip():
        raise Refusal("invalid", f"{new.event}: say why, or what was agreed")
    last = max((one.at for one in complaint.steps), default=complaint.received_at)
    if new.at > now + CLOCK_ERROR or new.at < last:
        raise Refusal("invalid", "at lies in the future, or before the step before")
    try:
        complaint.state = step(ComplaintState(complaint.state), new.event)
    except IllegalStep as error:
        raise Refusal(
            "illegal_step",
            str(error),
            state=str(error.state),
            event=str(error.event),
            allowed=[str(event) for event in error.allowed],
        ) from None
    session.add(
        ComplaintStep(
            id=new.id,
            complaint_id=complaint.id,
            event=str(new.event),
            at=new.at,
            actor="the consumer" if who.role == "consumer" else who.name,
            person_id=who.person_id,
            note=new.note,
        )
    )
    session.flush()
    session.refresh(complaint, ["steps"])
    record(
        session,
        f"complaint_{new.event}",
        "complaint",
        complaint.id,
        actor_id=who.person_id,
        number=complaint.number,
        state=complaint.state,
    )
    return complaint


def complaint_case(session: Session, complaint: Complaint) -> ComplaintCase:
    """A complaint as its judge reads it."""
    steps = tuple((ComplaintEvent(one.event), one.at) for one in complaint.steps)
    events = tuple(recorded(session, complaint_id=complaint.id))
    return ComplaintCase(complaint.received_at, steps, events)


def judged(
    session: Session, complaint: Complaint, as_of: datetime, rules_on: date | None = None
) -> tuple[Judgement, dict[str, ClockState]]:
    """Both clocks of a complaint, by the law of its day or of another."""
    return judge_complaint(
        complaint_case(session, complaint), rulebook(), setting_of(session), as_of, rules_on
    )


def complaint_view(
    session: Session,
    complaint: Complaint,
    as_of: datetime,
    role: str,
    rules_on: date | None = None,
) -> dict[str, Any]:
    """A complaint as a role is told it, with its clocks and the line-by-line trace."""
    judgement, states = judged(session, complaint, as_of, rules_on)
    request = complaint.job.request
    if sees(NAME, role):
        looks.seen(looks.REQUEST, request.id)
    return {
        "id": complaint.id,
        "number": complaint.number,
        "job_id": complaint.job_id,
        "topic": complaint.topic,
        "text": mask_words(complaint.text, request, role),
        "wish": mask_words(complaint.wish, request, role),
        "state": complaint.state,
        "door": complaint.door,
        "received_at": complaint.received_at,
        "steps": [
            {
                "id": s.id,
                "event": s.event,
                "at": s.at,
                "actor": mask_words(s.actor, request, role),
                "note": mask_words(s.note, request, role),
            }
            for s in complaint.steps
        ],
        "clocks": [
            {
                "name": name,
                "running": state.running,
                "deadlines": [asdict(deadline) for deadline in state.deadlines],
            }
            for name, state in states.items()
        ],
        "rules": [ruling_view(ruling) for ruling in judgement.rulings],
        "unconfirmed": sorted({ruling.key for ruling in judgement.unconfirmed}),
        "trace": [trace_view(line) for line in judgement.trace],
    }
