"""A consumer's own data: everything in one file, and made nameless where the law lets us.

The record itself stays: a trade's records are kept for years, repair records in some places for
ever. What goes is who it was about; what the record needs for its numbers stays.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Numeric, cast, delete, func, select, update
from sqlalchemy.orm import Session

from api.db.models import (
    Bill,
    Choice,
    Complaint,
    Consent,
    Consumer,
    IncomingMessage,
    Job,
    MoneyEntry,
    OutgoingMessage,
    PhoneCall,
    Purchase,
    Quote,
    Request,
    RouteSheet,
    Visit,
)
from api.services.activity import record
from api.services.bills import account_of
from api.services.refusals import Refusal
from api.services.rule_packs import rulebook, setting_of
from domain.complaints import ComplaintState
from domain.fees import reconcile
from domain.warranty import add_months

OVER = frozenset(
    {
        ComplaintState.SETTLED,
        ComplaintState.FAILED,
        ComplaintState.REFUSED,
        ComplaintState.REFERRED,
        ComplaintState.WITHDRAWN,
    }
)


def reach(session: Session, consumer_id: UUID) -> Consumer:
    """A consumer.

    Raises
    ------
    Refusal
        ``not_found``.
    """
    consumer = session.get(Consumer, consumer_id)
    if consumer is None:
        raise Refusal("not_found", "there is no such consumer")
    return consumer


def export(session: Session, consumer: Consumer) -> dict[str, Any]:
    """Everything on record about a consumer, in one document."""
    jobs = _jobs(session, consumer.id)
    ids = [job.id for job in jobs]

    def rows(model: Any, *names: str) -> list[dict[str, Any]]:
        found: Any = session.scalars(select(model).where(model.job_id.in_(ids)).order_by(model.id))
        return [{name: getattr(row, name) for name in ("id", "job_id", *names)} for row in found]

    return {
        "format": "zhunda-personal-data/1",
        "consumer": {"id": consumer.id, "name": consumer.name, "phone": consumer.phone},
        "reports": [
            {
                "id": job.request.id,
                "channel": job.request.channel,
                "reported_at": job.request.reported_at,
                "product": job.request.product,
                "fault": job.request.fault,
                "description": job.request.description,
                "address": job.request.address,
                "place": {"lat": job.request.lat, "lon": job.request.lon},
                "job": {"id": job.id, "number": job.number, "status": job.status},
            }
            for job in jobs
        ],
        "purchases": [
            {
                "product": thing.product,
                "serial": thing.serial,
                "sold_on": thing.sold_on,
                "proof": thing.proof,
            }
            for thing in session.scalars(
                select(Purchase).where(Purchase.consumer_id == consumer.id)
            )
        ],
        "visits": rows(Visit, "state", "arrival_at", "arrived_at"),
        "quotes": rows(Quote, "number", "status", "document", "sha256"),
        "consents": rows(Consent, "subject", "quote_id", "shown_sha256", "agreed", "door", "at"),
        "bills": rows(Bill, "version", "document", "sha256"),
        "money": rows(MoneyEntry, "kind", "amount_fen", "reason", "at"),
        "choices": rows(Choice, "shown", "chosen", "shown_at", "chosen_at"),
        "complaints": rows(Complaint, "number", "topic", "text", "wish", "state", "received_at"),
        "kept_because": kept_because(session, jobs),
    }


def kept_because(session: Session, jobs: list[Job]) -> list[dict[str, Any]]:
    """For each job, until when its record stays, and which clause says so."""
    setting = setting_of(session)
    told = []
    for job in jobs:
        day = setting.day(job.reported_at)
        rules = rulebook().rules("evidence", setting.place, day)
        years, forever = rules.get("keep_records"), rules.get("repair_records_for_ever")
        because = [ruling.version for ruling in (years, forever) if ruling is not None]
        until: date | None = None
        if years is not None and not (forever is not None and forever.value is True):
            until = add_months(day, 12 * years.number)
        told.append({"job": job.number, "kept_until": until, "rules": because})
    return told


def erase(
    session: Session, consumer: Consumer, now: datetime, person_id: UUID | None
) -> dict[str, Any]:
    """Take away who it was: name, phone, house number, words, exact place. The record stays.

    Asked again, nothing changes and the answer is the same.

    Raises
    ------
    Refusal
        ``case_open`` while a job, a complaint or money is open: they could not be settled.
    """
    jobs = _jobs(session, consumer.id)
    ids = [job.id for job in jobs]
    _refuse_open(session, jobs)
    alias = "consumer-" + hashlib.sha256(consumer.id.bytes).hexdigest()[:10]
    if consumer.name != alias:
        consumer.name, consumer.phone = alias, "erased"
        consumer.phone_e164 = consumer.email = None
        session.execute(
            update(Request)
            .where(Request.consumer_id == consumer.id)
            .values(
                address="erased",
                description="",
                # About a hundred metres: enough for figures by district.
                lat=_rounded(Request.lat),
                lon=_rounded(Request.lon),
            )
        )
        session.execute(
            update(Complaint).where(Complaint.job_id.in_(ids)).values(text="erased", wish="")
        )
        session.execute(
            update(Purchase).where(Purchase.consumer_id == consumer.id).values(serial=None)
        )
        session.execute(
            update(OutgoingMessage)
            .where(OutgoingMessage.job_id.in_(ids))
            .values(recipient="erased", subject="", text="erased")
        )
        requests = [job.request for job in jobs]
        session.execute(
            update(PhoneCall)
            .where(PhoneCall.id.in_([one.call_id for one in requests if one.call_id]))
            .values(caller="erased")
        )
        session.execute(
            update(IncomingMessage)
            .where(IncomingMessage.id.in_([one.message_id for one in requests if one.message_id]))
            .values(sender="erased", subject="", text="erased")
        )
        days = session.scalars(select(Visit.day).where(Visit.job_id.in_(ids)).distinct()).all()
        # What phones were shown of days that are over; a sheet is never read again.
        session.execute(
            delete(RouteSheet).where(
                RouteSheet.day.in_(days), RouteSheet.day < setting_of(session).day(now)
            )
        )
        session.flush()
        session.expire_all()
        record(
            session, "consumer_erased", "consumer", consumer.id, actor_id=person_id, jobs=len(ids)
        )
    return {
        "id": consumer.id,
        "name": consumer.name,
        "kept": kept_because(session, _jobs(session, consumer.id)),
    }


def _rounded(column: Any) -> Any:
    return func.round(cast(column, Numeric), 3)


def _refuse_open(session: Session, jobs: list[Job]) -> None:
    reasons = [
        f"job {job.number} is {job.status}"
        for job in jobs
        if job.status not in ("done", "cancelled")
    ]
    ids = [job.id for job in jobs]
    reasons += [
        f"complaint {one.number} is {one.state}"
        for one in session.scalars(select(Complaint).where(Complaint.job_id.in_(ids)))
        if one.state not in OVER
    ]
    reasons += [
        f"money of job {job.number} is open"
        for job in jobs
        if reconcile(account_of(session, job.id)).open_fen
    ]
    if reasons:
        raise Refusal("case_open", "; ".join(reasons), reasons=reasons)


def _jobs(session: Session, consumer_id: UUID) -> list[Job]:
    return list(
        session.scalars(
            select(Job)
            .join(Request, Request.id == Job.request_id)
            .where(Request.consumer_id == consumer_id)
            .order_by(Job.number)
        )
    )
