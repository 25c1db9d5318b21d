"""Rewards and penalties: the ledger kept equal to a replay of the rules over the record."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session, joinedload

from api.db.among import among
from api.db.models import Complaint, ComplaintStep, Incident, MeritAppeal, MeritEntry, Technician
from api.services.activity import record
from api.services.identity import Identity
from api.services.refusals import Refusal
from api.services.regions import local_day, the_region
from api.services.surveys import surveys_of
from api.services.work_done import (
    DoneJob,
    Period,
    jobs_done,
    repeat_days,
    repeats_of,
)
from domain.incentives import (
    GRANTED,
    Entry,
    Fact,
    IncentiveRules,
    LedgerDifference,
    difference,
    entries,
    incentive_rules,
)

RULES = Path(__file__).resolve().parents[2] / "config" / "incentives"
BEFORE_ALL = datetime(2000, 1, 1, tzinfo=UTC)
LOCK = 0x6D6572697473
"""Key of the advisory lock under which entries are added."""


@cache
def packs() -> tuple[IncentiveRules, ...]:
    """The operator's dated rules, oldest first."""
    return tuple(
        incentive_rules(tomllib.loads(path.read_text(encoding="utf-8")))
        for path in sorted(RULES.glob("*.toml"))
    )


def facts(session: Session, as_of: datetime) -> list[Fact]:
    """Everything on record that rules may count, up to an instant."""
    zone = the_region(session).timezone
    until = as_of + timedelta(microseconds=1)
    period = Period(BEFORE_ALL.date(), as_of.date(), BEFORE_ALL, until)
    done = [item for item in jobs_done(session, period, as_of=as_of) if item.technician is not None]
    by_job = {item.job.id: item for item in done}
    found = [_done(item, zone) for item in done]
    for job_id, survey in surveys_of(session, done).items():
        if survey.answered_at <= as_of:
            values = {
                "number": by_job[job_id].job.number,
                "satisfaction": survey.satisfaction,
                "solved": survey.solved,
            }
            found.append(
                _fact(survey.id, "survey", by_job[job_id], survey.answered_at, zone, values)
            )
    for of, at, job in repeats_of(session, by_job):
        item = by_job[of]
        days = repeat_days(session, local_day(item.closed_at, zone))
        if days is None or at > as_of:
            continue
        if not item.closed_at <= at <= item.closed_at + timedelta(days=days.number):
            continue
        values = {"number": item.job.number, "days": days.number}
        found.append(_fact(job.id, "repeat_repair", item, at, zone, values))
    found += _complaints(session, by_job, as_of, zone)
    found += _incidents(session, as_of, zone)
    found += _granted(session, as_of, zone)
    return found


def _fact(
    key: UUID,
    kind: str,
    item: DoneJob,
    at: datetime,
    zone: str,
    values: dict[str, int | str | bool],
) -> Fact:
    assert item.technician is not None
    return Fact(str(key), kind, str(item.technician.id), at, local_day(at, zone), values)


def _done(item: DoneJob, zone: str) -> Fact:
    values: dict[str, int | str | bool] = {
        "number": item.job.number,
        "class": item.job.job_class,
        "visits": item.visits,
    }
    if item.arrived_at is not None:
        # A consumer who asked for later is no fault of the technician's.
        values["in_time"] = item.arrived_at <= item.job.wanted_by
    return _fact(item.job.id, "job_done", item, item.closed_at, zone, values)


def _complaints(
    session: Session, by_job: dict[UUID, DoneJob], as_of: datetime, zone: str
) -> list[Fact]:
    rows = session.execute(
        select(Complaint, ComplaintStep)
        .join(ComplaintStep, ComplaintStep.complaint_id == Complaint.id)
        .where(
            ComplaintStep.event.in_(("settle", "fail", "refuse")),
            ComplaintStep.at <= as_of,
            among(Complaint.job_id, by_job),
        )
        .order_by(ComplaintStep.at, ComplaintStep.id)
    )
    last = {complaint.id: (complaint, step) for complaint, step in rows}
    return [
        _fact(
            step.id,
            "complaint_decided",
            by_job[complaint.job_id],
            step.at,
            zone,
            {
                "number": complaint.number,
                "topic": complaint.topic,
                "upheld": step.event == "settle",
            },
        )
        for complaint, step in last.values()
    ]


def _incidents(session: Session, as_of: datetime, zone: str) -> list[Fact]:
    rows = session.execute(
        select(Incident, Technician)
        .join(Technician, Technician.number == Incident.technician_number)
        .where(Incident.decided_at <= as_of)
    )
    return [
        Fact(
            str(row.id),
            "incident",
            str(technician.id),
            row.decided_at,
            local_day(row.decided_at, zone),
            {"topic": row.topic, "established": bool(row.established)},
        )
        for row, technician in rows
        if row.decided_at is not None
    ]


