"""What has to hold at the end of the week, read from the record alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.db.models import Job, Receipt, Request, ScorecardRun, Settlement
from api.services import bills, breaches, merits, scorecards, settlements
from api.services.clock_audit import audit
from api.services.history import check_history
from api.services.rule_history import Question, Side, compare
from api.services.rule_packs import arrival_packs, rulebook


@dataclass(frozen=True, slots=True)
class Proof:
    """One thing that has to hold, whether it does, and the figures behind it."""

    name: str
    holds: bool
    figures: dict[str, Any]


def prove(session: Session, now: datetime) -> list[Proof]:
    """Every proof, in the order in which it is told."""
    return [check(session, now) for check in CHECKS]


def _receipts(session: Session, _now: datetime) -> Proof:
    # The demo's own faults come without a door, and so without a receipt.
    reports = session.scalar(select(func.count()).select_from(Receipt)) or 0
    channels = dict(
        session.execute(
            select(Request.channel, func.count())
            .join(Receipt, Receipt.request_id == Request.id)
            .group_by(Request.channel)
        ).all()
    )
    return Proof(
        "a receipt for each report, by every door",
        len(channels) == 7,
        {
            "receipts": reports,
            **channels,
        },
    )


def _money(session: Session, _now: datetime) -> Proof:
    books = bills.reconcile_all(session)
    return Proof(
        "0 unexplained fen",
        books.unexplained_fen == 0 and not books.unexplained,
        {
            "jobs": books.jobs,
            "consented_fen": books.consented_fen,
            "billed_fen": books.billed_fen,
            "received_fen": books.received_fen,
            "unexplained_fen": books.unexplained_fen,
        },
    )


def _expiry(session: Session, _now: datetime) -> Proof:
    looked, found = check_history(session)
    return Proof(
        "no assignment past expiry, stock and moves add up",
        not found,
        {**looked, "found": [f"{one.check}: {one.subject} {one.detail}" for one in found[:5]]},
    )


def _clocks(session: Session, now: datetime) -> Proof:
    found = audit(session, now)
    return Proof(
        "every clock equals the slow reference",
        not found.differing and found.clocks > 0,
        {"clocks": found.clocks, "differing": list(found.differing[:5])},
    )


def _merits(session: Session, now: datetime) -> Proof:
    found = merits.check(session, now)
    return Proof(
        "rewards and penalties equal a replay",
        found.equal,
        {
            "entries": len(merits.stored(session)),
            "unfounded": len(found.unfounded),
            "missing": len(found.missing),
        },
    )


def _settlements(session: Session, _now: datetime) -> Proof:
    rows = session.scalars(select(Settlement)).all()
    replays = [settlements.replay(session, row)["equal"] for row in rows]
    return Proof(
        "settlements equal a replay, each sum leads to a record",
        bool(rows) and all(replays),
        {row.document["kind"]: row.total_fen for row in rows},
    )


def _score(session: Session, _now: datetime) -> Proof:
    rows = session.scalars(select(ScorecardRun)).all()
    return Proof(
        "the score counts again to the same",
        bool(rows) and all(scorecards.recount(session, row)["equal"] for row in rows),
        {"points": rows[-1].document["tenths"] / 10 if rows else None},
    )


def _alerts(session: Session, now: datetime) -> Proof:
    report = breaches.leads(session, now)
    done = session.scalar(select(func.count()).where(Job.status == "done")) or 0
    return Proof("breaches are told ahead", done > 0, {"jobs_done": done, "leads": str(report)})


def _laws(session: Session, now: datetime) -> Proof:
    """The history under the old and the new rules of complaints: every difference explained."""
    question = Question(
        "complaint", Side.parse("2026-04-14"), Side.parse("2026-04-15"), None, None, "CN"
    )
    report = compare(session, question, rulebook(), arrival_packs(), now)
    return Proof(
        "two rule packs over one history: the difference explained",
        report.cases > 0 and not report.unexplained,
        {"cases": report.cases, "changed": len(report.changed)},
    )


CHECKS: tuple[Callable[[Session, datetime], Proof], ...] = (
    _receipts,
    _money,
    _expiry,
    _clocks,
    _merits,
    _settlements,
    _score,
    _alerts,
    _laws,
)


def first_day_of(now: datetime, days: int) -> date:
    """The first of ``days`` whole days whose visits and aftermath are over by now."""
    return date.fromordinal(now.date().toordinal() - days - 6)
