"""What others follow: calendars of technicians, and addresses that are told of changes."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from api.db.base import Base, CreatedAt, Key


class CalendarFeed(Base):
    """A secret address of one technician's visits. Only its hash is kept; it can be revoked."""

    __tablename__ = "calendar_feed"

    id: Mapped[Key]
    technician_number: Mapped[int] = mapped_column(ForeignKey("technician.number"), index=True)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[CreatedAt]
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    revoked_at: Mapped[datetime | None]


class Webhook(Base):
    """An address that is told of changes; its cursor is where it stands in the activity feed.

    ``secret`` signs what is sent, so it has to be known here. Empty ``kinds`` are all.
    """

    __tablename__ = "webhook"

    id: Mapped[Key]
    url: Mapped[str]
    secret: Mapped[str]
    kinds: Mapped[list[Any]] = mapped_column(default=list)
    cursor_transaction: Mapped[int] = mapped_column(BigInteger)
    cursor_seq: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[CreatedAt]
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    removed_at: Mapped[datetime | None]


class WebhookDelivery(Base):
    """One line of the feed for one address: waiting, delivered, or given up (``dead``)."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        UniqueConstraint("webhook_id", "event"),
        CheckConstraint("status IN ('queued', 'delivered', 'dead')", name="status"),
        Index("webhook_delivery_due_idx", "next_try_at", postgresql_where="status = 'queued'"),
    )

    id: Mapped[Key]
    webhook_id: Mapped[UUID] = mapped_column(ForeignKey("webhook.id"))
    event: Mapped[str]
    kind: Mapped[str]
    body: Mapped[str]
    status: Mapped[str] = mapped_column(default="queued")
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime]
    last_answer: Mapped[str] = mapped_column(default="")
    delivered_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
