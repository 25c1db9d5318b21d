"""Audits: planned, drawn, found, closed; corrective actions, and the same measure again."""

from __future__ import annotations

import secrets
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.orm import Session

from api.db.models import Audit, AuditFinding, Outlet, Person
from api.services import audit_samples
from api.services.activity import record
from api.services.identity import Identity
from api.services.refusals import Refusal
from domain import roles, signatures
from domain.audits import (
    RESULT_TAG,
    STEPS,
    AuditChecklist,
    AuditKind,
    AuditState,
    ItemShare,
    audit_checklist,
    improved,
    tally,
)
from domain.ledger import canonical
from domain.sampling import opens

CHECKLISTS = Path(__file__).resolve().parents[2] / "config" / "audits"
SEED_BYTES = 16
LARGEST_SAMPLE = 1000


@cache
def checklists() -> Mapping[str, AuditChecklist]:
    """The checklists on disk by name."""
    read = (
        audit_checklist(tomllib.loads(path.read_text(encoding="utf-8")))
        for path in sorted(CHECKLISTS.glob("*.toml"))
    )
    return {one.name: one for one in read}


@dataclass(frozen=True, slots=True)
class NewAudit:
    """What is to be looked at. ``seed`` is hexadecimal, empty for a fresh one."""

    title: str
    checklist: str
    first: date
    last: date
    strata: str
    size: int
    seed: str = ""
    outlet_id: UUID | None = None
    job_class: str = ""
    assessor: str = ""
    access_until: datetime | None = None


def plan_audit(
    session: Session, new: NewAudit, who: Identity, now: datetime, follows: Audit | None = None
) -> Audit:
    """Fix what an audit looks at, before anybody knows its sample; with an assessor: a third
    party's.

    Raises
    ------
    Refusal
        ``invalid``, ``unknown_reference``.
    """
    if new.last < new.first:
        raise Refusal("invalid", "the period ends before it begins")
    checklist = checklists().get(new.checklist)
    if checklist is None:
        raise Refusal("unknown_reference", "no such checklist", checklist=new.checklist)
    if new.outlet_id is not None and session.get(Outlet, new.outlet_id) is None:
        raise Refusal("unknown_reference", "no such outlet", id=str(new.outlet_id))
    assessor_id, seed = None, new.seed or secrets.token_hex(SEED_BYTES)
    if new.assessor:
        assessor_id = _assessor(session, new, now)
        seed = ""
    elif new.access_until is not None:
        raise Refusal("invalid", "access_until needs an assessor")
    assert who.person_id is not None
    audit = Audit(
        kind=AuditKind.INTERNAL if assessor_id is None else AuditKind.THIRD_PARTY,
        title=new.title,
        checklist=checklist.name,
        checklist_version=checklist.version,
        items=[{"code": one.code, "en": one.en, "zh": one.zh} for one in checklist.items],
        first=new.first,
        last=new.last,
        outlet_id=new.outlet_id,
        job_class=new.job_class,
        strata=new.strata,
        size=new.size,
        state=AuditState.PLANNED,
        seed=seed,
        assessor_id=assessor_id,
        access_until=new.access_until,
        follows_id=None if follows is None else follows.id,
        created_by=who.person_id,
    )
    if follows is not None:
        # The same measure: the items as they were, even when the list has changed since.
        audit.items, audit.checklist_version = follows.items, follows.checklist_version
    session.add(audit)
    session.flush()
    record(
        session,
        "audit_planned",
        "audit",
        audit.id,
        actor_id=who.person_id,
        audit_kind=audit.kind,
        first=str(audit.first),
        last=str(audit.last),
        strata=audit.strata,
        size=audit.size,
        seed=audit.seed,
        checklist_version=audit.checklist_version,
    )
    return audit


def _assessor(session: Session, new: NewAudit, now: datetime) -> UUID:
    if new.seed:
        raise Refusal("invalid", "a third party chooses its own seed; leave seed out")
    if new.access_until is None or new.access_until <= now:
        raise Refusal("invalid", "an assessor needs access_until, an instant to come")
    found = session.scalar(
        select(Person.id).where(
            Person.login == new.assessor,
            Person.role == roles.ASSESSOR,
            Person.disabled_at.is_(None),
        )
    )
    if found is None:
        raise Refusal("unknown_reference", "no such assessor", login=new.assessor)
    return found


