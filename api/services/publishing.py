"""Publishing: a draft becomes visits and route sheets, and what stood before is superseded.

All in one transaction under the day's lock. Visits that are under way or done stay as they are; a
visit whose technician does not change keeps its id and its state.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, text, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from api.db.models import Job, Plan, PlanChange, PlanRun, RouteSheet, Technician, Visit
from api.services import stock
from api.services.activity import record
from api.services.jobs import plan_moves
from api.services.planning import lock_day
from api.services.refusals import Refusal
from api.services.regions import the_region
from api.services.sheets import lock_sheets, renew_sheets
from domain.lifecycle import BEGUN, ENDED, JobEvent, VisitEvent, VisitState, transition

GUARDS = ("visit_no_double_booking_excl", "visit_one_active_idx")
"""The database's last guards: nobody in two places at once, nobody at a job twice."""


@dataclass(frozen=True, slots=True)
class PlannedStop:
    """A stop of a plan, in instants."""

    job_id: UUID
    technician_id: UUID
    shift_id: UUID
    sequence: int
    arrival_at: datetime
    start_at: datetime
    end_at: datetime
    travel_s: int


def planned_stops(plan: Plan) -> list[PlannedStop]:
    """The stops of a stored plan, in the order of its routes."""
    epoch = plan.epoch.astimezone(UTC)

    def instant(seconds: int) -> datetime:
        return epoch + timedelta(seconds=seconds)

    stops = []
    for route in plan.document["routes"]:
        visited = [step for step in route["steps"] if step["type"] == "job"]
        for sequence, step in enumerate(visited, start=1):
            stops.append(
                PlannedStop(
                    UUID(step["job"]),
                    UUID(route["technician"]),
                    UUID(route["shift"]),
                    sequence,
                    instant(step["arrival"]),
                    instant(step["start"]),
                    instant(step["end"]),
                    step.get("travel_s", 0),
                )
            )
    return stops


def etag(plan: Plan) -> str:
    """What a plan is known by to ``If-Match``: it changes whenever the plan's status does."""
    return f"{plan.id.hex}.{plan.edition}"


def publish(session: Session, plan_id: UUID, expected: str | None, actor_id: UUID | None) -> Plan:
    """Make a draft the plan of its day.

    Parameters
    ----------
    expected
        The plan's ETag as the caller read it; None to take it as it is.

    Raises
    ------
    Refusal
        ``not_found``, ``precondition_failed``, ``plan_not_draft``, ``plan_has_violations``,
        ``plan_is_stale``, ``double_booking``.
    """
    day = session.scalar(select(Plan.day).where(Plan.id == plan_id))
    if day is None:
        raise Refusal("not_found")
    lock_day(session, day)
    plan = session.get(Plan, plan_id, populate_existing=True)
    assert plan is not None
    if expected is not None and expected != etag(plan):
        raise Refusal("precondition_failed", current=etag(plan))
    if plan.status != "draft":
        raise Refusal("plan_not_draft", f"the plan is {plan.status}", status=plan.status)
    if plan.violations:
        raise Refusal("plan_has_violations", violations=len(plan.violations))
    _refuse_overtaken(session, plan)
    lock_sheets(session, day)
    stops = planned_stops(plan)
    try:
        kept, moved, added, withdrawn = replace_visits(session, plan, stops)
    except IntegrityError as error:
        raise Refusal("double_booking", overlap_told(error)) from error
    session.execute(
        update(Plan)
        .where(Plan.day == day, Plan.status == "published")
        .values(status="superseded", edition=Plan.edition + 1)
    )
    plan.status = "published"
    plan.edition += 1
    plan.published_at = datetime.now(UTC)
    session.flush()
    session.execute(delete(RouteSheet).where(RouteSheet.day == day))
    renew_sheets(session, plan, the_region(session).timezone)
    record(
        session,
        "plan_published",
        "plan",
        plan.id,
        actor_id=actor_id,
        day=str(day),
        version=plan.version,
        kept=kept,
        moved=moved,
        added=added,
        withdrawn=withdrawn,
    )
    return plan


def overlap_told(error: IntegrityError) -> str:
    """What to do about visits that the database would not let be.

    Raises
    ------
    IntegrityError
        The error itself, when it is about anything else.
    """
    if not any(guard in str(error.orig) for guard in GUARDS):
        raise error
    return "two visits of a technician would overlap: one has begun or moved since; plan again"


def _refuse_overtaken(session: Session, plan: Plan) -> None:
    """A draft does not know what was promised live after its worker had read the day."""
    changed = session.scalar(
        select(PlanChange.id)
        .join(Plan, Plan.id == PlanChange.plan_id)
        .where(
            Plan.day == plan.day,
            Plan.id != plan.id,  # what was edited on this draft itself is in it
            Plan.published_at.is_not(None),
            PlanChange.at
            > select(PlanRun.started_at).where(PlanRun.id == plan.run_id).scalar_subquery(),
        )
        .limit(1)
    )
    if changed is not None:
        raise Refusal("plan_is_stale", "the published plan was changed live since; plan again")


