"""The ledger: every recorded change, chained and keyed, in the transaction of the change.

A transaction that has recorded anything appends its lines to the ledger just before it commits.
It locks the ledger's head for that moment, so the order of the ledger is the order of commits, and
a transaction that rolls back leaves nothing. What is appended is read back from the activity
table, so that entry and activity line are the same by construction, whoever wrote the line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

from sqlalchemy import event, text
from sqlalchemy.orm import Session

from api.db.engine import LEDGER_KEY
from domain import ledger

CHANNEL: Final = "zhunda_activity"
"""What PostgreSQL is told of once a transaction, however many lines it has recorded."""

_DUE: Final = "ledger_due"
BATCH: Final = 5000

# The columns of an activity line that go into its entry.
LINE = "a.seq, a.at, a.kind, a.subject, a.subject_id, a.actor_id, a.technician_number, a.data"
_OF_THIS_TRANSACTION = text(
    f"SELECT {LINE} FROM activity a "
    "WHERE a.transaction = pg_current_xact_id()::text::bigint ORDER BY a.seq"
)
_HEAD = text("SELECT count, link FROM ledger_head FOR UPDATE")
_APPEND = text(
    "INSERT INTO ledger (seq, activity_seq, entry, link, mac) "
    "VALUES (:seq, :activity_seq, :entry, :link, :mac)"
)
_NOTIFY = text(f"NOTIFY {CHANNEL}")
_RAISE = text("UPDATE ledger_head SET count = :count, link = :link, mac = :mac")


class LedgerKeyMissing(RuntimeError):
    """This session cannot write to the ledger: it was made without the ledger's key."""


def due(session: Session) -> None:
    """Remember that this transaction has recorded something."""
    session.info[_DUE] = True


def key_of(session: Session) -> bytes:
    """The ledger's key, which every engine of an installation carries.

    Raises
    ------
    LedgerKeyMissing
        When it does not.
    """
    key = session.get_bind().get_execution_options().get(LEDGER_KEY)
    if not key:
        raise LedgerKeyMissing(str(LedgerKeyMissing.__doc__))
    return bytes(key)


def entry_of(seq: int, line: Any) -> dict[str, Any]:
    """What stands in the ledger about an activity line (a row of `LINE`)."""
    return {
        "seq": seq,
        "activity": line.seq,
        "at": line.at.astimezone(UTC).isoformat(),
        "kind": line.kind,
        "subject": line.subject,
        "subject_id": str(line.subject_id),
        "actor": None if line.actor_id is None else str(line.actor_id),
        "technician": line.technician_number,
        "data": line.data,
    }


def signed_count(count: int, link: bytes) -> bytes:
    """The digest that the head's MAC is over: number and link, so that neither moves alone."""
    return ledger.link(link, str(count).encode())


@event.listens_for(Session, "before_commit")
def _append(session: Session) -> None:
    if not session.info.get(_DUE) or session.in_nested_transaction():
        return
    session.flush()
    lines = session.execute(_OF_THIS_TRANSACTION).all()
    session.info[_DUE] = False
    if not lines:
        return  # what was recorded has been rolled back to a savepoint
    key = key_of(session)
    count, last = session.execute(_HEAD).one()
    rows = []
    for count, line in enumerate(lines, start=count + 1):  # noqa: B020 - it goes on from there
        entry = ledger.canonical(entry_of(count, line))
        last = ledger.link(bytes(last), entry)
        rows.append(
            {
                "seq": count,
                "activity_seq": line.seq,
                "entry": entry.decode(),
                "link": last,
                "mac": ledger.mac(key, last),
            }
        )
    session.execute(_APPEND, rows)
    session.execute(
        _RAISE,
        {"count": count, "link": last, "mac": ledger.mac(key, signed_count(count, last))},
    )
    session.execute(_NOTIFY)


def rows(session: Session, first: int = 1, last: int | None = None) -> Iterator[ledger.Row]:
    """Rows of the ledger in order, read in batches."""
    while True:
        found = session.execute(
            text(
                "SELECT seq, entry, link, mac FROM ledger "
                "WHERE seq >= :first AND (CAST(:last AS bigint) IS NULL OR seq <= :last) "
                "ORDER BY seq LIMIT :limit"
            ),
            {"first": first, "last": last, "limit": BATCH},
        ).all()
        for row in found:
            yield ledger.Row(row.seq, row.entry.encode(), bytes(row.link), bytes(row.mac))
        if len(found) < BATCH:
            return
        first = found[-1].seq + 1


@dataclass(frozen=True, slots=True)
class Head:
    """How long the ledger says it is."""

    count: int
    link: bytes
    mac: bytes
    opened_after: int


def head(session: Session) -> Head | None:
    """The signed count; None when somebody has removed it."""
    row = session.execute(
        text("SELECT count, link, mac, opened_after FROM ledger_head")
    ).one_or_none()
    return None if row is None else Head(row[0], bytes(row[1]), bytes(row[2]), row[3])
