"""Where each technician stands at a given second: what is settled, and what is still to come.

A stop is settled once its technician must have left for it: it starts before now, or the drive
there has to be under way to start in time, or leaving only now would make it (more) late. All that
comes before a settled stop is settled too. The rest of the route is the tail: it may be changed,
and every drive of it departs from the last settled place, not before now.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from optimizer.plan import Plan, Route, Step
from optimizer.problem import Break, Job, Problem, Shift, Technician
from optimizer.timetable import timetable


@dataclass(frozen=True, slots=True)
class Standing:
    """One shift at ``now``: settled ``steps`` (start step included), where and when it goes on.

    ``closed`` routes are kept to the letter: they visit a depot, or no timing of ours reproduces
    them. ``home`` is the whole route where no visit was left to make at now. ``is_called_back``:
    the technician has turned round, and goes on from the last place at ``ready``.
    """

    technician: Technician
    shift: Shift
    steps: tuple[Step, ...]
    start: int
    ready: int
    place: int
    last_job: Job | None
    settled: tuple[Job, ...]
    pauses: tuple[Break, ...]
    tail: tuple[Job, ...]
    closed: bool = False
    home: Route | None = None
    whole: Route | None = None
    is_called_back: bool = False

    def timed(
        self, problem: Problem, jobs: Sequence[Job], starts: Mapping[str, int]
    ) -> Route | None:
        """The route with these jobs behind what is settled; None where no timing keeps the rules.

        Without jobs and without anything settled the route is not driven: None as well.
        """
        if not jobs and self.home is not None:
            return self.home
        if not jobs and not self.settled:
            return None
        sequence = list(jobs)
        if sequence and self.last_job and self.last_job.location == sequence[0].location:
            sequence[0] = replace(sequence[0], setup_s=0)
        rest = replace(self.shift, start=self.ready, start_location=self.place, breaks=self.pauses)
        fixed = {job.id: starts[job.id] for job in jobs if job.id in starts}
        timed = timetable(problem, self.technician, rest, sequence, fixed)
        route = timed.route
        if route is None or not self.steps:
            return route
        steps = list(route.steps[1:])
        first = steps[0]
        if len(steps) == 1 and self.shift.end_location is None:
            end = max((step.end or 0 for step in self.steps[1:]), default=self.start)
            return replace(
                route, start=self.start, end=end, steps=(*self.steps, replace(first, arrival=end))
            )
        if (
            first.type == "job"
        ):  # at once: only at the start of a shift time is spent before leaving
            arrival = max(self.ready + first.travel_s, sequence[0].release)
            steps[0] = replace(first, arrival=arrival, wait_s=(first.start or 0) - arrival)
        return replace(route, start=self.start, steps=(*self.steps, *steps))


def standings(
    problem: Problem,
    plan: Plan,
    now_s: int,
    closed: frozenset[tuple[str, str]] = frozenset(),
    ready_from: Mapping[tuple[str, str], int] | None = None,
) -> list[Standing]:
    """One standing per shift, in the order of technicians and their shifts.

    ``closed`` names further (technician, shift) whose routes are to be kept to the letter,
    ``ready_from`` when those can go on who were called back.
    """
    back = ready_from or {}
    jobs = {job.id: job for job in problem.jobs}
    routes = {(route.technician, route.shift): route for route in plan.routes}
    found = []
    for who in problem.technicians:
        for shift in who.shifts:
            key = (who.id, shift.id)
            stand = _standing(problem, jobs, who, shift, routes.get(key), now_s)
            if key in back:
                stand = replace(stand, ready=max(stand.ready, back[key]))
            found.append(replace(stand, closed=True) if key in closed else stand)
    return found


def _standing(
    problem: Problem,
    jobs: Mapping[str, Job],
    who: Technician,
    shift: Shift,
    route: Route | None,
    now_s: int,
) -> Standing:
    begin = max(shift.start, now_s)
    if route is None:
        over = begin > shift.end + shift.overtime_s
        return Standing(
            who, shift, (), begin, begin, shift.start_location, None, (), shift.breaks, (), over
        )
    visits = route.steps[1:-1]
    count = 0
    for number, step in enumerate(visits):
        if _is_settled(problem, step, jobs, now_s):
            count = number + 1
    done, rest = visits[:count], visits[count:]
    ready, place, last_job = begin, shift.start_location, None
    settled: list[Job] = []
    for step in done:
        ready = max(ready, step.end or 0)
        place = place if step.location is None else step.location
        if step.job is not None:
            last_job = jobs[step.job]
            settled.append(last_job)
    taken = {step.break_id for step in done if step.type == "break"}
    tail = tuple(jobs[step.job] for step in rest if step.job is not None)
    depot = any(step.type == "restock" for step in route.steps)
    return Standing(
        who,
        shift,
        route.steps[: count + 1] if done else (),
        route.start if done else begin,
        ready,
        place,
        last_job,
        tuple(settled),
        tuple(pause for pause in shift.breaks if pause.id not in taken),
        tail,
        depot or ready > shift.end + shift.overtime_s,
        None if tail else route,
        route,
    )


def _is_settled(problem: Problem, step: Step, jobs: Mapping[str, Job], now_s: int) -> bool:
    start, arrival = step.start or 0, step.arrival if step.arrival is not None else step.start or 0
    if start < now_s or start - step.travel_s < now_s:
        return True
    due = jobs[step.job].due if step.job is not None else None
    counts = start if problem.late_at == "start" else arrival
    return due is not None and now_s + step.travel_s > max(due, counts)


def refuse_unknown(problem: Problem, plan: Plan) -> None:
    """ValueError where the plan names a shift or a job that the problem does not have."""
    jobs = {job.id for job in problem.jobs}
    shifts = {(who.id, shift.id) for who in problem.technicians for shift in who.shifts}
    for route in plan.routes:
        if (route.technician, route.shift) not in shifts:
            raise ValueError(f"no shift {route.technician}/{route.shift} in the problem")
        for name in route.jobs:
            if name not in jobs:
                raise ValueError(f"no job {name!r} in the problem")


def fixed_starts(
    problem: Problem, plan: Plan, kept: Collection[str] = frozenset()
) -> dict[str, int]:
    """Starts that must stay: of frozen visits, of visits tied to others, and of those ``kept``."""
    tied = {job.id for job in problem.jobs if job.crew > 1 or job.after or job.together}
    tied |= set(kept)
    tied |= {other for job in problem.jobs for other in (*job.after, *job.together)}
    tied |= frozen_starts(problem)
    return {
        step.job: step.start or 0
        for route in plan.routes
        for step in route.steps
        if step.job is not None and step.job in tied
    }


def frozen_starts(problem: Problem) -> set[str]:
    """Jobs with a published stop that starts before the frozen line."""
    if problem.published is None or problem.frozen_until is None:
        return set()
    return {
        step.job
        for route in problem.published.routes
        for step in route.steps
        if step.job is not None and (step.start or 0) < problem.frozen_until
    }
