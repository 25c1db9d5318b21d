"""What vans lack and the depot has: the arrays behind trips to restock."""

from __future__ import annotations

from typing import Any

import numpy as np

from optimizer.problem import Job, Problem, Shift, Technician
from optimizer.search import layout as c


def needs_depot(problem: Problem) -> bool:
    """Whether there is a depot, and a visit that might need something from it or a trip made."""
    if problem.restock is None:
        return False
    if any(job.equipment or job.parts for job in problem.jobs):
        return True
    routes = problem.published.routes if problem.published is not None else ()
    return any(step.type == "restock" for route in routes for step in route.steps)


def bare_technicians(problem: Problem, tasks: tuple[Job, ...], has_depot: bool) -> Any:
    """uint8[n, technicians]: 1 where the technician carries all the equipment the visit needs.

    Technicians without a shift have no column, as in the stock. [1, 1] without a depot.
    """
    if not has_depot:
        return np.ones((1, 1), np.uint8)
    people = [who for who in problem.technicians if who.shifts]
    rows: dict[frozenset[str], Any] = {}
    for job in tasks:
        if job.equipment not in rows:
            rows[job.equipment] = [job.equipment <= who.equipment for who in people]
    table = [rows[job.equipment] for job in tasks]
    return np.array(table, np.uint8).reshape(len(tasks), len(people))


def trips(problem: Problem, shifts: tuple[tuple[Technician, Shift], ...]) -> tuple[Any, Any]:
    """The trips as visits, and which of them lie before the frozen line.

    Returns
    -------
    task : int64[R, 8]
        A trip made before the line keeps its second; the others start after it.
    fetched : uint8[R]
    """
    assert problem.restock is not None
    rows = np.zeros((len(shifts), 8), np.int64)
    fetched = np.zeros(len(shifts), np.uint8)
    line = -c.FAR if problem.frozen_until is None else problem.frozen_until
    rows[:, c.LOCATION] = problem.restock.location
    rows[:, c.EARLIEST], rows[:, c.LATEST] = line, c.FAR
    rows[:, c.DUE], rows[:, c.RELEASE] = c.FAR, -c.FAR
    number = {(who.id, shift.id): r for r, (who, shift) in enumerate(shifts)}
    for route in problem.published.routes if problem.published is not None else ():
        r = number.get((route.technician, route.shift))
        for step in route.steps:
            if r is not None and step.type == "restock" and (step.start or 0) < line:
                fetched[r] = 1
                rows[r, c.EARLIEST] = rows[r, c.LATEST] = step.start or 0
    return rows, fetched
