"""Insertions to the second: routes by `optimizer.timetable`, goals by the checker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from optimizer.check.facts import read
from optimizer.check.goals import goals as recomputed_goals
from optimizer.explain.question import Question
from optimizer.explain.state import PlanState
from optimizer.plan import Plan, Route, Step
from optimizer.problem import Job, Problem, Shift, Technician, service_time_s
from optimizer.timetable import timetable

Goals = Mapping[str, int | float]

_DEPOT = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """A plan that came of a change, its goals, and the route position the job got."""

    plan: Plan
    goals: Goals
    route: Route
    position: int


def named_goals(problem: Problem, plan: Plan) -> dict[str, int | float]:
    """``unserved`` and the objective's goals, as the checker recomputes them."""
    figures = recomputed_goals(read(problem, plan))
    return {name: figures[name] for name in ("unserved", *(g.name for g in problem.objective))}


class Ledger:
    """Goals after a change of some routes, without looking at the rest of a large plan again.

    All figures but ``spread`` and ``worst_late`` are sums over routes and jobs, so that only those
    concerned are read; where that does not hold the whole plan is.
    """

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self.problem, self.plan = problem, plan
        self.goals = named_goals(problem, plan)
        self._routes = {(route.technician, route.shift): route for route in plan.routes}
        self._jobs = {job.id: job for job in problem.jobs}
        terms = [term for goal in problem.objective for term in goal.terms]
        self._figures = {name for name, _ in terms}
        self._adds_up = not self._figures & {"spread", "worst_late"} and all(
            float(weight).is_integer() for _, weight in terms
        )
        self._horizon_end = problem.horizon_end

    def after(
        self, routes: Sequence[Route], job_id: str, problem: Problem | None = None
    ) -> dict[str, int | float]:
        """Goals with these routes in place of those of the same shifts.

        Parameters
        ----------
        job_id
            The job that is new on them (all others are on the routes replaced).
        problem
            What the problem becomes, where that changes too.
        """
        fresh = problem or self.problem
        moved_end = problem is not None and problem.horizon_end != self._horizon_end
        if not self._adds_up or (moved_end and "late" in self._figures):
            return named_goals(fresh, with_routes(self.plan, routes))
        keys = [(route.technician, route.shift) for route in routes]
        old = [self._routes[key] for key in keys if key in self._routes]
        concerned = {job_id, *(name for route in (*old, *routes) for name in route.jobs)}
        names = [name for name in self._jobs if name in concerned]
        before = replace(self.problem, jobs=tuple(self._jobs[name] for name in names))
        after = before
        if problem is not None:
            known = {job.id: job for job in problem.jobs if job.id in concerned}
            after = replace(problem, jobs=tuple(known[name] for name in names))
        was = named_goals(before, Plan(tuple(old)))
        now = named_goals(after, Plan(tuple(route for route in routes if route.jobs)))
        return {name: self.goals[name] + now[name] - was[name] for name in self.goals}


def rank(goals: Goals) -> tuple[int | float, ...]:
    """Goals in order of importance, for comparison: less is better."""
    return tuple(goals.values())


def time_stops(
    problem: Problem, technician: Technician, shift: Shift, stops: Sequence[Job | None]
) -> Route | None:
    """Time a sequence of jobs and depot visits (None); None when no timing keeps the clock.

    Where the depot is visited, setups are settled here first, because a visit to the depot in
    between does not count as a job.
    """
    sequence: list[Job] = []
    depot = any(job is None for job in stops)
    last: Job | None = None
    for job in stops:
        if job is None:
            assert problem.restock is not None
            sequence.append(Job(_DEPOT, problem.restock.location, problem.restock.service_s))
            continue
        if depot:
            setup_s = 0 if last is not None and last.location == job.location else job.setup_s
            duration_s = service_time_s(job, technician) + setup_s
            sequence.append(replace(job, service_s=duration_s, setup_s=0, skills={}))
        else:
            sequence.append(job)
        last = job
    timed = timetable(problem, technician, shift, sequence).route
    if timed is None or not depot:
        return timed
    steps = tuple(
        replace(step, type="restock", job=None) if step.job == _DEPOT else step
        for step in timed.steps
    )
    return replace(timed, steps=steps)


def sequence_of(state: PlanState, shift: int, skip: str | None = None) -> list[Job | None]:
    """The jobs and depot visits (None) planned on a shift, tied ones with their start fixed."""
    return [
        None if step.type == "restock" else state.as_planned(step)
        for step in state.stops[shift]
        if skip is None or step.job != skip
    ]


def insert(
    question: Question,
    shift: int,
    position: int,
    *,
    start: int | None = None,
    skip: str | None = None,
    changed: Shift | None = None,
    technician: Technician | None = None,
) -> Route | None:
    """The route of ``shift`` with the job before its ``position``-th stop, or None.

    Parameters
    ----------
    start
        A second at which service has to start (a common start of a crew).
    skip
        A job on the route that is left out.
    changed, technician
        The shift and the technician as a cure would have them.
    """
    state, slot = question.state, question.state.slots[shift]
    who = technician or slot.technician
    base = changed or state.shift_of(slot)
    stops = sequence_of(state, shift)
    before = [job for job in stops[:position] if job is not None and job.id != skip]
    same_place = bool(before) and before[-1].location == question.job.location
    setup_s = 0 if same_place else question.job.setup_s
    duration_s = service_time_s(question.job, who) + setup_s
    job = replace(question.job, time_windows=question.window_at(duration_s, start), pinned=None)
    sequence = [*stops[:position], job, *stops[position:]]
    if skip is not None:
        sequence = [stop for stop in sequence if stop is None or stop.id != skip]
    if not question.supply[shift] or None in stops[:position]:
        return time_stops(state.problem, who, base, sequence)
    if None in stops or state.problem.restock is None:
        return None
    at = sequence.index(job)
    routes = [
        time_stops(state.problem, who, base, [*sequence[:depot], None, *sequence[depot:]])
        for depot in range(at + 1)
    ]
    kept = [route for route in routes if route is not None]
    return min(kept, key=lambda route: _sum_travel(route), default=None)


def _sum_travel(route: Route) -> tuple[int, int]:
    return sum(step.travel_s for step in route.steps), route.end


def with_routes(plan: Plan, routes: Sequence[Route], gone: Sequence[str] = ()) -> Plan:
    """The plan with these routes in place of those of the same shifts; empty ones vanish."""
    fresh = {(route.technician, route.shift): route for route in routes}
    kept = [fresh.pop((route.technician, route.shift), route) for route in plan.routes]
    everything = (*kept, *fresh.values())
    served = {job for route in everything for job in route.jobs}
    left_out = [entry for entry in plan.unassigned if entry.job not in served]
    return replace(
        plan,
        routes=tuple(route for route in everything if route.jobs),
        unassigned=tuple(left_out),
        goals={},
        bounds={},
    )


def position_of(route: Route, job_id: str) -> int:
    """How many jobs come before the job on a route."""
    return route.jobs.index(job_id)


def step_of(route: Route, job_id: str) -> Step:
    """The step of a job on a route."""
    return next(step for step in route.steps if step.job == job_id)
