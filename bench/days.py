"""Technician-shaped days: a documented, seeded generator of dispatch problems.

What makes such a day unlike a delivery round: many short shifts that start and end at home, skills
that only some hold, visits that take longer than the drive to them, appointments promised to
people, urgent faults due the same day, the rest open within the horizon, and every visit optional
at a price. In figures:

- a square of `AREA_PER_JOB_KM2` per job; *scattered*: places uniform in it; *clustered*: 80 % of
  the places in towns (one per 60 jobs, at least 4; sizes Dirichlet(2); Gaussian around their
  centre, σ = 1/4 of the mean distance between towns), the rest uniform. Homes are drawn alike;
- drives: Euclidean distance × 1.3 at 40 km/h, rounded to seconds, or a road network's;
- one shift of 9 h per technician and day from 7:30, 8:00, 8:30 or 9:00, from home to home;
- `SKILLS` with demand `SKILL_SHARES`, one per job, hard; a technician holds 2 to 4 of them, and
  every skill is held by at least two technicians;
- service of 20 to 90 minutes, 44 on average;
- 35 % with an appointment on one of the days: half of them 2 hours, half of them half a day;
- 15 % urgent, due on the first day by 18:00; the others within the horizon;
- leaving a job out costs 4 hours of driving, an urgent one three times that.

In the plain form, which every peer can express, "due" is a hard window, there are no breaks, and
the goals are ``dropped`` before ``travel``. The form with ``breaks`` has a lunch break, an hour of
overtime, and lateness as the first goal; only this project's own engine can be asked for that.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from optimizer.problem import Break, Goal, Job, Location, Problem, Shift, Technician, Travel

AREA_PER_JOB_KM2 = 4.0
DETOUR = 1.3
SPEED_M_S = 40 / 3.6
SKILLS = ("aircon", "fridge", "washer", "television", "heating", "gas")
SKILL_SHARES = (0.28, 0.22, 0.17, 0.13, 0.11, 0.09)
SERVICE_MINUTES = (20, 30, 40, 45, 60, 90)
SERVICE_ODDS = (0.15, 0.20, 0.20, 0.20, 0.15, 0.10)
SHIFT_STARTS_S = (27000, 28800, 30600, 32400)
SHIFT_LENGTH_S = 9 * 3600
DAY_S = 86400
TWO_HOURS_FROM_S = (28800, 36000, 46800, 54000)
HALF_DAYS_S = ((28800, 43200), (46800, 61200))
URGENT_BY_S = 18 * 3600
DROP_PENALTY_S = 4 * 3600
CLASS_WEIGHTS = {"normal": 1, "urgent": 3}

Pattern = Literal["clustered", "scattered"]

SIZES = ("100x12x1d", "300x40x1d", "1000x100x2d", "5000x500x2d")
SCALE_SIZES = ("10000x1000x2d",)


@dataclass(frozen=True, slots=True)
class DayShape:
    """How many of what; ``name`` is what the tables print and ``--instances`` matches."""

    pattern: Pattern
    jobs: int
    technicians: int
    days: int = 1
    breaks: bool = False
    seed: int = 1

    @property
    def name(self) -> str:
        """Such as ``clustered-300x40x1d``."""
        size = f"{self.pattern}-{self.jobs}x{self.technicians}x{self.days}d"
        return size + ("-breaks" if self.breaks else "")

    @property
    def side_m(self) -> float:
        """Side of the square in metres."""
        return 1000.0 * math.sqrt(self.jobs * AREA_PER_JOB_KM2)


def shape(pattern: Pattern, size: str, *, breaks: bool = False, seed: int = 1) -> DayShape:
    """Read a size such as ``1000x100x2d`` (jobs × technicians × days)."""
    match = re.fullmatch(r"(\d+)x(\d+)x(\d+)d", size)
    if match is None:
        raise ValueError(f"size {size!r} is not like 300x40x1d")
    jobs, technicians, days = (int(group) for group in match.groups())
    if min(jobs, technicians, days) < 1:
        raise ValueError(f"size {size!r} has a zero in it")
    return DayShape(pattern, jobs, technicians, days, breaks, seed)


def day_problem(form: DayShape) -> Problem:
    """The problem on the plane; the same shape and seed give the same problem."""
    random = np.random.default_rng([form.seed, form.jobs, form.technicians, form.days])
    points = places(form, random)
    return assemble(form, random, euclidean_s(points), tuple(_blank(len(points))))


def _blank(count: int) -> list[Location]:
    return [Location(f"p{index}") for index in range(count)]


def places(form: DayShape, random: np.random.Generator) -> NDArray[np.float64]:
    """float64[jobs + technicians, 2], metres; the jobs' places first, then the homes."""
    count = form.jobs + form.technicians
    side = form.side_m
    uniform = random.uniform(0, side, (count, 2))
    if form.pattern == "scattered":
        return uniform
    towns = max(4, form.jobs // 60)
    centres = random.uniform(0.08 * side, 0.92 * side, (towns, 2))
    sizes = random.dirichlet(np.full(towns, 2.0))
    spread = side / np.sqrt(towns) / 4
    near = centres[random.choice(towns, count, p=sizes)] + random.normal(0, spread, (count, 2))
    inside = np.clip(near, 0, side)
    in_town = random.random(count) < 0.8
    return np.where(in_town[:, None], inside, uniform)


def euclidean_s(points: NDArray[np.float64]) -> NDArray[np.int32]:
    """int32[n, n] seconds of driving: distance × 1.3 at 40 km/h."""
    durations = np.empty((len(points), len(points)), dtype=np.int32)
    for row, point in enumerate(points):
        metres = np.hypot(points[:, 0] - point[0], points[:, 1] - point[1])
        durations[row] = np.rint(metres * (DETOUR / SPEED_M_S))
    return durations


def assemble(
    form: DayShape,
    random: np.random.Generator,
    durations_s: NDArray[np.int32],
    locations: tuple[Location, ...],
) -> Problem:
    """People and visits on places that are already there (jobs first, then homes)."""
    goals = ("late", "dropped", "overtime", "travel") if form.breaks else ("dropped", "travel")
    return Problem(
        locations=locations,
        travel={"car": Travel(durations_s)},
        technicians=_technicians(form, random),
        jobs=_jobs(form, random),
        class_weights=CLASS_WEIGHTS,
        epoch="2026-11-24T00:00:00+08:00",
        objective=tuple(Goal.of(name) for name in goals),
    )


def _technicians(form: DayShape, random: np.random.Generator) -> tuple[Technician, ...]:
    held = [
        {int(skill) for skill in random.choice(len(SKILLS), random.integers(2, 5), replace=False)}
        for _ in range(form.technicians)
    ]
    for skill in range(len(SKILLS)):
        short = min(2, form.technicians) - sum(skill in skills for skills in held)
        without = [index for index, skills in enumerate(held) if skill not in skills]
        for index in random.permutation(without)[: max(0, short)]:
            held[int(index)].add(skill)
    lunch = (Break("lunch", ((41400, 48600),), 1800),)
    people = []
    for index, skills in enumerate(held):
        home = form.jobs + index
        opens = int(random.choice(SHIFT_STARTS_S))
        shifts = []
        for day in range(form.days):
            start = day * DAY_S + opens
            breaks = tuple(
                Break(
                    pause.id,
                    tuple((a + day * DAY_S, b + day * DAY_S) for a, b in pause.windows),
                    pause.duration_s,
                )
                for pause in (lunch if form.breaks else ())
            )
            shifts.append(
                Shift(
                    f"T{index}-{day}",
                    start,
                    start + SHIFT_LENGTH_S,
                    home,
                    home,
                    overtime_s=3600 if form.breaks else 0,
                    breaks=breaks,
                )
            )
        people.append(
            Technician(
                f"T{index}", tuple(shifts), skills={SKILLS[skill]: 1 for skill in sorted(skills)}
            )
        )
    return tuple(people)


def _jobs(form: DayShape, random: np.random.Generator) -> tuple[Job, ...]:
    skills = random.choice(len(SKILLS), form.jobs, p=SKILL_SHARES)
    minutes = random.choice(SERVICE_MINUTES, form.jobs, p=SERVICE_ODDS)
    urgent = random.random(form.jobs) < 0.15
    appointed = random.random(form.jobs) < 0.35
    jobs = []
    for index in range(form.jobs):
        due = URGENT_BY_S if urgent[index] else form.days * DAY_S
        windows: tuple[tuple[int, int], ...] = ((0, due),)
        if appointed[index]:
            windows = (_appointment(0 if urgent[index] else form.days - 1, random),)
        elif form.breaks:
            windows = ()
        jobs.append(
            Job(
                f"J{index}",
                index,
                service_s=60 * int(minutes[index]),
                job_class="urgent" if urgent[index] else "normal",
                skills={SKILLS[skills[index]]: 1},
                due=due if form.breaks else None,
                time_windows=windows,
                drop_penalty=DROP_PENALTY_S,
            )
        )
    return tuple(jobs)


def _appointment(last_day: int, random: np.random.Generator) -> tuple[int, int]:
    """Two hours or half a day on a day up to ``last_day``."""
    midnight = int(random.integers(0, last_day + 1)) * DAY_S
    if random.random() < 0.5:
        opens = int(random.choice(TWO_HOURS_FROM_S))
        return midnight + opens, midnight + opens + 7200
    opens, closes = HALF_DAYS_S[int(random.integers(0, 2))]
    return midnight + opens, midnight + closes
