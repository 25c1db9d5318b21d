"""Everybody waits: what is tied to a late visit starts later, for all who make it.

A repair that moves nobody elsewhere. Visits tied to each other keep their routes and their order;
the start of each group is put off until everybody can be there, and what comes after it with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from optimizer.desk.company import mates
from optimizer.desk.leaving import Draft, take_up
from optimizer.desk.standing import Standing
from optimizer.plan import Route
from optimizer.problem import Job, Problem

ROUNDS = 60
EVER = 2**40


def pushed(draft: Draft, on: Sequence[int]) -> Draft | None:
    """A draft with every tied visit as late as the routes of ``on`` make it.

    None where no such times exist; the checker has the last word on those found (gaps that grow
    too long). Whoever is under way to a visit that is put off drives on, and waits there.
    """
    draft = draft.copied()
    problem, starts = draft.problem, draft.starts
    jobs = {job.id: job for job in problem.jobs}
    least = {name: start for name, start in starts.items() if name in jobs}
    draft.touched.update(on)
    for _ in range(ROUNDS):
        late: dict[str, int] = {}
        for r in sorted(draft.touched):
            tail = draft.tails[r]
            route = _timed(problem, draft.stands[r], [jobs[name] for name in tail], least)
            if route is None and (tail or draft.stands[r].settled):
                return None
            for step in () if route is None else route.steps:
                if step.job in least and (step.start or 0) > least[step.job]:
                    late[step.job] = max(late.get(step.job, 0), step.start or 0)
            _successors(problem, route, least, late)
        if not late:
            fixed = {**starts, **least}
            for r in draft.touched:
                tail = draft.tails[r]
                draft.routes[r] = draft.stands[r].timed(
                    problem, [jobs[name] for name in tail], fixed
                )
                if draft.routes[r] is None and tail:
                    return None
            return draft
        for name, start in late.items():
            for mate in mates(jobs[name], problem):
                if mate in least:
                    least[mate] = max(least[mate], start)
                for r, route in draft.routes.items():
                    if route is None or mate not in route.jobs:
                        continue
                    draft.touched.add(r)
                    if not take_up(draft, r, mate, called_off=False):
                        return None
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
