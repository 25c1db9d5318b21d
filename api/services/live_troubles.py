"""When a day goes wrong: a visit takes longer, somebody drops out. Shown first, done when asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from api.db.models import Visit
from api.services.live_lookups import (
    applied,
    or_forget,
    plan_with,
    published_plan,
    the_technician,
)
from api.services.live_plans import DeskRoom
from api.services.live_record import Changed, amend
from api.services.live_views import Names, told_moves
from api.services.planning import lock_day
from api.services.publishing import etag
from api.services.refusals import Refusal
from api.services.regions import the_region


@dataclass(frozen=True, slots=True)
class Overrun:
    """A visit that takes longer, and whether the repair is to be taken or only shown."""

    seconds: int
    apply: bool
    version: str | None


def delay(
    session: Session,
    room: DeskRoom,
    visit_id: UUID,
    order: Overrun,
    actor_id: UUID,
    now: datetime,
) -> dict[str, Any]:
    """Who comes late when a visit takes longer, and the cheapest repair; taken when asked to.

    Raises
    ------
    Refusal
        ``not_found``, ``plan_moved``, ``no_repair``.
    """
    visit = session.get(Visit, visit_id)
    if visit is None or not visit.active:
        raise Refusal("not_found")
    plan = published_plan(session, visit, order.version)
    zone = the_region(session).timezone
    with room.at(session, plan, now) as held:
        desk = held.desk
        names = Names(session, held, zone)
        try:
            report = desk.delay(str(visit.job_id), order.seconds)
        except ValueError as error:
            raise Refusal("no_repair", str(error)) from None
        told = {
            "visit": visit_id,
            "seconds": order.seconds,
            "possible_as_it_stands": report.is_possible,
            "late": [
                {
                    "job": late.job,
                    "number": names.number(late.job),
                    "arrival": names.iso(late.arrival_s),
                    "late_s": late.late_s,
                    "missed_s": late.missed_s,
                }
                for late in report.late
            ],
            "effect": dict(report.repair_effect),
            "moves": told_moves(report.repair_moves, names),
            "left_out": [{"job": name, "number": names.number(name)} for name in report.left_out],
            "applied": order.apply,
        }
        if order.apply:
            routes = {r: desk.routes[r] for r in report.change.routes}
            problem = report.change.problem or desk.problem
            longer = tuple(job for job in problem.jobs if job.id == str(visit.job_id))
            with or_forget(room, plan.id):
                applied(report.apply)
                changed = Changed(
                    "visit_delayed",
                    routes,
                    jobs=longer,
                    effect=report.repair_effect,
                    job_id=visit.job_id,
                )
                amend(session, room, plan, held, changed, actor_id)
        return {**told, "version": etag(plan)}


@dataclass(frozen=True, slots=True)
class Outage:
    """A technician who drops out from an instant on (None: now)."""

    since: datetime | None
    apply: bool
    version: str | None


def technician_out(
    session: Session,
    room: DeskRoom,
    technician_id: UUID,
    order: Outage,
    actor_id: UUID,
    now: datetime,
) -> dict[str, Any]:
    """How the visits of somebody who drops out are spread over the others; done when asked to.

    Raises
    ------
    Refusal
        ``not_found``; ``nothing_published`` when no plan ahead has the technician; ``plan_moved``,
        ``no_repair``.
    """
    who = the_technician(session, technician_id)
    if who is None:
        raise Refusal("not_found")
    zone = the_region(session).timezone
    plan = plan_with(session, technician_id, now, zone)
    if order.apply:
        lock_day(session, plan.day)
        session.refresh(plan)
    if order.version is not None and etag(plan) != order.version:
        raise Refusal("plan_moved", "somebody changed the plan; look again", version=etag(plan))
    with room.at(session, plan, now) as held:
        desk = held.desk
        names = Names(session, held, zone)
        since_s = None if order.since is None else int((order.since - held.epoch).total_seconds())
        report = desk.outage(str(technician_id), since_s)
        told = {
            "technician": {"id": who.id, "name": who.name},
            "effect": dict(report.effect),
            "moves": told_moves(report.moves, names),
            "left_out": [{"job": name, "number": names.number(name)} for name in report.left_out],
            "applied": order.apply,
        }
        if order.apply:
            routes = {r: desk.routes[r] for r in report.change.routes}
            with or_forget(room, plan.id):
                applied(report.apply)
                changed = Changed(
                    "technician_out",
                    routes,
                    closed=report.closed,
                    effect=report.effect,
                    technician_id=technician_id,
                )
                amend(session, room, plan, held, changed, actor_id)
        return {**told, "version": etag(plan)}
