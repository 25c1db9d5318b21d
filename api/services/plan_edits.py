"""What a dispatcher changes by hand on a plan, draft or published: shown first, done when asked.

An edit of a draft stays on paper until the plan is published; one of a published plan reaches the
phones at once. Each is a row in `plan_change`, so that the last one can be taken back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from api.db.models import Job, Plan
from api.services.live_lookups import as_problem_job, open_job, or_forget, the_technician
from api.services.live_plans import DeskRoom, Held
from api.services.live_record import Changed, amend
from api.services.live_views import Names, told_moves
from api.services.planning import lock_day
from api.services.publishing import etag
from api.services.refusals import Refusal
from api.services.regions import the_region
from optimizer.desk import EditReport, NoRepair

EDITABLE = ("draft", "published")


@dataclass(frozen=True, slots=True)
class Order:
    """One edit: ``what`` is done to which job; where, for a visit that is moved or put back."""

    what: str
    job_id: UUID
    technician_id: UUID | None
    position: int | None
    apply: bool
    version: str | None


def edit(
    session: Session, room: DeskRoom, plan_id: UUID, order: Order, actor_id: UUID, now: datetime
) -> dict[str, Any]:
    """Goals, moves and broken rules of an edit; done when asked to, if it breaks none.

    Raises
    ------
    Refusal
        ``not_found``; ``plan_not_draft`` for plans that are over; ``plan_moved``;
        ``job_not_planned``, ``job_not_open``; ``no_repair`` with what is in the way.
    """
    plan = _plan(session, plan_id, order.version)
    job = session.get(Job, order.job_id)
    if job is None or (
        order.technician_id and the_technician(session, order.technician_id) is None
    ):
        raise Refusal("not_found")
    zone = the_region(session).timezone
    with room.at(session, plan, now) as held:
        name = str(job.id)
        on_route = any(route and name in route.jobs for route in held.desk.routes.values())
        if not on_route and order.what not in ("move", "put_back"):
            raise Refusal("job_not_planned", "nobody is to go there by this plan")
        if not on_route and plan.status == "published":
            open_job(session, job.id)
        try:
            report = _MAKE[order.what](room, held, job, order, now)
        except ValueError as error:
            raise Refusal("no_repair", str(error)) from None
        names = Names(session, held, zone)
        broken = [
            {"rule": one.rule, "where": one.where, "by": one.by, "message": one.message}
            for one in report.violations
        ]
        told = {
            "plan": plan.id,
            "do": order.what,
            "job": job.id,
            "number": job.number,
            "effect": dict(report.effect),
            "goals": {
                goal: value + report.effect.get(goal, 0)
                for goal, value in held.desk.plan.goals.items()
            },
            "violations": broken,
            "moves": told_moves(report.moves, names),
            "applied": order.apply,
        }
        if order.apply:
            if broken:
                raise Refusal("no_repair", str(report.violations[0]), violations=broken)
            _take(session, room, plan, held, report, order, actor_id)
        return {**told, "version": etag(plan)}


def _plan(session: Session, plan_id: UUID, version: str | None) -> Plan:
    """The plan under its day's lock, if it may be edited and is the one that was looked at."""
    day = session.scalar(select(Plan.day).where(Plan.id == plan_id))
    if day is None:
        raise Refusal("not_found")
    lock_day(session, day)
    plan = session.get(
        Plan,
        plan_id,
        options=[undefer(Plan.geometry), undefer(Plan.document)],
        populate_existing=True,
    )
    assert plan is not None
    if plan.status not in EDITABLE:
        raise Refusal("plan_not_draft", f"the plan is {plan.status}", status=plan.status)
    if version is not None and version != etag(plan):
        raise Refusal("plan_moved", "somebody changed the plan; look again", version=etag(plan))
    return plan


def _move(room: DeskRoom, held: Held, job: Job, order: Order, now: datetime) -> EditReport:
    task = as_problem_job(room, held, job, now)
    if order.technician_id is not None:
        return held.desk.move(task, str(order.technician_id), position=order.position)
    offers = held.desk.offers(task, 1, eject=0)
    if not offers:
        raise ValueError("nobody can come as the plan stands")
    return held.desk.move(task, offers[0].technician, offers[0].shift, offers[0].position)


def _leave_out(room: DeskRoom, held: Held, job: Job, order: Order, now: datetime) -> EditReport:
    return held.desk.without(str(job.id))


def _pin(room: DeskRoom, held: Held, job: Job, order: Order, now: datetime) -> EditReport:
    return held.desk.pin(str(job.id), pinned=order.what == "pin")


_MAKE: dict[str, Callable[[DeskRoom, Held, Job, Order, datetime], EditReport]] = {
    "move": _move,
    "put_back": _move,
    "leave_out": _leave_out,
    "pin": _pin,
    "unpin": _pin,
}

KINDS = {
    "move": "visit_moved",
    "put_back": "job_committed",
    "leave_out": "job_left_out",
    "pin": "visit_pinned",
    "unpin": "visit_unpinned",
}


def _take(
    session: Session,
    room: DeskRoom,
    plan: Plan,
    held: Held,
    report: EditReport,
    order: Order,
    actor_id: UUID,
) -> None:
    change, name = report.change, str(order.job_id)
    changed = Changed(
        KINDS[order.what],
        {r: held.desk.routes[r] for r in change.routes},
        jobs=() if change.problem_job is None else (change.problem_job,),
        gone=() if change.gone is None else (name,),
        effect=report.effect,
        job_id=order.job_id,
        technician_id=order.technician_id,
    )
    with or_forget(room, plan.id):
        try:
            report.apply()
        except NoRepair as error:
            raise Refusal("no_repair", str(error)) from None
        amend(session, room, plan, held, changed, actor_id)
