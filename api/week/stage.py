"""Sets the stage for the week: a PostgreSQL of its own, the roads; then come the proofs."""

from __future__ import annotations

import shutil
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from api import wiring
from api.db.engine import make_engine
from api.db.migrate import upgrade
from api.supervisor.postgres import running_postgres
from api.week.audits import audited
from api.week.evidence import evidence
from api.week.proofs import first_day_of, prove
from api.week.run import DAYS, Week
from api.week.story import counted, make_story
from config.settings import Settings
from network.demo import map_layers
from network.roads.server import running_server

LARGEST_REPORTS = 20_000
ITERATIONS = 3000
"""Where the search stops: by count, so that the same seed gives the same week."""


class TooFew(ValueError):
    """A number of reports that makes no week."""


def stage(
    settings: Settings, folder: Path, reports: int, seed: int, now: datetime, days: int = DAYS
) -> dict[str, Any]:
    """Drive the week in a fresh database below ``folder`` and prove what it owes.

    What an earlier week left in the folder is cleared first.

    Raises
    ------
    TooFew
        When there is less than a report a day, or more than anybody could mean.
    """
    if not days <= reports <= LARGEST_REPORTS:
        raise TooFew(f"--reports must be {days} to {LARGEST_REPORTS}, got {reports}")
    started = time.monotonic()
    for name in ("postgres", "photos", "papers"):
        shutil.rmtree(folder / name, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
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
            ledger_anchor=folder / "papers" / "anchors.jsonl",
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
        )
        week.run()
        say("proofs …")
        with sessions() as session:
            proofs = prove(session, now)
        last = first + timedelta(days=days)
        say("audits …")
        proofs += audited(own, sessions, folder, first, last, now)
        say("evidence …")
        # The database's owner, with the ledger's key: who could do the most.
        mighty = make_engine(own.database_url, 1, own.ledger_key.encode())
        stack.callback(mighty.dispose)
        owners = wiring.sessions_of(mighty)
        proofs += evidence(own, sessions, owners, folder, first, last, now)
    return {
        "from": first.isoformat(),
        "days": days,
        "seed": seed,
        **counted(scenes),
        "counts": week.counts,
        "proofs": [asdict(proof) for proof in proofs],
        "holds": all(proof.holds for proof in proofs),
        "seconds": round(time.monotonic() - started, 1),
    }


def show(outcome: dict[str, Any]) -> str:
    """The outcome for people."""
    lines = [
        f"a week from {outcome['from']}, seed {outcome['seed']}: "
        + ", ".join(f"{count} {name}" for name, count in outcome["counts"].items()),
        "by door: " + ", ".join(f"{n} {name}" for name, n in outcome["channels"].items()),
        "",
    ]
    for proof in outcome["proofs"]:
        lines.append(f"{'holds' if proof['holds'] else 'FAILS'}  {proof['name']}")
        lines += [f"         {name}: {value}" for name, value in proof["figures"].items()]
    lines.append(f"\n{outcome['seconds']} s")
    return "\n".join(lines)


def say(line: str) -> None:
    """Progress goes to standard error."""
    print(line, file=sys.stderr, flush=True)
