"""Clocks of jobs: events recorded once, each proven where it excuses, and the state they make."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.db.among import among
from api.db.models import ClockEvent as Row
from api.db.models import Complaint, Job, JobPurchase, RepairStay, Visit, VisitEvent
from api.services.activity import record
from api.services.identity import Identity
from api.services.refusals import Refusal
from api.services.rule_packs import arrival_packs, arrival_rules, rulebook, setting_of
from domain.clocks import CLOCKS, ClockEvent, ClockState, EventError, EventKind, Proof, counting
from domain.fees import fingerprint
from domain.judging import ArrivalCase, Setting, judge_arrival, judge_clock, proofs_of
from domain.rules import Judgement, TraceLine

CLOCK_ERROR = timedelta(minutes=10)
WITHOUT_ARRIVAL = ("no_access", "withdrawn", "cancelled")
"""States of a visit in which somebody may have stood at the door and not come in."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to be recorded. ``id`` is made by whoever reports it, so that a repeat is one."""

    id: UUID
    kind: EventKind
    at: datetime
    reason: str = ""
    evidence: tuple[str, ...] = ()
    until: datetime | None = None
    target: UUID | None = None


def add(
    session: Session,
    subject: Job | Complaint,
    event: NewEvent,
    who: Identity,
    now: datetime,
    actor: str = "",
) -> Row:
    """Record an event; the same one again changes nothing.

    Parameters
    ----------
    actor
        Who did it, where that is not who reports it: ``the consumer`` for a postponement that
        the desk takes down.

    Raises
    ------
    Refusal
        ``evidence_missing`` for an excuse without reason or evidence; ``event_id_reused``;
        ``unknown_reference`` for a withdrawal of an event, or the confirmation of an arrival, that
        is not there; ``invalid``.
    """
    actor = actor or (who.name if who.role != "consumer" else "the consumer")
    try:
        checked = ClockEvent(
            str(event.id),
            event.kind,
            event.at,
            actor,
            event.reason.strip(),
            tuple(one.strip() for one in event.evidence if one.strip()),
            event.until,
            "" if event.target is None else str(event.target),
        )
    except EventError as error:
        code = "evidence_missing" if error.code in _EXCUSES else "invalid"
        raise Refusal(code, str(error), kind=str(event.kind), lacks=error.code) from None
    if event.at > now + CLOCK_ERROR:
        raise Refusal("invalid", "at lies in the future", at=event.at.isoformat())
    mine = Row.job_id if isinstance(subject, Job) else Row.complaint_id
    earlier = session.get(Row, event.id)
    if earlier is not None:
        if domain_event(earlier) != checked or getattr(earlier, mine.key) != subject.id:
            raise Refusal("event_id_reused", id=str(event.id))
        return earlier
    if event.kind is EventKind.CONFIRMED:
        _require_arrival(session, subject, event)
    elif event.target is not None:
        target = session.get(Row, event.target)
        if target is None or getattr(target, mine.key) != subject.id:
            raise Refusal("unknown_reference", "there is no such event to withdraw")
    row = Row(
        id=event.id,
        kind=str(event.kind),
        at=checked.at,
        actor=actor,
        person_id=who.person_id,
        reason=checked.reason,
        evidence=list(checked.evidence),
        until=checked.until,
        target=event.target,
        **{mine.key: subject.id},
    )
    session.add(row)
    session.flush()
    if isinstance(subject, Job):
        subject.agreed_due_at = _agreed(session, subject)
    record(
        session,
        f"clock_{event.kind}",
        "job" if isinstance(subject, Job) else "complaint",
        subject.id,
        actor_id=who.person_id,
        event_id=str(row.id),
        at=checked.at.isoformat(),
        reason_sha256=fingerprint(checked.reason),
        evidence=len(checked.evidence),
        until=None if checked.until is None else checked.until.isoformat(),
    )
    return row


def _require_arrival(session: Session, subject: Job | Complaint, event: NewEvent) -> None:
    """A confirmation is about an arrival that was told."""
    visit = None if event.target is None else session.get(Visit, event.target)
    if visit is None or visit.job_id != subject.id or visit.arrived_at is None:
        raise Refusal("unknown_reference", "nobody has told of such an arrival: target is a visit")


_EXCUSES = frozenset({"needs_evidence", "needs_reason", "needs_actor"})


def _agreed(session: Session, job: Job) -> datetime | None:
    """The latest deadline that the consumer asked for, withdrawn ones left out."""
    events = recorded(session, job_id=job.id)
    gone = {event.target for event in events if event.kind is EventKind.WITHDRAWN}
    return max((e.until for e in events if e.until and e.id not in gone), default=None)


