"""Tables that people take out: CSV and XLSX, row by row into a file, safe to open anywhere."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import IO, Any, Final
from uuid import UUID

import xlsxwriter

IN_MEMORY: Final = 1_000_000
"""Bytes beyond which a table goes to disk while it is made."""

LONGEST_CELL: Final = 32_000
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
Cell = str | int | float | bool | datetime | date | UUID | None


def plain(cell: Cell) -> str | int | float:
    """A value as a cell: text that a spreadsheet would run as a formula begins with an apostrophe.

    Instants are told in UTC (ISO 8601).
    """
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, int | float):
        return cell
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).isoformat(timespec="seconds")
    text = str(cell)[:LONGEST_CELL]
    return f"'{text}" if text.startswith(_FORMULA) else text


def write_csv(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> IO[bytes]:
    """The table as CSV in UTF-8 with a byte order mark, which spreadsheets ask for."""
    out = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - the answer closes it
    text = io.TextIOWrapper(out, encoding="utf-8-sig", newline="", write_through=True)
    lines = csv.writer(text)
    lines.writerow(columns)
    lines.writerows([plain(cell) for cell in row] for row in rows)
    text.detach()
    out.seek(0)
    return out


def write_xlsx(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> IO[bytes]:
    """The table as the first sheet of an XLSX file; text stays text."""
    out = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - the answer closes it
    told = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(out, told)
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, columns)
    for number, row in enumerate(rows, start=1):
        for column, cell in enumerate(row):
            sheet.write(number, column, plain(cell))
    book.close()
    out.seek(0)
    return out


Writer = Callable[[Sequence[str], Iterable[Sequence[Any]]], IO[bytes]]
FORMATS: Mapping[str, tuple[str, Writer]] = MappingProxyType(
    {
        "csv": ("text/csv", write_csv),
        "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", write_xlsx),
    }
)
"""By the end of a file's name: its media type, and what writes it."""
