"""Sets the stage for the week: a PostgreSQL of its own, the roads; then come the proofs."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from api import wiring
from api.db.engine import make_engine
from api.db.migrate import upgrade
from api.services import sealing
from api.supervisor.postgres import running_postgres
from api.week.audits import audited
from api.week.evidence import evidence
from api.week.proofs import Proof, first_day_of, prove, receipts
from api.week.run import DAYS, Week
from api.week.story import counted, make_story
from config.settings import Settings
from network.demo import map_layers
from network.roads.server import running_server

KEYS = ("ledger.key", "evidence.key", "secret")
LARGEST_REPORTS = 20_000
ITERATIONS = 3000
"""Where the search stops: by count, so that the same seed gives the same week."""


MARK = "week.json"
"""Says that a folder is a week's, which the next one may clear; at the end, what came of it."""


class NoStage(ValueError):
    """A number of reports that makes no week, or a folder that is somebody else's."""


def stage(
    settings: Settings, folder: Path, reports: int, seed: int, now: datetime, days: int = DAYS
) -> dict[str, Any]:
    """Drive the week in a fresh database below ``folder`` and prove what it owes.

    What an earlier week left in the folder is cleared first.

    Raises
    ------
    NoStage
        When there is less than a report a day, or more than anybody could mean; when the folder
        holds anything but an earlier week.
    """
    if not days <= reports <= LARGEST_REPORTS:
        raise NoStage(f"--reports must be {days} to {LARGEST_REPORTS}, got {reports}")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARK).is_file():
        raise NoStage(f"--data {folder}: holds something else than a week; name a new folder")
    started = time.monotonic()
    for name in ("postgres", "photos", "papers", "anchors"):
        shutil.rmtree(folder / name, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text("{}")
    # With the keys beside it, the folder can be served and looked at when the week is over.
    for name in KEYS:
        if (settings.data_dir / name).is_file():
            shutil.copy2(settings.data_dir / name, folder / name)
    region = wiring.demo_region(settings.data_dir)
    first = first_day_of(now, days)
    scenes = make_story(region, first, days, reports, seed)
    with ExitStack() as stack:
        say("PostgreSQL and roads …")
        url = stack.enter_context(running_postgres(folder / "postgres"))
        osrm = settings.osrm_url or stack.enter_context(running_server(region.graph.directory))
        own = replace(
            settings,
            data_dir=folder,
            database_url=url,
            osrm_url=osrm,
            ledger_anchor=folder / "anchors" / "ledger.jsonl",
        )
        owning = wiring.owning_engine_of(own)
        stack.callback(owning.dispose)
        upgrade(owning)
        engine = wiring.engine_of(own)
        stack.callback(engine.dispose)
        sessions = wiring.sessions_of(engine)
        roads = stack.enter_context(wiring.roads_of(replace(own, data_dir=settings.data_dir)))
        week = Week(
            sessions=sessions,
            roads=roads,
            region=region,
            bounds=map_layers(region)["bounds"],
            folder=folder,
            first_day=first,
            days=days,
            scenes=scenes,
            engine=wiring.plan_engine(own),
            iterations=ITERATIONS,
            tell=say,
            close_day=partial(_publish_head, own, sessions),
        )
        week.run()
        say("proofs …")
        published = {
            "plans": week.counts.get("plans", 0),
            "planned_again": week.planned_again,
            "refused": week.refused,
        }
        proofs = [Proof("every day could be planned and published", not week.refused, published)]
        with sessions() as session:
            proofs.append(receipts(session, week.counts["reports"]))
            proofs += prove(session, now)
        last = first + timedelta(days=days)
        say("audits …")
        proofs += audited(own, sessions, folder, first, last, now)
        say("evidence …")
        # The database's owner, with the ledger's key: who could do the most.
        mighty = make_engine(own.database_url, 1, own.ledger_key.encode())
        stack.callback(mighty.dispose)
        owners = wiring.sessions_of(mighty)
        proofs += evidence(own, sessions, owners, folder, first, now)
    outcome = {
        "from": first.isoformat(),
        "days": days,
        "seed": seed,
        **counted(scenes),
        "counts": week.counts,
        "proofs": [asdict(proof) for proof in proofs],
        "holds": all(proof.holds for proof in proofs),
        "seconds": round(time.monotonic() - started, 1),
        "cpu_seconds": round(sum(os.times()[:4]), 1),
        "peak_mib": _peak_mib(),
    }
    (folder / MARK).write_text(json.dumps(outcome, default=str, ensure_ascii=False, indent=1))
    return outcome


def _publish_head(settings: Settings, sessions: sessionmaker[Session]) -> None:
    """Seal what the day has added to the ledger, and publish the head."""
    now = datetime.now(UTC)
    with sessions.begin() as session:
        sealing.seal(session, now)
        sealing.anchor_head(session, wiring.anchor_of(settings), now)


def show(outcome: dict[str, Any]) -> str:
    """The outcome for people."""
    lines = [
        f"a week from {outcome['from']}, seed {outcome['seed']}: "
        + ", ".join(f"{count} {name}" for name, count in outcome["counts"].items()),
        "by door: " + ", ".join(f"{n} {name}" for name, n in outcome["channels"].items()),
        "what became of them: " + ", ".join(f"{n} {name}" for name, n in outcome["fates"].items()),
        "",
    ]
    for proof in outcome["proofs"]:
        lines.append(f"{'holds' if proof['holds'] else 'FAILS'}  {proof['name']}")
        lines += [f"         {name}: {_told(value)}" for name, value in proof["figures"].items()]
    lines.append(
        f"\n{outcome['seconds']} s, {outcome['cpu_seconds']} s of processor time with the "
        f"database's and the road server's, {outcome['peak_mib']} MiB at most"
    )
    return "\n".join(lines)


def _peak_mib() -> int | None:
    try:
        import resource  # not on Windows, where only measuring is missing
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _told(value: Any) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def say(line: str) -> None:
    """Progress goes to standard error."""
    print(line, file=sys.stderr, flush=True)
