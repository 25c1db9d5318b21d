"""What a consumer is told, agrees to and pays: texts, prices, quotes, consents, bills, choices."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.orm import Mapped, mapped_column, relationship

from api.db.base import Base, CreatedAt, Key
from api.db.work import Job

TEXT_KEYS = ("content", "fee-standard", "steps", "ranking", "whereabouts", "privacy")
LANGUAGES = ("en", "zh")
DOORS = ("link", "screen", "desk")
"""Where a consumer decides: on the link, on the technician's screen, told to the desk."""


class LegalText(Base):
    """A text that consumers are shown, one row a version; never changed, see the migration."""

    __tablename__ = "legal_text"
    __table_args__ = (
        UniqueConstraint("key", "language", "version"),
        CheckConstraint(f"key IN {TEXT_KEYS}", name="key"),
        CheckConstraint(f"language IN {LANGUAGES}", name="language"),
    )

    id: Mapped[Key]
    key: Mapped[str]
    language: Mapped[str]
    version: Mapped[int]
    body: Mapped[str]
    sha256: Mapped[str]
    published_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    published_at: Mapped[CreatedAt]


class PriceBook(Base):
    """Prices from a day on; ``document`` is `domain.fees.PriceBook.document`. Never changed."""

    __tablename__ = "price_book"

    id: Mapped[Key]
    version: Mapped[str] = mapped_column(unique=True)
    currency: Mapped[str]
    valid_from: Mapped[date]
    # JSON, not JSONB: what was fingerprinted is kept as it was written.
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    sha256: Mapped[str]
    published_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    published_at: Mapped[CreatedAt]


class Quote(Base):
    """What a consumer is asked to agree to, as it was shown. ``sha256`` is of ``document``."""

    __tablename__ = "quote"
    __table_args__ = (
        CheckConstraint("kind IN ('initial', 'added')", name="kind"),
        CheckConstraint(
            "status IN ('offered', 'accepted', 'declined', 'superseded')", name="status"
        ),
        CheckConstraint("total_fen >= 0", name="total"),
        UniqueConstraint("job_id", "number"),
    )

    id: Mapped[Key]
    job_id: Mapped[UUID] = mapped_column(ForeignKey("job.id"))
    number: Mapped[int]
    kind: Mapped[str]
    status: Mapped[str] = mapped_column(default="offered")
    book_id: Mapped[UUID] = mapped_column(ForeignKey("price_book.id"))
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    sha256: Mapped[str]
    total_fen: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    offered_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    offered_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]

    job: Mapped[Job] = relationship()


class Consent(Base):
    """A consumer's yes or no to exactly what was shown; one a quote, never changed.

    ``id`` is made by whoever asks, so that a repeat is known as one. ``subject`` is ``quote`` or
    ``whereabouts``; a later row about whereabouts takes the earlier one back.
    """

    __tablename__ = "consent"
    __table_args__ = (
        CheckConstraint("subject IN ('quote', 'whereabouts')", name="subject"),
        CheckConstraint("(subject = 'quote') = (quote_id IS NOT NULL)", name="tied"),
        CheckConstraint(f"door IN {DOORS}", name="door"),
        Index("consent_job_idx", "job_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    job_id: Mapped[UUID] = mapped_column(ForeignKey("job.id"))
    subject: Mapped[str]
    quote_id: Mapped[UUID | None] = mapped_column(ForeignKey("quote.id"), unique=True)
    shown_sha256: Mapped[str]
    agreed: Mapped[bool]
    door: Mapped[str]
    link_id: Mapped[UUID | None]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[CreatedAt]


class Bill(Base):
    """A job's bill. A correction makes a new version; the newest counts, all are kept."""

    __tablename__ = "bill"
    __table_args__ = (
        UniqueConstraint("job_id", "version"),
        CheckConstraint("total_fen >= 0", name="total"),
    )

    id: Mapped[Key]
    job_id: Mapped[UUID] = mapped_column(ForeignKey("job.id"))
    version: Mapped[int]
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    sha256: Mapped[str]
    total_fen: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    issued_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    issued_at: Mapped[CreatedAt]


class MoneyEntry(Base):
    """Money that moved, or a correction of what was agreed; never changed."""

    __tablename__ = "money_entry"
    __table_args__ = (
        CheckConstraint("kind IN ('correction', 'payment', 'refund')", name="kind"),
        CheckConstraint(
            "(kind = 'correction' AND amount_fen < 0) OR (kind <> 'correction' AND amount_fen > 0)",
            name="amount",
        ),
        Index("money_entry_job_idx", "job_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    job_id: Mapped[UUID] = mapped_column(ForeignKey("job.id"))
    kind: Mapped[str]
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[CreatedAt]


class Choice(Base):
    """The alternatives a consumer was shown, under which ranking rule, and what was chosen."""

    __tablename__ = "choice"
    __table_args__ = (Index("choice_job_idx", "job_id"),)

    id: Mapped[Key]
    job_id: Mapped[UUID] = mapped_column(ForeignKey("job.id"))
    shown: Mapped[dict[str, Any]] = mapped_column(JSON)
    sha256: Mapped[str]
    door: Mapped[str]
    shown_at: Mapped[CreatedAt]
    chosen: Mapped[int | None]
    chosen_at: Mapped[datetime | None]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
