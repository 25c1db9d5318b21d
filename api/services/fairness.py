"""Who had which share of the work, from visits and shifts on record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.db.among import among
from api.db.models import Job, Outlet, Shift, Technician, Visit, VisitEvent
from api.services.refusals import Refusal
from domain.fairness import Work, evenness, figures_of

LONGEST = timedelta(days=366)
ENDS = ("done", "no_access", "parts_needed")
"""Events that end what a technician does at a door."""


@dataclass(frozen=True, slots=True)
class Share:
    """One technician's work, beside whom it is held."""

    technician: Technician
    work: Work


def shares(session: Session, first: date, last: date, outlets: Iterable[UUID]) -> list[Share]:
    """The work of every technician of some outlets on whole days, both included.

    Days off sick do not count as hours on shift from the moment somebody dropped out.

    Raises
    ------
    Refusal
        ``invalid`` for a period that ends before it begins, or is longer than a year.
    """
    if last < first or last - first > LONGEST:
        raise Refusal("invalid", "the period must begin before it ends, within a year")
    people = session.scalars(
        select(Technician).where(among(Technician.outlet_id, outlets)).order_by(Technician.number)
    ).all()
    numbers = [one.number for one in people]
    on_shift = _hours(session, numbers, first, last)
    overtime = _overtime(session, numbers, first, last)
    rows = session.execute(
        select(
            Visit.technician_number,
            func.count(),
            func.count().filter(Job.job_class == "urgent"),
            func.sum(Visit.travel_s),
        )
        .join(Job, Job.id == Visit.job_id)
        .where(
            among(Visit.technician_number, numbers),
            Visit.day.between(first, last),
            Visit.arrived_at.is_not(None),
        )
        .group_by(Visit.technician_number)
    )
    visits = {number: counts for number, *counts in rows}
    return [
        Share(
            one,
            Work(
                str(one.id),
                on_shift.get(one.number, 0),
                *map(int, visits.get(one.number, (0, 0, 0))),
                overtime_s=overtime.get(one.number, 0),
            ),
        )
        for one in people
    ]


def _hours(session: Session, numbers: list[int], first: date, last: date) -> dict[int, int]:
    end = func.least(Shift.end_at, func.coalesce(Shift.absent_from, Shift.end_at))
    seconds = func.extract("epoch", func.greatest(end, Shift.start_at) - Shift.start_at)
    rows = session.execute(
        select(Shift.technician_number, func.sum(seconds))
        .where(among(Shift.technician_number, numbers), Shift.day.between(first, last))
        .group_by(Shift.technician_number)
    )
    return {number: int(total) for number, total in rows}


def _overtime(session: Session, numbers: list[int], first: date, last: date) -> dict[int, int]:
    """Seconds from the end of each shift to the last end of work told on it."""
    at = VisitEvent.at + func.make_interval(0, 0, 0, 0, 0, 0, VisitEvent.skew_s)
    rows = session.execute(
        select(Shift.technician_number, Shift.end_at, func.max(at))
        .join(Visit, Visit.shift_id == Shift.id)
        .join(VisitEvent, VisitEvent.visit_id == Visit.id)
        .where(
            among(Shift.technician_number, numbers),
            Shift.day.between(first, last),
            VisitEvent.kind.in_(ENDS),
        )
        .group_by(Shift.id)
    )
    found: dict[int, int] = {}
    for number, end_at, ended_at in rows:
        found[number] = found.get(number, 0) + _beyond(end_at, ended_at)
    return found


def _beyond(end_at: datetime, ended_at: datetime) -> int:
    # A phone that told the end of a visit days later worked no days: one shift's length at most.
    late_s = int((ended_at - end_at).total_seconds())
    return min(max(0, late_s), 12 * 3600)


def own_view(session: Session, number: int, first: date, last: date) -> dict[str, Any]:
    """A technician's own figures beside those of the outlet's colleagues, who stay unnamed."""
    me = session.get_one(Technician, number)
    outlet = shares(session, first, last, [me.outlet_id])
    work = next(one.work for one in outlet if one.technician.number == number)
    return {"from": first, "to": last, **_view(work, [one.work for one in outlet])}


def outlet_views(
    session: Session, first: date, last: date, outlet_id: UUID | None
) -> list[dict[str, Any]]:
    """Each outlet with its technicians by name, and how even its work is shared."""
    query = select(Outlet).order_by(Outlet.id)
    if outlet_id is not None:
        query = query.where(Outlet.id == outlet_id)
    outlets = session.scalars(query).all()
    found: dict[UUID, list[Share]] = {outlet.id: [] for outlet in outlets}
    for share in shares(session, first, last, found):
        found[share.technician.outlet_id].append(share)
    return [
        {
            "outlet_id": outlet.id,
            "outlet": outlet.name,
            "evenness": evenness([one.work for one in found[outlet.id]]),
            "technicians": [
                {
                    "technician_id": one.technician.id,
                    "name": one.technician.name,
                    **_view(one.work, [other.work for other in found[outlet.id]]),
                }
                for one in found[outlet.id]
            ],
        }
        for outlet in outlets
    ]


def _view(own: Work, outlet: list[Work]) -> dict[str, Any]:
    figures = figures_of(own, outlet)
    return {
        "shift_s": own.shift_s,
        "colleagues": next(iter(figures.values())).colleagues,
        "figures": {
            measure: {
                "own": one.own,
                "share": one.share,
                "fair_share": one.fair_share,
                "colleagues_per_hour": one.colleagues_per_hour,
            }
            for measure, one in figures.items()
        },
    }
