"""Scorecards: the record's figures under the operator's weights, each point with its records."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.db.among import among
from api.db.models import Complaint, Job, Outlet, ScorecardRun, Survey
from api.services.activity import record
from api.services.identity import Identity
from api.services.refusals import Refusal
from api.services.regions import local_day, the_region
from api.services.rule_packs import rulebook
from api.services.surveys import CallBack, call_backs, share_view, surveys_of
from api.services.work_done import (
    DoneJob,
    Period,
    jobs_done,
    papers_valid,
    period_of,
    repeat_days,
    repeats_of,
)
from domain.fees import fingerprint
from domain.quality import (
    Card,
    Measured,
    RepairFacts,
    Scorecard,
    Share,
    repair_figures,
    score,
    scorecard_template,
)
from domain.quality.surveys import SATISFIED

TEMPLATE = Path(__file__).resolve().parents[2] / "config" / "quality" / "scorecard.toml"
GRADES = ("passes", "three_stars", "four_stars", "five_stars")


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(TEMPLATE.read_text(encoding="utf-8"))


def template(session: Session, day: date) -> Scorecard:
    """The operator's template under the quality standard in force on a day.

    Raises
    ------
    Refusal
        ``rules_unknown`` when no quality standard is in force there.
    """
    # The template follows the national standard, wherever the installation is.
    rules = rulebook().rules("quality-standard", "CN", day)
    points, areas = rules.get("points"), rules.get("areas")
    if points is None or areas is None:
        raise Refusal("rules_unknown", f"no quality standard was in force on {day}")
    names = areas.value if isinstance(areas.value, tuple) else ()
    grades = {key: ruling.number for key in GRADES if (ruling := rules.get(key)) is not None}
    return scorecard_template(_table(), points.number, names, grades)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the measures count."""

    done: list[DoneJob]
    surveys: Mapping[UUID, Survey]
    call_backs: list[CallBack]
    repairs: tuple[RepairFacts, ...]
    reports: list[tuple[str, datetime]]
    within: timedelta | None
    complaints: dict[UUID, int]
    papers_valid: Mapping[UUID, bool]
    as_of: datetime


def gather(
    session: Session, period: Period, as_of: datetime, outlet_id: UUID | None = None
) -> Facts:
    """Read the record of a period once, for all measures."""
    done = jobs_done(session, period, outlet_id)
    ids = [item.job.id for item in done]
    days = repeat_days(session, period.last)
    complaints = dict(
        session.execute(
            select(Complaint.job_id, func.count())
            .where(among(Complaint.job_id, ids), Complaint.received_at <= as_of)
            .group_by(Complaint.job_id)
        ).all()
    )
    return Facts(
        done=done,
        surveys=surveys_of(session, done),
        call_backs=call_backs(session, period, as_of, outlet_id),
        repairs=tuple(
            RepairFacts(str(item.job.id), item.job.reported_at, item.closed_at, item.visits)
            for item in done
        ),
        reports=[(str(of), at) for of, at, _ in repeats_of(session, ids)],
        within=None if days is None else timedelta(days=days.number),
        complaints=complaints,
        papers_valid=papers_valid(session, done, the_region(session).timezone),
        as_of=as_of,
    )


def _counted(pairs: Iterable[tuple[UUID, bool]]) -> Measured:
    found = list(pairs)
    return Measured(
        Share(sum(good for _, good in found), len(found)), tuple(str(key) for key, _ in found)
    )


def _arrival(facts: Facts, urgent: bool) -> Measured:
    return _counted(
        (item.job.id, item.arrived_at <= item.job.due_at)
        for item in facts.done
        if item.arrived_at is not None and (item.job.job_class == "urgent") is urgent
    )


def _certified(facts: Facts) -> Measured:
    return _counted(facts.papers_valid.items())


def _repairs(facts: Facts, first_fix: bool) -> Measured | None:
    if facts.within is None:
        return None
    found = repair_figures(facts.repairs, facts.reports, facts.within, facts.as_of)
    share = found.first_fix if first_fix else found.repeats
    return Measured(share, found.fixed_first if first_fix else found.came_back)


def _satisfaction(facts: Facts) -> Measured:
    return _counted(
        (job_id, survey.satisfaction >= SATISFIED) for job_id, survey in facts.surveys.items()
    )


def _followed_up(facts: Facts) -> Measured:
    judged = [(call.done.job.id, call.in_time(facts.as_of)) for call in facts.call_backs]
    return _counted((job_id, kept) for job_id, kept in judged if kept is not None)


