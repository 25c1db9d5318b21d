"""Tables that people send: CSV in the encodings that spreadsheets write, and XLSX; rows of text."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from python_calamine import CalamineError, CalamineWorkbook

from api.services.refusals import Refusal

LARGEST_FILE = 20_000_000
MOST_ROWS = 20_000
MOST_COLUMNS = 100
LARGEST_UNPACKED = 200_000_000
"""An XLSX file is a packed one; what unpacks to more is not read."""

_ZIP = b"PK\x03\x04"
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_GUARDED = re.compile(r"^'(?=[=+\-@\t\r])")
"""The apostrophe that our own exports put before what a spreadsheet would take for a formula."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number as a spreadsheet counts (the heading is 1), and text by column."""

    number: int
    cells: dict[str, str]


def read_table(raw: bytes, required: Sequence[str], optional: Sequence[str]) -> list[Row]:
    """The rows of a file whose heading is one of the columns named, in any order.

    Empty rows are passed over. Nothing is interpreted: each cell is text without outer space.

    Raises
    ------
    Refusal
        ``table_unreadable`` with one reason: empty, neither CSV nor XLSX, wrong columns;
        ``too_large`` for more than `MOST_ROWS` rows.
    """
    if not raw.strip():
        raise _unreadable("the file is empty")
    lines = _xlsx(raw) if raw.startswith(_ZIP) else _csv(raw)
    heading: list[str] | None = None
    rows: list[Row] = []
    for number, cells in lines:
        if not any(cells):
            continue
        if heading is None:
            heading = _heading(cells, required, optional)
            continue
        if len(rows) >= MOST_ROWS:
            raise Refusal("too_large", f"a file may have up to {MOST_ROWS} rows")
        extra = [cell for cell in cells[len(heading) :] if cell]
        named = dict(zip(heading, [*cells, *[""] * len(heading)], strict=False))
        if extra:
            named[""] = extra[0]
        rows.append(Row(number, named))
    if heading is None:
        raise _unreadable("the file is empty")
    if not rows:
        raise _unreadable("the file has a heading and no rows")
    return rows


def _unreadable(why: str, **params: object) -> Refusal:
    return Refusal("table_unreadable", why, **params)


def _heading(cells: list[str], required: Sequence[str], optional: Sequence[str]) -> list[str]:
    names = [cell.lower() for cell in cells]
    while names and not names[-1]:
        names.pop()
    missing = [name for name in required if name not in names]
    unknown = [name for name in names if name not in (*required, *optional)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if missing or unknown or twice:
        told = {"missing": missing, "unknown": unknown, "twice": twice}
        words = "; ".join(f"{word}: {', '.join(map(repr, found))}" for word, found in told.items()
                          if found)  # fmt: skip
        raise _unreadable(f"wrong columns: {words}"[:500], **told)
    return names


def _xlsx(raw: bytes) -> Iterator[tuple[int, list[str]]]:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as packed:
            size = sum(member.file_size for member in packed.infolist())
        if size > LARGEST_UNPACKED:
            raise Refusal("too_large", f"the sheet unpacks to {size} bytes")
        book = CalamineWorkbook.from_filelike(io.BytesIO(raw))
        sheet = book.get_sheet_by_index(0)
        if sheet.total_width > MOST_COLUMNS:
            raise _unreadable(f"the first sheet has more than {MOST_COLUMNS} columns")
        cells = sheet.to_python(skip_empty_area=False, nrows=MOST_ROWS * 2)
    except (CalamineError, zipfile.BadZipFile, IndexError, ValueError, OSError) as error:
        raise _unreadable(f"not an XLSX file: {str(error)[:200]}") from None
    for number, line in enumerate(cells, start=1):
        yield number, [_text(cell) for cell in line]


def _text(cell: object) -> str:
    """A spreadsheet's value as it would be typed into a CSV file."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time().isoformat() == "00:00:00" else str(cell)
    if isinstance(cell, date):
        return cell.isoformat()
    return _GUARDED.sub("", str(cell).strip())


def _csv(raw: bytes) -> Iterator[tuple[int, list[str]]]:
    if raw.startswith(_OLD_EXCEL):
        raise _unreadable("this is an old .xls file; save it as .xlsx or CSV")
    text = _decoded(raw)
    if "\x00" in text:
        raise _unreadable("neither an XLSX file nor CSV text")
    first = text.lstrip("\ufeff").partition("\n")[0]
    comma = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=comma, strict=True)
    before = 0
    try:
        for cells in reader:
            # The line a row begins on: a quoted cell may hold line ends.
            yield before + 1, [_GUARDED.sub("", cell.strip()) for cell in cells]
            before = reader.line_num
    except csv.Error as error:
        raise _unreadable(f"line {reader.line_num} is not CSV: {error}") from None


def _decoded(raw: bytes) -> str:
    for encoding in ("utf-16",) if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else (
        "utf-8-sig",
        "gb18030",
    ):  # fmt: skip
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _unreadable("the text is neither UTF-8 nor GB18030")
