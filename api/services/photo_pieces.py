"""Photos in pieces, for bad reception: what has come stays, and the phone goes on from there.

Pieces are appended to a file beside the photos until all are there; then the photo is kept as if it
had come at once. Pieces that come twice change nothing; what nobody goes on with goes after a day.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from api.services.identity import Identity
from api.services.photos import require_visit, too_large
from api.services.policies import policy_on
from api.services.refusals import Refusal

WAITS: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of a photo, from ``offset`` on, of ``total`` in all; no bytes only ask."""

    offset: int
    total: int
    content: bytes


def path_of(folder: Path, visit_id: UUID, photo_id: UUID, total: int) -> Path:
    """Where the pieces of a photo gather."""
    return folder / "uploads" / f"{visit_id}.{photo_id}.{total}"


def add(
    session: Session, folder: Path, visit_id: UUID, photo_id: UUID, piece: Piece, who: Identity
) -> bytes | int:
    """Take a piece: the whole photo once it is there, else how many bytes are.

    Raises
    ------
    Refusal
        ``not_found``, ``forbidden`` for another technician's visit; ``too_large``; ``invalid`` for
        more bytes than were told; ``upload_gap`` when bytes before these are missing, with how many
        have come.
    """
    visit = require_visit(session, visit_id, who)
    largest = policy_on(visit.day).photo_largest_bytes
    if piece.total > largest:
        raise too_large(largest)
    if piece.offset + len(piece.content) > piece.total:
        raise Refusal("invalid", "there are more bytes than total says", total=piece.total)
    # Two pieces of a photo at once: one after the other.
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:photo, 12))"),
        {"photo": str(photo_id)},
    )
    path = path_of(folder, visit_id, photo_id, piece.total)
    received = path.stat().st_size if path.exists() else 0
    if piece.offset > received:
        raise Refusal("upload_gap", "bytes before these have not come", received=received)
    fresh = piece.content[received - piece.offset :]
    if fresh:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(fresh)
            file.flush()
            os.fsync(file.fileno())
        received += len(fresh)
    return path.read_bytes() if received == piece.total else received


def done(folder: Path, visit_id: UUID, photo_id: UUID, total: int) -> None:
    """The photo is kept, or is none: its pieces go."""
    path_of(folder, visit_id, photo_id, total).unlink(missing_ok=True)


def forget(folder: Path, now: datetime) -> int:
    """Delete pieces that nobody has gone on with; returns of how many photos."""
    oldest = (now - WAITS).timestamp()
    old = [path for path in (folder / "uploads").glob("*") if path.stat().st_mtime < oldest]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)
