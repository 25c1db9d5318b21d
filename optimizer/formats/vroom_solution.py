"""A plan told in the words of VROOM's output."""

from __future__ import annotations

from typing import Any

from optimizer.plan import Plan, Route, Step
from optimizer.problem import Job, Problem


def plan_to_vroom(problem: Problem, plan: Plan) -> dict[str, Any]:
    """The plan as VROOM would print it: ``code``, ``summary``, ``unassigned``, ``routes``.

    ``duration`` is seconds driven, on steps counted from the start; ids that are numbers become
    numbers again. ``cost`` is the duration, as with VROOM's default costs.
    """
    jobs = {job.id: job for job in problem.jobs}
    routes = [_route(problem, route, jobs) for route in plan.routes]
    totals = {
        key: sum(route[key] for route in routes)
        for key in ("cost", "setup", "service", "duration", "waiting_time")
    }
    return {
        "code": 0,
        "summary": {
            **totals,
            "routes": len(routes),
            "unassigned": len(plan.unassigned),
            "violations": [],
        },
        "unassigned": [
            {
                "id": _number(entry.job),
                "type": "job",
                "location_index": jobs[entry.job].location,
                "description": ", ".join(reason.rule for reason in entry.reasons),
            }
            for entry in plan.unassigned
        ],
        "routes": routes,
    }


def _number(identifier: str) -> int | str:
    return int(identifier) if identifier.isascii() and identifier.isdigit() else identifier


def _route(problem: Problem, route: Route, jobs: dict[str, Job]) -> dict[str, Any]:
    steps: list[dict[str, Any]] = []
    driven = setup = service = waiting = 0
    place: int | None = None
    last_job_at: int | None = None
    for step in route.steps:
        driven += step.travel_s
        place = place if step.location is None else step.location
        told = _step(step, place, driven)
        if step.job is not None:
            job = jobs[step.job]
            told["setup"] = 0 if last_job_at == job.location else job.setup_s
            told["service"] = (step.end or 0) - (step.start or 0) - told["setup"]
            last_job_at = job.location
        setup += told["setup"]
        service += told["service"]
        waiting += told["waiting_time"]
        steps.append(told)
    return {
        "vehicle": _number(route.technician),
        "cost": driven,
        "setup": setup,
        "service": service,
        "duration": driven,
        "waiting_time": waiting,
        "steps": steps,
        "violations": [],
    }


def _step(step: Step, place: int | None, driven: int) -> dict[str, Any]:
    told: dict[str, Any] = {
        "type": step.type,
        "arrival": step.arrival if step.arrival is not None else step.start,
        "duration": driven,
        "setup": 0,
        "service": 0,
        "waiting_time": step.wait_s,
        "violations": [],
    }
    identifier = step.job or step.break_id
    if identifier is not None:
        told["id"] = _number(identifier)
    if place is not None and step.type != "break":
        told["location_index"] = place
    if step.type in ("break", "restock"):
        told["service"] = (step.end or 0) - (step.start or 0)
    return told
