"""The plan read against the problem: who is where and when, derived from the raw problem alone.

The plan is believed in what it decides (who does what, in which order, at which second) and in
nothing that follows from it (drives, durations, lateness, goals).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from optimizer.check.report import Violation
from optimizer.plan import Plan, Route, Step
from optimizer.problem import (
    UNREACHABLE,
    Break,
    Job,
    Problem,
    Shift,
    Technician,
    drive_s,
    service_time_s,
)


@dataclass(slots=True, eq=False)
class Visit:
    """One step of a route with what the problem knows about it.

    ``drive_s`` and ``distance_m`` are of the drive that leads here; ``ready_s`` is when that drive
    can begin at the earliest. ``duration_s`` is how long the stay has to last (None where free).
    """

    step: Step
    where: str
    location: int
    arrival: int
    start: int
    end: int
    job: Job | None = None
    pause: Break | None = None
    ready_s: int = 0
    drive_s: int = 0
    distance_m: int = 0
    duration_s: int | None = None
    after_restock: bool = False


@dataclass(slots=True, eq=False)
class Tour:
    """A route of a known technician in a known shift."""

    route: Route
    where: str
    technician: Technician
    shift: Shift
    visits: list[Visit]

    @property
    def stops(self) -> list[Visit]:
        """The visits that serve a job."""
        return [visit for visit in self.visits if visit.job is not None]

    @property
    def travel_s(self) -> int:
        """Seconds driven, the drive home included."""
        return sum(visit.drive_s for visit in self.visits)

    @property
    def distance_m(self) -> int:
        """Metres driven, the drive home included."""
        return sum(visit.distance_m for visit in self.visits)

    @property
    def overtime_s(self) -> int:
        """Seconds past the end of the shift."""
        return max(0, self.route.end - self.shift.end)


@dataclass(slots=True, eq=False)
class Facts:
    """Problem and plan, indexed; ``faults`` are the violations met while reading the plan."""

    problem: Problem
    plan: Plan
    jobs: dict[str, Job]
    tours: list[Tour] = field(default_factory=list)
    stops: dict[str, list[tuple[Tour, Visit]]] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)
    faults: list[Violation] = field(default_factory=list)

    def served(self, job_id: str) -> list[tuple[Tour, Visit]]:
        """Every stop of a job; empty when nobody visits it."""
        return self.stops.get(job_id, [])


def read(problem: Problem, plan: Plan) -> Facts:
    """Index the plan; what cannot be understood becomes a fault and takes no further part."""
    facts = Facts(problem, plan, {job.id: job for job in problem.jobs})
    technicians = {who.id: who for who in problem.technicians}
    for number, route in enumerate(plan.routes):
        where = f"routes[{number}] {route.technician}/{route.shift}"
        technician = technicians.get(route.technician)
        if technician is None:
            message = f"no technician {route.technician!r} in the problem"
            facts.faults.append(Violation("reference", where, 1, message))
            continue
        shift = next((shift for shift in technician.shifts if shift.id == route.shift), None)
        if shift is None:
            message = f"technician {technician.id} has no shift {route.shift!r}"
            facts.faults.append(Violation("reference", where, 1, message))
            continue
        if not (_second(route.start) and _second(route.end)):
            message = f"start {route.start!r} and end {route.end!r} have to be whole seconds"
            facts.faults.append(Violation("step", where, 1, message))
            continue
        visits = _visits(facts, route, shift, f"routes[{number}]")
        _follow(problem, technician, shift, route, visits)
        tour = Tour(route, where, technician, shift, visits)
        facts.tours.append(tour)
        for visit in tour.stops:
            assert visit.job is not None
            facts.stops.setdefault(visit.job.id, []).append((tour, visit))
    facts.left_out = {entry.job for entry in plan.unassigned}
    for number, entry in enumerate(plan.unassigned):
        if entry.job not in facts.jobs:
            where = f"unassigned[{number}]"
            message = f"no job {entry.job!r} in the problem"
            facts.faults.append(Violation("reference", where, 1, message))
    return facts


def _second(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _visits(facts: Facts, route: Route, shift: Shift, path: str) -> list[Visit]:
    visits: list[Visit] = []
    breaks = {pause.id: pause for pause in shift.breaks}
    for number, step in enumerate(route.steps):
        name = step.job or step.break_id or step.type
        where = f"{path}.steps[{number}] {route.technician}/{route.shift} {name}"

        def fault(rule: str, message: str, where: str = where) -> None:
            facts.faults.append(Violation(rule, where, 1, message))

        start = step.start if step.start is not None else step.arrival
        arrival = step.arrival if step.arrival is not None else start
        end = step.end if step.end is not None else start
        needed: dict[str, object] = {"arrival": arrival}
        if step.type == "job":
            needed = {"arrival": step.arrival, "start": step.start, "end": step.end}
        elif step.type in ("break", "restock"):
            needed = {"start": step.start, "end": step.end}
        elif step.type not in ("start", "end"):
            fault("step", f"unknown type {step.type!r}")
            continue
        bad = [key for key, value in needed.items() if not _second(value)]
        if bad:
            fault("step", f"{', '.join(bad)} of a {step.type} step has to be in whole seconds")
            continue
        assert arrival is not None
        assert start is not None
        assert end is not None
        job = pause = None
        if step.type == "job":
            job = facts.jobs.get(step.job or "")
            if job is None:
                fault("reference", f"no job {step.job!r} in the problem")
                continue
        elif step.type == "break":
            pause = breaks.get(step.break_id or "")
            if pause is None:
                fault("reference", f"shift {shift.id} has no break {step.break_id!r}")
                continue
        elif step.type == "restock" and facts.problem.restock is None:
            fault("reference", "the problem has no depot to restock at")
            continue
        visits.append(Visit(step, where, 0, arrival, start, end, job, pause))
    return visits


def _follow(
    problem: Problem, technician: Technician, shift: Shift, route: Route, visits: list[Visit]
) -> None:
    """Drive along the route with the problem's own matrix and write down what each visit takes."""
    travel = problem.travel[technician.profile]
    location = shift.start_location
    ready = route.start
    previous_job: Job | None = None
    restocked = False
    for visit in visits:
        kind = visit.step.type
        target = location
        if visit.job is not None:
            target = visit.job.location
            visit.duration_s = service_time_s(visit.job, technician)
            if previous_job is None or previous_job.location != target:
                visit.duration_s += visit.job.setup_s
            previous_job = visit.job
        elif visit.pause is not None:
            visit.duration_s = visit.pause.duration_s
        elif kind == "restock":
            assert problem.restock is not None
            target = problem.restock.location
            visit.duration_s = problem.restock.service_s
        elif kind == "end" and shift.end_location is not None:
            target = shift.end_location
        visit.location = target
        visit.ready_s = ready
        visit.after_restock = restocked
        if target != location or kind in ("job", "restock", "end"):
            visit.drive_s = drive_s(int(travel.durations_s[location, target]), _speed(technician))
            if travel.distances_m is not None:
                visit.distance_m = int(travel.distances_m[location, target])
        if kind == "end" and shift.end_location is None:
            visit.drive_s = visit.distance_m = 0
        restocked = restocked or kind == "restock"
        location = target
        ready = visit.end if kind != "start" else route.start


def _speed(technician: Technician) -> float:
    return technician.speed_factor


def unreachable(visit: Visit) -> bool:
    """Whether there is no way to this visit from the place before."""
    return visit.drive_s >= UNREACHABLE
