"""What is said and found about the work: call-backs, surveys, incidents, scores, merits."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.orm import Mapped, mapped_column, relationship

from api.db.base import Base, CreatedAt, Key
from api.db.work import Job


class FollowUp(Base):
    """One attempt to call back (回访); never changed. ``id`` is made by whoever calls."""

    __tablename__ = "follow_up"
    __table_args__ = (
        CheckConstraint("outcome IN ('reached', 'no_answer', 'refused')", name="outcome"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    job_id: Mapped[UUID] = mapped_column(ForeignKey("job.id"), index=True)
    at: Mapped[datetime]
    outcome: Mapped[str]
    note: Mapped[str] = mapped_column(default="")
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[CreatedAt]


class Survey(Base):
    """A consumer's answers about one job, given once; never changed."""

    __tablename__ = "survey"
    __table_args__ = (
        CheckConstraint("satisfaction BETWEEN 1 AND 5", name="satisfaction"),
        CheckConstraint("recommend BETWEEN 0 AND 10", name="recommend"),
        CheckConstraint("door IN ('link', 'phone')", name="door"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    job_id: Mapped[UUID] = mapped_column(ForeignKey("job.id"), unique=True)
    door: Mapped[str]
    satisfaction: Mapped[int]
    recommend: Mapped[int | None]
    solved: Mapped[bool]
    conduct: Mapped[dict[str, Any]] = mapped_column(default=dict)
    comment: Mapped[str] = mapped_column(default="")
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    answered_at: Mapped[datetime]

    job: Mapped[Job] = relationship()


class Incident(Base):
    """Something about a technician's conduct, and whether it was found to be so."""

    __tablename__ = "incident"
    __table_args__ = (
        CheckConstraint("(decided_at IS NULL) = (established IS NULL)", name="decided"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    technician_number: Mapped[int] = mapped_column(ForeignKey("technician.number"), index=True)
    job_id: Mapped[UUID | None] = mapped_column(ForeignKey("job.id"), index=True)
    topic: Mapped[str]
    text: Mapped[str]
    at: Mapped[datetime]
    reported_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    established: Mapped[bool | None]
    finding: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[CreatedAt]


class ScorecardRun(Base):
    """A score as it was told, with the records behind every point; never changed."""

    __tablename__ = "scorecard"

    id: Mapped[Key]
    start: Mapped[date]
    end: Mapped[date]
    outlet_id: Mapped[UUID | None] = mapped_column(ForeignKey("outlet.id"))
    as_of: Mapped[datetime]
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    sha256: Mapped[str]
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[CreatedAt]


class MeritEntry(Base):
    """A line of the ledger of rewards and penalties (`domain.incentives`); never changed."""

    __tablename__ = "merit_entry"

    id: Mapped[str] = mapped_column(primary_key=True)
    technician_number: Mapped[int] = mapped_column(ForeignKey("technician.number"), index=True)
    fact: Mapped[str]
    fact_kind: Mapped[str]
    rule: Mapped[str]
    rules_version: Mapped[str]
    at: Mapped[datetime]
    fen: Mapped[int] = mapped_column(BigInteger)
    points: Mapped[int]
    explanation: Mapped[dict[str, Any]]
    takes_back: Mapped[str | None] = mapped_column(ForeignKey("merit_entry.id"), unique=True)
    created_at: Mapped[CreatedAt]


class MeritAppeal(Base):
    """A technician's appeal against an entry, and what came of it."""

    __tablename__ = "merit_appeal"
    __table_args__ = (
        CheckConstraint("decision IN ('', 'granted', 'refused')", name="decision"),
        CheckConstraint("(decision = '') = (decided_at IS NULL)", name="decided"),
        UniqueConstraint("entry_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    entry_id: Mapped[str] = mapped_column(ForeignKey("merit_entry.id"))
    technician_number: Mapped[int] = mapped_column(ForeignKey("technician.number"), index=True)
    text: Mapped[str]
    at: Mapped[datetime]
    decision: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[CreatedAt]

    entry: Mapped[MeritEntry] = relationship()
