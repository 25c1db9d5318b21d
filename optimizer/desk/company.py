"""Who has to leave the plan when a visit does: its crew, its `together` mates, its successors."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from optimizer.plan import Route
from optimizer.problem import Job, Problem


def mates(job: Job, problem: Problem) -> set[str]:
    """Jobs that start in the same second as this one, itself included."""
    found, fresh = {job.id}, {job.id}
    known = {other.id: other for other in problem.jobs}
    while fresh:
        fresh = {
            other.id
            for other in problem.jobs
            if fresh & set(other.together)
            or any(other.id in known[name].together for name in fresh if name in known)
        } - found
        found |= fresh
    return found


def dragged_out(left_out: Collection[str], problem: Problem) -> set[str]:
    """All jobs that cannot stay when these are left out, themselves included."""
    out, fresh = set(left_out), set(left_out)
    if not any(job.after or job.together or job.crew > 1 for job in problem.jobs):
        return out
    known = {job.id: job for job in problem.jobs}
    while fresh:
        more = {job.id for job in problem.jobs if fresh & set(job.after)}
        for name in fresh:
            more |= mates(known[name], problem)
        fresh = more - out
        out |= fresh
    return out


def company_of(
    job: Job, problem: Problem, routes: Mapping[int, Route | None], but: int
) -> frozenset[str]:
    """Technicians who do another half of the job, or a job that starts with it, on other shifts."""
    names = mates(job, problem)
    return frozenset(
        route.technician
        for r, route in routes.items()
        if r != but and route is not None and names & set(route.jobs)
    )