def replace_visits(
    session: Session, plan: Plan, stops: list[PlannedStop], among: Collection[int] | None = None
) -> tuple[int, int, int, int]:
    """Bring the active visits of the plan's day to these stops.

    Parameters
    ----------
    among
        Numbers of the technicians concerned; ``stops`` are all of theirs then, and the visits of
        others are left alone. None: everybody.

    Returns
    -------
    tuple
        Visits kept, moved, added and withdrawn.
    """
    session.execute(text("SET CONSTRAINTS visit_no_double_booking_excl DEFERRED"))
    numbers: dict[UUID, int] = {
        row.id: row.number
        for row in session.execute(
            select(Technician.id, Technician.number).where(
                Technician.id.in_({stop.technician_id for stop in stops})
            )
        )
    }
    before = {
        (visit.job_id, visit.technician_number): visit
        for visit in session.scalars(
            select(Visit)
            .where(
                Visit.day == plan.day,
                Visit.active,
                true() if among is None else Visit.technician_number.in_(among),
            )
            .with_for_update()
        )
    }
    wanted = {(stop.job_id, numbers[stop.technician_id]): stop for stop in stops}
    _refuse_stale(session, before, wanted)
    kept = moved = withdrawn = 0
    for key, visit in before.items():
        stop = wanted.get(key)
        if stop is not None:
            visit.plan_id = plan.id
            visit.sequence = stop.sequence
            changed = visit.arrival_at != stop.arrival_at or visit.shift_id != stop.shift_id
            kept, moved = kept + (not changed), moved + changed
            if visit.state not in BEGUN:
                visit.shift_id = stop.shift_id
                visit.arrival_at, visit.start_at = stop.arrival_at, stop.start_at
                visit.end_at, visit.travel_s = stop.end_at, stop.travel_s
        else:
            visit.state = transition(VisitState(visit.state), VisitEvent.WITHDRAWN)
            visit.active = False
            withdrawn += 1
            stock.release(session, [visit.id])
    # The unique index on active visits is not deferrable: withdrawals must be there first.
    session.flush()
    fresh: list[dict[str, Any]] = [
        {
            "plan_id": plan.id,
            "job_id": stop.job_id,
            "technician_number": number,
            "shift_id": stop.shift_id,
            "day": plan.day,
            "sequence": stop.sequence,
            "arrival_at": stop.arrival_at,
            "start_at": stop.start_at,
            "end_at": stop.end_at,
            "travel_s": stop.travel_s,
        }
        for (job_id, number), stop in wanted.items()
        if (job_id, number) not in before
    ]
    added = [Visit(**row) for row in fresh]
    session.add_all(added)
    session.flush()
    stock.reserve(session, added)
    gone = {job_id for job_id, _ in before} - {job_id for job_id, _ in wanted}
    now = datetime.now(UTC)
    plan_moves(session, gone, JobEvent.UNPLANNED, now)
    plan_moves(session, {job_id for job_id, _ in wanted}, JobEvent.PLANNED, now)
    session.execute(text("SET CONSTRAINTS visit_no_double_booking_excl IMMEDIATE"))
    return kept, moved, len(fresh), withdrawn


def _refuse_stale(
    session: Session,
    before: dict[tuple[UUID, int], Visit],
    wanted: dict[tuple[UUID, int], PlannedStop],
) -> None:
    lost = [
        visit.id
        for key, visit in before.items()
        if visit.state in BEGUN and (key not in wanted or wanted[key].start_at != visit.start_at)
    ]
    begun = {job_id for (job_id, _), visit in before.items() if visit.state in BEGUN}
    over = session.scalars(
        select(Job.id).where(
            Job.id.in_({job_id for job_id, _ in wanted} - begun),
            Job.status.not_in(("open", "planned")),
        )
    ).all()
    lost += _ended(session, before, wanted)
    if lost or over:
        raise Refusal(
            "plan_is_stale",
            "visits have begun or jobs have ended since; plan again",
            begun_visits=[str(visit) for visit in lost[:20]],
            ended_jobs=[str(job) for job in over[:20]],
        )


def _ended(
    session: Session,
    before: dict[tuple[UUID, int], Visit],
    wanted: dict[tuple[UUID, int], PlannedStop],
) -> list[UUID]:
    """Visits that this plan still sees under way and that have ended at the door meanwhile."""
    fresh = {key: stop for key, stop in wanted.items() if key not in before}
    if not fresh:
        return []
    return [
        visit.id
        for visit in session.scalars(
            select(Visit).where(
                Visit.job_id.in_({job_id for job_id, _ in fresh}), Visit.state.in_(ENDED)
            )
        )
        if (key := (visit.job_id, visit.technician_number)) in fresh
        and fresh[key].start_at == visit.start_at
    ]
