"""What happens at the doors: events from phones, each taken once, in a legal order."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from api.db.models import Job, Plan, Request, Visit, VisitEvent
from api.services import clock_events, outbox, stock
from api.services.activity import record
from api.services.clock_events import proof_of
from api.services.door_proof import arrival_proof, require_no_access_evidence
from api.services.identity import Identity
from api.services.jobs import illegal, move, other_visits_open
from api.services.policies import checklist_on, policy_on
from api.services.refusals import Refusal
from api.services.regions import the_region
from api.services.sheets import lock_sheets, renew_sheets
from domain.clocks import ArrivalClock, EventKind
from domain.lifecycle import (
    ENDED,
    JOB_EVENT_OF,
    IllegalTransition,
    JobState,
    VisitState,
    transition,
)
from domain.lifecycle import VisitEvent as Event
from domain.places import Place

CLOCK_ERROR = timedelta(minutes=10)
"""How far a phone's clock may be ahead of ours when it says nothing about its own time."""


@dataclass(frozen=True, slots=True)
class Report:
    """An event as a phone tells it. ``id`` is made by the phone; ``at`` carries its offset.

    ``details``: what comes with it (checklist, parts, note, photos, reason). ``skew_s`` is added to
    ``at`` where the phone's clock is known to be wrong. ``signed`` is the phone's signature, once
    checked (`api.services.device_keys.checked`).
    """

    id: UUID
    event: Event
    at: datetime
    place: Place | None
    accuracy_m: int | None
    details: dict[str, Any] = field(default_factory=dict)
    skew_s: int = 0
    signed: dict[str, Any] | None = None

    @property
    def true_at(self) -> datetime:
        """The instant it really happened, as far as is known."""
        return self.at + timedelta(seconds=self.skew_s)


def utc_now() -> datetime:
    """The instant now, in UTC."""
    return datetime.now(UTC)


def lock_visit(session: Session, visit_id: UUID, who: Identity) -> tuple[date, int]:
    """Hold the sheet that a visit stands on, so that its events come one by one.

    Raises
    ------
    Refusal
        ``not_found``; ``forbidden`` for another technician's visit.
    """
    found = session.execute(
        select(Visit.day, Visit.technician_number).where(Visit.id == visit_id)
    ).first()
    if found is None:
        raise Refusal("not_found")
    day, number = found
    if who.role == "technician" and number != who.technician_number:
        raise Refusal("forbidden", "the visit is another technician's")
    lock_sheets(session, day, number)
    return day, number


def take(
    session: Session, visit_id: UUID, report: Report, who: Identity, now: datetime
) -> dict[str, Any]:
    """Take an event, once; the same event again gets the same answer and changes nothing.

    Raises
    ------
    Refusal
        ``not_found``; ``forbidden`` for another technician's visit; ``event_id_reused`` when the id
        names a different event; ``illegal_transition``; ``invalid`` for an instant in the future,
        before the report or before the visit's last event, or an arrival without place or code;
        ``checklist_incomplete``, ``evidence_missing``, ``stock_short`` and what else
        `api.services.stock.consume` says.
    """
    _, number = lock_visit(session, visit_id, who)
    earlier = session.get(VisitEvent, report.id)
    if earlier is not None:
        if not same(earlier, visit_id, report):
            raise Refusal("event_id_reused", id=str(report.id))
        return answer(session, earlier)
    if report.true_at > now + CLOCK_ERROR:
        raise Refusal("invalid", "at lies in the future", at=report.at.isoformat())
    if report.event is Event.ARRIVED and not (report.place or report.details.get("door_code")):
        raise Refusal("invalid", "an arrival needs a place, or the code of the door")
    visit = session.get(
        Visit,
        visit_id,
        with_for_update={"of": Visit},
        options=[joinedload(Visit.job).joinedload(Job.request).joinedload(Request.consumer)],
        populate_existing=True,
    )
    assert visit is not None
    try:
        state = transition(VisitState(visit.state), report.event)
    except IllegalTransition as error:
        raise illegal(error) from None
    _require_order(session, visit, report)
    details = _judged(session, visit, report, who)
    visit.state = state
    if state is VisitState.ARRIVED:
        visit.arrived_at = report.true_at
    if state in ENDED:
        visit.active = False
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
        skew_s=report.skew_s,
        details=details,
        signed=report.signed,
        person_id=who.person_id,
        received_at=now,
    )
    session.add(event)
    session.flush()
    if report.event in JOB_EVENT_OF:
        _move_job(session, visit, report, who, now)
    plan = session.get(Plan, visit.plan_id)
    assert plan is not None
    renew_sheets(session, plan, the_region(session).timezone, [number], same_routes=True)
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
    return answer(session, event)


