"""Surveys and call-backs: every job that was done is asked about; who says nothing is counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.db.models import FollowUp, Job, Survey
from api.services.activity import record
from api.services.identity import Identity
from api.services.refusals import Refusal
from api.services.rule_packs import rulebook, setting_of
from api.services.work_done import DoneJob, Period, jobs_done
from domain import roles
from domain.clocks import CLOCKS, ClockEvent, ClockState, EventKind
from domain.judging import judge_clock
from domain.quality import Answer, SurveyFigures, survey_figures

CONDUCT = ("introduced", "on_time", "showed_prices", "clean", "explained", "courteous")
"""The items of courtesy that the survey asks about."""


@dataclass(frozen=True, slots=True)
class NewSurvey:
    """A consumer's answers; ``id`` is made by whoever sends them."""

    id: UUID
    satisfaction: int
    recommend: int | None
    solved: bool
    conduct: Mapping[str, bool]
    comment: str


def answer_survey(
    session: Session, job: Job, new: NewSurvey, who: Identity, now: datetime
) -> Survey:
    """Take a consumer's answers about a job, once.

    Raises
    ------
    Refusal
        ``not_done_yet`` before the work is done; ``already_exists`` when the job has answers.
    """
    if job.status != "done":
        raise Refusal("not_done_yet", "the survey opens when the work is done")
    earlier = session.scalars(select(Survey).where(Survey.job_id == job.id)).one_or_none()
    if earlier is not None:
        if earlier.id == new.id:
            return earlier
        raise Refusal("already_exists", "this job has been answered for", job_id=str(job.id))
    row = Survey(
        id=new.id,
        job_id=job.id,
        door="link" if who.role == roles.CONSUMER else "phone",
        satisfaction=new.satisfaction,
        recommend=new.recommend,
        solved=new.solved,
        conduct=dict(new.conduct),
        comment=new.comment,
        person_id=who.person_id,
        answered_at=now,
    )
    session.add(row)
    session.flush()
    record(
        session,
        "survey_answered",
        "job",
        job.id,
        actor_id=who.person_id,
        job_number=job.number,
        door=row.door,
        satisfaction=row.satisfaction,
        solved=row.solved,
    )
    return row


def surveys_of(session: Session, done: list[DoneJob]) -> dict[UUID, Survey]:
    """The answers about these jobs, by job."""
    ids = [item.job.id for item in done]
    return {
        row.job_id: row for row in session.scalars(select(Survey).where(Survey.job_id.in_(ids)))
    }


def figures(session: Session, period: Period, outlet_id: UUID | None = None) -> SurveyFigures:
    """Survey figures of the jobs done in a period: everybody counts as asked."""
    done = jobs_done(session, period, outlet_id)
    return survey_figures(len(done), map(answer_of, surveys_of(session, done).values()))


def answer_of(row: Survey) -> Answer:
    """A row as the domain counts it."""
    return Answer(row.satisfaction, row.recommend, row.solved, row.conduct)


@dataclass(frozen=True, slots=True)
class NewFollowUp:
    """An attempt to call back; ``id`` is made by whoever calls."""

    id: UUID
    at: datetime
    outcome: str
    note: str


def follow_up(
    session: Session, job: Job, new: NewFollowUp, who: Identity, now: datetime
) -> FollowUp:
    """Record an attempt to call back, once.

    Raises
    ------
    Refusal
        ``not_done_yet`` before the work is done; ``event_id_reused``; ``invalid`` for an instant
        before the work, or in the future.
    """
    earlier = session.get(FollowUp, new.id)
    if earlier is not None:
        if (earlier.job_id, earlier.outcome, earlier.at) != (job.id, new.outcome, new.at):
            raise Refusal("event_id_reused", id=str(new.id))
        return earlier
    if job.status != "done" or job.closed_at is None:
        raise Refusal("not_done_yet", "there is nothing to call back about yet")
    if not job.closed_at <= new.at <= now:
        raise Refusal("invalid", "at must lie between the work and now", at=new.at.isoformat())
    assert who.person_id is not None
    row = FollowUp(
        id=new.id,
        job_id=job.id,
        at=new.at,
        outcome=new.outcome,
        note=new.note,
        person_id=who.person_id,
    )
    session.add(row)
    session.flush()
    record(
        session,
        "followed_up",
        "job",
        job.id,
        actor_id=who.person_id,
        job_number=job.number,
        outcome=row.outcome,
        at=row.at.isoformat(),
    )
    return row


@dataclass(frozen=True, slots=True)
class CallBack:
    """A call back that is owed or was made: its clock, and the attempts so far."""

    done: DoneJob
    clock: ClockState
    attempts: tuple[FollowUp, ...]

    @property
    def open(self) -> bool:
        """Whether nobody has reached the consumer, or heard that no call is wanted."""
        return not any(attempt.outcome in ("reached", "refused") for attempt in self.attempts)

    @property
    def due_at(self) -> datetime | None:
        """By when; None where no rule promises a call back."""
        first = self.clock.first
        return None if first is None else first.due_at

    def in_time(self, as_of: datetime) -> bool | None:
        """Whether the promise was kept; None while it is open and not yet due."""
        if self.due_at is None:
            return None
        settled = [a.at for a in self.attempts if a.outcome in ("reached", "refused")]
        if settled:
            return min(settled) <= self.due_at
        return None if as_of <= self.due_at else False


def call_backs(
    session: Session, period: Period, as_of: datetime, outlet_id: UUID | None = None
) -> list[CallBack]:
    """The call backs owed for the jobs done in a period, with their clocks."""
    done = jobs_done(session, period, outlet_id)
    attempts: dict[UUID, list[FollowUp]] = {}
    ids = [item.job.id for item in done]
    for row in session.scalars(
        select(FollowUp).where(FollowUp.job_id.in_(ids)).order_by(FollowUp.at)
    ):
        attempts.setdefault(row.job_id, []).append(row)
    setting, book = setting_of(session), rulebook()
    found = []
    for item in done:
        tried = attempts.get(item.job.id, [])
        met = [
            ClockEvent(str(row.id), EventKind.MET, row.at, "the desk")
            for row in tried
            if row.outcome in ("reached", "refused")
        ]
        _, state = judge_clock(CLOCKS["follow_up"], item.closed_at, met, book, setting, as_of)
        found.append(CallBack(item, state, tuple(tried)))
    return found


def figures_view(found: SurveyFigures) -> dict[str, Any]:
    """Survey figures as counts, so that they can be counted again."""
    return {
        "answered": share_view(found.answered),
        "satisfied": share_view(found.satisfied),
        "satisfied_if_silent_are_not": share_view(found.satisfied_if_silent_are_not),
        "satisfied_if_silent_are": share_view(found.satisfied_if_silent_are),
        "solved": share_view(found.solved),
        "net_promoter_score": found.net_promoter_score,
        "conduct": {item: share_view(share) for item, share in found.conduct.items()},
    }


def share_view(share: Any) -> dict[str, Any]:
    """A share as two counts and its value."""
    return {"count": share.count, "of": share.of, "value": share.value}
