"""Opening outlets, adding technicians and their shifts."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from api.db.models import Certificate, Outlet, Shift, Technician
from api.services.activity import record
from api.services.refusals import Refusal
from api.services.regions import local_day, the_region
from domain.places import Place


def open_outlet(
    session: Session, name: str, address: str, place: Place, actor_id: UUID | None
) -> Outlet:
    """A new outlet.

    Raises
    ------
    Refusal
        ``already_exists`` when the name is taken.
    """
    outlet = Outlet(name=name, address=address, lat=place.lat, lon=place.lon)
    session.add(outlet)
    try:
        session.flush()
    except IntegrityError:
        raise Refusal("already_exists", f"there is an outlet named {name}", name=name) from None
    record(session, "outlet_opened", "outlet", outlet.id, actor_id=actor_id, name=name)
    return outlet


def standing_outlet(session: Session, outlet_id: UUID) -> Outlet:
    """An outlet that people and things may be given to.

    Raises
    ------
    Refusal
        ``unknown_reference`` when it does not exist; ``outlet_closed`` when its end is decided.
    """
    found = session.get(Outlet, outlet_id)
    if found is None:
        raise Refusal("unknown_reference", "no such outlet", outlet_id=str(outlet_id))
    if found.closed_on is not None:
        raise Refusal("outlet_closed", f"{found.name} closes on {found.closed_on}")
    return found


def add_technician(session: Session, data: dict[str, Any], actor_id: UUID | None) -> Technician:
    """A new technician with certificates.

    Raises
    ------
    Refusal
        ``unknown_reference`` when the outlet does not exist; ``outlet_closed`` when it closes.
    """
    standing_outlet(session, data["outlet_id"])
    technician = Technician(
        name=data["name"],
        outlet_id=data["outlet_id"],
        skills=data["skills"],
        equipment=[],
        stock=data["stock"],
    )
    technician.certificates = [Certificate(**row) for row in data["certificates"]]
    session.add(technician)
    try:
        session.flush()
    except IntegrityError:
        raise Refusal("already_exists", "a certificate is given twice") from None
    record(
        session,
        "technician_added",
        "technician",
        technician.id,
        actor_id=actor_id,
        technician_number=technician.number,
        name=technician.name,
    )
    return technician


def add_shift(
    session: Session,
    technician_id: UUID,
    start: datetime,
    end: datetime,
    overtime_s: int,
    duty: bool,
    breaks: list[dict[str, Any]],
    actor_id: UUID,
) -> Shift:
    """A new shift; its day is the date on the wall when it starts.

    Raises
    ------
    Refusal
        ``unknown_reference`` for an unknown technician; ``double_booking`` when it overlaps
        another shift of the same technician.
    """
    technician = session.scalars(
        select(Technician).where(Technician.id == technician_id)
    ).one_or_none()
    if technician is None:
        raise Refusal("unknown_reference", "no such technician", technician_id=str(technician_id))
    shift = Shift(
        technician=technician,
        day=local_day(start, the_region(session).timezone),
        start_at=start,
        end_at=end,
        overtime_s=overtime_s,
        duty=duty,
        breaks=[
            {
                "id": f"break-{number}",
                "windows": [[edge.isoformat() for edge in window] for window in pause["windows"]],
                "duration_s": pause["duration_s"],
            }
            for number, pause in enumerate(breaks, start=1)
        ],
    )
    session.add(shift)
    try:
        session.flush()
    except IntegrityError:
        raise Refusal("double_booking", "the shift overlaps another one") from None
    record(
        session,
        "shift_added",
        "shift",
        shift.id,
        actor_id=actor_id,
        technician_number=technician.number,
        day=str(shift.day),
    )
    return shift
