"""A technician drops out: spread what is left of the day over the others, changing little."""

from __future__ import annotations

from dataclasses import replace

from optimizer.desk.company import company_of
from optimizer.desk.leaving import Draft, leave_out, shortened, take_up
from optimizer.desk.model import Places
from optimizer.desk.repair import homeless_visit, redistribute, without_broken_freezes
from optimizer.plan import Route
from optimizer.problem import Job, Problem


def without_technician(
    draft: Draft,
    places: Places,
    technician: str,
    from_s: int,
    *,
    seed: int,
    iterations: int,
    blind: frozenset[tuple[str, str]] = frozenset(),
    rehouse: bool = True,
) -> tuple[Problem, tuple[tuple[str, str], ...]]:
    """Take every visit the technician would start at or after ``from_s`` away and rehouse it.

    A visit that the technician is driving to goes as well, unless it is known to have begun. Visits
    tied to others keep their second. Whoever's company finds no place is left out as well; without
    ``rehouse`` everybody is.

    Returns
    -------
    problem, closed
        The problem without freezes that could not be kept, and the technician's shifts. What
        becomes of the plan is in ``draft``.
    """
    problem, starts = draft.problem, draft.starts
    jobs = {job.id: job for job in problem.jobs}
    away: list[tuple[Job, Job]] = []
    closed = []
    before = [name for route in draft.routes.values() if route for name in route.jobs]
    for r, stand in enumerate(draft.stands):
        if stand.technician.id != technician:
            continue
        closed.append((technician, stand.shift.id))
        route = draft.routes[r]
        _give_up(draft, r, from_s)
        tail = draft.tails[r]
        kept = tuple(name for name in tail if route is None or _start(route, name) < from_s)
        for name in tail:
            if name not in kept:
                company = company_of(jobs[name], problem, draft.routes, r)
                away.append(homeless_visit(jobs[name], starts.get(name), company))
        visits = [jobs[name] for name in kept]
        if kept != tail:
            draft.touched.add(r)
            draft.tails[r] = kept
            draft.routes[r] = shortened(problem, draft.stands[r], visits, route, starts)
        draft.stands[r] = replace(draft.stands[r], closed=True, tail=tuple(visits))
    if away and rehouse:
        found, routes = redistribute(
            problem,
            places,
            draft.stands,
            draft.tails,
            starts,
            away,
            seed=seed,
            iterations=iterations,
            blind=blind,
        )
        draft.tails.update(found)
        draft.routes.update(routes)
        draft.touched.update(found)
    placed = [name for route in draft.routes.values() if route for name in route.jobs]
    lost = {name for name in set(before) if placed.count(name) < before.count(name)}
    leave_out(draft, lost)
    return without_broken_freezes(problem, draft.routes.values()), tuple(closed)


def _give_up(draft: Draft, r: int, from_s: int) -> None:
    """Let settled visits that would start from then on, and are not known to have begun, go."""
    for step in draft.stands[r].steps:
        if (
            step.job is not None
            and (step.start or 0) >= from_s
            and take_up(draft, r, step.job, called_off=False)
        ):
            return


def _start(route: Route, job: str) -> int:
    return next(step.start or 0 for step in route.steps if step.job == job)
