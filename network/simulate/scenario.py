"""A scenario: the frozen inputs of a simulated future, with a hash of their content.

Nothing here draws a random number. Two scenarios with the same `Demand` meet the same faults under
the same seed, whatever else differs (see `network.simulate.events`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, time
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

FORMAT = "zhunda-scenario/1"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class DemandClass:
    """A class of faults and the elapsed hours within which somebody must be at the door.

    ``target``: wanted share of arrivals in time. ``weight``: what a second of lateness counts
    beside other classes. ``inserted``: placed into the running day by the desk; otherwise the
    fault waits for the next morning's plan.
    """

    name: str
    arrival_hours: int
    target: float
    weight: int = 1
    inserted: bool = False

    @property
    def arrival_s(self) -> int:
        """The clock in seconds."""
        return self.arrival_hours * 3600


@dataclass(frozen=True, slots=True)
class DemandPoint:
    """Somewhere faults are reported from; ``weight`` is its relative share of the demand."""

    id: str
    lat: float
    lon: float
    district: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class WorkKind:
    """A kind of fault: class, relative share, estimated seconds at the door, skill levels."""

    id: str
    job_class: str
    share: float
    service_s: int
    skills: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Demand:
    """How many faults of which kind are reported where and when.

    ``per_day`` is the mean of the scenario's first counted day, before the factors; it grows by
    ``growth_per_year``. Factors of weekdays (Monday first), hours and months are relative; they
    are scaled to mean 1. ``dates`` multiplies single days.
    """

    points: tuple[DemandPoint, ...]
    kinds: tuple[WorkKind, ...]
    per_day: float
    growth_per_year: float = 0.0
    weekday_factors: tuple[float, ...] = (1.0,) * 7
    hour_factors: tuple[float, ...] = (1.0,) * 24
    month_factors: tuple[float, ...] = (1.0,) * 12
    dates: Mapping[date, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outlet:
    """Where technicians start and end their day."""

    id: str
    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class Pause:
    """A break of a turn: it starts between two local times and lasts ``duration_s``."""

    earliest: time
    latest: time
    duration_s: int


@dataclass(frozen=True, slots=True)
class Turn:
    """A shift that recurs: on these weekdays, in every ``every``-th week.

    ``end`` at or before ``start`` means the next day. Head number k (from 0) of a group works in
    the weeks w with (w + k) mod every = offset, weeks counted from a fixed Monday, so that heads
    take turns. ``serves`` None: every class. ``on_closed_dates``: also (and on whatever weekday)
    on the scenario's closed dates.
    """

    weekdays: frozenset[int]
    start: time
    end: time
    overtime_s: int = 0
    pauses: tuple[Pause, ...] = ()
    serves: frozenset[str] | None = None
    every: int = 1
    offset: int = 0
    on_closed_dates: bool = False


@dataclass(frozen=True, slots=True)
class Certificate:
    """A skill may be used only from the first to the last day, both included."""

    skill: str
    valid_from: date
    valid_to: date


@dataclass(frozen=True, slots=True)
class Group:
    """``heads`` technicians of one outlet with the same skills and roster."""

    id: str
    outlet: str
    roster: str
    skills: Mapping[str, int]
    heads: int = 1
    certificates: tuple[Certificate, ...] = ()
    speed_factor: float = 1.0
    cost_per_hour_fen: int = 0
    cost_per_km_fen: int = 0


@dataclass(frozen=True, slots=True)
class Noise:
    """What does not go as planned; ``cv`` = standard deviation / mean of a lognormal factor.

    ``service_cv`` per visit, ``travel_cv`` per drive, ``traffic_cv`` per day for all drives.
    ``no_access_share`` of visits find nobody at home and end after ``no_access_s``; the job stays
    open, the arrival counts. ``sick_share`` of working days are lost to sickness, in spells of
    ``sick_days`` on average, known before the day is planned.
    """

    service_cv: float = 0.3
    travel_cv: float = 0.2
    traffic_cv: float = 0.08
    no_access_share: float = 0.05
    no_access_s: int = 600
    sick_share: float = 0.03
    sick_days: float = 3.0


@dataclass(frozen=True, slots=True)
class Dispatch:
    """How the region is dispatched.

    The day is planned at ``plan_at`` (local) with so many ``iterations`` of the search. From then
    on the desk takes inserted classes every ``desk_every_s`` and may let ``eject`` visits make
    room. At the times of ``replan_at`` what is left of the day is planned anew.
    """

    plan_at: time = time(6, 0)
    iterations: int = 4000
    desk_every_s: int = 900
    eject: int = 2
    replan_at: tuple[time, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Travel:
    """Seconds and metres between outlets (first) and demand points, int32[n, n]."""

    durations_s: NDArray[np.int32]
    distances_m: NDArray[np.int32]
    source: str


@dataclass(frozen=True, eq=False)
class Scenario:
    """Everything a simulation needs, frozen.

    ``start`` is the first counted local day, ``days`` how many are counted; ``warm_up_days`` run
    before it so that the service is in its stride.
    """

    name: str
    timezone: str
    start: date
    days: int
    warm_up_days: int
    classes: tuple[DemandClass, ...]
    demand: Demand
    outlets: tuple[Outlet, ...]
    rosters: Mapping[str, tuple[Turn, ...]]
    groups: tuple[Group, ...]
    travel: Travel
    closed_dates: frozenset[date] = frozenset()
    noise: Noise = Noise()
    dispatch: Dispatch = Dispatch()

    @property
    def heads(self) -> int:
        """Technicians in all."""
        return sum(group.heads for group in self.groups)

    @property
    def cool_down_days(self) -> int:
        """Days that run on behind, so that the last counted clocks can run out."""
        return max(-(-each.arrival_hours // 24) for each in self.classes) + 1

    @property
    def districts(self) -> tuple[str, ...]:
        """Names of the districts, in the order of the points."""
        return tuple(dict.fromkeys(point.district for point in self.demand.points))

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 over the inputs (the name left out), hex."""
        parts = {
            key: getattr(self, key)
            for key in self.__dataclass_fields__
            if key not in ("name", "travel")
        }
        told = {key: _told(value) for key, value in parts.items()}
        digest = hashlib.sha256(
            json.dumps(told, sort_keys=True, default=_word, ensure_ascii=False).encode()
        )
        digest.update(np.ascontiguousarray(self.travel.durations_s).tobytes())
        digest.update(np.ascontiguousarray(self.travel.distances_m).tobytes())
        return digest.hexdigest()


def _told(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        return _told(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _told(item) for key, item in value.items()}
    if isinstance(value, frozenset):
        return sorted(str(item) for item in value)
    if isinstance(value, tuple | list):
        return [_told(item) for item in value]
    return value


def _word(value: Any) -> str:
    return str(value)
