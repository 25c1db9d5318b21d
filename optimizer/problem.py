"""The dispatch problem: who works when, what has to be done where, and what matters most.

Everything is an integer: seconds from ``Problem.epoch``, metres, minor currency units. Windows are
closed at both ends. The JSON form of the same things is ``zhunda-problem/1`` (see
``docs/reference/problem.md``); ``optimizer.formats`` reads and writes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from optimizer.plan import Plan

UNREACHABLE = 2**30
"""A duration or distance that stands for "there is no way" (34 years)."""

MANDATORY_PENALTY = 1_000_000
"""What a job without ``drop_penalty`` counts in the goal ``dropped``, per unit of class weight."""

START_TOLERANCE_S = 15 * 60
"""A published start may move this far before the goal ``changes`` counts it."""

GOALS = (
    "late",
    "dropped",
    "changes",
    "overtime",
    "travel",
    "distance",
    "cost",
    "vehicles",
    "waiting",
    "spread",
    "preference",
    "worst_late",
)
"""Names a goal may have. ``unserved`` (mandatory jobs left out) always comes first, unnamed."""

DEFAULT_OBJECTIVE = ("late", "dropped", "changes", "overtime", "travel")

LATE_AT = ("arrival", "start")
"""Where lateness may be measured: when somebody arrives, or when the service starts."""

Window = tuple[int, int]
IntMatrix = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Location:
    """A place that matrices refer to by its index in ``Problem.locations``."""

    id: str
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Travel:
    """One profile's square matrices, ``int32[n_locations, n_locations]``, row = from.

    ``durations_s`` and ``distances_m`` hold `UNREACHABLE` where there is no way.
    ``distances_m`` may be absent; it counts as 0 in goals then. Memory-mapped arrays are welcome.
    """

    durations_s: IntMatrix
    distances_m: IntMatrix | None = None


@dataclass(frozen=True, slots=True)
class Break:
    """A pause that *starts* inside one of ``windows`` and lasts ``duration_s``.

    It is taken between two visits, before driving on. A route that is over before the first window
    opens needs no break.
    """

    id: str
    windows: tuple[Window, ...]
    duration_s: int


@dataclass(frozen=True, slots=True)
class Shift:
    """One technician's working time of one day; may span midnight.

    ``overtime_s`` is how long after ``end`` the last drive home (or, with ``end_location`` None,
    the last visit) may still be under way. ``capacity`` is the room per load dimension.
    """

    id: str
    start: int
    end: int
    start_location: int
    end_location: int | None
    overtime_s: int = 0
    breaks: tuple[Break, ...] = ()
    max_jobs: int | None = None
    capacity: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Restock:
    """A depot where a technician may fetch, once a shift, any part or equipment still missing."""

    location: int
    service_s: int = 0


@dataclass(frozen=True, slots=True)
class Technician:
    """Who works: skills with their level, equipment and parts carried, shifts.

    ``speed_factor`` divides durations (2.0 drives twice as fast; rounded half up to seconds).
    ``service_factor`` multiplies the service time (not the setup) of jobs that need the skill; the
    largest factor among the job's skills applies. ``stock`` is for all shifts together.
    """

    id: str
    shifts: tuple[Shift, ...]
    profile: str = "car"
    speed_factor: float = 1.0
    skills: Mapping[str, int] = field(default_factory=dict)
    equipment: frozenset[str] = frozenset()
    stock: Mapping[str, int] = field(default_factory=dict)
    service_factor: Mapping[str, float] = field(default_factory=dict)
    cost_per_hour_fen: int = 0
    cost_per_km_fen: int = 0


@dataclass(frozen=True, slots=True)
class Pin:
    """What about a job is already settled: any of technician, shift, start of service."""

    technician: str | None = None
    shift: str | None = None
    start: int | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A visit to be made.

    ``release``: no arrival before. ``due``: arrival (or start, see ``Problem.late_at``) wanted by;
    lateness is measured here.
    ``time_windows``: service *starts* inside one of them (hard); empty = any time.
    ``setup_s`` is added to the service unless the visit before was at the same location.
    ``drop_penalty`` None: must be served if at all possible. ``crew`` 2: two technicians start
    together. ``together``: starts in the same second as these jobs, by other technicians.
    ``after``: starts no earlier than ``min_gap_s`` and no later than ``max_gap_s`` (None = no
    limit) after each of these jobs has ended (``gap_from`` "end") or started ("start"); a job
    whose predecessor is left out is left out too. ``allowed`` None = anybody.
    """

    id: str
    location: int
    service_s: int = 0
    setup_s: int = 0
    job_class: str | None = None
    skills: Mapping[str, int] = field(default_factory=dict)
    equipment: frozenset[str] = frozenset()
    parts: Mapping[str, int] = field(default_factory=dict)
    load: tuple[int, ...] = ()
    release: int = 0
    due: int | None = None
    time_windows: tuple[Window, ...] = ()
    drop_penalty: int | None = None
    crew: int = 1
    after: tuple[str, ...] = ()
    min_gap_s: int = 0
    max_gap_s: int | None = None
    gap_from: Literal["end", "start"] = "end"
    together: tuple[str, ...] = ()
    allowed: frozenset[str] | None = None
    excluded: frozenset[str] = frozenset()
    preferred: frozenset[str] = frozenset()
    pinned: Pin | None = None


