"""What is judged by law: events of clocks, alerts, purchases and their repairs, complaints."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from api.db.base import Base, CreatedAt, Key
from api.db.work import Job
from domain.clocks.events import EventKind
from domain.complaints import ComplaintState


class ClockEvent(Base):
    """What happened to a job's or a complaint's clock (`domain.clocks.events`); never changed."""

    __tablename__ = "clock_event"
    __table_args__ = (
        CheckConstraint("(job_id IS NULL) <> (complaint_id IS NULL)", name="subject"),
        CheckConstraint(f"kind IN {tuple(str(kind) for kind in EventKind)}", name="kind"),
        CheckConstraint(
            "kind NOT IN ('postponed', 'no_access', 'paused', 'confirmed') "
            "OR (jsonb_array_length(evidence) > 0 AND reason <> '')",
            name="evidence",
        ),
        Index("clock_event_job_idx", "job_id"),
        Index("clock_event_complaint_idx", "complaint_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    job_id: Mapped[UUID | None] = mapped_column(ForeignKey("job.id"))
    complaint_id: Mapped[UUID | None] = mapped_column(ForeignKey("complaint.id"))
    kind: Mapped[str]
    at: Mapped[datetime]
    actor: Mapped[str]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str]
    evidence: Mapped[list[Any]]
    until: Mapped[datetime | None]
    target: Mapped[UUID | None]
    recorded_at: Mapped[CreatedAt]


class BreachAlert(Base):
    """A deadline that somebody was told about before it broke; ``lead_s`` is how long before."""

    __tablename__ = "breach_alert"
    __table_args__ = (UniqueConstraint("job_id", "due_at"),)

    id: Mapped[Key]
    job_id: Mapped[UUID] = mapped_column(ForeignKey("job.id"))
    due_at: Mapped[datetime]
    risk: Mapped[str]
    expected_at: Mapped[datetime | None]
    raised_at: Mapped[datetime]
    lead_s: Mapped[int] = mapped_column(BigInteger)


class Purchase(Base):
    """A thing a consumer bought, as its proof shows. ``proof`` names the evidence."""

    __tablename__ = "purchase"

    id: Mapped[Key]
    consumer_id: Mapped[UUID] = mapped_column(ForeignKey("consumer.id"), index=True)
    product: Mapped[str]
    serial: Mapped[str | None] = mapped_column(index=True)
    sold_on: Mapped[date | None]
    warranty_months: Mapped[int | None]
    proof: Mapped[str]
    recorded_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[CreatedAt]

    stays: Mapped[list[RepairStay]] = relationship(order_by="RepairStay.began_on")


class JobPurchase(Base):
    """Which thing a job repairs, and what was found about the cause."""

    __tablename__ = "job_purchase"

    job_id: Mapped[UUID] = mapped_column(ForeignKey("job.id"), primary_key=True)
    purchase_id: Mapped[UUID] = mapped_column(ForeignKey("purchase.id"), index=True)
    main_part: Mapped[bool] = mapped_column(default=False)
    consumer_caused: Mapped[bool] = mapped_column(default=False)
    cause_evidence: Mapped[str] = mapped_column(default="")

    purchase: Mapped[Purchase] = relationship()


class RepairStay(Base):
    """Days of a thing in repair (`domain.warranty.Repair`), and the loaner given for it."""

    __tablename__ = "repair_stay"
    __table_args__ = (
        CheckConstraint("ended_on IS NULL OR ended_on >= began_on", name="order"),
        UniqueConstraint("purchase_id", "began_on"),
    )

    id: Mapped[Key]
    purchase_id: Mapped[UUID] = mapped_column(ForeignKey("purchase.id"), index=True)
    job_id: Mapped[UUID | None] = mapped_column(ForeignKey("job.id"), index=True)
    began_on: Mapped[date]
    ended_on: Mapped[date | None]
    held: Mapped[bool] = mapped_column(default=True)
    parts_wait: Mapped[int] = mapped_column(default=0)
    by_repairer: Mapped[int] = mapped_column(default=0)
    loaner_on: Mapped[date | None]


class Complaint(Base):
    """A consumer's complaint. Its clocks are judged by the law of the day it was received."""

    __tablename__ = "complaint"
    __table_args__ = (
        CheckConstraint(f"state IN {tuple(str(s) for s in ComplaintState)}", name="state"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True), unique=True)
    job_id: Mapped[UUID] = mapped_column(ForeignKey("job.id"), index=True)
    topic: Mapped[str]
    text: Mapped[str]
    wish: Mapped[str]
    state: Mapped[str] = mapped_column(default="received")
    door: Mapped[str]
    received_at: Mapped[datetime]
    recorded_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))

    job: Mapped[Job] = relationship()
    steps: Mapped[list[ComplaintStep]] = relationship(order_by="ComplaintStep.at")


class ComplaintStep(Base):
    """A step of a complaint; never changed."""

    __tablename__ = "complaint_step"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    complaint_id: Mapped[UUID] = mapped_column(ForeignKey("complaint.id"), index=True)
    event: Mapped[str]
    at: Mapped[datetime]
    actor: Mapped[str]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    note: Mapped[str]
    recorded_at: Mapped[CreatedAt]
