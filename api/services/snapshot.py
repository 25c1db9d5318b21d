"""From the record to the question: who works on a day, what is open, and how far it is.

The rows are read in one short transaction; travel times are fetched after it, so that no
transaction waits for the road server.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from api.db.models import Job, Outlet, Shift, Technician, Visit
from api.services.driven import as_driven
from api.services.equipment import fit_on
from api.services.homes import Homes, homes
from api.services.refusals import Refusal
from api.services.regions import lead_in, local_day, local_midnight
from api.services.stock import free_stock
from api.services.under_way import (
    BegunVisit,
    HeldQuestion,
    Whereabout,
    as_posed,
    hold,
    without_lost_breaks,
)
from api.services.whereabouts import Whereabouts, where_they_are
from domain.lifecycle import BEGUN, Mode, VisitState
from domain.places import Place
from network.roads import Roads
from optimizer import (
    Break,
    Location,
    Pin,
    Plan,
    Problem,
    Route,
    Step,
    Travel,
)
from optimizer import Job as ProblemJob
from optimizer import Shift as ProblemShift
from optimizer import Technician as ProblemTechnician

CLASS_WEIGHTS = {"urgent": 10, "normal": 1}
"""One second of lateness of an urgent job counts as ten of another."""

WAITING_PENALTY = 100
DUE_PENALTY = 300
"""What leaving a job out counts: more when its clock runs out before the plan ends."""


@dataclass(frozen=True, slots=True)
class DayRows:
    """What the record says about a day; ``fingerprint`` names it, whatever the time of asking.

    ``fit``: skills and equipment that count for a technician on all days of his or her shifts here;
    ``stock``: what the van has that no other day's visit has reserved. ``whereabouts``: by shift,
    where somebody is who has begun; asked for with an instant only.
    """

    day: date
    timezone: str
    shifts: Sequence[Shift]
    jobs: Sequence[Job]
    outlets: Sequence[Outlet]
    visits: Sequence[Visit]
    fit: Mapping[int, tuple[Mapping[str, int], frozenset[str]]]
    stock: Mapping[int, Mapping[str, int]]
    fingerprint: str
    homes: Homes
    whereabouts: Mapping[UUID, Whereabouts] = field(default_factory=dict)


def read_day(session: Session, day: date, timezone: str, as_of: datetime | None = None) -> DayRows:
    """The shifts of a day, the jobs that are open or already promised on it, and its visits.

    With ``as_of``, also the shifts before the day that are planned with it (`regions.lead_in`).

    Raises
    ------
    Refusal
        ``nothing_to_plan`` when nobody works on that day.
    """
    shifts = session.scalars(
        select(Shift)
        .where(Shift.day == day)
        .options(joinedload(Shift.technician).selectinload(Technician.certificates))
        .order_by(Shift.start_at, Shift.technician_number)
    ).all()
    visits = session.scalars(
        select(Visit)
        .where(Visit.day == day, Visit.active)
        .options(joinedload(Visit.technician))
        .order_by(Visit.technician_number, Visit.arrival_at)
    ).all()
    begun = {visit.shift_id for visit in visits if visit.state in BEGUN}
    shifts = [shift for shift in shifts if shift.absent_from is None or shift.id in begun]
    if not shifts:
        raise Refusal("nothing_to_plan", f"nobody works on {day.isoformat()}", day=day.isoformat())
    early = [] if as_of is None else lead_in(session, day, as_of, timezone)
    early = [shift for shift in early if shift.absent_from is None]
    elsewhere = select(Visit.job_id).where(Visit.active, Visit.day != day)
    today = [visit.job_id for visit in visits]
    last = max(shift.end_at for shift in shifts)
    jobs = session.scalars(
        select(Job)
        .where(
            or_(Job.status.in_(("open", "planned")), Job.id.in_(today)),
            Job.id.not_in(elsewhere),
            or_(Job.mode == Mode.ON_SITE, Job.id.in_(today)),
            Job.reported_at < last,
        )
        .options(selectinload(Job.request))
        .order_by(Job.due_at, Job.id)
    ).all()
    outlets = session.scalars(select(Outlet).order_by(Outlet.name)).all()
    people = {shift.technician_number: shift.technician for shift in shifts}
    fit = _fit(session, shifts, timezone)
    stock = free_stock(session, people.values(), [visit.id for visit in visits])
    where = homes(session)
    fingerprint = _fingerprint(day, shifts, jobs, fit, stock, where)
    if early:
        # What the lead-in asks for depends on the time of asking: it is not in the fingerprint.
        people |= {shift.technician_number: shift.technician for shift in early}
        fit = _fit(session, [*early, *shifts], timezone)
        stock = free_stock(session, people.values(), [visit.id for visit in visits])
    shifts = [*early, *shifts]
    places = {} if as_of is None else where_they_are(session, [s.id for s in shifts], as_of)
    return DayRows(
        day, timezone, shifts, jobs, outlets, visits, fit, stock, fingerprint, where, places
    )


def _fit(
    session: Session, shifts: Sequence[Shift], timezone: str
) -> dict[int, tuple[dict[str, int], frozenset[str]]]:
    """Skills and equipment by technician: only what counts on every day that is worked here."""
    days: dict[int, set[date]] = {}
    for shift in shifts:
        latest = shift.end_at + timedelta(seconds=shift.overtime_s)
        days.setdefault(shift.technician_number, set()).update(
            (local_day(shift.start_at, timezone), local_day(latest, timezone))
        )
    people = {shift.technician_number: shift.technician for shift in shifts}
    return fit_on(session, people.values(), {number: sorted(own) for number, own in days.items()})


def _fingerprint(
    day: date,
    shifts: Sequence[Shift],
    jobs: Sequence[Job],
    fit: Mapping[int, tuple[Mapping[str, int], frozenset[str]]],
    stock: Mapping[int, Mapping[str, int]],
    where: Homes,
) -> str:
    told: list[Any] = [day.isoformat()]
    told += [
        [
            str(shift.id),
            shift.start_at.timestamp(),
            shift.end_at.timestamp(),
            shift.breaks,
            shift.absent_from is not None,
            fit[shift.technician_number][0],
            sorted(fit[shift.technician_number][1]),
            stock[shift.technician_number],
            str(where.on(shift.technician, shift.day)),
        ]
        for shift in shifts
    ]
    told += [
        [
            str(job.id),
            job.wanted_by.timestamp(),
            job.skills,
            job.parts,
            job.equipment,
            job.crew,
            job.service_s,
            job.windows,
            job.request.lat,
            job.request.lon,
        ]
        for job in jobs
    ]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Question:
    """The problem to solve, with second 0 and where its travel times come from.

    ``narrowed``: the same, held to what is possible from where people are; the closest comes first,
    and the next one where its answer, told as visits, would break a rule or lose what has begun.
    """

    problem: Problem
    narrowed: tuple[HeldQuestion, ...]
    epoch: datetime
    source_of_travel_times: str


def pose(rows: DayRows, as_of: datetime, roads: Roads) -> Question:
    """The problem of a day as it stands at ``as_of``.

    What is under way or done stays where it is; anything else starts after ``as_of``.
    """
    earliest = min(
        *(job.due_at for job in rows.jobs), *(shift.start_at for shift in rows.shifts), as_of
    )
    epoch = local_midnight(rows.day, rows.timezone)
    while epoch > earliest:
        epoch = local_midnight(date.fromordinal(epoch.date().toordinal() - 1), rows.timezone)

    places = [Place(outlet.lat, outlet.lon) for outlet in rows.outlets]
    places += [Place(job.request.lat, job.request.lon) for job in rows.jobs]
    names = [str(outlet.id) for outlet in rows.outlets] + [str(job.id) for job in rows.jobs]
    elsewhere = {
        str(where.job_id): where.place
        for where in rows.whereabouts.values()
        if str(where.job_id) not in set(names)
    }
    places += elsewhere.values()
    names += elsewhere
    matrix = roads.matrix(places)
    location_of = {name: index for index, name in enumerate(names)}
    technicians = _technicians(rows, epoch, location_of)
    jobs = _jobs(rows, epoch, as_of, location_of, technicians)
    problem = Problem(
        locations=tuple(
            Location(name, place.lat, place.lon) for name, place in zip(names, places, strict=True)
        ),
        travel={"car": Travel(matrix.durations_s, matrix.distances_m)},
        technicians=technicians,
        jobs=jobs,
        class_weights=dict(CLASS_WEIGHTS),
        epoch=epoch.isoformat(),
        published=_published(rows, epoch, location_of) if rows.visits else None,
    )
    begun = {visit.id: _begun(visit, epoch) for visit in rows.visits if visit.state in BEGUN}
    problem = without_lost_breaks(as_driven(problem, begun.values()), begun.values())
    at = [
        Whereabout(
            str(where.technician),
            str(shift),
            location_of[str(where.job_id)],
            seconds_since(epoch, where.free_at),
            begun.get(where.visit_id) if where.holds else None,
        )
        for shift, where in rows.whereabouts.items()
    ]
    now = seconds_since(epoch, as_of)
    closest = hold(problem, begun.values(), at, now)
    narrowed = [closest]
    if closest.doorsteps:
        narrowed.append(hold(problem, begun.values(), [w for w in at if w.visit], now))
    if closest.problem is not problem:
        narrowed.append(as_posed(problem, begun.values()))
    return Question(problem, tuple(narrowed), epoch, matrix.source)


def seconds_since(epoch: datetime, instant: datetime) -> int:
    """Whole seconds from the epoch to an instant."""
    return int((instant - epoch).total_seconds())


def _technicians(
    rows: DayRows, epoch: datetime, location_of: dict[str, int]
) -> tuple[ProblemTechnician, ...]:
    by_technician: dict[int, list[Shift]] = {}
    for shift in rows.shifts:
        by_technician.setdefault(shift.technician_number, []).append(shift)
    found = []
    for shifts in by_technician.values():
        who = shifts[0].technician
        home = {shift.id: location_of[str(rows.homes.on(who, shift.day))] for shift in shifts}
        found.append(
            ProblemTechnician(
                id=str(who.id),
                skills=dict(rows.fit[who.number][0]),
                equipment=rows.fit[who.number][1],
                stock=dict(rows.stock[who.number]),
                shifts=tuple(
                    ProblemShift(
                        id=str(shift.id),
                        start=seconds_since(epoch, shift.start_at),
                        end=seconds_since(epoch, shift.end_at),
                        start_location=home[shift.id],
                        end_location=home[shift.id],
                        overtime_s=shift.overtime_s,
                        breaks=tuple(_break(pause, epoch) for pause in shift.breaks),
                    )
                    for shift in shifts
                ),
            )
        )
    return tuple(found)


def _break(pause: dict[str, Any], epoch: datetime) -> Break:
    return Break(
        id=pause["id"],
        windows=tuple(_window(window, epoch) for window in pause["windows"]),
        duration_s=pause["duration_s"],
    )


def _window(window: Sequence[str], epoch: datetime) -> tuple[int, int]:
    start, end = (seconds_since(epoch, datetime.fromisoformat(edge)) for edge in window)
    return start, end


def _jobs(
    rows: DayRows,
    epoch: datetime,
    as_of: datetime,
    location_of: dict[str, int],
    technicians: Sequence[ProblemTechnician],
) -> tuple[ProblemJob, ...]:
    last = max(shift.end + shift.overtime_s for who in technicians for shift in who.shifts)
    begun = {visit.job_id: visit for visit in rows.visits if visit.state in BEGUN}
    # Who has dropped out is asked about for what is under way only.
    out = frozenset(str(s.technician.id) for s in rows.shifts if s.absent_from is not None)
    jobs = (
        problem_job(job, begun.get(job.id), epoch, as_of, location_of[str(job.id)], last)
        for job in rows.jobs
    )
    return tuple(replace(job, excluded=out) if out and job.pinned is None else job for job in jobs)


def problem_job(
    job: Job, begun: Visit | None, epoch: datetime, as_of: datetime, location: int, last: int
) -> ProblemJob:
    """A job in the words of the optimizer; ``last`` is the second at which the last shift ends."""
    due = seconds_since(epoch, job.wanted_by)
    urgent = job.job_class == "urgent"
    return ProblemJob(
        id=str(job.id),
        location=location,
        service_s=job.service_s,
        job_class=job.job_class,
        skills=dict(job.skills),
        equipment=frozenset(job.equipment),
        # What was built in is no longer in the van.
        parts={} if begun and begun.state == VisitState.DONE else dict(job.parts),
        crew=job.crew,
        release=0 if begun else max(0, seconds_since(epoch, max(job.reported_at, as_of))),
        due=due,
        time_windows=()
        if begun
        else tuple(sorted(_window(window, epoch) for window in job.windows)),
        drop_penalty=None if urgent or begun else (DUE_PENALTY if due <= last else WAITING_PENALTY),
        pinned=_pin(begun, epoch) if begun else None,
    )


def _pin(visit: Visit, epoch: datetime) -> Pin:
    return Pin(str(visit.technician.id), str(visit.shift_id), seconds_since(epoch, visit.start_at))


def _begun(visit: Visit, epoch: datetime) -> BegunVisit:
    return BegunVisit(
        str(visit.job_id),
        str(visit.technician.id),
        str(visit.shift_id),
        seconds_since(epoch, visit.arrival_at),
        seconds_since(epoch, visit.start_at),
        seconds_since(epoch, visit.end_at),
        visit.travel_s,
    )


def _published(rows: DayRows, epoch: datetime, location_of: dict[str, int]) -> Plan:
    routes: dict[tuple[str, str], list[Visit]] = {}
    known: set[UUID] = {job.id for job in rows.jobs}
    for visit in rows.visits:
        if visit.job_id in known:
            key = (str(visit.technician.id), str(visit.shift_id))
            routes.setdefault(key, []).append(visit)
    return Plan(
        routes=tuple(
            Route(
                technician,
                shift,
                seconds_since(epoch, visits[0].arrival_at),
                seconds_since(epoch, visits[-1].end_at),
                tuple(
                    Step(
                        "job",
                        location=location_of[str(visit.job_id)],
                        arrival=seconds_since(epoch, visit.arrival_at),
                        start=seconds_since(epoch, visit.start_at),
                        end=seconds_since(epoch, visit.end_at),
                        job=str(visit.job_id),
                        travel_s=visit.travel_s,
                    )
                    for visit in visits
                ),
            )
            for (technician, shift), visits in routes.items()
        )
    )
