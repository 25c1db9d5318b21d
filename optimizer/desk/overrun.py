"""A visit takes longer than planned: who comes late, and what is the cheapest way out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from optimizer.desk.absence import shortened
from optimizer.desk.company import company_of, dragged_out
from optimizer.desk.model import Places
from optimizer.desk.offer import LateVisit
from optimizer.desk.pushed import pushed
from optimizer.desk.repair import Tails, homeless_visit, redistribute
from optimizer.desk.standing import Standing
from optimizer.plan import Route
from optimizer.problem import Job, Problem, Technician, service_time_s

EVER = 2**40


@dataclass(frozen=True, slots=True)
class Overrun:
    """The plan after an overrun: the job as it became, what happens as is, and the repair.

    ``unrepaired`` is the route driven on as it stands, where that breaks no rule; ``waiting`` has
    everybody wait who is tied to a late visit.
    """

    job: Job
    as_is: tuple[Route, ...]
    late: tuple[LateVisit, ...]
    is_possible: bool
    tails: Tails
    routes: dict[int, Route | None]
    unrepaired: tuple[Tails, dict[int, Route | None]] | None
    waiting: tuple[Tails, dict[int, Route | None]] | None


def overrun(
    problem: Problem,
    places: Places,
    stands: Sequence[Standing],
    tails: Mapping[int, tuple[str, ...]],
    routes: Mapping[int, Route | None],
    starts: Mapping[str, int],
    job_id: str,
    seconds: int,
    now_s: int,
    *,
    seed: int,
    iterations: int,
    blind: frozenset[tuple[str, str]] = frozenset(),
) -> Overrun:
    """Prolong the visit on every route that makes it, and repair what no longer works.

    Visits keep their place where the clock allows it; the others, and by the search around them
    also late ones, go where it costs least: serve, late, dropped, changes, in this order.
    """
    old = next(job for job in problem.jobs if job.id == job_id)
    on = [r for r, route in routes.items() if route is not None and job_id in route.jobs]
    job = _longer(old, seconds, stands[on[0]].technician)
    after = replace(
        problem, jobs=tuple(job if other.id == job_id else other for other in problem.jobs)
    )
    jobs = {other.id: other for other in after.jobs}
    new_stands, rest = list(stands), dict(tails)
    away: list[tuple[Job, Job]] = []
    as_is: list[Route] = []
    late: list[LateVisit] = []
    possible = True
    reopened: set[int] = set()
    for r in on:
        route = routes[r]
        assert route is not None
        if job_id not in tails[r]:
            new_stands[r] = _reopened(stands[r], route, job, jobs, now_s)
            rest[r] = tuple(other.id for other in new_stands[r].tail)
            reopened.add(r)
        tail = [jobs[name] for name in rest[r]]
        driven = as_it_comes(after, new_stands[r], tail)
        if driven is None:
            possible = False
        else:
            as_is.append(driven)
            late += _late(driven, route, tail, starts)
        kept = kept_in_order(after, new_stands[r], tail, starts)
        possible = possible and len(kept) == len(tail)
        for other in tail:
            if other.id not in kept:
                company = company_of(other, after, routes, r)
                away.append(homeless_visit(other, starts.get(other.id), company))
        rest[r] = kept
    waiting = None
    if starts:
        whole_tails = {**tails, **{r: tuple(o.id for o in new_stands[r].tail) for r in reopened}}
        waiting = pushed(after, new_stands, whole_tails, starts, on)
    found: Tails = {}
    fresh: dict[int, Route | None] = {
        r: new_stands[r].timed(after, [jobs[name] for name in rest[r]], starts) for r in on
    }
    early = _too_early(after, old, job, routes, on, stands, starts)
    unrepaired = None if away or early else ({r: rest[r] for r in on}, dict(fresh))
    worse = {entry.job for entry in late if entry.late_s}
    loose = [n for r in on for n in rest[r] if n in worse and n not in starts and n != job_id]
    if away or loose:
        found, found_routes = _search(
            after, places, new_stands, rest, starts, away, loose, jobs, seed, iterations, blind
        )
        fresh.update(found_routes)
    new_tails = {**{r: rest[r] for r in on}, **found}
    everywhere = {**tails, **new_tails}
    placed = Counter(name for tail in everywhere.values() for name in tail)
    sought = {*loose, *(other.id for other, _ in away)}
    was = {**tails, **{r: tuple(j.id for j in new_stands[r].tail) for r in on if r in reopened}}
    whole = Counter(name for tail in was.values() for name in tail)
    lost = {name for name in sought if placed[name] < whole[name]}
    gone = dragged_out(lost | early, after)
    for r, names in everywhere.items():
        stay = tuple(name for name in names if name not in gone)
        if stay != names:
            new_tails[r] = stay
            fresh[r] = shortened(
                after, new_stands[r], [jobs[name] for name in stay], routes[r], starts
            )
    return Overrun(job, tuple(as_is), tuple(late), possible, new_tails, fresh, unrepaired, waiting)


def _search(
    problem: Problem,
    places: Places,
    stands: Sequence[Standing],
    rest: Mapping[int, tuple[str, ...]],
    starts: Mapping[str, int],
    away: list[tuple[Job, Job]],
    loose: list[str],
    jobs: Mapping[str, Job],
    seed: int,
    iterations: int,
    blind: frozenset[tuple[str, str]],
) -> tuple[Tails, dict[int, Route | None]]:
    """Redistribute the homeless; late visits count among them, and may well return."""
    lifted = {r: tuple(name for name in tail if name not in loose) for r, tail in rest.items()}
    homeless = [*away, *(homeless_visit(jobs[name], None) for name in loose)]
    found, routes = redistribute(
        problem,
        places,
        stands,
        lifted,
        starts,
        homeless,
        seed=seed,
        iterations=iterations,
        blind=blind,
    )
    for r, tail in lifted.items():
        if tail != rest[r] and r not in found:
            found[r] = tail
            routes[r] = stands[r].timed(problem, [jobs[name] for name in tail], starts)
    return found, routes


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


def kept_in_order(
    problem: Problem, stand: Standing, tail: Sequence[Job], starts: Mapping[str, int]
) -> tuple[str, ...]:
    """As many visits as can stay in their order; those fixed to a second are asked first."""
    kept: list[int] = []
    for k in sorted(range(len(tail)), key=lambda k: (tail[k].id not in starts, k)):
        trial = sorted([*kept, k])
        if stand.timed(problem, [tail[x] for x in trial], starts) is not None:
            kept = trial
    return tuple(tail[k].id for k in kept)
