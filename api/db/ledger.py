"""The ledger's rows, its signed count, its seals. Written once; see `api.services.ledger`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from api.db.base import Base, CreatedAt


class LedgerRow(Base):
    """One change, in the order of commits. ``entry`` is canonical JSON and is what is hashed."""

    __tablename__ = "ledger"

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    activity_seq: Mapped[int] = mapped_column(ForeignKey("activity.seq"), unique=True)
    entry: Mapped[str]
    link: Mapped[bytes] = mapped_column(LargeBinary)
    mac: Mapped[bytes] = mapped_column(LargeBinary)


class LedgerHead(Base):
    """The one row that says how long the ledger is, signed; whoever appends holds its lock.

    ``opened_after`` is the number of the newest activity line older than the ledger.
    """

    __tablename__ = "ledger_head"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    count: Mapped[int] = mapped_column(BigInteger)
    link: Mapped[bytes] = mapped_column(LargeBinary)
    mac: Mapped[bytes] = mapped_column(LargeBinary)
    opened_after: Mapped[int] = mapped_column(BigInteger)


class LedgerSeal(Base):
    """A run of rows closed under one Merkle root. ``seal`` is canonical JSON."""

    __tablename__ = "ledger_seal"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first_seq: Mapped[int] = mapped_column(BigInteger)
    last_seq: Mapped[int] = mapped_column(BigInteger, unique=True)
    seal: Mapped[str]
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    mac: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[CreatedAt]


class LedgerAnchor(Base):
    """How far the anchor outside has been told; only a note, the anchor itself is the proof."""

    __tablename__ = "ledger_anchor"

    count: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    line: Mapped[str]
    told_at: Mapped[datetime]
