"""What happened, in order, and which answers were given to which key."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from api.db.base import Base, CreatedAt


class Activity(Base):
    """One line a change, written in the transaction of the change.

    Sequence numbers are given before commits, so a reader that remembers the highest one may miss
    a line that commits later. Readers therefore go by ``(transaction, seq)`` and stop below the
    oldest transaction that is still open; see `api.services.activity`.
    """

    __tablename__ = "activity"
    __table_args__ = (
        Index("activity_cursor_idx", "transaction", "seq"),
        Index("activity_subject_id_idx", "subject_id"),
    )

    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    transaction: Mapped[int] = mapped_column(
        BigInteger, server_default=text("(pg_current_xact_id()::text::bigint)")
    )
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    actor_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    kind: Mapped[str]
    subject: Mapped[str]
    subject_id: Mapped[UUID]
    technician_number: Mapped[int | None] = mapped_column(BigInteger)
    data: Mapped[dict[str, Any]]


class IdempotencyKey(Base):
    """The answer that a key was given; written in the transaction of the change.

    ``holder_id`` is a person's id or, for a consumer, the link's.
    """

    __tablename__ = "idempotency_key"

    holder_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[str]
    status: Mapped[int | None]
    headers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    body: Mapped[str] = mapped_column(default="")
    created_at: Mapped[CreatedAt]
