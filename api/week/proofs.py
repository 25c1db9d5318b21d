"""What has to hold at the end of the week, read from the record alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.db.models import Receipt, Request, ScorecardRun, Settlement, Visit
from api.services import bills, breaches, merits, scorecards, settlements
from api.services.clock_audit import audit
from api.services.history import check_history
from api.services.rule_history import Question, Side, compare
from api.services.rule_packs import arrival_packs, rulebook
from api.week.story import CHANNELS

DRAFT, DRAFT_HOURS = "arrival-draft", 48
TOLD_AHEAD = 0.9
"""Share of missed deadlines that an alert came before; the rest is mostly nobody at home."""


@dataclass(frozen=True, slots=True)
class Proof:
    """One thing that has to hold, whether it does, and the figures behind it."""

    name: str
    holds: bool
    figures: dict[str, Any]


def prove(session: Session, now: datetime) -> list[Proof]:
    """Every proof, in the order in which it is told."""
    return [check(session, now) for check in CHECKS]


def receipts(session: Session, reports: int) -> Proof:
    """One receipt a report that was driven; the demo's own faults come without a door."""
    found = session.scalar(select(func.count()).select_from(Receipt)) or 0
    channels = dict(
        session.execute(
            select(Request.channel, func.count())
            .join(Receipt, Receipt.request_id == Request.id)
            .group_by(Request.channel)
        ).all()
    )
    return Proof(
        "a receipt for each report, by every door",
        found == reports and set(channels) == set(CHANNELS),
        {"reports": reports, "receipts": found, **channels},
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
    """As of the last visit: what breaks after it, nobody is there to tell of."""
    last = session.scalar(select(func.max(Visit.end_at))) or now
    report = breaches.leads(session, min(now, last))
    share = report.told_ahead / report.breaches if report.breaches else 1.0
    ahead = report.least_lead_s is None or report.least_lead_s > 0
    return Proof(
        "breaches are told ahead",
        ahead and share >= TOLD_AHEAD,
        {**asdict(report), "share_told_ahead": round(share, 3)},
    )


def _laws(session: Session, now: datetime) -> Proof:
    """The history under two rule packs, twice: every difference explained by the clauses.

    The complaints under the old and the new order; every arrival as if all classes but the urgent
    one had two days.
    """
    own, book = arrival_packs(), rulebook()
    draft = replace(
        own[-1],
        version=DRAFT,
        classes={
            name: replace(terms, arrival_hours=min(terms.arrival_hours, DRAFT_HOURS))
            for name, terms in own[-1].classes.items()
        },
    )
    orders = Side.parse("2026-04-14"), Side.parse("2026-04-15")
    complaints = compare(session, Question("complaint", *orders, None, None, "CN"), book, own, now)
    sides = Side.parse("own"), Side.parse(DRAFT)
    arrivals = compare(
        session, Question("arrival", *sides, None, None, None), book, (*own, draft), now
    )
    return Proof(
        "two rule packs over one history: the difference explained",
        all(one.cases and one.changed and not one.unexplained for one in (complaints, arrivals)),
        {
            f"{law}_{name}": value
            for law, one in (("complaints", complaints), ("arrivals", arrivals))
            for name, value in (
                ("cases", one.cases),
                ("changed", len(one.changed)),
                ("unexplained", one.unexplained),
            )
        },
    )


CHECKS: tuple[Callable[[Session, datetime], Proof], ...] = (
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
