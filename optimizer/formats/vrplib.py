"""VRPLIB ``.vrp`` files in PyVRP's dialect: (CVRP) VRPTW, SDVRPTW, MDVRPTW, PCVRPTW.

Instances: Vidal et al. (2013), doi:10.1016/j.cor.2012.07.018, and Gehring-Homberger with prizes.
A job's id is the node's number in the file; ``.sol`` files count from the first depot as 0, so
their client 17 is node 18.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from optimizer.formats.errors import ProblemError
from optimizer.formats.fields import LATEST
from optimizer.formats.rounding import Rounding, euclidean
from optimizer.problem import Goal, Job, Location, Problem, Shift, Technician, Travel

_HEADERS = frozenset(
    {
        "NAME", "COMMENT", "TYPE", "DIMENSION", "VEHICLES", "CAPACITY", "SERVICE_TIME",
        "EDGE_WEIGHT_TYPE", "EDGE_WEIGHT_FORMAT", "VEHICLES_MAX_DURATION", "NODE_COORD_TYPE",
    }
)  # fmt: skip
_SECTIONS = frozenset(
    {
        "NODE_COORD", "DEMAND", "SERVICE_TIME", "TIME_WINDOW", "VEHICLES_DEPOT", "DEPOT",
        "CAPACITY", "VEHICLES_ALLOWED_CLIENTS", "PRIZE", "EDGE_WEIGHT", "VEHICLES_MAX_DURATION",
    }
)  # fmt: skip

_WIDTHS = {
    "NODE_COORD": 3, "DEMAND": 2, "SERVICE_TIME": 2, "TIME_WINDOW": 3, "VEHICLES_DEPOT": 2,
    "CAPACITY": 2, "PRIZE": 2, "DEPOT": 1,
}  # fmt: skip
"""Numbers in a row, where it is fixed: a node or vehicle and its values."""

Rows = list[list[float]]


def from_vrplib(text: str, rounding: Rounding) -> Problem:
    """Nodes become locations, vehicles technicians ``V1`` …, allowed clients ``allowed``.

    Prizes become ``drop_penalty`` and the objective travel + dropped; otherwise it is travel.
    A limit on a route's duration has no counterpart: it stands in ``extra["left_out"]``.
    """
    headers, sections = _split(text)
    distances = _distances(headers, sections)
    size = len(distances)
    depots = _depots(sections, size)
    demand = _column(sections, "DEMAND", size, 0.0)
    service = _column(sections, "SERVICE_TIME", size, _number(headers, "SERVICE_TIME", 0.0))
    prize = _column(sections, "PRIZE", size, 0.0)
    matrix = rounding.matrix(distances)
    latest = min(LATEST, int(matrix.max(initial=0)) * (size + 1) + 1)
    latest = min(LATEST, latest + sum(rounding.integer(value) for value in service))
    windows: list[tuple[int, int]] = [(0, latest)] * size
    for row in sections.get("TIME_WINDOW", []):
        opens, closes = (rounding.integer(value) for value in row[1:3])
        windows[_node(row[0], size)] = (opens, closes)
    fleet = int(_number(headers, "VEHICLES", float(size - len(depots))))
    technicians = _technicians(headers, sections, depots, windows, fleet)
    allowed = _allowed(sections, technicians, size)
    jobs = tuple(
        Job(
            id=str(place + 1),
            location=place,
            service_s=rounding.integer(service[place]),
            load=(int(demand[place]),),
            time_windows=(windows[place],) if "TIME_WINDOW" in sections else (),
            drop_penalty=rounding.integer(prize[place]) if prize[place] else None,
            allowed=allowed(place),
        )
        for place in range(size)
        if place not in depots
    )
    goal = Goal((("travel", 1.0), ("dropped", 1.0))) if "PRIZE" in sections else Goal.of("travel")
    extra: dict[str, object] = {"source": "vrplib", "name": headers.get("NAME", "")}
    limit = headers.get("VEHICLES_MAX_DURATION")
    if limit is not None or "VEHICLES_MAX_DURATION" in sections:
        extra["left_out"] = [f"VEHICLES_MAX_DURATION {limit or 'per vehicle'}"]
    return Problem(
        locations=tuple(Location(str(place + 1)) for place in range(size)),
        travel={"car": Travel(matrix)},
        technicians=technicians,
        jobs=jobs,
        objective=(goal,),
        scale=rounding.scale,
        extra=extra,
    )


def _split(text: str) -> tuple[dict[str, str], dict[str, Rows]]:
    headers: dict[str, str] = {}
    sections: dict[str, Rows] = {}
    rows: Rows | None = None
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words:
            continue
        if words[0] == "EOF":
            break
        name, colon, value = line.partition(":")
        if colon:
            if name.strip() not in _HEADERS:
                raise ProblemError(f"line {number}", f"unknown header {name.strip()!r}")
            headers[name.strip()] = value.strip()
        elif words[0].endswith("_SECTION"):
            section = words[0].removesuffix("_SECTION")
            if section not in _SECTIONS:
                raise ProblemError(f"line {number}", f"unknown section {words[0]!r}")
            rows = sections.setdefault(section, [])
        elif rows is None:
            raise ProblemError(f"line {number}", "not a VRPLIB file: neither header nor section")
        else:
            try:
                rows.append([float(word) for word in words])
            except ValueError as error:
                raise ProblemError(f"line {number}", f"expected numbers, got {line!r}") from error
            if not all(map(math.isfinite, rows[-1])):
                raise ProblemError(f"line {number}", f"expected finite numbers, got {line!r}")
            if len(words) != _WIDTHS.get(section, len(words)):
                message = f"expected a node and its values, got {line!r}"
                raise ProblemError(f"line {number}", message)
    if not sections:
        raise ProblemError("", "not a VRPLIB file: it has no sections")
    return headers, sections


def _number(headers: dict[str, str], key: str, default: float) -> float:
    try:
        value = float(headers.get(key, default))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ProblemError(key, f"expected a number, got {headers[key]!r}")
    return value


def _distances(headers: dict[str, str], sections: dict[str, Rows]) -> NDArray[np.float64]:
    kind = headers.get("EDGE_WEIGHT_TYPE", "EUC_2D")
    if kind == "EUC_2D" and "NODE_COORD" in sections:
        numbers = [row[0] for row in sections["NODE_COORD"]]
        if numbers != list(range(1, len(numbers) + 1)):
            raise ProblemError("NODE_COORD_SECTION", "nodes have to be numbered 1, 2, 3 …")
        return euclidean(np.array([row[1:3] for row in sections["NODE_COORD"]], dtype=np.float64))
    form = headers.get("EDGE_WEIGHT_FORMAT", "FULL_MATRIX")
    if kind == "EXPLICIT" and form == "FULL_MATRIX" and "EDGE_WEIGHT" in sections:
        cells = [cell for row in sections["EDGE_WEIGHT"] for cell in row]
        size = int(_number(headers, "DIMENSION", 0))
        if len(cells) != size * size:
            raise ProblemError("EDGE_WEIGHT_SECTION", f"expected {size} × {size} values")
        return np.array(cells, dtype=np.float64).reshape(size, size)
    raise ProblemError("EDGE_WEIGHT_TYPE", f"{kind} {form} is not supported")


def _node(value: float, size: int) -> int:
    place = int(value) - 1
    if not 0 <= place < size:
        raise ProblemError("", f"node {int(value)} does not exist: there are {size}")
    return place


def _column(sections: dict[str, Rows], name: str, size: int, default: float) -> list[float]:
    found = [default] * size
    for row in sections.get(name, []):
        found[_node(row[0], size)] = row[1]
    return found


def _depots(sections: dict[str, Rows], size: int) -> list[int]:
    """The depots' places; a file that names none means its first node."""
    rows = sections.get("DEPOT", [])
    return [_node(row[0], size) for row in rows if row[0] > 0] or [0]


