"""What needs somebody's eye now: late, at risk, unassigned, no access, held, short, unanswered."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import String, cast, func, not_, select
from sqlalchemy.orm import Session

from api.db.models import (
    DeviceKey,
    IncomingMessage,
    Job,
    OutgoingMessage,
    PartReservation,
    Request,
    StockBalance,
    Visit,
    VisitEvent,
)
from api.services.clock_events import arrivals
from api.services.equipment import overdue
from api.services.offline import waiting_events
from api.services.regions import local_day, the_region, utc_iso
from domain.lifecycle import JobState, Mode, VisitState

SOON = timedelta(hours=4)
KINDS = (
    "late",
    "at_risk",
    "unassigned",
    "no_access",
    "arrival_far",
    "event_unsigned",
    "waiting_parts",
    "duplicate",
    "place_outside",
    "event_held",
    "parts_short",
    "equipment_overdue",
    "message_unread",
    "message_failed",
)


FAR_SHOWN = timedelta(days=7)
"""For so long somebody has to look at an arrival that was told far from its door."""


def exceptions(session: Session, now: datetime) -> list[dict[str, Any]]:
    """The list, the most pressing first; see `order_of`."""
    found = [
        *_clocks(session, now),
        *_doors(session),
        *_outside(session),
        *_far_arrivals(session, now),
        *_unsigned(session, now),
        *_held(session),
        *_parts(session),
        *_messages(session),
    ]
    today = local_day(now, the_region(session).timezone)
    found += [
        {
            "kind": "equipment_overdue",
            "subject": "equipment",
            "subject_id": str(row["equipment_id"]),
            "since": None if row["due_on"] is None else row["due_on"].isoformat(),
            "detail": f"{row['kind']} {row['serial']}: {row['duty']}",
        }
        for row in overdue(session, today)
        if row["overdue"]
    ]
    return sorted(found, key=order_of)


ORDER_LENGTH = 5


def order_of(row: dict[str, Any]) -> tuple[str, ...]:
    """By kind in the order of `KINDS`, then by time; the rest makes it the row's own."""
    own = row.get("event_id") or row.get("visit_id") or ""
    since = row["since"] or ""
    told = " ".join(row["detail"].split())
    return f"{KINDS.index(row['kind']):02}", since, row["subject_id"], own, told


def _row(kind: str, job: Job, since: datetime, detail: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "subject": "job",
        "subject_id": str(job.id),
        "number": job.number,
        "class": job.job_class,
        "since": utc_iso(since),
        "due_at": utc_iso(job.due_at),
        "detail": detail,
        **more,
    }


def _clocks(session: Session, now: datetime) -> list[dict[str, Any]]:
    """Jobs without an arrival: past their deadline, planned behind it, or in no plan near it."""
    first = (
        select(Visit.job_id, func.min(Visit.arrival_at).label("arrival_at"))
        .where(Visit.active)
        .group_by(Visit.job_id)
        .subquery()
    )
    rows = session.execute(
        select(Job, first.c.arrival_at)
        .outerjoin(first, first.c.job_id == Job.id)
        .where(Job.status.in_((JobState.OPEN, JobState.PLANNED)))
        .order_by(Job.due_at, Job.id)
    ).all()
    there = arrivals(session, [job.id for job, _ in rows], now)
    found = []
    for job, planned in rows:
        if job.id in there:
            continue
        if job.due_at < now:
            found.append(_row("late", job, job.due_at, "nobody was at the door in time"))
        elif planned is not None and max(planned, now) > job.due_at:
            found.append(
                _row(
                    "at_risk",
                    job,
                    planned,
                    "the plan arrives after the deadline",
                    planned_arrival=utc_iso(planned),
                )
            )
        elif planned is None and job.due_at - now <= SOON:
            found.append(_row("unassigned", job, job.due_at, "due soon and in no plan"))
    return found


def _doors(session: Session) -> list[dict[str, Any]]:
    no_access = (
        select(Visit.id).where(Visit.job_id == Job.id, Visit.state == VisitState.NO_ACCESS).exists()
    )
    refused = select(Job).where(Job.status == JobState.OPEN, no_access)
    waiting = select(Job).where(Job.status == JobState.WAITING_PARTS)
    double = select(Job).where(Job.status == JobState.OPEN, Job.duplicate_of.is_not(None))
    return [
        *(
            _row("no_access", job, job.due_at, "nobody opened: agree on another time")
            for job in session.scalars(refused)
        ),
        *(
            _row("waiting_parts", job, job.due_at, ", ".join(sorted(job.parts)) or "parts")
            for job in session.scalars(waiting)
        ),
        *(
            _row(
                "duplicate",
                job,
                job.reported_at,
                "the same fault is being dealt with",
                duplicate_of=str(job.duplicate_of),
            )
            for job in session.scalars(double)
        ),
    ]


