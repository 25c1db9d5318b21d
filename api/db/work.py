"""What consumers report and what has to be done about it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from api.db.base import Base, CreatedAt, Key

CHANNELS = ("phone", "web", "walk_in", "api")
JOB_STATUSES = ("open", "planned", "done", "cancelled")


class Consumer(Base):
    """Who waits for the technician. Personal data: shown by role (see `api.services.masking`)."""

    __tablename__ = "consumer"

    id: Mapped[Key]
    name: Mapped[str]
    phone: Mapped[str]
    created_at: Mapped[CreatedAt]


class Request(Base):
    """A report as it came in; never changed afterwards."""

    __tablename__ = "request"
    __table_args__ = (
        CheckConstraint("channel IN ('phone', 'web', 'walk_in', 'api')", name="channel"),
        CheckConstraint("lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180", name="place"),
    )

    id: Mapped[Key]
    consumer_id: Mapped[UUID] = mapped_column(ForeignKey("consumer.id"), index=True)
    channel: Mapped[str]
    reported_at: Mapped[datetime]
    product: Mapped[str]
    fault: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    address: Mapped[str]
    lat: Mapped[float]
    lon: Mapped[float]
    received_at: Mapped[CreatedAt]
    received_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))

    consumer: Mapped[Consumer] = relationship()


class Job(Base):
    """A visit to be made, with its arrival clock and the rule that set it.

    ``windows``: list of ``[iso, iso]``, the appointments promised; empty = any time.
    ``number`` is what people say on the phone.
    """

    __tablename__ = "job"
    __table_args__ = (
        CheckConstraint("status IN ('open', 'planned', 'done', 'cancelled')", name="status"),
        CheckConstraint("due_at >= reported_at", name="clock"),
        CheckConstraint("service_s > 0", name="service"),
        Index("job_open_due_idx", "due_at", postgresql_where="status IN ('open', 'planned')"),
    )

    id: Mapped[Key]
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True), unique=True)
    request_id: Mapped[UUID] = mapped_column(ForeignKey("request.id"), unique=True)
    status: Mapped[str] = mapped_column(default="open")
    job_class: Mapped[str]
    reported_at: Mapped[datetime]
    due_at: Mapped[datetime]
    skills: Mapped[dict[str, Any]]
    parts: Mapped[dict[str, Any]]
    service_s: Mapped[int]
    windows: Mapped[list[Any]] = mapped_column(default=list)
    triage_rule: Mapped[str]
    triage_version: Mapped[str]
    created_at: Mapped[CreatedAt]

    request: Mapped[Request] = relationship()
