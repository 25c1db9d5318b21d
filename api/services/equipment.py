"""Equipment and training: the register, its duties and checks; what may be used on a day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from api.db.models import (
    Certificate,
    Equipment,
    EquipmentCheck,
    EquipmentDuty,
    Technician,
    Training,
)
from api.services.activity import record
from api.services.refusals import Refusal
from api.services.workforce import standing_outlet
from domain.qualification import Check, Device, Duty, Paper, equipment_on, skills_on


def register(session: Session, data: dict[str, Any], actor_id: UUID) -> Equipment:
    """Enter a device with its duties.

    Raises
    ------
    Refusal
        ``unknown_reference``; ``outlet_closed`` when the outlet closes; ``already_exists`` for a
        serial number that is on record.
    """
    standing_outlet(session, data["outlet_id"])
    holder = None
    if data.get("technician_id") is not None:
        holder = the_technician(session, data["technician_id"], code="unknown_reference").number
    device = Equipment(
        kind=data["kind"],
        serial=data["serial"],
        outlet_id=data["outlet_id"],
        technician_number=holder,
        in_service_from=data["in_service_from"],
    )
    session.add(device)
    try:
        session.flush()
    except IntegrityError:
        raise Refusal("already_exists", f"{data['kind']} {data['serial']} is on record") from None
    kinds = {duty["kind"] for duty in data["duties"]}
    if len(kinds) != len(data["duties"]):
        raise Refusal("invalid", "a duty is given twice")
    session.add_all(EquipmentDuty(equipment_id=device.id, **duty) for duty in data["duties"])
    session.flush()
    record(
        session,
        "equipment_registered",
        "equipment",
        device.id,
        actor_id=actor_id,
        of=device.kind,
        serial=device.serial,
    )
    return device


def the_technician(session: Session, technician_id: UUID, code: str = "not_found") -> Technician:
    """A technician by the id outside.

    Raises
    ------
    Refusal
        ``code`` when there is none.
    """
    found = session.scalars(select(Technician).where(Technician.id == technician_id)).one_or_none()
    if found is None:
        raise Refusal(code, "no such technician", technician_id=str(technician_id))
    return found


def hand_over(
    session: Session,
    device_id: UUID,
    technician_id: UUID | None,
    retired_on: date | None,
    actor_id: UUID,
) -> Equipment:
    """Give a device to a technician or back to its outlet (None), or retire it."""
    device = session.get(Equipment, device_id, with_for_update=True)
    if device is None:
        raise Refusal("not_found")
    device.technician_number = (
        None
        if technician_id is None
        else the_technician(session, technician_id, code="unknown_reference").number
    )
    device.retired_on = retired_on
    record(
        session,
        "equipment_handed_over",
        "equipment",
        device.id,
        actor_id=actor_id,
        technician_id=None if technician_id is None else str(technician_id),
        retired_on=None if retired_on is None else retired_on.isoformat(),
    )
    return device


def add_check(
    session: Session, device_id: UUID, data: dict[str, Any], actor_id: UUID
) -> EquipmentCheck:
    """Record a calibration or preventive job that was done."""
    device = session.get(Equipment, device_id)
    if device is None:
        raise Refusal("not_found")
    check = EquipmentCheck(equipment_id=device.id, person_id=actor_id, **data)
    session.add(check)
    session.flush()
    record(
        session,
        "equipment_checked",
        "equipment",
        device.id,
        actor_id=actor_id,
        of=check.kind,
        passed=check.passed,
        valid_until=check.valid_until.isoformat(),
    )
    return check


def add_training(
    session: Session, technician_id: UUID, data: dict[str, Any], actor_id: UUID
) -> Training:
    """Record a course that a technician has passed."""
    who = the_technician(session, technician_id)
    training = Training(technician_number=who.number, **data)
    session.add(training)
    session.flush()
    record(
        session,
        "training_recorded",
        "technician",
        who.id,
        actor_id=actor_id,
        course=training.course,
        skill=training.skill,
        level=training.level,
    )
    return training


def add_certificate(
    session: Session, technician_id: UUID, data: dict[str, Any], actor_id: UUID | None
) -> Certificate:
    """Record a certificate, or the renewal of one.

    Raises
    ------
    Refusal
        ``not_found``; ``already_exists`` for the same paper with the same first day.
    """
    who = the_technician(session, technician_id)
    paper = Certificate(technician_number=who.number, **data)
    session.add(paper)
    try:
        session.flush()
    except IntegrityError:
        raise Refusal("already_exists", "this certificate is on record") from None
    record(
        session,
        "certificate_recorded",
        "technician",
        who.id,
        actor_id=actor_id,
        skill=paper.skill,
        valid_until=paper.valid_until.isoformat(),
    )
    return paper


def devices_of(session: Session, numbers: Iterable[int] | None = None) -> dict[int, list[Device]]:
    """The devices that technicians hold, by number, as the rules judge them."""
    query = select(Equipment).where(Equipment.technician_number.is_not(None))
    if numbers is not None:
        query = query.where(Equipment.technician_number.in_(list(numbers)))
    rows = session.scalars(query.order_by(Equipment.id)).all()
    found: dict[int, list[Device]] = {}
    for row, device in zip(rows, as_devices(session, rows), strict=True):
        assert row.technician_number is not None
        found.setdefault(row.technician_number, []).append(device)
    return found


def as_devices(session: Session, rows: Iterable[Equipment]) -> list[Device]:
    """Rows of the register with their duties and checks."""
    rows = list(rows)
    ids = [row.id for row in rows]
    duties: dict[UUID, list[Duty]] = {}
    for duty in session.scalars(select(EquipmentDuty).where(EquipmentDuty.equipment_id.in_(ids))):
        duties.setdefault(duty.equipment_id, []).append(Duty(duty.kind, duty.first_due_on))
    checks: dict[UUID, list[Check]] = {}
    for check in session.scalars(
        select(EquipmentCheck).where(EquipmentCheck.equipment_id.in_(ids))
    ):
        checks.setdefault(check.equipment_id, []).append(
            Check(check.kind, check.done_on, check.passed, check.valid_until)
        )
    return [
        Device(
            row.kind,
            row.in_service_from,
            row.retired_on,
            tuple(duties.get(row.id, ())),
            tuple(checks.get(row.id, ())),
        )
        for row in rows
    ]


def overdue(session: Session, day: date) -> list[dict[str, Any]]:
    """Duties that are overdue on a day, or fall due in the next 30: the preventive work list."""
    rows = session.scalars(
        select(Equipment).where(Equipment.retired_on.is_(None)).order_by(Equipment.id)
    ).all()
    found = []
    for row, device in zip(rows, as_devices(session, rows), strict=True):
        for duty in device.duties:
            due = device.due_on(duty, day)
            if (due - day).days <= 30:
                found.append(
                    {
                        "equipment_id": row.id,
                        "kind": row.kind,
                        "serial": row.serial,
                        "duty": duty.kind,
                        "due_on": None if due == date.min else due,
                        "overdue": due < day,
                    }
                )
    return sorted(found, key=lambda one: (one["due_on"] or date.min, str(one["equipment_id"])))


def papers_of(
    session: Session, numbers: Iterable[int]
) -> tuple[dict[int, list[Paper]], dict[int, list[Paper]]]:
    """Certificates and training of technicians, by number."""
    numbers = list(numbers)
    certificates: dict[int, list[Paper]] = {}
    for row in session.scalars(
        select(Certificate).where(Certificate.technician_number.in_(numbers))
    ):
        certificates.setdefault(row.technician_number, []).append(
            Paper(row.skill, row.valid_from, row.valid_until)
        )
    trainings: dict[int, list[Paper]] = {}
    for course in session.scalars(
        select(Training).where(Training.technician_number.in_(numbers), Training.skill.is_not(None))
    ):
        assert course.skill is not None
        trainings.setdefault(course.technician_number, []).append(
            Paper(course.skill, course.completed_on, course.valid_until, course.level)
        )
    return certificates, trainings


def fit_on(
    session: Session, technicians: Iterable[Technician], days: dict[int, list[date]]
) -> dict[int, tuple[dict[str, int], frozenset[str]]]:
    """Skills and equipment that count for each technician on every one of his or her ``days``.

    A day on which a paper has run out takes the skill for the whole stretch asked about: nobody is
    sent past expiry, at the price of a day or two before it.
    """
    people = list(technicians)
    numbers = [who.number for who in people]
    certificates, trainings = papers_of(session, numbers)
    devices = devices_of(session, numbers)
    found = {}
    for who in people:
        own = days[who.number]
        found[who.number] = (
            skills_on(
                who.skills, certificates.get(who.number, ()), trainings.get(who.number, ()), own
            ),
            equipment_on(devices.get(who.number, ()), own) | frozenset(who.equipment),
        )
    return found
