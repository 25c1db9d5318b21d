"""A question held to where technicians really are, and its answer in the record's own terms.

The optimizer pins *starts* of service. That leaves two gaps that it may fill and nobody can: the
wait of somebody who is at a door already (for a window, for the second of a crew), and the time
between a place that was left and now. So the search is asked a narrower question: who has begun is
busy from the arrival on, a crew of which one has begun is two jobs, who stands on a doorstep starts
from there, and nobody leaves before now. What lies before now is frozen: no urgent job is worth a
visit that has happened. The answer is told as visits again, and it is checked against the question
as it was posed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from optimizer import Break, Job, Pin, Plan, Problem, Route, Shift, Step, Technician, Unassigned
from optimizer.problem import UNREACHABLE, drive_s

SECOND_OF_CREW = "/2"
FROZEN_AHEAD_S = 900
"""Who is on the way and there so soon is frozen, too; nobody else starts before then."""


@dataclass(frozen=True, slots=True)
class BegunVisit:
    """A visit that keeps its place. Seconds of the question; ``shift`` is the shift's id.

    ``drive``: how long the way there was to take, from wherever it began.
    """

    job: str
    technician: str
    shift: str
    arrival: int
    start: int
    end: int
    drive: int = UNREACHABLE


@dataclass(frozen=True, slots=True)
class Whereabout:
    """Where somebody is in a shift and when he or she can leave, in the question's terms.

    ``visit``: the visit that holds this place; None on the doorstep of one that came to nothing.
    """

    technician: str
    shift: str
    location: int
    free: int
    visit: BegunVisit | None


@dataclass(frozen=True, slots=True)
class HeldQuestion:
    """``problem`` is what is searched; `told` turns its answer into one of ``posed``."""

    posed: Problem
    problem: Problem
    begun: Mapping[tuple[str, str], BegunVisit]
    doorsteps: frozenset[str]

    def keeps(self, told: Plan) -> bool:
        """Whether every visit that has begun has its place in a plan of the posed question."""
        stops = {
            (step.job, route.technician, step.start)
            for route in told.routes
            for step in route.steps
        }
        return all((v.job, v.technician, v.start) in stops for v in self.begun.values())

    def told(self, plan: Plan) -> Plan:
        """The plan as visits of the question that was posed; its goals and bounds are left out."""
        if self.problem is self.posed:
            return plan
        routes = [self._route(route) for route in plan.routes]
        left_out = {_whole(entry.job) for entry in plan.unassigned} - self.doorsteps
        # A crew comes whole or not at all.
        routes = [_without(route, left_out) for route in routes]
        return replace(
            plan,
            routes=tuple(self._driven(route) for route in routes if route.jobs),
            unassigned=self.told_of(plan.unassigned),
            goals={},
            bounds={},
            proofs={},
        )

    def told_of(self, unassigned: Iterable[Unassigned]) -> tuple[Unassigned, ...]:
        """What is left out, each job once, by the ids of the question that was posed."""
        told: dict[str, Unassigned] = {}
        for entry in unassigned:
            if entry.job not in self.doorsteps:
                job = _whole(entry.job)
                told.setdefault(job, replace(entry, job=job))
        return tuple(told.values())

    def _route(self, route: Route) -> Route:
        jobs = {job.id: job for job in self.posed.jobs}
        steps = []
        for step in route.steps:
            if step.job in self.doorsteps:
                continue
            if step.job is not None:
                job = jobs[_whole(step.job)]
                visit = self.begun.get((job.id, route.technician))
                if visit is not None:
                    step = replace(
                        step,
                        arrival=visit.arrival,
                        start=visit.start,
                        end=visit.start + job.service_s,
                        wait_s=visit.start - visit.arrival,
                    )
                assert step.arrival is not None
                assert step.start is not None
                late = self.posed.late_s(job, step.arrival, step.start)
                step = replace(step, job=job.id, late_s=late)
            steps.append(step)
        return replace(route, steps=tuple(steps))

    def _driven(self, route: Route) -> Route:
        """The route with the drives between the stops that are left."""
        who = next(who for who in self.posed.technicians if who.id == route.technician)
        durations = self.posed.travel[who.profile].durations_s
        steps: list[Step] = []
        at = route.steps[0].location
        for step in route.steps:
            if step.location is not None and at is not None:
                leg = drive_s(int(durations[at, step.location]), who.speed_factor)
                step = replace(step, travel_s=0 if step.type == "start" else leg)
                at = step.location
                _breaks_before(steps, (step.arrival or 0) - step.travel_s)
            steps.append(step)
        return replace(route, steps=tuple(steps))


def _breaks_before(steps: list[Step], leave: int) -> None:
    """Let the breaks at the end of ``steps`` be over by ``leave``: one was taken on a doorstep."""
    for number in range(len(steps) - 1, -1, -1):
        step = steps[number]
        if step.type != "break" or step.start is None or step.end is None or step.end <= leave:
            return
        steps[number] = replace(step, start=step.start + leave - step.end, end=leave)
        leave = steps[number].start or 0


def hold(
    problem: Problem, begun: Iterable[BegunVisit], places: Iterable[Whereabout], now: int
) -> HeldQuestion:
    """Narrow a question to what is possible from ``now`` on.

    Parameters
    ----------
    begun
        Every visit of the question that has begun and holds its place.
    places
        Where people are, at most one a shift; who has no entry is at the start of the shift.
    """
    by_job: dict[str, list[BegunVisit]] = {}
    for visit in begun:
        by_job.setdefault(visit.job, []).append(visit)
    known = {job.id: job for job in problem.jobs}
    shifts = {
        (who.id, shift.id): (who, shift) for who in problem.technicians for shift in who.shifts
    }
    until: dict[tuple[str, str], int] = {}
    doorsteps: list[Job] = []
    busy: set[tuple[str, str]] = set()
    for place in places:
        key = (place.technician, place.shift)
        if key not in shifts:
            continue
        who, shift = shifts[key]
        if place.visit is not None and place.visit.job in known:
            visit = place.visit
            least = max(visit.end, visit.start + known[visit.job].service_s)
            until[visit.job, visit.technician] = _free(
                problem, who, shift, place.location, least, place.free
            )
        else:
            step = _doorstep(problem, who, shift, place, _begun_in(by_job, *key), known, now)
            doorsteps += [] if step is None else [step]
        busy.add(key)
    busy |= {(visit.technician, visit.shift) for visits in by_job.values() for visit in visits}
    jobs: list[Job] = []
    fixed: list[Job] = []
    firsts: dict[str, str] = {}
    for job in problem.jobs:
        visits = by_job.get(job.id, [])
        halves = _held(job, visits, until) if visits else []
        fixed += halves
        jobs += halves or [job]
        if visits and job.crew > 1:
            firsts[job.id] = visits[0].technician
    technicians = tuple(_from_now(problem, who, busy, now) for who in problem.technicians)
    kept = {(v.job, v.technician): v for visits in by_job.values() for v in visits}
    if not by_job and not doorsteps and technicians == problem.technicians:
        return HeldQuestion(problem, problem, {}, frozenset())
    soon = (visit.arrival + 1 for visit in kept.values() if visit.arrival < now + FROZEN_AHEAD_S)
    line = max([now, *soon])
    return HeldQuestion(
        posed=problem,
        problem=replace(
            problem,
            technicians=technicians,
            jobs=(*jobs, *doorsteps),
            published=_published(problem.published, kept, firsts, [*fixed, *doorsteps], line),
            frozen_until=line,
        ),
        begun=kept,
        doorsteps=frozenset(job.id for job in doorsteps),
    )


def without_lost_breaks(problem: Problem, begun: Iterable[BegunVisit]) -> Problem:
    """The question without breaks for which what has begun leaves no room.

    Who waits at a door or works past the last window has had the break there, or has it not at all:
    no reason not to plan the day again.
    """
    settled: dict[tuple[str, str], list[BegunVisit]] = {}
    for visit in begun:
        settled.setdefault((visit.technician, visit.shift), []).append(visit)

    def left(who: Technician, shift: Shift) -> Shift:
        visits = sorted(settled.get((who.id, shift.id), ()), key=lambda visit: visit.start)
        if not visits:
            return shift
        leave = [shift.start, *(visit.end for visit in visits)]
        be_gone = [visit.arrival - min(visit.drive, visit.arrival) for visit in visits]
        gaps = list(zip(leave, [*be_gone, None], strict=True))
        kept = tuple(pause for pause in shift.breaks if any(_fits(pause, *gap) for gap in gaps))
        return shift if kept == shift.breaks else replace(shift, breaks=kept)

    technicians = tuple(
        replace(who, shifts=tuple(left(who, shift) for shift in who.shifts))
        for who in problem.technicians
    )
    return (
        problem if technicians == problem.technicians else replace(problem, technicians=technicians)
    )


def _fits(pause: Break, leave: int, be_gone: int | None) -> bool:
    """Whether a break starts in one of its windows and is over before the next drive."""
    return any(
        (start := max(leave, opens)) <= closes
        and (be_gone is None or start + pause.duration_s <= be_gone)
        for opens, closes in pause.windows
    )


def as_posed(problem: Problem, begun: Iterable[BegunVisit]) -> HeldQuestion:
    """The question as it was posed, where nothing narrower has a whole answer."""
    return HeldQuestion(problem, problem, {(v.job, v.technician): v for v in begun}, frozenset())


def _begun_in(
    by_job: Mapping[str, list[BegunVisit]], technician: str, shift: str
) -> list[BegunVisit]:
    """The visits of one shift that have begun, in their order."""
    own = (
        visit
        for visits in by_job.values()
        for visit in visits
        if (visit.technician, visit.shift) == (technician, shift)
    )
    return sorted(own, key=lambda visit: visit.start)


def _held(job: Job, visits: list[BegunVisit], until: Mapping[tuple[str, str], int]) -> list[Job]:
    """A job that has begun: busy from the arrival on; of a crew, each half for itself."""
    halves = []
    for number, visit in enumerate(visits[: job.crew]):
        end = until.get((job.id, visit.technician), visit.start + job.service_s)
        halves.append(
            replace(
                job,
                id=job.id + SECOND_OF_CREW * number,
                crew=1,
                service_s=end - visit.arrival,
                due=job.due if number == 0 else None,
                pinned=Pin(visit.technician, visit.shift, visit.arrival),
            )
        )
    if len(halves) < job.crew:
        first = visits[0]
        halves.append(
            replace(
                job,
                id=job.id + SECOND_OF_CREW,
                crew=1,
                due=None,
                excluded=job.excluded | {first.technician},
                pinned=Pin(start=first.start),
            )
        )
    return halves


def _doorstep(
    problem: Problem,
    who: Technician,
    shift: Shift,
    place: Whereabout,
    before: list[BegunVisit],
    known: Mapping[str, Job],
    now: int,
) -> Job | None:
    """Somebody on the doorstep of a visit that came to nothing, free from some second on."""
    least = shift.start
    origin = shift.start_location
    if before:
        last = before[-1]
        least, origin = last.start + known[last.job].service_s, known[last.job].location
    least += _drive(problem, who, origin, place.location)
    free = _free(problem, who, shift, place.location, least, place.free)
    if free > _last_leave(problem, who, shift, place.location):
        return None  # the shift is over
    there = now - 1 if least < now else free
    return Job(
        id=f"doorstep {who.id} {shift.id}",
        location=place.location,
        service_s=free - there,
        pinned=Pin(who.id, shift.id, there),
    )


def _from_now(
    problem: Problem, who: Technician, busy: set[tuple[str, str]], now: int
) -> Technician:
    """Who has not begun leaves no earlier than now."""
    shifts = tuple(
        shift
        if (who.id, shift.id) in busy or not shift.start < now < shift.end
        else replace(
            shift,
            start=_free(problem, who, shift, shift.start_location, shift.start, now),
        )
        for shift in who.shifts
    )
    return who if shifts == who.shifts else replace(who, shifts=shifts)


def _free(
    problem: Problem, who: Technician, shift: Shift, location: int, least: int, wanted: int
) -> int:
    """When somebody may leave: as wanted, but in time for breaks that are ahead and for home.

    A break whose last window is over by then has been taken, or it is taken at its latest.
    """
    limits = [_last_leave(problem, who, shift, location)]
    taken = 0
    for pause in sorted(shift.breaks, key=lambda pause: pause.windows[0]):
        closes = max(end for _, end in pause.windows)
        if closes >= least:
            limits.append(closes - taken)
            taken += pause.duration_s
    return max(least, min(wanted, *limits))


def _last_leave(problem: Problem, who: Technician, shift: Shift, location: int) -> int:
    end = shift.end + shift.overtime_s
    home = shift.end_location
    return end if home is None else end - _drive(problem, who, location, home)


def _drive(problem: Problem, who: Technician, origin: int, destination: int) -> int:
    leg = int(problem.travel[who.profile].durations_s[origin, destination])
    return drive_s(leg, who.speed_factor)


def _published(
    published: Plan | None,
    begun: Mapping[tuple[str, str], BegunVisit],
    firsts: Mapping[str, str],
    fixed: Iterable[Job],
    line: int,
) -> Plan:
    """The plan in force in the held question's words: what has begun, doorsteps, what is ahead.

    What should have begun before the frozen line and has not is as free as any other job.
    """
    routes: dict[tuple[str, str], list[Step]] = {}
    for route in () if published is None else published.routes:
        steps = routes.setdefault((route.technician, route.shift), [])
        for step in route.steps:
            if step.job is None or step.start is None:
                continue
            if (step.job, route.technician) in begun or step.start < line:
                continue
            if firsts.get(step.job or "", route.technician) != route.technician:
                step = replace(step, job=f"{step.job}{SECOND_OF_CREW}")
            steps.append(step)
    for job in fixed:
        pin = job.pinned
        if pin is None or pin.technician is None or pin.shift is None or pin.start is None:
            continue
        key = (pin.technician, pin.shift)
        end = pin.start + job.service_s
        step = Step("job", job.location, pin.start, pin.start, end, job.id)
        routes.setdefault(key, []).append(step)
    for steps in routes.values():
        steps.sort(key=lambda step: step.start or 0)
    return Plan(
        tuple(
            Route(*key, steps[0].start or 0, steps[-1].end or 0, tuple(steps))
            for key, steps in routes.items()
            if steps
        )
    )


def _whole(job: str) -> str:
    return job.removesuffix(SECOND_OF_CREW)


def _without(route: Route, jobs: set[str]) -> Route:
    if not jobs.intersection(route.jobs):
        return route
    return replace(route, steps=tuple(step for step in route.steps if step.job not in jobs))
