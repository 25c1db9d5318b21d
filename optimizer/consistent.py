"""What two rules leave together, worked out before a search looks at them one by one.

The search times each shift by itself. Overtime that runs into the same technician's next shift,
and a pinned start outside the job's own windows, are rules between two things; here each becomes
a rule of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

from optimizer.problem import Job, Problem, Shift, Technician

Ends = Mapping[tuple[str, str], int]


def consistent(problem: Problem) -> Problem:
    """The problem with overtime that ends where the next shift begins, and no contradictory pins.

    Every plan of the result is a plan of the problem. Lost are only plans in which somebody works
    into the next shift and takes it up later; where such a route is frozen, the next shift begins
    at its end. The same object when there is nothing to do.
    """
    ends = _frozen_ends(problem)
    technicians = tuple(_apart(who, ends) for who in problem.technicians)
    frozen = _frozen_jobs(problem)
    jobs = tuple(
        replace(job, allowed=frozenset()) if _contradicts(job) and job.id not in frozen else job
        for job in problem.jobs
    )
    same = all(a is b for a, b in zip(technicians, problem.technicians, strict=True))
    if same and all(a is b for a, b in zip(jobs, problem.jobs, strict=True)):
        return problem
    return replace(problem, technicians=technicians, jobs=jobs)


def _frozen_jobs(problem: Problem) -> set[str]:
    published, line = problem.published, problem.frozen_until
    if published is None or line is None:
        return set()
    steps = [step for route in published.routes for step in route.steps]
    return {step.job for step in steps if step.job is not None and (step.start or 0) < line}


def _frozen_ends(problem: Problem) -> Ends:
    """When the published routes are over that have begun by the frozen line."""
    published, line = problem.published, problem.frozen_until
    if published is None or line is None:
        return {}
    return {
        (route.technician, route.shift): route.end
        for route in published.routes
        if any(step.job is not None and (step.start or 0) < line for step in route.steps)
    }


def _apart(who: Technician, ends: Ends) -> Technician:
    shifts: dict[str, Shift] = {shift.id: shift for shift in who.shifts}
    ordered = sorted(who.shifts, key=lambda shift: (shift.start, shift.end))
    for earlier, later in pairwise(ordered):
        first, second = shifts[earlier.id], shifts[later.id]
        if first.end + first.overtime_s <= second.start:
            continue
        cut = max(second.start, ends.get((who.id, first.id), 0))
        over = min(first.overtime_s, max(0, cut - first.end))
        shifts[first.id] = replace(first, overtime_s=over)
        if cut > second.start:
            closed = cut > second.end + second.overtime_s
            shifts[second.id] = (
                replace(second, max_jobs=0) if closed else replace(second, start=cut)
            )
    changed = tuple(shifts[shift.id] for shift in who.shifts)
    unchanged = all(a is b for a, b in zip(changed, who.shifts, strict=True))
    return who if unchanged else replace(who, shifts=changed)


def _contradicts(job: Job) -> bool:
    """Whether the pinned start is one that the job's own release or windows forbid."""
    start = None if job.pinned is None else job.pinned.start
    if start is None:
        return False
    inside = not job.time_windows or any(a <= start <= b for a, b in job.time_windows)
    return start < job.release or not inside
