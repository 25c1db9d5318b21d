"""A job's moves: each one legal, with its reason, kept as a row that is never changed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.db.among import among
from api.db.models import Job, Visit
from api.db.models import JobEvent as JobEventRow
from api.services.activity import record
from api.services.refusals import Refusal
from domain.lifecycle import IllegalTransition, JobEvent, JobState, job_transition

OVER = frozenset({JobState.DONE, JobState.CANCELLED})


def illegal(error: IllegalTransition) -> Refusal:
    """The refusal of a move that the table does not have, with what it has."""
    return Refusal(
        "illegal_transition",
        str(error),
        state=str(error.state),
        event=str(error.event),
        allowed=[str(event) for event in error.allowed],
    )


def move(
    session: Session,
    job: Job,
    event: JobEvent,
    at: datetime,
    actor_id: UUID | None,
    *,
    reason: str = "",
    by: str = "",
    details: dict[str, Any] | None = None,
    visit_id: UUID | None = None,
) -> JobEventRow:
    """Move a job; the caller holds its row where others might move it too.

    Raises
    ------
    Refusal
        ``illegal_transition`` with what is allowed.
    """
    try:
        state = job_transition(JobState(job.status), event)
    except IllegalTransition as error:
        raise illegal(error) from None
    job.status = str(state)
    job.closed_at = at if state in OVER else None
    sequence = session.scalar(
        select(func.coalesce(func.max(JobEventRow.sequence), 0) + 1).where(
            JobEventRow.job_id == job.id
        )
    )
    row = JobEventRow(
        job_id=job.id,
        sequence=sequence,
        kind=str(event),
        state=str(state),
        at=at,
        reason=reason,
        by=by,
        details=details or {},
        visit_id=visit_id,
        person_id=actor_id,
    )
    session.add(row)
    session.flush()
    record(
        session,
        f"job_{event}",
        "job",
        job.id,
        actor_id=actor_id,
        number=job.number,
        state=str(state),
        reason=reason,
        by=by,
    )
    return row


def plan_moves(session: Session, jobs: Collection[UUID], event: JobEvent, at: datetime) -> None:
    """Move the jobs of a published plan that can take the event; the others stay as they are.

    No line in the feed for each: the plan has its own.
    """
    if not jobs:
        return
    sequences: dict[UUID, int] = dict(
        session.execute(
            select(JobEventRow.job_id, func.max(JobEventRow.sequence))
            .where(among(JobEventRow.job_id, jobs))
            .group_by(JobEventRow.job_id)
        ).all()
    )
    for job in session.scalars(
        select(Job).where(Job.id.in_(jobs)).order_by(Job.id).with_for_update()
    ):
        try:
            state = job_transition(JobState(job.status), event)
        except IllegalTransition:
            continue
        job.status = str(state)
        job.closed_at = at if state in OVER else None
        session.add(
            JobEventRow(
                job_id=job.id,
                sequence=sequences.get(job.id, 0) + 1,
                kind=str(event),
                state=str(state),
                at=at,
            )
        )
    session.flush()


def history(session: Session, job_id: UUID) -> list[JobEventRow]:
    """The moves of a job in their order."""
    return list(
        session.scalars(
            select(JobEventRow).where(JobEventRow.job_id == job_id).order_by(JobEventRow.sequence)
        )
    )


def other_visits_open(session: Session, job_id: UUID, visit_id: UUID) -> bool:
    """Whether another technician's visit of the same job is still to be done."""
    return (
        session.scalars(
            select(Visit.id)
            .where(
                Visit.job_id == job_id, Visit.active, Visit.id != visit_id, Visit.state != "done"
            )
            .limit(1)
        ).first()
        is not None
    )
