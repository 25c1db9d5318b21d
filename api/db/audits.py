"""Audits: what was to be looked at, what was drawn, what was found, what is done about it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.orm import Mapped, mapped_column, relationship

from api.db.base import Base, CreatedAt, Key
from api.db.people import Person
from domain.audits import VERDICTS, AuditKind, AuditState


class Audit(Base):
    """An audit. What is drawn from is fixed when it is planned; a drawn sample never changes.

    ``items`` is the checklist as it was then; ``population`` maps job to stratum, frozen under
    ``population_root``. ``seed``, ``nonce``, ``commitment`` and ``public_key`` are hexadecimal. A
    third party's seed is empty until it is revealed. ``follows_id``: the same measure as in that
    audit, made again.
    """

    __tablename__ = "audit"
    __table_args__ = (
        CheckConstraint(f"kind IN {tuple(str(kind) for kind in AuditKind)}", name="kind"),
        CheckConstraint(f"state IN {tuple(str(state) for state in AuditState)}", name="state"),
        CheckConstraint("strata IN ('none', 'outlet', 'class')", name="strata"),
        CheckConstraint("size > 0", name="size"),
        CheckConstraint('"last" >= "first"', name="period"),
        CheckConstraint(
            "(kind = 'third_party') = (assessor_id IS NOT NULL AND access_until IS NOT NULL)",
            name="assessor",
        ),
    )

    id: Mapped[Key]
    kind: Mapped[str]
    title: Mapped[str]
    checklist: Mapped[str]
    checklist_version: Mapped[str]
    items: Mapped[list[Any]]
    first: Mapped[date]
    last: Mapped[date]
    outlet_id: Mapped[UUID | None] = mapped_column(ForeignKey("outlet.id"))
    job_class: Mapped[str] = mapped_column(default="")
    strata: Mapped[str]
    size: Mapped[int]
    state: Mapped[str]
    seed: Mapped[str] = mapped_column(default="")
    nonce: Mapped[str] = mapped_column(default="")
    commitment: Mapped[str] = mapped_column(default="")
    public_key: Mapped[str] = mapped_column(default="")
    assessor_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), index=True)
    access_until: Mapped[datetime | None]
    population: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    population_root: Mapped[str] = mapped_column(default="")
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    follows_id: Mapped[UUID | None] = mapped_column(ForeignKey("audit.id"), index=True)
    created_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[CreatedAt]
    drawn_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]


class AuditJob(Base):
    """A job in the sample of an audit."""

    __tablename__ = "audit_job"

    audit_id: Mapped[UUID] = mapped_column(ForeignKey("audit.id"), primary_key=True)
    job_id: Mapped[UUID] = mapped_column(ForeignKey("job.id"), primary_key=True, index=True)


class AuditFinding(Base):
    """What was found about one item in one sampled job; the last word before the audit closes."""

    __tablename__ = "audit_finding"
    __table_args__ = (
        CheckConstraint(f"verdict IN {VERDICTS}", name="verdict"),
        # The job is one of the sample.
        ForeignKeyConstraint(["audit_id", "job_id"], ["audit_job.audit_id", "audit_job.job_id"]),
    )

    audit_id: Mapped[UUID] = mapped_column(primary_key=True)
    job_id: Mapped[UUID] = mapped_column(ForeignKey("job.id"), primary_key=True, index=True)
    item: Mapped[str] = mapped_column(primary_key=True)
    verdict: Mapped[str]
    note: Mapped[str] = mapped_column(default="")
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]


class AuditAction(Base):
    """What is to be done about an item, by whom and until when."""

    __tablename__ = "audit_action"

    id: Mapped[Key]
    audit_id: Mapped[UUID] = mapped_column(ForeignKey("audit.id"), index=True)
    item: Mapped[str]
    text: Mapped[str]
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    due_on: Mapped[date]
    done_at: Mapped[datetime | None]
    done_note: Mapped[str] = mapped_column(default="")
    created_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[CreatedAt]

    owner: Mapped[Person] = relationship(foreign_keys=[owner_id])
