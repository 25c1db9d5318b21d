"""Settlement from verified work: what franchise, subsidy, purchased service and funds come to.

A statement is a pure function of terms and of what is on record. Every line leads to the record
that earns it, and every record that earns nothing says why. Amounts are whole minor units (fen).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class TermsKind(StrEnum):
    """What a contract settles.

    ``FRANCHISE``: a share of the bills of an outlet's jobs is returned to it, less a monthly fee.
    ``SUBSIDY``: a sum for each verified job of a subsidised outlet, up to a cap.
    ``LOT``: purchased service, a unit price for each accepted job up to a quantity.
    ``TRAINING_FUND``: spending on training, up to the fund.
    """

    FRANCHISE = "franchise"
    SUBSIDY = "subsidy"
    LOT = "lot"
    TRAINING_FUND = "training_fund"


class Refused(StrEnum):
    """Why a record earns nothing."""

    NOT_DONE = "not_done"
    ARRIVAL_NOT_VERIFIED = "arrival_not_verified"
    MONEY_UNEXPLAINED = "money_unexplained"
    COMPLAINT_OPEN = "complaint_open"
    CAME_BACK = "came_back"
    DUPLICATE = "duplicate"
    CLASS_NOT_COVERED = "class_not_covered"
    CAP_REACHED = "cap_reached"
    CERTIFICATE_EXPIRED = "certificate_expired"
    SETTLED_BEFORE = "settled_before"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a contract says; times are whole days, both included.

    Parameters
    ----------
    unit_fen
        Sum for a verified job (subsidy, lot).
    share_permille
        Share of the bill that is returned to a franchised outlet.
    monthly_fee_fen
        Concession fee for each calendar month that the period begins.
    cap_fen, quantity
        Most that may be paid, most jobs that are bought; None without a limit.
    classes
        Classes of jobs that count; empty: all.
    """

    kind: TermsKind
    party: str
    valid_from: date
    valid_until: date | None = None
    outlet: str | None = None
    unit_fen: int = 0
    share_permille: int = 0
    monthly_fee_fen: int = 0
    cap_fen: int | None = None
    quantity: int | None = None
    classes: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if min(self.unit_fen, self.share_permille, self.monthly_fee_fen, self.cap_fen or 0) < 0:
            raise ValueError("amounts of a contract cannot be negative")
        if self.share_permille > 1000:
            raise ValueError("a share cannot exceed 1000 per mille")
        if self.valid_until is not None and self.valid_until < self.valid_from:
            raise ValueError("a contract cannot end before it begins")


@dataclass(frozen=True, slots=True)
class Work:
    """A job, or a training, as it stands on record.

    ``problems`` are the reasons for which it cannot be paid, found by whoever read the record.
    """

    id: str
    label: str
    day: date
    outlet: str | None
    job_class: str
    amount_fen: int
    problems: tuple[Refused, ...] = ()


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One sum and the record that earns it; fees have no record."""

    record: str | None
    label: str
    day: date
    fen: int


@dataclass(frozen=True, slots=True)
class Statement:
    """What a period comes to. ``total_fen`` is the sum of the lines, to the fen."""

    kind: TermsKind
    party: str
    start: date
    end: date
    lines: tuple[StatementLine, ...]
    refused: tuple[tuple[str, str, tuple[Refused, ...]], ...] = field(default=())

    @property
    def total_fen(self) -> int:
        """Positive: the party receives; negative: it owes."""
        return sum(line.fen for line in self.lines)


def settle(
    terms: Terms,
    work: Iterable[Work],
    start: date,
    end: date,
    *,
    paid_before_fen: int = 0,
    counted_before: int = 0,
    settled_before: frozenset[str] = frozenset(),
) -> Statement:
    """The statement of a period.

    Parameters
    ----------
    work
        What is on record; only what lies in the period, under the contract and at its outlet
        counts.
    paid_before_fen, counted_before
        What earlier statements of the contract came to, against its cap and quantity.
    settled_before
        Records that an earlier statement has paid; paid once, they are never paid again.

    Raises
    ------
    ValueError
        When the period ends before it begins, or lies outside the contract.
    """
    if end < start:
        raise ValueError("a period cannot end before it begins")
    if start < terms.valid_from or (terms.valid_until is not None and end > terms.valid_until):
        raise ValueError("the period lies outside the contract")
    lines: list[StatementLine] = []
    refused: list[tuple[str, str, tuple[Refused, ...]]] = []
    left_fen = None if terms.cap_fen is None else terms.cap_fen - paid_before_fen
    left = None if terms.quantity is None else terms.quantity - counted_before
    for item in sorted(work, key=lambda item: (item.day, item.id)):
        if not start <= item.day <= end or terms.outlet not in (None, item.outlet):
            continue
        problems = list(item.problems)
        if terms.classes and item.job_class not in terms.classes:
            problems.append(Refused.CLASS_NOT_COVERED)
        if item.id in settled_before:
            problems.append(Refused.SETTLED_BEFORE)
        fen = _earned(terms, item)
        if (left is not None and left <= 0) or (left_fen is not None and fen and left_fen < fen):
            problems.append(Refused.CAP_REACHED)
        if problems:
            refused.append((item.id, item.label, tuple(problems)))
            continue
        lines.append(StatementLine(item.id, item.label, item.day, fen))
        left = None if left is None else left - 1
        left_fen = None if left_fen is None else left_fen - fen
    if terms.monthly_fee_fen:
        lines.extend(
            StatementLine(None, f"fee {month:%Y-%m}", month, -terms.monthly_fee_fen)
            for month in _months(start, end)
        )
    return Statement(terms.kind, terms.party, start, end, tuple(lines), tuple(refused))


def _earned(terms: Terms, item: Work) -> int:
    if terms.kind is TermsKind.FRANCHISE:
        # Half a fen goes up: the sum of rounded lines is the sum that is paid.
        return (item.amount_fen * terms.share_permille + 500) // 1000
    if terms.kind is TermsKind.TRAINING_FUND:
        return item.amount_fen
    return terms.unit_fen


def _months(start: date, end: date) -> list[date]:
    """The first day of every calendar month that begins in the period, or in which it begins."""
    months = []
    year, month = start.year, start.month
    while (year, month) <= (end.year, end.month):
        months.append(max(start, date(year, month, 1)))
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return months
