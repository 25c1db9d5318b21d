"""What happens at the doors: events from phones, each taken once, in a legal order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from api.db.models import Job, Plan, Visit, VisitEvent
from api.services.activity import record
from api.services.identity import Identity
from api.services.refusals import Refusal
from api.services.regions import the_region
from api.services.sheets import lock_sheets, renew_sheets
from domain.clocks import ArrivalClock
from domain.lifecycle import IllegalTransition, VisitState, transition
from domain.lifecycle import VisitEvent as Event
from domain.places import Place

CLOCK_ERROR = timedelta(minutes=10)
"""How far a phone's clock may be ahead of ours."""


@dataclass(frozen=True, slots=True)
class Report:
    """An event as a phone tells it. ``id`` is made by the phone; ``at`` carries its offset."""

    id: UUID
    event: Event
    at: datetime
    place: Place | None
    accuracy_m: int | None


def take(
    session: Session, visit_id: UUID, report: Report, who: Identity, now: datetime
) -> dict[str, Any]:
    """Take an event, once; the same event again gets the same answer and changes nothing.

    Raises
    ------
    Refusal
        ``not_found``; ``forbidden`` for another technician's visit; ``event_id_reused`` when the id
        names a different event; ``illegal_transition``; ``invalid`` for an instant in the future,
        or an arrival without a place.
    """
    day_and_number = session.execute(
        select(Visit.day, Visit.technician_number).where(Visit.id == visit_id)
    ).first()
    if day_and_number is None:
        raise Refusal("not_found")
    day, number = day_and_number
    if who.role == "technician" and number != who.technician_number:
        raise Refusal("forbidden", "the visit is another technician's")
    # Everything that renews a sheet locks it first: two reports of one phone come one by one.
    lock_sheets(session, day, number)
    earlier = session.get(VisitEvent, report.id)
    if earlier is not None:
        if not _same(earlier, visit_id, report):
            raise Refusal("event_id_reused", id=str(report.id))
        return _answer(session, earlier)
    if report.at > now + CLOCK_ERROR:
        raise Refusal("invalid", "at lies in the future", at=report.at.isoformat())
    if report.event is Event.ARRIVED and report.place is None:
        raise Refusal("invalid", "an arrival needs a place")
    visit = session.get(
        Visit, visit_id, with_for_update={"of": Visit}, options=[joinedload(Visit.job)]
    )
    assert visit is not None
    try:
        state = transition(VisitState(visit.state), report.event)
    except IllegalTransition as error:
        raise Refusal(
            "illegal_transition",
            str(error),
            state=str(error.state),
            event=str(error.event),
            allowed=[str(event) for event in error.allowed],
        ) from None
    visit.state = state
    if state is VisitState.ARRIVED:
        visit.arrived_at = report.at
    if state is VisitState.DONE:
        _close_job(session, visit)
    offset = report.at.utcoffset() or timedelta()
    event = VisitEvent(
        id=report.id,
        visit_id=visit.id,
        kind=str(report.event),
        at=report.at,
        offset_minutes=int(offset.total_seconds() // 60),
        lat=None if report.place is None else report.place.lat,
        lon=None if report.place is None else report.place.lon,
        accuracy_m=report.accuracy_m,
        person_id=who.person_id,
        received_at=now,
    )
    session.add(event)
    session.flush()
    plan = session.get(Plan, visit.plan_id)
    assert plan is not None
    renew_sheets(session, plan, the_region(session).timezone, [number])
    record(
        session,
        f"visit_{report.event}",
        "visit",
        visit.id,
        actor_id=who.person_id,
        technician_number=number,
        day=str(visit.day),
        job_id=str(visit.job_id),
        job_number=visit.job.number,
        state=str(state),
    )
    return _answer(session, event)


def _close_job(session: Session, visit: Visit) -> None:
    others = session.scalars(
        select(Visit.id).where(
            Visit.job_id == visit.job_id,
            Visit.active,
            Visit.id != visit.id,
            Visit.state != VisitState.DONE,
        )
    ).first()
    if others is None:
        job = session.get(Job, visit.job_id)
        assert job is not None
        job.status = "done"


def _same(earlier: VisitEvent, visit_id: UUID, report: Report) -> bool:
    place = None if earlier.lat is None or earlier.lon is None else Place(earlier.lat, earlier.lon)
    return (earlier.visit_id, earlier.kind, earlier.at, place, earlier.accuracy_m) == (
        visit_id,
        str(report.event),
        report.at,
        report.place,
        report.accuracy_m,
    )


def _answer(session: Session, event: VisitEvent) -> dict[str, Any]:
    """What the phone is told; it depends on the event alone, so that it can be told again."""
    told: dict[str, Any] = {
        "id": event.id,
        "visit_id": event.visit_id,
        "event": event.kind,
        "state": event.kind,
        "at": event.at.astimezone(UTC),
        "received_at": event.received_at.astimezone(UTC),
        "place": None if event.lat is None else {"lat": event.lat, "lon": event.lon},
        "accuracy_m": event.accuracy_m,
    }
    if event.kind == Event.ARRIVED:
        job = session.scalars(
            select(Job).join(Visit, Visit.job_id == Job.id).where(Visit.id == event.visit_id)
        ).one()
        clock = ArrivalClock(job.reported_at, job.due_at)
        told["in_time"] = clock.in_time(event.at)
        told["slack_s"] = clock.slack_s(event.at)
    return told


def utc_now() -> datetime:
    """The instant now, in UTC."""
    return datetime.now(UTC)
