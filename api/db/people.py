"""Who may do what: people with a role, their browser sessions, their programs' tokens."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column, relationship

from api.db.base import Base, CreatedAt, Key
from domain.roles import SIGNING_IN


class Person(Base):
    """Somebody who signs in. ``technician_number`` ties a technician's login to the workforce,
    ``outlet_id`` a manager's to an outlet. From ``access_until`` on, the login opens nothing."""

    __tablename__ = "person"
    __table_args__ = (
        CheckConstraint(f"role IN {SIGNING_IN}", name="role"),
        CheckConstraint("(role = 'technician') = (technician_number IS NOT NULL)", name="tied"),
        CheckConstraint("(role = 'outlet_manager') = (outlet_id IS NOT NULL)", name="outlet"),
        CheckConstraint("role <> 'assessor' OR access_until IS NOT NULL", name="until"),
    )

    id: Mapped[Key]
    login: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[str]
    password_hash: Mapped[str]
    technician_number: Mapped[int | None] = mapped_column(
        ForeignKey("technician.number"), unique=True
    )
    outlet_id: Mapped[UUID | None] = mapped_column(ForeignKey("outlet.id"))
    access_until: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    disabled_at: Mapped[datetime | None]


class Session(Base):
    """A signed-in browser. Only the hash of the cookie's secret is kept."""

    __tablename__ = "session"

    secret_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]

    person: Mapped[Person] = relationship()


class DeviceKey(Base):
    """The public half of a key with which a phone signs what it tells: Ed25519, in hex."""

    __tablename__ = "device_key"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    public_key: Mapped[str]
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Token(Base):
    """A program's bearer token. Only its hash is kept; revoked ones stay in the record."""

    __tablename__ = "token"

    id: Mapped[Key]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship()
