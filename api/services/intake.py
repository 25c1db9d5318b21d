"""Intake: a report becomes a receipt, a triage and a job with its clock running, in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from api.db.models import Consumer, Job, Request
from api.services.activity import record
from api.services.refusals import Refusal
from api.services.regions import local_day, the_region
from api.services.rule_packs import arrival_rules
from domain.places import Place
from domain.triage import Triage, triage

OLDEST_REPORT = timedelta(days=30)
CLOCK_ERROR = timedelta(minutes=10)


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


def take_report(session: Session, report: Report, actor_id: UUID | None, now: datetime) -> Job:
    """Store the report, decide its urgency by the rules of its day, and open its job.

    Raises
    ------
    Refusal
        ``invalid`` when the report's instant lies in the future or long ago.
    """
    if report.reported_at > now + CLOCK_ERROR:
        raise Refusal("invalid", "reported_at lies in the future")
    if report.reported_at < now - OLDEST_REPORT:
        raise Refusal("invalid", f"reported_at is more than {OLDEST_REPORT.days} days ago")
    day = local_day(report.reported_at, the_region(session).timezone)
    decision = triage(report.product, report.fault, report.reported_at, arrival_rules(day))
    request, job = rows_of(report, decision, actor_id)
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
    )
    return job


def rows_of(report: Report, decision: Triage, actor_id: UUID | None) -> tuple[Request, Job]:
    """The rows of a report and of the job that its triage opened."""
    request = Request(
        consumer=Consumer(name=report.consumer_name, phone=report.consumer_phone),
        channel=report.channel,
        reported_at=report.reported_at,
        product=report.product,
        fault=report.fault,
        description=report.description,
        address=report.address,
        lat=report.place.lat,
        lon=report.place.lon,
        received_by=actor_id,
    )
    job = Job(
        request=request,
        job_class=decision.arrival_class,
        reported_at=decision.clock.reported_at,
        due_at=decision.clock.due_at,
        skills=dict(decision.skills),
        parts=dict(decision.parts),
        service_s=decision.service_s,
        windows=[[start.isoformat(), end.isoformat()] for start, end in report.windows],
        triage_rule=decision.rule,
        triage_version=decision.rule_version,
    )
    return request, job