def audits_within(who: Identity) -> ColumnElement[bool]:
    """The audits that this person may look up: an assessor's are the own ones."""
    return Audit.assessor_id == who.person_id if who.role == roles.ASSESSOR else true()


def reach_audit(session: Session, who: Identity, audit_id: UUID, *, change: bool = False) -> Audit:
    """The audit, when this person may look it up; locked for a change.

    Raises
    ------
    Refusal
        ``not_found``, the same for another's and for one that does not exist.
    """
    query = select(Audit).where(Audit.id == audit_id).where(audits_within(who))
    found = session.scalars(query.with_for_update() if change else query).one_or_none()
    if found is None:
        raise Refusal("not_found")
    return found


def _step(audit: Audit, step: str, who: Identity, now: datetime) -> None:
    """Refuse a step out of its order, and one of an assessor whose time is over."""
    allowed = STEPS.get((AuditKind(audit.kind), step))
    if allowed is None:
        raise Refusal("audit_order", f"an audit of kind {audit.kind} has no step {step}")
    if audit.state != allowed[0]:
        raise Refusal(
            "audit_order",
            f"{step} comes when the audit is {allowed[0]}; it is {audit.state}",
            state=audit.state,
        )
    if who.role == roles.ASSESSOR and audit.access_until is not None and audit.access_until <= now:
        raise Refusal("access_ended", "the assessor's time for this audit is over")


def draw_audit(session: Session, audit: Audit, who: Identity, now: datetime) -> Audit:
    """Draw an internal audit's sample. Raises ``audit_order``, ``nothing_to_sample``."""
    _step(audit, "draw", who, now)
    audit_samples.freeze(session, audit, who)
    audit_samples.draw(session, audit, who, now)
    return audit


def commit(
    session: Session, audit: Audit, commitment: str, public_key: str, who: Identity, now: datetime
) -> Audit:
    """Take a third party's commitment and the key its result will be signed with."""
    _step(audit, "commit", who, now)
    audit.state, audit.commitment, audit.public_key = (
        AuditState.COMMITTED,
        commitment,
        public_key,
    )
    record(
        session,
        "audit_committed",
        "audit",
        audit.id,
        actor_id=who.person_id,
        commitment=commitment,
        public_key=public_key,
    )
    return audit


def freeze(session: Session, audit: Audit, who: Identity, now: datetime) -> Audit:
    """Freeze what a third party draws from, after its commitment and before it reveals."""
    _step(audit, "freeze", who, now)
    audit_samples.freeze(session, audit, who)
    audit.state = AuditState.FROZEN
    return audit


def reveal(
    session: Session, audit: Audit, seed: str, nonce: str, who: Identity, now: datetime
) -> Audit:
    """Check what is revealed against the commitment, and draw; the assessor reaches the sample.

    Raises
    ------
    Refusal
        ``audit_order``, ``access_ended``; ``audit_mismatch`` for another seed or nonce.
    """
    _step(audit, "reveal", who, now)
    if not opens(bytes.fromhex(audit.commitment), bytes.fromhex(seed), bytes.fromhex(nonce)):
        raise Refusal("audit_mismatch", "this seed and nonce are not the ones committed to")
    audit.seed, audit.nonce = seed, nonce
    audit_samples.draw(session, audit, who, now)
    return audit


def take_result(
    session: Session,
    audit: Audit,
    document: dict[str, Any],
    signature: str,
    who: Identity,
    now: datetime,
) -> Audit:
    """Keep a third party's result under its own signature; it closes the audit.

    Raises
    ------
    Refusal
        ``audit_order``, ``access_ended``; ``audit_mismatch`` for a result about another audit or
        sample, or one that is not signed with the announced key.
    """
    _step(audit, "result", who, now)
    if document.get("audit") != str(audit.id):
        raise Refusal("audit_mismatch", "the result does not name this audit")
    if document.get("drawn") != audit_samples.drawn_jobs(session, audit):
        raise Refusal("audit_mismatch", "the result is not about the drawn jobs")
    message = RESULT_TAG + canonical(document)
    if not signatures.verifies(bytes.fromhex(audit.public_key), message, bytes.fromhex(signature)):
        raise Refusal("audit_mismatch", "the result is not signed with the announced key")
    audit.result = {
        "document": document,
        "public_key": audit.public_key,
        "signature": signature,
    }
    _close(session, audit, who, now, signature=signature)
    return audit


