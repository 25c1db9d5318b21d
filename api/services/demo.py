"""The demo firm in the record: outlets, people, shifts, and each calendar day's faults.

Idempotent: what is there is kept. Ids of outlets, technicians and shifts come from their names, so
that seeding twice finds the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from api.db.models import Certificate, Job, Outlet, Person, Region, Shift, Technician, Visit
from api.services import demo_papers
from api.services.activity import record
from api.services.identity import add_person, hash_password
from api.services.intake import Report, rows_of
from api.services.jobs import plan_moves
from api.services.regions import local_day
from api.services.rule_packs import arrival_rules
from domain.lifecycle import JobEvent, VisitState
from domain.roles import ASSESSOR, OUTLET_MANAGER
from domain.triage import triage
from network.demo import DemoDay, DemoRegion, make_demo_day
from network.demo.catalogue import CERTIFICATES

NAMESPACE = UUID("6f1c0f5e-5a0b-4a52-9a37-0a3b6d1b5a10")
OPEN_JOBS = 300
TECHNICIANS = 40
LEAST_NEW_JOBS = 60
PASSWORD = "zhunda-demo"
"""Public: it opens nothing but invented data."""

OFFICE = (
    ("dispatch", "Paz Dispatcher", "dispatcher"),
    ("planner", "Leo Planner", "planner"),
    ("admin", "Ada Admin", "admin"),
    ("desk", "Dora Desk", "desk_agent"),
    ("outlet", "Otto Outlet", "outlet_manager"),
    ("auditor", "Aurora Auditor", "auditor"),
    ("regulator", "Rita Regulator", "regulator"),
    ("association", "Axel Association", "association"),
    ("assessor", "Asta Assessor", "assessor"),
)
"""Login, name, role."""

ASSESSOR_ACCESS = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Persona:
    """A login of the demo, told to everybody who sees it."""

    login: str
    password: str
    role: str
    name: str


def personas(session: Session) -> list[Persona]:
    """The logins of the office and of two technicians."""
    people = session.execute(
        select(Person.login, Person.role, Person.name).order_by(Person.login)
    ).all()
    office = {login for login, _, _ in OFFICE}
    told = [
        Persona(row.login, PASSWORD, row.role, row.name) for row in people if row.login in office
    ]
    technicians = [row for row in people if row.role == "technician" and row.login[0] == "t"][:2]
    return told + [Persona(row.login, PASSWORD, row.role, row.name) for row in technicians]


def seed(
    session: Session,
    region: DemoRegion,
    bounds: list[float],
    now: datetime,
    open_jobs: int = OPEN_JOBS,
    technicians: int = TECHNICIANS,
) -> bool:
    """Bring the demo up to ``now``; False when this calendar day is there already.

    ``technicians`` has to be the same every time: it draws the firm.

    Past days' visits that nobody reported on are closed as done in time: the demo's technicians
    have no phones, and their consumers must not wait for ever.
    """
    row = session.scalars(select(Region).with_for_update()).first()
    today = local_day(now, region.timezone)
    if row is not None and row.demo_day == today:
        return False
    if row is None:
        west, south, east, north = bounds
        row = Region(
            name=region.name,
            timezone=region.timezone,
            south=south,
            west=west,
            north=north,
            east=east,
        )
        session.add(row)
    row.demo_day = today
    _close_past(session, today)
    waiting = session.scalar(select(func.count()).where(Job.status == "open")) or 0
    day = make_demo_day(
        region, now, faults=max(LEAST_NEW_JOBS, open_jobs - waiting), technicians=technicians
    )
    _outlets(session, day)
    _technicians(session, day)
    _shifts(session, day)
    _people(session, day, now)
    _faults(session, day)
    demo_papers.publish(session, today)
    record(session, "demo_seeded", "region", row.id, day=str(today), jobs=len(day.faults))
    return True


def named(kind: str, name: str) -> UUID:
    """The id of a demo row, from its name."""
    return uuid5(NAMESPACE, f"{kind}/{name}")


def _close_past(session: Session, today: date) -> None:
    past = session.scalars(
        select(Visit.job_id).where(Visit.day < today, Visit.active, Visit.state != VisitState.DONE)
    ).all()
    plan_moves(session, past, JobEvent.VISITED, datetime.now(UTC))
    session.execute(
        update(Visit)
        .where(Visit.day < today, Visit.active, Visit.state != VisitState.DONE)
        .values(state=VisitState.DONE, arrived_at=func.coalesce(Visit.arrived_at, Visit.arrival_at))
    )


def _insert_new(session: Session, table: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        session.execute(insert(table).on_conflict_do_nothing(), rows)


def _outlets(session: Session, day: DemoDay) -> None:
    rows = [
        {
            "id": named("outlet", outlet.id),
            "name": outlet.name,
            "address": str(outlet.address),
            "lat": outlet.place.lat,
            "lon": outlet.place.lon,
        }
        for outlet in day.outlets
    ]
    _insert_new(session, Outlet, rows)


def _technicians(session: Session, day: DemoDay) -> None:
    here = set(session.scalars(select(Technician.id)))
    skill_of = {code: skill for skill, code in CERTIFICATES.items()}
    for who in day.technicians:
        if named("technician", who.id) in here:
            continue
        technician = Technician(
            id=named("technician", who.id),
            name=who.name,
            outlet_id=named("outlet", who.outlet),
            skills=dict(who.skills),
            equipment=[],
            stock=dict(who.stock),
        )
        session.add(technician)
        session.flush()
        session.add_all(
            Certificate(
                technician_number=technician.number,
                name=certificate.code,
                skill=skill_of[certificate.code],
                valid_from=certificate.valid_from,
                valid_until=certificate.valid_to,
            )
            for certificate in who.certificates
        )
    session.flush()


def _numbers(session: Session) -> dict[UUID, int]:
    return {row.id: row.number for row in session.execute(select(Technician.id, Technician.number))}


def _shifts(session: Session, day: DemoDay) -> None:
    numbers = _numbers(session)
    rows = [
        {
            "id": named("shift", shift.id),
            "technician_number": numbers[named("technician", shift.technician)],
            "day": shift.day,
            "start_at": shift.start,
            "end_at": shift.end,
            "overtime_s": 0,
            "duty": shift.duty,
            "breaks": [
                {
                    "id": "lunch",
                    "windows": [[shift.lunch_from.isoformat(), _latest_lunch(shift)]],
                    "duration_s": shift.lunch_s,
                }
            ],
        }
        for shift in day.shifts
    ]
    _insert_new(session, Shift, rows)


def _latest_lunch(shift: Any) -> str:
    """Lunch lies inside its window; a break's window is about its start."""
    latest = shift.lunch_until.timestamp() - shift.lunch_s
    return datetime.fromtimestamp(latest, UTC).isoformat()


