"""Corrective actions: what is to be done about what an audit found, by whom, until when."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from api.db.models import Audit, AuditAction, Person
from api.services.activity import record
from api.services.identity import Identity
from api.services.refusals import Refusal
from domain import roles
from domain.audits import AuditState


def add_action(
    session: Session,
    audit: Audit,
    item: str,
    text: str,
    owner: str,
    due_on: date,
    who: Identity,
) -> AuditAction:
    """Have somebody of the firm do something about an item until a day.

    Raises
    ------
    Refusal
        ``audit_order`` before the sample is drawn; ``unknown_reference``.
    """
    if audit.state not in (AuditState.DRAWN, AuditState.CLOSED):
        raise Refusal("audit_order", "nothing has been found yet", state=audit.state)
    if item not in {one["code"] for one in audit.items}:
        raise Refusal("unknown_reference", "no such item", item=item)
    owner_id = session.scalar(
        select(Person.id).where(
            Person.login == owner.strip().lower(),
            Person.role.not_in(roles.OUTSIDE),
            Person.disabled_at.is_(None),
        )
    )
    if owner_id is None:
        raise Refusal("unknown_reference", "nobody of the firm has this login", login=owner)
    assert who.person_id is not None
    row = AuditAction(
        audit_id=audit.id,
        item=item,
        text=text,
        owner_id=owner_id,
        due_on=due_on,
        created_by=who.person_id,
    )
    session.add(row)
    session.flush()
    record(
        session,
        "audit_action_set",
        "audit_action",
        row.id,
        actor_id=who.person_id,
        audit_id=str(audit.id),
        item=item,
        due_on=str(due_on),
    )
    return row


def finish_action(
    session: Session, action_id: UUID, note: str, who: Identity, now: datetime
) -> AuditAction:
    """Say that it is done, and how; its owner does, or who audits.

    Raises
    ------
    Refusal
        ``not_found``; ``forbidden`` for anybody else; ``already_decided``.
    """
    row = session.get(AuditAction, action_id, with_for_update=True)
    if row is None:
        raise Refusal("not_found")
    if row.owner_id != who.person_id and who.role not in (roles.AUDITOR, roles.ADMIN):
        raise Refusal("forbidden", "its owner says that it is done")
    if row.done_at is not None:
        if row.done_note == note:
            return row
        raise Refusal("already_decided", "this is done already", id=str(row.id))
    row.done_at, row.done_note = now, note
    record(
        session,
        "audit_action_done",
        "audit_action",
        row.id,
        actor_id=who.person_id,
        audit_id=str(row.audit_id),
        item=row.item,
    )
    return row


def actions(today: date, *, overdue_only: bool = False) -> Select[tuple[AuditAction]]:
    """All corrective actions, or those past their day and not done."""
    query = select(AuditAction).options(joinedload(AuditAction.owner))
    if overdue_only:
        query = query.where(AuditAction.done_at.is_(None), AuditAction.due_on < today)
    return query


def overdue(row: AuditAction, today: date) -> bool:
    """Whether its day has passed without its being done."""
    return row.done_at is None and row.due_on < today
