"""The week's evidence: ledger sealed and checked, a pack that the verifier takes as it is."""

from __future__ import annotations

import random
import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, sessionmaker

from api import wiring
from api.db.models import LedgerRow
from api.services import sealing
from api.services.ledger_check import check
from api.services.packs.pack import make, of_period
from api.services.regions import local_midnight, the_region
from api.week.proofs import Proof
from config.settings import Settings
from domain import signatures

VERIFIER = Path(__file__).resolve().parents[1] / "services" / "packs" / "verify.py"
FLIPS = 12
"""How many single bytes are flipped; each costs a run of the verifier."""
CUT_OFF = (
    "ALTER TABLE ledger DISABLE TRIGGER USER",
    "DELETE FROM ledger WHERE seq = (SELECT max(seq) FROM ledger)",
)


def evidence(
    settings: Settings,
    sessions: sessionmaker[Session],
    owners: sessionmaker[Session],
    folder: Path,
    first: date,
    now: datetime,
) -> list[Proof]:
    """Seal, anchor, pack and verify; then tamper with copies."""
    anchor = wiring.anchor_of(settings)
    with sessions.begin() as session:
        sealing.seal(session, now)
        sealing.anchor_head(session, anchor, now)
    with sessions() as session:
        verdict = check(session, anchor.lines())
    proofs = [Proof("the ledger is sound", verdict.sound, verdict.to_json())]
    with owners() as session:
        for statement in CUT_OFF:
            session.execute(text(statement))
        cut = check(session, anchor.lines())
        session.rollback()
    proofs.append(Proof("a deleted last row is found", not cut.sound, cut.to_json()))
    pack = folder / "papers" / f"week-{first.isoformat()}.zip"
    pack.parent.mkdir(parents=True, exist_ok=True)
    with sessions.begin() as session:
        zone = the_region(session).timezone
        start = local_midnight(first, zone)
        # The ledger's own clock is the real one: beyond today, so that all of its rows belong.
        end = local_midnight(now.date() + timedelta(days=2), zone)
        rows = session.scalar(select(func.max(LedgerRow.seq)))
        made = make(
            session,
            of_period(session, start, end),
            pack,
            settings.data_dir,
            wiring.signer_of(settings),
            now,
        )
    public = signatures.public_key(wiring.signer_of(settings).seed).hex()
    accepted, told = verified(pack, settings.ledger_anchor, public)
    whole = made.entries == rows
    proofs.append(
        Proof(
            "the offline verifier accepts the pack, which holds the whole ledger",
            accepted and whole,
            {
                "pack": str(pack),
                "bytes": made.size,
                "jobs": made.jobs,
                "entries": made.entries,
                "manifest_sha256": made.manifest_sha256,
                "told": told,
            },
        )
    )
    proofs.append(_flipped(pack, folder, settings.ledger_anchor, public))
    return proofs


def verified(pack: Path, anchors: Path, public_key: str) -> tuple[bool, list[str]]:
    """What the verifier says of a pack, run as a regulator runs it."""
    known = ["--anchors", str(anchors), "--public-key", public_key]
    done = subprocess.run(
        [sys.executable, str(VERIFIER), str(pack), *known],
        capture_output=True,
        text=True,
        check=False,
    )
    said = (done.stdout or done.stderr).splitlines()
    return done.returncode == 0, [line.strip() for line in said if line.strip()]


def _flipped(pack: Path, folder: Path, anchors: Path, public_key: str) -> Proof:
    """Copies with one byte changed, at places drawn with a seed and at both ends."""
    raw = bytearray(pack.read_bytes())
    drawn = random.Random(1).sample(range(len(raw)), FLIPS - 2)
    taken = []
    copy = folder / "papers" / "flipped.zip"
    for place in (0, len(raw) - 1, *drawn):
        raw[place] ^= 1
        copy.write_bytes(raw)
        raw[place] ^= 1
        if verified(copy, anchors, public_key)[0]:
            taken.append(place)
    copy.unlink()
    figures: dict[str, Any] = {"flips": FLIPS, "of_bytes": len(raw), "accepted": taken}
    return Proof("one flipped byte is found, wherever it is", not taken, figures)
