"""The reference engine: OR-Tools routing with guided local search.

It models skills, equipment, parts, allowed people, time windows, breaks, due dates, optional jobs,
pins, loads and job limits, and plans on from where frozen stops end. Jobs that need a crew or hang
together with others, and calls at the depot, are beyond it: it leaves such jobs out, with the rule
``engine``.
"""

from __future__ import annotations

import time
from importlib.metadata import version
from typing import Any

from optimizer.check import check
from optimizer.plan import Plan, Reason, SolverInfo, Unassigned
from optimizer.problem import Job, Problem
from optimizer.reference.frozen import Vehicle, fitting, vehicles
from optimizer.reference.model import Fleet, RoutingModel
from optimizer.reference.weights import weights
from optimizer.solve import Progress, Stop, Watch

_CHECKS_PER_ITERATION = 20_000
"""A search that finds no further solution ends after so many limit checks per iteration asked."""

_WATCH_S = 0.2


def solve_with_routing(
    problem: Problem, stop: Stop, *, seed: int = 1, watch: Watch | None = None
) -> Plan:
    """Plan with OR-Tools; an iteration is one solution that its local search accepts.

    ``seed`` is written into the plan only: this search is deterministic.
    """
    began = time.monotonic()
    fleet = _fleet(problem)
    sequences: dict[tuple[str, str], list[Job]] = {}
    blocked: dict[str, dict[str, set[str]]] = {}
    iterations = 0
    if fleet.vehicles and fleet.jobs and stop.iterations != 0:
        model = RoutingModel(problem, fleet, weights(problem))
        blocked = model.blocked
        limit = _Limit(model, stop, watch, began)
        assignment = model.routing.SolveWithParameters(limit.parameters())
        iterations = limit.solutions
        if assignment is not None:
            sequences = model.sequences(assignment)
    routes = []
    for vehicle in fleet.all_vehicles:
        jobs = sequences.get((vehicle.technician.id, vehicle.shift.id), [])
        route = fitting(problem, vehicle, jobs)
        if route is not None:
            routes.append(route)
    served = {job for route in routes for job in route.jobs}
    modelled = {job.id for job in fleet.jobs}
    plan = Plan(
        tuple(routes),
        tuple(
            _unassigned(job, fleet, job.id in modelled, blocked.get(job.id, {}))
            for job in problem.jobs
            if job.id not in served
        ),
        solver=SolverInfo(
            "ortools",
            round(time.monotonic() - began, 3),
            iterations,
            seed,
            1,
            f"ortools {version('ortools')}",
        ),
    )
    recomputed = check(problem, plan).goals
    names = ["unserved", *(goal.name for goal in problem.objective)]
    return Plan(
        plan.routes, plan.unassigned, {name: recomputed[name] for name in names}, {}, plan.solver
    )


def _fleet(problem: Problem) -> Fleet:
    fleet = vehicles(problem)
    settled = {job for vehicle in fleet for job in vehicle.served}
    tied = {other for job in problem.jobs for other in job.together}
    jobs = tuple(
        job
        for job in problem.jobs
        if job.crew == 1
        and not job.together
        and not job.after
        and job.id not in tied
        and job.id not in settled
    )
    return Fleet(tuple(one for one in fleet if _open(one)), jobs, fleet)


def _open(vehicle: Vehicle) -> bool:
    return vehicle.shift.start <= vehicle.shift.end + vehicle.shift.overtime_s


def _unassigned(job: Job, fleet: Fleet, modelled: bool, blocked: dict[str, set[str]]) -> Unassigned:
    if not modelled:
        detail = "crews and jobs tied to others are beyond this engine"
        return Unassigned(job.id, (Reason("engine", len(fleet.vehicles), detail),))
    reasons = [Reason(rule, len(people)) for rule, people in sorted(blocked.items())]
    free = {vehicle.technician.id for vehicle in fleet.vehicles}.difference(*blocked.values())
    if free or not reasons:
        reasons.append(Reason("engine", len(free), "no place found"))
    return Unassigned(job.id, tuple(reasons))


class _Limit:
    """Ends the search on time, on iterations or when the watcher says so."""

    def __init__(self, model: RoutingModel, stop: Stop, watch: Watch | None, began: float) -> None:
        self.stop, self.watch, self.began = stop, watch, began
        self.solutions = self.checks = 0
        self.best: int | None = None
        self.cancelled = False
        self._told = began
        self._routing = model.routing
        model.routing.AddAtSolutionCallback(self._found)
        # kept on self: the solver holds no reference of its own to the Python side
        self._custom = model.routing.solver().CustomLimit(self._over)
        model.routing.AddSearchMonitor(self._custom)

    def parameters(self) -> Any:
        """Guided local search from parallel cheapest insertion."""
        from ortools.constraint_solver import pywrapcp, routing_enums_pb2

        parameters = pywrapcp.DefaultRoutingSearchParameters()
        parameters.first_solution_strategy = (
            routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
        )
        parameters.local_search_metaheuristic = (
            routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
        )
        if self.stop.seconds is not None:
            left = max(0.001, self.stop.seconds - (time.monotonic() - self.began))
            parameters.time_limit.FromMilliseconds(max(1, int(left * 1000)))
        if self.stop.iterations is not None:
            parameters.solution_limit = self.stop.iterations
        return parameters

    def _found(self) -> None:
        self.solutions += 1
        cost = self._routing.CostVar().Value()
        self.best = cost if self.best is None else min(self.best, cost)

    def _over(self) -> bool:
        self.checks += 1
        if self.cancelled:
            return True
        if self.stop.iterations is not None:
            if self.solutions >= self.stop.iterations:
                return True
            if self.checks > _CHECKS_PER_ITERATION * self.stop.iterations:
                return True
        if self.checks % 64 == 0 or self.watch is not None:
            now = time.monotonic()
            if self.stop.seconds is not None and now - self.began >= self.stop.seconds:
                return True
            if self.watch is not None and now - self._told >= _WATCH_S:
                self._told = now
                self.cancelled = self._report(now) is False
        return self.cancelled

    def _report(self, now: float) -> bool | None:
        assert self.watch is not None
        seconds = now - self.began
        shares = [0.0]
        if self.stop.seconds is not None:
            shares.append(seconds / self.stop.seconds)
        if self.stop.iterations:
            shares.append(self.solutions / self.stop.iterations)
        goals = {} if self.best is None else {"engine cost": self.best}
        return self.watch(Progress(goals, self.solutions, seconds, min(1.0, max(shares)), 0))
