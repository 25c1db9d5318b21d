"""Jobs that were done, as figures, merits and settlements read them: one reading of the record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from api.db.among import among
from api.db.models import Job, Outlet, Request, Technician, Visit
from api.services.clock_events import arrivals
from api.services.equipment import fit_on
from api.services.homes import homes
from api.services.regions import local_day, local_midnight, the_region
from api.services.rule_packs import rulebook, setting_of
from domain.clocks import EventKind
from domain.rules import Ruling


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days of the region, both included, and the instants they span."""

    first: date
    last: date
    start: datetime
    end: datetime


def period_of(session: Session, first: date, last: date) -> Period:
    """The instants of whole days on the region's wall."""
    zone = the_region(session).timezone
    return Period(
        first,
        last,
        local_midnight(first, zone),
        local_midnight(last + timedelta(days=1), zone),
    )


@dataclass(frozen=True, slots=True)
class DoneJob:
    """A job that was done.

    Attributes
    ----------
    visit
        The visit that ended it; None for work without one (remote, drop-in).
    visits
        How many times somebody stood at the door.
    arrived_at
        The first verified arrival.
    """

    job: Job
    closed_at: datetime
    visit: Visit | None
    technician: Technician | None
    outlet: Outlet | None
    visits: int
    arrived_at: datetime | None


def jobs_done(
    session: Session,
    period: Period,
    outlet_id: UUID | None = None,
    as_of: datetime | None = None,
) -> list[DoneJob]:
    """Jobs that were closed as done in a period, in that order.

    Parameters
    ----------
    as_of
        Confirmations of arrivals after it have not come yet; now when left out.
    """
    rows = session.scalars(
        select(Job)
        .where(Job.status == "done", Job.closed_at >= period.start, Job.closed_at < period.end)
        .order_by(Job.closed_at, Job.id)
        .options(selectinload(Job.request).selectinload(Request.consumer))
    ).all()
    ids = [job.id for job in rows]
    first_arrivals = {
        job_id: event
        for job_id, event in arrivals(session, ids, as_of).items()
        if event.kind is EventKind.MET
    }
    knocked = dict(
        session.execute(
            select(Visit.job_id, func.count(func.distinct(Visit.day)))
            .where(among(Visit.job_id, ids), Visit.arrived_at.is_not(None))
            .group_by(Visit.job_id)
        ).all()
    )
    last = _ending_visits(session, ids)
    known = homes(session)
    outlets = {one.id: one for one in session.scalars(select(Outlet))}
    found = []
    for job in rows:
        assert job.closed_at is not None
        visit = last.get(job.id)
        technician = None if visit is None else visit.technician
        # Whoever has changed outlets since did this for the former one.
        outlet = None if visit is None else outlets[known.on(visit.technician, visit.day)]
        if outlet_id is not None and (outlet is None or outlet.id != outlet_id):
            continue
        arrival = first_arrivals.get(job.id)
        found.append(
            DoneJob(
                job,
                job.closed_at,
                visit,
                technician,
                outlet,
                knocked.get(job.id, 0),
                None if arrival is None else arrival.at,
            )
        )
    return found


def _ending_visits(session: Session, job_ids: Iterable[UUID]) -> dict[UUID, Visit]:
    rows = session.scalars(
        select(Visit)
        .where(among(Visit.job_id, job_ids), Visit.state == "done")
        .order_by(Visit.end_at, Visit.number)
        .options(
            selectinload(Visit.technician).selectinload(Technician.certificates),
        )
    )
    return {visit.job_id: visit for visit in rows}


def repeats_of(session: Session, job_ids: Iterable[UUID]) -> list[tuple[UUID, datetime, Job]]:
    """Reports of a fault that came back: the job it repeats, when, and the new job."""
    rows = session.scalars(
        select(Job).where(among(Job.repeat_of, job_ids)).order_by(Job.reported_at, Job.id)
    )
    return [(job.repeat_of, job.reported_at, job) for job in rows if job.repeat_of is not None]


def repeat_days(session: Session, day: date) -> Ruling | None:
    """Within how many days a fault that returns is a repeat repair, by the rules of a day."""
    return rulebook().rules("repair", setting_of(session).place, day).get("repeat_within")


def papers_valid(session: Session, done: Iterable[DoneJob], zone: str) -> dict[UUID, bool]:
    """By job: whether the technician held its skills with valid papers on the day of the visit."""
    by_day: dict[date, list[DoneJob]] = {}
    for item in done:
        if item.visit is not None and item.technician is not None:
            by_day.setdefault(local_day(item.visit.start_at, zone), []).append(item)
    found: dict[UUID, bool] = {}
    for day, items in by_day.items():
        people = {item.technician.number: item.technician for item in items if item.technician}
        fit = fit_on(session, people.values(), {number: [day] for number in people})
        for item in items:
            assert item.technician is not None
            held, _ = fit[item.technician.number]
            found[item.job.id] = all(
                held.get(skill, 0) >= level for skill, level in item.job.skills.items()
            )
    return found
