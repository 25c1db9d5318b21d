"""Which jobs the desk takes, and when their predecessors let them start."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from optimizer.plan import Route
from optimizer.problem import Job, Problem, Window

DAY_S = 86_400


def cut_to_predecessors(job: Job, routes: Mapping[int, Route | None], now_s: int) -> Job | None:
    """The job with its windows cut to what its predecessors leave; None where they leave none."""
    least, most = now_s, 2**40
    for before in job.after:
        steps = [
            step
            for route in routes.values()
            if route is not None and before in route.jobs
            for step in route.steps
            if step.job == before
        ]
        if not steps:
            return None
        base = max((s.end if job.gap_from == "end" else s.start) or 0 for s in steps)
        least = max(least, base + job.min_gap_s)
        if job.max_gap_s is not None:
            most = min(most, base + job.max_gap_s)
    windows = [
        (max(a, least), min(b, most))
        for a, b in sorted(job.time_windows) or [(-(2**40), 2**40)]
        if max(a, least) <= min(b, most)
    ]
    if not windows:
        return None
    start = job.pinned.start if job.pinned is not None else None
    if start is not None and not any(a <= start <= b for a, b in windows):
        return None
    return replace(job, time_windows=tuple(windows)) if job.after else job


def refuse_job(
    job: Job,
    problem: Problem,
    jobs: Mapping[str, Job],
    routes: Mapping[int, Route | None],
) -> None:
    """ValueError where the desk cannot place such a job."""
    if any(route is not None and job.id in route.jobs for route in routes.values()):
        raise ValueError(f"job {job.id} is planned already")
    if not 0 <= job.location < len(problem.locations):
        raise ValueError(f"job {job.id}: no location {job.location}")
    if job.job_class is not None and job.job_class not in problem.class_weights:
        raise ValueError(f"job {job.id}: no class {job.job_class!r}")
    for key, others in (("after", job.after), ("together", job.together)):
        unknown = [name for name in others if name not in jobs]
        if unknown:
            raise ValueError(f"job {job.id}: {key} unknown job {unknown[0]!r}")


def refuse_unplanned(group: Sequence[Job], routes: Mapping[int, Route | None]) -> None:
    """ValueError where one of these comes after a job that is on no route."""
    planned = {name for route in routes.values() if route is not None for name in route.jobs}
    for job in group:
        for before in job.after:
            if before not in planned:
                raise ValueError(
                    f"job {job.id} comes after {before}, which is on no route: plan {before} first"
                )


def in_company(
    group: Sequence[Job], planned: Mapping[str, int], company: Collection[str]
) -> tuple[Job, ...] | None:
    """Jobs that start in one second, each with the windows that all of them leave; None if none do.

    Parameters
    ----------
    planned
        Jobs on routes that start with them, and when.
    company
        Technicians who do those.
    """
    windows: list[Window] = [(-(2**40), 2**40)]
    for start in planned.values():
        windows = _common(windows, [(start, start)])
    for job in group:
        if job.time_windows:
            windows = _common(windows, sorted(job.time_windows))
        if job.pinned is not None and job.pinned.start is not None:
            windows = _common(windows, [(job.pinned.start, job.pinned.start)])
    if not windows:
        return None
    return tuple(
        replace(
            job,
            time_windows=tuple(windows),
            excluded=job.excluded | frozenset(company),
        )
        for job in group
    )


def _common(some: Sequence[Window], others: Sequence[Window]) -> list[Window]:
    """What lies in a window of both."""
    return sorted(
        (max(a, c), min(b, d)) for a, b in some for c, d in others if max(a, c) <= min(b, d)
    )


def is_tied(job: Job, problem: Problem) -> bool:
    """Whether others depend on when this is done, or it on them."""
    return (
        job.crew > 1
        or bool(job.after or job.together)
        or any(job.id in (*other.after, *other.together) for other in problem.jobs)
    )


def shifts_a_tied_end(
    old: Sequence[Route], new: Sequence[Route], starts: Mapping[str, int]
) -> bool:
    """Whether a tied visit ends at another second: its setup comes and goes with neighbours."""
    ends = [
        {(r.technician, s.job, s.end) for r in routes for s in r.steps if s.job in starts}
        for routes in (old, new)
    ]
    return ends[0] != ends[1]


def movable(
    job_of: Sequence[str],
    jobs: Mapping[str, Job],
    starts: Mapping[str, int],
    promised: Collection[str],
) -> NDArray[np.uint8]:
    """Visits without a promise, per task."""
    flags = np.zeros(len(job_of), np.uint8)
    for task, name in enumerate(job_of):
        job = jobs.get(name)
        if job is None or name in starts or name in promised:
            continue
        if job.pinned is None and (
            not job.time_windows or any(b - a >= DAY_S for a, b in job.time_windows)
        ):
            flags[task] = 1
    return flags
