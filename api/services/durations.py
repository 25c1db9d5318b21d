"""Durations: learned from done visits, stored as numbered models, looked up when a report comes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, aliased

from api.db.models import DurationModel, Job, Request, Visit, VisitEvent
from domain.durations import Cell, Estimate, estimate, learn
from domain.durations import Visit as Done
from domain.field_policy import FieldPolicy

LOCK = 7002
SHORTEST_S, LONGEST_S = 60, 12 * 3600


def done_visits(session: Session) -> list[Done]:
    """Every done visit with the seconds between the phone's ``arrived`` and ``done``."""
    arrived, done = aliased(VisitEvent), aliased(VisitEvent)
    seconds = func.extract("epoch", done.at - arrived.at) + done.skew_s - arrived.skew_s
    rows = session.execute(
        select(Request.product, Request.fault, seconds)
        .select_from(Visit)
        .join(Job, Job.id == Visit.job_id)
        .join(Request, Request.id == Job.request_id)
        .join(arrived, (arrived.visit_id == Visit.id) & (arrived.kind == "arrived"))
        .join(done, (done.visit_id == Visit.id) & (done.kind == "done"))
        .where(seconds.between(SHORTEST_S, LONGEST_S))
    )
    return [Done(product, fault, int(spent)) for product, fault, spent in rows]


def learn_now(session: Session, policy: FieldPolicy, now: datetime) -> DurationModel:
    """Learn from all done visits and keep the result as the next version.

    Nothing new is stored when the record teaches what the newest model already says.
    """
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
    newest = newest_model(session)
    cells = learn(done_visits(session))
    told = {
        f"{product}/{fault}": {
            "visits": cell.visits,
            "mean_log": cell.mean_log,
            "spread": cell.spread,
        }
        for (product, fault), cell in cells.items()
    }
    if newest is not None and newest.cells == told and newest.policy == policy.version:
        return newest
    model = DurationModel(
        version=1 if newest is None else newest.version + 1,
        learned_at=now,
        visits=sum(cell.visits for cell in cells.values()),
        policy=policy.version,
        cells=told,
    )
    session.add(model)
    session.flush()
    return model


def newest_model(session: Session) -> DurationModel | None:
    """The model that new reports are estimated with."""
    return session.scalars(
        select(DurationModel).order_by(DurationModel.version.desc()).limit(1)
    ).first()


def estimate_with(
    model: DurationModel | None, policy: FieldPolicy, product: str, fault: str, rule_s: int
) -> Estimate:
    """The estimate of a report by one model; the same arguments give it again at any time."""
    cells = {}
    row = None if model is None else model.cells.get(f"{product}/{fault}")
    if row is not None:
        cells[(product, fault)] = Cell(row["visits"], row["mean_log"], row["spread"])
    return estimate(
        cells,
        product,
        fault,
        rule_s,
        policy.duration_prior_visits,
        policy.duration_prior_spread,
    )


def told(
    estimated: Estimate, model: DurationModel | None, policy: FieldPolicy, rule_s: int
) -> dict[str, Any]:
    """An estimate as a job keeps it: with everything needed to compute it again."""
    return {
        "model": 0 if model is None else model.version,
        "policy": policy.version,
        "rule_s": rule_s,
        "median_s": estimated.median_s,
        "p80_s": estimated.p80_s,
        "visits": estimated.visits,
        "spread": estimated.spread,
    }
