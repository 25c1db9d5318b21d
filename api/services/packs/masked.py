"""Packs for who is shown no names: the same rows, without what names or finds a consumer.

Photos stay out (their hashes are told), and so do ledger entries that carry somebody's own words:
an entry is proven as it was written or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session, joinedload

from api.db.among import among
from api.db.models import Job, Request
from api.services.feed_words import WORDS
from api.services.masking import mask_address, mask_degrees, mask_name, mask_phone
from api.services.packs.registry import Section

REPORTS: Final = "reports"
_KEPT: Final = (
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|\b[0-9a-f]{32,}\b|\d{4}-\d\d-\d\d(?:[T ][\d:.]+(?:Z|[+-]\d\d:\d\d)?)?"
)
"""Ids, hashes and instants: digits that name nobody."""

_TELLING: Final = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|\+?\d(?:[\s()./-]{0,2}\d){4,}"
"""Mail addresses, and five digits and more that belong together."""

_WITH_WORDS: Final = text(
    "SELECT l.seq FROM ledger l JOIN activity a ON a.seq = l.activity_seq "
    "WHERE l.seq = ANY(:seqs) AND a.data ?| :words"
)


class Mask:
    """Takes the consumers of some jobs out of rows, as a role may see them.

    Parameters
    ----------
    role
        One to which `api.services.masking.MASKS` shows a consumer's data masked or only on request.
    """

    def __init__(self, session: Session, job_ids: Sequence[UUID], role: str) -> None:
        self.role = role
        requests = session.scalars(
            select(Request)
            .join(Job, Job.request_id == Request.id)
            .where(among(Job.id, job_ids))
            .options(joinedload(Request.consumer))
        )
        known = {word for request in requests for word in _known(request)}
        words = [_whole(word) for word in sorted(known, key=len, reverse=True)]
        named = f"(?P<named>{'|'.join(words)})|" if words else ""
        self._pattern = re.compile(f"(?P<kept>{_KEPT})|{named}{_TELLING}", re.IGNORECASE)

    def section(self, key: str, made: Section) -> Section:
        """A section without names, without the files that belong to it."""
        rows = [dict(self._of(row)) for row in made.rows]
        for row in rows:
            if "file" in row:
                row["file"] = None
            if "signed" in row:
                # It holds the event as it was signed, place and all.
                row["signed"] = None
        if key == REPORTS:
            rows = [masked | self._report(row) for masked, row in zip(rows, made.rows, strict=True)]
        return Section(rows)

    def _report(self, row: dict[str, Any]) -> dict[str, Any]:
        by_name = {"name": mask_name, "phone": mask_phone, "address": mask_address}
        return {
            name: mask(str(row[name]), self.role)
            for name, mask in by_name.items()
            if row.get(name) is not None
        }

    def _of(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._pattern.sub(_put, value)
        if isinstance(value, dict):
            return {
                name: mask_degrees(one, self.role)
                if name in ("lat", "lon") and isinstance(one, float)
                else self._of(one)
                for name, one in value.items()
            }
        if isinstance(value, list):
            return [self._of(one) for one in value]
        return value


def _put(found: re.Match[str]) -> str:
    if found["kept"]:
        return found[0]
    return "…" if "named" in found.re.groupindex and found["named"] else "•••"


def _known(request: Request) -> Iterable[str]:
    """What is the consumer's own in any text: names, telephone, mail, address."""
    consumer = request.consumer
    yield from (
        word
        for word in consumer.name.split()
        if len(word) > 2 or (len(word) == 2 and not word.isascii())
    )
    yield from (
        word
        for word in (consumer.name, consumer.phone, consumer.email or "", request.address)
        if len(word) > 2
    )


def _whole(word: str) -> str:
    """A word as a pattern; in alphabets with spaces only as a word of its own."""
    spaced = word.isascii() or any("a" <= char.casefold() <= "ɏ" for char in word)
    return rf"(?<!\w){re.escape(word)}(?!\w)" if spaced else re.escape(word)


def without_words(session: Session, entries: Sequence[int]) -> list[int]:
    """The ledger entries in which nobody has written anything of the own."""
    telling = set(session.scalars(_WITH_WORDS, {"seqs": list(entries), "words": sorted(WORDS)}))
    return [seq for seq in entries if seq not in telling]
