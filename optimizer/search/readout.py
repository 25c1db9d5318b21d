"""Arrays back to a Plan, timed by ``optimizer.timetable`` and measured by ``optimizer.check``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from optimizer.check import check
from optimizer.plan import Plan, Route, SolverInfo, Unassigned
from optimizer.problem import Job
from optimizer.search import layout as c
from optimizer.search.arrays import Compiled
from optimizer.timetable import timetable


def read_plan(compiled: Compiled, following: Any, begins: Any, info: SolverInfo) -> Plan:
    """Build the Plan from chains of nodes; linked and frozen visits keep the starts given."""
    arrays, problem = compiled.arrays, compiled.problem
    n = arrays.n
    routes: list[Route] = []
    served: set[str] = set()
    for r, (technician, shift) in enumerate(compiled.shifts):
        at = int(following[n + 2 * r])
        jobs: list[Job] = []
        starts: dict[str, int] = {}
        trip: int | None = None
        while at != n + 2 * r + 1:
            if at >= n:
                trip = len(jobs)
                at = int(following[at])
                continue
            job = compiled.tasks[at]
            jobs.append(job)
            if arrays.group[at] >= 0 or arrays.locked[at]:
                starts[job.id] = int(begins[at])
            at = int(following[at])
        if jobs:
            begin = 0
            if trip is not None:
                begin = int(arrays.task[n + 2 * arrays.n_shifts + r, c.EARLIEST])
            timed = timetable(
                problem, technician, shift, jobs, starts, problem.frozen_until, trip, begin
            )
            if timed.route is None:
                raise AssertionError(
                    f"search and timetable disagree on {technician.id}/{shift.id}: "
                    f"{timed.broken} at {timed.at}"
                )
            routes.append(timed.route)
            served.update(job.id for job in jobs)
    unassigned = tuple(Unassigned(job.id) for job in problem.jobs if job.id not in served)
    plan = Plan(tuple(routes), unassigned, solver=info)
    return replace(plan, goals=check(problem, plan).goals)