def recorded(
    session: Session, *, job_id: UUID | None = None, complaint_id: UUID | None = None
) -> list[ClockEvent]:
    """The events on record for a job or a complaint, oldest first."""
    query = select(Row).order_by(Row.at, Row.id)
    query = query.where(Row.job_id == job_id) if job_id else query
    query = query.where(Row.complaint_id == complaint_id) if complaint_id else query
    return [domain_event(row) for row in session.scalars(query)]


def domain_event(row: Row) -> ClockEvent:
    """A row as the domain's event."""
    return ClockEvent(
        str(row.id),
        EventKind(row.kind),
        row.at,
        row.actor,
        row.reason,
        tuple(row.evidence),
        row.until,
        "" if row.target is None else str(row.target),
    )


def arrival_events(session: Session, job_ids: Collection[UUID]) -> dict[UUID, list[ClockEvent]]:
    """What may have ended each job's arrival clock: every arrival told, with what shows it.

    Which of them count is for the rule pack that judges. A job that is over without a visit
    (cancelled, solved from afar, brought in) waits for nobody: its clock is cancelled then. Where
    the work was done at a door that only a far phone tells of, it is not: such an arrival has to be
    confirmed.
    """
    wanted = list(job_ids)
    found: dict[UUID, list[ClockEvent]] = {}
    proof = (
        select(VisitEvent.details["proof"])
        .where(VisitEvent.visit_id == Visit.id, VisitEvent.kind == "arrived")
        .limit(1)
        .scalar_subquery()
    )
    for visit_id, job_id, arrived_at, shown in session.execute(
        select(Visit.id, Visit.job_id, Visit.arrived_at, proof)
        .where(
            among(Visit.job_id, wanted),
            Visit.arrived_at.is_not(None),
            Visit.state.not_in(WITHOUT_ARRIVAL),
        )
        .order_by(Visit.arrived_at, Visit.id)
    ):
        found.setdefault(job_id, []).append(
            ClockEvent(
                str(visit_id), EventKind.MET, arrived_at, "the technician", proof=proof_of(shown)
            )
        )
    done = select(Visit.id).where(Visit.job_id == Job.id, Visit.state == "done").exists()
    for job_id, closed_at, at_a_door in session.execute(
        select(Job.id, Job.closed_at, done).where(among(Job.id, wanted), Job.closed_at.is_not(None))
    ):
        told = found.setdefault(job_id, [])
        if any(event.proof is not Proof.FAR for event in told) or (told and at_a_door):
            continue
        told.append(
            ClockEvent(
                str(job_id), EventKind.CANCELLED, closed_at, "the desk", "over without a visit"
            )
        )
    return found


def proof_of(shown: dict[str, Any] | None) -> Proof:
    """What shows an arrival, by what `api.services.door_proof` found when it was told."""
    if shown is None:
        return Proof.TOLD
    if shown.get("code") == "right":
        return Proof.DOOR_CODE
    return Proof.PLACE if shown["near"] else Proof.FAR


def arrivals(
    session: Session, job_ids: Collection[UUID], as_of: datetime | None = None
) -> dict[UUID, ClockEvent]:
    """What ended each job's arrival clock by the rules of its own day; see `arrival_events`.

    Parameters
    ----------
    as_of
        Confirmations after it have not come yet; now when left out.
    """
    now = as_of or datetime.now(UTC)
    told = {key: events for key, events in arrival_events(session, job_ids).items() if events}
    for row in session.scalars(
        select(Row).where(
            among(Row.job_id, told),
            Row.kind.in_((str(EventKind.CONFIRMED), str(EventKind.WITHDRAWN))),
        )
    ):
        assert row.job_id is not None
        told[row.job_id].append(domain_event(row))
    reported: dict[UUID, datetime] = dict(
        session.execute(select(Job.id, Job.reported_at).where(among(Job.id, told))).all()
    )
    setting = setting_of(session) if told else None
    found: dict[UUID, ClockEvent] = {}
    for job_id, events in told.items():
        assert setting is not None
        proofs = arrival_proofs(setting, reported[job_id])
        ends = (EventKind.MET, EventKind.CANCELLED)
        end = next((e for e in counting(events, now, proofs) if e.kind in ends), None)
        if end is not None:
            found[job_id] = end
    return found


def arrival_proofs(setting: Setting, reported_at: datetime) -> frozenset[Proof] | None:
    """What shows an arrival by the rules of a report's place and day; None where there are none."""
    try:
        return proofs_of(arrival_rules(setting.day(reported_at), setting.place))
    except LookupError:
        return None