def _close(session: Session, audit: Audit, who: Identity, now: datetime, **told: Any) -> None:
    audit.state, audit.closed_at = AuditState.CLOSED, now
    record(session, "audit_closed", "audit", audit.id, actor_id=who.person_id, **told)


@dataclass(frozen=True, slots=True)
class NewFinding:
    """A verdict about one item in one sampled job."""

    job_id: UUID
    item: str
    verdict: str
    note: str


def find(
    session: Session, audit: Audit, found: Iterable[NewFinding], who: Identity, now: datetime
) -> list[AuditFinding]:
    """Keep findings; a later word about an item in a job takes the place of an earlier one.

    Raises
    ------
    Refusal
        ``audit_order``; ``unknown_reference`` for a job outside the sample or an unknown item.
    """
    _step(audit, "find", who, now)
    sample = set(audit_samples.drawn_jobs(session, audit))
    codes = {item["code"] for item in audit.items}
    assert who.person_id is not None
    kept = []
    for one in found:
        if str(one.job_id) not in sample:
            raise Refusal("unknown_reference", "the job is not in the sample", id=str(one.job_id))
        if one.item not in codes:
            raise Refusal("unknown_reference", "no such item", item=one.item)
        row = session.merge(
            AuditFinding(
                audit_id=audit.id,
                job_id=one.job_id,
                item=one.item,
                verdict=one.verdict,
                note=one.note,
                person_id=who.person_id,
                at=now,
            )
        )
        kept.append(row)
        record(
            session,
            "audit_found",
            "audit",
            audit.id,
            actor_id=who.person_id,
            job_id=str(one.job_id),
            item=one.item,
            verdict=one.verdict,
        )
    session.flush()
    return kept


def close_audit(session: Session, audit: Audit, who: Identity, now: datetime) -> Audit:
    """Close an internal audit: nothing is found any more.

    Raises
    ------
    Refusal
        ``audit_order``; ``audit_incomplete`` while an item of a sampled job has no finding.
    """
    _step(audit, "close", who, now)
    wanted = len(audit_samples.drawn_jobs(session, audit)) * len(audit.items)
    missing = wanted - len(findings_of(session, audit))
    if missing:
        raise Refusal("audit_incomplete", f"{missing} findings are missing", missing=missing)
    _close(session, audit, who, now)
    return audit


def findings_of(session: Session, audit: Audit) -> list[AuditFinding]:
    """What was found, by job and item."""
    return list(
        session.scalars(
            select(AuditFinding)
            .where(AuditFinding.audit_id == audit.id)
            .order_by(AuditFinding.job_id, AuditFinding.item)
        )
    )


def measured(session: Session, audit: Audit) -> dict[str, ItemShare]:
    """By item: how many jobs passed."""
    pairs = ((one.item, one.verdict) for one in findings_of(session, audit))
    return tally((item["code"] for item in audit.items), pairs)


def results(session: Session, audit: Audit) -> list[dict[str, Any]]:
    """By item: what passed, and, for a measure made again, what passed before."""
    now = measured(session, audit)
    earlier: dict[str, ItemShare] = {}
    if audit.follows_id is not None:
        earlier = measured(session, session.get_one(Audit, audit.follows_id))
    told = []
    for item in audit.items:
        after, before = now[item["code"]], earlier.get(item["code"])
        told.append(
            item
            | {"passed": after.passed, "of": after.of}
            | {"before": before, "improved": None if before is None else improved(before, after)}
        )
    return told


def measure_again(
    session: Session,
    audit: Audit,
    first: date,
    last: date,
    seed: str,
    who: Identity,
    now: datetime,
) -> Audit:
    """Plan the same measure over another period, to see what the actions came to.

    Raises
    ------
    Refusal
        ``audit_order`` unless the audit is an internal one and closed; ``invalid``.
    """
    if audit.kind != AuditKind.INTERNAL or audit.state != AuditState.CLOSED:
        raise Refusal(
            "audit_order", "a closed internal audit can be measured again", state=audit.state
        )
    again = NewAudit(
        audit.title,
        audit.checklist,
        first,
        last,
        audit.strata,
        audit.size,
        seed,
        audit.outlet_id,
        audit.job_class,
    )
    return plan_audit(session, again, who, now, follows=audit)
