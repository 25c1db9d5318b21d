"""Intake: a report from any door becomes a receipt, a triage and a job with its clock, at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import Session

from api.db.models import (
    Consumer,
    DurationModel,
    IncomingMessage,
    Job,
    PhoneCall,
    Receipt,
    Request,
    Visit,
)
from api.services import durations, outbox
from api.services.activity import record
from api.services.jobs import move
from api.services.policies import policy_on
from api.services.proposals import Propose, nobody
from api.services.refusals import Refusal
from api.services.regions import local_day, the_region
from api.services.rule_packs import arrival_packs, arrival_rules
from api.services.telephones import normalised
from domain.lifecycle import JobEvent, JobState, Mode
from domain.places import Place
from domain.repeats import Relation, Repair, relate
from domain.triage import Triage, triage

OLDEST_REPORT = timedelta(days=30)
CLOCK_ERROR = timedelta(minutes=10)
BROUGHT_IN = frozenset({Mode.DROP_IN, Mode.MAIL_IN})


@dataclass(frozen=True, slots=True)
class Report:
    """A fault as somebody reports it, by whichever door."""

    channel: str
    reported_at: datetime
    product: str
    fault: str
    description: str
    consumer_name: str
    consumer_phone: str
    address: str
    place: Place
    windows: Sequence[tuple[datetime, datetime]] = field(default_factory=tuple)
    consumer_email: str | None = None
    dangers: Sequence[str] = ()
    mode: Mode = Mode.ON_SITE
    call_id: UUID | None = None
    message_id: UUID | None = None


def take_report(
    session: Session,
    report: Report,
    actor_id: UUID | None,
    now: datetime,
    propose: Propose = nobody,
) -> Job:
    """Store the report, decide its urgency by the rules of its day, open its job, issue a receipt.

    A report of what is being dealt with already gets a job of its own that names the earlier one:
    a person decides whether it is really the same. ``propose`` says who could come when.

    Raises
    ------
    Refusal
        ``invalid`` when the report's instant lies in the future or long ago; ``unknown_reference``
        for a call or message that is not on record.
    """
    if report.reported_at > now + CLOCK_ERROR:
        raise Refusal("invalid", "reported_at lies in the future")
    if report.reported_at < now - OLDEST_REPORT:
        raise Refusal("invalid", f"reported_at is more than {OLDEST_REPORT.days} days ago")
    for name, kind, key in (
        ("call_id", PhoneCall, report.call_id),
        ("message_id", IncomingMessage, report.message_id),
    ):
        if key is not None and session.get(kind, key) is None:
            raise Refusal("unknown_reference", f"no such {name.removesuffix('_id')}", **{name: key})
    region = the_region(session)
    day = local_day(report.reported_at, region.timezone)
    policy = policy_on(day)
    rules = arrival_rules(day, region.jurisdiction)
    decision = triage(report.product, report.fault, report.reported_at, rules, report.dangers)
    request, job = rows_of(report, decision, actor_id)
    model = durations.newest_model(session)
    estimated = durations.estimate_with(
        model, policy, report.product, report.fault, decision.service_s
    )
    job.service_s = estimated.median_s
    job.estimate = durations.told(estimated, model, policy, decision.service_s)
    relation = _relation(session, report, policy.repeat_days)
    job.duplicate_of, job.repeat_of = relation.duplicate_of, relation.repeat_of
    session.add_all([request, job])
    session.flush()
    record(
        session,
        "request_received",
        "job",
        job.id,
        actor_id=actor_id,
        number=job.number,
        channel=report.channel,
        job_class=job.job_class,
        due_at=job.due_at.isoformat(),
        rule=f"{decision.rule_version}/{decision.rule}",
        mode=str(report.mode),
        repeat_of=None if job.repeat_of is None else str(job.repeat_of),
        duplicate_of=None if job.duplicate_of is None else str(job.duplicate_of),
    )
    if report.mode in BROUGHT_IN:
        move(session, job, JobEvent.ITEM_EXPECTED, now, actor_id, reason="chosen at the report")
    receipt = issue_receipt(session, job, now, propose(job, now))
    outbox.queue_receipt(session, job, receipt, now)
    return job


def rows_of(report: Report, decision: Triage, actor_id: UUID | None) -> tuple[Request, Job]:
    """The rows of a report and of the job that its triage opened."""
    country = policy_on(report.reported_at.date()).country
    request = Request(
        consumer=Consumer(
            name=report.consumer_name,
            phone=report.consumer_phone,
            phone_e164=normalised(report.consumer_phone, country),
            email=report.consumer_email,
        ),
        channel=report.channel,
        reported_at=report.reported_at,
        product=report.product,
        fault=report.fault,
        description=report.description,
        dangers=sorted(report.dangers),
        call_id=report.call_id,
        message_id=report.message_id,
        address=report.address,
        lat=report.place.lat,
        lon=report.place.lon,
        received_by=actor_id,
    )
    job = Job(
        request=request,
        status=str(JobState.OPEN),
        job_class=decision.arrival_class,
        reported_at=decision.clock.reported_at,
        due_at=decision.clock.due_at,
        skills=dict(decision.skills),
        parts=dict(decision.parts),
        service_s=decision.service_s,
        windows=[[start.isoformat(), end.isoformat()] for start, end in report.windows],
        triage_rule=decision.rule,
        triage_version=decision.rule_version,
        mode=str(report.mode),
        crew=decision.crew,
        equipment=sorted(decision.equipment),
    )
    return request, job


def _relation(session: Session, report: Report, days: int) -> Relation:
    """What the report is to earlier jobs of the same number, product and fault."""
    country = policy_on(report.reported_at.date()).country
    number = normalised(report.consumer_phone, country)
    # Two doors at once: whoever comes second sees the first.
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 7))"),
        {"key": f"{number or report.consumer_phone}/{report.product}/{report.fault}"},
    )
    same = Consumer.phone == report.consumer_phone
    rows = session.execute(
        select(Job.id, Job.reported_at, Job.closed_at)
        .join(Request, Request.id == Job.request_id)
        .join(Consumer, Consumer.id == Request.consumer_id)
        .where(
            same if number is None else or_(same, Consumer.phone_e164 == number),
            Request.product == report.product,
            Request.fault == report.fault,
            Job.status != JobState.CANCELLED,
            or_(
                Job.closed_at.is_(None) & (Job.status != JobState.DONE),
                Job.closed_at >= report.reported_at - timedelta(days=days),
            ),
        )
    ).all()
    return relate(
        [Repair(row.id, "", "", "", row.reported_at, row.closed_at) for row in rows],
        report.reported_at,
        days,
    )


def issue_receipt(
    session: Session, job: Job, now: datetime, offers: Sequence[dict[str, Any]] = ()
) -> Receipt:
    """The consumer's paper: number, class, deadline and what is proposed; never changed later."""
    request = job.request
    body: dict[str, Any] = {
        "job_number": job.number,
        "request_id": str(request.id),
        "channel": request.channel,
        "product": request.product,
        "fault": request.fault,
        "reported_at": job.reported_at.isoformat(),
        "class": job.job_class,
        "rule": f"{job.triage_version}/{job.triage_rule}",
        "mode": job.mode,
        "proposal": proposal(job, offers),
    }
    receipt = Receipt(
        request_id=request.id, job_id=job.id, issued_at=now, body=body, sha256=digest(body)
    )
    session.add(receipt)
    session.flush()
    return receipt


