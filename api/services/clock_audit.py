"""Every arrival clock on record, held against the slow reference that walks through the minutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.db.models import ClockEvent, Job
from api.services.clock_events import arrival_events, arrival_proofs, domain_event
from api.services.rule_packs import setting_of
from domain.clocks import Allowance, EventKind, Proof, run_clock
from domain.clocks import ClockEvent as Event
from domain.clocks.walking import walk_clock
from domain.rules.keys import Unit

BATCH = 500
PAUSING = frozenset({EventKind.PAUSED, EventKind.RESUMED})


@dataclass(frozen=True, slots=True)
class ClockAudit:
    """How many clocks were walked, and the numbers of the jobs whose clock differs."""

    clocks: int
    differing: tuple[int, ...]


def audit(session: Session, as_of: datetime) -> ClockAudit:
    """Walk every arrival clock of elapsed hours; the fast one must find the same.

    The walk steps in minutes: where a pause begins or ends between two of them, a deadline may
    differ by as much, and an outcome that near to it is not compared.
    """
    count, differing = 0, []
    setting = setting_of(session)
    after: UUID | None = None
    while True:
        query = select(Job).order_by(Job.id).limit(BATCH)
        jobs = session.scalars(query if after is None else query.where(Job.id > after)).all()
        if not jobs:
            return ClockAudit(count, tuple(differing))
        after = jobs[-1].id
        events: dict[UUID, list[Event]] = {}
        for row in session.scalars(
            select(ClockEvent).where(ClockEvent.job_id.in_([job.id for job in jobs]))
        ):
            assert row.job_id is not None
            events.setdefault(row.job_id, []).append(domain_event(row))
        arrived = arrival_events(session, [job.id for job in jobs])
        for job in jobs:
            happened = [*events.get(job.id, []), *arrived.get(job.id, [])]
            count += 1
            if not _same(job, happened, as_of, arrival_proofs(setting, job.reported_at)):
                differing.append(job.number)
        session.expunge_all()


def _same(
    job: Job, events: Sequence[Event], as_of: datetime, proofs: frozenset[Proof] | None
) -> bool:
    minutes = int((job.due_at - job.reported_at).total_seconds() // 60)
    allowance = Allowance(60 * minutes, Unit.SECONDS)
    state = run_clock(job.reported_at, allowance, events, as_of, proofs=proofs)
    walked = walk_clock(state.started_at, minutes, events, as_of, proofs)
    if [str(deadline.kind) for deadline in state.deadlines] != [kind for kind, _, _ in walked]:
        return False
    off = timedelta(minutes=sum(event.kind in PAUSING for event in events))
    ends = [state.as_of, *(event.at for event in events)]
    for deadline, (_, due, outcome) in zip(state.deadlines, walked, strict=True):
        if deadline.due_at is None or due is None:
            if deadline.due_at is not due:
                return False
        elif abs(deadline.due_at - due) > off:
            return False
        near = due is not None and any(abs(at - due) <= off for at in ends)
        if str(deadline.outcome) != outcome and not near:
            return False
    return True
