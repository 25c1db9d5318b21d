"""One of many values, as one parameter: PostgreSQL takes 65,535 of them a statement."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, any_, literal
from sqlalchemy.dialects.postgresql import ARRAY


def among(column: Any, wanted: Iterable[Any]) -> ColumnElement[bool]:
    """Whether a column holds one of many values, however many there are."""
    return column == any_(literal(list(wanted), ARRAY(column.type)))
