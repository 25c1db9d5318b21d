"""Solomon and Gehring-Homberger text files (VRPTW).

Sources: Solomon (1987), doi:10.1287/opre.35.2.254; Homberger & Gehring (2005),
doi:10.1016/j.ejor.2004.01.027.
"""

from __future__ import annotations

import math

import numpy as np

from optimizer.formats.errors import ProblemError
from optimizer.formats.rounding import Rounding, euclidean
from optimizer.problem import Goal, Job, Location, Problem, Shift, Technician, Travel


def from_solomon(text: str, rounding: Rounding) -> Problem:
    """Customer 17 becomes job ``17``, vehicle 3 technician ``V3``; the objective is ``travel``."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    try:
        header = next(n for n, words in enumerate(lines) if words[0] == "NUMBER")
        vehicles, capacity = (int(word) for word in lines[header + 1])
        table = next(n for n, words in enumerate(lines) if words[0] == "CUST") + 1
        rows = [[float(word) for word in words] for words in lines[table:]]
        names = [words[0] for words in lines[table:]]
    except (StopIteration, ValueError, IndexError) as error:
        raise ProblemError("", "not a Solomon file: no VEHICLE and CUSTOMER tables") from error
    if not rows or any(len(row) != 7 for row in rows):
        raise ProblemError("", "not a Solomon file: a customer has seven numbers")
    if not all(math.isfinite(value) for row in rows for value in row):
        raise ProblemError("", "a customer's numbers have to be finite")
    points = np.array([row[1:3] for row in rows], dtype=np.float64)
    depot = rows[0]
    day = (rounding.integer(depot[4]), rounding.integer(depot[5]))
    return Problem(
        locations=tuple(Location(name) for name in names),
        travel={"car": Travel(rounding.matrix(euclidean(points)))},
        technicians=tuple(
            Technician(f"V{number}", (Shift("day", *day, 0, 0, capacity=(capacity,)),))
            for number in range(1, vehicles + 1)
        ),
        jobs=tuple(
            Job(
                id=names[place],
                location=place,
                service_s=rounding.integer(row[6]),
                load=(int(row[3]),),
                time_windows=((rounding.integer(row[4]), rounding.integer(row[5])),),
            )
            for place, row in enumerate(rows)
            if place
        ),
        objective=(Goal.of("travel"),),
        scale=rounding.scale,
        extra={"source": "solomon", "name": lines[0][0]},
    )
