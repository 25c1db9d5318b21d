"""The worker: takes plan runs and scenarios from the queue and carries them out."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import structlog
from procrastinate import App
from sqlalchemy.orm import Session, sessionmaker

from api.db.queue import PACK_TASK, PACKS, PLAN_TASK, SCENARIO_TASK, SCENARIOS, queue_app
from api.services import (
    closings,
    durations,
    idempotency,
    inbox,
    outbox,
    photo_pieces,
    photos,
    scenario_runs,
    webhooks,
)
from api.services.anchor import Anchor
from api.services.breaches import raise_alerts
from api.services.carriers import Carrier
from api.services.packs import orders
from api.services.packs.pack import Signer
from api.services.planning import carry_out
from api.services.policies import policy_on
from api.services.sealing import anchor_head, seal
from network.roads import Roads

log = structlog.get_logger("zhunda.worker")
HEARTBEAT_S = 3
STALLED_AFTER_S = 15
"""A worker that has not been heard of for so long is dead; its work goes to another."""

LOOK_EVERY_S = 5
UPKEEP = "upkeep"
GRACE_S = 10.0
_stopping = threading.Event()
"""Set when this process is asked to end: a scenario under way goes back to the queue."""


def build(
    url: str,
    sessions: sessionmaker[Session],
    roads: Roads,
    anchor: Anchor | None = None,
    carriers: Sequence[Carrier] = (),
    data_dir: Path | None = None,
    signer: Signer | None = None,
    *,
    webhook_private_targets: bool = False,
) -> App:
    """The queue's application with its tasks bound to this database, these roads, this anchor.

    Without ``carriers`` no message comes in or goes out; without ``data_dir`` photos are kept, and
    without that or ``signer`` evidence packs are left to another worker.
    """
    app = queue_app(url)

    @app.task(name=PLAN_TASK, queue="plans")
    def plan_run(run_id: str) -> None:
        carry_out(sessions, roads, UUID(run_id))

    @app.task(name=SCENARIO_TASK, queue=SCENARIOS)
    def scenario_run(scenario_id: str, run_number: int) -> None:
        scenario_runs.carry_out(sessions, UUID(scenario_id), run_number, _stopping.is_set)

    if signer is not None and data_dir is not None:
        _make_packs(app, sessions, data_dir, signer)

    @app.periodic(cron="23 * * * *")
    @app.task(name="forget_keys", queue=UPKEEP, queueing_lock="forget_keys")
    def forget_keys(timestamp: int) -> None:
        with sessions.begin() as session:
            count = idempotency.forget(session, datetime.fromtimestamp(timestamp, UTC))
        log.info("old Idempotency-Keys forgotten", keys=count)

    @app.periodic(cron="* * * * *")
    @app.task(name="anchor_ledger", queue=UPKEEP, queueing_lock="anchor_ledger")
    def anchor_ledger(timestamp: int) -> None:
        if anchor is not None:
            with sessions.begin() as session:
                anchor_head(session, anchor, datetime.fromtimestamp(timestamp, UTC))

    @app.periodic(cron="7 * * * *")
    @app.task(name="seal_ledger", queue=UPKEEP, queueing_lock="seal_ledger")
    def seal_ledger(timestamp: int) -> None:
        with sessions.begin() as session:
            seal(session, datetime.fromtimestamp(timestamp, UTC))

    @app.periodic(cron="*/5 * * * *")
    @app.task(name="forecast_breaches", queue=UPKEEP, queueing_lock="forecast_breaches")
    def forecast_breaches(timestamp: int) -> None:
        with sessions.begin() as session:
            raised = raise_alerts(session, datetime.fromtimestamp(timestamp, UTC))
        if raised:
            log.warning("deadlines will break as things stand", alerts=len(raised))

    @app.periodic(cron="* * * * *")
    @app.task(name="carry_messages", queue=UPKEEP, queueing_lock="carry_messages")
    def carry_messages(timestamp: int) -> None:
        if carriers:
            now = datetime.fromtimestamp(timestamp, UTC)
            taken = inbox.collect(sessions, carriers, now)
            sent, failed = outbox.deliver(sessions, carriers, now)
            log.info("messages carried", taken=taken, sent=sent, failed=failed)

    @app.periodic(cron="* * * * *")
    @app.task(name="call_webhooks", queue=UPKEEP, queueing_lock="call_webhooks")
    def call_webhooks(timestamp: int) -> None:
        now = datetime.fromtimestamp(timestamp, UTC)
        made = webhooks.collect(sessions, now)
        received, failing = webhooks.deliver(
            sessions, now, allow_private=webhook_private_targets, clock=lambda: datetime.now(UTC)
        )
        if made or received or failing:
            log.info("webhooks called", made=made, received=received, failing=failing)

    @app.periodic(cron="*/10 * * * *")
    @app.task(name="close_outlets", queue=UPKEEP, queueing_lock="close_outlets")
    def close_outlets(timestamp: int) -> None:
        with sessions.begin() as session:
            closed = closings.carry_out(session, datetime.fromtimestamp(timestamp, UTC))
        if closed:
            log.info("outlets closed, their people moved", outlets=closed)

    @app.periodic(cron="41 2 * * *")
    @app.task(name="nightly", queue=UPKEEP, queueing_lock="nightly")
    def nightly(timestamp: int) -> None:
        now = datetime.fromtimestamp(timestamp, UTC)
        with sessions.begin() as session:
            model = durations.learn_now(session, policy_on(now.date()), now)
        gone = 0
        if data_dir is not None:
            with sessions.begin() as session:
                gone = len(list(photos.forget(session, data_dir, now.date())))
                orders.forget(session, data_dir, now)
            photo_pieces.forget(data_dir, now)
        log.info("durations learned, old photos forgotten", model=model.version, photos=gone)

    return app


def _make_packs(app: App, sessions: sessionmaker[Session], data_dir: Path, signer: Signer) -> None:
    @app.task(name=PACK_TASK, queue=PACKS)
    def evidence_pack(pack_id: str) -> None:
        orders.carry_out(sessions, UUID(pack_id), data_dir, signer, _stopping.is_set)


async def _revive(app: App) -> None:
    """Hand on the work of workers that died: theirs is marked as being done, for ever."""
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_S):
        log.warning("job taken over from a dead worker", job=job.id)
        await app.job_manager.retry_job(job)


async def _keep_reviving(app: App) -> None:
    while True:
        await _revive(app)
        await asyncio.sleep(LOOK_EVERY_S)


async def _serve(app: App) -> None:
    async with app.open_async():
        reviver = asyncio.create_task(_keep_reviving(app))
        # What takes long, or waits for other people's servers, has workers of its own beside the
        # one that plans today.
        slow = [
            asyncio.create_task(
                app.run_worker_async(
                    queues=[queue],
                    delete_jobs="successful",
                    install_signal_handlers=False,
                    fetch_job_polling_interval=2.0,
                    update_heartbeat_interval=HEARTBEAT_S,
                    stalled_worker_timeout=STALLED_AFTER_S,
                    shutdown_graceful_timeout=GRACE_S,
                )
            )
            for queue in (UPKEEP, SCENARIOS, *([PACKS] if PACK_TASK in app.tasks else []))
        ]
        try:
            await app.run_worker_async(
                queues=["plans"],
                delete_jobs="successful",
                fetch_job_polling_interval=2.0,
                update_heartbeat_interval=HEARTBEAT_S,
                stalled_worker_timeout=STALLED_AFTER_S,
            )
        finally:
            _stopping.set()
            reviver.cancel()
            for one in slow:
                one.cancel()
            await asyncio.gather(*slow, return_exceptions=True)


async def _drain(app: App) -> None:
    async with app.open_async():
        await _revive(app)
        await app.run_worker_async(
            queues=["plans", SCENARIOS, *([PACKS] if PACK_TASK in app.tasks else [])],
            wait=False,
            delete_jobs="successful",
            install_signal_handlers=False,
            listen_notify=False,
            update_heartbeat_interval=HEARTBEAT_S,
            stalled_worker_timeout=STALLED_AFTER_S,
        )


def serve(app: App) -> None:
    """Work until SIGINT or SIGTERM."""
    asyncio.run(_serve(app))


def drain(app: App) -> None:
    """Do what is in the queue now, in this process, and return."""
    asyncio.run(_drain(app))
