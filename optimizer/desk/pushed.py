"""Everybody waits: what is tied to a late visit starts later, for all who make it.

A repair that moves nobody elsewhere. Visits tied to each other keep their routes and their order;
the start of each group is put off until everybody can be there, and what comes after it with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from optimizer.desk.company import mates
from optimizer.desk.repair import Tails
from optimizer.desk.standing import Standing
from optimizer.plan import Route
from optimizer.problem import Job, Problem

ROUNDS = 60
EVER = 2**40


def pushed(
    problem: Problem,
    stands: Sequence[Standing],
    tails: Mapping[int, tuple[str, ...]],
    starts: Mapping[str, int],
    on: Sequence[int],
) -> tuple[Tails, dict[int, Route | None]] | None:
    """Tails and routes with every tied visit as late as the routes of ``on`` make it.

    None where no such times exist; the checker has the last word on those found (gaps that grow
    too long, halves that are under way already).
    """
    jobs = {job.id: job for job in problem.jobs}
    least = {name: start for name, start in starts.items() if name in jobs}
    affected = set(on)
    for _ in range(ROUNDS):
        late: dict[str, int] = {}
        for r in sorted(affected):
            route = _timed(problem, stands[r], [jobs[name] for name in tails[r]], least)
            if route is None and (tails[r] or stands[r].settled):
                return None
            for step in () if route is None else route.steps:
                if step.job in least and (step.start or 0) > least[step.job]:
                    late[step.job] = max(late.get(step.job, 0), step.start or 0)
            _successors(problem, route, least, late)
        if not late:
            fixed = {**starts, **least}
            routes = {
                r: stands[r].timed(problem, [jobs[name] for name in tails[r]], fixed)
                for r in affected
            }
            if any(route is None and tails[r] for r, route in routes.items()):
                return None
            return {r: tails[r] for r in affected}, routes
        for name, start in late.items():
            for mate in mates(jobs[name], problem):
                if mate in least:
                    least[mate] = max(least[mate], start)
                affected |= {r for r, tail in tails.items() if mate in tail}
    return None


def _timed(
    problem: Problem, stand: Standing, visits: Sequence[Job], least: Mapping[str, int]
) -> Route | None:
    """The route with tied visits no earlier than they may."""
    later = []
    for job in visits:
        if job.id in least:
            windows = job.time_windows or ((0, EVER),)
            cut = tuple((max(a, least[job.id]), b) for a, b in windows if b >= least[job.id])
            if not cut:
                return None
            job = replace(job, time_windows=cut)
        later.append(job)
    return stand.timed(problem, later, {})


def _successors(
    problem: Problem, route: Route | None, least: Mapping[str, int], late: dict[str, int]
) -> None:
    """Whoever comes after a visit of this route keeps the least gap to it."""
    if route is None:
        return
    done = {step.job: step for step in route.steps if step.job is not None}
    for other in problem.jobs:
        for before in other.after:
            step = done.get(before)
            if step is None or other.id not in least:
                continue
            base = (step.end if other.gap_from == "end" else step.start) or 0
            if base + other.min_gap_s > least[other.id]:
                late[other.id] = max(late.get(other.id, 0), base + other.min_gap_s)
