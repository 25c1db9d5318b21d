"""The demo firm: six outlets where people live, forty technicians, their rosters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from domain.places import Place
from network.demo.catalogue import (
    CERTIFICATES,
    FAULTS,
    FIRST_NAMES,
    SKILLS,
    SURNAMES,
    FaultKind,
)
from network.demo.demand import Address
from network.demo.network_file import Street
from network.roads.estimate import Floats, haversine_m

_OUTLETS = 6
MAIN = ("primary", "secondary")
_CANDIDATES = 400
_SUNDAY = 6
_SUNDAY_DUTY = 8
_URGENT_FAULTS = tuple(fault for fault in FAULTS if fault.urgent)

# (start, end, lunch window): 7 h of work on six days are the 42 hours of Chile's working week
# (Ley 21.561, from 2026-04-26).
ROSTERS = {
    "early": (time(8, 0), time(15, 45), (time(12, 0), time(13, 45))),
    "middle": (time(10, 0), time(17, 45), (time(13, 0), time(14, 45))),
    "late": (time(12, 0), time(19, 45), (time(15, 0), time(16, 45))),
}
_ROSTER_CYCLE = ("early", "middle", "early", "late")
DUTY = (time(9, 0), time(17, 0), (time(12, 30), time(14, 15)))
LUNCH_S = 45 * 60


@dataclass(frozen=True, slots=True)
class DemoOutlet:
    """An outlet of the demo firm."""

    id: str
    name: str
    address: Address

    @property
    def place(self) -> Place:
        """Where technicians start and end their day."""
        return self.address.place


@dataclass(frozen=True, slots=True)
class DemoCertificate:
    """A certificate, valid from the first day to the last one inclusive."""

    code: str
    valid_from: date
    valid_to: date


@dataclass(frozen=True, slots=True)
class DemoTechnician:
    """A technician: skill levels (1 basic … 3 expert), certificates, parts in the van."""

    id: str
    name: str
    phone: str
    outlet: str
    roster: str
    skills: Mapping[str, int]
    certificates: tuple[DemoCertificate, ...]
    stock: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class DemoShift:
    """One working day of one technician; aware UTC times. Lunch lies inside its window."""

    id: str
    technician: str
    day: date
    start: datetime
    end: datetime
    lunch_from: datetime
    lunch_until: datetime
    lunch_s: int
    duty: bool


def choose_outlets(streets: Sequence[Street], residents: Sequence[Address]) -> list[DemoOutlet]:
    """Six outlets close to the residents, each at a door on a main street.

    Greedy choice of the door that shortens the residents' ways most, then exchanges of one door
    for another while that helps (Teitz & Bart 1968, https://doi.org/10.1287/opre.16.5.955).

    Parameters
    ----------
    streets
        The region's; they tell which names are main streets.
    residents
        Front doors drawn by population; outlets stand at some of them.
    """
    main = {street.name for street in streets if street.highway in MAIN}
    doors = [address for address in residents if address.street in main][:_CANDIDATES]
    ways_m = haversine_m(_degrees(residents)[:, None, :], _degrees(doors)[None, :, :])
    chosen: list[int] = []
    for _ in range(_OUTLETS):
        nearest = ways_m[:, chosen].min(axis=1, initial=np.inf)
        chosen.append(int(np.minimum(ways_m, nearest[:, None]).sum(axis=0).argmin()))
    improved = True
    while improved:
        improved = False
        for position in range(_OUTLETS):
            nearest = ways_m[:, [*chosen[:position], *chosen[position + 1 :]]].min(axis=1)
            best = int(np.minimum(ways_m, nearest[:, None]).sum(axis=0).argmin())
            improved |= best != chosen[position]
            chosen[position] = best
    chosen.sort(key=lambda row: -doors[row].place.lat)
    return [
        DemoOutlet(f"outlet-{number}", f"Servicio {doors[row].street}", doors[row])
        for number, row in enumerate(chosen, start=1)
    ]


def _degrees(addresses: Sequence[Address]) -> Floats:
    return np.array([(address.place.lat, address.place.lon) for address in addresses])


def hire_technicians(
    outlets: Sequence[DemoOutlet],
    residents: Sequence[Address],
    count: int,
    today: date,
    rng: np.random.Generator,
) -> list[DemoTechnician]:
    """Technicians shared out over the outlets by the residents around them.

    Every outlet has every skill as far as its heads allow, each trade has its experts, and a few
    certificates have run out or are about to: what an operator must notice.
    """
    doors = _degrees([outlet.address for outlet in outlets])
    nearest = haversine_m(_degrees(residents)[:, None, :], doors[None, :, :]).argmin(axis=1)
    heads = _share_out(np.bincount(nearest, minlength=len(outlets)), count)
    placed = [outlet for outlet, number in zip(outlets, heads, strict=True) for _ in range(number)]
    names = _distinct_names(count, rng)
    technicians = []
    for index, (outlet, name) in enumerate(zip(placed, names, strict=True)):
        # Walking round the trades gives each outlet a mix; the rest is chance.
        trade = SKILLS[index % len(SKILLS)]
        others = [str(skill) for skill in rng.permutation([s for s in SKILLS if s != trade])]
        skills = {trade: 3 if rng.random() < 0.7 else 2}
        skills |= {skill: int(rng.integers(1, 4)) for skill in others[: int(rng.integers(2, 4))]}
        technicians.append(
            DemoTechnician(
                id=f"T{index + 1:02d}",
                name=name,
                phone=synthetic_phone(rng),
                outlet=outlet.id,
                roster=_ROSTER_CYCLE[index % len(_ROSTER_CYCLE)],
                skills=skills,
                certificates=_certificates(index, skills, today, rng),
                stock=_stock(skills, rng),
            )
        )
    return technicians


def shifts_between(
    technicians: Sequence[DemoTechnician], first: date, last: date, timezone: str
) -> list[DemoShift]:
    """Shifts from the first to the last local day: Monday to Saturday, a duty crew on Sunday.

    Sunday's crew (see :func:`duty_crew`) is what keeps an urgent fault reported on a Saturday
    evening within its 24 elapsed hours.
    """
    zone = ZoneInfo(timezone)
    shifts = []
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        duty = day.weekday() == _SUNDAY
        for technician in duty_crew(technicians, day) if duty else technicians:
            start, end, lunch = DUTY if duty else ROSTERS[technician.roster]
            begins, ends, lunch_from, lunch_until = (
                datetime.combine(day, moment, zone).astimezone(UTC)
                for moment in (start, end, *lunch)
            )
            shifts.append(
                DemoShift(
                    *(f"{technician.id}-{day.isoformat()}", technician.id, day),
                    *(begins, ends, lunch_from, lunch_until),
                    *(LUNCH_S, duty),
                )
            )
    return shifts


def duty_crew(technicians: Sequence[DemoTechnician], day: date) -> list[DemoTechnician]:
    """The eight who are on duty on a Sunday; each urgent fault finds people among them.

    The staff is dealt out into crews that take turns by the week. Crew after crew picks whoever can
    repair most of the urgent kinds that few in it can repair yet, the rarest counting most (greedy
    weighted cover, as Chvátal 1979, https://doi.org/10.1287/moor.4.3.233).
    """
    size = min(_SUNDAY_DUTY, len(technicians))
    count = max(1, len(technicians) // size)
    able = [[_can_repair(who, kind, day) for kind in _URGENT_FAULTS] for who in technicians]
    heads = [sum(kinds) for kinds in zip(*able, strict=True)]
    held = [[0] * len(_URGENT_FAULTS) for _ in range(count)]
    crews: list[list[int]] = [[] for _ in range(count)]
    waiting = list(range(len(technicians)))
    for turn in range(size):
        # To and fro, so that no crew always picks last.
        for crew in range(count) if turn % 2 == 0 else reversed(range(count)):
            best = max(waiting, key=lambda index: _help(able[index], held[crew], heads))
            waiting.remove(best)
            crews[crew].append(best)
            held[crew] = [sum(pair) for pair in zip(held[crew], able[best], strict=True)]
    return [technicians[index] for index in sorted(crews[day.isocalendar().week % count])]


def _help(able: Sequence[bool], held: Sequence[int], heads: Sequence[int]) -> float:
    """How much one more pair of hands is worth: rare work first, and what few can do yet."""
    return sum(
        8.0**-has / all_heads for can, has, all_heads in zip(able, held, heads, strict=True) if can
    )


def _can_repair(technician: DemoTechnician, fault: FaultKind, day: date) -> bool:
    valid = {
        certificate.code
        for certificate in technician.certificates
        if certificate.valid_from <= day <= certificate.valid_to
    }
    return valid.issuperset(fault.certificates) and all(
        technician.skills.get(skill, 0) >= level for skill, level in fault.skills
    )


def person_name(rng: np.random.Generator) -> str:
    """A Chilean name: one given name, two surnames."""
    surnames = rng.choice(len(SURNAMES), size=2, replace=False)
    first = FIRST_NAMES[int(rng.integers(len(FIRST_NAMES)))]
    return f"{first} {SURNAMES[surnames[0]]} {SURNAMES[surnames[1]]}"


def synthetic_phone(rng: np.random.Generator) -> str:
    """A number shaped like a Chilean mobile's, in a range (+56 9 0…) that is not handed out."""
    return f"+569{int(rng.integers(1_000_000, 10_000_000)):08d}"


def _distinct_names(count: int, rng: np.random.Generator) -> list[str]:
    names: dict[str, None] = {}
    while len(names) < count:
        names[person_name(rng)] = None
    return list(names)


def _share_out(weights: np.ndarray[tuple[int], np.dtype[np.int64]], count: int) -> list[int]:
    """Largest remainders, with at least one each."""
    exact = weights / weights.sum() * (count - len(weights))
    heads = np.floor(exact).astype(np.int64)
    for index in np.argsort(heads - exact)[: count - len(weights) - int(heads.sum())]:
        heads[index] += 1
    return [int(number) + 1 for number in heads]


def _certificates(
    index: int, skills: Mapping[str, int], today: date, rng: np.random.Generator
) -> tuple[DemoCertificate, ...]:
    certificates = []
    for skill, code in CERTIFICATES.items():
        if skill not in skills:
            continue
        days_left = int(rng.integers(60, 900))
        if index % 13 == 5:
            days_left = -12
        elif index % 13 == 9:
            days_left = 9
        valid_to = today + timedelta(days=days_left)
        certificates.append(DemoCertificate(code, valid_to - timedelta(days=3 * 365), valid_to))
    return tuple(certificates)


def _stock(skills: Mapping[str, int], rng: np.random.Generator) -> dict[str, int]:
    wanted = dict.fromkeys(
        part for fault in FAULTS for skill, _ in fault.skills if skill in skills
        for part in fault.parts
    )  # fmt: skip
    # What an urgent fault needs is never missing in the morning; the rest may have run out.
    urgent = {part for fault in _URGENT_FAULTS for part in fault.parts}
    stock = {part: int(rng.integers(0, 5)) + 2 * (part in urgent) for part in wanted}
    return {part: pieces for part, pieces in stock.items() if pieces}