def _people(session: Session, day: DemoDay, now: datetime) -> None:
    here = set(session.scalars(select(Person.login)))
    numbers = _numbers(session)
    # One hash for all: the password is public, and forty of them would take seconds.
    hashed = hash_password(PASSWORD)
    for login, name, role in OFFICE:
        if login not in here:
            add_person(
                session,
                login,
                name,
                role,
                hashed,
                outlet_id=named("outlet", day.outlets[0].id) if role == OUTLET_MANAGER else None,
                access_until=now + ASSESSOR_ACCESS if role == ASSESSOR else None,
            )
    # Whoever comes back to the demo finds every door open.
    session.execute(
        update(Person)
        .where(Person.login.in_({login for login, _, _ in OFFICE}), Person.role == ASSESSOR)
        .values(access_until=now + ASSESSOR_ACCESS)
    )
    for who in day.technicians:
        if who.id.lower() not in here:
            number = numbers[named("technician", who.id)]
            add_person(session, who.id, who.name, "technician", hashed, number)


def _faults(session: Session, day: DemoDay) -> None:
    for fault in day.faults:
        report = Report(
            channel=fault.channel.replace("-", "_"),
            reported_at=fault.reported_at,
            product=fault.kind.product,
            fault=fault.kind.code,
            description=f"{fault.brand}. {fault.kind.text_en} / {fault.kind.text_zh}",
            consumer_name=fault.consumer,
            consumer_phone=fault.phone,
            address=str(fault.address),
            place=fault.place,
            windows=[fault.appointment] if fault.appointment else [],
        )
        reported_day = local_day(fault.reported_at, day.timezone)
        decision = triage(
            report.product, report.fault, report.reported_at, arrival_rules(reported_day)
        )
        request, job = rows_of(report, decision, None)
        job.service_s = fault.service_s
        session.add_all([request, job])
    session.flush()
