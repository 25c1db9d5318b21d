"""Our real history under two sets of rules: what would change, and which clauses explain it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from api.db.among import among
from api.db.models import ClockEvent, Complaint, Job
from api.services.clock_events import (
    arrival_case,
    arrival_events,
    domain_event,
    ruling_view,
    trace_view,
)
from api.services.complaints import complaint_case
from api.services.refusals import Refusal
from api.services.rule_packs import setting_of
from api.services.warranties import warranty_case
from domain.judging import Setting, judge_arrival, judge_complaint, judge_warranty
from domain.rules import (
    ArrivalPack,
    DifferenceReport,
    Judgement,
    Rulebook,
    RuleError,
    difference,
)

LAWS = ("arrival", "complaint", "three-guarantees")
LARGEST_HISTORY = 20_000


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison: the rules in force on a day, or one pack by its version."""

    day: date | None = None
    version: str = ""

    @staticmethod
    def parse(text: str) -> Side:
        """A date like 2026-04-15, ``own`` for each case's own day, or a pack's version."""
        if text == "own":
            return Side()
        try:
            return Side(day=date.fromisoformat(text))
        except ValueError:
            return Side(version=text)


@dataclass(frozen=True, slots=True)
class Question:
    """What to compare: a law, two sides, and which cases by the day of their report."""

    law: str
    before: Side
    after: Side
    since: date | None = None
    until: date | None = None
    place: str | None = None


def compare(
    session: Session,
    question: Question,
    rulebook: Rulebook,
    packs: tuple[ArrivalPack, ...],
    as_of: datetime,
) -> DifferenceReport:
    """Judge every case of the history twice.

    Parameters
    ----------
    rulebook, packs
        The packs to judge by: ours, with drafts among them where one asks what they would change.

    Raises
    ------
    Refusal
        ``rules_unknown`` for a law, version or day without rules; ``too_large`` for more than
        `LARGEST_HISTORY` cases.
    """
    setting = setting_of(session)
    if question.place:
        setting = replace(setting, place=question.place)
    if question.law not in LAWS:
        raise Refusal("rules_unknown", f"no history is judged by {question.law!r}: {LAWS}")
    try:
        if question.law == "arrival":
            cases: Iterable[tuple[str, Any]] = _arrival_cases(session, question)
            judges = [
                _arrival_judge(side, packs, setting, as_of)
                for side in (question.before, question.after)
            ]
        elif question.law == "complaint":
            cases = _complaints(session, question, setting)
            judges = [
                _judge(side, rulebook, setting, as_of, _by_complaint)
                for side in (question.before, question.after)
            ]
        else:
            cases = _warranties(session, question, setting)
            judges = [
                _judge(side, rulebook, setting, as_of, _by_warranty)
                for side in (question.before, question.after)
            ]
        return difference(cases, judges[0], judges[1])
    except (LookupError, RuleError) as error:
        raise Refusal("rules_unknown", str(error)) from None


def _arrival_judge(
    side: Side, packs: tuple[ArrivalPack, ...], setting: Setting, as_of: datetime
) -> Callable[[Any], Judgement]:
    if side.version:
        chosen = [pack for pack in packs if pack.version == side.version]
        if not chosen:
            raise LookupError(f"no arrival pack {side.version!r}")
        packs = (replace(chosen[0], valid_from=date.min, place="operator"),)
    return lambda case: judge_arrival(case, packs, setting, as_of, side.day)[0]


_Judged = Callable[[Any, Rulebook, Setting, datetime, date | None], Judgement]


def _judge(
    side: Side, rulebook: Rulebook, setting: Setting, as_of: datetime, judge: _Judged
) -> Callable[[Any], Judgement]:
    book = rulebook.replaced(side.version) if side.version else rulebook
    return lambda case: judge(case, book, setting, as_of, side.day)


def _by_complaint(
    case: Any, book: Rulebook, setting: Setting, as_of: datetime, day: date | None
) -> Judgement:
    return judge_complaint(case, book, setting, as_of, day)[0]


def _by_warranty(
    case: Any, book: Rulebook, setting: Setting, _as_of: datetime, day: date | None
) -> Judgement:
    return judge_warranty(case, book, setting, rules_on=day)[0]


def _jobs(session: Session, question: Question) -> list[Job]:
    setting = setting_of(session)
    query = select(Job).options(joinedload(Job.request)).order_by(Job.number)
    jobs = [
        job
        for job in session.scalars(query.limit(LARGEST_HISTORY + 1))
        if _within(setting.day(job.reported_at), question)
    ]
    _refuse_large(len(jobs))
    return jobs


def _arrival_cases(session: Session, question: Question) -> list[tuple[str, Any]]:
    jobs = _jobs(session, question)
    ids = [job.id for job in jobs]
    events: dict[Any, list[Any]] = {}
    for row in session.scalars(select(ClockEvent).where(among(ClockEvent.job_id, ids))):
        events.setdefault(row.job_id, []).append(domain_event(row))
    arrived = arrival_events(session, ids)
    return [
        (f"job {job.number}", arrival_case(job, events.get(job.id, []), arrived.get(job.id, [])))
        for job in jobs
    ]


def _complaints(session: Session, question: Question, setting: Setting) -> list[tuple[str, Any]]:
    found = [
        complaint
        for complaint in session.scalars(
            select(Complaint).order_by(Complaint.number).limit(LARGEST_HISTORY + 1)
        )
        if _within(setting.day(complaint.received_at), question)
    ]
    _refuse_large(len(found))
    return [(f"complaint {one.number}", complaint_case(session, one)) for one in found]


def _warranties(session: Session, question: Question, setting: Setting) -> list[tuple[str, Any]]:
    return [
        (f"job {job.number}", warranty_case(session, job, setting))
        for job in _jobs(session, question)
    ]


def _within(day: date, question: Question) -> bool:
    return (question.since is None or day >= question.since) and (
        question.until is None or day <= question.until
    )


def _refuse_large(count: int) -> None:
    if count > LARGEST_HISTORY:
        raise Refusal("too_large", f"more than {LARGEST_HISTORY} cases: ask for fewer days")


def report_view(report: DifferenceReport, largest: int = 200) -> dict[str, Any]:
    """A report as the API and the command line tell it; ``largest`` cases in full."""
    return {
        "cases": report.cases,
        "changed": len(report.changed),
        "unexplained": report.unexplained,
        "by_clause": report.by_clause,
        "shown": min(largest, len(report.changed)),
        "changes": [
            {
                "case": change.case,
                "figures": [
                    {"name": figure.name, "before": figure.before, "after": figure.after}
                    for figure in change.figures
                ],
                "because": [
                    {
                        "key": why.key,
                        "before": None if why.before is None else ruling_view(why.before),
                        "after": None if why.after is None else ruling_view(why.after),
                    }
                    for why in change.because
                ],
                "trace_before": [trace_view(line) for line in change.trace_before],
                "trace_after": [trace_view(line) for line in change.trace_after],
            }
            for change in report.changed[:largest]
        ],
    }
