"""What a change does: every goal by the checker's arithmetic, every visit that moves."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from optimizer.check.facts import read
from optimizer.check.goals import goals as recomputed
from optimizer.desk.admission import DAY_S
from optimizer.desk.offer import Ejection, Move, Promise, Seat
from optimizer.desk.standing import Standing
from optimizer.plan import Plan, Route, Step, Unassigned
from optimizer.problem import Job, Problem, Window

Goals = dict[str, int | float]


def named(problem: Problem) -> tuple[str, ...]:
    """``unserved`` and the objective's goals in their order."""
    return ("unserved", *(goal.name for goal in problem.objective))


def adds_up(problem: Problem) -> bool:
    """Whether every goal is an exact sum over routes and jobs."""
    terms = [term for goal in problem.objective for term in goal.terms]
    return not {name for name, _ in terms} & {"spread", "worst_late"} and all(
        float(weight).is_integer() for _, weight in terms
    )


def difference(
    before: Problem,
    old: Sequence[Route],
    after: Problem,
    new: Sequence[Route],
    jobs_before: Sequence[Job],
    jobs_after: Sequence[Job],
    untouched: Sequence[Route],
) -> Goals:
    """Goals after − goals before.

    Parameters
    ----------
    old, new
        The routes that change, as they are and as they become.
    jobs_before, jobs_after
        The jobs concerned: those on these routes, and those that come or go.
    untouched
        All other routes; read only where goals are no sums.
    """
    if adds_up(before):
        was = recomputed(read(replace(before, jobs=tuple(jobs_before)), Plan(tuple(old))))
        now = recomputed(read(replace(after, jobs=tuple(jobs_after)), Plan(tuple(new))))
    else:
        was = recomputed(read(before, Plan((*untouched, *old))))
        now = recomputed(read(after, Plan((*untouched, *new))))
    return {name: now[name] - was[name] for name in named(before)}


def effect_of(
    before: Problem,
    routes: Mapping[int, Route | None],
    after: Problem,
    changed: Mapping[int, Route | None],
    shifts: Collection[int],
) -> Goals:
    """Goals after − goals before of new routes in place of those of the same shifts.

    Parameters
    ----------
    routes, changed
        Per shift: all routes as they are, and the new ones.
    shifts
        The shifts that change.
    """
    old = [route for r in shifts if (route := routes[r]) is not None]
    new = [route for route in changed.values() if route is not None]
    names = {name for route in (*old, *new) for name in route.jobs}
    jobs = {job.id: job for job in before.jobs}
    later = {job.id: job for job in after.jobs}
    names |= jobs.keys() ^ later.keys()
    known = {**jobs, **later}
    halves = [
        r
        for r, route in routes.items()
        if r not in shifts
        and route is not None
        and any(jobs[name].crew > 1 and name in names for name in route.jobs)
    ]
    beside = [route for r in halves if (route := routes[r]) is not None]
    for route in beside:
        names.update(route.jobs)
    ordered = [name for name in known if name in names]
    touched = {*shifts, *halves}
    return difference(
        before,
        [*old, *beside],
        after,
        [*new, *beside],
        [jobs[name] for name in ordered if name in jobs],
        [later[name] for name in ordered if name in later],
        [route for r, route in routes.items() if r not in touched and route is not None],
    )


def touched_part(
    problem: Problem,
    stands: Sequence[Standing],
    routes: Mapping[int, Route | None],
    changed: Mapping[int, Route | None],
) -> tuple[Problem, Plan] | None:
    """The problem and plan of the technicians whose routes change, all their shifts included.

    None where a job concerned is tied to other jobs, or stands on somebody else's route as well:
    then the part does not speak for the whole.
    """
    people = {stands[r].technician.id for r in changed}
    mine = {r for r, stand in enumerate(stands) if stand.technician.id in people}
    now = {r: changed.get(r, routes[r]) for r in mine}
    kept = tuple(route for route in now.values() if route is not None)
    names = {name for route in kept for name in route.jobs}
    names |= {name for r in mine if (route := routes[r]) is not None for name in route.jobs}
    for r, route in routes.items():
        if r not in mine and route is not None and not names.isdisjoint(route.jobs):
            return None
    tied = {name for job in problem.jobs for name in (*job.after, *job.together)}
    jobs = tuple(job for job in problem.jobs if job.id in names)
    if any(job.id in tied or job.after or job.together for job in jobs):
        return None
    technicians = tuple(who for who in problem.technicians if who.id in people)
    part = replace(problem, jobs=jobs, technicians=technicians)
    return part, whole_plan(part, kept)