def _outside(session: Session) -> list[dict[str, Any]]:
    """Jobs at a place beyond the region's roads: mostly degrees that were swapped or mistyped."""
    region = the_region(session)
    inside = Request.lat.between(region.south, region.north) & Request.lon.between(
        region.west, region.east
    )
    rows = session.scalars(
        select(Job)
        .join(Request, Request.id == Job.request_id)
        .where(
            Job.status.in_((JobState.OPEN, JobState.PLANNED)),
            Job.mode == Mode.ON_SITE,
            not_(inside),
        )
    )
    return [
        _row(
            "place_outside", job, job.reported_at, "the place lies beyond the region: is it right?"
        )
        for job in rows
    ]


def _far_arrivals(session: Session, now: datetime) -> list[dict[str, Any]]:
    """Arrivals of the last days told far from the door, while nothing else shows that one came."""
    near = VisitEvent.details["proof"]["near"].as_boolean()
    rows = session.execute(
        select(VisitEvent, Job)
        .join(Visit, Visit.id == VisitEvent.visit_id)
        .join(Job, Job.id == Visit.job_id)
        .where(
            VisitEvent.kind == "arrived",
            near.is_(False),
            VisitEvent.received_at > now - FAR_SHOWN,
        )
    ).all()
    shown = arrivals(session, [job.id for _, job in rows], now)
    return [
        _row(
            "arrival_far",
            job,
            event.at,
            f"told {_from_where(event)}: ask the consumer",
            visit_id=str(event.visit_id),
        )
        for event, job in rows
        if job.id not in shown
    ]


def _from_where(event: VisitEvent) -> str:
    metres = event.details["proof"]["metres"]
    return "without a place, with a wrong code" if metres is None else f"{metres} m from the door"


def _unsigned(session: Session, now: datetime) -> list[dict[str, Any]]:
    """Visits told of without a signature while a phone of the same person had a key for it."""
    had_one = (
        select(DeviceKey.id)
        .where(
            DeviceKey.person_id == VisitEvent.person_id,
            DeviceKey.made_at < VisitEvent.at,
            func.coalesce(DeviceKey.ended_at > VisitEvent.at, True),
        )
        .exists()
    )
    rows = session.execute(
        select(Job, VisitEvent.visit_id, func.min(VisitEvent.at), func.count())
        .join(Visit, Visit.id == VisitEvent.visit_id)
        .join(Job, Job.id == Visit.job_id)
        .where(VisitEvent.signed.is_(None), VisitEvent.received_at > now - FAR_SHOWN, had_one)
        .group_by(Job.id, VisitEvent.visit_id)
    )
    return [
        _row(
            "event_unsigned",
            job,
            at,
            f"{count} events without the phone's signature",
            visit_id=str(visit_id),
        )
        for job, visit_id, at, count in rows
    ]


def _held(session: Session) -> list[dict[str, Any]]:
    return [
        {
            "kind": "event_held",
            "subject": "visit",
            "subject_id": str(visit.id),
            "event_id": str(row.id),
            "since": utc_iso(row.received_at),
            "detail": f"{row.event['event']}: {row.reason}",
        }
        for row, visit in waiting_events(session)
    ]


def _parts(session: Session) -> list[dict[str, Any]]:
    """Vans that have less of a part than their planned visits need."""
    reserved = func.sum(PartReservation.quantity)
    place = func.concat("van:", PartReservation.technician_number)
    rows = session.execute(
        select(
            PartReservation.technician_number,
            PartReservation.part,
            reserved,
            func.coalesce(func.max(StockBalance.quantity), 0),
            func.min(cast(PartReservation.visit_id, String)),
        )
        .outerjoin(
            StockBalance,
            (StockBalance.place == place) & (StockBalance.part == PartReservation.part),
        )
        .group_by(PartReservation.technician_number, PartReservation.part)
        .having(reserved > func.coalesce(func.max(StockBalance.quantity), 0))
    )
    return [
        {
            "kind": "parts_short",
            "subject": "visit",
            "subject_id": visit,
            "since": None,
            "detail": f"van {number}: {have} of {need} {part}",
        }
        for number, part, need, have, visit in rows
    ]


def _messages(session: Session) -> list[dict[str, Any]]:
    found = [
        {
            "kind": "message_unread",
            "subject": "message",
            "subject_id": str(row.id),
            "since": utc_iso(row.received_at),
            "detail": row.problem,
        }
        for row in session.scalars(
            select(IncomingMessage)
            .where(IncomingMessage.status == "new")
            .order_by(IncomingMessage.received_at)
        )
    ]
    found += [
        {
            "kind": "message_failed",
            "subject": "job",
            "subject_id": str(row.job_id),
            "since": utc_iso(row.created_at),
            "detail": f"{row.kind} by {row.channel}: {row.delivery_receipt}",
        }
        for row in session.scalars(
            select(OutgoingMessage)
            .where(OutgoingMessage.status == "failed")
            .order_by(OutgoingMessage.id)
        )
    ]
    return found
