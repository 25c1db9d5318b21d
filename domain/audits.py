"""Audits as rules: the list of items, the steps in their order, and what the findings come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final

PASS: Final = "pass"
FAIL: Final = "fail"
NOT_APPLICABLE: Final = "not_applicable"
VERDICTS: Final = (PASS, FAIL, NOT_APPLICABLE)

RESULT_TAG: Final = b"zhunda-audit-result/1\n"
"""Stands before the canonical JSON of a result when a third party signs it."""


class AuditKind(StrEnum):
    """Who draws: the firm with its own seed, or both sides together."""

    INTERNAL = "internal"
    THIRD_PARTY = "third_party"


class AuditState(StrEnum):
    """How far an audit is."""

    PLANNED = "planned"
    COMMITTED = "committed"
    FROZEN = "frozen"
    DRAWN = "drawn"
    CLOSED = "closed"


STEPS: Final[Mapping[tuple[AuditKind, str], tuple[AuditState, AuditState]]] = {
    (AuditKind.INTERNAL, "draw"): (AuditState.PLANNED, AuditState.DRAWN),
    (AuditKind.INTERNAL, "find"): (AuditState.DRAWN, AuditState.DRAWN),
    (AuditKind.INTERNAL, "close"): (AuditState.DRAWN, AuditState.CLOSED),
    (AuditKind.THIRD_PARTY, "commit"): (AuditState.PLANNED, AuditState.COMMITTED),
    (AuditKind.THIRD_PARTY, "freeze"): (AuditState.COMMITTED, AuditState.FROZEN),
    (AuditKind.THIRD_PARTY, "reveal"): (AuditState.FROZEN, AuditState.DRAWN),
    (AuditKind.THIRD_PARTY, "result"): (AuditState.DRAWN, AuditState.CLOSED),
}
"""From which state to which each step leads; a step that is not here is not one of that kind."""


@dataclass(frozen=True, slots=True)
class AuditItem:
    """One thing that is looked at in each sampled job, in both languages."""

    code: str
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class AuditChecklist:
    """A named list of items, with the version that findings are kept under."""

    name: str
    version: str
    en: str
    zh: str
    items: tuple[AuditItem, ...]


def audit_checklist(table: Mapping[str, Any]) -> AuditChecklist:
    """Read a checklist from a table as in ``config/audits``.

    Raises
    ------
    ValueError
        For a list without items, or with one code twice.
    """
    items = tuple(AuditItem(one["code"], one["en"], one["zh"]) for one in table["items"])
    if not items or len({item.code for item in items}) != len(items):
        raise ValueError(f"audit checklist {table['name']!r}: each item needs a code of its own")
    return AuditChecklist(table["name"], table["version"], table["en"], table["zh"], items)


@dataclass(frozen=True, slots=True)
class ItemShare:
    """How many of the jobs to which an item applies passed it."""

    passed: int
    of: int

    @property
    def share(self) -> Fraction | None:
        """None where the item applied to no job."""
        return Fraction(self.passed, self.of) if self.of else None


def tally(items: Iterable[str], findings: Iterable[tuple[str, str]]) -> dict[str, ItemShare]:
    """By item: what its verdicts come to. ``findings`` are pairs of item and verdict."""
    counts = {item: [0, 0] for item in items}
    for item, verdict in findings:
        if verdict != NOT_APPLICABLE:
            counts[item][0] += verdict == PASS
            counts[item][1] += 1
    return {item: ItemShare(passed, of) for item, (passed, of) in counts.items()}


def improved(before: ItemShare, after: ItemShare) -> bool | None:
    """Whether a larger share passes than before; None when one of them cannot be told."""
    if before.share is None or after.share is None:
        return None
    return after.share > before.share
