"""The technician routing and scheduling sets of Pillac, Guéret and Medaglia (2013).

Source: doi:10.1007/s11590-012-0567-4. Skills, tools and spare parts; technicians start from home
and may call at the central depot for the tools and parts they lack.
"""

from __future__ import annotations

import re

import numpy as np

from optimizer.formats.errors import ProblemError
from optimizer.formats.rounding import Rounding, euclidean
from optimizer.problem import Goal, Job, Location, Problem, Restock, Shift, Technician, Travel

_ROW = re.compile(r"^((?:\S+\s+){5}\S+)\s+\[([\d,]*)\]\s+\[([\d,]*)\]\s+\[([\d,]*)\]\s*$")
_FIRST_PART = 2


def from_trsp(text: str, rounding: Rounding) -> Problem:
    """Technician 3 becomes technician ``3``, request 40 job ``40``, the depot location ``0``.

    The published objective is the time on duty: travel + waiting, with the service a constant
    that is left out here.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    try:
        info = next(n for n, line in enumerate(lines) if line.startswith("CREW COUNT"))
        crew = int(lines[info + 1].split()[0])
        table = next(n for n, line in enumerate(lines) if line.startswith("ID "))
    except (StopIteration, ValueError, IndexError) as error:
        raise ProblemError("", "not a TRSP file: no INFO and REQUESTS tables") from error
    rows, names = [], []
    for line in lines[table + 1 :]:
        found = _ROW.match(line)
        if found is None:
            raise ProblemError("", f"not a row of a TRSP table: {line!r}")
        try:
            numbers = [float(word) for word in found[1].split()]
        except ValueError as error:
            raise ProblemError("", f"not a row of a TRSP table: {line!r}") from error
        lists = [[int(item) for item in found[n].split(",") if item] for n in (2, 3, 4)]
        rows.append((numbers, lists))
        names.append(found[1].split()[0])
    if len(rows) <= crew:
        raise ProblemError("", f"{crew} technicians announced, {len(rows)} rows found")
    points = np.array([numbers[1:3] for numbers, _ in rows], dtype=np.float64)
    technicians, jobs = [], []
    for place, (numbers, lists) in enumerate(rows):
        name = names[place]
        opens, closes, service = (rounding.integer(value) for value in numbers[3:6])
        skills = {f"skill-{item}": 1 for item in lists[0]}
        tools = frozenset(f"tool-{item}" for item in lists[1])
        parts = {f"part-{part}": count for part, count in enumerate(lists[_FIRST_PART]) if count}
        if 1 <= place <= crew:
            shift = Shift("day", opens, closes, place, place)
            technicians.append(
                Technician(name, (shift,), skills=skills, equipment=tools, stock=parts)
            )
        elif place:
            jobs.append(
                Job(
                    id=name,
                    location=place,
                    service_s=service,
                    skills=skills,
                    equipment=tools,
                    parts=parts,
                    time_windows=((opens, closes),),
                )
            )
    return Problem(
        locations=tuple(Location(name) for name in names),
        travel={"car": Travel(rounding.matrix(euclidean(points)))},
        technicians=tuple(technicians),
        jobs=tuple(jobs),
        objective=(Goal((("travel", 1.0), ("waiting", 1.0))),),
        scale=rounding.scale,
        restock=Restock(0),
        extra={"source": "trsp", "name": lines[0]},
    )
