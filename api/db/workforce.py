"""Outlets, technicians, what they may do, and when they work."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship
from uuid_utils.compat import uuid7

from api.db.base import Base, CreatedAt, Key


class Outlet(Base):
    """A service outlet: technicians start and end their day here. WGS-84."""

    __tablename__ = "outlet"

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(unique=True)
    address: Mapped[str]
    lat: Mapped[float]
    lon: Mapped[float]
    closed_on: Mapped[date | None]
    """The first day on which nobody starts from here any more."""
    created_at: Mapped[CreatedAt]


class Technician(Base):
    """A technician. ``number`` is the key inside the database: ranges of it make exclusion
    constraints possible without an extension; ``id`` is the name outside.

    ``skills`` maps a skill to the level held, ``stock`` a part to the pieces in the van.
    """

    __tablename__ = "technician"

    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    id: Mapped[UUID] = mapped_column(unique=True, default=uuid7)
    name: Mapped[str]
    outlet_id: Mapped[UUID] = mapped_column(ForeignKey("outlet.id"), index=True)
    skills: Mapped[dict[str, Any]]
    equipment: Mapped[list[Any]] = mapped_column(default=list)
    stock: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[CreatedAt]

    outlet: Mapped[Outlet] = relationship()
    certificates: Mapped[list[Certificate]] = relationship(order_by="Certificate.id")


class Certificate(Base):
    """A paper that a skill needs. Where one is recorded for a skill, only a valid one counts."""

    __tablename__ = "certificate"
    __table_args__ = (
        UniqueConstraint("technician_number", "name", "valid_from"),
        CheckConstraint("valid_until >= valid_from", name="validity"),
    )

    id: Mapped[Key]
    technician_number: Mapped[int] = mapped_column(ForeignKey("technician.number"))
    name: Mapped[str]
    skill: Mapped[str]
    valid_from: Mapped[date]
    valid_until: Mapped[date]


class Shift(Base):
    """Working time of one technician; two of them never overlap.

    ``breaks``: list of ``{"id", "windows": [[iso, iso], …], "duration_s"}``; a break starts inside
    one of its windows. ``duty``: a small crew on a day off, planned with the working day after.
    ``absent_from``: the technician has dropped out; what had not begun by then goes to others.
    """

    __tablename__ = "shift"
    __table_args__ = (
        CheckConstraint("end_at > start_at", name="order"),
        ExcludeConstraint(
            (text("int8range(technician_number, technician_number, '[]')"), "&&"),
            (text("tstzrange(start_at, end_at)"), "&&"),
            name="shift_no_overlap_excl",
        ),
    )

    id: Mapped[Key]
    technician_number: Mapped[int] = mapped_column(ForeignKey("technician.number"))
    day: Mapped[date] = mapped_column(index=True)
    start_at: Mapped[datetime]
    end_at: Mapped[datetime]
    overtime_s: Mapped[int] = mapped_column(default=0)
    duty: Mapped[bool] = mapped_column(default=False)
    breaks: Mapped[list[Any]] = mapped_column(default=list)
    absent_from: Mapped[datetime | None]

    technician: Mapped[Technician] = relationship()


class Region(Base):
    """The dispatch region: its name, its clock on the wall, and the box it lies in (WGS-84).

    ``jurisdiction`` is where its cases are judged (`domain.rules.packs`): CN, CN-ZJ, CN-ZJ-3301.
    """

    __tablename__ = "region"
    __table_args__ = (CheckConstraint("south < north AND west < east", name="box"),)

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(unique=True)
    timezone: Mapped[str]
    jurisdiction: Mapped[str] = mapped_column(default="CN", server_default="CN")
    south: Mapped[float]
    west: Mapped[float]
    north: Mapped[float]
    east: Mapped[float]
    demo_day: Mapped[date | None]
    created_at: Mapped[CreatedAt]
