"""Orders for evidence packs: asked for with their queue entry, made by a worker, kept 30 days."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, select, text, true
from sqlalchemy.orm import Session, sessionmaker, undefer

from api.db.models import Audit, EvidencePack, Job
from api.db.queue import enqueue_pack
from api.services import audit_samples, looks, sealing
from api.services.activity import record
from api.services.identity import Identity
from api.services.packs.pack import Made, Signer, Wanted, note, of_case, of_period, of_sample, write
from api.services.refusals import Refusal
from api.services.regions import local_midnight, the_region
from api.services.scope import jobs_within
from domain.roles import ASSESSOR

log = structlog.get_logger("zhunda.packs")
KEPT: Final = timedelta(days=30)
"""How long the file can be downloaded; it shows personal data in clear. The order stays."""

UNDER_WAY: Final = ("queued", "running")
CASE, PERIOD, SAMPLE = "case", "period", "sample"
KINDS: Final = (CASE, PERIOD, SAMPLE)


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody wants a pack about, and why.

    One job by its id, the days from ``first`` to ``last``, or an audit's drawn jobs.
    """

    kind: str
    why: str
    job_id: UUID | None = None
    first: date | None = None
    last: date | None = None
    audit_id: UUID | None = None


class _Cancelled(Exception):
    """Somebody does not want it any more."""


class _Stopped(Exception):
    """This worker is asked to end; another one makes it."""


def path_of(folder: Path, pack_id: UUID) -> Path:
    """Where the file of an order lies."""
    return folder / "evidence" / f"{pack_id}.zip"


def order(session: Session, wanted: Order, who: Identity) -> EvidencePack:
    """Put an order into the queue, with its work in the same transaction.

    Raises
    ------
    Refusal
        ``unknown_reference`` for a job or an audit that does not exist or is out of reach;
        ``forbidden`` for an assessor's period; ``audit_order`` before the sample is drawn.
    """
    scope = _scope(session, wanted, who)
    if who.role == ASSESSOR:
        scope["masked_for"] = who.role
    row = EvidencePack(
        scope=scope,
        why=wanted.why,
        progress={"stage": "queued", "share": 0.0},
        created_by=who.person_id,
    )
    session.add(row)
    session.flush()
    enqueue_pack(session, str(row.id))
    record(
        session,
        "evidence_ordered",
        "evidence",
        row.id,
        actor_id=who.person_id,
        scope=row.scope,
        why=row.why,
    )
    session.refresh(row)
    return row


def _scope(session: Session, wanted: Order, who: Identity) -> dict[str, Any]:
    if wanted.kind == PERIOD and who.role == ASSESSOR:
        raise Refusal("forbidden", "an assessor takes out the drawn sample, or a case of it")
    if wanted.kind == CASE:
        mine = select(Job.number).where(Job.id == wanted.job_id).where(jobs_within(who))
        number = session.scalar(mine)
        if number is None:
            raise Refusal("unknown_reference", "no such job", id=str(wanted.job_id))
        return {"kind": CASE, "job": str(wanted.job_id), "number": number}
    if wanted.kind == SAMPLE:
        assert wanted.audit_id is not None
        audit = session.get(Audit, wanted.audit_id)
        if audit is None or (who.role == ASSESSOR and audit.assessor_id != who.person_id):
            raise Refusal("unknown_reference", "no such audit", id=str(wanted.audit_id))
        audit_samples.document(session, audit)
        return {"kind": SAMPLE, "audit": str(wanted.audit_id), "audit_kind": audit.kind}
    return {"kind": PERIOD, "first": str(wanted.first), "last": str(wanted.last)}


def _wanted(session: Session, scope: dict[str, Any]) -> Wanted:
    """What the pack holds, as things stand now."""
    found = _all_of(session, scope)
    role = scope.get("masked_for")
    return found.masked(session, role) if role else found


def _all_of(session: Session, scope: dict[str, Any]) -> Wanted:
    if scope["kind"] == CASE:
        return of_case(session, scope["number"])
    if scope["kind"] == SAMPLE:
        return of_sample(session, UUID(scope["audit"]))
    zone = the_region(session).timezone
    first, last = date.fromisoformat(scope["first"]), date.fromisoformat(scope["last"])
    end = last + timedelta(days=1)
    return of_period(session, local_midnight(first, zone), local_midnight(end, zone))


def within(who: Identity) -> ColumnElement[bool]:
    """The orders that somebody may look up: an assessor the own, others all of them."""
    return EvidencePack.created_by == who.person_id if who.role == ASSESSOR else true()


def reach(session: Session, pack_id: UUID, who: Identity) -> EvidencePack:
    """An order, when this person may look it up.

    Raises
    ------
    Refusal
        ``not_found``, the same for one out of reach and one that does not exist.
    """
    row = session.scalars(
        select(EvidencePack).where(EvidencePack.id == pack_id).where(within(who))
    ).one_or_none()
    if row is None:
        raise Refusal("not_found")
    return row


def request_cancel(session: Session, pack_id: UUID, who: Identity) -> EvidencePack:
    """Ask for an order to be dropped; its worker hears of it with the next section.

    Raises
    ------
    Refusal
        ``not_found``; ``pack_finished`` when it is over.
    """
    reach(session, pack_id, who)
    row = session.get_one(EvidencePack, pack_id, with_for_update=True)
    if row.status not in UNDER_WAY:
        raise Refusal("pack_finished", f"the order has {row.status}", status=row.status)
    if not row.cancel_requested:
        row.cancel_requested = True
        if row.status == "queued":
            row.status, row.finished_at = "cancelled", datetime.now(UTC)
        record(session, "evidence_cancel_requested", "evidence", row.id, actor_id=who.person_id)
    return row


