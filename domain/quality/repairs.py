"""Whether the work holds: fixed at the first visit, repaired again within days."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.quality.shares import Share


@dataclass(frozen=True, slots=True)
class RepairFacts:
    """A job that was done: ``visits`` is how many times somebody stood at the door.

    ``repeat_of`` names the job whose fault came back.
    """

    job: str
    reported_at: datetime
    done_at: datetime
    visits: int
    repeat_of: str | None = None


@dataclass(frozen=True, slots=True)
class RepairFigures:
    """``first_fix``: one visit and no repeat within the days; ``repeats``: came back within them.

    Jobs done so lately that their days are not over stand in ``undecided`` and in neither share,
    unless the fault has come back already. The tuples name the jobs behind the figures.
    """

    first_fix: Share
    repeats: Share
    undecided: int
    fixed_first: tuple[str, ...]
    came_back: tuple[str, ...]


def repair_figures(
    done: Iterable[RepairFacts],
    reports: Iterable[tuple[str, datetime]],
    within: timedelta,
    as_of: datetime,
) -> RepairFigures:
    """First-fix rate and repeat repairs of jobs that were done.

    Parameters
    ----------
    done
        The jobs to judge.
    reports
        Every later report that is a repeat: the job it repeats, and when it was reported.
    within
        How long a repair has to hold.
    as_of
        What is reported later is not known yet.
    """
    repeated: dict[str, list[datetime]] = {}
    for job, at in reports:
        if at <= as_of:
            repeated.setdefault(job, []).append(at)
    fixed, back, decided, undecided = [], [], 0, 0
    for facts in done:
        until = facts.done_at + within
        came_back = any(facts.done_at <= at <= until for at in repeated.get(facts.job, ()))
        if not came_back and until > as_of:
            undecided += 1
            continue
        decided += 1
        if came_back:
            back.append(facts.job)
        elif facts.visits <= 1:
            fixed.append(facts.job)
    return RepairFigures(
        Share(len(fixed), decided), Share(len(back), decided), undecided, tuple(fixed), tuple(back)
    )
