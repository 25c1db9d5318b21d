"""Plan runs, plans with their versions, and the visits that a published plan promises."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSON, JSONB, ExcludeConstraint
from sqlalchemy.orm import Mapped, deferred, mapped_column, relationship

from api.db.base import Base, CreatedAt, Key
from api.db.work import Job
from api.db.workforce import Technician
from domain.lifecycle import VisitState


class PlanRun(Base):
    """One request to plan a day, and how far the worker is with it."""

    __tablename__ = "plan_run"
    __table_args__ = (
        CheckConstraint(
            "status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name="status"
        ),
    )

    id: Mapped[Key]
    day: Mapped[date]
    as_of: Mapped[datetime]
    status: Mapped[str] = mapped_column(default="queued")
    engine: Mapped[str]
    seconds: Mapped[float | None]
    iterations: Mapped[int | None]
    seed: Mapped[int] = mapped_column(default=1)
    threads: Mapped[int] = mapped_column(default=1)
    progress: Mapped[dict[str, Any]] = mapped_column(default=dict)
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    problem: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class Plan(Base):
    """One version of a day's plan. ``problem`` and ``document`` are the formats of ``optimizer``.

    ``epoch`` is the instant of second 0. ``fingerprint`` names the data that was planned: same
    fingerprint, same question.
    """

    __tablename__ = "plan"
    __table_args__ = (
        CheckConstraint("status IN ('draft', 'published', 'superseded')", name="status"),
        UniqueConstraint("day", "version"),
        Index("plan_one_published_idx", "day", unique=True, postgresql_where="status='published'"),
    )

    id: Mapped[Key]
    run_id: Mapped[UUID] = mapped_column(ForeignKey("plan_run.id"), unique=True)
    day: Mapped[date]
    version: Mapped[int]
    status: Mapped[str] = mapped_column(default="draft")
    edition: Mapped[int] = mapped_column(default=1)
    fingerprint: Mapped[str]
    epoch: Mapped[datetime]
    problem: Mapped[dict[str, Any]] = deferred(mapped_column(JSON))
    document: Mapped[dict[str, Any]] = deferred(mapped_column(JSON))
    geometry: Mapped[dict[str, Any]] = deferred(mapped_column(JSON))
    goals: Mapped[dict[str, Any]]
    violations: Mapped[list[Any]]
    summary: Mapped[dict[str, Any]]
    source_of_travel_times: Mapped[str]
    created_at: Mapped[CreatedAt]
    published_at: Mapped[datetime | None]


class Visit(Base):
    """A published stop: who is at which door when, and how far it has come.

    While ``active``, no two visits of a technician overlap in time, and no technician visits a job
    twice; PostgreSQL is the last guard of both.
    """

    __tablename__ = "visit"
    __table_args__ = (
        CheckConstraint(
            "state IN (" + ", ".join(repr(str(state)) for state in VisitState) + ")", name="state"
        ),
        CheckConstraint("end_at > arrival_at AND start_at >= arrival_at", name="order"),
        ExcludeConstraint(
            (text("int8range(technician_number, technician_number, '[]')"), "&&"),
            (text("tstzrange(arrival_at, end_at)"), "&&"),
            where=text("active"),
            deferrable=True,
            name="visit_no_double_booking_excl",
        ),
        Index(
            "visit_one_active_idx",
            "job_id",
            "technician_number",
            unique=True,
            postgresql_where="active",
        ),
        Index("visit_day_idx", "day", "technician_number"),
    )

    id: Mapped[Key]
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True), unique=True)
    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plan.id"), index=True)
    job_id: Mapped[UUID] = mapped_column(ForeignKey("job.id"), index=True)
    technician_number: Mapped[int] = mapped_column(ForeignKey("technician.number"))
    shift_id: Mapped[UUID] = mapped_column(ForeignKey("shift.id"), index=True)
    day: Mapped[date]
    sequence: Mapped[int]
    arrival_at: Mapped[datetime]
    start_at: Mapped[datetime]
    end_at: Mapped[datetime]
    travel_s: Mapped[int]
    state: Mapped[str] = mapped_column(default="published")
    active: Mapped[bool] = mapped_column(default=True)
    arrived_at: Mapped[datetime | None]

    job: Mapped[Job] = relationship()
    technician: Mapped[Technician] = relationship()


class VisitEvent(Base):
    """What a phone reported. ``id`` is the phone's own: the same id twice is the same event.

    ``at`` is the device's clock, ``offset_minutes`` its zone then, ``skew_s`` what must be added to
    it because that clock was wrong; ``received_at`` is ours. ``signed`` is the phone's signature
    (`api.services.device_keys`), None where the phone has no key.
    """

    __tablename__ = "visit_event"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("visit.id"), index=True)
    kind: Mapped[str]
    at: Mapped[datetime]
    offset_minutes: Mapped[int]
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    accuracy_m: Mapped[int | None]
    skew_s: Mapped[int] = mapped_column(default=0)
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    received_at: Mapped[CreatedAt]
    signed: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))


class RouteSheet(Base):
    """What one technician's phone shows for one day, ready to send; renewed with every change."""

    __tablename__ = "route_sheet"

    technician_number: Mapped[int] = mapped_column(
        ForeignKey("technician.number"), primary_key=True
    )
    day: Mapped[date] = mapped_column(primary_key=True)
    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plan.id"))
    etag: Mapped[str]
    payload: Mapped[str]
