"""Past requests, read from CSV: what was reported when and where, and what it took."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from domain.clocks import require_aware
from domain.places import check_degrees

COLUMNS = ("reported_at", "district", "skill", "class", "lat", "lon", "service_s")
REQUIRED = ("reported_at", "district")


class BadDemand(ValueError):
    """Data about demand that cannot be used; the message names file, line and column."""


@dataclass(frozen=True, slots=True)
class Request:
    """A fault as it was reported; ``reported_at`` is aware and kept in UTC."""

    reported_at: datetime
    district: str
    skill: str = "any"
    job_class: str = "normal"
    lat: float | None = None
    lon: float | None = None
    service_s: int | None = None

    def __post_init__(self) -> None:
        instant = require_aware(self.reported_at, "reported_at").astimezone(UTC)
        object.__setattr__(self, "reported_at", instant)


def read_requests(path: Path) -> list[Request]:
    """Read a CSV file with a header; `REQUIRED` columns must be there, others of `COLUMNS` may.

    Raises
    ------
    BadDemand
        With file, line and column.
    """
    rows = rows_of(path, COLUMNS, REQUIRED)
    found = [_request(row, f"{path.name} line {line}") for line, row in rows]
    if not found:
        raise BadDemand(f"{path.name}: there is no request in it")
    return sorted(found, key=lambda request: request.reported_at)


def rows_of(
    path: Path, columns: tuple[str, ...], required: tuple[str, ...]
) -> Iterator[tuple[int, Mapping[str, str]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadDemand(f"{path}: {error.strerror or 'cannot be read'}") from None
    except UnicodeDecodeError:
        raise BadDemand(f"{path.name}: is not UTF-8") from None
    reader = csv.DictReader(io.StringIO(text))
    header = reader.fieldnames or []
    for name in header:
        if name not in columns:
            raise BadDemand(f"{path.name}: unknown column {name!r}; known are {', '.join(columns)}")
    for name in required:
        if name not in header:
            raise BadDemand(f"{path.name}: column {name!r} is missing")
    for row in reader:
        if None in row or None in row.values():
            raise BadDemand(f"{path.name} line {reader.line_num}: not as many fields as columns")
        yield reader.line_num, row


def _request(row: Mapping[str, str], where: str) -> Request:
    try:
        reported = datetime.fromisoformat(row["reported_at"])
        require_aware(reported, "reported_at")
    except ValueError as error:
        raise BadDemand(f"{where}: reported_at: {error}") from None
    if not row["district"]:
        raise BadDemand(f"{where}: district is empty")
    lat, lon = number(row, "lat", where), number(row, "lon", where)
    if lat is not None and lon is not None:
        try:
            check_degrees(lat, lon)
        except ValueError as error:
            raise BadDemand(f"{where}: {error}") from None
    service = number(row, "service_s", where)
    if service is not None and service <= 0:
        raise BadDemand(f"{where}: service_s must be above 0, got {service:g}")
    return Request(
        reported,
        row["district"],
        row.get("skill") or "any",
        row.get("class") or "normal",
        lat,
        lon,
        None if service is None else round(service),
    )


def number(row: Mapping[str, str], key: str, where: str) -> float | None:
    """A finite number; None where the cell is empty or there is no such column."""
    text = row.get(key) or ""
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadDemand(f"{where}: {key}: {text!r} is not a number")
    return value
