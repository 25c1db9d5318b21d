"""A technician drops out: spread what is left of the day over the others, changing little."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from optimizer.desk.company import company_of, dragged_out
from optimizer.desk.depot import replayed
from optimizer.desk.model import Places
from optimizer.desk.repair import Tails, homeless_visit, redistribute, without_broken_freezes
from optimizer.desk.standing import Standing
from optimizer.plan import Route
from optimizer.problem import Job, Problem


@dataclass(frozen=True, slots=True)
class Spread:
    """The plan without the technician: new tails and routes of the shifts that change."""

    problem: Problem
    tails: Tails
    routes: dict[int, Route | None]
    closed: tuple[tuple[str, str], ...]


def without_technician(
    problem: Problem,
    places: Places,
    stands: list[Standing],
    tails: Mapping[int, tuple[str, ...]],
    routes: Mapping[int, Route | None],
    starts: Mapping[str, int],
    technician: str,
    from_s: int,
    *,
    seed: int,
    iterations: int,
    blind: frozenset[tuple[str, str]] = frozenset(),
    rehouse: bool = True,
) -> Spread:
    """Take every visit the technician would start at or after ``from_s`` away and rehouse it.

    Visits tied to others keep their second. Whoever's company finds no place is left out as
    well; without ``rehouse`` everybody is.
    """
    jobs = {job.id: job for job in problem.jobs}
    away: list[tuple[Job, Job]] = []
    changed_tails: Tails = {}
    changed: dict[int, Route | None] = {}
    new_stands = list(stands)
    closed = []
    for r, stand in enumerate(stands):
        if stand.technician.id != technician:
            continue
        closed.append((technician, stand.shift.id))
        route = routes[r]
        kept = tuple(name for name in tails[r] if route is None or _start(route, name) < from_s)
        for name in tails[r]:
            if name not in kept:
                job = jobs[name]
                company = company_of(job, problem, routes, r)
                away.append(homeless_visit(job, starts.get(name), company))
        if kept != tails[r]:
            changed_tails[r] = kept
            changed[r] = shortened(problem, stand, [jobs[name] for name in kept], route, starts)
        new_stands[r] = replace(stand, closed=True, tail=tuple(jobs[name] for name in kept))
    rest = {r: changed_tails.get(r, tail) for r, tail in tails.items()}
    if away and rehouse:
        found, found_routes = redistribute(
            problem,
            places,
            new_stands,
            rest,
            starts,
            away,
            seed=seed,
            iterations=iterations,
            blind=blind,
        )
        changed_tails.update(found)
        changed.update(found_routes)
    now = {**tails, **changed_tails}
    placed = [name for tail in now.values() for name in tail]
    lost = {
        job.id
        for job in problem.jobs
        if placed.count(job.id) < sum(tail.count(job.id) for tail in tails.values())
    } if len(placed) < sum(map(len, tails.values())) else set()  # fmt: skip
    _leave_with(lost, problem, new_stands, now, changed_tails, changed, routes, starts, jobs)
    after = without_broken_freezes(problem, {**routes, **changed}.values())
    return Spread(after, changed_tails, changed, tuple(closed))


def _leave_with(
    lost: set[str],
    problem: Problem,
    stands: list[Standing],
    now: Mapping[int, tuple[str, ...]],
    changed_tails: Tails,
    changed: dict[int, Route | None],
    routes: Mapping[int, Route | None],
    starts: Mapping[str, int],
    jobs: Mapping[str, Job],
) -> None:
    """Take out what cannot stay without the lost ones."""
    gone = dragged_out(lost, problem)
    for r, tail in now.items():
        stay = tuple(name for name in tail if name not in gone)
        if stay != tail:
            changed_tails[r] = stay
            kept = [jobs[name] for name in stay]
            changed[r] = shortened(problem, stands[r], kept, changed.get(r, routes[r]), starts)


def _start(route: Route, job: str) -> int:
    return next(step.start or 0 for step in route.steps if step.job == job)


def shortened(
    problem: Problem,
    stand: Standing,
    kept: list[Job],
    route: Route | None,
    starts: Mapping[str, int],
) -> Route | None:
    """The route with these visits alone."""
    if route is None or not any(step.type == "restock" for step in route.steps):
        return stand.timed(problem, kept, starts)
    return replayed(problem, stand, route, {job.id for job in (*stand.settled, *kept)})
