"""By which door a report came, and what its consumer was told at once."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from api.db.base import Base, CreatedAt, Key


class PhoneCall(Base):
    """One call with its instants: it rings, the menu speaks, a human answers, it ends.

    ``call_key`` is the exchange's own name of the call, so that its messages may come twice and in
    any order. The caller's number is personal data.
    """

    __tablename__ = "phone_call"
    __table_args__ = (
        CheckConstraint("source IN ('webhook', 'manual', 'csv')", name="source"),
        CheckConstraint(
            "menu_at >= ring_at AND answer_at >= COALESCE(menu_at, ring_at) "
            "AND end_at >= COALESCE(answer_at, menu_at, ring_at)",
            name="order",
        ),
        Index("phone_call_ring_idx", "ring_at", "id"),
    )

    id: Mapped[Key]
    call_key: Mapped[str] = mapped_column(unique=True)
    source: Mapped[str]
    line: Mapped[str] = mapped_column(default="")
    caller: Mapped[str] = mapped_column(default="")
    ring_at: Mapped[datetime | None]
    menu_at: Mapped[datetime | None]
    answer_at: Mapped[datetime | None]
    end_at: Mapped[datetime | None]
    agent_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[CreatedAt]


class CallFigures(Base):
    """How fast a calendar day's calls were answered; renewed with every change of its log."""

    __tablename__ = "call_figures"

    day: Mapped[date] = mapped_column(primary_key=True)
    policy: Mapped[str]
    figures: Mapped[dict[str, Any]]
    renewed_at: Mapped[datetime]


class IncomingMessage(Base):
    """A message as it came in. Who reported by it is answered by it; its clock starts with it."""

    __tablename__ = "incoming_message"
    __table_args__ = (
        UniqueConstraint("channel", "message_key"),
        CheckConstraint("channel IN ('sms', 'wechat', 'email')", name="channel"),
        CheckConstraint("status IN ('new', 'reported', 'set_aside')", name="status"),
        Index("incoming_message_new_idx", "received_at", postgresql_where="status = 'new'"),
    )

    id: Mapped[Key]
    channel: Mapped[str]
    message_key: Mapped[str]
    sender: Mapped[str]
    subject: Mapped[str] = mapped_column(default="")
    text: Mapped[str]
    received_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(default="new")
    problem: Mapped[str] = mapped_column(default="")
    created_at: Mapped[CreatedAt]


class OutgoingMessage(Base):
    """A message to a consumer, and what the carrier said of its delivery."""

    __tablename__ = "outgoing_message"
    __table_args__ = (
        CheckConstraint("channel IN ('sms', 'wechat', 'email')", name="channel"),
        CheckConstraint("status IN ('queued', 'delivered', 'failed')", name="status"),
        Index("outgoing_message_queued_idx", "next_try_at", postgresql_where="status = 'queued'"),
    )

    id: Mapped[Key]
    job_id: Mapped[UUID] = mapped_column(ForeignKey("job.id"), index=True)
    kind: Mapped[str]
    channel: Mapped[str]
    recipient: Mapped[str]
    subject: Mapped[str] = mapped_column(default="")
    text: Mapped[str]
    status: Mapped[str] = mapped_column(default="queued")
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
    delivery_receipt: Mapped[str] = mapped_column(default="")
    created_at: Mapped[CreatedAt]


class Receipt(Base):
    """What a consumer was told when the report came in. The database refuses to change it.

    ``sha256`` is of ``body`` as compact JSON with sorted keys. No personal data inside.
    """

    __tablename__ = "receipt"

    id: Mapped[Key]
    request_id: Mapped[UUID] = mapped_column(ForeignKey("request.id"), unique=True)
    job_id: Mapped[UUID] = mapped_column(ForeignKey("job.id"), index=True)
    issued_at: Mapped[datetime]
    body: Mapped[dict[str, Any]]
    sha256: Mapped[str]


class DurationModel(Base):
    """What the done jobs taught about durations; kept, so that each estimate can be replayed.

    ``cells``: ``{"product/fault": {"visits", "median_s", "spread"}}``.
    """

    __tablename__ = "duration_model"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    learned_at: Mapped[datetime]
    visits: Mapped[int]
    policy: Mapped[str]
    cells: Mapped[dict[str, Any]]
