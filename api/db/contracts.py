"""Contracts with franchisees, funders and buyers of service, and what each period comes to."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.orm import Mapped, mapped_column, relationship

from api.db.base import Base, CreatedAt, Key
from domain.settlement import TermsKind


class Contract(Base):
    """The terms of `domain.settlement`; never changed: a new term is a new contract."""

    __tablename__ = "contract"
    __table_args__ = (
        CheckConstraint(f"kind IN {tuple(str(kind) for kind in TermsKind)}", name="kind"),
        CheckConstraint("valid_until IS NULL OR valid_until >= valid_from", name="validity"),
        CheckConstraint("share_permille BETWEEN 0 AND 1000", name="share"),
    )

    id: Mapped[Key]
    number: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    party: Mapped[str]
    outlet_id: Mapped[UUID | None] = mapped_column(ForeignKey("outlet.id"))
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    currency: Mapped[str]
    unit_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    share_permille: Mapped[int] = mapped_column(default=0)
    monthly_fee_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    cap_fen: Mapped[int | None] = mapped_column(BigInteger)
    quantity: Mapped[int | None]
    classes: Mapped[list[Any]] = mapped_column(default=list)
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[CreatedAt]


class Settlement(Base):
    """A statement as it was drawn up; ``document`` names every record it pays and refuses."""

    __tablename__ = "settlement"
    __table_args__ = (
        UniqueConstraint("contract_id", "start"),
        CheckConstraint("status IN ('drawn_up', 'accepted', 'disputed')", name="status"),
        CheckConstraint('"end" >= start', name="period"),
    )

    id: Mapped[Key]
    contract_id: Mapped[UUID] = mapped_column(ForeignKey("contract.id"))
    start: Mapped[date]
    end: Mapped[date]
    as_of: Mapped[datetime]
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    sha256: Mapped[str]
    total_fen: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(default="drawn_up")
    note: Mapped[str] = mapped_column(default="")
    answered_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    answered_at: Mapped[datetime | None]
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[CreatedAt]

    contract: Mapped[Contract] = relationship()


class SettledRecord(Base):
    """A record that a contract has paid: the key makes a second payment impossible."""

    __tablename__ = "settled_record"

    contract_id: Mapped[UUID] = mapped_column(ForeignKey("contract.id"), primary_key=True)
    record_id: Mapped[UUID] = mapped_column(primary_key=True)
    settlement_id: Mapped[UUID] = mapped_column(ForeignKey("settlement.id"), index=True)
    fen: Mapped[int] = mapped_column(BigInteger)
