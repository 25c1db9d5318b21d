"""The present, as a scenario can freeze it: demand, outlets, people and rosters on record."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from api.db.models import Certificate, Job, Outlet, Request, Shift, Technician
from api.services.homes import homes
from api.services.refusals import Refusal
from domain.places import Place
from network.demand import BadDemand, demand_from_requests
from network.demand import Request as PastRequest
from network.demand.population import demand_from_population, in_cells
from network.roads.estimate import haversine_m
from network.simulate import Demand, DemandPoint, WorkKind

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_POINTS = 600
"""More than so many demand points are gathered into coarser cells."""

WEEKS_OF_ROSTER = 4
WHOLE_WEEKS_NEEDED = 4
"""With a shorter history, every weekday has the same demand: one week is no pattern."""

_A_MONDAY = date(2001, 1, 1)
CLASSES = {
    "urgent": {"arrival_hours": 24, "target": 0.95, "weight": 10, "inserted": True},
    "normal": {"arrival_hours": 72, "target": 0.98},
}


@dataclass(frozen=True, slots=True)
class Zone:
    """Where people live: a point, its people, its district (None: that of the nearest outlet)."""

    id: str
    lat: float
    lon: float
    population: float
    district: str | None = None


def outlets_on_record(session: Session) -> list[Outlet]:
    """All outlets that stay, by name: where the end is decided, it has come in a planner's future.

    Raises
    ------
    Refusal
        ``scenario_invalid`` when there is none.
    """
    found = list(
        session.scalars(select(Outlet).where(Outlet.closed_on.is_(None)).order_by(Outlet.name))
    )
    if not found:
        raise Refusal("scenario_invalid", "There is no outlet on record.")
    return found


def district_of(outlets: Sequence[Outlet], lat: float, lon: float) -> str:
    """Districts are what lies nearest to an outlet of today, as the crow flies."""
    import numpy as np

    here = np.array([[lat, lon]])
    there = np.array([[outlet.lat, outlet.lon] for outlet in outlets])
    return f"near {outlets[int(np.argmin(haversine_m(here, there)))].name}"


def demand_on_record(
    session: Session,
    outlets: Sequence[Outlet],
    timezone: str,
    *,
    per_day: float | None,
    growth_per_year: float,
) -> Demand:
    """The demand of the requests on record: places, kinds, hours; weekdays with a long history.

    Raises
    ------
    Refusal
        ``scenario_invalid`` when nothing was ever reported.
    """
    rows = session.execute(
        select(Request.reported_at, Request.lat, Request.lon, Job.job_class, Job.skills,
               Job.service_s)
        .join(Job, Job.request_id == Request.id)
        .where(Job.duplicate_of.is_(None))
    ).all()  # fmt: skip
    try:
        past = [
            PastRequest(
                row.reported_at,
                district_of(outlets, row.lat, row.lon),
                ",".join(f"{skill}:{level}" for skill, level in sorted(row.skills.items()))
                or "any",
                row.job_class,
                row.lat,
                row.lon,
                row.service_s,
            )
            for row in rows
        ]
        demand = demand_from_requests(past, timezone, growth_per_year=growth_per_year)
    except BadDemand:
        raise Refusal(
            "scenario_invalid", "There are no requests on record, so there is no demand to plan."
        ) from None
    resolution = 8
    points = demand.points
    while len(points) > MOST_POINTS and resolution > 4:
        resolution -= 1
        points = in_cells(points, resolution)
    local = [one.reported_at.astimezone(ZoneInfo(timezone)).date() for one in past]
    enough = (max(local) - min(local)).days >= 7 * WHOLE_WEEKS_NEEDED
    return replace(
        demand,
        points=points,
        kinds=tuple(_with_levels(kind) for kind in demand.kinds),
        per_day=demand.per_day if per_day is None else per_day,
        weekday_factors=demand.weekday_factors if enough else (1.0,) * 7,
    )


def _one_word(skills: dict[str, Any]) -> str:
    return ",".join(f"{skill}:{level}" for skill, level in sorted(skills.items())) or "any"


def _with_levels(kind: WorkKind) -> WorkKind:
    """``fridge:2,gas:1`` was one word for the history; here it is skills with levels again."""
    (text, *_rest) = list(kind.skills) or [""]
    skills = dict(part.rsplit(":", 1) for part in text.split(",") if part)
    return replace(kind, skills={skill: int(level) for skill, level in skills.items()})


def demand_of_people(
    kinds: Sequence[WorkKind],
    outlets: Sequence[Outlet],
    zones: Sequence[Zone],
    hour_factors: tuple[float, ...],
    *,
    per_thousand_per_day: float,
    growth_per_year: float,
) -> Demand:
    """So many faults a day per thousand people, of the kinds on record.

    Raises
    ------
    Refusal
        ``scenario_invalid`` with one sentence.
    """
    points: tuple[DemandPoint, ...] = tuple(
        DemandPoint(
            zone.id, zone.lat, zone.lon, zone.district or district_of(outlets, zone.lat, zone.lon),
            zone.population,
        )
        for zone in zones
    )  # fmt: skip
    try:
        demand = demand_from_population(points, kinds, per_thousand_per_day, growth_per_year)
    except BadDemand as error:
        raise Refusal("scenario_invalid", f"{error}") from None
    resolution = 9
    while len(demand.points) > MOST_POINTS and resolution > 4:
        resolution -= 1
        demand = replace(demand, points=in_cells(demand.points, resolution))
    return replace(demand, hour_factors=hour_factors)


@dataclass(frozen=True, slots=True)
class Workforce:
    """Rosters by name, groups (one a technician), and the openings that resemble them.

    ``assumed``: weekdays of which the record shows too little, worked as on the others.
    """

    rosters: dict[str, list[dict[str, Any]]]
    groups: list[dict[str, Any]]
    openings: list[dict[str, Any]]
    assumed: list[str]


def workforce_on_record(
    session: Session,
    timezone: str,
    now: datetime,
    *,
    cost_per_hour_fen: int,
    cost_per_km_fen: int,
) -> Workforce:
    """Everybody with the week that their shifts on record show.

    Regular shifts recur every week on the weekdays on which they were seen. A duty (a small crew on
    a day off) recurs as seldom as it was seen among such days, and serves urgent faults only. A
    weekday from Monday to Friday on which never half as many work as on the busiest day of the
    record (its rosters are not made yet, or it is half over) is worked like the others.

    Raises
    ------
    Refusal
        ``scenario_invalid`` when nobody has a shift on record.
    """
    technicians = session.scalars(
        select(Technician)
        .options(selectinload(Technician.certificates))
        .order_by(Technician.number)
    ).all()
    known, outlet_name = homes(session), dict(session.execute(select(Outlet.id, Outlet.name)).all())
    since = (now - timedelta(weeks=WEEKS_OF_ROSTER)).date()
    until = (now + timedelta(weeks=WEEKS_OF_ROSTER)).date()
    shifts: dict[int, list[Shift]] = defaultdict(list)
    for shift in session.scalars(select(Shift).where(Shift.day >= since, Shift.day <= until)):
        shifts[shift.technician_number].append(shift)
    days = {shift.day for own in shifts.values() for shift in own}
    assumed = _unseen(shift for own in shifts.values() for shift in own)
    rosters: dict[str, list[dict[str, Any]]] = {}
    names: dict[str, str] = {}
    groups = []
    costs = {"cost_per_hour_fen": cost_per_hour_fen, "cost_per_km_fen": cost_per_km_fen}
    for technician in technicians:
        turns = _turns(shifts[technician.number], days, assumed, timezone)
        if not turns:
            continue
        key = repr(turns)
        if key not in names:
            names[key] = f"roster {len(names) + 1}"
            rosters[names[key]] = turns
        groups.append(
            {
                "id": f"technician {technician.number}",
                "outlet": outlet_name[known.in_the_end(technician)],
                "roster": names[key],
                "skills": dict(technician.skills),
                "heads": 1,
                "certificates": [
                    {
                        "skill": paper.skill,
                        "valid_from": paper.valid_from.isoformat(),
                        "valid_to": paper.valid_until.isoformat(),
                    }
                    for paper in _newest(technician)
                ],
                **costs,
            }
        )
    if not groups:
        raise Refusal("scenario_invalid", "Nobody has a shift on record: there is no roster.")
    openings = _openings(groups, rosters, costs)
    return Workforce(rosters, groups, openings, [WEEKDAYS[day] for day in sorted(assumed)])


def _unseen(shifts: Iterable[Shift]) -> set[int]:
    """Weekdays from Monday to Friday whose regular crew the record does not show."""
    at_work = Counter(shift.day for shift in shifts if not shift.duty)
    busiest = max(at_work.values(), default=0)
    most = dict.fromkeys(range(5), 0)
    for day, count in at_work.items():
        if day.weekday() in most:
            most[day.weekday()] = max(most[day.weekday()], count)
    return {day for day, count in most.items() if count < busiest / 2}


_MOST_MIXES, _MOST_ROSTERS = 6, 2


def _newest(technician: Technician) -> list[Certificate]:
    """For each skill held the paper that lasts longest: a renewed one does not expire twice."""
    found: dict[str, Certificate] = {}
    for paper in technician.certificates:
        best = found.get(paper.skill)
        if paper.skill in technician.skills and (
            best is None or paper.valid_until > best.valid_until
        ):
            found[paper.skill] = paper
    return [found[skill] for skill in sorted(found)]


def _openings(
    groups: Sequence[dict[str, Any]],
    rosters: dict[str, list[dict[str, Any]]],
    costs: dict[str, int],
) -> list[dict[str, Any]]:
    """Who could be hired: the commonest skill mixes of today, on the commonest regular rosters."""

    def regular(name: str) -> bool:
        return any("serves" not in turn for turn in rosters[name])

    mixes = Counter(tuple(sorted(group["skills"].items())) for group in groups)
    used = Counter(group["roster"] for group in groups if regular(group["roster"]))
    chosen = [dict(mix) for mix, _ in mixes.most_common(_MOST_MIXES)]
    # No skill may be missing from the openings only because it is rare.
    for mix, _ in mixes.most_common():
        if any(all(dict(mix)[s] > one.get(s, 0) for one in chosen) for s in dict(mix)):
            chosen.append(dict(mix))
    return [
        {"skills": mix, "roster": roster, **costs}
        for mix in chosen
        for roster, _ in used.most_common(_MOST_ROSTERS)
    ]


def _turns(
    shifts: Sequence[Shift], days: set[date], assumed: set[int], timezone: str
) -> list[dict[str, Any]]:
    zone = ZoneInfo(timezone)
    regular: dict[tuple[Any, ...], set[int]] = defaultdict(set)
    duties: dict[tuple[Any, ...], list[date]] = defaultdict(list)
    for shift in shifts:
        start, end = shift.start_at.astimezone(zone), shift.end_at.astimezone(zone)
        shape = (
            start.strftime("%H:%M"),
            end.strftime("%H:%M"),
            shift.overtime_s,
            tuple(_pause(pause, zone) for pause in shift.breaks),
        )
        if shift.duty:
            duties[shape].append(shift.day)
        else:
            regular[shape].add(shift.day.weekday())
    turns = []
    taken: set[int] = set()
    # A weekday seen with two shapes keeps the one that is seen on more weekdays.
    for shape, weekdays in sorted(regular.items(), key=lambda item: (-len(item[1]), item[0])):
        own = weekdays - taken
        if own and not turns:
            own |= assumed - set().union(*regular.values())
        if own:
            taken |= own
            turns.append(_turn(shape, own))
    for shape, dates in sorted(duties.items()):
        for weekday in sorted({day.weekday() for day in dates} - taken):
            seen = sorted(day for day in dates if day.weekday() == weekday)
            of_all = sum(day.weekday() == weekday for day in days)
            every = max(1, round(of_all / len(seen)))
            week = (seen[0] - _A_MONDAY).days // 7 % every
            taken.add(weekday)
            turns.append(
                _turn(shape, {weekday}) | {"serves": ["urgent"], "every_weeks": every, "week": week}
            )
    return turns


def _pause(pause: dict[str, Any], zone: ZoneInfo) -> tuple[str, str, int]:
    """The earliest and the latest start of a break, as local times, and how long it is."""
    edges = [datetime.fromisoformat(edge) for window in pause["windows"] for edge in window]
    first, last = min(edges).astimezone(zone), max(edges).astimezone(zone)
    return first.strftime("%H:%M"), last.strftime("%H:%M"), int(pause["duration_s"])


def _turn(shape: tuple[Any, ...], weekdays: set[int]) -> dict[str, Any]:
    start, end, overtime_s, pauses = shape
    return {
        "weekdays": [WEEKDAYS[day] for day in sorted(weekdays)],
        "start": start,
        "end": end,
        "overtime_s": overtime_s,
        "breaks": [
            {"from": first, "until": last, "duration_s": length} for first, last, length in pauses
        ],
    }


def next_monday(now: datetime, timezone: str) -> date:
    """The first Monday after today, local."""
    today = now.astimezone(UTC).astimezone(ZoneInfo(timezone)).date()
    return today + timedelta(days=7 - today.weekday())


def places_of(outlets: Sequence[Outlet], sites: Sequence[Any], demand: Demand) -> list[Place]:
    """Outlets, candidates, demand points, in the order of the travel matrix."""
    return [
        *(Place(outlet.lat, outlet.lon) for outlet in outlets),
        *(Place(site["lat"], site["lon"]) for site in sites),
        *(Place(point.lat, point.lon) for point in demand.points),
    ]
