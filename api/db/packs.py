"""Evidence packs that somebody ordered."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, deferred, mapped_column, relationship

from api.db.base import Base, CreatedAt, Key
from api.db.people import Person

PACK_STATUSES = ("queued", "running", "succeeded", "failed", "cancelled")


class EvidencePack(Base):
    """An order for a pack, with the reason for it, and how far it is.

    ``scope`` is what the pack's manifest will say. ``job_ids`` are the jobs in it, so that every
    download can be kept as a look at each. The file is in the data folder, named by the id, until
    ``keep_until``; then ``removed_at`` says when it went.
    """

    __tablename__ = "evidence_pack"
    __table_args__ = (
        CheckConstraint(f"status IN {PACK_STATUSES}", name="status"),
        CheckConstraint("(status = 'succeeded') = (manifest_sha256 IS NOT NULL)", name="made"),
    )

    id: Mapped[Key]
    scope: Mapped[dict[str, Any]]
    why: Mapped[str]
    status: Mapped[str] = mapped_column(default="queued")
    progress: Mapped[dict[str, Any]] = mapped_column(default=dict)
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    problem: Mapped[str | None]
    jobs: Mapped[int | None]
    entries: Mapped[int | None]
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    manifest_sha256: Mapped[str | None]
    job_ids: Mapped[list[UUID]] = deferred(mapped_column(ARRAY(Uuid), nullable=False, default=list))
    created_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    created_at: Mapped[CreatedAt]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    keep_until: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship()
