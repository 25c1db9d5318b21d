"""Settlements: contracts, what each period of one comes to, and a replay that has to agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import batched
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from api.db.among import among
from api.db.models import (
    Complaint,
    Contract,
    Outlet,
    SettledRecord,
    Settlement,
    Technician,
    Training,
)
from api.services.activity import record
from api.services.bills import AT_ONCE, accounts, altered_papers
from api.services.homes import homes
from api.services.identity import Identity
from api.services.refusals import Refusal
from api.services.regions import local_day, the_region
from api.services.work_done import jobs_done, papers_valid, period_of, repeat_days, repeats_of
from domain import roles
from domain.complaints import TRANSITIONS, ComplaintEvent, ComplaintState
from domain.fees import Account, fingerprint, reconcile
from domain.lifecycle import Mode
from domain.settlement import Refused, Statement, Terms, TermsKind, Work, settle

OVER = frozenset(
    {
        ComplaintState.REFUSED,
        ComplaintState.SETTLED,
        ComplaintState.FAILED,
        ComplaintState.WITHDRAWN,
    }
)
"""Complaints that no longer keep a job from being paid; one in appeal or referred does."""


@dataclass(frozen=True, slots=True)
class NewContract:
    """A contract to be recorded; the fields are those of `domain.settlement.Terms`."""

    number: str
    kind: TermsKind
    party: str
    outlet_id: UUID | None
    valid_from: date
    valid_until: date | None
    currency: str
    unit_fen: int
    share_permille: int
    monthly_fee_fen: int
    cap_fen: int | None
    quantity: int | None
    classes: tuple[str, ...]


def conclude(session: Session, new: NewContract, who: Identity) -> Contract:
    """Record a contract.

    Raises
    ------
    Refusal
        ``unknown_reference`` for an unknown outlet; ``already_exists`` for a number that is taken;
        ``invalid`` when the terms do not fit their kind.
    """
    if new.outlet_id is not None and session.get(Outlet, new.outlet_id) is None:
        raise Refusal("unknown_reference", "no such outlet", id=str(new.outlet_id))
    if session.scalar(select(Contract.id).where(Contract.number == new.number)) is not None:
        raise Refusal("already_exists", "there is a contract with this number", number=new.number)
    if new.kind is TermsKind.FRANCHISE and new.outlet_id is None:
        raise Refusal("invalid", "a franchise names its outlet")
    if new.kind in (TermsKind.SUBSIDY, TermsKind.LOT) and new.unit_fen <= 0:
        raise Refusal("invalid", f"a {new.kind} needs unit_fen")
    row = Contract(
        number=new.number,
        kind=str(new.kind),
        party=new.party,
        outlet_id=new.outlet_id,
        valid_from=new.valid_from,
        valid_until=new.valid_until,
        currency=new.currency,
        unit_fen=new.unit_fen,
        share_permille=new.share_permille,
        monthly_fee_fen=new.monthly_fee_fen,
        cap_fen=new.cap_fen,
        quantity=new.quantity,
        classes=list(new.classes),
        created_by=who.person_id,
    )
    try:
        terms_of(row)
    except ValueError as error:
        raise Refusal("invalid", str(error)) from None
    session.add(row)
    session.flush()
    record(
        session,
        "contract_concluded",
        "contract",
        row.id,
        actor_id=who.person_id,
        number=row.number,
        contract_kind=row.kind,
        party=row.party,
    )
    return row


def terms_of(contract: Contract) -> Terms:
    """A contract as the domain settles it."""
    return Terms(
        kind=TermsKind(contract.kind),
        party=contract.party,
        valid_from=contract.valid_from,
        valid_until=contract.valid_until,
        outlet=None if contract.outlet_id is None else str(contract.outlet_id),
        unit_fen=contract.unit_fen,
        share_permille=contract.share_permille,
        monthly_fee_fen=contract.monthly_fee_fen,
        cap_fen=contract.cap_fen,
        quantity=contract.quantity,
        classes=frozenset(contract.classes),
    )


def reach_contract(session: Session, who: Identity, contract_id: UUID) -> Contract:
    """A contract; an outlet's manager reaches the outlet's own.

    Raises
    ------
    Refusal
        ``not_found``.
    """
    found = session.get(Contract, contract_id)
    if found is None or (who.role == roles.OUTLET_MANAGER and found.outlet_id != who.outlet_id):
        raise Refusal("not_found")
    return found


def draw_up(
    session: Session, contract: Contract, first: date, last: date, who: Identity, now: datetime
) -> Settlement:
    """Draw up the statement of a period and mark its records as paid.

    Raises
    ------
    Refusal
        ``invalid`` for a period that is not over or does not fit the contract;
        ``already_exists`` when it overlaps a period that was settled.
    """
    session.execute(select(Contract.id).where(Contract.id == contract.id).with_for_update())
    if last >= local_day(now, the_region(session).timezone):
        raise Refusal("invalid", "the period is not over", to=last.isoformat())
    overlap = session.scalar(
        select(Settlement.id).where(
            Settlement.contract_id == contract.id, Settlement.start <= last, Settlement.end >= first
        )
    )
    if overlap is not None:
        raise Refusal("already_exists", "the period overlaps a settled one", id=str(overlap))
    statement = state(session, contract, first, last, now)
    document = document_of(contract, statement, now)
    row = Settlement(
        contract_id=contract.id,
        start=first,
        end=last,
        as_of=now,
        document=document,
        sha256=fingerprint(document),
        total_fen=statement.total_fen,
        created_by=who.person_id,
    )
    session.add(row)
    session.flush()
    session.add_all(
        SettledRecord(
            contract_id=contract.id,
            record_id=UUID(line.record),
            settlement_id=row.id,
            fen=line.fen,
        )
        for line in statement.lines
        if line.record is not None
    )
    session.flush()
    record(
        session,
        "settlement_drawn_up",
        "settlement",
        row.id,
        actor_id=who.person_id,
        contract=contract.number,
        total_fen=row.total_fen,
        sha256=row.sha256,
    )
    return row


def state(
    session: Session, contract: Contract, first: date, last: date, as_of: datetime
) -> Statement:
    """What a period comes to, from the record and from what earlier periods have paid.

    Raises
    ------
    Refusal
        ``invalid`` when the period does not fit the contract.
    """
    earlier = session.execute(
        select(SettledRecord.record_id, SettledRecord.fen)
        .join(Settlement, Settlement.id == SettledRecord.settlement_id)
        .where(SettledRecord.contract_id == contract.id, Settlement.end < first)
    ).all()
    terms = terms_of(contract)
    if terms.kind is TermsKind.TRAINING_FUND:
        work = _trainings(session, first, last)
    else:
        work = _jobs(session, first, last, contract.outlet_id, as_of)
    try:
        return settle(
            terms,
            work,
            first,
            last,
            paid_before_fen=sum(row.fen for row in earlier),
            counted_before=len(earlier),
            settled_before=frozenset(str(row.record_id) for row in earlier),
        )
    except ValueError as error:
        raise Refusal("invalid", str(error)) from None


def _jobs(
    session: Session, first: date, last: date, outlet_id: UUID | None, as_of: datetime
) -> list[Work]:
    done = jobs_done(session, period_of(session, first, last), outlet_id, as_of)
    ids = [item.job.id for item in done]
    open_complaints = _open_complaints(session, ids, as_of)
    returned: dict[UUID, list[datetime]] = {}
    for of, at, _ in repeats_of(session, ids):
        if at <= as_of:
            returned.setdefault(of, []).append(at)
    zone = the_region(session).timezone
    valid = papers_valid(session, done, zone)
    within = {
        day: repeat_days(session, day) for day in {local_day(item.closed_at, zone) for item in done}
    }
    money: dict[UUID, Account] = {}
    altered: set[UUID] = set()
    for batch in batched(ids, AT_ONCE):
        money |= accounts(session, batch)
        altered |= altered_papers(session, batch)
    found = []
    for item in done:
        day = local_day(item.closed_at, zone)
        rule = within[day]
        until = item.closed_at + timedelta(days=0 if rule is None else rule.number)
        account = money[item.job.id]
        checks = {
            Refused.ARRIVAL_NOT_VERIFIED: item.job.mode == Mode.ON_SITE and item.arrived_at is None,
            Refused.MONEY_UNEXPLAINED: reconcile(account).unexplained_fen != 0
            or item.job.id in altered,
            Refused.COMPLAINT_OPEN: item.job.id in open_complaints,
            Refused.CAME_BACK: any(
                item.closed_at <= at <= until for at in returned.get(item.job.id, ())
            ),
            Refused.DUPLICATE: item.job.duplicate_of is not None,
            Refused.CERTIFICATE_EXPIRED: not valid.get(item.job.id, True),
        }
        found.append(
            Work(
                id=str(item.job.id),
                label=str(item.job.number),
                day=day,
                outlet=None if item.outlet is None else str(item.outlet.id),
                job_class=item.job.job_class,
                amount_fen=account.billed or 0,
                problems=tuple(problem for problem, holds in checks.items() if holds),
            )
        )
    return found


def _open_complaints(session: Session, job_ids: list[UUID], as_of: datetime) -> set[UUID]:
    """Jobs with a complaint that was not over at an instant."""
    found = set()
    for complaint in session.scalars(
        select(Complaint)
        .where(among(Complaint.job_id, job_ids), Complaint.received_at <= as_of)
        .options(selectinload(Complaint.steps))
    ):
        state = ComplaintState.RECEIVED
        for taken in complaint.steps:
            if taken.at <= as_of:
                state = TRANSITIONS.get((state, ComplaintEvent(taken.event)), state)
        if state not in OVER:
            found.add(complaint.job_id)
    return found


def _trainings(session: Session, first: date, last: date) -> list[Work]:
    rows = session.execute(
        select(Training, Technician)
        .join(Technician, Technician.number == Training.technician_number)
        .where(Training.completed_on.between(first, last), Training.cost_fen > 0)
    )
    known = homes(session)
    return [
        Work(
            id=str(training.id),
            label=training.course,
            day=training.completed_on,
            outlet=str(known.on(technician, training.completed_on)),
            job_class="training",
            amount_fen=training.cost_fen,
        )
        for training, technician in rows
    ]


def document_of(contract: Contract, statement: Statement, as_of: datetime) -> dict[str, Any]:
    """A statement as a document: each sum with the record that earns it, each refusal with why."""
    return {
        "format": "zhunda-settlement/1",
        "contract": contract.number,
        "kind": str(statement.kind),
        "party": statement.party,
        "currency": contract.currency,
        "from": statement.start.isoformat(),
        "to": statement.end.isoformat(),
        "as_of": as_of.isoformat(),
        "total_fen": statement.total_fen,
        "lines": [
            {
                "record": line.record,
                "label": line.label,
                "day": line.day.isoformat(),
                "fen": line.fen,
            }
            for line in statement.lines
        ],
        "refused": [
            {"record": key, "label": label, "because": [str(reason) for reason in reasons]}
            for key, label, reasons in statement.refused
        ],
    }


def replay(session: Session, row: Settlement) -> Mapping[str, Any]:
    """Settle the same period again from the record; equal unless the record has changed since."""
    contract = session.get(Contract, row.contract_id)
    assert contract is not None
    again = document_of(
        contract, state(session, contract, row.start, row.end, row.as_of), row.as_of
    )
    paid = session.scalar(
        select(func.coalesce(func.sum(SettledRecord.fen), 0)).where(
            SettledRecord.settlement_id == row.id
        )
    )
    fees = sum(line["fen"] for line in row.document["lines"] if line["record"] is None)
    return {
        "equal": fingerprint(again) == row.sha256 and paid + fees == row.total_fen,
        "difference_fen": again["total_fen"] - row.total_fen,
        "document": again,
    }


def answer(
    session: Session, row: Settlement, accepted: bool, note: str, who: Identity, now: datetime
) -> Settlement:
    """Accept a statement, or dispute it with a reason; an accepted one stays so.

    Raises
    ------
    Refusal
        ``already_decided`` for an accepted one; ``invalid`` for a dispute without a reason.
    """
    session.execute(select(Settlement.id).where(Settlement.id == row.id).with_for_update())
    session.refresh(row)
    status = "accepted" if accepted else "disputed"
    if row.status == "accepted":
        if accepted:
            return row
        raise Refusal("already_decided", "an accepted statement stays so", id=str(row.id))
    if not accepted and not note.strip():
        raise Refusal("invalid", "say what is disputed")
    row.status, row.note = status, note
    row.answered_by, row.answered_at = who.person_id, now
    record(
        session,
        f"settlement_{status}",
        "settlement",
        row.id,
        actor_id=who.person_id,
        total_fen=row.total_fen,
        note=note,
    )
    return row
