"""A key that a client sends with a POST: the change happens once, the answer is told again.

The row is inserted before the work and in its transaction. A second request with the same key
waits on the unique key until the first has committed, and then finds the stored answer; when the
first rolled back, the second does the work.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from api.db.models import IdempotencyKey
from api.services.refusals import Refusal

LONGEST_KEY = 200
KEPT = timedelta(days=7)
"""How long an answer is kept for a repeat: longer than phones are offline."""


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What the first request with this key was told."""

    status: int
    headers: dict[str, str]
    body: str


def request_hash(method: str, path: str, body: bytes, if_match: str) -> str:
    """What makes two requests the same request."""
    digest = hashlib.sha256()
    for part in (method.encode(), path.encode(), if_match.encode(), body):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def claim(session: Session, holder_id: UUID, key: str, hashed: str) -> StoredAnswer | None:
    """Take the key for this transaction, or return the answer that it already has.

    Raises
    ------
    Refusal
        ``invalid`` for a key that is empty, too long or not printable ASCII;
        ``idempotency_key_reused`` when the key belongs to a different request.
    """
    if not 1 <= len(key) <= LONGEST_KEY or not (key.isascii() and key.isprintable()):
        raise Refusal("invalid", f"Idempotency-Key must be 1 to {LONGEST_KEY} printable characters")
    taken = session.execute(
        insert(IdempotencyKey)
        .values(holder_id=holder_id, key=key, request_hash=hashed, headers={}, body="")
        .on_conflict_do_nothing()
        .returning(IdempotencyKey.key)
    ).first()
    if taken is not None:
        return None
    stored = session.scalars(
        select(IdempotencyKey).where(
            IdempotencyKey.holder_id == holder_id, IdempotencyKey.key == key
        )
    ).one()
    if stored.request_hash != hashed:
        raise Refusal("idempotency_key_reused", key=key)
    return StoredAnswer(stored.status or 200, stored.headers, stored.body)


def keep(session: Session, holder_id: UUID, key: str, answer: StoredAnswer) -> None:
    """Store the answer beside the change."""
    session.execute(
        update(IdempotencyKey)
        .where(IdempotencyKey.holder_id == holder_id, IdempotencyKey.key == key)
        .values(status=answer.status, headers=answer.headers, body=answer.body)
    )


def forget(session: Session, now: datetime) -> int:
    """Delete answers older than `KEPT`; returns how many. A repeat after that is a new request."""
    gone = session.execute(
        delete(IdempotencyKey)
        .where(IdempotencyKey.created_at < now - KEPT)
        .returning(IdempotencyKey.key)
    )
    return len(gone.all())
