"""What the office tells of a job: cancelled, parts arrived, solved remotely, brought in, again."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from api.db.models import Job, Plan, Request, Visit
from api.services import outbox, stock
from api.services.activity import record
from api.services.jobs import move
from api.services.refusals import Refusal
from api.services.regions import the_region
from api.services.sheets import lock_sheets, renew_sheets
from domain.lifecycle import (
    OFFICE_EVENTS,
    REASON_NEEDED,
    JobEvent,
    JobState,
    Mode,
    VisitEvent,
    VisitState,
    allowed_events,
    transition,
)

CANCELLED_BY = ("consumer", "operator", "duplicate")
MODE_OF = {
    JobEvent.REMOTE_SOLVED: Mode.REMOTE,
    JobEvent.ITEM_RECEIVED: Mode.DROP_IN,
    JobEvent.VISIT_WANTED: Mode.ON_SITE,
}


def tell(
    session: Session,
    job_id: UUID,
    event: JobEvent,
    actor_id: UUID | None,
    now: datetime,
    *,
    reason: str = "",
    by: str = "",
    mode: str | None = None,
    needed: dict[str, int] | None = None,
) -> Job:
    """Move a job; visits that no longer have anything to do are taken off the phones.

    Raises
    ------
    Refusal
        ``not_found``; ``invalid`` without a needed reason, or by nobody; ``illegal_transition``
        with what is allowed.
    """
    if event not in OFFICE_EVENTS:
        raise Refusal("invalid", f"{event} follows from plans and visits")
    if event in REASON_NEEDED and not reason:
        raise Refusal("invalid", f"{event} needs a reason")
    if event is JobEvent.CANCELLED and by not in CANCELLED_BY:
        raise Refusal("invalid", f"by whom: one of {', '.join(CANCELLED_BY)}")
    # Sheets before visits before jobs: the order in which phones lock them, too.
    standing = session.execute(
        select(Visit.day, Visit.technician_number)
        .where(Visit.job_id == job_id, Visit.active)
        .order_by(Visit.day, Visit.technician_number)
    ).all()
    for day, number in standing:
        lock_sheets(session, day, number)
    job = session.get(
        Job,
        job_id,
        with_for_update={"of": Job},
        options=[joinedload(Job.request).joinedload(Request.consumer)],
        populate_existing=True,
    )
    if job is None:
        raise Refusal("not_found")
    planned = job.status == JobState.PLANNED
    done = job.status == JobState.DONE
    details: dict[str, Any] = {}
    if mode is not None:
        details["mode"] = mode
    if needed:
        details["needed"] = needed
        job.parts = {**job.parts, **needed}
    move(session, job, event, now, actor_id, reason=reason, by=by, details=details)
    if mode is not None or event in MODE_OF:
        wanted = mode or MODE_OF[event]
        if not (event is JobEvent.ITEM_RECEIVED and job.mode in (Mode.MAIL_IN, Mode.DROP_IN)):
            job.mode = str(wanted)
    if planned and job.status != JobState.PLANNED:
        _take_off_phones(session, job, actor_id, VisitEvent.CANCELLED)
    if done and event is JobEvent.REOPENED:
        # What was done stays on record; it no longer stands for the job, which is planned anew.
        for visit in session.scalars(
            select(Visit).where(Visit.job_id == job.id, Visit.active).with_for_update()
        ):
            visit.active = False
        session.flush()
    if job.status == JobState.DONE:
        outbox.queue_result(session, job, reason, stock.used_at(session, job.id), now)
    return job


def _take_off_phones(session: Session, job: Job, actor_id: UUID | None, event: VisitEvent) -> None:
    region = the_region(session)
    visits = session.scalars(
        select(Visit)
        .where(Visit.job_id == job.id, Visit.active)
        .order_by(Visit.day, Visit.technician_number)
        .with_for_update()
    ).all()
    for visit in visits:
        if event not in allowed_events(VisitState(visit.state)):
            continue
        visit.state = str(transition(VisitState(visit.state), event))
        visit.active = False
        session.flush()
        stock.release(session, [visit.id])
        record(
            session,
            f"visit_{event}",
            "visit",
            visit.id,
            actor_id=actor_id,
            technician_number=visit.technician_number,
            day=str(visit.day),
            job_id=str(job.id),
            job_number=job.number,
            state=visit.state,
        )
        plan = session.get_one(Plan, visit.plan_id)
        renew_sheets(session, plan, region.timezone, [visit.technician_number])
