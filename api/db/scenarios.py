"""A planner's scenarios, and the posts that an adopted one opens."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.orm import Mapped, deferred, mapped_column

from api.db.base import Base, CreatedAt, Key

SCENARIO_STATUSES = ("draft", "queued", "running", "succeeded", "failed", "cancelled")


class ScenarioRow(Base):
    """One version of a scenario: a frozen question, and its answer once a worker has found it.

    ``question`` is ``zhunda-plan-question/1`` and never changes (a trigger holds it); what a
    planner changes is a new version of the same name. ``order`` is what was asked for, as the page
    can show it again. ``checkpoints`` holds finished replications by stage, so that a worker on
    another machine goes on where one was killed. ``run_number`` counts the runs asked for: a job of
    an earlier run finds that it is late.
    """

    __tablename__ = "scenario"
    __table_args__ = (
        UniqueConstraint("name", "version"),
        CheckConstraint(
            "status IN (" + ", ".join(repr(status) for status in SCENARIO_STATUSES) + ")",
            name="status",
        ),
        CheckConstraint("mode IN ('full', 'screening')", name="mode"),
        CheckConstraint("(status = 'succeeded') = (answer_sha256 IS NOT NULL)", name="answered"),
    )

    id: Mapped[Key]
    name: Mapped[str]
    version: Mapped[int]
    order: Mapped[dict[str, Any]]
    facts: Mapped[dict[str, Any]]
    question: Mapped[dict[str, Any]] = deferred(mapped_column(JSON, nullable=False))
    question_sha256: Mapped[str]
    status: Mapped[str] = mapped_column(default="draft")
    mode: Mapped[str] = mapped_column(default="full")
    replications: Mapped[int] = mapped_column(default=2)
    seed: Mapped[int] = mapped_column(default=1)
    run_number: Mapped[int] = mapped_column(default=0)
    progress: Mapped[dict[str, Any]] = mapped_column(default=dict)
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    problem: Mapped[str | None]
    checkpoints: Mapped[dict[str, Any]] = deferred(
        mapped_column(JSON, nullable=False, default=dict)
    )
    summary: Mapped[dict[str, Any]] = mapped_column(default=dict)
    answer: Mapped[dict[str, Any] | None] = deferred(mapped_column(JSON(none_as_null=True)))
    answer_sha256: Mapped[str | None]
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[CreatedAt]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    adopted_at: Mapped[datetime | None]
    adopted_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))


class ScenarioOutlet(Base):
    """An outlet that an adopted scenario opened, by the candidate it was."""

    __tablename__ = "scenario_outlet"

    outlet_id: Mapped[UUID] = mapped_column(ForeignKey("outlet.id"), primary_key=True)
    scenario_id: Mapped[UUID] = mapped_column(ForeignKey("scenario.id"), index=True)
    site: Mapped[str] = mapped_column(Text)


class OutletClosing(Base):
    """An outlet that an adopted scenario closes, and where its people and its tools go."""

    __tablename__ = "outlet_closing"

    outlet_id: Mapped[UUID] = mapped_column(ForeignKey("outlet.id"), primary_key=True)
    scenario_id: Mapped[UUID] = mapped_column(ForeignKey("scenario.id"), index=True)
    heir_id: Mapped[UUID] = mapped_column(ForeignKey("outlet.id"), index=True)
    day: Mapped[date]
    carried_out_at: Mapped[datetime | None]


class Transfer(Base):
    """From ``day`` on a technician starts from another outlet."""

    __tablename__ = "transfer"

    technician_number: Mapped[int] = mapped_column(
        ForeignKey("technician.number"), primary_key=True
    )
    day: Mapped[date] = mapped_column(primary_key=True)
    from_id: Mapped[UUID] = mapped_column(ForeignKey("outlet_closing.outlet_id"), index=True)
    to_id: Mapped[UUID] = mapped_column(ForeignKey("outlet.id"), index=True)


class Vacancy(Base):
    """A technician's post to fill: one head, with the skills and the roster it was planned for."""

    __tablename__ = "vacancy"
    __table_args__ = (
        CheckConstraint("status IN ('open', 'filled')", name="status"),
        CheckConstraint("(status = 'filled') = (technician_number IS NOT NULL)", name="filled"),
    )

    id: Mapped[Key]
    scenario_id: Mapped[UUID] = mapped_column(ForeignKey("scenario.id"), index=True)
    outlet_id: Mapped[UUID] = mapped_column(ForeignKey("outlet.id"), index=True)
    skills: Mapped[dict[str, Any]]
    roster: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(default="open")
    technician_number: Mapped[int | None] = mapped_column(
        ForeignKey("technician.number"), unique=True
    )
    created_at: Mapped[CreatedAt]
    filled_at: Mapped[datetime | None]
