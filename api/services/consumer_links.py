"""A consumer's link: one job, no login. Made, renewed, and what its page shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from api.db.models import ClockEvent, Complaint, ConsumerLink, Job, Person, Survey, Visit
from api.services.activity import record
from api.services.bills import account_of, newest_bill
from api.services.breaches import expected_arrivals
from api.services.choices import refuse_under_way
from api.services.clock_events import NewEvent, add, arrivals, clocks_of, trace_view
from api.services.complaints import complaint_view
from api.services.door_codes import door_code
from api.services.identity import Identity, make_link
from api.services.papers import current_text
from api.services.quotes import quote_view, quotes_of, whereabouts_agreed
from api.services.refusals import Refusal
from api.services.regions import the_region
from api.services.surveys import CONDUCT
from domain import roles
from domain.clocks import EventKind
from domain.fees import reconcile

FURTHEST = timedelta(days=60)
"""How far ahead a consumer may put off a visit."""

OVER = ("done", "cancelled")
COMING = ("published", "accepted", "on_the_way")
"""States of a visit to which somebody has still to come."""


@dataclass(frozen=True, slots=True)
class Postponement:
    """A consumer asks for later; ``id`` is made by the page, so that a repeat is one."""

    id: UUID
    start: datetime
    end: datetime
    reason: str


def renew(
    session: Session, job: Job, lifetime: timedelta, actor_id: UUID | None, now: datetime
) -> tuple[ConsumerLink, str]:
    """A new link for a job's consumer; those before it open nothing any more."""
    session.execute(
        update(ConsumerLink)
        .where(ConsumerLink.job_id == job.id, ConsumerLink.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    return make_link(session, job.id, now + lifetime, actor_id)


def revoke(session: Session, job: Job, actor_id: UUID | None, now: datetime) -> int:
    """Close every link to a job; how many were open."""
    closed = session.scalars(
        update(ConsumerLink)
        .where(ConsumerLink.job_id == job.id, ConsumerLink.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(ConsumerLink.id)
    ).all()
    record(session, "links_revoked", "job", job.id, actor_id=actor_id, links=len(closed))
    return len(closed)


def postpone(
    session: Session, job: Job, wish: Postponement, who: Identity, now: datetime
) -> datetime:
    """A consumer's later time: a second deadline beside the first, and the job's appointment.

    Raises
    ------
    Refusal
        ``quote_closed`` for a job that is over; ``job_under_way``; ``invalid`` for a time in the
        past or too far ahead.
    """
    if job.status in OVER:
        raise Refusal("quote_closed", f"the job is {job.status}", status=job.status)
    if wish.start <= now or wish.end > now + FURTHEST:
        raise Refusal("invalid", f"the time must lie within the next {FURTHEST.days} days")
    refuse_under_way(session, job)
    event = NewEvent(
        wish.id,
        EventKind.POSTPONED,
        now,
        wish.reason,
        (f"link {who.link_id}",),
        until=wish.end,
    )
    earlier = _asked_before(session, job, wish)
    if earlier is not None:
        return earlier
    add(session, job, event, who, now, actor="the consumer")
    job.windows = [[wish.start.isoformat(), wish.end.isoformat()]]
    session.flush()
    return wish.end


def confirm_arrival(
    session: Session, job: Job, key: UUID, visit_id: UUID, who: Identity, now: datetime
) -> ClockEvent:
    """A consumer says that the technician of a visit came; the same again changes nothing.

    Raises
    ------
    Refusal
        ``unknown_reference`` for a visit that told of no arrival, or is another job's;
        ``forbidden`` on a link that a technician made, who could be the one to open it.
    """
    if not _from_the_office(session, who.link_id):
        raise Refusal("forbidden", "a technician made this link: confirm with the office")
    earlier = session.get(ClockEvent, key)
    event = NewEvent(
        key,
        EventKind.CONFIRMED,
        now if earlier is None else earlier.at,
        "the technician came",
        (f"link {who.link_id}",),
        target=visit_id,
    )
    return add(session, job, event, who, now, actor="the consumer")


def _asked_before(session: Session, job: Job, wish: Postponement) -> datetime | None:
    row = session.get(ClockEvent, wish.id)
    if row is None:
        return None
    if (row.job_id, row.until, row.reason) != (job.id, wish.end, wish.reason):
        raise Refusal("event_id_reused", id=str(wish.id))
    return row.until


def link_page(
    session: Session, job: Job, who: Identity, language: str, now: datetime
) -> dict[str, Any]:
    """Everything the consumer's page draws."""
    region = the_region(session)
    arrival = clocks_of(session, job, now)[0]
    link = session.get(ConsumerLink, who.link_id) if who.link_id else None
    whereabouts = current_text(session, "whereabouts", language)
    complaints = session.scalars(
        select(Complaint).where(Complaint.job_id == job.id).order_by(Complaint.number)
    ).all()
    return {
        "job_id": job.id,
        "number": job.number,
        "status": job.status,
        "class": job.job_class,
        "mode": job.mode,
        "product": job.request.product,
        "fault": job.request.fault,
        "reported_at": job.reported_at,
        "timezone": region.timezone,
        "windows": job.windows,
        "deadlines": [
            {"kind": d.kind, "due_at": d.due_at, "outcome": d.outcome}
            for d in arrival.state.deadlines
        ],
        "rule": [trace_view(line) for line in arrival.judgement.trace if line.version],
        "arrival": _arrival(session, job, _from_the_office(session, who.link_id), now),
        "quotes": [quote_view(quote) for quote in quotes_of(session, job.id)],
        "bill": _bill(session, job),
        "complaints": [_complaint(session, one, now) for one in complaints],
        "whereabouts": None
        if whereabouts is None
        else {
            "agreed": whereabouts_agreed(session, job.id),
            "body": whereabouts.body,
            "sha256": whereabouts.sha256,
        },
        "survey": _survey(session, job),
        "expires_at": None if link is None else link.expires_at,
    }


def _from_the_office(session: Session, link_id: UUID | None) -> bool:
    """Whether a link was made by somebody else than a technician."""
    link = None if link_id is None else session.get(ConsumerLink, link_id)
    if link is None:
        return False
    maker = None if link.created_by is None else session.get(Person, link.created_by)
    return maker is None or maker.role != roles.TECHNICIAN


def _door_code(session: Session, visit: Visit) -> str | None:
    """The code to tell at the door; none once somebody came."""
    if visit.arrived_at is not None or visit.state not in COMING:
        return None
    return door_code(session, visit.job_id, visit.day)


def _arrival(session: Session, job: Job, trusted: bool, now: datetime) -> dict[str, Any] | None:
    visits: Sequence[Visit] = session.scalars(
        select(Visit).where(Visit.job_id == job.id, Visit.active).order_by(Visit.arrival_at)
    ).all()
    if not visits:
        return None
    visit = visits[-1]
    expected = expected_arrivals(session, now).get(job.id)
    return {
        "state": visit.state,
        "technician": visit.technician.name,
        "planned_at": visit.arrival_at,
        "expected_at": visit.arrived_at or (expected[0] if expected else visit.arrival_at),
        "visit_id": visit.id,
        "door_code": _door_code(session, visit) if trusted else None,
        "arrived_at": visit.arrived_at,
        # Nothing shows yet that somebody came: the consumer is asked.
        "to_confirm": trusted
        and visit.arrived_at is not None
        and job.id not in arrivals(session, [job.id]),
    }


def _bill(session: Session, job: Job) -> dict[str, Any] | None:
    bill = newest_bill(session, job.id)
    if bill is None:
        return None
    return {
        "version": bill.version,
        "total_fen": bill.total_fen,
        "currency": bill.currency,
        "document": bill.document,
        "open_fen": reconcile(account_of(session, job.id)).open_fen,
    }


def _survey(session: Session, job: Job) -> dict[str, Any] | None:
    """What the survey asks, once the work is done; None before."""
    if job.status != "done":
        return None
    answered = session.scalar(select(Survey.id).where(Survey.job_id == job.id)) is not None
    return {"answered": answered, "conduct": list(CONDUCT)}


def _complaint(session: Session, complaint: Complaint, now: datetime) -> dict[str, Any]:
    told = complaint_view(session, complaint, now, roles.CONSUMER)
    names = ("id", "number", "topic", "text", "state", "received_at", "steps", "clocks")
    return {name: told[name] for name in names}
