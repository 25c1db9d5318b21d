"""The week's evidence: ledger sealed and checked, a pack that the verifier takes as it is."""

from __future__ import annotations

import random
import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from api import wiring
from api.services import sealing
from api.services.ledger_check import check
from api.services.packs.pack import make, of_period
from api.services.regions import local_midnight, the_region
from api.week.proofs import Proof
from config.settings import Settings

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
    last: date,
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
        end = local_midnight(last + timedelta(days=1), zone)
        made = make(
            session,
            of_period(session, start, end),
            pack,
            settings.data_dir,
            wiring.signer_of(settings),
            now,
        )
    accepted, told = verified(pack)
    proofs.append(
        Proof(
            "the offline verifier accepts the pack",
            accepted,
            {"pack": str(pack), "bytes": pack.stat().st_size, "told": told, "made": str(made)},
        )
    )
    proofs.append(_flipped(pack, folder))
    return proofs


def verified(pack: Path) -> tuple[bool, str]:
    """What the verifier says of a pack, run as a regulator runs it."""
    done = subprocess.run(
        [sys.executable, str(VERIFIER), str(pack)], capture_output=True, text=True, check=False
    )
    said = done.stdout.strip().splitlines()
    return done.returncode == 0, said[-1] if said else done.stderr.strip()[-200:]


def _flipped(pack: Path, folder: Path) -> Proof:
    """Copies with one byte changed, at places drawn with a seed and at both ends."""
    raw = bytearray(pack.read_bytes())
    drawn = random.Random(1).sample(range(len(raw)), FLIPS - 2)
    taken = []
    copy = folder / "papers" / "flipped.zip"
    for place in (0, len(raw) - 1, *drawn):
        raw[place] ^= 1
        copy.write_bytes(raw)
        raw[place] ^= 1
        if verified(copy)[0]:
            taken.append(place)
    copy.unlink()
    figures: dict[str, Any] = {"flips": FLIPS, "of_bytes": len(raw), "accepted": taken}
    return Proof("one flipped byte is found, wherever it is", not taken, figures)
