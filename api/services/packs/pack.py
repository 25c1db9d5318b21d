"""Making a pack: sections, papers, the ledger's entries with their proofs, manifest, signature."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from api.db.models import Activity, Audit, Job, LedgerRow, LedgerSeal
from api.services import audit_samples, sealing
from api.services import ledger as record
from api.services.activity import record as record_change
from api.services.anchor import Anchor
from api.services.packs import verify
from api.services.packs.masked import Mask, without_words
from api.services.packs.pdf import paper
from api.services.packs.registry import Section, Source
from api.services.packs.tables import all_sections
from api.services.refusals import Refusal
from domain import ledger, signatures

LARGEST_BYTES = 2**32 - 2**20
"""What the archive's 32-bit lengths can hold; a longer period is exported in parts."""

_OF_JOBS = text(
    """
    SELECT l.seq FROM ledger l JOIN activity a ON a.seq = l.activity_seq
    WHERE a.subject_id = ANY(:ids) OR a.data->>'job_id' = ANY(:texts) ORDER BY l.seq
    """
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a pack is about.

    Attributes
    ----------
    scope
        What the manifest says: ``{"kind": "case" | "period" | "sample", …}``.
    job_ids
        The jobs.
    entries
        Numbers of the ledger entries.
    contiguous
        Whether they are all entries between the first and the last.
    sample
        The document of an audit's sample, for ``sample.json``.
    masked_for
        The role to which no consumer is named (`api.services.packs.masked`); all is clear else.
    """

    scope: dict[str, Any]
    job_ids: Sequence[UUID]
    entries: Sequence[int]
    contiguous: bool
    sample: dict[str, Any] | None = None
    masked_for: str = ""

    def masked(self, session: Session, role: str) -> Wanted:
        """The same for a role to which no consumer is named."""
        return replace(
            self,
            scope=self.scope | {"masked": True},
            entries=without_words(session, self.entries),
            masked_for=role,
        )


@dataclass(frozen=True, slots=True)
class Signer:
    """With what an installation signs: its secret seed, and where it publishes."""

    seed: bytes
    anchor: Anchor


@dataclass(frozen=True, slots=True)
class Made:
    """A pack that lies on disk."""

    path: Path
    manifest_sha256: str
    size: int
    jobs: int
    entries: int


Tell = Callable[[str, float], None]
"""Hears what is being made, and the share that is done; may raise to stop it."""


@dataclass(slots=True)
class _Members:
    """The files of a pack in order; photos stay on disk until they are needed."""

    files: list[tuple[str, bytes | Path]] = field(default_factory=list)

    def add(self, name: str, content: bytes | Path) -> None:
        self.files.append((name, content))

    def listed(self) -> list[dict[str, Any]]:
        return [
            {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in self.read()
        ]

    def read(self) -> Iterator[tuple[str, bytes]]:
        for name, content in self.files:
            yield name, content if isinstance(content, bytes) else content.read_bytes()


def of_case(session: Session, number: int) -> Wanted:
    """The pack of one job by its number.

    Raises
    ------
    Refusal
        ``not_found``.
    """
    # A number of any size may be asked for; a job's is a bigint.
    small = abs(number) < 2**63
    job_id = session.scalar(select(Job.id).where(Job.number == number)) if small else None
    if job_id is None:
        raise Refusal("not_found", f"there is no job {number}")
    return Wanted(
        {"kind": "case", "job": str(job_id), "number": number},
        [job_id],
        entries_of(session, [job_id]),
        contiguous=False,
    )


def of_period(session: Session, start: datetime, end: datetime) -> Wanted:
    """The pack of what was reported from ``start`` to before ``end``, with the whole ledger of it.

    Raises
    ------
    Refusal
        ``invalid`` for a period that ends before it begins.
    """
    if end <= start:
        raise Refusal("invalid", "the period ends before it begins")
    jobs = session.scalars(
        select(Job.id).where(Job.reported_at >= start, Job.reported_at < end).order_by(Job.id)
    ).all()
    first, last = session.execute(
        select(func.min(LedgerRow.seq), func.max(LedgerRow.seq))
        .join(Activity, Activity.seq == LedgerRow.activity_seq)
        .where(Activity.at >= start, Activity.at < end)
    ).one()
    newest = session.scalar(select(func.max(LedgerRow.seq))) or 0
    if first is None:
        before = session.scalar(
            select(func.max(LedgerRow.seq))
            .join(Activity, Activity.seq == LedgerRow.activity_seq)
            .where(Activity.at < start)
        )
        first, last = (before or 0) + 1, before or 0
    # With the neighbours on both sides, which show that the period was not cut short.
    entries = list(range(max(1, first - 1), min(newest, last + 1) + 1))
    scope = {"kind": "period", "from": _iso(start), "to": _iso(end)}
    return Wanted(scope, jobs, entries, contiguous=True)


def of_sample(session: Session, audit_id: UUID) -> Wanted:
    """The pack of an audit's drawn jobs, with all that one needs to draw them again.

    Raises
    ------
    Refusal
        ``not_found``; ``audit_order`` before the sample is drawn.
    """
    audit = session.get(Audit, audit_id)
    if audit is None:
        raise Refusal("not_found", f"there is no audit {audit_id}")
    sample = audit_samples.document(session, audit)
    jobs = [UUID(one) for one in sample["drawn"]]
    return Wanted(
        {"kind": "sample", "audit": str(audit_id), "audit_kind": audit.kind},
        jobs,
        entries_of(session, [*jobs, audit_id]),
        contiguous=False,
        sample=sample,
    )


def entries_of(session: Session, ids: Sequence[UUID]) -> list[int]:
    """Numbers of the ledger entries about jobs, and about what belongs to them."""
    wanted = list(ids)
    for table, column in (("job", "request_id"), ("visit", "id")):
        key = "id" if table == "job" else "job_id"
        wanted += session.scalars(
            text(f"SELECT {column} FROM {table} WHERE {key} = ANY(:ids)"), {"ids": list(ids)}
        )
    return list(session.scalars(_OF_JOBS, {"ids": wanted, "texts": [str(one) for one in ids]}))


def make(
    session: Session,
    wanted: Wanted,
    out: Path,
    data_dir: Path,
    signer: Signer,
    now: datetime,
    actor_id: UUID | None = None,
    why: str = "",
) -> Made:
    """Seal, write a pack and record it, in one transaction; for a command line.

    What is not sealed yet is sealed first, so that every entry has its proof.

    Raises
    ------
    Refusal
        ``too_large`` for a pack beyond what an archive holds.
    """
    sealing.seal(session, now)
    made = write(session, wanted, out, data_dir, signer, now)
    subject = wanted.job_ids[0] if len(wanted.job_ids) == 1 else UUID(int=0)
    note(session, made, wanted, signer, now, subject, actor_id, why)
    return made


def write(
    session: Session,
    wanted: Wanted,
    out: Path,
    data_dir: Path,
    signer: Signer,
    now: datetime,
    tell: Tell = lambda _what, _share: None,
) -> Made:
    """Write a pack from what is sealed. Changes nothing in the database.

    Raises
    ------
    Refusal
        ``too_large`` for a pack beyond what an archive holds.
    """
    source = Source(session, wanted.job_ids, data_dir)
    members = _Members()
    members.add("verify.py", Path(verify.__file__).read_bytes())
    titles: list[tuple[str, str, str, Section]] = []
    names: dict[str, int] = {}
    sections = all_sections()
    mask = Mask(session, wanted.job_ids, wanted.masked_for) if wanted.masked_for else None
    for index, one in enumerate(sections):
        tell(one.key, 0.6 * index / len(sections))
        made = one.make(source)
        if mask is not None:
            made = mask.section(one.key, made)
        titles.append((one.key, one.english, one.chinese, made))
        names[one.key] = len(made.rows)
        members.add(f"sections/{one.key}.json", ledger.canonical(list(made.rows)))
        for attachment in made.attachments:
            members.add(attachment.name, attachment.path)
    tell("ledger", 0.6)
    seals, entries, head = _proofs(session, wanted.entries)
    members.add("ledger/entries.jsonl", _lines(entries))
    members.add("ledger/seals.jsonl", _lines(seals))
    if wanted.sample is not None:
        members.add("sample.json", ledger.canonical(wanted.sample))
    tell("paper", 0.7)
    members.add("evidence.pdf", paper(wanted.scope, titles, head, now))
    tell("manifest", 0.8)
    listed = members.listed()
    if sum(one["size"] for one in listed) > LARGEST_BYTES:
        raise Refusal("too_large", "the pack would be too large: choose a shorter period")
    manifest = ledger.canonical(
        {
            "format": verify.FORMAT,
            "made_at": _iso(now),
            "scope": wanted.scope,
            "jobs": len(wanted.job_ids),
            "sections": names,
            "ledger": {
                "entries": len(entries),
                "contiguous": wanted.contiguous,
                "head": head,
            },
            "files": listed,
        }
    )
    digest = hashlib.sha256(manifest)
    members.add("manifest.json", manifest)
    key = record.key_of(session)
    members.add("signature.json", signature_of(digest.digest(), key, signer.seed))
    tell("archive", 0.9)
    _write(out, verify.archive(members.read()))
    return Made(out, digest.hexdigest(), out.stat().st_size, len(wanted.job_ids), len(entries))


def note(
    session: Session,
    made: Made,
    wanted: Wanted,
    signer: Signer,
    now: datetime,
    subject_id: UUID,
    actor_id: UUID | None,
    why: str,
) -> None:
    """Record that a pack was made, and publish the hash of its manifest."""
    record_change(
        session,
        "evidence_made",
        "evidence",
        subject_id,
        actor_id=actor_id,
        scope=wanted.scope,
        manifest_sha256=made.manifest_sha256,
        why=why,
    )
    sealing.anchor_head(session, signer.anchor, now)
    signer.anchor.tell(
        {
            "type": "pack",
            "manifest_sha256": made.manifest_sha256,
            "public_key": signatures.public_key(signer.seed).hex(),
            "at": _iso(now),
        }
    )


def signature_of(digest: bytes, key: bytes, seed: bytes) -> bytes:
    """The file that signs a manifest: by the ledger's key, and by the published public key."""
    content: dict[str, Any] = {
        "manifest_sha256": digest.hex(),
        "mac": ledger.mac(key, digest).hex(),
        "key": ledger.key_name(key),
        "public_key": signatures.public_key(seed).hex(),
        "signature": signatures.sign(seed, b"zhunda-evidence-manifest/1\n" + digest).hex(),
    }
    own = hashlib.sha256(ledger.canonical(content)).hexdigest()
    return ledger.canonical(content | {"self": own})


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat()


def _lines(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(ledger.canonical(row) + b"\n" for row in rows)


def _proofs(
    session: Session, wanted: Sequence[int]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, Any] | None]:
    """The seals from the first entry on to the newest, the entries with their paths, the head."""
    numbers = set(wanted)
    query = select(LedgerSeal).order_by(LedgerSeal.number)
    all_seals = session.scalars(query).all()
    if numbers:
        seals = [seal for seal in all_seals if seal.last_seq >= min(numbers)]
    else:
        seals = list(all_seals[-1:])
    told, entries = [], []
    for seal in seals:
        told.append(
            {"seal": seal.seal, "digest": bytes(seal.digest).hex(), "mac": bytes(seal.mac).hex()}
        )
        if any(seal.first_seq <= number <= seal.last_seq for number in numbers):
            entries += _under(session, seal, numbers)
    head = None
    if seals:
        last = seals[-1]
        head = {
            "seal": last.number,
            "digest": bytes(last.digest).hex(),
            "count": last.last_seq,
        }
    return told, entries, head


def _under(session: Session, seal: LedgerSeal, numbers: set[int]) -> Iterator[dict[str, Any]]:
    rows = list(record.rows(session, seal.first_seq, seal.last_seq))
    before = ledger.GENESIS
    if seal.first_seq > 1:
        before = next(record.rows(session, seal.first_seq - 1, seal.first_seq - 1)).link
    tree = ledger.Tree([ledger.leaf(row.entry) for row in rows])
    for index, row in enumerate(rows):
        if row.seq in numbers:
            yield {
                "seq": row.seq,
                "entry": row.entry.decode(),
                "previous": before.hex(),
                "link": row.link.hex(),
                "mac": row.mac.hex(),
                "seal": seal.number,
                "path": [node.hex() for node in tree.path(index)],
            }
        before = row.link


def _write(out: Path, pieces: Iterator[bytes]) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)
