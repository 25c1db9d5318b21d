"""The frozen head of a published route stays as it is; the engine plans what comes after it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from optimizer.plan import Route, Step
from optimizer.problem import Job, Problem, Shift, Technician, drive_s
from optimizer.timetable import timetable


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A shift as the engine sees it: what is left of it once its frozen ``head`` is done.

    ``technician`` and ``shift`` are reduced by what the head has used up; ``start`` is when the
    route really begins.
    """

    technician: Technician
    shift: Shift
    start: int = 0
    head: tuple[Step, ...] = ()

    @property
    def served(self) -> tuple[str, ...]:
        """Jobs of the head."""
        return tuple(step.job for step in self.head if step.job is not None)


def vehicles(problem: Problem) -> tuple[Vehicle, ...]:
    """One vehicle per shift, in the problem's order."""
    published = {}
    if problem.published is not None and problem.frozen_until is not None:
        published = {(route.technician, route.shift): route for route in problem.published.routes}
    jobs = {job.id: job for job in problem.jobs}
    found = []
    for who in problem.technicians:
        used: Counter[str] = Counter()
        own = []
        for shift in who.shifts:
            route = published.get((who.id, shift.id))
            head = () if route is None else _head(problem, jobs, who, shift, route)
            if route is None or not head:
                own.append(Vehicle(who, shift))
                continue
            restocked = False
            for step in head:
                restocked = restocked or step.type == "restock"
                if step.job is not None and not restocked:
                    used.update(jobs[step.job].parts)
            own.append(Vehicle(who, _rest(jobs, shift, head), route.start, head))
        left = {part: max(0, count - used[part]) for part, count in who.stock.items()}
        found += [replace(vehicle, technician=replace(who, stock=left)) for vehicle in own]
    return tuple(found)


def _head(
    problem: Problem, jobs: dict[str, Job], who: Technician, shift: Shift, route: Route
) -> tuple[Step, ...]:
    """The published steps up to the last frozen stop, their figures worked out anew."""
    until = problem.frozen_until or 0
    inner = [
        step
        for step in route.steps
        if step.type in ("break", "restock") or (step.type == "job" and step.job in jobs)
    ]
    frozen = [
        number
        for number, step in enumerate(inner)
        if step.type == "job" and step.start is not None and step.start < until
    ]
    if not frozen:
        return ()
    durations = problem.travel[who.profile].durations_s
    here: int = shift.start_location
    head = []
    for step in inner[: frozen[-1] + 1]:
        if step.job is not None:
            job = jobs[step.job]
            arrival, start = step.arrival or 0, step.start or 0
            step = replace(
                step,
                location=job.location,
                travel_s=drive_s(int(durations[here, job.location]), who.speed_factor),
                wait_s=max(0, start - arrival),
                late_s=problem.late_s(job, arrival, start),
            )
            here = job.location
        elif step.type == "restock" and step.location is not None:
            depot = step.location
            step = replace(step, travel_s=drive_s(int(durations[here, depot]), who.speed_factor))
            here = depot
        head.append(step)
    return tuple(head)


def _rest(jobs: dict[str, Job], shift: Shift, head: tuple[Step, ...]) -> Shift:
    """The shift from the end of its head on."""
    served = [jobs[step.job] for step in head if step.job is not None]
    taken = {step.break_id for step in head}
    room = tuple(
        max(0, size - sum(job.load[axis] for job in served if axis < len(job.load)))
        for axis, size in enumerate(shift.capacity)
    )
    return replace(
        shift,
        start=head[-1].end or 0,
        start_location=served[-1].location,
        breaks=tuple(pause for pause in shift.breaks if pause.id not in taken),
        max_jobs=None if shift.max_jobs is None else max(0, shift.max_jobs - len(served)),
        capacity=room,
    )


def fitting(problem: Problem, vehicle: Vehicle, jobs: list[Job]) -> Route | None:
    """The exact timetable of a sequence after the head, without the jobs that have no place in it.

    None when there is neither head nor job.
    """
    who, shift = vehicle.technician, vehicle.shift
    while jobs or vehicle.head:
        timed = timetable(problem, who, shift, jobs).route
        if timed is not None:
            return _joined(problem, vehicle, timed) if vehicle.head else timed
        if not jobs:
            return _homeward(problem, vehicle)
        at = timetable(problem, who, shift, jobs).at
        free = [job for job in jobs if job.pinned is None] or jobs
        out = next((job for job in free if job.id == at), free[-1])
        jobs = [job for job in jobs if job is not out]
    return None


def _joined(problem: Problem, vehicle: Vehicle, rest: Route) -> Route:
    """Head and rest as one route; setup done in the head is not done again at the same place."""
    steps = list(rest.steps[1:])
    for number, step in enumerate(steps):
        if step.job is not None:
            job = next(job for job in problem.jobs if job.id == step.job)
            if job.location == vehicle.shift.start_location and step.end is not None:
                steps[number] = replace(step, end=step.end - job.setup_s)
            break
    end = rest.end
    if vehicle.shift.end_location is None and steps[-2:-1]:
        end = max((step.end or 0 for step in steps[:-1]), default=end)
        steps[-1] = replace(steps[-1], arrival=end)
    return _whole(problem, vehicle, tuple(steps), end)


def _homeward(problem: Problem, vehicle: Vehicle) -> Route:
    """The head alone, when not even the way home fits: the checker will say what is broken."""
    who, home = vehicle.technician, vehicle.shift.end_location
    here = vehicle.shift.start_location
    leg = 0
    if home is not None:
        durations = problem.travel[who.profile].durations_s
        leg = drive_s(int(durations[here, home]), who.speed_factor)
    end = vehicle.shift.start + leg
    return _whole(problem, vehicle, (Step("end", home, end, travel_s=leg),), end)


def _whole(problem: Problem, vehicle: Vehicle, steps: tuple[Step, ...], end: int) -> Route:
    who = next(one for one in problem.technicians if one.id == vehicle.technician.id)
    shift = next(one for one in who.shifts if one.id == vehicle.shift.id)
    first = Step("start", shift.start_location, vehicle.start)
    return Route(who.id, shift.id, vehicle.start, end, (first, *vehicle.head, *steps))
