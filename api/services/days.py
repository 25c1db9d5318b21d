"""A day as the page at ``/`` draws it: its plan, who goes where when, and the clocks that run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import case, select
from sqlalchemy.orm import Session, joinedload, undefer

from api.db.among import among
from api.db.models import Job, Outlet, Plan, Region, Request, Shift, Technician, Visit
from api.services import looks
from api.services.homes import Homes, homes
from api.services.masking import ADDRESS, mask_address, mask_degrees, mask_line, sees
from api.services.publishing import PlannedStop, etag, planned_stops
from api.services.regions import local_iso
from api.services.sheets import planned_with
from domain.lifecycle import VisitState

Shown = Any
"""A row with what the page shows of a job, or of a visit: thousands of whole objects take long."""

SHOWN_OF_JOB = (
    Job.id,
    Job.number,
    Job.job_class,
    Job.due_at,
    Job.reported_at,
    Job.windows,
    Request.product,
    Request.fault,
    Request.address,
    Request.lat,
    Request.lon,
)


@dataclass(frozen=True, slots=True)
class View:
    """For whom the day is drawn: whose clock on the wall, and which role's eyes."""

    timezone: str
    role: str

    def iso(self, instant: datetime | None) -> str | None:
        """An instant with the offset of the place."""
        return None if instant is None else local_iso(instant, self.timezone)


def plan_of_day(session: Session, day: date) -> Plan | None:
    """The published plan of a day, or its newest draft where none is published."""
    return session.scalars(
        select(Plan)
        .where(Plan.day == day, Plan.status.in_(("published", "draft")))
        .options(undefer(Plan.document), undefer(Plan.geometry))
        .order_by(case((Plan.status == "published", 0), else_=1), Plan.version.desc())
        .limit(1)
    ).first()


def day_page(session: Session, region: Region, day: date, role: str) -> dict[str, Any]:
    """Everything the page of a day shows; ``plan`` is None before there is one."""
    view = View(region.timezone, role)
    plan = plan_of_day(session, day)
    outlets = session.scalars(select(Outlet).order_by(Outlet.name)).all()
    told: dict[str, Any] = {
        "date": day.isoformat(),
        "timezone": region.timezone,
        "region": {
            "name": region.name,
            "bounds": [region.west, region.south, region.east, region.north],
        },
        "plan": None,
        "summary": None,
        "technicians": [],
        "urgent": [],
        "unassigned": [],
        "outlets": [
            {"id": outlet.id, "name": outlet.name, "place": {"lat": outlet.lat, "lon": outlet.lon}}
            for outlet in outlets
            if outlet.closed_on is None or day < outlet.closed_on
        ],
    }
    shifts = session.scalars(
        select(Shift)
        .where(planned_with(day))
        .options(joinedload(Shift.technician))
        .order_by(Shift.technician_number, Shift.start_at)
    ).all()
    known = homes(session)
    if plan is None:
        told["technicians"] = _technicians(view, None, shifts, outlets, known, [], {}, {})
        return told
    stops = planned_stops(plan)
    if sees(ADDRESS, role):
        looks.seen(looks.PLAN, plan.id)
    job_ids = {stop.job_id for stop in stops}
    job_ids |= {UUID(entry["job"]) for entry in plan.document["unassigned"]}
    jobs = {
        job.id: job
        for job in session.execute(
            select(*SHOWN_OF_JOB)
            .join(Request, Request.id == Job.request_id)
            .where(among(Job.id, job_ids))
        )
    }
    visits = {
        (visit.job_id, visit.technician_id): visit
        for visit in session.execute(
            select(
                Visit.id,
                Visit.job_id,
                Visit.state,
                Visit.arrived_at,
                Technician.id.label("technician_id"),
            )
            .join(Technician, Technician.number == Visit.technician_number)
            .where(Visit.day == day, Visit.active)
        )
    }
    told["plan"] = {
        "id": plan.id,
        "version": plan.version,
        "status": plan.status,
        "etag": etag(plan),
        "check": {"violations": plan.violations},
        "goals": plan.goals,
        "source_of_travel_times": plan.source_of_travel_times,
        "engine": plan.summary["engine"],
        "seconds": plan.summary["seconds"],
        "published_at": view.iso(plan.published_at),
    }
    told["summary"] = plan.summary
    told["technicians"] = _technicians(view, plan, shifts, outlets, known, stops, jobs, visits)
    told["urgent"] = _urgent(view, jobs.values(), stops, visits, shifts)
    names = {str(shift.technician.id): shift.technician.name for shift in shifts}
    told["unassigned"] = [
        {
            "job": entry["job"],
            "number": jobs[UUID(entry["job"])].number,
            "class": jobs[UUID(entry["job"])].job_class,
            "product": jobs[UUID(entry["job"])].product,
            "due": view.iso(jobs[UUID(entry["job"])].due_at),
            "place": _place(view, jobs[UUID(entry["job"])]),
            "reasons": entry.get("reasons", []),
            "blocking": entry.get("blocking", []),
            "cure": _cure(view, entry.get("cure"), plan, names, jobs),
        }
        for entry in plan.document["unassigned"]
        if UUID(entry["job"]) in jobs
    ]
    return told


