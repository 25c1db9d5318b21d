"""Who could come when, found while a report is being taken: within a budget, or not at all.

The desk is asked aside, on a session of its own, so that a receipt never waits longer than
`BUDGET_S` for it. Where no desk is loaded, or it does not answer in time, the receipt promises the
deadline alone; a desk that was not loaded is loaded for the next report.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from sqlalchemy.orm import Session, sessionmaker

from api.db.models import Job, Request
from api.services import live
from api.services.live_plans import DeskRoom, plans_ahead
from api.services.refusals import Refusal
from api.services.regions import the_region
from domain.lifecycle import Mode

BUDGET_S: Final = 0.5
"""Half of the second in which a receipt has to be there."""

RECEIPT_S: Final = 0.8
"""So long after the report came in, nothing is waited for any more: the rest takes time, too."""

OFFERS: Final = 3
ASKING: Final = 2
"""So many reports are answered at once; the others do without."""

log = structlog.get_logger("zhunda.proposals")
Propose = Callable[[Job, datetime], list[dict[str, Any]]]


def nobody(_job: Job, _now: datetime) -> list[dict[str, Any]]:
    """The proposal of a process that keeps no desk."""
    return []


class Proposer:
    """Asks the desks of this process about jobs that are not committed yet."""

    def __init__(self, sessions: sessionmaker[Session], room: DeskRoom) -> None:
        self._sessions, self._room = sessions, room
        self._pool = ThreadPoolExecutor(ASKING, thread_name_prefix="proposals")

    def __call__(self, job: Job, now: datetime) -> list[dict[str, Any]]:
        """Arrivals that the running plans have room for, best first; empty for none in time."""
        if job.mode != Mode.ON_SITE or not self._room.answers:
            return []
        left_s = min(BUDGET_S, RECEIPT_S - (datetime.now(UTC) - now).total_seconds())
        if left_s <= 0:
            return []
        asked = self._pool.submit(self._ask, _copy(job), now)
        try:
            return asked.result(timeout=left_s)
        except TimeoutError:
            asked.cancel()
            return []

    def close(self) -> None:
        """Answer nobody any more."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _ask(self, job: Job, now: datetime) -> list[dict[str, Any]]:
        try:
            with self._sessions() as session:
                zone = the_region(session).timezone
                plans = plans_ahead(session, now, zone)
                ready = [plan for plan in plans if self._room.has(plan)]
                told = [
                    {
                        "technician": offer["technician"],
                        "crew": [seat["technician"] for seat in offer["crew"]],
                        "day": offer["day"],
                        "arrival": offer["arrival"],
                        "late_s": offer["late_s"],
                    }
                    for offer in live.best_offers(session, self._room, job, ready, OFFERS, now)
                ]
            if len(ready) < len(plans):
                self._pool.submit(self._load, now)
            return told
        except Refusal as refusal:
            log.info("no offers for a receipt", code=refusal.code)
        except Exception:
            # The report is taken all the same: the deadline is promised by law, offers are not.
            log.exception("no offers for a receipt")
        return []

    def _load(self, now: datetime) -> None:
        """Bring up the desks that are missing, for the reports to come."""
        try:
            with self._sessions() as session:
                for plan in plans_ahead(session, now, the_region(session).timezone):
                    if not self._room.has(plan):
                        with self._room.at(session, plan, now):
                            pass
        except Refusal as refusal:
            log.info("no desk for receipts", code=refusal.code)


def _copy(job: Job) -> Job:
    """The job as the desk needs it, bound to no session: it is asked about on another thread."""
    return Job(
        id=job.id,
        number=job.number,
        job_class=job.job_class,
        reported_at=job.reported_at,
        due_at=job.due_at,
        agreed_due_at=job.agreed_due_at,
        skills=dict(job.skills),
        equipment=list(job.equipment),
        parts=dict(job.parts),
        crew=job.crew,
        service_s=job.service_s,
        windows=list(job.windows),
        request=Request(lat=job.request.lat, lon=job.request.lon),
    )
