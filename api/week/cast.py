"""Who acts in the week: the firm's people, and consumers by their links."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.db.models import Job, Person, Technician
from api.services.identity import Identity, by_link, make_link
from domain import roles


@dataclass(frozen=True, slots=True)
class Cast:
    """Identities by role, and technicians by their number."""

    desk: Identity
    dispatcher: Identity
    auditor: Identity
    admin: Identity
    technicians: dict[int, Identity]


def cast_of(session: Session) -> Cast:
    """The demo's people, signed in."""
    by_role: dict[str, Identity] = {}
    technicians: dict[int, Identity] = {}
    rows = session.execute(
        select(Person, Technician.id)
        .outerjoin(Technician, Technician.number == Person.technician_number)
        .order_by(Person.login)
    )
    for person, technician_id in rows:
        who = Identity(
            person.id,
            person.login,
            person.name,
            person.role,
            technician_number=person.technician_number,
            technician_id=technician_id,
            outlet_id=person.outlet_id,
        )
        if person.technician_number is not None:
            technicians[person.technician_number] = who
        else:
            by_role.setdefault(person.role, who)
    return Cast(
        desk=by_role[roles.DESK_AGENT],
        dispatcher=by_role[roles.DISPATCHER],
        auditor=by_role[roles.AUDITOR],
        admin=by_role[roles.ADMIN],
        technicians=technicians,
    )


def consumer_of(session: Session, job: Job, now: datetime) -> Identity:
    """The consumer of a job, by a link that was just made."""
    _, secret = make_link(session, job.id, now + timedelta(days=60))
    found = by_link(session, secret)
    assert found is not None
    return found
