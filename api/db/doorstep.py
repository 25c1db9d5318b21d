"""What phones bring from the doors besides events in order: events that wait, and photos."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from api.db.base import Base, CreatedAt, Key


class HeldEvent(Base):
    """An event that came before what it follows on, or against what the office did meanwhile.

    It is kept until what it waits for has come (``settled_at``, ``outcome``) or the office decides.
    """

    __tablename__ = "held_event"
    __table_args__ = (
        CheckConstraint("outcome IN ('', 'taken', 'set_aside')", name="outcome"),
        Index("held_event_waiting_idx", "visit_id", postgresql_where="settled_at IS NULL"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("visit.id"))
    event: Mapped[dict[str, Any]]
    at: Mapped[datetime]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str]
    received_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(default="")


class Photo(Base):
    """A photo of a visit. ``sha256`` is of the stored bytes and names the file in the data folder.

    ``sent_sha256`` is of the bytes as they came; the two differ where the place was taken out.
    """

    __tablename__ = "photo"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('fault', 'result', 'evidence', 'plate', 'signature')", name="kind"
        ),
        CheckConstraint("bytes > 0 AND width > 0 AND height > 0", name="size"),
        Index("photo_keep_idx", "keep_until"),
    )

    id: Mapped[Key]
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("visit.id"), index=True)
    job_id: Mapped[UUID] = mapped_column(ForeignKey("job.id"), index=True)
    kind: Mapped[str]
    sha256: Mapped[str] = mapped_column(index=True)
    sent_sha256: Mapped[str]
    media_type: Mapped[str]
    bytes: Mapped[int]
    width: Mapped[int]
    height: Mapped[int]
    place_removed: Mapped[bool]
    taken_at: Mapped[datetime]
    keep_until: Mapped[date]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[CreatedAt]
