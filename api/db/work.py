"""What consumers report and what has to be done about it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from api.db.base import Base, CreatedAt, Key
from domain.lifecycle import JobState, Mode

CHANNELS = ("phone", "web", "walk_in", "api", "sms", "wechat", "email")
JOB_STATUSES = tuple(str(state) for state in JobState)
MODES = tuple(str(mode) for mode in Mode)


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


class Consumer(Base):
    """Who waits for the technician. Personal data: shown by role (see `api.services.masking`)."""

    __tablename__ = "consumer"

    id: Mapped[Key]
    name: Mapped[str]
    phone: Mapped[str]
    phone_e164: Mapped[str | None] = mapped_column(index=True)
    email: Mapped[str | None]
    created_at: Mapped[CreatedAt]


class Request(Base):
    """A report as it came in; never changed afterwards."""

    __tablename__ = "request"
    __table_args__ = (
        CheckConstraint(_one_of("channel", CHANNELS), name="channel"),
        CheckConstraint("lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180", name="place"),
    )

    id: Mapped[Key]
    consumer_id: Mapped[UUID] = mapped_column(ForeignKey("consumer.id"), index=True)
    channel: Mapped[str]
    reported_at: Mapped[datetime]
    product: Mapped[str]
    fault: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    dangers: Mapped[list[Any]] = mapped_column(default=list)
    call_id: Mapped[UUID | None] = mapped_column(ForeignKey("phone_call.id"))
    message_id: Mapped[UUID | None] = mapped_column(ForeignKey("incoming_message.id"))
    address: Mapped[str]
    lat: Mapped[float]
    lon: Mapped[float]
    received_at: Mapped[CreatedAt]
    received_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))

    consumer: Mapped[Consumer] = relationship()


class Job(Base):
    """A visit to be made, with its arrival clock and the rule that set it.

    ``windows``: list of ``[iso, iso]``, the appointments promised; empty = any time.
    ``number`` is what people say on the phone. ``due_at`` is the rule's own deadline and is never
    moved; ``agreed_due_at`` is the later one that the consumer asked for. ``repeat_of``: the same
    fault was repaired shortly before; ``duplicate_of``: it is being dealt with already.
    ``estimate`` is where ``service_s`` comes from.
    """

    __tablename__ = "job"
    __table_args__ = (
        CheckConstraint(_one_of("status", JOB_STATUSES), name="status"),
        CheckConstraint(_one_of("mode", MODES), name="mode"),
        CheckConstraint("crew BETWEEN 1 AND 2", name="crew"),
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
    agreed_due_at: Mapped[datetime | None]
    skills: Mapped[dict[str, Any]]
    parts: Mapped[dict[str, Any]]
    service_s: Mapped[int]
    windows: Mapped[list[Any]] = mapped_column(default=list)
    triage_rule: Mapped[str]
    triage_version: Mapped[str]
    mode: Mapped[str] = mapped_column(default="on_site")
    crew: Mapped[int] = mapped_column(default=1)
    equipment: Mapped[list[Any]] = mapped_column(default=list)
    estimate: Mapped[dict[str, Any]] = mapped_column(default=dict)
    repeat_of: Mapped[UUID | None] = mapped_column(ForeignKey("job.id"), index=True)
    duplicate_of: Mapped[UUID | None] = mapped_column(ForeignKey("job.id"))
    closed_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]

    request: Mapped[Request] = relationship()

    @property
    def wanted_by(self) -> datetime:
        """What a plan has to keep: the rule's deadline, or the later one that was asked for."""
        return max(self.due_at, self.agreed_due_at or self.due_at)


class JobEvent(Base):
    """One move of a job through its life, by whom and why; never changed."""

    __tablename__ = "job_event"
    __table_args__ = (UniqueConstraint("job_id", "sequence"),)

    id: Mapped[Key]
    job_id: Mapped[UUID] = mapped_column(ForeignKey("job.id"), index=True)
    sequence: Mapped[int]
    kind: Mapped[str]
    state: Mapped[str]
    at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(default="")
    by: Mapped[str] = mapped_column(default="")
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    visit_id: Mapped[UUID | None]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[CreatedAt]
