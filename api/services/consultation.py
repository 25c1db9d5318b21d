"""Consultation: shared indicators, the agenda, suggestions and their answers by a promised day."""

from __future__ import annotations

import tomllib
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Date, cast, func, or_, select, true
from sqlalchemy.orm import Session

from api.db.models import AgendaItem, ConsumerLink, Outlet, Suggestion
from api.services.activity import record
from api.services.identity import Identity
from api.services.policies import CONFIG
from api.services.refusals import Refusal
from api.services.regions import local_day, the_region
from api.services.scorecards import MEASURES, gather, template
from api.services.work_done import period_of
from domain import roles
from domain.consultation import ConsultationPolicy, consultation_in_force, consultation_policy


@cache
def policies() -> tuple[ConsultationPolicy, ...]:
    """All consultation policies on disk."""
    return tuple(
        consultation_policy(tomllib.loads(path.read_text(encoding="utf-8")))
        for path in sorted((CONFIG / "policies" / "consultation").glob("*.toml"))
    )


def policy_on(day: date) -> ConsultationPolicy:
    """The promises of a day."""
    return consultation_in_force(policies(), day)


def indicators(session: Session, first: date, last: date, now: datetime) -> dict[str, Any]:
    """The scorecard's measures of a period, for the firm and by outlet.

    The same figures for every party. A share with few jobs behind it is told as ``None``.

    Raises
    ------
    Refusal
        ``invalid`` for a period that ends before it begins; ``rules_unknown``.
    """
    if last < first:
        raise Refusal("invalid", "the period ends before it begins")
    policy, period = policy_on(last), period_of(session, first, last)
    items = template(session, last).items
    outlets = session.execute(select(Outlet.id, Outlet.name).order_by(Outlet.name)).all()
    groups = []
    for outlet_id, name in [(None, ""), *outlets]:
        facts = gather(session, period, now, outlet_id)
        shares = []
        for item in items:
            count = MEASURES.get(item.code)
            found = None if count is None else count(facts)
            told = None if found is None else policy.shown(found.share.count, found.share.of)
            shares.append(
                {
                    "code": item.code,
                    "share": None if told is None else {"count": told[0], "of": told[1]},
                }
            )
        groups.append({"outlet": name, "shares": shares})
    return {"smallest_group": policy.smallest_group, "groups": groups}


def put_on_agenda(
    session: Session, title: str, text: str, meets_on: date | None, who: Identity
) -> AgendaItem:
    """Ask the parties about something."""
    assert who.person_id is not None
    row = AgendaItem(title=title, text=text, meets_on=meets_on, created_by=who.person_id)
    session.add(row)
    session.flush()
    record(session, "agenda_item_put", "agenda_item", row.id, actor_id=who.person_id)
    return row


def suggest(
    session: Session, text: str, agenda_item_id: UUID | None, who: Identity, now: datetime
) -> Suggestion:
    """Take a party's suggestion; the day of the answer is promised with it.

    Raises
    ------
    Refusal
        ``unknown_reference`` for an agenda item that is not there.
    """
    if agenda_item_id is not None and session.get(AgendaItem, agenda_item_id) is None:
        raise Refusal("unknown_reference", "no such agenda item", id=str(agenda_item_id))
    told_on = local_day(now, the_region(session).timezone)
    policy = policy_on(told_on)
    row = Suggestion(
        agenda_item_id=agenda_item_id,
        party=who.role,
        person_id=who.person_id,
        link_id=who.link_id,
        text=text,
        told_at=now,
        due_on=policy.due_on(who.role, told_on),
        policy_version=policy.version,
    )
    session.add(row)
    session.flush()
    record(
        session,
        "suggestion_made",
        "suggestion",
        row.id,
        actor_id=who.person_id,
        party=row.party,
        due_on=str(row.due_on),
    )
    return row


def answer(
    session: Session, suggestion_id: UUID, text: str, who: Identity, now: datetime
) -> Suggestion:
    """Answer, once; an answer after its day is still one, and told as late.

    Raises
    ------
    Refusal
        ``not_found``; ``already_decided`` for another answer than the one given.
    """
    row = session.get(Suggestion, suggestion_id, with_for_update=True)
    if row is None:
        raise Refusal("not_found")
    if row.answered_at is not None:
        if row.answer == text:
            return row
        raise Refusal("already_decided", "this has been answered", id=str(row.id))
    row.answer, row.answered_at, row.answered_by = text, now, who.person_id
    record(session, "suggestion_answered", "suggestion", row.id, actor_id=who.person_id)
    return row


def suggestions_within(who: Identity) -> ColumnElement[bool]:
    """Which suggestions this person reads: a consumer those of the own job, an assessor the own."""
    if who.role == roles.CONSUMER:
        links = select(ConsumerLink.id).where(ConsumerLink.job_id == who.job_id)
        return Suggestion.link_id.in_(links)
    if who.role == roles.ASSESSOR:
        return Suggestion.person_id == who.person_id
    return true()


def past_its_day(zone_today: date, zone: str) -> ColumnElement[bool]:
    """Suggestions whose day passed unanswered, or that were answered after it."""
    answered_on = cast(func.timezone(zone, Suggestion.answered_at), Date)
    return or_(
        Suggestion.answered_at.is_(None) & (Suggestion.due_on < zone_today),
        answered_on > Suggestion.due_on,
    )


def late(row: Suggestion, today: date, zone: str) -> bool:
    """Whether its day passed before it was answered."""
    answered_on = today if row.answered_at is None else local_day(row.answered_at, zone)
    return answered_on > row.due_on
