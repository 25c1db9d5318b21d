"""Texts and prices that consumers are shown: published in versions, each with its fingerprint."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.db.models import LegalText
from api.db.models import PriceBook as PriceBookRow
from api.services.activity import record
from api.services.refusals import Refusal
from domain.fees import FeeError, LineKind, PriceBook, PriceItem, fingerprint

SHOWN_WITH_A_QUOTE = ("content", "fee-standard", "steps")
"""What a consumer has a right to know before agreeing."""


def publish_text(
    session: Session, key: str, language: str, body: str, person_id: UUID | None
) -> LegalText:
    """A new version of a text; the same text again is the version there is."""
    newest = current_text(session, key, language)
    digest = fingerprint(body)
    if newest is not None and newest.sha256 == digest:
        return newest
    text = LegalText(
        key=key,
        language=language,
        version=1 if newest is None else newest.version + 1,
        body=body,
        sha256=digest,
        published_by=person_id,
    )
    session.add(text)
    session.flush()
    record(
        session,
        "text_published",
        "legal_text",
        text.id,
        actor_id=person_id,
        key=key,
        language=language,
        version=text.version,
        sha256=digest,
    )
    return text


def current_text(session: Session, key: str, language: str) -> LegalText | None:
    """The newest version of a text."""
    return session.scalars(
        select(LegalText)
        .where(LegalText.key == key, LegalText.language == language)
        .order_by(LegalText.version.desc())
        .limit(1)
    ).first()


def shown_texts(session: Session, language: str) -> dict[str, LegalText]:
    """The texts that go with every quote.

    Raises
    ------
    Refusal
        ``text_missing`` when one has not been published in this language: nobody may be asked to
        agree to what they cannot read.
    """
    found = {key: current_text(session, key, language) for key in SHOWN_WITH_A_QUOTE}
    missing = [key for key, text in found.items() if text is None]
    if missing:
        raise Refusal(
            "text_missing", f"publish first: {', '.join(missing)} ({language})", missing=missing
        )
    return {key: text for key, text in found.items() if text is not None}


def publish_prices(
    session: Session,
    version: str,
    currency: str,
    valid_from: date,
    items: list[dict[str, Any]],
    person_id: UUID | None,
) -> PriceBookRow:
    """A new price book.

    Raises
    ------
    Refusal
        ``already_exists`` for a version that is there; ``invalid`` for a code that stands twice or
        an amount out of range.
    """
    if session.scalar(select(PriceBookRow.id).where(PriceBookRow.version == version)) is not None:
        raise Refusal("already_exists", f"there is a price book {version!r} already")
    try:
        book = PriceBook.of(
            version,
            currency,
            [
                PriceItem(row["code"], LineKind(row["kind"]), row["name"], row["unit_fen"])
                for row in items
            ],
        )
    except FeeError as error:
        raise Refusal("invalid", str(error)) from None
    document = book.document() | {"valid_from": valid_from.isoformat()}
    row = PriceBookRow(
        version=version,
        currency=currency,
        valid_from=valid_from,
        document=document,
        sha256=fingerprint(document),
        published_by=person_id,
    )
    session.add(row)
    session.flush()
    record(
        session,
        "prices_published",
        "price_book",
        row.id,
        actor_id=person_id,
        version=version,
        sha256=row.sha256,
    )
    return row


def prices_on(session: Session, day: date) -> PriceBookRow:
    """The price book in force on a day.

    Raises
    ------
    Refusal
        ``text_missing`` when there is none.
    """
    row = session.scalars(
        select(PriceBookRow)
        .where(PriceBookRow.valid_from <= day)
        .order_by(PriceBookRow.valid_from.desc(), PriceBookRow.id.desc())
        .limit(1)
    ).first()
    if row is None:
        raise Refusal("text_missing", "no price book is in force", missing=["price book"])
    return row


def book_of(row: PriceBookRow) -> PriceBook:
    """A row as the domain's price book."""
    return PriceBook.of(
        row.version,
        row.currency,
        [
            PriceItem(item["code"], LineKind(item["kind"]), item["name"], item["unit_fen"])
            for item in row.document["items"]
        ],
    )


def next_number(session: Session, column: Any, *where: Any) -> int:
    """One more than the largest there is."""
    return (session.scalar(select(func.max(column)).where(*where)) or 0) + 1
