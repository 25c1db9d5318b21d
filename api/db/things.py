"""Parts as moves, equipment with its checks, training: what may be used and what is left of it.

The database itself keeps the sums: a trigger books each move into `StockBalance`, which cannot
become negative, and into ``technician.stock``; moves are never changed.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from api.db.base import Base, CreatedAt, Key


class Part(Base):
    """A part the operator keeps. ``serialised``: each piece has a number that is recorded."""

    __tablename__ = "part"
    __table_args__ = (CheckConstraint("cost_fen >= 0", name="cost"),)

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    cost_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    serialised: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[CreatedAt]


class StockMove(Base):
    """Pieces of a part going from one place to another; see `domain.stock` for places."""

    __tablename__ = "stock_move"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("origin <> goal", name="places"),
        CheckConstraint("serial = '' OR quantity = 1", name="serial"),
        CheckConstraint(
            "kind IN ('opening', 'received', 'transferred', 'used', 'returned', 'scrapped', "
            "'counted')",
            name="kind",
        ),
        Index("stock_move_serial_idx", "part", "serial", postgresql_where="serial <> ''"),
    )

    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    part: Mapped[str] = mapped_column(ForeignKey("part.code"), index=True)
    quantity: Mapped[int]
    origin: Mapped[str]
    goal: Mapped[str]
    kind: Mapped[str]
    serial: Mapped[str] = mapped_column(default="")
    job_id: Mapped[UUID | None] = mapped_column(ForeignKey("job.id"), index=True)
    visit_id: Mapped[UUID | None] = mapped_column(ForeignKey("visit.id"), index=True)
    unit_cost_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    reason: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[CreatedAt]


class StockBalance(Base):
    """How many pieces lie where: the sum of all moves, written by the database alone."""

    __tablename__ = "stock_balance"
    __table_args__ = (
        CheckConstraint("quantity >= 0 OR place IN ('supplier', 'counted')", name="never_negative"),
    )

    place: Mapped[str] = mapped_column(primary_key=True)
    part: Mapped[str] = mapped_column(ForeignKey("part.code"), primary_key=True)
    quantity: Mapped[int]


class PartReservation(Base):
    """Pieces in a van that a planned visit needs; nobody else may take them."""

    __tablename__ = "part_reservation"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity"),)

    visit_id: Mapped[UUID] = mapped_column(ForeignKey("visit.id"), primary_key=True)
    part: Mapped[str] = mapped_column(ForeignKey("part.code"), primary_key=True)
    technician_number: Mapped[int] = mapped_column(ForeignKey("technician.number"), index=True)
    quantity: Mapped[int]


class Equipment(Base):
    """A measuring device or tool that the work asks for by its ``kind``."""

    __tablename__ = "equipment"
    __table_args__ = (UniqueConstraint("kind", "serial"),)

    id: Mapped[Key]
    kind: Mapped[str]
    serial: Mapped[str]
    outlet_id: Mapped[UUID] = mapped_column(ForeignKey("outlet.id"), index=True)
    technician_number: Mapped[int | None] = mapped_column(
        ForeignKey("technician.number"), index=True
    )
    in_service_from: Mapped[date]
    retired_on: Mapped[date | None]
    created_at: Mapped[CreatedAt]


class EquipmentDuty(Base):
    """What must be repeated on a device: calibration, preventive care. Overdue: not dispatched."""

    __tablename__ = "equipment_duty"
    __table_args__ = (
        CheckConstraint("kind IN ('calibration', 'preventive')", name="kind"),
        CheckConstraint("every_days > 0", name="interval"),
    )

    equipment_id: Mapped[UUID] = mapped_column(ForeignKey("equipment.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    every_days: Mapped[int]
    first_due_on: Mapped[date]


class EquipmentCheck(Base):
    """A calibration or preventive job that was done, with its result and its paper."""

    __tablename__ = "equipment_check"
    __table_args__ = (
        CheckConstraint("kind IN ('calibration', 'preventive')", name="kind"),
        CheckConstraint("valid_until >= done_on", name="validity"),
    )

    id: Mapped[Key]
    equipment_id: Mapped[UUID] = mapped_column(ForeignKey("equipment.id"), index=True)
    kind: Mapped[str]
    done_on: Mapped[date]
    passed: Mapped[bool]
    valid_until: Mapped[date]
    paper: Mapped[str] = mapped_column(default="")
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[CreatedAt]


class Training(Base):
    """A course a technician has passed; with ``level`` it backs a skill up to that level.

    Where a skill has training on record that ends, only training still valid counts.
    """

    __tablename__ = "training"
    __table_args__ = (
        CheckConstraint("valid_until >= completed_on", name="validity"),
        CheckConstraint("cost_fen >= 0 AND hours >= 0", name="spent"),
    )

    id: Mapped[Key]
    technician_number: Mapped[int] = mapped_column(ForeignKey("technician.number"), index=True)
    course: Mapped[str]
    skill: Mapped[str | None]
    level: Mapped[int | None]
    hours: Mapped[int] = mapped_column(default=0)
    provider: Mapped[str] = mapped_column(default="")
    cost_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    completed_on: Mapped[date]
    valid_until: Mapped[date | None]
    created_at: Mapped[CreatedAt]
