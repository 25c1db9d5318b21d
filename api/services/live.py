"""The running day: offers for an urgent call, commit, and what to do when a day goes wrong.

What is shown is computed by really trying it on the desk; what is taken is checked again on the
stored plan, published at once, and one row in `plan_change` so that it can be undone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from api.db.models import Job, Plan, Technician, Visit
from api.services.identity import Identity
from api.services.live_lookups import (
    as_problem_job,
    fresh_offers,
    offers_of,
    open_job,
    or_forget,
    plan_at,
    plan_with,
    published_plan,
    the_technician,
)
from api.services.live_plans import DeskRoom, Held, plans_ahead
from api.services.live_record import Changed, amend
from api.services.live_views import Names, offer_view
from api.services.publishing import etag
from api.services.refusals import Refusal
from api.services.regions import the_region
from optimizer.desk import NoRepair, Offer
from optimizer.explain import why

OFFERS = 3
ASKED = 6
"""So many technicians are asked when one of them has been chosen already."""

LATER = timedelta(seconds=60)
"""An arrival may be this much later than shown before the caller has to be asked again."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An offer as somebody took it: with whom, as of which version, and when the door was due."""

    people: tuple[UUID, ...]
    version: str
    arrival: datetime | None


def offers(session: Session, room: DeskRoom, job_id: UUID, k: int, now: datetime) -> dict[str, Any]:
    """The best ``k`` technicians (or crews) for a job that nobody has, over all plans ahead.

    Raises
    ------
    Refusal
        ``not_found``; ``job_not_open`` when somebody has it or it is over; ``nothing_published``.
    """
    job = open_job(session, job_id)
    plans = plans_ahead(session, now, the_region(session).timezone)
    if not plans:
        raise Refusal("nothing_published", "no published plan has working time left")
    return {
        "job": job.id,
        "number": job.number,
        "class": job.job_class,
        "due": job.due_at,
        "offers": best_offers(session, room, job, plans, k, now),
    }


def best_offers(
    session: Session, room: DeskRoom, job: Job, plans: Sequence[Plan], k: int, now: datetime
) -> list[dict[str, Any]]:
    """The best ``k`` distinct technicians or crews for a job over some plans, best first."""
    zone = the_region(session).timezone
    found: list[tuple[tuple[Any, ...], frozenset[str], dict[str, Any]]] = []
    for plan in plans:
        with room.at(session, plan, now) as held:
            task = as_problem_job(room, held, job, now)
            for offer in offers_of(held, task, k):
                names = Names(session, held, zone)
                late_s = max(0, offer.arrival_s - (task.due or offer.arrival_s))
                key = (late_s, plan.day, tuple(offer.effect.values()))
                view = offer_view(offer, names, plan, held.version, late_s)
                found.append((key, offer.people, view))
    found.sort(key=lambda entry: entry[0])
    best: dict[frozenset[str], dict[str, Any]] = {}
    for _, people, view in found:
        best.setdefault(people, view)
    return list(best.values())[:k]


def commit(
    session: Session, room: DeskRoom, job_id: UUID, choice: Choice, actor_id: UUID, now: datetime
) -> dict[str, Any]:
    """Take an offer: its visits are promised and published at once.

    Raises
    ------
    Refusal
        ``not_found``, ``job_not_open``; ``plan_moved`` or ``offer_gone``, both with fresh offers.
    """
    plan = plan_at(session, choice.version)
    job = open_job(session, job_id, lock=True)
    if plan is None or etag(plan) != choice.version:
        fresh = offers(session, room, job_id, OFFERS, now)
        raise Refusal(
            "plan_moved", "somebody changed the plan; choose again", **fresh_offers(fresh)
        )
    with room.at(session, plan, now) as held:
        task = as_problem_job(room, held, job, now)
        offer = next(
            (
                offer
                for offer in offers_of(held, task, ASKED)
                if offer.people == frozenset(map(str, choice.people))
            ),
            None,
        )
        latest = None if choice.arrival is None else choice.arrival + LATER
        arrival = None if offer is None else held.epoch + timedelta(seconds=offer.arrival_s)
        if offer is None or (latest is not None and arrival is not None and arrival > latest):
            fresh = offers(session, room, job_id, OFFERS, now)
            raise Refusal("offer_gone", "this is no longer possible", **fresh_offers(fresh))
        return _take(session, room, plan, held, offer, job, choice.people[0], actor_id)