def _granted(session: Session, as_of: datetime, zone: str) -> list[Fact]:
    rows = session.execute(
        select(MeritAppeal, Technician)
        .join(Technician, Technician.number == MeritAppeal.technician_number)
        .where(MeritAppeal.decision == "granted", MeritAppeal.decided_at <= as_of)
    )
    return [
        Fact(
            str(row.id),
            GRANTED,
            str(technician.id),
            row.decided_at,
            local_day(row.decided_at, zone),
            {"entry": row.entry_id},
        )
        for row, technician in rows
        if row.decided_at is not None
    ]


def stored(session: Session) -> list[Entry]:
    """The ledger as it is kept."""
    rows = session.execute(
        select(MeritEntry, Technician).join(
            Technician, Technician.number == MeritEntry.technician_number
        )
    )
    return [
        Entry(
            id=row.id,
            technician=str(technician.id),
            fact=row.fact,
            fact_kind=row.fact_kind,
            rule=row.rule,
            rules_version=row.rules_version,
            at=row.at,
            fen=row.fen,
            points=row.points,
            explanation=row.explanation,
            takes_back=row.takes_back,
        )
        for row, technician in rows
    ]


def check(session: Session, as_of: datetime) -> LedgerDifference:
    """Hold the ledger against a replay of all rules over all that is on record."""
    return difference(stored(session), entries(packs(), facts(session, as_of)))


@dataclass(frozen=True, slots=True)
class Booked:
    """What a run has added, and what stands in the ledger without a reason on record any more."""

    added: int
    unfounded: int


def book(session: Session, who: Identity | None, as_of: datetime) -> Booked:
    """Add what the rules now make of the record; entries are never changed or removed.

    An entry can lose its ground (a job that was reopened): it is counted as unfounded, and an
    appeal takes it back.
    """
    # One run at a time: two would add the same entries and the second fail.
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
    found = check(session, as_of)
    numbers = {
        str(technician_id): number
        for technician_id, number in session.execute(select(Technician.id, Technician.number))
    }
    for entry in _in_order(found.missing):
        session.add(
            MeritEntry(
                id=entry.id,
                technician_number=numbers[entry.technician],
                fact=entry.fact,
                fact_kind=entry.fact_kind,
                rule=entry.rule,
                rules_version=entry.rules_version,
                at=entry.at,
                fen=entry.fen,
                points=entry.points,
                explanation=dict(entry.explanation),
                takes_back=entry.takes_back,
            )
        )
    session.flush()
    if found.missing:
        record(
            session,
            "merits_booked",
            "region",
            the_region(session).id,
            actor_id=None if who is None else who.person_id,
            entries=len(found.missing),
            fen=sum(entry.fen for entry in found.missing),
            points=sum(entry.points for entry in found.missing),
        )
    return Booked(len(found.missing), len(found.unfounded))


def _in_order(missing: Iterable[Entry]) -> list[Entry]:
    return sorted(missing, key=lambda entry: (entry.takes_back is not None, entry.at, entry.id))


def appeal(
    session: Session, appeal_id: UUID, entry_id: str, words: str, who: Identity, now: datetime
) -> MeritAppeal:
    """A technician's appeal against an entry of his or her own, once an entry.

    Raises
    ------
    Refusal
        ``not_found`` for an entry that is not one's own; ``already_exists`` when it was appealed.
    """
    entry = session.get(MeritEntry, entry_id)
    if entry is None or entry.technician_number != who.technician_number:
        raise Refusal("not_found")
    earlier = session.scalars(
        select(MeritAppeal).where(MeritAppeal.entry_id == entry_id)
    ).one_or_none()
    if earlier is not None:
        if earlier.id == appeal_id:
            return earlier
        raise Refusal("already_exists", "this entry has been appealed against")
    row = MeritAppeal(
        id=appeal_id,
        entry_id=entry_id,
        technician_number=entry.technician_number,
        text=words,
        at=now,
    )
    session.add(row)
    session.flush()
    record(
        session,
        "merit_appealed",
        "merit_appeal",
        row.id,
        actor_id=who.person_id,
        technician_number=row.technician_number,
        entry=entry_id,
    )
    return row


def decide_appeal(
    session: Session, appeal_id: UUID, granted: bool, reason: str, who: Identity, now: datetime
) -> MeritAppeal:
    """Decide an appeal with a reason; a granted one takes the entry back at once.

    Raises
    ------
    Refusal
        ``not_found``; ``already_decided``.
    """
    row = session.scalars(
        select(MeritAppeal)
        .where(MeritAppeal.id == appeal_id)
        .options(joinedload(MeritAppeal.entry))
        .with_for_update(of=MeritAppeal)
    ).one_or_none()
    if row is None:
        raise Refusal("not_found")
    decision = "granted" if granted else "refused"
    if row.decision:
        if (row.decision, row.reason) == (decision, reason):
            return row
        raise Refusal("already_decided", "this has been decided", id=str(row.id))
    row.decision, row.reason = decision, reason
    row.decided_at, row.decided_by = now, who.person_id
    session.flush()
    record(
        session,
        "merit_appeal_decided",
        "merit_appeal",
        row.id,
        actor_id=who.person_id,
        technician_number=row.technician_number,
        decision=decision,
    )
    book(session, who, now)
    return row