def _require_order(session: Session, visit: Visit, report: Report) -> None:
    """A clock set back must not move an arrival into its time.

    A phone may tell late what happened early, but nothing at a door happens before the report, or
    before what the same visit has told already; the phone's clock may be off by `CLOCK_ERROR`.
    """
    told = session.execute(
        select(VisitEvent.kind, VisitEvent.at, VisitEvent.skew_s).where(
            VisitEvent.visit_id == visit.id
        )
    )
    before = [("the report", visit.job.reported_at)] + [
        (kind, at + timedelta(seconds=skew_s)) for kind, at, skew_s in told
    ]
    name, latest = max(before, key=lambda one: one[1])
    if report.true_at < latest - CLOCK_ERROR:
        raise Refusal(
            "invalid",
            f"at lies before {name} at {latest.astimezone(UTC).isoformat()}: "
            "is the phone's clock right?",
            at=report.at.isoformat(),
        )


def _judged(session: Session, visit: Visit, report: Report, who: Identity) -> dict[str, Any]:
    """The event's details, with what they were judged by; refused when they do not hold."""
    details = dict(report.details)
    if report.event is Event.ARRIVED:
        details["proof"] = arrival_proof(
            session,
            visit,
            report.place,
            report.accuracy_m,
            policy_on(visit.day).no_access_near_m,
            str(details.pop("door_code", "")),
        )
    if report.event is Event.DONE:
        checklist = checklist_on(visit.day)
        missing = checklist.missing(visit.job.request.product, details.get("checklist", {}))
        if missing:
            raise Refusal(
                "checklist_incomplete",
                f"not yet ticked off: {', '.join(missing)}",
                missing=list(missing),
                version=checklist.version,
            )
        details["checklist_version"] = checklist.version
        stock.consume(session, visit, details.get("parts", ()), report.true_at, who.person_id)
    if report.event is Event.NO_ACCESS:
        details["evidence"] = require_no_access_evidence(
            session,
            visit,
            [UUID(photo) for photo in details.get("photos", ())],
            report.place,
            report.true_at,
            policy_on(visit.day),
        )
    return details


def _move_job(session: Session, visit: Visit, report: Report, who: Identity, now: datetime) -> None:
    """What the end of a visit means to its job; with two people, the last one closes it."""
    job = session.get(Job, visit.job_id, with_for_update={"of": Job}, populate_existing=True)
    assert job is not None
    stock.release(session, [visit.id])
    if report.event is Event.DONE:
        if other_visits_open(session, job.id, visit.id) or job.status == JobState.DONE:
            return
    elif job.status != JobState.PLANNED:
        return
    if report.event is Event.PARTS_NEEDED:
        job.parts = {**job.parts, **report.details.get("needed", {})}
    move(
        session,
        job,
        JOB_EVENT_OF[report.event],
        report.true_at,
        who.person_id,
        reason=str(report.details.get("reason", "")),
        details={"needed": report.details.get("needed", {})} if report.details else {},
        visit_id=visit.id,
    )
    if report.event is Event.NO_ACCESS:
        clock_events.add(
            session,
            job,
            clock_events.NewEvent(
                report.id,
                EventKind.NO_ACCESS,
                report.true_at,
                str(report.details.get("reason", "")) or "nobody opened",
                (f"visit event {report.id}", *report.details.get("photos", ())),
            ),
            who,
            now,
        )
    if job.status == JobState.DONE:
        outbox.queue_result(
            session,
            job,
            str(report.details.get("note", "")),
            stock.used_at(session, job.id),
            now,
        )


def same(earlier: VisitEvent, visit_id: UUID, report: Report) -> bool:
    """Whether a stored event is the one reported: the phone's own words, not our corrections."""
    place = None if earlier.lat is None or earlier.lon is None else Place(earlier.lat, earlier.lon)
    return (earlier.visit_id, earlier.kind, earlier.at, place, earlier.accuracy_m) == (
        visit_id,
        str(report.event),
        report.at,
        report.place,
        report.accuracy_m,
    )


def answer(session: Session, event: VisitEvent) -> dict[str, Any]:
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
        "skew_s": event.skew_s,
        "signed": event.signed is not None,
    }
    if event.kind == Event.ARRIVED:
        job = session.scalars(
            select(Job).join(Visit, Visit.job_id == Job.id).where(Visit.id == event.visit_id)
        ).one()
        clock = ArrivalClock(job.reported_at, job.due_at)
        at = event.at + timedelta(seconds=event.skew_s)
        told["in_time"] = clock.in_time(at)
        told["slack_s"] = clock.slack_s(at)
        told["proof"] = proof_of(event.details.get("proof"))
    return told
