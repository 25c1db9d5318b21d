"""The dossier of a job: report, clock, moves, visits, parts, photos, messages, cost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from api.db.models import (
    HeldEvent,
    Job,
    OutgoingMessage,
    Photo,
    Receipt,
    Request,
    Visit,
    VisitEvent,
)
from api.services import stock
from api.services.jobs import history
from api.services.masking import mask_words
from api.services.policies import policy_on
from api.services.refusals import Refusal
from api.services.regions import utc_iso


def the_job(session: Session, job_id: UUID) -> Job:
    """A job with its report and consumer.

    Raises
    ------
    Refusal
        ``not_found``.
    """
    job = session.get(Job, job_id, options=[joinedload(Job.request).joinedload(Request.consumer)])
    if job is None:
        raise Refusal("not_found")
    return job


def dossier(session: Session, job_id: UUID, role: str) -> dict[str, Any]:
    """Everything on record about a job, without the consumer; words as the role may see them."""
    job = the_job(session, job_id)

    def told(value: Any) -> Any:
        if isinstance(value, str):
            return mask_words(value, job.request, role)
        if isinstance(value, dict):
            return {key: told(one) for key, one in value.items()}
        return [told(one) for one in value] if isinstance(value, list) else value

    receipt = session.scalars(select(Receipt).where(Receipt.job_id == job.id)).first()
    visits = session.scalars(
        select(Visit)
        .where(Visit.job_id == job.id)
        .options(joinedload(Visit.technician))
        .order_by(Visit.arrival_at, Visit.id)
    ).all()
    ids = [visit.id for visit in visits]
    events: dict[UUID, list[VisitEvent]] = {}
    for event in session.scalars(
        select(VisitEvent).where(VisitEvent.visit_id.in_(ids)).order_by(VisitEvent.at)
    ):
        events.setdefault(event.visit_id, []).append(event)
    return {
        "job_id": str(job.id),
        "number": job.number,
        "status": job.status,
        "mode": job.mode,
        "class": job.job_class,
        "product": job.request.product,
        "fault": job.request.fault,
        "reported_at": utc_iso(job.reported_at),
        "due_at": utc_iso(job.due_at),
        "triage": {"rule": job.triage_rule, "version": job.triage_version},
        "estimate": job.estimate,
        "repeat_of": None if job.repeat_of is None else str(job.repeat_of),
        "duplicate_of": None if job.duplicate_of is None else str(job.duplicate_of),
        "receipt": None
        if receipt is None
        else {
            "issued_at": utc_iso(receipt.issued_at),
            "sha256": receipt.sha256,
            "body": receipt.body,
        },
        "moves": [
            {
                "sequence": row.sequence,
                "event": row.kind,
                "state": row.state,
                "at": utc_iso(row.at),
                "reason": told(row.reason),
                "by": row.by,
                "details": told(row.details),
            }
            for row in history(session, job.id)
        ],
        "visits": [_visit(visit, events.get(visit.id, []), told) for visit in visits],
        "held_events": [
            {
                "id": str(row.id),
                "event": row.event["event"],
                "at": utc_iso(row.at),
                "reason": row.reason,
                "outcome": row.outcome,
            }
            for row in session.scalars(
                select(HeldEvent).where(HeldEvent.visit_id.in_(ids)).order_by(HeldEvent.at)
            )
        ],
        "parts": stock.used_at(session, job.id),
        "photos": [
            {
                "id": str(photo.id),
                "visit_id": str(photo.visit_id),
                "kind": photo.kind,
                "sha256": photo.sha256,
                "media_type": photo.media_type,
                "bytes": photo.bytes,
                "taken_at": utc_iso(photo.taken_at),
                "keep_until": photo.keep_until.isoformat(),
            }
            for photo in session.scalars(
                select(Photo).where(Photo.job_id == job.id).order_by(Photo.taken_at, Photo.id)
            )
        ],
        "messages": [
            {
                "kind": row.kind,
                "channel": row.channel,
                "status": row.status,
                "attempts": row.attempts,
                "delivered_at": None if row.delivered_at is None else utc_iso(row.delivered_at),
                "delivery_receipt": row.delivery_receipt,
            }
            for row in session.scalars(
                select(OutgoingMessage)
                .where(OutgoingMessage.job_id == job.id)
                .order_by(OutgoingMessage.id)
            )
        ],
        "cost": cost_of(session, job),
    }


def _visit(visit: Visit, events: list[VisitEvent], told: Callable[[Any], Any]) -> dict[str, Any]:
    return {
        "id": str(visit.id),
        "technician": {"id": str(visit.technician.id), "name": visit.technician.name},
        "state": visit.state,
        "planned_arrival": utc_iso(visit.arrival_at),
        "arrived_at": None if visit.arrived_at is None else utc_iso(visit.arrived_at),
        "events": [
            {
                "event": event.kind,
                "at": utc_iso(event.at + timedelta(seconds=event.skew_s)),
                "device_at": utc_iso(event.at),
                "offset_minutes": event.offset_minutes,
                "received_at": utc_iso(event.received_at),
                "signed": event.signed is not None,
                "details": told(event.details),
            }
            for event in events
        ],
    }


def cost_of(session: Session, job: Job) -> dict[str, int]:
    """What a job has cost the operator: parts built in at the cost they were booked at, labour.

    Labour is the time at doors (``arrived`` to the visit's end), each technician on his or her own.
    """
    parts_fen = sum(row["cost_fen"] for row in stock.used_at(session, job.id))
    events = session.execute(
        select(Visit.id, Visit.day, VisitEvent.kind, VisitEvent.at, VisitEvent.skew_s)
        .join(VisitEvent, VisitEvent.visit_id == Visit.id)
        .where(Visit.job_id == job.id)
    ).all()
    arrived = {row.id: row for row in events if row.kind == "arrived"}
    labour_s = labour_fen = 0
    for row in events:
        if row.kind in ("done", "no_access", "parts_needed") and row.id in arrived:
            start = arrived[row.id]
            spent_s = int((row.at - start.at).total_seconds()) + row.skew_s - start.skew_s
            labour_s += max(0, spent_s)
            rate = policy_on(row.day).labour_fen_per_hour
            # Half a fen rounds up, in integers.
            labour_fen += (2 * max(0, spent_s) * rate + 3600) // 7200
    return {
        "parts_fen": parts_fen,
        "labour_s": labour_s,
        "labour_fen": labour_fen,
        "total_fen": parts_fen + labour_fen,
    }
