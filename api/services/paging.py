"""Lists by opaque keyset cursors: a page starts after a row, not after a count of rows."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, literal, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from api.services.refusals import Refusal

LARGEST_PAGE = 500


def encode_cursor(values: Sequence[Any]) -> str:
    """The key of the last row of a page, as text that means nothing to its reader."""
    plain = [value.isoformat() if isinstance(value, datetime) else str(value) for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, kinds: Sequence[type]) -> list[Any]:
    """The key that `encode_cursor` wrote.

    Raises
    ------
    Refusal
        ``invalid`` when it is not one of ours.
    """
    try:
        plain = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(plain, list) or len(plain) != len(kinds):
            raise ValueError(cursor)
        values = [_read(kind, text) for kind, text in zip(kinds, plain, strict=True)]
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise Refusal("invalid", "the cursor is not one of ours", cursor=cursor[:80]) from None
    return values


def _read(kind: type, text: str) -> Any:
    if kind is datetime:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            raise ValueError(text)
        return instant
    if kind is date:
        return date.fromisoformat(text)
    if kind is int and not (len(text) < 20 and -(2**63) <= int(text) < 2**63):
        raise ValueError(text)
    if kind is str and not text.isprintable():
        raise ValueError(text)
    return kind(text)


def page[Row](
    session: Session,
    query: Select[tuple[Row]],
    keys: Sequence[InstrumentedAttribute[Any]],
    cursor: str | None,
    limit: int,
) -> tuple[list[Row], str | None]:
    """One page of a query and the cursor of the next, None when there is none.

    ``keys`` are columns of the row whose values together are unique; they set the order.
    """
    kinds = [_kind(key) for key in keys]
    if cursor is not None:
        values = decode_cursor(cursor, kinds)
        query = query.where(
            tuple_(*keys)
            > tuple_(*(literal(value, key.type) for key, value in zip(keys, values, strict=True)))
        )
    rows = list(session.scalars(query.order_by(*keys).limit(limit + 1)).unique())
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], encode_cursor([getattr(last, key.key) for key in keys])


def page_of_rows[Row](
    rows: Iterable[Row],
    key: Callable[[Row], tuple[str, ...]],
    length: int,
    cursor: str | None,
    limit: int,
) -> tuple[list[Row], str | None]:
    """One page of rows that are worked out rather than stored, and the cursor of the next.

    Parameters
    ----------
    key
        Texts that sort the rows and together are one row's own.
    length
        How many texts a key has.
    """
    wanted = sorted(rows, key=key)
    if cursor is not None:
        after = tuple(decode_cursor(cursor, [str] * length))
        wanted = [row for row in wanted if key(row) > after]
    if len(wanted) <= limit:
        return wanted, None
    return wanted[:limit], encode_cursor(key(wanted[limit - 1]))


def _kind(key: InstrumentedAttribute[Any]) -> type:
    kind = key.type.python_type
    return kind if kind in (datetime, date, UUID, int, str) else str
