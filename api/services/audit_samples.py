"""Populations of audits, frozen with their root in the ledger; samples drawn alike by anyone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from api.db.among import among
from api.db.models import Audit, AuditJob, Job, Outlet, Visit
from api.services.activity import record
from api.services.homes import homes
from api.services.identity import Identity
from api.services.refusals import Refusal
from api.services.work_done import period_of
from domain import sampling
from domain.audits import AuditKind, AuditState


def population_of(session: Session, audit: Audit) -> dict[str, str]:
    """Job to stratum: every job that was closed in the audit's period, however it ended."""
    period = period_of(session, audit.first, audit.last)
    query = select(Job.id, Job.job_class).where(
        Job.closed_at >= period.start, Job.closed_at < period.end
    )
    if audit.job_class:
        query = query.where(Job.job_class == audit.job_class)
    classes = dict(session.execute(query).all())
    # By the outlet of who was there last; a job that needed no visit belongs to none.
    known, names = homes(session), dict(session.execute(select(Outlet.id, Outlet.name)).all())
    outlets = {
        visit.job_id: (home, names[home])
        for visit in session.scalars(
            select(Visit)
            .where(among(Visit.job_id, classes))
            .options(joinedload(Visit.technician))
            .order_by(Visit.number)
        )
        for home in [known.on(visit.technician, visit.day)]
    }
    found = {}
    for job_id, job_class in classes.items():
        outlet_id, name = outlets.get(job_id, (None, ""))
        if audit.outlet_id is None or outlet_id == audit.outlet_id:
            found[str(job_id)] = {"outlet": name, "class": job_class, "none": ""}[audit.strata]
    return found


def freeze(session: Session, audit: Audit, who: Identity) -> None:
    """Fix what is drawn from, and its root in the ledger.

    Raises
    ------
    Refusal
        ``nothing_to_sample`` when no job was closed in the period.
    """
    population = population_of(session, audit)
    if not population:
        raise Refusal("nothing_to_sample", "no job was closed in this period")
    root = sampling.population_root(population).hex()
    audit.population, audit.population_root = population, root
    record(
        session,
        "audit_frozen",
        "audit",
        audit.id,
        actor_id=who.person_id,
        population_root=root,
        count=len(population),
        size=audit.size,
    )


def seed_of(audit: Audit) -> bytes:
    """What is drawn with: the firm's own seed, or the one that both sides made."""
    seed = bytes.fromhex(audit.seed)
    if audit.kind == AuditKind.INTERNAL:
        return seed
    root = bytes.fromhex(audit.population_root)
    return sampling.joint_seed(seed, bytes.fromhex(audit.nonce), root)


def draw(session: Session, audit: Audit, who: Identity, now: datetime) -> None:
    """Draw from the frozen population, and keep the sample."""
    assert audit.population is not None
    drawn = sampling.draw(seed_of(audit), audit.population, audit.size)
    audit.state, audit.drawn_at = AuditState.DRAWN, now
    session.add_all(AuditJob(audit_id=audit.id, job_id=job_id) for job_id in drawn)
    session.flush()
    record(
        session,
        "audit_drawn",
        "audit",
        audit.id,
        actor_id=who.person_id,
        seed=audit.seed,
        nonce=audit.nonce,
        drawn=drawn,
    )


def drawn_jobs(session: Session, audit: Audit) -> list[str]:
    """The sample, as ids in ascending order."""
    found = session.scalars(select(AuditJob.job_id).where(AuditJob.audit_id == audit.id))
    return sorted(str(job_id) for job_id in found)


def document(session: Session, audit: Audit) -> dict[str, Any]:
    """``sample.json`` of an evidence pack: all that one needs to draw again.

    Raises
    ------
    Refusal
        ``audit_order`` before the sample is drawn.
    """
    if audit.population is None or audit.drawn_at is None:
        raise Refusal("audit_order", "the sample has not been drawn yet", state=audit.state)
    told: dict[str, Any] = {
        "audit": str(audit.id),
        "kind": audit.kind,
        "seed": audit.seed,
        "population": audit.population,
        "population_root": audit.population_root,
        "size": audit.size,
        "drawn": drawn_jobs(session, audit),
    }
    if audit.kind == AuditKind.THIRD_PARTY:
        told |= {"nonce": audit.nonce, "commitment": audit.commitment}
    if audit.result is not None:
        told["result"] = audit.result
    return told
