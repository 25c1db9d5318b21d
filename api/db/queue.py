"""The door to the job queue: work is enqueued in the transaction of the data it belongs to."""

from __future__ import annotations

from procrastinate import App, PsycopgConnector, SyncPsycopgConnector
from sqlalchemy.orm import Session

from api.db.engine import plain_url

PLAN_TASK = "plan_run"
SCENARIO_TASK = "scenario_run"
SCENARIOS = "scenarios"
"""A queue of its own: weeks that are replayed do not keep the plan of today waiting."""

PACK_TASK = "evidence_pack"
PACKS = "packs"
"""Nor does a year of evidence."""

# Only used to write jobs through a connection that is handed over: it never opens one itself.
_door = App(connector=SyncPsycopgConnector())


def enqueue_plan_run(session: Session, run_id: str, day: str) -> None:
    """Ask a worker to carry out a plan run; runs of the same day come one after the other.

    The job exists when, and only when, the transaction of ``session`` commits.
    """
    session.flush()
    raw = session.connection().connection.dbapi_connection
    _door.configure_task(PLAN_TASK, queue="plans", lock=f"plan-{day}", connection=raw).defer(
        run_id=run_id
    )


def enqueue_scenario(session: Session, scenario_id: str, run_number: int) -> None:
    """Ask a worker to answer a scenario; the runs of one scenario come one after the other."""
    session.flush()
    raw = session.connection().connection.dbapi_connection
    _door.configure_task(
        SCENARIO_TASK, queue=SCENARIOS, lock=f"scenario-{scenario_id}", connection=raw
    ).defer(scenario_id=scenario_id, run_number=run_number)


def enqueue_pack(session: Session, pack_id: str) -> None:
    """Ask a worker to make an evidence pack."""
    session.flush()
    raw = session.connection().connection.dbapi_connection
    _door.configure_task(PACK_TASK, queue=PACKS, lock=f"pack-{pack_id}", connection=raw).defer(
        pack_id=pack_id
    )


def queue_app(url: str) -> App:
    """A procrastinate application on this database, for workers."""
    return App(connector=PsycopgConnector(conninfo=plain_url(url), min_size=1, max_size=8))
