"""What was changed in a published plan while its day runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.orm import Mapped, deferred, mapped_column

from api.db.base import Base, CreatedAt, Key

CHANGES = (
    "job_committed",
    "job_left_out",
    "visit_delayed",
    "visit_moved",
    "visit_pinned",
    "visit_unpinned",
    "technician_out",
    "undone",
)


class PlanChange(Base):
    """One change of a published plan, or of a draft by hand; ``edition`` is the plan's after it.

    ``patch`` says how the question changed: ``jobs`` that came or became different, ``gone`` ones,
    ``places`` with their drives, ``closed`` shifts. ``before`` and ``after`` are the routes
    concerned, in the plan's own format. An undone change keeps its row and counts no more.
    """

    __tablename__ = "plan_change"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('job_committed', 'job_left_out', 'visit_delayed', 'visit_moved', "
            "'visit_pinned', 'visit_unpinned', 'technician_out', 'undone')",
            name="kind",
        ),
        UniqueConstraint("plan_id", "edition"),
    )

    id: Mapped[Key]
    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plan.id"))
    edition: Mapped[int]
    kind: Mapped[str]
    job_id: Mapped[UUID | None] = mapped_column(ForeignKey("job.id"))
    technician_id: Mapped[UUID | None] = mapped_column(ForeignKey("technician.id"))
    actor_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[CreatedAt]
    undone_at: Mapped[datetime | None]
    effect: Mapped[dict[str, Any]]
    patch: Mapped[dict[str, Any]] = deferred(mapped_column(JSON, nullable=False))
    before: Mapped[list[Any]] = deferred(mapped_column(JSON, nullable=False))
    after: Mapped[list[Any]] = deferred(mapped_column(JSON, nullable=False))
    document_before: Mapped[dict[str, Any]] = deferred(mapped_column(JSON, nullable=False))
