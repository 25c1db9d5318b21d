"""Read a siting problem from JSON, or say in one sentence which key is wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from network.siting.problem import (
    Backup,
    Candidate,
    CostIs,
    DemandPoint,
    Floor,
    KindTerms,
    Model,
    SiteKind,
    SiteStatus,
    SitingProblem,
    Stop,
)

FORMAT = "zhunda-siting/1"
CostMaker = Callable[
    [Sequence[tuple[float, float]], Sequence[tuple[float, float]]],
    tuple[NDArray[np.float64], str],
]

_TOP = {
    "format",
    "model",
    "p",
    "radius",
    "budget",
    "demand",
    "candidates",
    "cost",
    "cost_is",
    "floors",
    "kinds",
    "backup",
    "stop",
}
_DEMAND = {"id", "weight", "lat", "lon", "district", "skills"}
_CANDIDATE = _DEMAND - {"weight"} | {"fixed_cost", "capacity", "status", "kind", "subsidy"}
_TERMS = {"fixed_cost", "subsidy", "least", "most", "most_share"}
_MOST_PAIRS = 100_000_000  # demand × candidates; about 0.8 GiB
_MOST = 1e15  # of a weight, a cost or a subsidy: products and sums of them stay finite
_RADIUS_NEEDED = {Model.COVERAGE, Model.SET_COVER}


class BadSiting(ValueError):
    """The siting problem is malformed: ``{path}: {what}``."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(f"{path}: {what}" if path else what)
        self.path = path


