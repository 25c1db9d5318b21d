"""Read a scenario from JSON, or say in one sentence which key is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from domain.places import check_degrees
from network.simulate.scenario import (
    FORMAT,
    WEEKDAYS,
    Certificate,
    Demand,
    DemandClass,
    DemandPoint,
    Dispatch,
    Group,
    Noise,
    Outlet,
    Pause,
    Scenario,
    Travel,
    Turn,
    WorkKind,
)
from network.siting.reading import BadSiting, parse
from optimizer.formats.errors import ProblemError
from optimizer.formats.fields import Fields, array, finite, whole, word
from optimizer.problem import UNREACHABLE

TravelMaker = Callable[[Sequence[tuple[float, float]]], Travel]
"""Seconds and metres between places (lat, lon), when the scenario brings none."""

_TOP = frozenset(
    {
        "format", "name", "timezone", "start", "days", "warm_up_days", "classes", "demand",
        "outlets", "rosters", "technicians", "closed_dates", "noise", "dispatch", "travel",
    }
)  # fmt: skip
_DEMAND = frozenset(
    {
        "points", "kinds", "per_day", "growth_per_year", "weekday_factors", "hour_factors",
        "month_factors", "dates",
    }
)  # fmt: skip
_TURN = frozenset(
    {
        "weekdays", "start", "end", "overtime_s", "breaks", "serves", "every_weeks", "week",
        "on_closed_dates",
    }
)  # fmt: skip
_GROUP = frozenset(
    {
        "id", "outlet", "roster", "heads", "skills", "certificates", "speed_factor",
        "cost_per_hour_fen", "cost_per_km_fen",
    }
)  # fmt: skip
_NOISE = frozenset(Noise.__dataclass_fields__)
_DISPATCH = frozenset(Dispatch.__dataclass_fields__)

MOST_DAYS = 3660
MOST_PER_DAY = 100_000
MOST_HEADS = 10_000


class BadScenario(ValueError):
    """The scenario is malformed: ``{path}: {what}``."""


def read_scenario(data: Any, travel: TravelMaker | None = None) -> Scenario:
    """Turn parsed JSON into a scenario.

    Parameters
    ----------
    data
        The object of ``docs/reference/scenario.schema.json``.
    travel
        Makes the travel matrix where the scenario brings none; default: the general estimate.

    Raises
    ------
    BadScenario
        When anything is malformed, unknown or makes no sense; the message names the path.
    """
    from network.simulate.travel import estimated

    try:
        return _scenario(data, travel or estimated)
    except ProblemError as error:
        raise BadScenario(str(error)) from None


def load_scenario(path: Path, travel: TravelMaker | None = None) -> Scenario:
    """Read a scenario from a file; see :func:`read_scenario`."""
    try:
        data = parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadScenario(f"{path}: {error.strerror or 'cannot be read'}") from None
    except UnicodeDecodeError:
        raise BadScenario(f"{path}: is not UTF-8") from None
    except BadSiting as error:
        raise BadScenario(str(error)) from None
    return read_scenario(data, travel)


def _scenario(data: Any, make: TravelMaker) -> Scenario:
    top = Fields(
        data, "", _TOP,
        ("format", "timezone", "start", "days", "classes", "demand", "outlets", "rosters",
         "technicians"),
    )  # fmt: skip
    if top.get("format") != FORMAT:
        raise ProblemError("format", f"must be {FORMAT!r}")
    zone = top.text("timezone", "")
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, LookupError):
        raise ProblemError("timezone", f"{zone!r} is no IANA time zone") from None
    classes = tuple(_class(value, path) for path, value in _members(top, "classes"))
    if not classes:
        raise ProblemError("classes", "must name at least one class")
    names = frozenset(each.name for each in classes)
    demand = _demand(top.get("demand"), names)
    outlets = tuple(_outlet(value, path) for path, value in top.items("outlets"))
    if not outlets:
        raise ProblemError("outlets", "must name at least one outlet")
    _distinct([outlet.id for outlet in outlets], "outlets")
    rosters = {
        path.removeprefix("rosters."): _roster(value, path, names)
        for path, value in _members(top, "rosters")
    }
    groups = tuple(
        _group(value, path, {outlet.id for outlet in outlets}, rosters)
        for path, value in top.items("technicians")
    )
    if not groups or sum(group.heads for group in groups) == 0:
        raise ProblemError("technicians", "nobody works in this scenario")
    _distinct([group.id for group in groups], "technicians")
    if sum(group.heads for group in groups) > MOST_HEADS:
        raise ProblemError("technicians", f"more than {MOST_HEADS} heads")
    if not any(rosters[group.roster] for group in groups if group.heads):
        raise ProblemError("rosters", "no technician has a shift")
    _refuse_unknown_skills(demand, groups)
    days = whole(top.get("days"), "days", 1, MOST_DAYS)
    scenario = Scenario(
        name=top.text("name", "scenario"),
        timezone=zone,
        start=_date(top.get("start"), "start"),
        days=days,
        warm_up_days=whole(top.value.get("warm_up_days", 4), "warm_up_days", 0, MOST_DAYS),
        classes=classes,
        demand=demand,
        outlets=outlets,
        rosters=rosters,
        groups=groups,
        travel=_travel(top, outlets, demand.points, make),
        closed_dates=frozenset(_date(value, path) for path, value in top.items("closed_dates")),
        noise=_noise(top.value.get("noise", {})),
        dispatch=_dispatch(top.value.get("dispatch", {})),
    )
    _refuse_no_shift(scenario)
    return scenario


def _members(fields: Fields, key: str) -> list[tuple[str, Any]]:
    from optimizer.formats.fields import mapping

    found = mapping(fields.get(key), key)
    for name in found:
        word(name, key)
    return [(f"{key}.{name}", value) for name, value in found.items()]


def _distinct(names: Sequence[str], path: str) -> None:
    for number, name in enumerate(names):
        if name in names[:number]:
            raise ProblemError(f"{path}[{number}].id", f"{name!r} stands here twice")


def _date(value: object, path: str) -> date:
    text = word(value, path)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ProblemError(path, f"{text!r} is no date such as 2026-11-30") from None


def _time(value: object, path: str) -> time:
    text = word(value, path)
    try:
        moment = time.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is not None or moment.microsecond or len(text) > 8:
        raise ProblemError(path, f"{text!r} is no local time such as 08:00")
    return moment


def _between(value: object, path: str, low: float, high: float) -> float:
    number = finite(value, path)
    if not low <= number <= high:
        raise ProblemError(path, f"must be between {low:g} and {high:g}, got {number:g}")
    return number


def _class(value: object, path: str) -> DemandClass:
    fields = Fields(
        value, path, frozenset({"arrival_hours", "target", "weight", "inserted"}),
        ("arrival_hours",),
    )  # fmt: skip
    hours = whole(fields.get("arrival_hours"), fields.at("arrival_hours"), 1, 24 * 366)
    target = _between(fields.value.get("target", 0.95), fields.at("target"), 0.0, 1.0)
    weight = whole(fields.value.get("weight", 1), fields.at("weight"), 1, 1000)
    inserted = _flag(fields, "inserted")
    return DemandClass(path.removeprefix("classes."), hours, target, weight, inserted)


def _flag(fields: Fields, key: str) -> bool:
    value = fields.value.get(key, False)
    if not isinstance(value, bool):
        raise ProblemError(fields.at(key), "must be true or false")
    return value


def _demand(value: object, classes: frozenset[str]) -> Demand:
    fields = Fields(value, "demand", _DEMAND, ("points", "kinds", "per_day"))
    points = []
    for path, item in fields.items("points"):
        one = Fields(item, path, frozenset({"id", "lat", "lon", "district", "weight"}),
                     ("id", "lat", "lon"))  # fmt: skip
        lat, lon = _degrees(one)
        weight = _between(one.value.get("weight", 1.0), one.at("weight"), 0.0, 1e12)
        district = one.text("district", "all")
        points.append(DemandPoint(one.text("id", ""), lat, lon, district, weight))
    _distinct_fast([point.id for point in points], "demand.points")
    if not points or sum(point.weight for point in points) <= 0:
        raise ProblemError("demand.points", "no point has any demand")
    kinds = []
    for path, item in fields.items("kinds"):
        one = Fields(item, path, frozenset({"id", "class", "share", "service_s", "skills"}),
                     ("id", "class", "service_s"))  # fmt: skip
        job_class = one.text("class", "")
        if job_class not in classes:
            raise ProblemError(one.at("class"), f"{job_class!r} is none of the classes")
        kinds.append(
            WorkKind(
                one.text("id", ""),
                job_class,
                _between(one.value.get("share", 1.0), one.at("share"), 0.0, 1e9),
                whole(one.get("service_s"), one.at("service_s"), 1, 86_400),
                one.counts("skills"),
            )
        )
    _distinct([kind.id for kind in kinds], "demand.kinds")
    if not kinds or sum(kind.share for kind in kinds) <= 0:
        raise ProblemError("demand.kinds", "no kind has any share")
    per_day = _between(fields.get("per_day"), "demand.per_day", 0.0, MOST_PER_DAY)
    if per_day == 0.0:
        raise ProblemError("demand.per_day", "is 0: there is no demand to simulate")
    dates = Fields(fields.value.get("dates", {}), "demand.dates",
                   frozenset(_keys(fields.value.get("dates", {}))))  # fmt: skip
    return Demand(
        tuple(points),
        tuple(kinds),
        per_day,
        _between(fields.value.get("growth_per_year", 0.0), "demand.growth_per_year", -0.99, 100),
        _factors(fields, "weekday_factors", 7),
        _factors(fields, "hour_factors", 24),
        _factors(fields, "month_factors", 12),
        {
            _date(key, "demand.dates"): _between(factor, dates.at(key), 0.0, 1000.0)
            for key, factor in dates.value.items()
        },
    )


def _keys(value: object) -> list[str]:
    return [key for key in value if isinstance(key, str)] if isinstance(value, dict) else []


def _distinct_fast(names: Sequence[str], path: str) -> None:
    if len(set(names)) != len(names):
        _distinct(names, path)


def _degrees(fields: Fields) -> tuple[float, float]:
    lat, lon = (
        finite(fields.get("lat"), fields.at("lat")),
        finite(fields.get("lon"), fields.at("lon")),
    )
    try:
        check_degrees(lat, lon)
    except ValueError as error:
        raise ProblemError(fields.path, str(error)) from None
    return lat, lon


def _factors(fields: Fields, key: str, count: int) -> tuple[float, ...]:
    if key not in fields:
        return (1.0,) * count
    values = array(fields.get(key), fields.at(key))
    if len(values) != count:
        raise ProblemError(fields.at(key), f"needs {count} factors, got {len(values)}")
    found = tuple(
        _between(value, f"{fields.at(key)}[{number}]", 0.0, 1e6)
        for number, value in enumerate(values)
    )
    if sum(found) <= 0:
        raise ProblemError(fields.at(key), "all factors are 0: there is no demand to simulate")
    return found


def _outlet(value: object, path: str) -> Outlet:
    fields = Fields(value, path, frozenset({"id", "lat", "lon"}), ("id", "lat", "lon"))
    return Outlet(fields.text("id", ""), *_degrees(fields))


def _roster(value: object, path: str, classes: frozenset[str]) -> tuple[Turn, ...]:
    return tuple(
        _turn(item, f"{path}[{number}]", classes) for number, item in enumerate(array(value, path))
    )


def _turn(value: object, path: str, classes: frozenset[str]) -> Turn:
    fields = Fields(value, path, _TURN, ("weekdays", "start", "end"))
    days = fields.words("weekdays")
    for day in days:
        if day not in WEEKDAYS:
            raise ProblemError(fields.at("weekdays"), f"{day!r} is none of {', '.join(WEEKDAYS)}")
    serves = None
    if fields.get("serves") is not None:
        serves = frozenset(fields.words("serves"))
        unknown = sorted(serves - classes)
        if unknown:
            raise ProblemError(fields.at("serves"), f"{unknown[0]!r} is none of the classes")
    every = whole(fields.value.get("every_weeks", 1), fields.at("every_weeks"), 1, 520)
    week = whole(fields.value.get("week", 0), fields.at("week"), 0, 519)
    if week >= every:
        raise ProblemError(fields.at("week"), f"must be below every_weeks ({every}), got {week}")
    return Turn(
        frozenset(WEEKDAYS.index(day) for day in days),
        _time(fields.get("start"), fields.at("start")),
        _time(fields.get("end"), fields.at("end")),
        whole(fields.value.get("overtime_s", 0), fields.at("overtime_s"), 0, 43_200),
        tuple(_pause(item, where) for where, item in fields.items("breaks")),
        serves,
        every,
        week,
        _flag(fields, "on_closed_dates"),
    )


def _pause(value: object, path: str) -> Pause:
    fields = Fields(
        value, path, frozenset({"from", "until", "duration_s"}), ("from", "until", "duration_s")
    )
    return Pause(
        _time(fields.get("from"), fields.at("from")),
        _time(fields.get("until"), fields.at("until")),
        whole(fields.get("duration_s"), fields.at("duration_s"), 1, 43_200),
    )


def _group(
    value: object, path: str, outlets: set[str], rosters: dict[str, tuple[Turn, ...]]
) -> Group:
    fields = Fields(value, path, _GROUP, ("id", "outlet", "roster", "skills"))
    outlet, roster = fields.text("outlet", ""), fields.text("roster", "")
    if outlet not in outlets:
        raise ProblemError(fields.at("outlet"), f"there is no outlet {outlet!r}")
    if roster not in rosters:
        raise ProblemError(fields.at("roster"), f"there is no roster {roster!r}")
    skills = fields.counts("skills")
    certificates = []
    for where, item in fields.items("certificates"):
        one = Fields(item, where, frozenset({"skill", "valid_from", "valid_to"}),
                     ("skill", "valid_from", "valid_to"))  # fmt: skip
        skill = one.text("skill", "")
        if skill not in skills:
            raise ProblemError(
                one.at("skill"), f"unknown skill {skill!r}: it is none of the skills held"
            )
        first = _date(one.get("valid_from"), one.at("valid_from"))
        last = _date(one.get("valid_to"), one.at("valid_to"))
        if last < first:
            raise ProblemError(one.at("valid_to"), "lies before valid_from")
        certificates.append(Certificate(skill, first, last))
    return Group(
        fields.text("id", ""),
        outlet,
        roster,
        skills,
        whole(fields.value.get("heads", 1), fields.at("heads"), 0, MOST_HEADS),
        tuple(certificates),
        _between(fields.value.get("speed_factor", 1.0), fields.at("speed_factor"), 0.01, 100.0),
        fields.integer("cost_per_hour_fen"),
        fields.integer("cost_per_km_fen"),
    )


def _refuse_unknown_skills(demand: Demand, groups: Sequence[Group]) -> None:
    """A skill that no group has heard of is a typing error more often than a gap in the staff."""
    held = {skill for group in groups for skill in group.skills}
    for number, kind in enumerate(demand.kinds):
        for skill in kind.skills:
            if skill not in held:
                raise ProblemError(
                    f"demand.kinds[{number}].skills.{skill}",
                    f"unknown skill {skill!r}: no technician holds it at any level",
                )


def _refuse_no_shift(scenario: Scenario) -> None:
    from network.simulate.calendar import Calendar

    calendar = Calendar(scenario)
    if not any(calendar.duties(day) for day in range(*calendar.counted)):
        raise ProblemError("rosters", "no technician has a shift on any counted day")


def _noise(value: object) -> Noise:
    fields = Fields(value, "noise", _NOISE)
    default = Noise()

    def ratio(key: str, high: float, low: float = 0.0) -> float:
        return _between(fields.value.get(key, getattr(default, key)), fields.at(key), low, high)

    return Noise(
        service_cv=ratio("service_cv", 3.0),
        travel_cv=ratio("travel_cv", 3.0),
        traffic_cv=ratio("traffic_cv", 3.0),
        no_access_share=ratio("no_access_share", 1.0),
        no_access_s=whole(
            fields.value.get("no_access_s", default.no_access_s), "noise.no_access_s", 0, 86_400
        ),
        sick_share=ratio("sick_share", 0.9),
        sick_days=ratio("sick_days", 365.0, 1.0),
    )


def _dispatch(value: object) -> Dispatch:
    fields = Fields(value, "dispatch", _DISPATCH)
    default = Dispatch()
    return Dispatch(
        _time(fields.value.get("plan_at", "06:00"), "dispatch.plan_at"),
        whole(fields.value.get("iterations", default.iterations), "dispatch.iterations", 0, 10**7),
        whole(fields.value.get("desk_every_s", default.desk_every_s), "dispatch.desk_every_s",
              60, 86_400),
        whole(fields.value.get("eject", default.eject), "dispatch.eject", 0, 2),
        tuple(sorted(_time(item, path) for path, item in fields.items("replan_at"))),
    )  # fmt: skip


def _travel(
    top: Fields, outlets: Sequence[Outlet], points: Sequence[DemandPoint], make: TravelMaker
) -> Travel:
    if top.get("travel") is None:
        places: tuple[Outlet | DemandPoint, ...] = (*outlets, *points)
        return make([(place.lat, place.lon) for place in places])
    fields = Fields(
        top.get("travel"), "travel", frozenset({"durations_s", "distances_m"}), ("durations_s",)
    )
    count = len(outlets) + len(points)
    durations = _matrix(fields.get("durations_s"), "travel.durations_s", count)
    if fields.get("distances_m") is None:
        return Travel(durations, np.zeros_like(durations), "given")
    distances = _matrix(fields.get("distances_m"), "travel.distances_m", count)
    return Travel(durations, distances, "given")


def _matrix(value: object, path: str, count: int) -> NDArray[np.int32]:
    rows = array(value, path)
    if len(rows) != count:
        raise ProblemError(path, f"has {len(rows)} rows for {count} places (outlets, then points)")
    matrix = np.empty((count, count), np.int32)
    for i, row in enumerate(rows):
        cells = array(row, f"{path}[{i}]")
        if len(cells) != count:
            raise ProblemError(f"{path}[{i}]", f"has {len(cells)} entries for {count} places")
        for j, cell in enumerate(cells):
            matrix[i, j] = UNREACHABLE if cell is None else whole(cell, f"{path}[{i}][{j}]")
    return matrix
