"""Bills that equal the consents to the fen; payments, refunds and corrections beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import batched
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.db.among import among
from api.db.models import Bill, Consent, Job, MoneyEntry, Quote
from api.services.activity import record
from api.services.identity import Identity
from api.services.papers import next_number
from api.services.refusals import Refusal
from domain.fees import Account, Reconciliation, fingerprint, reconcile

AT_ONCE = 1000
"""Jobs whose papers are read together."""


@dataclass(frozen=True, slots=True)
class Movement:
    """Money that moves, or a correction. ``id`` is made by whoever reports it."""

    id: UUID
    kind: str
    amount_fen: int
    reason: str


def account_of(session: Session, job_id: UUID) -> Account:
    """A job's money as it is on record."""
    return accounts(session, [job_id])[job_id]


def accounts(session: Session, job_ids: Sequence[UUID]) -> dict[UUID, Account]:
    """The money of jobs as it is on record, three questions for all of them."""
    consented: dict[UUID, dict[str, int]] = {}
    for job_id, quote_id, total in session.execute(
        select(Quote.job_id, Quote.id, Quote.total_fen)
        .join(Consent, Consent.quote_id == Quote.id)
        .where(among(Quote.job_id, job_ids), Consent.agreed)
    ):
        consented.setdefault(job_id, {})[str(quote_id)] = total
    entries: dict[UUID, list[MoneyEntry]] = {}
    for entry in session.scalars(select(MoneyEntry).where(MoneyEntry.job_id.in_(job_ids))):
        entries.setdefault(entry.job_id, []).append(entry)
    # The newest version comes last, and stays.
    billed = dict(
        session.execute(
            select(Bill.job_id, Bill.total_fen)
            .where(among(Bill.job_id, job_ids))
            .order_by(Bill.job_id, Bill.version)
        ).all()
    )

    def moved(job_id: UUID, kind: str) -> tuple[int, ...]:
        return tuple(one.amount_fen for one in entries.get(job_id, ()) if one.kind == kind)

    return {
        job_id: Account(
            consented=consented.get(job_id, {}),
            corrections=moved(job_id, "correction"),
            billed=billed.get(job_id),
            received=sum(moved(job_id, "payment")),
            refunded=sum(moved(job_id, "refund")),
        )
        for job_id in job_ids
    }


def newest_bill(session: Session, job_id: UUID) -> Bill | None:
    """The version of a job's bill that counts."""
    return session.scalars(
        select(Bill).where(Bill.job_id == job_id).order_by(Bill.version.desc()).limit(1)
    ).first()


def issue(session: Session, job: Job, who: Identity) -> Bill:
    """The bill of everything the consumer agreed to, less corrections; no other line is possible.

    Raises
    ------
    Refusal
        ``nothing_agreed`` when there is no consent to bill; ``already_exists`` when the bill says
        the same already.
    """
    # One bill at a time: two that count the same consents would both be newest.
    session.execute(select(Job.id).where(Job.id == job.id).with_for_update())
    rows = session.execute(
        select(Quote, Consent)
        .join(Consent, Consent.quote_id == Quote.id)
        .where(Quote.job_id == job.id, Consent.agreed)
        .order_by(Quote.number)
    ).all()
    if not rows:
        raise Refusal("nothing_agreed", "the consumer has agreed to nothing that can be billed")
    if len({quote.currency for quote, _ in rows}) > 1:
        raise Refusal("bill_refused", "what was agreed to is in more than one currency")
    corrections = session.scalars(
        select(MoneyEntry)
        .where(MoneyEntry.job_id == job.id, MoneyEntry.kind == "correction")
        .order_by(MoneyEntry.at, MoneyEntry.id)
    ).all()
    total = sum(quote.total_fen for quote, _ in rows) + sum(c.amount_fen for c in corrections)
    document = {
        "job": job.number,
        "currency": rows[0][0].currency,
        "consents": [
            {
                "consent": str(consent.id),
                "quote": quote.number,
                "sha256": consent.shown_sha256,
                "lines": quote.document["lines"],
                "total_fen": quote.total_fen,
            }
            for quote, consent in rows
        ],
        "corrections": [
            {"id": str(c.id), "amount_fen": c.amount_fen, "reason": c.reason} for c in corrections
        ],
        "total_fen": total,
    }
    before = newest_bill(session, job.id)
    digest = fingerprint(document)
    if before is not None and before.sha256 == digest:
        raise Refusal("already_exists", "the bill says this already", bill_id=str(before.id))
    bill = Bill(
        job_id=job.id,
        version=next_number(session, Bill.version, Bill.job_id == job.id),
        document=document,
        sha256=digest,
        total_fen=total,
        currency=rows[0][0].currency,
        issued_by=who.person_id,
    )
    session.add(bill)
    session.flush()
    record(
        session,
        "bill_issued",
        "job",
        job.id,
        actor_id=who.person_id,
        bill_id=str(bill.id),
        version=bill.version,
        total_fen=total,
        sha256=digest,
    )
    return bill


