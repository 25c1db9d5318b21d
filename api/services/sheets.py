"""Route sheets: what a technician's phone shows, made when something changes, not when it is read.

Reading is one query by key: the stored text and its ETag, or only the ETag when the phone already
has it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ColumnElement, cast, or_, select, text, union
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, joinedload

from api.db.engine import compact_json
from api.db.models import Job, Plan, Request, RouteSheet, Shift, Technician, Visit
from api.services.policies import checklist_on, policy_on
from api.services.regions import local_iso
from domain.lifecycle import ENDED, TECHNICIAN_EVENTS, VisitState, allowed_events

# A phone shows today's sheet, or, when today has none, the next one.
_READ = text(
    """
    SELECT etag, CASE WHEN etag = :known THEN NULL ELSE payload END
    FROM route_sheet
    WHERE technician_number = :technician
      AND day >= COALESCE(CAST(:day AS date), (now() AT TIME ZONE :timezone)::date)
      AND day <= COALESCE(CAST(:day AS date), 'infinity'::date)
    ORDER BY day
    LIMIT 1
    """
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A stored sheet; ``payload`` is None when the reader already has this ``etag``."""

    etag: str
    payload: str | None


def read_sheet(
    session: Session, technician_number: int, day: date | None, timezone: str, known: str | None
) -> Sheet | None:
    """The sheet of a day, or of today or the next day that has one."""
    row = session.execute(
        _READ,
        {"technician": technician_number, "day": day, "timezone": timezone, "known": known},
    ).first()
    return None if row is None else Sheet(*row)


def lock_sheets(session: Session, day: date, technician_number: int | None = None) -> None:
    """Let one transaction at a time renew these sheets; always in the same order."""
    query = select(RouteSheet.technician_number).where(RouteSheet.day == day)
    if technician_number is not None:
        query = query.where(RouteSheet.technician_number == technician_number)
    session.execute(query.order_by(RouteSheet.technician_number).with_for_update()).all()


def planned_with(day: date) -> ColumnElement[bool]:
    """Which shifts a day shows: its own, and those before it that carry visits of its plan."""
    own = select(Shift.id).where(Shift.day == day)
    used = select(Visit.shift_id).where(Visit.day == day, Visit.active)
    # Two look-ups joined: an OR of them would read every shift there ever was.
    return Shift.id.in_(union(own, used))


def renew_sheets(
    session: Session,
    plan: Plan,
    timezone: str,
    technician_numbers: Iterable[int] | None = None,
    *,
    same_routes: bool = False,
) -> None:
    """Write the sheets of a day anew from the active visits.

    Without ``technician_numbers`` every technician with a shift on the day gets one, so that a
    phone whose visits were all withdrawn shows an empty day and not an old one. ``same_routes``:
    the routes are as they were, so that their lines can be taken from the sheets as they stand.
    """
    shifts_query = (
        select(Shift).where(planned_with(plan.day)).options(joinedload(Shift.technician))
    ).order_by(Shift.start_at)
    visits_query = (
        select(Visit)
        .where(Visit.day == plan.day, or_(Visit.active, Visit.state.in_(ENDED)))
        .options(joinedload(Visit.job).joinedload(Job.request).joinedload(Request.consumer))
        .order_by(Visit.technician_number, Visit.arrival_at)
    )
    if technician_numbers is not None:
        numbers = list(technician_numbers)
        shifts_query = shifts_query.where(Shift.technician_number.in_(numbers))
        visits_query = visits_query.where(Visit.technician_number.in_(numbers))
    shifts: dict[int, list[Shift]] = {}
    for shift in session.scalars(shifts_query):
        shifts.setdefault(shift.technician_number, []).append(shift)
    visits: dict[int, list[Visit]] = {}
    for visit in session.scalars(visits_query):
        visits.setdefault(visit.technician_number, []).append(visit)
    # One phone's event needs one line of the day's map, not all of them.
    if technician_numbers is None:
        lines = plan.geometry
    else:
        lines = (same_routes and _lines_shown(session, plan, shifts)) or _lines(
            session, plan.id, shifts
        )
    rows = []
    for number, working in sorted(shifts.items()):
        who = working[0].technician
        line = lines.get(str(who.id))
        sheet = _sheet(plan, who, working, visits.get(number, []), line, timezone)
        payload = compact_json(sheet)
        rows.append(
            {
                "technician_number": number,
                "day": plan.day,
                "plan_id": plan.id,
                "etag": hashlib.sha256(payload.encode()).hexdigest()[:32],
                "payload": payload,
            }
        )
    if not rows:
        return
    statement = insert(RouteSheet).values(rows)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["technician_number", "day"],
            set_={
                "plan_id": statement.excluded.plan_id,
                "etag": statement.excluded.etag,
                "payload": statement.excluded.payload,
            },
        )
    )