def _cure(
    view: View,
    cure: dict[str, Any] | None,
    plan: Plan,
    names: dict[str, str],
    jobs: dict[UUID, Shown],
) -> dict[str, Any] | None:
    """The change that would let a job in, with names and times of the day in place of ids."""
    if cure is None:
        return None
    told = {key: value for key, value in cure.items() if key not in ("goals", "shift")}
    told["technician"] = {"id": cure["technician"], "name": names.get(cure["technician"], "")}
    if "window" in cure:
        told["window"] = [view.iso(plan.epoch + timedelta(seconds=edge)) for edge in cure["window"]]
    if "release" in cure:
        told["release"] = view.iso(plan.epoch + timedelta(seconds=cure["release"]))
    if "job" in cure:
        other = jobs.get(UUID(cure["job"]))
        told["number"] = None if other is None else other.number
    return told


def _technicians(
    view: View,
    plan: Plan | None,
    shifts: Sequence[Shift],
    outlets: Sequence[Outlet],
    known: Homes,
    stops: Sequence[PlannedStop],
    jobs: dict[UUID, Shown],
    visits: dict[tuple[UUID, UUID], Shown],
) -> list[dict[str, Any]]:
    outlet_name = {outlet.id: outlet.name for outlet in outlets}
    by_technician: dict[UUID, list[PlannedStop]] = {}
    for stop in stops:
        by_technician.setdefault(stop.technician_id, []).append(stop)
    found: dict[UUID, dict[str, Any]] = {}
    for shift in shifts:
        who = shift.technician
        if who.id in found:
            found[who.id]["shift"]["end"] = view.iso(shift.end_at)
            continue
        home = known.on(who, shift.day)
        found[who.id] = {
            "id": who.id,
            "name": who.name,
            "outlet": {"id": home, "name": outlet_name.get(home, "")},
            "color_index": len(found),
            "shift": {"start": view.iso(shift.start_at), "end": view.iso(shift.end_at)},
            "geometry": mask_line(
                None if plan is None else plan.geometry.get(str(who.id)), view.role
            ),
            "stops": [
                _stop(view, stop, jobs[stop.job_id], visits.get((stop.job_id, who.id)))
                for stop in by_technician.get(who.id, [])
                if stop.job_id in jobs
            ],
        }
    return list(found.values())


def _stop(view: View, stop: PlannedStop, job: Shown, visit: Shown | None) -> dict[str, Any]:
    return {
        "visit": None if visit is None else visit.id,
        "job": job.id,
        "number": job.number,
        "sequence": stop.sequence,
        "class": job.job_class,
        "product": job.product,
        "fault": job.fault,
        "address": mask_address(job.address, view.role),
        "place": _place(view, job),
        "arrival": view.iso(stop.arrival_at),
        "start": view.iso(stop.start_at),
        "end": view.iso(stop.end_at),
        "due": view.iso(job.due_at),
        "windows": job.windows,
        "travel_s": stop.travel_s,
        "state": "planned" if visit is None else visit.state,
        "actual_arrival": None if visit is None else view.iso(visit.arrived_at),
    }


def _place(view: View, job: Shown) -> dict[str, float]:
    return {
        "lat": mask_degrees(job.lat, view.role),
        "lon": mask_degrees(job.lon, view.role),
    }


def _urgent(
    view: View,
    jobs: Any,
    stops: Sequence[PlannedStop],
    visits: dict[tuple[UUID, UUID], Shown],
    shifts: Sequence[Shift],
) -> list[dict[str, Any]]:
    planned = {stop.job_id: stop for stop in stops}
    names = {shift.technician.id: shift.technician.name for shift in shifts}
    found = []
    for job in sorted(jobs, key=lambda job: (job.due_at, job.number)):
        if job.job_class != "urgent":
            continue
        stop = planned.get(job.id)
        visit = None if stop is None else visits.get((job.id, stop.technician_id))
        found.append(
            {
                "job": job.id,
                "number": job.number,
                "product": job.product,
                "fault": job.fault,
                "address": mask_address(job.address, view.role),
                "reported_at": view.iso(job.reported_at),
                "due_at": view.iso(job.due_at),
                "planned_arrival": None if stop is None else view.iso(stop.arrival_at),
                "actual_arrival": None if visit is None else view.iso(visit.arrived_at),
                "state": VisitState(visit.state) if visit else ("planned" if stop else "open"),
                "technician": None
                if stop is None
                else {"id": stop.technician_id, "name": names.get(stop.technician_id, "")},
            }
        )
    return found
