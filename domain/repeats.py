"""The same fault again: still being dealt with, or repaired shortly before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain.clocks import require_aware


@dataclass(frozen=True, slots=True)
class Repair:
    """A job as repeats are judged: ``closed_at`` None while it is not over; ``visits`` made."""

    job: UUID
    consumer: str
    product: str
    fault: str
    reported_at: datetime
    closed_at: datetime | None
    visits: int = 1

    @property
    def key(self) -> tuple[str, str, str]:
        """Whose product and which fault; two reports with one key speak of the same thing."""
        return self.consumer, self.product, self.fault


@dataclass(frozen=True, slots=True)
class Relation:
    """What a new report is to earlier jobs; both None for a fault that is new."""

    duplicate_of: UUID | None
    repeat_of: UUID | None


def relate(earlier: Iterable[Repair], reported_at: datetime, days: int) -> Relation:
    """Judge a report against the jobs of the same consumer, product and fault.

    A job that is not over is what the report duplicates (the oldest, where there are several).
    Otherwise the repair that ended last, not more than ``days`` days ago, did not hold.
    """
    at = require_aware(reported_at, "reported_at")
    known = list(earlier)
    running = sorted(
        (job for job in known if job.closed_at is None), key=lambda job: (job.reported_at, job.job)
    )
    if running:
        return Relation(running[0].job, None)
    recent = [
        job
        for job in known
        if job.closed_at is not None
        and timedelta() <= at - require_aware(job.closed_at, "closed_at") <= timedelta(days=days)
    ]
    recent.sort(key=lambda job: (job.closed_at, job.job), reverse=True)
    return Relation(None, recent[0].job if recent else None)


@dataclass(frozen=True, slots=True)
class FirstFix:
    """How many jobs were over with one visit and did not come back."""

    done: int
    first_fixed: int
    repeated: int

    @property
    def rate(self) -> float | None:
        """Share of the done jobs; None where there are none."""
        return self.first_fixed / self.done if self.done else None


def first_fix(jobs: Sequence[Repair], days: int) -> FirstFix:
    """Count from jobs alone: done, done at the first visit with no repeat within ``days``."""
    done = [job for job in jobs if job.closed_at is not None]
    reports: dict[tuple[str, str, str], list[datetime]] = {}
    for job in jobs:
        reports.setdefault(job.key, []).append(job.reported_at)
    limit = timedelta(days=days)
    repeated = fixed = 0
    for job in done:
        assert job.closed_at is not None
        again = any(timedelta() <= at - job.closed_at <= limit for at in reports[job.key])
        repeated += again
        fixed += not again and job.visits <= 1
    return FirstFix(len(done), fixed, repeated)
