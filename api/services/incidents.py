"""Incidents of conduct: reported with a reason, decided by somebody else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.db.models import Incident, Job, Technician
from api.services.activity import record
from api.services.identity import Identity
from api.services.refusals import Refusal

TOPICS = ("rude", "late_without_word", "overcharged", "damage", "unsafe", "absent", "other")


@dataclass(frozen=True, slots=True)
class NewIncident:
    """What is said to have happened; ``id`` is made by whoever reports it."""

    id: UUID
    technician_id: UUID
    job_id: UUID | None
    topic: str
    text: str
    at: datetime


def report_incident(session: Session, new: NewIncident, who: Identity, now: datetime) -> Incident:
    """Record an incident, once; nothing follows from it before it is decided.

    Raises
    ------
    Refusal
        ``event_id_reused``; ``unknown_reference``; ``invalid`` for an instant in the future.
    """
    earlier = session.get(Incident, new.id)
    if earlier is not None:
        if (earlier.text, earlier.topic) != (new.text, new.topic):
            raise Refusal("event_id_reused", id=str(new.id))
        return earlier
    number = session.scalar(select(Technician.number).where(Technician.id == new.technician_id))
    if number is None:
        raise Refusal("unknown_reference", "no such technician", id=str(new.technician_id))
    if new.job_id is not None and session.get(Job, new.job_id) is None:
        raise Refusal("unknown_reference", "no such job", id=str(new.job_id))
    if new.at > now:
        raise Refusal("invalid", "at lies in the future")
    assert who.person_id is not None
    row = Incident(
        id=new.id,
        technician_number=number,
        job_id=new.job_id,
        topic=new.topic,
        text=new.text,
        at=new.at,
        reported_by=who.person_id,
    )
    session.add(row)
    session.flush()
    record(
        session,
        "incident_reported",
        "incident",
        row.id,
        actor_id=who.person_id,
        technician_number=number,
        topic=row.topic,
    )
    return row


def decide_incident(
    session: Session,
    incident_id: UUID,
    established: bool,
    finding: str,
    who: Identity,
    now: datetime,
) -> Incident:
    """Say whether it was so, and why; whoever reported it may not.

    Raises
    ------
    Refusal
        ``not_found``; ``forbidden`` for the person who reported it; ``already_decided``.
    """
    row = session.get(Incident, incident_id, with_for_update=True)
    if row is None:
        raise Refusal("not_found")
    if row.decided_at is not None:
        if (row.established, row.finding) == (established, finding):
            return row
        raise Refusal("already_decided", "this has been decided", id=str(row.id))
    if row.reported_by == who.person_id:
        raise Refusal("forbidden", "somebody else than who reported it decides")
    row.established, row.finding = established, finding
    row.decided_at, row.decided_by = now, who.person_id
    record(
        session,
        "incident_decided",
        "incident",
        row.id,
        actor_id=who.person_id,
        technician_number=row.technician_number,
        topic=row.topic,
        established=established,
    )
    return row
