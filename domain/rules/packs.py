"""A rule pack: one law, at one place, from one day on, as clauses with their source and status.

A pack is a TOML table; whoever reads the file hands the table to `rule_pack`. No number of any law
stands in code: `domain.rules.keys` names what a pack may say, the pack says it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from domain.rules.arrival import PLACE, RuleError
from domain.rules.keys import LAWS, Key, Unit

OPERATOR = "operator"
"""The place of the operator's own promises: the most particular, and never below the law."""

Value = int | bool | tuple[str, ...]


class Status(StrEnum):
    """Whether a clause has been checked against the text of its source."""

    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class Clause:
    """One rule of a pack. ``article`` and ``note`` may be empty."""

    key: str
    value: Value
    unit: Unit
    status: Status
    article: str
    note: str


@dataclass(frozen=True, slots=True)
class Pack:
    """The clauses of one law at one place from ``valid_from`` on, until a later pack's day.

    Parameters
    ----------
    version
        Names the pack in every decision made by it.
    place
        ``CN`` a country, ``CN-ZJ`` a province, ``CN-ZJ-3301`` a city, or ``operator``.
    products
        Classes of products it speaks of; empty for any.
    valid_until
        The first day on which it no longer holds even when no later pack replaces it.
    date_status
        Whether the day of ``valid_from`` itself is confirmed.
    """

    version: str
    law: str
    title: str
    place: str
    products: frozenset[str]
    valid_from: date
    valid_until: date | None
    date_status: Status
    source: str
    clauses: Mapping[str, Clause]

    def holds_on(self, day: date) -> bool:
        """Whether the pack has begun and not ended on this day."""
        return self.valid_from <= day and (self.valid_until is None or day < self.valid_until)


def lineage(place: str) -> tuple[str, ...]:
    """The places whose rules hold at a place, the most general first.

    >>> lineage("CN-ZJ-3301")
    ('CN', 'CN-ZJ', 'CN-ZJ-3301', 'operator')
    """
    if not PLACE.fullmatch(place):
        raise RuleError(f"place {place!r} is not like CN, CN-ZJ, CN-ZJ-3301 or operator")
    if place == OPERATOR:
        return (OPERATOR,)
    parts = place.split("-")
    return (*("-".join(parts[: n + 1]) for n in range(len(parts))), OPERATOR)


_KNOWN = {
    "version",
    "law",
    "title",
    "place",
    "products",
    "valid_from",
    "valid_until",
    "valid_from_status",
    "source",
    "status",
    "clauses",
}
_CLAUSE_KNOWN = {"value", "unit", "status", "article", "note"}


def rule_pack(table: Mapping[str, Any]) -> Pack:
    """A pack from its parsed TOML table.

    Raises
    ------
    RuleError
        With the path of the first key that is missing, unknown or does not fit.
    """
    _only(table, _KNOWN, "pack")
    law = _text(table, "law", "pack")
    if law not in LAWS:
        raise RuleError(f"pack.law names the unknown law {law!r}; known are {', '.join(LAWS)}")
    place = _text(table, "place", "pack")
    if not PLACE.fullmatch(place):
        raise RuleError(f"pack.place must be like CN, CN-ZJ, CN-ZJ-3301 or operator, got {place!r}")
    valid_from = _day(table, "valid_from", "pack")
    valid_until = _day(table, "valid_until", "pack") if "valid_until" in table else None
    if valid_until is not None and valid_until <= valid_from:
        raise RuleError("pack.valid_until must lie after valid_from")
    status = _status(table, "status", "pack", None)
    products = table.get("products", [])
    if not _is_names(products):
        raise RuleError("pack.products must be a list of names")
    rows = table.get("clauses")
    if not isinstance(rows, Mapping) or not rows:
        raise RuleError("pack.clauses must be a table with at least one clause")
    return Pack(
        version=_text(table, "version", "pack"),
        law=law,
        title=_text(table, "title", "pack"),
        place=place,
        products=frozenset(products),
        valid_from=valid_from,
        valid_until=valid_until,
        date_status=_status(table, "valid_from_status", "pack", Status.CONFIRMED),
        source=_text(table, "source", "pack"),
        clauses={key: _clause(law, key, row, status) for key, row in rows.items()},
    )


def _clause(law: str, key: str, row: Any, default: Status) -> Clause:
    path = f"pack.clauses.{key}"
    known = LAWS[law].get(key)
    if known is None:
        raise RuleError(f"{path} is not a clause of {law}; known are {', '.join(LAWS[law])}")
    if not isinstance(row, Mapping):
        raise RuleError(f"{path} must be a table with a value")
    _only(row, _CLAUSE_KNOWN, path)
    if "value" not in row:
        raise RuleError(f"{path}.value is missing")
    unit = _unit(known, row, path)
    return Clause(
        key=key,
        value=_value(row["value"], unit, path),
        unit=unit,
        status=_status(row, "status", path, default),
        article=str(row.get("article", "")),
        note=str(row.get("note", "")),
    )


def _unit(known: Key, row: Mapping[str, Any], path: str) -> Unit:
    fitting = " or ".join(sorted(known.units))
    if "unit" not in row:
        if len(known.units) == 1:
            return next(iter(known.units))
        raise RuleError(f"{path}.unit is missing; it is {fitting}")
    if row["unit"] not in known.units:
        raise RuleError(f"{path}.unit must be {fitting}, got {row['unit']!r}")
    return Unit(row["unit"])


def _value(value: Any, unit: Unit, path: str) -> Value:
    if unit is Unit.FLAG:
        if not isinstance(value, bool):
            raise RuleError(f"{path}.value must be true or false, got {value!r}")
        return value
    if unit is Unit.NAMES:
        if not _is_names(value) or not value:
            raise RuleError(f"{path}.value must be a list of names")
        return tuple(value)
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise RuleError(f"{path}.value must be a positive whole number, got {value!r}")
    return value


def _only(table: Mapping[str, Any], known: set[str], path: str) -> None:
    unknown = sorted(set(table) - known)
    if unknown:
        raise RuleError(f"{path}.{unknown[0]} is not a known key")


def _text(table: Mapping[str, Any], key: str, path: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value.strip():
        raise RuleError(f"{path}.{key} must be text")
    return value.strip()


def _day(table: Mapping[str, Any], key: str, path: str) -> date:
    value = table.get(key)
    if type(value) is not date:
        raise RuleError(f"{path}.{key} must be a date like 2026-01-01")
    return value


def _status(table: Mapping[str, Any], key: str, path: str, default: Status | None) -> Status:
    if key not in table and default is not None:
        return default
    value = table.get(key)
    if value not in tuple(Status):
        raise RuleError(f"{path}.{key} must be confirmed or unconfirmed, got {value!r}")
    return Status(value)


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) and name for name in value)
