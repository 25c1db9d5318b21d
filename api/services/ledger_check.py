"""Checking the ledger: every row, its activity line, the signed count, the seals, the anchor."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from api.db.models import LedgerSeal
from api.services import ledger as record
from domain import ledger
from domain.ledger import Fault

_ROWS = text(
    f"""
    SELECT l.seq AS number, l.entry, l.link, l.mac, {record.LINE}
    FROM ledger l LEFT JOIN activity a ON a.seq = l.activity_seq
    WHERE l.seq > :after ORDER BY l.seq LIMIT :limit
    """
)
_UNRECORDED = text(
    """
    SELECT a.seq FROM activity a LEFT JOIN ledger l ON l.activity_seq = a.seq
    WHERE a.seq > :opened_after AND l.seq IS NULL ORDER BY a.seq LIMIT 1
    """
)


@dataclass(slots=True)
class Verdict:
    """What was compared, and the first thing that does not fit."""

    rows: int = 0
    seals: int = 0
    anchors: int = 0
    fault: Fault | None = None
    links: dict[int, bytes] = field(default_factory=dict, repr=False)

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return self.fault is None

    def to_json(self) -> dict[str, Any]:
        """The verdict for programs."""
        return {
            "sound": self.sound,
            "rows": self.rows,
            "seals": self.seals,
            "anchors": self.anchors,
            "first_bad_row": None if self.fault is None else self.fault.seq,
            "what": None if self.fault is None else self.fault.what,
        }


def check(session: Session, anchors: Iterable[dict[str, Any]]) -> Verdict:
    """Look at the whole ledger and stop at the first row that does not fit.

    Parameters
    ----------
    anchors
        Lines told outside the database: rows that they know of must be there, unchanged.
    """
    key = record.key_of(session)
    verdict = Verdict()
    told = {line["count"]: line for line in anchors if line.get("type") == "head"}
    seals = session.scalars(select(LedgerSeal).order_by(LedgerSeal.number)).all()
    chain = ledger.Chain(key)
    sealed = _Sealed(seals, key)
    for row, line in _rows(session):
        verdict.fault = chain.step(row) or _differs(row, line) or sealed.step(row)
        if verdict.fault is not None:
            return verdict
        verdict.rows = row.seq
        if row.seq in told:
            verdict.fault = _contradicts(told.pop(row.seq), row, key)
            if verdict.fault is not None:
                return verdict
            verdict.anchors += 1
    verdict.seals = sealed.done
    verdict.fault = (
        _count(session, chain, key)
        or sealed.rest(chain.seq)
        or _unrecorded(session, chain.seq)
        or next((_cut(chain.seq, count) for count in sorted(told)), None)
    )
    return verdict


def _rows(session: Session) -> Iterator[tuple[ledger.Row, Any]]:
    after = 0
    while True:
        found = session.execute(_ROWS, {"after": after, "limit": record.BATCH}).all()
        for line in found:
            yield (
                ledger.Row(line.number, line.entry.encode(), bytes(line.link), bytes(line.mac)),
                line,
            )
        if len(found) < record.BATCH:
            return
        after = found[-1].number


def _differs(row: ledger.Row, line: Any) -> Fault | None:
    if line.seq is None:
        return Fault(row.seq, f"the activity line of row {row.seq} is gone")
    if ledger.canonical(record.entry_of(row.seq, line)) != row.entry:
        return Fault(
            row.seq, f"the activity line {line.seq} says something else than row {row.seq}"
        )
    return None


def _contradicts(line: dict[str, Any], row: ledger.Row, key: bytes) -> Fault | None:
    body = {name: value for name, value in line.items() if name != "mac"}
    signed = ledger.mac(key, ledger.canonical(body)).hex()
    if not hmac.compare_digest(signed, str(line.get("mac"))):
        return Fault(row.seq, f"the anchor of row {row.seq} was not signed with the ledger's key")
    if line.get("link") != row.link.hex():
        return Fault(row.seq, f"row {row.seq} is not the one that was anchored")
    return None


def _cut(rows: int, count: int) -> Fault:
    return Fault(rows + 1, f"row {rows + 1} is missing: the anchor knows of {count} rows")


def _count(session: Session, chain: ledger.Chain, key: bytes) -> Fault | None:
    head = record.head(session)
    if head is None:
        return Fault(chain.seq + 1, "the signed count is missing")
    if head.count == 0 and chain.seq == 0:
        return None
    signed = ledger.mac(key, record.signed_count(head.count, head.link))
    if not hmac.compare_digest(signed, head.mac):
        return Fault(chain.seq, "the count was not signed with the ledger's key")
    if head.count > chain.seq:
        missing = chain.seq + 1
        return Fault(missing, f"row {missing} is missing: the signed count is {head.count}")
    if head.count < chain.seq or head.link != chain.last:
        return Fault(chain.seq, f"row {chain.seq} is not the one that was counted")
    return None


def _unrecorded(session: Session, rows: int) -> Fault | None:
    head = record.head(session)
    assert head is not None
    line = session.scalar(_UNRECORDED, {"opened_after": head.opened_after})
    if line is None:
        return None
    return Fault(rows + 1, f"the activity line {line} has no row in the ledger")


class _Sealed:
    """Follows the seals beside the rows."""

    def __init__(self, seals: Iterable[LedgerSeal], key: bytes) -> None:
        self._seals = list(seals)
        self._key = key
        self._previous = ledger.GENESIS
        self._leaves: list[bytes] = []
        self.done = 0

    def step(self, row: ledger.Row) -> Fault | None:
        """Take a row; compare the seal that it is the last of."""
        if self.done == len(self._seals):
            return None
        self._leaves.append(ledger.leaf(row.entry))
        seal = self._seals[self.done]
        if row.seq != seal.last_seq:
            return None
        content = seal.seal.encode()
        expected = {
            "number": self.done + 1,
            "first": row.seq - len(self._leaves) + 1,
            "last": row.seq,
            "root": ledger.merkle_root(self._leaves).hex(),
            "link": row.link.hex(),
            "previous": self._previous.hex(),
        }
        told = _content_of(content)
        if any(told.get(name) != value for name, value in expected.items()):
            return Fault(row.seq, f"seal {seal.number} does not fit the rows up to {row.seq}")
        digest = ledger.seal_digest(self._previous, content)
        if digest != bytes(seal.digest) or not hmac.compare_digest(
            ledger.mac(self._key, digest), bytes(seal.mac)
        ):
            return Fault(row.seq, f"seal {seal.number} was not made with the ledger's key")
        self._previous = digest
        self._leaves.clear()
        self.done += 1
        return None

    def rest(self, rows: int) -> Fault | None:
        """The seals that no row has come up to."""
        if self.done == len(self._seals):
            return None
        seal = self._seals[self.done]
        return Fault(rows + 1, f"seal {seal.number} covers rows up to {seal.last_seq}")


def _content_of(seal: bytes) -> dict[str, Any]:
    """A seal's content; nothing when it is not JSON."""
    try:
        return dict(json.loads(seal))
    except (ValueError, TypeError):
        return {}
