"""Purchases with their proof, repairs of a thing over all its jobs, and what is free for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.db.models import Job, JobPurchase, Purchase, RepairStay
from api.services.activity import record
from api.services.refusals import Refusal
from api.services.rule_packs import rulebook, setting_of
from domain.judging import Setting, WarrantyCase, judge_warranty
from domain.rules import Judgement
from domain.warranty import Entitlement, Repair
from domain.warranty import Purchase as Facts


@dataclass(frozen=True, slots=True)
class Proof:
    """What a consumer shows: the proof names its evidence, the day is as it says."""

    serial: str | None
    sold_on: date | None
    warranty_months: int | None
    proof: str
    main_part: bool = False
    consumer_caused: bool = False
    cause_evidence: str = ""


def put_purchase(session: Session, job: Job, proof: Proof, person_id: UUID | None) -> JobPurchase:
    """Tie a job to the thing it repairs; a known serial finds its earlier repairs.

    Raises
    ------
    Refusal
        ``evidence_missing`` when the consumer is said to have caused the fault without evidence,
        or a day of sale is claimed without proof.
    """
    if proof.consumer_caused and not proof.cause_evidence.strip():
        raise Refusal("evidence_missing", "say what shows that the consumer caused the fault")
    if proof.sold_on is not None and not proof.proof.strip():
        raise Refusal("evidence_missing", "say what proves the day of the sale")
    purchase = _known(session, job, proof.serial) or Purchase(
        consumer_id=job.request.consumer_id, product=job.request.product, serial=proof.serial
    )
    purchase.sold_on, purchase.proof = proof.sold_on, proof.proof
    purchase.warranty_months, purchase.recorded_by = proof.warranty_months, person_id
    session.add(purchase)
    session.flush()
    link = session.get(JobPurchase, job.id) or JobPurchase(job_id=job.id)
    link.purchase_id, link.main_part = purchase.id, proof.main_part
    link.consumer_caused, link.cause_evidence = proof.consumer_caused, proof.cause_evidence
    session.add(link)
    session.flush()
    session.refresh(link)
    record(
        session,
        "purchase_recorded",
        "job",
        job.id,
        actor_id=person_id,
        purchase_id=str(purchase.id),
        sold_on=str(proof.sold_on or ""),
        consumer_caused=proof.consumer_caused,
    )
    return link


def _known(session: Session, job: Job, serial: str | None) -> Purchase | None:
    tied = session.get(JobPurchase, job.id)
    if tied is not None and (serial is None or tied.purchase.serial in (None, serial)):
        tied.purchase.serial = serial or tied.purchase.serial
        return tied.purchase
    if serial is None:
        return None
    return session.scalars(
        select(Purchase).where(Purchase.serial == serial, Purchase.product == job.request.product)
    ).first()


def put_stay(
    session: Session, job: Job, stay: dict[str, Any], person_id: UUID | None
) -> RepairStay:
    """A stay in repair, new or changed; the day it began names it.

    Raises
    ------
    Refusal
        ``invalid`` before a purchase has been recorded, or when it ends before it begins.
    """
    link = session.get(JobPurchase, job.id)
    if link is None:
        raise Refusal("invalid", "record the purchase first: whose repair is it?")
    if stay.get("ended_on") is not None and stay["ended_on"] < stay["began_on"]:
        raise Refusal("invalid", "ended_on lies before began_on")
    row = session.scalars(
        select(RepairStay).where(
            RepairStay.purchase_id == link.purchase_id, RepairStay.began_on == stay["began_on"]
        )
    ).one_or_none()
    row = row or RepairStay(purchase_id=link.purchase_id, job_id=job.id)
    for name, value in stay.items():
        setattr(row, name, value)
    session.add(row)
    session.flush()
    record(
        session,
        "repair_stay",
        "job",
        job.id,
        actor_id=person_id,
        began_on=str(row.began_on),
        ended_on=str(row.ended_on or ""),
        loaner_on=str(row.loaner_on or ""),
    )
    return row


def warranty_case(session: Session, job: Job, setting: Setting) -> WarrantyCase:
    """A job as the warranty judge reads it; without a purchase there is no proof."""
    link = session.get(JobPurchase, job.id)
    day = setting.day(job.reported_at)
    if link is None:
        return WarrantyCase(job.request.product, Facts(None), day)
    session.expire(link.purchase, ["stays"])
    stays = tuple(
        Repair(stay.began_on, stay.ended_on, stay.held, stay.parts_wait, stay.by_repairer)
        for stay in link.purchase.stays
    )
    facts = Facts(
        link.purchase.sold_on,
        link.purchase.warranty_months,
        link.main_part,
        link.consumer_caused,
        stays,
    )
    return WarrantyCase(job.request.product, facts, day)


def entitlement_of(
    session: Session, job: Job, as_of: date | None = None, rules_on: date | None = None
) -> tuple[Judgement, Entitlement]:
    """What the consumer of a job may ask for, by the rules of its place and day."""
    setting = setting_of(session)
    case = warranty_case(session, job, setting)
    return judge_warranty(case, rulebook(), setting, as_of, rules_on)


def free_kinds(found: Entitlement) -> dict[str, str]:
    """Kinds of lines that cost nothing, each with the rule that says so."""
    rule = next((ruling for ruling in found.rulings if ruling.key == "free_lines"), None)
    if rule is None:
        return {}
    doubt = " (unconfirmed)" if rule.status == "unconfirmed" else ""
    return dict.fromkeys(found.free_kinds, f"{rule.version}{doubt}")