def proposal(job: Job, offers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the consumer is promised at once: somebody at the door by then, for about so long.

    ``offers`` are arrivals that the running plans have room for; they are held for nobody.
    """
    return {
        "arrival_by": job.due_at.isoformat(),
        "windows": job.windows,
        "service_s": job.service_s,
        "crew": job.crew,
        "offers": list(offers),
    }


def digest(body: dict[str, Any]) -> str:
    """The hash a receipt is known by."""
    compact = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(compact.encode()).hexdigest()


def receipt_of(session: Session, job_id: UUID) -> Receipt:
    """The receipt of a job's report.

    Raises
    ------
    Refusal
        ``not_found`` for a job from before receipts, or none at all.
    """
    found = session.scalars(select(Receipt).where(Receipt.job_id == job_id)).first()
    if found is None:
        raise Refusal("not_found", "this job has no receipt")
    return found


def replay(session: Session, job: Job) -> tuple[Triage, int]:
    """The triage and service seconds of a job, decided again from what is on record."""
    request = job.request
    day = local_day(request.reported_at, the_region(session).timezone)
    packs = {pack.version: pack for pack in arrival_packs()}
    decision = triage(
        request.product,
        request.fault,
        request.reported_at,
        packs[job.triage_version],
        request.dangers,
    )
    version = job.estimate.get("model", 0)
    model = session.get(DurationModel, version) if version else None
    estimated = durations.estimate_with(
        model, policy_on(day), request.product, request.fault, decision.service_s
    )
    return decision, estimated.median_s


def repairs(session: Session, since: datetime) -> list[Repair]:
    """Jobs as repeats and first-fix are judged: those reported since an instant, none cancelled."""
    visits = (
        select(func.count())
        .where(Visit.job_id == Job.id, Visit.arrived_at.is_not(None))
        .scalar_subquery()
    )
    rows = session.execute(
        select(
            Job.id,
            func.coalesce(Consumer.phone_e164, Consumer.phone),
            Request.product,
            Request.fault,
            Job.reported_at,
            Job.closed_at,
            visits,
        )
        .join(Request, Request.id == Job.request_id)
        .join(Consumer, Consumer.id == Request.consumer_id)
        .where(Job.status != JobState.CANCELLED, Job.reported_at >= since)
    )
    return [Repair(*row) for row in rows]
