"""What use cases of the running day look up: the job, the plan that is meant, its desk."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, undefer

from api.db.models import Job, Plan, Request, Shift, Technician, Visit
from api.services.live_plans import DeskRoom, Held, plans_ahead
from api.services.planning import lock_day
from api.services.publishing import etag
from api.services.refusals import Refusal
from api.services.snapshot import problem_job
from domain.places import Place
from optimizer import Job as ProblemJob
from optimizer.desk import NoRepair, Offer


class or_forget:
    """Drop the process's desk when what it did does not reach the record."""

    def __init__(self, room: DeskRoom, plan_id: UUID) -> None:
        self.room, self.plan_id = room, plan_id

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self.room.forget(self.plan_id)


def applied(apply: Any) -> None:
    try:
        apply()
    except NoRepair as error:
        raise Refusal("no_repair", str(error)) from None


def the_technician(session: Session, technician_id: UUID) -> Technician | None:
    return session.scalars(select(Technician).where(Technician.id == technician_id)).first()


def open_job(session: Session, job_id: UUID, *, lock: bool = False) -> Job:
    query = (
        select(Job)
        .where(Job.id == job_id)
        .options(joinedload(Job.request).joinedload(Request.consumer))
    )
    if lock:
        query = query.with_for_update(of=Job)
    job = session.scalars(query.execution_options(populate_existing=True)).first()
    if job is None:
        raise Refusal("not_found")
    if job.status != "open":
        raise Refusal("job_not_open", f"the job is {job.status}", status=job.status)
    return job


def as_problem_job(room: DeskRoom, held: Held, job: Job, now: datetime) -> ProblemJob:
    """The job for this desk; its place is made known there when it is new."""
    name = str(job.id)
    desk = held.desk
    if name in desk.jobs:
        return desk.jobs[name]
    index = next(
        (k for k, location in enumerate(desk.problem.locations) if location.id == name), None
    )
    if index is None:
        place = Place(job.request.lat, job.request.lon)
        others = [
            Place(location.lat or 0.0, location.lon or 0.0) for location in desk.problem.locations
        ]
        star = room.roads.star(place, others)
        index = desk.add_location(
            star.durations_to_s,
            star.durations_from_s,
            star.distances_to_m,
            star.distances_from_m,
            name=name,
            at=(place.lat, place.lon),
        )
        held.places[index] = place
    last = max(
        shift.end + shift.overtime_s for who in desk.problem.technicians for shift in who.shifts
    )
    return problem_job(job, None, held.epoch, now, index, last)


def plan_at(session: Session, version: str) -> Plan | None:
    """The plan that a version speaks of, under its day's lock."""
    try:
        plan_id = UUID(version.partition(".")[0])
    except ValueError:
        raise Refusal("invalid", "the version is not one of ours", version=version[:80]) from None
    day = session.scalar(select(Plan.day).where(Plan.id == plan_id))
    if day is None:
        return None
    lock_day(session, day)
    return session.get(
        Plan,
        plan_id,
        options=[undefer(Plan.geometry), undefer(Plan.document)],
        populate_existing=True,
    )


def published_plan(session: Session, visit: Visit, version: str | None) -> Plan:
    """The plan of a visit, under its day's lock; refused when it is not the one meant."""
    lock_day(session, visit.day)
    plan = session.scalars(
        select(Plan)
        .where(Plan.day == visit.day, Plan.status == "published")
        .options(undefer(Plan.geometry), undefer(Plan.document))
        .execution_options(populate_existing=True)
    ).first()
    if plan is None:
        raise Refusal("nothing_published", "the day has no published plan")
    if version is not None and etag(plan) != version:
        raise Refusal("plan_moved", "somebody changed the plan; look again", version=etag(plan))
    return plan


def plan_with(session: Session, technician_id: UUID, now: datetime, zone: str) -> Plan:
    days = set(
        session.scalars(
            select(Shift.day)
            .join(Technician, Technician.number == Shift.technician_number)
            .where(Technician.id == technician_id, Shift.end_at > now)
        )
    )
    for plan in plans_ahead(session, now, zone):
        if plan.day in days:
            return plan
    raise Refusal("nothing_published", "no published plan ahead has this technician")


def fresh_offers(told: Mapping[str, Any]) -> dict[str, Any]:
    """What goes into a problem's parameters."""
    return {"offers": told["offers"]}


BEFORE_BEGUN = 3
"""So many more offers are asked for, in case some would go before a visit that has begun."""


def offers_of(held: Held, task: ProblemJob, k: int) -> tuple[Offer, ...]:
    """The desk's offers; what it cannot place one by one is refused with its reason.

    The desk pins the starts of visits that have begun and may fill the wait before one. But who is
    at that door, or on the way there, cannot go somewhere else first: such offers are none.
    """
    try:
        found = held.desk.offers(task, k + BEFORE_BEGUN)
    except ValueError as error:
        raise Refusal("no_repair", str(error)) from None
    return tuple(offer for offer in found if not _before_begun(held, offer))[:k]


def _before_begun(held: Held, offer: Offer) -> bool:
    return any(
        visit.technician in offer.people and offer.arrival_s < visit.start_s for visit in held.begun
    )
