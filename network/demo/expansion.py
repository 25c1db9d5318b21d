"""The demo's planning story: two more outlets, staffed, and the future before and after.

Streets, population and travel times are real; the firm, its demand and its growth are invented.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
from numpy.typing import NDArray

from network.demo.catalogue import CERTIFICATES, FAULTS
from network.demo.day import HOURLY, URGENT_SHARE, make_demo_day
from network.demo.demand import Address, FrontDoors
from network.demo.network_file import read_streets, read_zones
from network.demo.region import DemoRegion
from network.demo.staff import DUTY, LUNCH_S, MAIN, ROSTERS, DemoOutlet, DemoTechnician, duty_crew
from network.roads import Roads
from network.roads.server import running_server
from network.simulate import (
    Certificate,
    Demand,
    DemandClass,
    DemandPoint,
    Dispatch,
    Group,
    Outlet,
    Pause,
    Scenario,
    Travel,
    Turn,
    WorkKind,
)
from network.siting import (
    Candidate,
    Model,
    Sites,
    SiteStatus,
    SitingProblem,
    Stop,
    solve,
)
from network.siting import DemandPoint as SitingPoint

POINTS = 300
CANDIDATES = 80
PER_DAY = 360.0
CREWS = 5
_SUNDAY = frozenset({6})
_WORKDAYS = frozenset(range(6))
_OVERTIME_S = 3600
_A_MONDAY = date(2001, 1, 1)
_COST_PER_HOUR_FEN, _COST_PER_KM_FEN = 6_000, 80

# What a new technician learns together: urgent trades in each mix, so that duty crews have them.
_MIXES = (
    {"gas": 2, "heating": 2, "kitchen": 2},
    {"fridge": 2, "washer": 3, "aircon": 3},
    {"tv": 2, "washer": 1, "kitchen": 2, "fridge": 2},
)

_CLASSES = (
    DemandClass("urgent", 24, 0.95, weight=10, inserted=True),
    DemandClass("normal", 72, 0.98),
)

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Expansion:
    """The firm as it is, and with two more outlets whose groups have no heads yet.

    ``sites`` is the siting answer with its bound; ``new`` are the ids of the new outlets, ``names``
    what stands at the door of every outlet, ``mean_drive_s`` the mean drive from the nearest outlet
    before and after.
    """

    before: Scenario
    after: Scenario
    sites: Sites
    new: tuple[str, ...]
    names: dict[str, str]
    mean_drive_s: tuple[float, float]

    def hires_only(self, staffed: Scenario) -> Scenario:
        """The same people hired, but at the nearest outlet that stands already."""
        places = [outlet.id for outlet in self.after.outlets]
        drive = self.after.travel.durations_s
        old = [k for k, name in enumerate(places) if name not in self.new]
        home = {
            name: places[min(old, key=lambda k: int(drive[places.index(name), k]))]
            for name in self.new
        }
        groups = tuple(
            replace(group, outlet=home.get(group.outlet, group.outlet)) for group in staffed.groups
        )
        return replace(self.before, name="hires only", groups=groups)


def plan_expansion(
    region: DemoRegion,
    start: date,
    *,
    days: int = 14,
    per_day: float = PER_DAY,
    outlets: int = 2,
    seed: int = 1,
    tell: Tell = lambda _: None,
) -> Expansion:
    """Place new outlets for the demo firm and make both scenarios.

    Parameters
    ----------
    start
        First day that counts.
    per_day
        Faults a day in the year planned for.
    outlets
        How many new ones.
    """
    noon = datetime.combine(start, time(12), UTC)
    demo = make_demo_day(region, noon, seed)
    streets = read_streets(region.database)
    doors = FrontDoors(streets, read_zones(region.database))
    random = np.random.default_rng([seed, 7])
    homes = doors.draw(POINTS, random)
    main = {street.name for street in streets if street.highway in MAIN}
    spots = [door for door in doors.draw(20 * CANDIDATES, random) if door.street in main]
    spots = spots[:CANDIDATES]
    tell(f"asking the roads: {len(demo.outlets)} outlets, {len(spots)} candidates, {POINTS} homes")
    places = [
        *(o.place for o in demo.outlets),
        *(s.place for s in spots),
        *(h.place for h in homes),
    ]
    with running_server(region.graph.directory) as url, Roads(url, region.graph.version) as roads:
        matrix = roads.matrix(places)
    sites_count = len(demo.outlets) + len(spots)
    cost = matrix.durations_s[:sites_count, sites_count:].T.astype(np.float64)
    tell(f"placing {outlets} outlets among {len(spots)} candidates")
    answer = solve(
        SitingProblem(
            Model.P_MEDIAN,
            tuple(SitingPoint(f"home-{k}") for k in range(POINTS)),
            (
                *(Candidate(o.id, status=SiteStatus.KEEP) for o in demo.outlets),
                *(Candidate(f"site-{k}") for k in range(len(spots))),
            ),
            cost,
            p=len(demo.outlets) + outlets,
            stop=Stop(seconds=20.0),
            travel=matrix.source,
        ),
        seed,
    )
    chosen = [int(name.removeprefix("site-")) for name in answer.open if name.startswith("site-")]
    rows = [*range(len(demo.outlets)), *(len(demo.outlets) + k for k in chosen)]
    new = tuple(f"outlet-{len(demo.outlets) + 1 + k}" for k in range(len(chosen)))
    before = _scenario("before", region, start, days, per_day, demo.outlets, homes, cost)
    travel = _travel(matrix, rows, sites_count)
    old = len(demo.outlets)
    kept = [*range(old), *range(len(rows), len(rows) + POINTS)]
    small = Travel(
        np.ascontiguousarray(travel.durations_s[np.ix_(kept, kept)]),
        np.ascontiguousarray(travel.distances_m[np.ix_(kept, kept)]),
        travel.source,
    )
    rosters = _rosters()
    groups = _groups(demo.technicians, start)
    before = replace(before, travel=small, rosters=rosters, groups=groups)
    fresh = tuple(
        Outlet(name, spots[k].place.lat, spots[k].place.lon)
        for name, k in zip(new, chosen, strict=True)
    )
    after = replace(
        before,
        name="after",
        outlets=(*before.outlets, *fresh),
        travel=travel,
        groups=(*groups, *_openings(new)),
    )
    names = {outlet.id: str(outlet.address) for outlet in demo.outlets}
    names |= {name: str(spots[k]) for name, k in zip(new, chosen, strict=True)}
    nearest = cost[:, :old].min(axis=1).mean(), cost[:, rows].min(axis=1).mean()
    return Expansion(before, after, answer, new, names, (float(nearest[0]), float(nearest[1])))


def _travel(matrix: object, rows: Sequence[int], sites_count: int) -> Travel:
    from network.roads import TravelMatrix

    assert isinstance(matrix, TravelMatrix)
    kept = [*rows, *range(sites_count, len(matrix.durations_s))]
    return Travel(
        np.ascontiguousarray(matrix.durations_s[np.ix_(kept, kept)]),
        np.ascontiguousarray(matrix.distances_m[np.ix_(kept, kept)]),
        matrix.source,
    )


def _scenario(
    name: str,
    region: DemoRegion,
    start: date,
    days: int,
    per_day: float,
    outlets: Sequence[DemoOutlet],
    homes: Sequence[Address],
    cost: NDArray[np.float64],
) -> Scenario:
    """The firm's demand and outlets; a district is what lies nearest to an outlet of today."""
    nearest = cost[:, : len(outlets)].argmin(axis=1)
    points = tuple(
        DemandPoint(f"home-{k}", home.place.lat, home.place.lon, f"near {outlets[near].name}")
        for k, (home, near) in enumerate(zip(homes, nearest.tolist(), strict=True))
    )
    total = {
        urgent: sum(fault.share for fault in FAULTS if fault.urgent == urgent)
        for urgent in (True, False)
    }
    kinds = tuple(
        WorkKind(
            f"{fault.product} {fault.code}",
            "urgent" if fault.urgent else "normal",
            fault.share
            / total[fault.urgent]
            * (URGENT_SHARE if fault.urgent else 1 - URGENT_SHARE),
            fault.service_s,
            dict(fault.skills),
        )
        for fault in FAULTS
    )
    hours = tuple(float(each) for each in HOURLY)
    empty = np.zeros((0, 0), np.int32)
    return Scenario(
        name, region.timezone, start, days, 4, _CLASSES,
        Demand(points, kinds, per_day, hour_factors=hours),
        tuple(Outlet(o.id, o.place.lat, o.place.lon) for o in outlets),
        {}, (), Travel(empty, empty, "osrm"), dispatch=Dispatch(iterations=3000),
    )  # fmt: skip


