"""Consultation: what is on the agenda, what was suggested, what was answered."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from api.db.base import Base, CreatedAt, Key
from domain.consultation import PARTIES


class AgendaItem(Base):
    """Something that the parties are asked about."""

    __tablename__ = "agenda_item"

    id: Mapped[Key]
    title: Mapped[str]
    text: Mapped[str]
    meets_on: Mapped[date | None]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[CreatedAt]


class Suggestion(Base):
    """What a party suggests; ``due_on`` was promised when it came in and never moves."""

    __tablename__ = "suggestion"
    __table_args__ = (
        CheckConstraint(f"party IN {PARTIES}", name="party"),
        CheckConstraint("(answered_at IS NULL) = (answer = '')", name="answered"),
        CheckConstraint("(party = 'consumer') = (link_id IS NOT NULL)", name="consumer"),
        CheckConstraint("(person_id IS NULL) = (link_id IS NOT NULL)", name="holder"),
    )

    id: Mapped[Key]
    agenda_item_id: Mapped[UUID | None] = mapped_column(ForeignKey("agenda_item.id"), index=True)
    party: Mapped[str]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    link_id: Mapped[UUID | None] = mapped_column(ForeignKey("consumer_link.id"), index=True)
    text: Mapped[str]
    told_at: Mapped[datetime]
    due_on: Mapped[date]
    policy_version: Mapped[str]
    answer: Mapped[str] = mapped_column(default="")
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[CreatedAt]
