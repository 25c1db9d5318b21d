"""Seals and anchors: runs of the ledger closed under one root, heads told outside the database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from api.db.models import LedgerAnchor, LedgerRow, LedgerSeal
from api.services import ledger as record
from api.services.anchor import Anchor
from domain import ledger

_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(6070000000000012)")
LONGEST_RUN = 50_000
"""Rows under one seal at most: a Merkle tree over so many takes a tenth of a second."""


def seal(session: Session, now: datetime) -> LedgerSeal | None:
    """Close what has been appended since the last seal; None when there is nothing.

    Longer runs than `LONGEST_RUN` get several seals; the last one is returned.
    """
    session.execute(_ONE_AT_A_TIME)
    key = record.key_of(session)
    before = session.scalars(
        select(LedgerSeal).order_by(LedgerSeal.number.desc()).limit(1)
    ).one_or_none()
    number, first, previous = (
        (1, 1, ledger.GENESIS)
        if before is None
        else (before.number + 1, before.last_seq + 1, before.digest)
    )
    # The newest row that is committed: a row is only numbered while the one before is settled.
    newest = session.scalar(select(func.max(LedgerRow.seq))) or 0
    made = before
    while first <= newest:
        last = min(newest, first + LONGEST_RUN - 1)
        rows = list(record.rows(session, first, last))
        content: dict[str, Any] = {
            "number": number,
            "first": first,
            "last": last,
            "root": ledger.merkle_root([ledger.leaf(row.entry) for row in rows]).hex(),
            "link": rows[-1].link.hex(),
            "previous": bytes(previous).hex(),
            "at": now.astimezone(UTC).isoformat(),
            "key": ledger.key_name(key),
        }
        body = ledger.canonical(content)
        digest = ledger.seal_digest(bytes(previous), body)
        made = LedgerSeal(
            number=number,
            first_seq=first,
            last_seq=last,
            seal=body.decode(),
            digest=digest,
            mac=ledger.mac(key, digest),
        )
        session.add(made)
        session.flush()
        number, first, previous = number + 1, last + 1, digest
    return None if made is before else made


def head_line(session: Session, now: datetime) -> dict[str, Any] | None:
    """The head as an anchor line, signed; None while the ledger is empty."""
    found = record.head(session)
    if found is None or found.count == 0:
        return None
    key = record.key_of(session)
    line: dict[str, Any] = {
        "type": "head",
        "count": found.count,
        "link": found.link.hex(),
        "at": now.astimezone(UTC).isoformat(),
        "key": ledger.key_name(key),
    }
    newest = session.scalars(
        select(LedgerSeal).order_by(LedgerSeal.number.desc()).limit(1)
    ).one_or_none()
    if newest is not None:
        line["seal"] = newest.number
        line["seal_digest"] = bytes(newest.digest).hex()
    return line | {"mac": ledger.mac(key, ledger.canonical(line)).hex()}


def anchor_head(session: Session, anchor: Anchor, now: datetime) -> bool:
    """Tell the anchor where the ledger stands; False when it has heard already."""
    session.execute(_ONE_AT_A_TIME)
    line = head_line(session, now)
    if line is None or session.get(LedgerAnchor, line["count"]) is not None:
        return False
    anchor.tell(line)
    session.execute(
        insert(LedgerAnchor)
        .values(count=line["count"], line=ledger.canonical(line).decode(), told_at=now)
        .on_conflict_do_nothing()
    )
    return True
