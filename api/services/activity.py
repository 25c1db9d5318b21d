"""The activity feed: one line a change, in the change's transaction, read by cursor.

Lines get their numbers before they commit, so "everything after number n" can miss a line whose
transaction commits late. A cursor is therefore the pair (transaction, number), and a reader stops
below the oldest transaction still open: what it has passed cannot change any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from api.db.models import Activity
from api.services import ledger
from api.services.refusals import Refusal

_READ = text(
    """
    SELECT a.seq, a.transaction, a.at, a.kind, a.subject, a.subject_id, a.data,
           p.name AS actor, t.id AS technician_id
    FROM activity a
    LEFT JOIN person p ON p.id = a.actor_id
    LEFT JOIN technician t ON t.number = a.technician_number
    WHERE (a.transaction, a.seq) > (:transaction, :seq)
      AND a.transaction < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
      AND (CAST(:technician AS bigint) IS NULL OR a.technician_number = :technician)
      AND (CAST(:outlet AS uuid) IS NULL OR t.outlet_id = :outlet)
    ORDER BY a.transaction, a.seq
    LIMIT :limit
    """
)
_LATEST = text(
    """
    SELECT transaction, seq FROM activity
    WHERE transaction < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
    ORDER BY transaction DESC, seq DESC LIMIT 1
    """
)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a reader stands in the feed."""

    transaction: int = 0
    seq: int = 0

    def __str__(self) -> str:
        return f"{self.transaction}-{self.seq}"

    @staticmethod
    def parse(value: str) -> Cursor:
        """The cursor that ``str`` wrote; anything else is refused."""
        transaction, _, seq = value.partition("-")
        if not (
            transaction.isascii() and transaction.isdigit() and seq.isascii() and seq.isdigit()
        ):
            raise Refusal("invalid", "the cursor is not one of ours", cursor=value[:80])
        if len(transaction) > 18 or len(seq) > 18:
            raise Refusal("invalid", "the cursor is not one of ours", cursor=value[:80])
        return Cursor(int(transaction), int(seq))


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the feed, ready to send."""

    cursor: Cursor
    kind: str
    body: dict[str, Any]


def record(
    session: Session,
    kind: str,
    subject: str,
    subject_id: UUID,
    *,
    actor_id: UUID | None = None,
    technician_number: int | None = None,
    **data: Any,
) -> None:
    """Write one line about a change in the transaction of the change.

    Before it commits, the line goes into the ledger, too, and the readers of the feed are woken
    (`api.services.ledger`).
    """
    session.add(
        Activity(
            kind=kind,
            subject=subject,
            subject_id=subject_id,
            actor_id=actor_id,
            technician_number=technician_number,
            data=data,
        )
    )
    ledger.due(session)


def read(
    session: Session,
    after: Cursor,
    limit: int,
    technician_number: int | None = None,
    outlet_id: UUID | None = None,
) -> list[Line]:
    """The next lines after a cursor, oldest first; one technician's or one outlet's when asked."""
    rows = session.execute(
        _READ,
        {
            "transaction": after.transaction,
            "seq": after.seq,
            "limit": limit,
            "technician": technician_number,
            "outlet": outlet_id,
        },
    )
    return [
        Line(
            Cursor(row.transaction, row.seq),
            row.kind,
            {
                "id": f"{row.transaction}-{row.seq}",
                "at": row.at.astimezone(UTC).isoformat(),
                "kind": row.kind,
                "subject": row.subject,
                "subject_id": str(row.subject_id),
                "actor": row.actor,
                "technician_id": None if row.technician_id is None else str(row.technician_id),
                "data": row.data,
            },
        )
        for row in rows
    ]


def latest(session: Session) -> Cursor:
    """The cursor behind the newest settled line."""
    row = session.execute(_LATEST).first()
    return Cursor() if row is None else Cursor(row.transaction, row.seq)