def _turn(name: str) -> Turn:
    begins, ends, (opens, closes) = ROSTERS[name]
    return Turn(_WORKDAYS, begins, ends, _OVERTIME_S, (Pause(opens, closes, LUNCH_S),))


def _rosters() -> dict[str, tuple[Turn, ...]]:
    """Each roster of the firm with the Sunday duty of each crew."""
    begins, ends, (opens, closes) = DUTY
    urgent = frozenset({"urgent"})
    return {
        f"{name}, duty {crew + 1}": (
            _turn(name),
            Turn(_SUNDAY, begins, ends, _OVERTIME_S, (Pause(opens, closes, LUNCH_S),), urgent,
                 CREWS, crew),
        )
        for name in ROSTERS
        for crew in range(CREWS)
    }  # fmt: skip


def _groups(technicians: Sequence[DemoTechnician], start: date) -> tuple[Group, ...]:
    sunday = start + timedelta(days=6 - start.weekday())
    crew_of: dict[str, int] = {}
    for week in range(CREWS):
        day = sunday + timedelta(days=7 * week)
        for who in duty_crew(technicians, day):
            crew_of.setdefault(who.id, (day - _A_MONDAY).days // 7 % CREWS)
    skill_of = {code: skill for skill, code in CERTIFICATES.items()}
    return tuple(
        Group(
            who.id,
            who.outlet,
            f"{who.roster}, duty {crew_of.get(who.id, 0) + 1}",
            who.skills,
            certificates=tuple(
                Certificate(skill_of[each.code], each.valid_from, each.valid_to)
                for each in who.certificates
            ),
            cost_per_hour_fen=_COST_PER_HOUR_FEN,
            cost_per_km_fen=_COST_PER_KM_FEN,
        )
        for who in technicians
    )


def _openings(outlets: Sequence[str]) -> tuple[Group, ...]:
    """Groups that may be hired at the new outlets, without heads yet."""
    return tuple(
        Group(
            f"{outlet} {'+'.join(mix)} {roster}", outlet, f"{roster}, duty {1 + number % CREWS}",
            mix, heads=0, cost_per_hour_fen=_COST_PER_HOUR_FEN, cost_per_km_fen=_COST_PER_KM_FEN,
        )
        for outlet in outlets
        for number, (mix, roster) in enumerate(
            (mix, roster) for mix in _MIXES for roster in ("early", "late")
        )
    )  # fmt: skip