def _technicians(
    headers: dict[str, str],
    sections: dict[str, Rows],
    depots: list[int],
    windows: list[tuple[int, int]],
    fleet: int,
) -> tuple[Technician, ...]:
    home = {int(row[0]): _node(row[1], len(windows)) for row in sections.get("VEHICLES_DEPOT", [])}
    own_room = {int(row[0]): int(row[1]) for row in sections.get("CAPACITY", [])}
    room = int(_number(headers, "CAPACITY", float(LATEST)))
    found = []
    for number in range(1, fleet + 1):
        depot = home.get(number, depots[0])
        shift = Shift("day", *windows[depot], depot, depot, capacity=(own_room.get(number, room),))
        found.append(Technician(f"V{number}", (shift,)))
    return tuple(found)


def _allowed(
    sections: dict[str, Rows], technicians: tuple[Technician, ...], size: int
) -> Callable[[int], frozenset[str] | None]:
    """Who may visit a node; None where everybody may."""
    lists = sections.get("VEHICLES_ALLOWED_CLIENTS")
    if lists is None:
        return lambda _: None
    may: list[set[str]] = [set() for _ in range(size)]
    for row in lists:
        for node in row[1:]:
            may[_node(node, size)].add(f"V{int(row[0])}")
    everybody = {technician.id for technician in technicians}

    def allowed(place: int) -> frozenset[str] | None:
        return None if may[place] == everybody else frozenset(may[place] & everybody)

    return allowed