def arrival_case(
    job: Job, events: Sequence[ClockEvent], arrived: Sequence[ClockEvent]
) -> ArrivalCase:
    """A job as the arrival judge reads it: its recorded events and its `arrival_events`."""
    return ArrivalCase(
        job.request.product,
        job.request.fault,
        job.reported_at,
        (*events, *arrived),
        tuple(job.request.dangers),
    )


@dataclass(frozen=True, slots=True)
class NamedClock:
    """A clock of a job, judged."""

    name: str
    judgement: Judgement
    state: ClockState


def clocks_of(
    session: Session, job: Job, as_of: datetime, rules_on: date | None = None
) -> list[NamedClock]:
    """Every clock of a job as it stands, or stood, at an instant.

    Parameters
    ----------
    as_of
        Events after it have not happened yet.
    rules_on
        The day whose rules count; each clock's own start when left out.

    Raises
    ------
    Refusal
        ``rules_unknown`` when no arrival rules were in force on that day.
    """
    setting = setting_of(session)
    events = recorded(session, job_id=job.id)
    arrived = arrival_events(session, [job.id]).get(job.id, [])
    try:
        judged = judge_arrival(
            arrival_case(job, events, arrived), arrival_packs(), setting, as_of, rules_on
        )
    except LookupError as error:
        raise Refusal("rules_unknown", str(error)) from None
    found = [NamedClock("arrival", *judged)]
    about_arrival = (EventKind.MET, EventKind.POSTPONED, EventKind.CONFIRMED)
    excuses = [e for e in events if e.kind not in about_arrival]
    done = _done(session, job)
    repair = [*excuses, *_met(done, "the technician"), *_loaner(session, job, setting)]
    judged = judge_clock(
        CLOCKS["repair"],
        job.reported_at,
        repair,
        rulebook(),
        setting,
        as_of,
        rules_on,
        job.request.product,
    )
    found.append(NamedClock("repair", *judged))
    if done is not None and done <= as_of:
        judged = judge_clock(CLOCKS["follow_up"], done, [], rulebook(), setting, as_of, rules_on)
        found.append(NamedClock("follow_up", *judged))
    return found


def _done(session: Session, job: Job) -> datetime | None:
    if job.status != "done" or job.closed_at is not None:
        return job.closed_at
    return session.scalar(
        select(func.max(Visit.end_at)).where(Visit.job_id == job.id, Visit.state == "done")
    )


def _met(at: datetime | None, actor: str) -> list[ClockEvent]:
    return [] if at is None else [ClockEvent("done", EventKind.MET, at, actor)]


def _loaner(session: Session, job: Job, setting: Setting) -> list[ClockEvent]:
    given = session.scalar(
        select(RepairStay.loaner_on)
        .join(JobPurchase, JobPurchase.purchase_id == RepairStay.purchase_id)
        .where(JobPurchase.job_id == job.id, RepairStay.loaner_on.is_not(None))
        .order_by(RepairStay.loaner_on)
        .limit(1)
    )
    if given is None:
        return []
    at = datetime.combine(given, datetime.min.time(), tzinfo=UTC)
    return [ClockEvent("loaner", EventKind.MET, max(at, job.reported_at), "the desk")]


def asked_as_of(asked: datetime | None, started_at: datetime, now: datetime) -> datetime:
    """The instant that somebody asks about, or now.

    Raises
    ------
    Refusal
        ``invalid`` for one at which nothing had been told yet.
    """
    if asked is not None and asked < started_at:
        raise Refusal(
            "invalid",
            "as_of lies before the report: there was no clock yet",
            started_at=started_at.astimezone(UTC).isoformat(),
        )
    return asked or now


def clock_view(clock: NamedClock) -> dict[str, Any]:
    """A judged clock as the API tells it."""
    state = clock.state
    return {
        "name": clock.name,
        "started_at": state.started_at,
        "as_of": state.as_of,
        "running": state.running,
        "paused": state.paused,
        "met_at": state.met_at,
        "elapsed_s": state.elapsed_s,
        "paused_s": state.paused_s,
        "deadlines": [asdict(deadline) for deadline in state.deadlines],
        "rules": [ruling_view(ruling) for ruling in clock.judgement.rulings],
        "unconfirmed": [ruling.key for ruling in clock.judgement.unconfirmed],
        "trace": [trace_view(line) for line in clock.judgement.trace],
    }


def ruling_view(ruling: Any) -> dict[str, Any]:
    """A clause as the API tells it."""
    return {
        "key": ruling.key,
        "value": ruling.value,
        "unit": ruling.unit,
        "status": ruling.status,
        "version": ruling.version,
        "place": ruling.place,
        "article": ruling.article,
        "source": ruling.source,
    }


def trace_view(line: TraceLine) -> dict[str, str]:
    """A step of a decision as the API tells it."""
    return {"text": line.text, "version": line.version, "status": str(line.status)}