def move(session: Session, job: Job, movement: Movement, who: Identity) -> MoneyEntry:
    """A payment, a refund, or a correction of what was agreed, once.

    A correction takes something off and makes a new version of the bill where there is one.

    Raises
    ------
    Refusal
        ``event_id_reused``; ``bill_refused`` for a correction below zero, a payment of more than is
        open, a refund of more than came, or money without a bill.
    """
    session.execute(select(Job.id).where(Job.id == job.id).with_for_update())
    earlier = session.get(MoneyEntry, movement.id)
    if earlier is not None:
        same = (earlier.job_id, earlier.kind, earlier.amount_fen, earlier.reason)
        if same != (job.id, movement.kind, movement.amount_fen, movement.reason):
            raise Refusal("event_id_reused", id=str(movement.id))
        return earlier
    account = account_of(session, job.id)
    _refuse_wrong(movement, account, reconcile(account))
    entry = MoneyEntry(
        id=movement.id,
        job_id=job.id,
        kind=movement.kind,
        amount_fen=movement.amount_fen,
        reason=movement.reason,
        person_id=who.person_id,
    )
    session.add(entry)
    session.flush()
    record(
        session,
        f"money_{movement.kind}",
        "job",
        job.id,
        actor_id=who.person_id,
        entry_id=str(entry.id),
        amount_fen=movement.amount_fen,
        reason_sha256=fingerprint(movement.reason),
    )
    if movement.kind == "correction" and account.billed is not None:
        issue(session, job, who)
    return entry


def _refuse_wrong(movement: Movement, account: Account, now: Reconciliation) -> None:
    amount = movement.amount_fen
    if movement.kind == "correction":
        if amount >= 0 or now.consented_fen + now.corrected_fen + amount < 0:
            raise Refusal(
                "bill_refused",
                "a correction takes off, and no more than was agreed",
                agreed_fen=now.consented_fen + now.corrected_fen,
            )
        return
    if account.billed is None:
        raise Refusal("bill_refused", "there is no bill yet")
    if amount <= 0:
        raise Refusal("bill_refused", "an amount of money is more than nothing")
    if movement.kind == "payment" and amount > now.open_fen:
        raise Refusal("bill_refused", "that is more than is open", open_fen=now.open_fen)
    if movement.kind == "refund" and amount > account.received - account.refunded:
        raise Refusal(
            "bill_refused",
            "that is more than has come",
            received_fen=account.received - account.refunded,
        )


@dataclass(frozen=True, slots=True)
class Books:
    """All jobs' money together. Fen; ``unexplained`` names the jobs that do not add up."""

    jobs: int
    consented_fen: int
    corrected_fen: int
    billed_fen: int
    received_fen: int
    refunded_fen: int
    open_fen: int
    unexplained_fen: int
    unexplained: list[str]


def reconcile_all(session: Session) -> Books:
    """Hold every bill against its consents and corrections."""
    job_ids = session.scalars(select(Bill.job_id).distinct().order_by(Bill.job_id)).all()
    sums = dict.fromkeys(("consented", "corrected", "billed", "received", "refunded", "open"), 0)
    wrong: list[str] = []
    unexplained = 0
    for batch in batched(job_ids, AT_ONCE):
        altered = altered_papers(session, batch)
        for job_id, account in accounts(session, batch).items():
            told = reconcile(account)
            sums["consented"] += told.consented_fen
            sums["corrected"] += told.corrected_fen
            sums["billed"] += told.billed_fen
            sums["received"] += account.received
            sums["refunded"] += account.refunded
            sums["open"] += told.open_fen
            unexplained += abs(told.unexplained_fen)
            if told.unexplained_fen or job_id in altered:
                wrong.append(str(job_id))
    return Books(
        len(job_ids),
        **{f"{k}_fen": v for k, v in sums.items()},
        unexplained_fen=unexplained,
        unexplained=wrong,
    )


def altered_papers(session: Session, job_ids: Sequence[UUID]) -> set[UUID]:
    """The jobs with a paper that is no longer what was fingerprinted, added up or agreed to."""
    found = set()
    for bill in session.scalars(select(Bill).where(among(Bill.job_id, job_ids))):
        papers = bill.document
        billed = sum(
            line["charged_fen"] for consent in papers["consents"] for line in consent["lines"]
        ) + sum(correction["amount_fen"] for correction in papers["corrections"])
        if fingerprint(papers) != bill.sha256 or billed != bill.total_fen:
            found.add(bill.job_id)
    for quote, consent in session.execute(
        select(Quote, Consent)
        .join(Consent, Consent.quote_id == Quote.id)
        .where(among(Quote.job_id, job_ids))
    ):
        if fingerprint(quote.document) != quote.sha256 or quote.sha256 != consent.shown_sha256:
            found.add(quote.job_id)
    return found


def bill_view(session: Session, bill: Bill) -> dict[str, Any]:
    """A bill as the API tells it, with where its money stands."""
    return {
        "id": bill.id,
        "job_id": bill.job_id,
        "version": bill.version,
        "total_fen": bill.total_fen,
        "currency": bill.currency,
        "sha256": bill.sha256,
        "document": bill.document,
        "issued_at": bill.issued_at,
        "reconciliation": asdict(reconcile(account_of(session, bill.job_id))),
    }
