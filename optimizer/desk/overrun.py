"""A visit takes longer than planned: who comes late, and what is the cheapest way out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from optimizer.desk.company import company_of
from optimizer.desk.leaving import Draft, kept_in_order, leave_out
from optimizer.desk.model import Places
from optimizer.desk.offer import LateVisit
from optimizer.desk.pushed import pushed
from optimizer.desk.repair import homeless_visit, redistribute
from optimizer.desk.standing import Standing
from optimizer.plan import Route
from optimizer.problem import Job, Problem, Technician, service_time_s

EVER = 2**40


@dataclass(frozen=True, slots=True)
class Overrun:
    """The plan after an overrun: what happens as is, and the ways out that were found.

    ``ways`` are the repair; the routes driven on as they stand, where that breaks no rule; and
    everybody waits who is tied to a late visit.
    """

    job: Job
    as_is: tuple[Route, ...]
    late: tuple[LateVisit, ...]
    is_possible: bool
    ways: tuple[Draft, ...]


def overrun(
    draft: Draft,
    places: Places,
    job_id: str,
    seconds: int,
    *,
    seed: int,
    iterations: int,
    blind: frozenset[tuple[str, str]] = frozenset(),
) -> Overrun:
    """Prolong the visit on every route that makes it, and repair what no longer works.

    Visits keep their place where the clock allows it; the others, and by the search around them
    also late ones, go where it costs least: serve, late, dropped, changes, in this order.

    Parameters
    ----------
    draft
        The plan as it stands; it becomes the repair.
    """
    problem, starts, routes = draft.problem, draft.starts, dict(draft.routes)
    old = next(job for job in problem.jobs if job.id == job_id)
    on = [r for r, route in routes.items() if route is not None and job_id in route.jobs]
    job = _longer(old, seconds, draft.stands[on[0]].technician)
    early = _too_early(problem, old, job, routes, on, draft.stands, starts)
    after = replace(
        problem, jobs=tuple(job if other.id == job_id else other for other in problem.jobs)
    )
    draft.problem = after
    jobs = {other.id: other for other in after.jobs}
    for r in on:
        route = routes[r]
        assert route is not None
        if job_id not in draft.tails[r]:
            stand = _reopened(draft.stands[r], route, job, jobs, draft.now_s)
            draft.stands[r] = stand
            draft.tails[r] = tuple(other.id for other in stand.tail)
    waiting = pushed(draft, on) if starts else None
    away: list[tuple[Job, Job]] = []
    as_is: list[Route] = []
    late: list[LateVisit] = []
    possible = True
    for r in on:
        route, stand = routes[r], draft.stands[r]
        assert route is not None
        tail = [jobs[name] for name in draft.tails[r]]
        driven = as_it_comes(after, stand, tail)
        if driven is None:
            possible = False
        else:
            as_is.append(driven)
            late += _late(driven, route, tail, starts)
        kept = kept_in_order(after, stand, tail, starts)
        possible = possible and len(kept) == len(tail)
        for other in tail:
            if other.id not in kept:
                company = company_of(other, after, routes, r)
                away.append(homeless_visit(other, starts.get(other.id), company))
        draft.tails[r] = kept
        draft.routes[r] = stand.timed(after, [jobs[name] for name in kept], starts)
        draft.touched.add(r)
    unrepaired = None if away or early else draft.copied()
    worse = {entry.job for entry in late if entry.late_s}
    loose = [
        n for r in on for n in draft.tails[r] if n in worse and n not in starts and n != job_id
    ]
    if away or loose:
        _search(draft, places, away, loose, seed, iterations, blind)
    before, placed = _counted(routes), _counted(draft.routes)
    leave_out(draft, {name for name in before if placed[name] < before[name]} | early)
    ways = tuple(way for way in (draft, unrepaired, waiting) if way is not None)
    return Overrun(job, tuple(as_is), tuple(late), possible, ways)


def _counted(routes: Mapping[int, Route | None]) -> Counter[str]:
    return Counter(name for route in routes.values() if route is not None for name in route.jobs)


def _search(
    draft: Draft,
    places: Places,
    away: list[tuple[Job, Job]],
    loose: list[str],
    seed: int,
    iterations: int,
    blind: frozenset[tuple[str, str]],
) -> None:
    """Redistribute the homeless; late visits count among them, and may well return."""
    problem, stands = draft.problem, draft.stands
    jobs = {job.id: job for job in problem.jobs}
    lifted = {
        r: tuple(name for name in tail if name not in loose) for r, tail in draft.tails.items()
    }
    homeless = [*away, *(homeless_visit(jobs[name], None) for name in loose)]
    found, routes = redistribute(
        problem,
        places,
        stands,
        lifted,
        draft.starts,
        homeless,
        seed=seed,
        iterations=iterations,
        blind=blind,
    )
    for r, tail in lifted.items():
        if tail != draft.tails[r] and r not in found:
            found[r] = tail
            routes[r] = stands[r].timed(problem, [jobs[name] for name in tail], draft.starts)
    draft.tails.update(found)
    draft.routes.update(routes)
    draft.touched.update(found)


def _too_early(
    problem: Problem,
    old: Job,
    new: Job,
    routes: Mapping[int, Route | None],
    on: Sequence[int],
    stands: Sequence[Standing],
    starts: Mapping[str, int],
) -> set[str]:
    """Jobs after this one whose start can no longer be kept; they have to be offered anew."""
    ends = [
        (step.end or 0)
        + service_time_s(new, stands[r].technician)
        - service_time_s(old, stands[r].technician)
        for r in on
        if (route := routes[r]) is not None
        for step in route.steps
        if step.job == old.id
    ]
    return {
        other.id
        for other in problem.jobs
        if old.id in other.after
        and other.gap_from == "end"
        and other.id in starts
        and starts[other.id] < max(ends) + other.min_gap_s
    }


def _longer(job: Job, seconds: int, who: Technician) -> Job:
    """The job with service prolonged so that this technician takes at least ``seconds`` more."""
    wanted = service_time_s(job, who) + seconds
    factor = max(1e-9, service_time_s(replace(job, service_s=1_000_000), who) / 1_000_000)
    service_s = max(job.service_s, int(wanted / factor) - 2)
    while service_time_s(replace(job, service_s=service_s), who) < wanted:
        service_s += 1
    return replace(job, service_s=service_s)


def _reopened(
    stand: Standing, route: Route, job: Job, jobs: Mapping[str, Job], now_s: int
) -> Standing:
    """The standing of a technician who still is at ``job``, though the plan thought otherwise."""
    at = next(k for k, step in enumerate(route.steps) if step.job == job.id)
    step = route.steps[at]
    before = [s.job for s in route.steps[:at] if s.job is not None]
    old = (step.end or 0) - (step.start or 0)
    same = bool(before) and jobs[before[-1]].location == job.location
    length = service_time_s(job, stand.technician) + (0 if same else job.setup_s)
    end = (step.start or 0) + max(old, length)
    done = (*route.steps[:at], replace(step, end=end))
    settled = tuple(jobs[s.job] for s in done if s.job is not None)
    taken = {s.break_id for s in done if s.type == "break"}
    return replace(
        stand,
        steps=done,
        start=route.start,
        ready=max(now_s, end),
        place=job.location,
        last_job=job,
        settled=settled,
        pauses=tuple(pause for pause in stand.shift.breaks if pause.id not in taken),
        tail=tuple(jobs[s.job] for s in route.steps[at + 1 :] if s.job is not None),
        home=None,
    )


def as_it_comes(problem: Problem, stand: Standing, tail: Sequence[Job]) -> Route | None:
    """The route driven on in its order, every window stretched to the end of days."""
    patient = [
        replace(
            job,
            pinned=None,
            time_windows=(*sorted(job.time_windows)[:-1], (max(job.time_windows)[0], EVER))
            if job.time_windows
            else (),
        )
        for job in tail
    ]
    endless = replace(stand, shift=replace(stand.shift, overtime_s=EVER))
    return endless.timed(problem, patient, {})


def _late(
    driven: Route, planned: Route, tail: Sequence[Job], starts: Mapping[str, int]
) -> list[LateVisit]:
    known = {job.id: job for job in tail}
    before = {step.job: step.late_s for step in planned.steps if step.job is not None}
    found = []
    for step in driven.steps:
        job = known.get(step.job or "")
        if job is None:
            continue
        latest = max((b for _, b in job.time_windows), default=EVER)
        if job.pinned is not None and job.pinned.start is not None:
            latest = job.pinned.start
        latest = min(latest, starts.get(job.id, EVER))
        missed = max(0, (step.start or 0) - latest)
        if missed or step.late_s > before.get(job.id, 0):
            found.append(LateVisit(job.id, step.arrival or 0, step.late_s, missed))
    return found
