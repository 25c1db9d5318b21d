"""Money: price books, itemised quotes, consents, bills — all in whole minor units (fen).

A document is known by the SHA-256 of its canonical JSON: a consent holds the fingerprint of what
was shown, so that a text or a price changed afterwards is not what was agreed to.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

LARGEST_FEN = 10**12
"""Ten billion yuan: beyond it somebody has mistaken the unit."""


class LineKind(StrEnum):
    """What a line of a quote is for."""

    INSPECTION = "inspection"
    LABOUR = "labour"
    AUXILIARY = "auxiliary"
    PART = "part"
    VISIT = "visit"


class FeeError(ValueError):
    """An amount or a line that cannot be; the message names it."""


def fingerprint(document: Mapping[str, Any] | str) -> str:
    """SHA-256 in hex of a text, or of a document as JSON with sorted keys and no spaces."""
    if isinstance(document, str):
        content = document
    else:
        content = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class PriceItem:
    """A price: ``unit_fen`` for one piece, hour or visit of ``code``."""

    code: str
    kind: LineKind
    name: str
    unit_fen: int

    def __post_init__(self) -> None:
        _amount(self.unit_fen, f"{self.code}: unit_fen")


@dataclass(frozen=True, slots=True)
class PriceBook:
    """Prices of one operator from a day on, in one currency (ISO 4217)."""

    version: str
    currency: str
    items: Mapping[str, PriceItem]

    @staticmethod
    def of(version: str, currency: str, items: Iterable[PriceItem]) -> PriceBook:
        """A book of these items.

        Raises
        ------
        FeeError
            When a code stands twice, or the book is empty.
        """
        found: dict[str, PriceItem] = {}
        for item in items:
            if item.code in found:
                raise FeeError(f"{item.code} stands twice in the price book")
            found[item.code] = item
        if not found:
            raise FeeError("a price book needs at least one price")
        return PriceBook(version, currency, found)

    def document(self) -> dict[str, Any]:
        """The book as a document to show and to fingerprint."""
        return {
            "version": self.version,
            "currency": self.currency,
            "items": [
                {"code": i.code, "kind": str(i.kind), "name": i.name, "unit_fen": i.unit_fen}
                for i in sorted(self.items.values(), key=lambda item: item.code)
            ],
        }


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """One line. ``price_fen`` is quantity × unit; ``charged_fen`` is 0 when it is free.

    ``free_because`` names the rule; empty when the consumer pays.
    """

    code: str
    kind: LineKind
    name: str
    quantity: int
    unit_fen: int
    free_because: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.quantity <= 10_000:
            raise FeeError(f"{self.code}: quantity must be 1 to 10000, got {self.quantity}")
        _amount(self.unit_fen, f"{self.code}: unit_fen")
        _amount(self.price_fen, f"{self.code}: price")

    @property
    def price_fen(self) -> int:
        """What it would cost."""
        return self.quantity * self.unit_fen

    @property
    def charged_fen(self) -> int:
        """What the consumer pays."""
        return 0 if self.free_because else self.price_fen

    def document(self) -> dict[str, Any]:
        """The line as the consumer is shown it."""
        return {
            "code": self.code,
            "kind": str(self.kind),
            "name": self.name,
            "quantity": self.quantity,
            "unit_fen": self.unit_fen,
            "price_fen": self.price_fen,
            "charged_fen": self.charged_fen,
            "free_because": self.free_because,
        }


def price(
    book: PriceBook,
    wanted: Sequence[tuple[str, int]],
    free_kinds: Mapping[str, str],
) -> tuple[QuoteLine, ...]:
    """Lines for what is wanted, at the book's prices.

    Parameters
    ----------
    wanted
        Codes and quantities.
    free_kinds
        Kinds of lines that cost nothing, each with the rule that says so.

    Raises
    ------
    FeeError
        For a code that is not in the book, or a quantity or amount out of range.
    """
    lines = []
    for code, quantity in wanted:
        item = book.items.get(code)
        if item is None:
            raise FeeError(f"{code} is not in price book {book.version}")
        free = free_kinds.get(item.kind, "")
        lines.append(QuoteLine(code, item.kind, item.name, quantity, item.unit_fen, free))
    if not lines:
        raise FeeError("a quote needs at least one line")
    return tuple(lines)


def total_fen(lines: Iterable[QuoteLine]) -> int:
    """What the consumer pays in all."""
    return _amount(sum(line.charged_fen for line in lines), "total")


@dataclass(frozen=True, slots=True)
class Account:
    """A job's money. Fen.

    Parameters
    ----------
    consented
        Amounts of the quotes that the consumer agreed to, by quote.
    corrections
        Signed changes to what was agreed, each with its reason: a line not carried out (negative).
        Nothing makes a bill larger than what was consented to.
    billed
        The bill's total; None before there is one.
    received, refunded
        Money that came and went back.
    """

    consented: Mapping[str, int]
    corrections: tuple[int, ...]
    billed: int | None
    received: int
    refunded: int


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """``unexplained_fen``: billed beyond consents and corrections. ``open_fen``: still to be paid,
    negative when money has to go back."""

    consented_fen: int
    corrected_fen: int
    billed_fen: int
    unexplained_fen: int
    open_fen: int


def reconcile(account: Account) -> Reconciliation:
    """Hold a bill against the consents, to the fen."""
    consented = sum(account.consented.values())
    corrected = sum(account.corrections)
    billed = account.billed if account.billed is not None else 0
    expected = consented + corrected if account.billed is not None else 0
    return Reconciliation(
        consented,
        corrected,
        billed,
        billed - expected,
        billed - account.received + account.refunded,
    )


def _amount(value: int, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise FeeError(f"{name} must be a whole number of fen, got {value!r}")
    if not 0 <= value <= LARGEST_FEN:
        raise FeeError(f"{name} must be 0 to {LARGEST_FEN} fen, got {value}")
    return value