@dataclass(frozen=True, slots=True)
class Goal:
    """One level of the objective: a weighted sum of named figures (usually one, weight 1)."""

    terms: tuple[tuple[str, float], ...]

    @property
    def name(self) -> str:
        """The figure's name, or ``a+b`` for a sum."""
        return "+".join(name for name, _ in self.terms)

    @staticmethod
    def of(name: str) -> Goal:
        """The goal that is the one figure ``name``."""
        return Goal(((name, 1.0),))


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """A day (or several) to plan. ``objective`` is lexicographic, most important first.

    ``epoch`` is an ISO 8601 instant with its offset: second 0. What starts before
    ``frozen_until`` in ``published`` does not move. ``late_at``: whether lateness is measured when
    somebody arrives, or when the service starts, the wait for a window or a partner included.
    """

    locations: tuple[Location, ...]
    travel: Mapping[str, Travel]
    technicians: tuple[Technician, ...]
    jobs: tuple[Job, ...]
    class_weights: Mapping[str, int] = field(default_factory=dict)
    epoch: str | None = None
    published: Plan | None = None
    frozen_until: int | None = None
    objective: tuple[Goal, ...] = tuple(Goal.of(name) for name in DEFAULT_OBJECTIVE)
    scale: int = 1
    restock: Restock | None = None
    late_at: Literal["arrival", "start"] = "arrival"
    extra: Mapping[str, Any] = field(default_factory=dict)

    def weight(self, job: Job) -> int:
        """The class weight of a job; 1 where it has no class."""
        return 1 if job.job_class is None else self.class_weights[job.job_class]

    def late_s(self, job: Job, arrival: int, start: int) -> int:
        """Seconds by which a visit is late that is reached and begun at these seconds."""
        if job.due is None:
            return 0
        return max(0, (start if self.late_at == "start" else arrival) - job.due)

    @property
    def horizon_end(self) -> int:
        """The latest second at which any shift, overtime included, can still be under way."""
        return max(
            (shift.end + shift.overtime_s for who in self.technicians for shift in who.shifts),
            default=0,
        )


def wants_short_days(problem: Problem) -> bool:
    """Whether the objective counts waiting or hours at work.

    Then a technician leaves home as late as makes the day shortest, visits moving within what is
    on time; else as early as possible, so that slack stays in front.
    """
    named = {name for goal in problem.objective for name, weight in goal.terms if weight}
    paid = any(who.cost_per_hour_fen for who in problem.technicians)
    return "waiting" in named or ("cost" in named and paid)


def drive_s(duration_s: int, speed_factor: float) -> int:
    """Seconds a technician drives what the matrix calls ``duration_s``; half a second rounds up."""
    if speed_factor == 1.0 or duration_s >= UNREACHABLE:
        return duration_s
    return int(duration_s / speed_factor + 0.5)


def service_time_s(job: Job, technician: Technician) -> int:
    """Seconds of service without setup, as this technician works; half a second rounds up."""
    if not technician.service_factor:
        return job.service_s
    factors = [technician.service_factor.get(skill, 1.0) for skill in job.skills]
    return int(job.service_s * max(factors, default=1.0) + 0.5)
