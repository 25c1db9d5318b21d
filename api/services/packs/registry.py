"""The sections of a pack: functions from jobs to rows and files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Source:
    """What a section is made from: the record, the jobs of the pack, the folder of files."""

    session: Session
    job_ids: Sequence[UUID]
    data_dir: Path


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a section, read when it is needed.

    ``name`` is its path in the pack, in ASCII (``photos/ID.jpg``), ``path`` where it lies.
    """

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Section:
    """Rows that JSON can hold, and files."""

    rows: Sequence[dict[str, Any]]
    attachments: Sequence[Attachment] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Registered:
    """A section with its file name and its titles."""

    key: str
    english: str
    chinese: str
    make: Callable[[Source], Section]


SECTIONS: dict[str, Registered] = {}
"""By key, in the order in which they stand in a pack."""


def section(
    key: str, english: str, chinese: str
) -> Callable[[Callable[[Source], Section]], Callable[[Source], Section]]:
    """Register a section of every pack under a key that names its file."""

    def register(make: Callable[[Source], Section]) -> Callable[[Source], Section]:
        if key in SECTIONS:
            raise ValueError(f"there is a section {key!r} already")
        SECTIONS[key] = Registered(key, english, chinese, make)
        return make

    return register