def _refuse_constant(name: str) -> float:
    raise BadSiting("", f"{name} is not a number in JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise BadSiting("", f"the key {key!r} occurs twice in one object")
            seen.add(key)
    return result


def _object(value: Any, path: str, known: set[str]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadSiting(path, "must be an object")
    for key in value:
        if key not in known:
            raise BadSiting(f"{path}.{key}" if path else key, "unknown key")
    return value


def _array(value: Any, path: str) -> list[Any]:
    if not isinstance(value, list):
        raise BadSiting(path, "must be an array")
    return value


def _number(value: Any, path: str, least: float = 0.0, most: float = math.inf) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadSiting(path, "must be a number")
    try:
        number = float(value)
    except OverflowError:
        raise BadSiting(path, "is too large") from None
    if not math.isfinite(number):
        raise BadSiting(path, "must be a finite number")
    if number < least:
        raise BadSiting(path, f"must be at least {least:g}, not {number:g}")
    if number > most:
        raise BadSiting(path, f"must be at most {most:g}, not {number:g}")
    return number


def _text(value: Any, path: str) -> str:
    if not isinstance(value, str) or not value:
        raise BadSiting(path, "must be a non-empty string")
    return value


def _number_or_none(
    item: Mapping[str, Any], key: str, path: str, least: float = 0.0, most: float = math.inf
) -> float | None:
    value = item.get(key)
    return None if value is None else _number(value, f"{path}{key}", least, most)


def _text_or_none(item: Mapping[str, Any], key: str, path: str) -> str | None:
    value = item.get(key)
    return None if value is None else _text(value, f"{path}{key}")


def _named[E](value: Any, path: str, names: type[E]) -> E:
    try:
        return names(value)  # type: ignore[call-arg]  # every enum here takes its value
    except ValueError:
        allowed = ", ".join(str(member.value) for member in names)  # type: ignore[attr-defined]
        raise BadSiting(path, f"must be one of {allowed}") from None


def _place(item: Mapping[str, Any], path: str) -> tuple[float | None, float | None]:
    lat = _number_or_none(item, "lat", f"{path}.", -90.0, 90.0)
    lon = _number_or_none(item, "lon", f"{path}.", -180.0, 180.0)
    if (lat is None) != (lon is None):
        missing = "lat" if lat is None else "lon"
        raise BadSiting(f"{path}.{missing}", "lat and lon go together")
    return lat, lon


def _required(item: Mapping[str, Any], key: str, path: str) -> Any:
    if key not in item:
        raise BadSiting(f"{path}.{key}" if path else key, "is missing")
    return item[key]


def _demand(value: Any) -> tuple[DemandPoint, ...]:
    points = []
    seen: set[str] = set()
    for i, raw in enumerate(_array(value, "demand")):
        path = f"demand[{i}]"
        item = _object(raw, path, _DEMAND)
        name = _text(_required(item, "id", path), f"{path}.id")
        if name in seen:
            raise BadSiting(f"{path}.id", f"{name!r} occurs twice")
        seen.add(name)
        lat, lon = _place(item, path)
        weight = _number(item.get("weight", 1.0), f"{path}.weight", 0.0, _MOST)
        district = _text_or_none(item, "district", f"{path}.")
        skills = _skills(item, path)
        points.append(DemandPoint(name, weight, lat, lon, district, skills))
    return tuple(points)


def _skills(item: Mapping[str, Any], path: str) -> dict[str, int]:
    value = item.get("skills")
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadSiting(f"{path}.skills", "must be an object of skill and level")
    for name, level in value.items():
        _count(level, f"{path}.skills.{name}", 1)
    return dict(value)


def _count(value: Any, path: str, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise BadSiting(path, f"must be a whole number of at least {least}")
    return int(value)


def _kinds(value: Any) -> dict[SiteKind, Mapping[str, Any]]:
    """The terms of each kind, checked, as they stand."""
    if not isinstance(value, dict):
        raise BadSiting("kinds", "must be an object")
    result: dict[SiteKind, Mapping[str, Any]] = {}
    for name, raw in value.items():
        path = f"kinds.{name}"
        item = _object(raw, path, _TERMS)
        for key in ("least", "most"):
            if item.get(key) is not None:
                _count(item[key], f"{path}.{key}", 0)
        for key, top in (("fixed_cost", _MOST), ("subsidy", _MOST), ("most_share", 1.0)):
            _number_or_none(item, key, f"{path}.", 0.0, top)
        result[_named(name, path, SiteKind)] = item
    return result


def _backup(value: Any, model: Model, radius: float | None) -> Backup:
    item = _object(value, "backup", {"radius", "share", "weight"})
    own = _number_or_none(item, "radius", "backup.")
    if own is None and radius is None:
        raise BadSiting("backup.radius", "is needed where the problem has no radius")
    weight = _number(item.get("weight", 0.0), "backup.weight", 0.0, 1.0)
    if weight and model is not Model.COVERAGE:
        raise BadSiting("backup.weight", "has a meaning in the coverage model only")
    return Backup(own, _number(item.get("share", 0.0), "backup.share", 0.0, 1.0), weight)


def _candidates(value: Any, kinds: Mapping[SiteKind, Mapping[str, Any]]) -> tuple[Candidate, ...]:
    sites = []
    seen: set[str] = set()
    for j, raw in enumerate(_array(value, "candidates")):
        path = f"candidates[{j}]"
        item = _object(raw, path, _CANDIDATE)
        name = _text(_required(item, "id", path), f"{path}.id")
        if name in seen:
            raise BadSiting(f"{path}.id", f"{name!r} occurs twice")
        seen.add(name)
        lat, lon = _place(item, path)
        kind = _named(item.get("kind", "own"), f"{path}.kind", SiteKind)
        terms = kinds.get(kind, {})
        own = {
            key: _number_or_none(item, key, f"{path}.", 0.0, _MOST)
            for key in ("fixed_cost", "subsidy")
        }
        money = {k: terms.get(k) if own[k] is None else own[k] for k in own}
        sites.append(
            Candidate(
                name,
                lat,
                lon,
                float(money["fixed_cost"] or 0.0),
                _number_or_none(item, "capacity", f"{path}."),
                _named(item.get("status", "candidate"), f"{path}.status", SiteStatus),
                kind,
                _text_or_none(item, "district", f"{path}."),
                _skills(item, path),
                float(money["subsidy"] or 0.0),
            )
        )
    return tuple(sites)


def _matrix(value: Any, rows: int, columns: int) -> NDArray[np.float64]:
    """The cost matrix; ``null`` becomes ``inf``. Takes the list apart to spare memory."""
    lines = _array(value, "cost")
    if len(lines) != rows:
        raise BadSiting("cost", f"has {len(lines)} rows for {rows} demand points")
    cost = np.empty((rows, columns))
    for i in range(rows):
        line = _array(lines[i], f"cost[{i}]")
        if len(line) != columns:
            raise BadSiting(f"cost[{i}]", f"has {len(line)} entries for {columns} candidates")
        if {*map(type, line)} <= {int, float}:
            try:
                cost[i] = line
            except OverflowError:
                cost[i] = np.inf
            if columns == 0 or (cost[i].min() >= 0.0 and cost[i].max() <= _MOST):
                lines[i] = None
                continue
        for j, entry in enumerate(line):
            at = f"cost[{i}][{j}]"
            cost[i, j] = np.inf if entry is None else _number(entry, at, 0.0, _MOST)
        lines[i] = None
    return cost


def _floors(value: Any, demand: Sequence[DemandPoint]) -> tuple[Floor, ...]:
    floors = []
    districts = {point.district for point in demand}
    for k, raw in enumerate(_array(value, "floors")):
        path = f"floors[{k}]"
        item = _object(raw, path, {"district", "covered_share", "backup_share"})
        district = _text(_required(item, "district", path), f"{path}.district")
        if demand and district not in districts:
            raise BadSiting(f"{path}.district", f"no demand point is in {district!r}")
        if "backup_share" not in item:
            _required(item, "covered_share", path)
        covered, twice = (
            _number(item.get(key, 0.0), f"{path}.{key}", 0.0, 1.0)
            for key in ("covered_share", "backup_share")
        )
        floors.append(Floor(district, covered, twice))
    return tuple(floors)


def _stop(value: Any) -> Stop:
    item = _object(value, "stop", {"gap", "seconds", "iterations"})
    gap = _number(item.get("gap", 0.0), "stop.gap")
    if gap >= 1.0:
        raise BadSiting("stop.gap", "must be below 1")
    seconds = _number(item.get("seconds", 60.0), "stop.seconds")
    if seconds == 0.0:
        raise BadSiting("stop.seconds", "must be above 0")
    iterations = item.get("iterations")
    if iterations is not None and (
        isinstance(iterations, bool) or not isinstance(iterations, int) or iterations < 1
    ):
        raise BadSiting("stop.iterations", "must be a whole number of at least 1")
    return Stop(gap, seconds, iterations)


def _travel(
    demand: Sequence[DemandPoint], candidates: Sequence[Candidate], make: CostMaker | None
) -> tuple[NDArray[np.float64], str]:
    groups: tuple[tuple[str, Sequence[DemandPoint | Candidate]], ...] = (
        ("demand", demand),
        ("candidates", candidates),
    )
    ends: list[list[tuple[float, float]]] = []
    for name, items in groups:
        places = []
        for k, item in enumerate(items):
            if item.lat is None or item.lon is None:
                raise BadSiting(f"{name}[{k}].lat", 'is needed when "cost" is absent')
            places.append((item.lat, item.lon))
        ends.append(places)
    if make is None:
        raise BadSiting("cost", "is absent and no travel times were offered")
    if not demand or not candidates:
        return np.zeros((len(demand), len(candidates))), "estimated"
    return make(ends[0], ends[1])


def read_problem(data: Any, travel: CostMaker | None = None) -> SitingProblem:
    """Turn parsed JSON into a problem.

    Parameters
    ----------
    data
        The object of ``docs/reference/siting.schema.json``. Its cost rows are taken apart while
        they are read, to spare memory.
    travel
        Makes the cost matrix (seconds, ``inf`` = unreachable) when ``cost`` is absent, from the
        (lat, lon) of demand and candidates, and says where it comes from.

    Raises
    ------
    BadSiting
        When anything is malformed; the message names the path.
    """
    top = _object(data, "", _TOP)
    if _required(top, "format", "") != FORMAT:
        raise BadSiting("format", f"must be {FORMAT!r}")
    model = _named(_required(top, "model", ""), "model", Model)
    demand = _demand(_required(top, "demand", ""))
    kinds = _kinds(top["kinds"]) if top.get("kinds") is not None else {}
    candidates = _candidates(_required(top, "candidates", ""), kinds)
    if len(demand) * len(candidates) > _MOST_PAIRS:
        raise BadSiting(
            "cost",
            f"{len(demand)} demand points × {len(candidates)} candidates are more than "
            f"{_MOST_PAIRS:,} pairs; put demand that lies together into one point",
        )
    money = model in (Model.P_MEDIAN, Model.CAPACITATED)
    if not money and any(site.subsidy > 0.0 for site in candidates):
        raise BadSiting("candidates", f"a subsidy has no meaning in the {model.value} model")
    p = top.get("p")
    if p is not None and (isinstance(p, bool) or not isinstance(p, int) or p < 1):
        raise BadSiting("p", "must be a whole number of at least 1")
    radius = _number_or_none(top, "radius", "")
    budget = _number_or_none(top, "budget", "")
    floors = _floors(top["floors"], demand) if top.get("floors") is not None else ()
    if radius is None and (model in _RADIUS_NEEDED or floors):
        reason = f"the {model.value} model" if model in _RADIUS_NEEDED else "floors"
        raise BadSiting("radius", f"is needed for {reason}")
    backup = _backup(top["backup"], model, radius) if top.get("backup") is not None else None
    if p is None and model is Model.P_CENTER:
        raise BadSiting("p", "is needed for the p-center model")
    if p is None and model is Model.COVERAGE and budget is None:
        raise BadSiting("p", "is needed for the coverage model, unless there is a budget")
    if p is None and model is Model.P_MEDIAN and budget is None:
        if not any(site.fixed_cost > 0.0 for site in candidates):
            raise BadSiting("p", "is needed, unless there are fixed costs or a budget")
    cost_is = _named(top.get("cost_is", "per_weight"), "cost_is", CostIs)
    stop = _stop(top["stop"]) if top.get("stop") is not None else Stop()
    if top.get("cost") is not None:
        cost, source = _matrix(top["cost"], len(demand), len(candidates)), "given"
    else:
        cost, source = _travel(demand, candidates, travel)
    return SitingProblem(
        model,
        demand,
        candidates,
        cost,
        p,
        radius,
        budget,
        cost_is,
        floors,
        stop,
        source,
        tuple(
            KindTerms(kind, terms.get("least") or 0, terms.get("most"), terms.get("most_share"))
            for kind, terms in kinds.items()
        ),
        backup,
    )


def parse(text: str) -> Any:
    """Parse JSON strictly: no NaN or Infinity, no key twice.

    Raises
    ------
    BadSiting
        When the text is not JSON.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise BadSiting("", f"not JSON: {error.msg} at line {error.lineno}") from None
    except RecursionError:
        raise BadSiting("", "not JSON: nested too deeply") from None


def load_problem(path: Path, travel: CostMaker | None = None) -> SitingProblem:
    """Read a siting problem from a file; see :func:`read_problem`."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadSiting(str(path), error.strerror or "cannot be read") from None
    except UnicodeDecodeError:
        raise BadSiting(str(path), "is not UTF-8") from None
    data = parse(text)
    del text
    return read_problem(data, travel)
