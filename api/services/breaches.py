"""Deadlines about to break: told from the plan as it really runs, before they do.

Expected arrivals follow the day: a technician who is behind at one door is behind at the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, joinedload

from api.db.among import among
from api.db.models import BreachAlert, ClockEvent, Job, Technician, Visit
from api.services.activity import record
from api.services.clock_events import arrival_events, arrival_proofs, arrivals, domain_event
from api.services.regions import utc_iso
from api.services.rule_packs import setting_of
from domain.clocks import Allowance, Forecast, Risk, forecast, run_clock
from domain.clocks import ClockEvent as DomainEvent
from domain.clocks.forecast import ALERTING
from domain.rules.keys import Unit

LEAD = timedelta(hours=4)
"""How long before its deadline a job that nobody is planned for becomes an alert."""

MEASURED = timedelta(days=30)
"""How far back the measure of leads looks."""

MARGIN = timedelta(minutes=20)
"""A planned arrival with less than this to its deadline is told as tight."""

WAITING = ("open", "planned")


@dataclass(frozen=True, slots=True)
class Standing:
    """A waiting job with its forecast; the visit's technician where one is planned."""

    job: Job
    forecast: Forecast
    visit_id: UUID | None
    technician: Technician | None


def standings(session: Session, now: datetime, lead: timedelta = LEAD) -> list[Standing]:
    """Every waiting job held against its deadlines, the riskiest and most pressing first.

    A job that was done while nothing shows that somebody came waits for that, until its deadline.
    """
    jobs = [
        *session.scalars(
            select(Job).where(Job.status.in_(WAITING)).options(joinedload(Job.request))
        ),
        *_unproven(session, now),
    ]
    ids = [job.id for job in jobs]
    events: dict[UUID, list[DomainEvent]] = {}
    for row in session.scalars(select(ClockEvent).where(among(ClockEvent.job_id, ids))):
        assert row.job_id is not None
        events.setdefault(row.job_id, []).append(domain_event(row))
    arrived = arrival_events(session, ids)
    expected = expected_arrivals(session, now)
    setting = setting_of(session)
    found = []
    for job in jobs:
        state = run_clock(
            job.reported_at,
            Allowance(int((job.due_at - job.reported_at).total_seconds()), Unit.SECONDS),
            [*events.get(job.id, []), *arrived.get(job.id, [])],
            now,
            proofs=arrival_proofs(setting, job.reported_at),
        )
        at, visit = expected.get(job.id, (None, None))
        if at is not None and state.running:
            # Whoever told of an arrival that nothing shows has still to come, or to be confirmed.
            at = max(at, now)
        found.append(
            Standing(
                job,
                forecast(state, at, lead, MARGIN),
                None if visit is None else visit.id,
                None if visit is None else visit.technician,
            )
        )
    return sorted(found, key=order_of)


def _unproven(session: Session, now: datetime) -> list[Job]:
    """Jobs done before their deadline by somebody whose arrival nothing shows yet."""
    due_at = func.greatest(Job.due_at, Job.agreed_due_at)
    done = session.scalars(
        select(Job).where(Job.status == "done", due_at > now).options(joinedload(Job.request))
    ).all()
    shown = arrivals(session, [job.id for job in done], now)
    return [job for job in done if job.id not in shown]


ORDER_LENGTH = 3


def order_of(one: Standing) -> tuple[str, ...]:
    """The riskiest first, then what is due first, then by number; as texts that sort."""
    due = one.forecast.due_at
    rank = _ORDER.index(one.forecast.risk)
    return str(rank), "~" if due is None else utc_iso(due), f"{one.job.number:012}"


_ORDER = (Risk.LATE, Risk.UNPLANNED, Risk.TIGHT, Risk.BROKEN, Risk.NONE)


def expected_arrivals(session: Session, now: datetime) -> dict[UUID, tuple[datetime, Visit]]:
    """When each job's next visit is expected, delays so far carried along each route."""
    routes: dict[tuple[Any, int], list[Visit]] = {}
    for visit in session.scalars(
        select(Visit)
        .where(Visit.active, Visit.state.in_(("published", "accepted", "on_the_way", "arrived")))
        .options(joinedload(Visit.technician))
        .order_by(Visit.day, Visit.arrival_at)
    ):
        routes.setdefault((visit.shift_id, visit.technician_number), []).append(visit)
    found: dict[UUID, tuple[datetime, Visit]] = {}
    for visits in routes.values():
        free_at: datetime | None = None
        for visit in visits:
            work = visit.end_at - visit.start_at
            if visit.arrived_at is not None:
                arrive, free_at = visit.arrived_at, max(visit.arrived_at + work, now)
            else:
                travel = timedelta(seconds=visit.travel_s)
                earliest = now if free_at is None else free_at + travel
                # On the road already: the drive that is left is not known, so no worse than now.
                arrive = max(visit.arrival_at, earliest if free_at else now)
                free_at = max(arrive, visit.start_at) + work
            if visit.job_id not in found or arrive < found[visit.job_id][0]:
                found[visit.job_id] = (arrive, visit)
    return found


def raise_alerts(session: Session, now: datetime, lead: timedelta = LEAD) -> list[BreachAlert]:
    """Tell about every deadline that will break as things stand, once each; the new alerts."""
    raised = []
    for one in standings(session, now, lead):
        due = one.forecast.due_at
        if one.forecast.risk not in ALERTING or due is None or due <= now:
            continue
        made = session.scalars(
            insert(BreachAlert)
            .values(
                job_id=one.job.id,
                due_at=due,
                risk=str(one.forecast.risk),
                expected_at=one.forecast.expected_at,
                raised_at=now,
                lead_s=int((due - now).total_seconds()),
            )
            .on_conflict_do_nothing()
            .returning(BreachAlert)
        ).one_or_none()
        if made is None:
            continue
        raised.append(made)
        record(
            session,
            "breach_forecast",
            "job",
            one.job.id,
            number=one.job.number,
            risk=str(one.forecast.risk),
            due_at=due.isoformat(),
            lead_s=made.lead_s,
        )
    return raised


@dataclass(frozen=True, slots=True)
class LeadReport:
    """How far ahead alerts came. Seconds.

    ``breaches`` counts alerted and unalerted jobs that missed the deadline; ``told_ahead`` those of
    them with an alert before it; ``averted`` alerts whose job arrived in time after all.
    """

    alerts: int
    breaches: int
    told_ahead: int
    averted: int
    median_lead_s: int | None
    least_lead_s: int | None


def leads(session: Session, now: datetime) -> LeadReport:
    """Measure the alerts of the last month against what became of their jobs."""
    since = now - MEASURED
    alerts = {
        alert.job_id: alert
        for alert in session.scalars(
            select(BreachAlert).where(BreachAlert.due_at > since).order_by(BreachAlert.id)
        )
    }
    jobs = {
        job.id: job
        for job in session.scalars(
            select(Job).where(Job.due_at > since, Job.due_at <= now, Job.status != "cancelled")
        )
    }
    met = arrivals(session, jobs)
    broken = {job.id for job in jobs.values() if job.id not in met or met[job.id].at > job.due_at}
    told = sorted(alerts[job_id].lead_s for job_id in broken if job_id in alerts)
    averted = sum(
        job_id in met and met[job_id].at <= alert.due_at for job_id, alert in alerts.items()
    )
    return LeadReport(
        len(alerts),
        len(broken),
        len(told),
        averted,
        told[len(told) // 2] if told else None,
        told[0] if told else None,
    )
