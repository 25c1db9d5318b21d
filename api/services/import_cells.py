"""Cells of an imported table as values: one word of what is wrong, with its column."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation

LONGEST_LINE = 200
_YES = frozenset({"yes", "true", "1", "y", "是"})
_NO = frozenset({"no", "false", "0", "n", "否", ""})


class BadCell(Exception):
    """A value that does not fit its column."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column
        self.message = message


Cells = Mapping[str, str]


def line(cells: Cells, column: str, *, longest: int = LONGEST_LINE, needed: bool = True) -> str:
    """One line of printable text."""
    value = cells.get(column, "")
    if needed and not value:
        raise BadCell(column, "must not be empty")
    if len(value) > longest:
        raise BadCell(column, f"must be up to {longest} characters long")
    if not value.isprintable():
        raise BadCell(column, "must be one line of printable text")
    return value


def code(cells: Cells, column: str, pattern: re.Pattern[str], like: str) -> str:
    """A code of a pattern."""
    value = line(cells, column)
    if not pattern.fullmatch(value):
        raise BadCell(column, f"must be a code like {like}")
    return value


def whole(cells: Cells, column: str, least: int, most: int, default: int | None = None) -> int:
    """A whole number within bounds; an empty cell is the default when there is one."""
    value = line(cells, column, needed=default is None)
    if not value and default is not None:
        return default
    if not re.fullmatch(r"-?[0-9]{1,18}", value):
        raise BadCell(column, f"must be a whole number, not {value!r}")
    if not least <= int(value) <= most:
        raise BadCell(column, f"must lie between {least} and {most}")
    return int(value)


def degrees(cells: Cells, column: str, most: int) -> float:
    """A coordinate in degrees (WGS-84)."""
    value = line(cells, column)
    try:
        # Decimal reads the digits of every script; a map does not.
        number = Decimal(value if value.isascii() else "")
    except InvalidOperation:
        raise BadCell(column, f"must be a number of degrees, not {value!r}") from None
    if not number.is_finite() or abs(number) > most:
        raise BadCell(column, f"must lie between -{most} and {most}")
    return float(number)


def day(text: str, column: str) -> date:
    """A date as ISO 8601 writes it."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise BadCell(column, f"must be a date like 2026-11-24, not {text!r}") from None
    if not 1970 <= found.year < 2200:
        raise BadCell(column, f"must lie between the years 1970 and 2200, not {text!r}")
    return found


def yes_or_no(cells: Cells, column: str) -> bool:
    """Yes or no; an empty cell is no."""
    value = cells.get(column, "").lower()
    if value in _YES or value in _NO:
        return value in _YES
    raise BadCell(column, f"must be yes or no, not {value!r}")