def rank(goals: Mapping[str, int | float]) -> tuple[int | float, ...]:
    """Goals in order of importance, for comparison: less is better."""
    return tuple(goals.values())


def moves(
    old: Sequence[Route], new: Sequence[Route], skip: Collection[str] = ()
) -> tuple[Move, ...]:
    """Every visit whose technician, start or arrival differs; ``skip`` are the jobs offered."""
    was, now = _stops(old), _stops(new)
    found = []
    for key in dict.fromkeys((*was, *now)):
        job = key[0]
        a, b = was.get(key), now.get(key)
        if job in skip or a == b:
            continue
        found.append(
            Move(
                job,
                a[0] if a else None,
                b[0] if b else None,
                a[2] if a else None,
                b[2] if b else None,
                a[1] if a else None,
                b[1] if b else None,
            )
        )
    return tuple(found)


def _stops(routes: Sequence[Route]) -> dict[tuple[str, int], tuple[str, int, int]]:
    """Per (job, number of its half) who arrives when and starts when."""
    found: dict[tuple[str, int], tuple[str, int, int]] = {}
    count: dict[str, int] = {}
    for route in routes:
        for step in route.steps:
            if step.job is not None:
                half = count.get(step.job, 0)
                count[step.job] = half + 1
                found[step.job, half] = (route.technician, step.arrival or 0, step.start or 0)
    return found


def ejections(
    jobs: Sequence[str], old: Sequence[Route], new: Sequence[Route]
) -> tuple[Ejection, ...]:
    """From where to where the jobs that made room have gone."""
    found = []
    for job in jobs:
        a = next(route for route in old if job in route.jobs)
        b = next(route for route in new if job in route.jobs)
        found.append(Ejection(job, a.technician, a.shift, b.technician, b.shift))
    return tuple(found)


def promises(
    jobs: Mapping[str, Job], promised: Collection[str], old: Sequence[Route], new: Sequence[Route]
) -> tuple[Promise, ...]:
    """Visits on these routes with a window narrower than a day, or named in ``promised``."""
    was = {step.job: step.start or 0 for route in old for step in route.steps if step.job}
    now = {step.job: step.start or 0 for route in new for step in route.steps if step.job}
    found = []
    for name in was.keys() & now.keys():
        windows = jobs[name].time_windows
        narrow = windows and all(b - a < DAY_S for a, b in windows)
        if not windows or not (narrow or name in promised):
            continue
        window = _window_of(windows, now[name])
        before = _window_of(windows, was[name])
        found.append(
            Promise(
                name, window, was[name], now[name], before[1] - was[name], window[1] - now[name]
            )
        )
    return tuple(sorted(found, key=lambda promise: (promise.new_start_s, promise.job)))


def _window_of(windows: Sequence[Window], start: int) -> Window:
    """The window that a start lies in, or the last one."""
    return next((w for w in windows if w[0] <= start <= w[1]), windows[-1])


def step_of(route: Route, job: str) -> Step:
    """The step of a job on a route."""
    return next(step for step in route.steps if step.job == job)


def seat_of(route: Route, job: str) -> Seat:
    """The place of one technician in a company (or of the only one who comes)."""
    step = step_of(route, job)
    return Seat(
        route.technician,
        route.shift,
        route.jobs.index(job),
        step.arrival or 0,
        step.start or 0,
        step.end or 0,
        job,
    )


def whole_plan(problem: Problem, routes: tuple[Route, ...]) -> Plan:
    """The plan of these routes; every job on none of them is left out."""
    served = {name for route in routes for name in route.jobs}
    return Plan(routes, tuple(Unassigned(j.id) for j in problem.jobs if j.id not in served))
