"""Where technicians really are when a day is planned again, and when they can leave.

A plan is made of visits as they were promised. Who has begun is somewhere: on the way to a door,
waiting at it, at work, or on the doorstep of a visit that came to nothing. Nobody may be sent
elsewhere from a place left long ago, or before he or she can be free.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, contains_eager

from api.db.models import Job, Visit, VisitEvent
from domain.lifecycle import BEGUN, ENDED, VisitState
from domain.places import Place


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where somebody is in the course of a shift.

    ``holds``: the visit still has its place in the plan; else it has come to nothing. ``free_at``:
    the earliest instant to leave, as far as is known; never before the instant of asking.
    """

    visit_id: UUID
    job_id: UUID
    technician: UUID
    place: Place
    free_at: datetime
    holds: bool


def where_they_are(
    session: Session, shifts: Collection[UUID], now: datetime
) -> dict[UUID, Whereabouts]:
    """By shift, the last visit in it that has begun; nothing where none has.

    Who is at work leaves after as long as the visit was to take, counted from the arrival; who is
    on the way, from now or from the start that was promised.
    """
    told = (
        select(
            VisitEvent.visit_id,
            func.max(VisitEvent.at + VisitEvent.skew_s * timedelta(seconds=1)).label("at"),
        )
        .where(VisitEvent.kind.in_([str(state) for state in (VisitState.DONE, *ENDED)]))
        .group_by(VisitEvent.visit_id)
        .subquery()
    )
    rows = session.execute(
        select(Visit, told.c.at)
        .outerjoin(told, told.c.visit_id == Visit.id)
        .join(Visit.job)
        .join(Job.request)
        .options(contains_eager(Visit.job).contains_eager(Job.request))
        .where(
            Visit.shift_id.in_(shifts),
            or_(
                and_(Visit.active, Visit.state.in_(BEGUN)),
                Visit.state.in_(ENDED),
                and_(Visit.state == VisitState.CANCELLED, Visit.arrived_at.is_not(None)),
            ),
        )
    ).all()
    found: dict[UUID, Whereabouts] = {}
    for visit, ended_at in sorted(rows, key=lambda row: (_there_at(row.Visit), row.Visit.number)):
        request = visit.job.request
        found[visit.shift_id] = Whereabouts(
            visit.id,
            visit.job_id,
            visit.technician.id,
            Place(request.lat, request.lon),
            max(now, _free_at(visit, ended_at, now)),
            visit.active,
        )
    return found


def _there_at(visit: Visit) -> datetime:
    return visit.arrived_at or visit.arrival_at


def _free_at(visit: Visit, ended_at: datetime | None, now: datetime) -> datetime:
    work = visit.end_at - visit.start_at
    if not visit.active:
        return ended_at or _there_at(visit)
    if visit.state == VisitState.DONE:
        return max(visit.end_at, ended_at or visit.end_at)
    if visit.arrived_at is not None:
        return max(visit.end_at, visit.arrived_at + work)
    return max(visit.end_at, now + work) if now > visit.start_at else visit.end_at


def nobody_yet() -> Mapping[UUID, Whereabouts]:
    """Before anything has begun."""
    return {}
