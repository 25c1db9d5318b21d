"""Checklists at the door: which items a product asks for, and what is still missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

KINDS = ("tick", "number", "text")


class ChecklistError(ValueError):
    """A checklist that cannot be read; the message names the item."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to do or to measure. Empty ``products`` mean any product."""

    id: str
    kind: str
    required: bool
    products: frozenset[str]
    least: float | None
    most: float | None
    unit: str
    en: str
    zh: str

    def answered_by(self, answer: Any) -> bool:
        """Whether an answer fulfils the item: a tick is set, a number is in its bounds."""
        if self.kind == "tick":
            return answer is True
        if self.kind == "text":
            return isinstance(answer, str) and bool(answer.strip())
        if isinstance(answer, bool) or not isinstance(answer, int | float):
            return False
        return (self.least is None or answer >= self.least) and (
            self.most is None or answer <= self.most
        )


@dataclass(frozen=True, slots=True)
class Checklist:
    """All items in force from a day on."""

    version: str
    valid_from: date
    items: tuple[Item, ...]

    def of(self, product: str) -> tuple[Item, ...]:
        """The items that a product asks for, in their order."""
        return tuple(item for item in self.items if not item.products or product in item.products)

    def missing(self, product: str, answers: Mapping[str, Any]) -> tuple[str, ...]:
        """Ids of required items without an answer that fulfils them, and of wrong answers.

        Answers to items that the list does not have are kept by whoever stores them and judged by
        nobody: a phone that was offline may answer an older list.
        """
        return tuple(
            item.id
            for item in self.of(product)
            if not item.answered_by(answers.get(item.id))
            and (item.required or answers.get(item.id) not in (None, False, ""))
        )


def checklist(table: Mapping[str, Any]) -> Checklist:
    """A checklist from its parsed TOML table.

    Raises
    ------
    ChecklistError
        Naming the first item that is wrong.
    """
    items = []
    for number, row in enumerate(table.get("item", [])):
        path = f"item[{number}]"
        name = row.get("id")
        if not isinstance(name, str) or not name:
            raise ChecklistError(f"{path}.id is missing")
        if row.get("kind") not in KINDS:
            raise ChecklistError(f"{path}.kind must be one of {', '.join(KINDS)}")
        if not isinstance(row.get("en"), str) or not isinstance(row.get("zh"), str):
            raise ChecklistError(f"{path} needs its words in en and zh")
        items.append(
            Item(
                name,
                row["kind"],
                bool(row.get("required", False)),
                frozenset(row.get("products", ())),
                row.get("least"),
                row.get("most"),
                row.get("unit", ""),
                row["en"],
                row["zh"],
            )
        )
    ids = [item.id for item in items]
    if len(set(ids)) != len(ids):
        raise ChecklistError("an id is given twice")
    if not isinstance(table.get("version"), str) or not isinstance(table.get("valid_from"), date):
        raise ChecklistError("version and valid_from are needed")
    return Checklist(table["version"], table["valid_from"], tuple(items))


def checklist_in_force(lists: Iterable[Checklist], day: date) -> Checklist:
    """The list of the latest ``valid_from`` that is not after ``day``; the first one before it.

    Raises
    ------
    LookupError
        When there is none.
    """
    known = sorted(lists, key=lambda one: one.valid_from)
    if not known:
        raise LookupError("there is no checklist")
    return next((one for one in reversed(known) if one.valid_from <= day), known[0])