def _take(
    session: Session,
    room: DeskRoom,
    plan: Plan,
    held: Held,
    offer: Offer,
    job: Job,
    leader_id: UUID,
    actor_id: UUID,
) -> dict[str, Any]:
    changed = Changed(
        "job_committed",
        {r: held.desk.routes[r] for r in offer.change.routes},
        jobs=(offer.job,),
        effect=offer.effect,
        job_id=job.id,
        technician_id=leader_id,
    )
    with or_forget(room, plan.id):
        held.desk.commit(offer)
        amend(session, room, plan, held, changed, actor_id)
    visits = {
        visit.technician.id: visit
        for visit in session.scalars(
            select(Visit)
            .where(Visit.job_id == job.id, Visit.active)
            .options(joinedload(Visit.technician))
        )
    }
    visit = visits[leader_id]
    return {
        "job": job.id,
        "visit": visit.id,
        "technician": {"id": visit.technician.id, "name": visit.technician.name},
        "crew": [
            {"id": str(other.technician.id), "name": other.technician.name}
            for other in sorted(visits.values(), key=lambda other: other is not visit)
        ],
        "arrival": visit.arrival_at,
        "start": visit.start_at,
        "end": visit.end_at,
        "version": etag(plan),
    }


def leave_out(
    session: Session,
    room: DeskRoom,
    job_id: UUID,
    version: str | None,
    actor_id: UUID,
    now: datetime,
) -> dict[str, Any]:
    """Take a job off its day: nobody goes there, and the job is open again.

    Raises
    ------
    Refusal
        ``not_found``, ``job_not_planned``, ``plan_moved``, ``no_repair``.
    """
    visit = session.scalars(select(Visit).where(Visit.job_id == job_id, Visit.active)).first()
    if visit is None:
        if session.get(Job, job_id) is None:
            raise Refusal("not_found")
        raise Refusal("job_not_planned", "nobody is to go there")
    plan = published_plan(session, visit, version)
    with room.at(session, plan, now) as held, or_forget(room, plan.id):
        desk, name = held.desk, str(job_id)
        before = {r: route for r, route in desk.routes.items() if route is not None}
        goals = dict(desk.plan.goals)
        try:
            desk.remove(name)
        except (ValueError, NoRepair) as error:
            raise Refusal("no_repair", str(error)) from None
        after = desk.plan
        effect = {key: after.goals[key] - value for key, value in goals.items()}
        touched = {
            r: before.get(r) for r in {*before, *desk.routes} if before.get(r) != desk.routes[r]
        }
        changed = Changed("job_left_out", touched, gone=(name,), effect=effect, job_id=job_id)
        amend(session, room, plan, held, changed, actor_id)
    return {"job": job_id, "effect": effect, "version": etag(plan)}


def only_oneself(session: Session, who: Identity, technician_id: UUID) -> None:
    """Refuse a technician who asks about somebody else.

    Raises
    ------
    Refusal
        ``forbidden``.
    """
    own = session.scalar(select(Technician.id).where(Technician.number == who.technician_number))
    if own != technician_id:
        raise Refusal("forbidden", "a technician asks about oneself")


def why_not(
    session: Session, room: DeskRoom, job_id: UUID, technician_id: UUID, now: datetime
) -> dict[str, Any]:
    """Whether a technician can take a job as the day stands, or every rule in the way.

    Raises
    ------
    Refusal
        ``not_found``; ``nothing_published`` when no plan ahead has the technician.
    """
    job = session.get(Job, job_id, options=[joinedload(Job.request)])
    who = the_technician(session, technician_id)
    if job is None or who is None:
        raise Refusal("not_found")
    zone = the_region(session).timezone
    plan = plan_with(session, technician_id, now, zone)
    with room.at(session, plan, now) as held:
        desk = held.desk
        problem = desk.problem
        if str(job_id) not in desk.jobs:
            task = as_problem_job(room, held, job, now)
            problem = desk.problem_with(task)
        answer = why(problem, desk.plan, str(job_id), str(technician_id))
        names = Names(session, held, zone)
        place = answer.placement
        return {
            "job": job_id,
            "number": job.number,
            "technician": {"id": who.id, "name": who.name},
            "can": answer.can,
            "assigned": answer.assigned,
            "rules": [
                {"rule": reason.rule, "shifts": reason.shifts, "detail": reason.detail}
                for reason in answer.rules
            ],
            "arrival": None if place is None else names.iso(place.arrival),
            "start": None if place is None else names.iso(place.start),
            "effect": None if place is None else dict(place.effect),
            "version": etag(plan),
        }