def _lines_shown(
    session: Session, plan: Plan, shifts: Mapping[int, list[Shift]]
) -> dict[str, dict[str, Any] | None]:
    """The lines on the sheets of these technicians, by id; nothing when one is of another plan."""
    rows = session.execute(
        select(
            RouteSheet.technician_number,
            RouteSheet.plan_id,
            cast(RouteSheet.payload, JSON)["geometry"],
        ).where(RouteSheet.day == plan.day, RouteSheet.technician_number.in_(shifts))
    ).all()
    if {number for number, plan_id, _ in rows if plan_id == plan.id} != set(shifts):
        return {}
    return {str(shifts[number][0].technician.id): line for number, _, line in rows}


def _lines(
    session: Session, plan_id: UUID, shifts: Mapping[int, list[Shift]]
) -> dict[str, dict[str, Any] | None]:
    """The lines of these technicians, by id, picked out by the database."""
    names = [str(working[0].technician.id) for working in shifts.values()]
    if not names:
        return {}
    picked = session.execute(
        select(*(Plan.geometry[name] for name in names)).where(Plan.id == plan_id)
    ).one()
    return dict(zip(names, picked, strict=True))


def _sheet(
    plan: Plan,
    who: Technician,
    working: list[Shift],
    visits: list[Visit],
    line: dict[str, Any] | None,
    timezone: str,
) -> dict[str, Any]:
    return {
        "technician": {"id": str(who.id), "name": who.name},
        "date": plan.day.isoformat(),
        "timezone": timezone,
        "plan": {"id": str(plan.id), "version": plan.version},
        "source_of_travel_times": plan.source_of_travel_times,
        "shifts": [
            {
                "start": local_iso(shift.start_at, timezone),
                "end": local_iso(shift.end_at, timezone),
                "breaks": shift.breaks,
            }
            for shift in working
        ],
        "geometry": line,
        "checklists": _checklists(plan.day, visits),
        "policy": _policy(plan.day),
        "stops": [
            _stop(visit, position, timezone) for position, visit in enumerate(visits, start=1)
        ],
    }


def _checklists(day: date, visits: list[Visit]) -> dict[str, Any]:
    """The items of the products on this sheet: a phone without reception needs them, too."""
    checklist = checklist_on(day)
    return {
        product: [
            {
                "id": item.id,
                "kind": item.kind,
                "required": item.required,
                "least": item.least,
                "most": item.most,
                "unit": item.unit,
                "en": item.en,
                "zh": item.zh,
            }
            for item in checklist.of(product)
        ]
        for product in sorted({visit.job.request.product for visit in visits})
    }


def _policy(day: date) -> dict[str, int]:
    policy = policy_on(day)
    return {
        "no_access_wait_s": policy.no_access_wait_s,
        "photo_largest_bytes": policy.photo_largest_bytes,
    }


def _stop(visit: Visit, position: int, timezone: str) -> dict[str, Any]:
    job = visit.job
    request = job.request
    return {
        "visit_id": str(visit.id),
        "job_id": str(job.id),
        "job_number": job.number,
        "sequence": position,
        "state": visit.state,
        "next_events": sorted(allowed_events(VisitState(visit.state)) & TECHNICIAN_EVENTS),
        "class": job.job_class,
        "product": request.product,
        "fault": request.fault,
        "description": request.description,
        "skills": job.skills,
        "parts": job.parts,
        "crew": job.crew,
        "equipment": job.equipment,
        "consumer": {"name": request.consumer.name, "phone": request.consumer.phone},
        "address": request.address,
        "place": {"lat": request.lat, "lon": request.lon},
        "travel_s": visit.travel_s,
        "arrival": local_iso(visit.arrival_at, timezone),
        "start": local_iso(visit.start_at, timezone),
        "end": local_iso(visit.end_at, timezone),
        "due": local_iso(job.due_at, timezone),
        "windows": job.windows,
        "arrived_at": None if visit.arrived_at is None else local_iso(visit.arrived_at, timezone),
    }