def carry_out(
    sessions: sessionmaker[Session],
    pack_id: UUID,
    folder: Path,
    signer: Signer,
    stopping: Callable[[], bool] = lambda: False,
) -> None:
    """What a worker does: seal, read, write the file, record it.

    The three are transactions of their own, so that nobody waits for a large pack. An order that is
    over is left alone; one that a killed worker left behind is made from the start.
    """
    now = datetime.now(UTC)
    with sessions.begin() as session:
        row = session.get(EvidencePack, pack_id, with_for_update=True)
        if row is None or row.status not in UNDER_WAY:
            return
        row.status, row.started_at = "running", row.started_at or now
        scope, why, actor_id = row.scope, row.why, row.created_by
    try:
        with sessions.begin() as session:
            sealing.seal(session, now)
        with sessions.begin() as session:
            # One picture of the whole record, however long it takes to write it down.
            session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            wanted = _wanted(session, scope)
            watch = _Watch(sessions, pack_id, stopping)
            out = path_of(folder, pack_id)
            made = write(session, wanted, out, folder, signer, now, watch)
        with sessions.begin() as session:
            _succeed(session, pack_id, made, wanted, signer, now, actor_id, why)
    except _Stopped:
        with sessions.begin() as session:
            row = session.get_one(EvidencePack, pack_id, with_for_update=True)
            row.status = "queued"
            enqueue_pack(session, str(pack_id))
    except _Cancelled:
        _end(sessions, pack_id, folder, "cancelled", None)
    except Refusal as refusal:
        _end(sessions, pack_id, folder, "failed", refusal.detail or refusal.code)
    except Exception as error:
        log.exception("evidence pack failed", pack=str(pack_id))
        _end(sessions, pack_id, folder, "failed", f"{type(error).__name__}: {error}"[:500])


@dataclass(frozen=True, slots=True)
class _Watch:
    """Tells the order how far it is, and hears whether it is still wanted."""

    sessions: sessionmaker[Session]
    pack_id: UUID
    stopping: Callable[[], bool]

    def __call__(self, stage: str, share: float) -> None:
        if self.stopping():
            raise _Stopped
        with self.sessions.begin() as session:
            row = session.get_one(EvidencePack, self.pack_id)
            if row.cancel_requested:
                raise _Cancelled
            row.progress = {"stage": stage, "share": round(share, 3)}


def _succeed(
    session: Session,
    pack_id: UUID,
    made: Made,
    wanted: Wanted,
    signer: Signer,
    now: datetime,
    actor_id: UUID,
    why: str,
) -> None:
    row = session.get_one(EvidencePack, pack_id, with_for_update=True)
    if row.cancel_requested:
        raise _Cancelled
    row.status, row.finished_at = "succeeded", datetime.now(UTC)
    row.progress = {"stage": "done", "share": 1.0}
    row.jobs, row.entries, row.size_bytes = made.jobs, made.entries, made.size
    row.manifest_sha256, row.job_ids = made.manifest_sha256, list(wanted.job_ids)
    row.keep_until = now + KEPT
    note(session, made, wanted, signer, now, pack_id, actor_id, why)


def _end(
    sessions: sessionmaker[Session], pack_id: UUID, folder: Path, status: str, problem: str | None
) -> None:
    path_of(folder, pack_id).unlink(missing_ok=True)
    with sessions.begin() as session:
        row = session.get_one(EvidencePack, pack_id, with_for_update=True)
        row.status, row.problem, row.finished_at = status, problem, datetime.now(UTC)
        record(session, f"evidence_{status}", "evidence", pack_id, problem=problem)


def hand_out(session: Session, folder: Path, pack_id: UUID, who: Identity) -> tuple[Path, str]:
    """The file of an order for whoever ordered it, and its hash; a look at every job in it.

    The reason for a look is the order's. Who wants to see another's pack orders it, with a reason.

    Raises
    ------
    Refusal
        ``not_found``; ``forbidden`` for another's order; ``pack_not_ready``; ``pack_gone``.
    """
    reach(session, pack_id, who)
    row = session.get_one(EvidencePack, pack_id, options=[undefer(EvidencePack.job_ids)])
    if row.created_by != who.person_id:
        raise Refusal("forbidden", "another person ordered this; order your own, with your reason")
    if row.manifest_sha256 is None:
        raise Refusal("pack_not_ready", f"the order is {row.status}", status=row.status)
    path = path_of(folder, pack_id)
    if row.removed_at is not None or not path.is_file():
        raise Refusal("pack_gone", "its time was over; order it again")
    looks.seen(looks.EVIDENCE, row.id)
    if "masked_for" in row.scope:
        return path, row.manifest_sha256
    for request_id in session.scalars(
        text("SELECT request_id FROM job WHERE id = ANY(:ids)"), {"ids": row.job_ids}
    ):
        looks.seen(looks.REQUEST, request_id)
    return path, row.manifest_sha256


def forget(session: Session, folder: Path, now: datetime) -> int:
    """Delete the files whose time is over; returns how many. The orders stay on record."""
    over = session.scalars(
        select(EvidencePack).where(EvidencePack.keep_until < now, EvidencePack.removed_at.is_(None))
    ).all()
    for row in over:
        path_of(folder, row.id).unlink(missing_ok=True)
        row.removed_at = now
        record(session, "evidence_removed", "evidence", row.id)
    return len(over)