def _complaints(facts: Facts) -> Measured:
    return Measured(
        Share(sum(item.job.id in facts.complaints for item in facts.done), len(facts.done)),
        tuple(str(job_id) for job_id in facts.complaints),
    )


MEASURES: Mapping[str, Callable[[Facts], Measured | None]] = {
    "urgent-arrival": lambda facts: _arrival(facts, True),
    "normal-arrival": lambda facts: _arrival(facts, False),
    "certified": _certified,
    "first-fix": lambda facts: _repairs(facts, True),
    "repeat-repair": lambda facts: _repairs(facts, False),
    "satisfaction": _satisfaction,
    "follow-up": _followed_up,
    "complaints": _complaints,
}
"""How each item of the template is counted. An item without a measure is told as unmeasured."""


def card_of(
    session: Session, first: date, last: date, as_of: datetime, outlet_id: UUID | None = None
) -> Card:
    """The score of a period as the record stands; ``as_of`` hides what came later."""
    facts = gather(session, period_of(session, first, last), as_of, outlet_id)
    measured = {code: found for code, count in MEASURES.items() if (found := count(facts))}
    return score(template(session, last), measured)


def document_of(card: Card, first: date, last: date, as_of: datetime) -> dict[str, Any]:
    """A score as a document: points in tenths, each item with its counts and records."""
    return {
        "format": "zhunda-scorecard/1",
        "from": first.isoformat(),
        "to": last.isoformat(),
        "as_of": as_of.isoformat(),
        "tenths": card.tenths,
        "unmeasured_points": card.unmeasured,
        "grade": card.grade,
        "areas": dict(card.areas),
        "items": [
            {
                "code": entry.item.code,
                "area": entry.item.area,
                "title": dict(entry.item.title),
                "points": entry.item.points,
                "tenths": entry.tenths,
                "floor": entry.item.floor,
                "target": entry.item.target,
                "measured": None if entry.measured is None else share_view(entry.measured.share),
                "records": [] if entry.measured is None else list(entry.measured.records),
            }
            for entry in card.scores
        ],
    }


def keep_card(
    session: Session,
    first: date,
    last: date,
    outlet_id: UUID | None,
    who: Identity,
    now: datetime,
) -> ScorecardRun:
    """Score a period and keep the score as it was told.

    Raises
    ------
    Refusal
        ``unknown_reference`` for an unknown outlet; ``invalid`` for a period that ends before it
        begins or is not over.
    """
    if last < first:
        raise Refusal("invalid", "a period cannot end before it begins")
    if last > local_day(now, the_region(session).timezone):
        raise Refusal("invalid", "the period is not over", to=last.isoformat())
    if outlet_id is not None and session.get(Outlet, outlet_id) is None:
        raise Refusal("unknown_reference", "no such outlet", id=str(outlet_id))
    card = card_of(session, first, last, now, outlet_id)
    document = document_of(card, first, last, now)
    row = ScorecardRun(
        start=first,
        end=last,
        outlet_id=outlet_id,
        as_of=now,
        document=document,
        sha256=fingerprint(document),
        created_by=who.person_id,
    )
    session.add(row)
    session.flush()
    record(
        session,
        "scorecard_kept",
        "scorecard",
        row.id,
        actor_id=who.person_id,
        tenths=card.tenths,
        grade=card.grade,
        sha256=row.sha256,
    )
    return row


def recount(session: Session, row: ScorecardRun) -> dict[str, Any]:
    """Score the same period again as of the same instant; equal unless the record was changed."""
    card = card_of(session, row.start, row.end, row.as_of, row.outlet_id)
    again = document_of(card, row.start, row.end, row.as_of)
    return {"equal": fingerprint(again) == row.sha256, "document": again}


def complaint_topics(session: Session, period: Period) -> list[str]:
    """The topics of the complaints received in a period, one entry a complaint."""
    return list(
        session.scalars(
            select(Complaint.topic).where(
                Complaint.received_at >= period.start, Complaint.received_at < period.end
            )
        )
    )


def jobs_closed(session: Session, period: Period) -> int:
    """How many jobs were done in a period."""
    return (
        session.scalar(
            select(func.count())
            .select_from(Job)
            .where(Job.status == "done", Job.closed_at >= period.start, Job.closed_at < period.end)
        )
        or 0
    )
