"""Random small problems that touch every rule, and plans for them that are valid by construction.

The plan comes first: routes grow stop by stop at random, then windows, skills, stock and limits are
laid around what happened. So every rule is present and none is broken, without asking the code
under test.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from hypothesis import strategies as st

from optimizer.plan import Plan, Route, Step, Unassigned
from optimizer.problem import (
    GOALS,
    UNREACHABLE,
    Break,
    Goal,
    Job,
    Location,
    Pin,
    Problem,
    Restock,
    Shift,
    Technician,
    Travel,
)

DAY = 86_400
SKILLS = ("aircon", "fridge", "hv")
TOOLS = ("ladder", "crane")
PARTS = ("PCB-7", "fan")
CLASSES = {"urgent": 1000, "normal": 100}


def solved() -> st.SearchStrategy[tuple[Problem, Plan]]:
    """Problems of up to a dozen jobs, each with a valid plan that serves most of them."""
    return st.builds(solved_problem, st.integers(0, 2**32), st.integers(1, 4), st.integers(1, 10))


def problems() -> st.SearchStrategy[Problem]:
    """Problems of up to a dozen jobs; most can be served in full or nearly so."""
    return solved().map(lambda pair: pair[0])


@dataclass
class _Route:
    """A route as it grows."""

    technician: int
    day: int
    start: int
    start_location: int
    time: int = 0
    location: int = 0
    last_job_location: int | None = None
    restocked: bool = False
    steps: list[Step] = field(default_factory=list)
    breaks: list[Break] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    load: list[int] = field(default_factory=lambda: [0, 0])


class _Maker:
    def __init__(self, seed: int, technicians: int, jobs: int) -> None:
        self.random = random.Random(seed)
        rng = self.random
        self.late_at: Literal["arrival", "start"] = "start" if seed % 3 == 0 else "arrival"
        self.size = rng.randint(2, 6)
        self.travel = {profile: self._travel() for profile in ("car", "bike")}
        self.restock = Restock(0, rng.choice((0, 300))) if rng.random() < 0.5 else None
        self.people = [self._person(number) for number in range(technicians)]
        self.stock = [dict.fromkeys(PARTS, 0) for _ in self.people]
        self.routes = [
            self._open(number, day)
            for number in range(technicians)
            for day in range(rng.randint(1, 2))
        ]
        self.jobs: dict[str, Job] = {}
        self.stops: dict[str, list[tuple[_Route, Step]]] = {}
        for number in range(jobs):
            self._serve(f"J{number}")

    def _travel(self) -> Travel:
        rng = self.random
        durations = np.array(
            [[rng.randint(30, 900) for _ in range(self.size)] for _ in range(self.size)],
            dtype=np.int32,
        )
        np.fill_diagonal(durations, 0)
        return Travel(durations, (durations * 11).astype(np.int32) if rng.random() < 0.8 else None)

    def _person(self, number: int) -> Technician:
        rng = self.random
        skills = {skill: rng.randint(1, 3) for skill in SKILLS if rng.random() < 0.7}
        return Technician(
            id=f"T{number}",
            shifts=(),
            profile=rng.choice(("car", "bike")),
            speed_factor=rng.choice((1.0, 1.0, 1.3, 0.7)),
            skills=skills,
            equipment=frozenset(tool for tool in TOOLS if rng.random() < 0.5),
            service_factor={skill: rng.choice((0.5, 0.8, 1.5)) for skill in skills
                            if rng.random() < 0.4},
            cost_per_hour_fen=rng.choice((0, 6000)),
            cost_per_km_fen=rng.choice((0, 80)),
        )  # fmt: skip

    def _open(self, number: int, day: int) -> _Route:
        start = day * DAY + self.random.randint(25_000, 32_000)
        place = self.random.randrange(self.size)
        return _Route(number, day, start, place, time=start, location=place)

    def drive(self, route: _Route, target: int) -> int:
        """Seconds from where the route stands, as its technician drives."""
        person = self.people[route.technician]
        seconds = int(self.travel[person.profile].durations_s[route.location, target])
        if person.speed_factor == 1.0:
            return seconds
        return int(seconds / person.speed_factor + 0.5)

    def _pause(self, route: _Route) -> None:
        rng = self.random
        start = route.time + rng.choice((0, 0, 600))
        duration = rng.choice((0, 900, 1800))
        pause = Break(
            f"break-{len(route.breaks)}",
            ((max(0, start - rng.randint(0, 900)), start + rng.randint(0, 900)),),
            duration,
        )
        route.breaks.append(pause)
        route.steps.append(Step("break", start=start, end=start + duration, break_id=pause.id))
        route.time = start + duration

    def _fetch(self, route: _Route) -> None:
        assert self.restock is not None
        leg = self.drive(route, self.restock.location)
        start = route.time + leg
        end = start + self.restock.service_s
        route.steps.append(Step("restock", self.restock.location, start, start, end, travel_s=leg))
        route.time, route.location, route.restocked = end, self.restock.location, True

    def _serve(self, name: str) -> None:
        rng = self.random
        lead = rng.choice(self.routes)
        for _ in range(rng.choice((0, 0, 0, 1))):
            self._pause(lead)
        if self.restock and not lead.restocked and rng.random() < 0.15:
            self._fetch(lead)
        partners = [
            route
            for route in self.routes
            if route.day == lead.day and route.technician != lead.technician
        ]
        kind = rng.random()
        location = rng.randrange(self.size)
        if partners and kind < 0.15:
            self._place([name], [lead, rng.choice(partners)], location)
        elif partners and kind < 0.3:
            self._place([name, f"{name}b"], [lead, rng.choice(partners)], location)
        else:
            self._place([name], [lead], location)

    def _place(self, names: list[str], routes: list[_Route], location: int) -> None:
        """One job on one route, one job on two (a crew), or two jobs at once (together)."""
        rng = self.random
        people = [self.people[route.technician] for route in routes]
        common = set.intersection(*(set(person.skills) for person in people))
        skills = {
            skill: rng.randint(1, min(person.skills[skill] for person in people))
            for skill in sorted(common)
            if rng.random() < 0.5
        }
        before, gap_from, earliest = self._predecessor(routes)
        arrivals = [route.time + self.drive(route, location) for route in routes]
        arrivals = [arrival + rng.choice((0, 0, 120)) for arrival in arrivals]
        start = max([*arrivals, earliest]) + rng.choice((0, 0, 300))
        if start > (routes[0].day + 1) * DAY - 30_000:
            self.leave_out(names[0], None)
            return
        base = Job(
            id=names[0],
            location=location,
            service_s=rng.randint(0, 2400),
            setup_s=rng.choice((0, 0, 300)),
            job_class=rng.choice((None, *CLASSES)),
            skills=skills,
            crew=len(routes) if len(names) == 1 else 1,
            release=max(0, min(arrivals) - rng.choice((0, 500, 10_000))),
            due=rng.choice((None, max(0, start + rng.randint(-2000, 4000)))),
            time_windows=self._windows(start),
            drop_penalty=rng.choice((None, rng.randint(0, 100))),
            after=() if before is None else (before,),
            gap_from=gap_from,
            **self._gaps(before, gap_from, start),  # type: ignore[arg-type]
        )
        for name, owners in (
            [(names[0], list(zip(routes, arrivals, strict=True)))]
            if len(names) == 1
            else zip(names, [[pair] for pair in zip(routes, arrivals, strict=True)], strict=True)
        ):
            job = self._owned(replace(base, id=name), [route for route, _ in owners])
            if len(names) == 2:
                job = replace(job, together=tuple(other for other in names if other != name))
            self.jobs[name] = job
            for route, arrival in owners:
                self._append(route, job, arrival, start)

    def _predecessor(self, routes: list[_Route]) -> tuple[str | None, str, int]:
        rng = self.random
        known = [
            name
            for name, stops in self.stops.items()
            if all(route.day == routes[0].day for route, _ in stops)
        ]
        if not known or rng.random() > 0.25:
            return None, "end", 0
        before = rng.choice(sorted(known))
        gap_from = rng.choice(("end", "start"))
        return before, gap_from, self._base(before, gap_from) + rng.choice((0, 600))

    def _base(self, before: str, gap_from: str) -> int:
        steps = [step for _, step in self.stops[before]]
        return max((step.end if gap_from == "end" else step.start) or 0 for step in steps)

    def _gaps(self, before: str | None, gap_from: str, start: int) -> dict[str, int | None]:
        if before is None:
            return {}
        gap = start - self._base(before, gap_from)
        rng = self.random
        return {
            "min_gap_s": max(0, gap - rng.choice((0, 300))),
            "max_gap_s": rng.choice((None, gap, gap + 300)),
        }

    def _windows(self, start: int) -> tuple[tuple[int, int], ...]:
        rng = self.random
        if rng.random() < 0.4:
            return ()
        opens = max(0, start - rng.choice((0, 600)))
        closes = start + rng.choice((0, 1200))
        windows = [(opens, closes)]
        if rng.random() < 0.4:
            windows.append((closes + 3600, closes + 7200))
        return tuple(windows)

    def _owned(self, job: Job, routes: list[_Route]) -> Job:
        """Equipment, parts, load and people, so that these routes may serve the job."""
        rng = self.random
        owners = {self.people[route.technician].id for route in routes}
        fetched = all(route.restocked for route in routes)
        held = set.intersection(
            *(set(TOOLS) if route.restocked else set(self.people[route.technician].equipment)
              for route in routes)
        )  # fmt: skip
        parts = {part: rng.randint(1, 2) for part in PARTS if rng.random() < 0.25}
        load = (rng.randint(0, 9), rng.randint(0, 9)) if rng.random() < 0.5 else ()
        for route in routes:
            if not fetched and not route.restocked:
                for part, count in parts.items():
                    self.stock[route.technician][part] += count
            for axis, amount in enumerate(load):
                route.load[axis] += amount
        everybody = {person.id for person in self.people}
        others = sorted(everybody - owners)
        lead = routes[0]
        pinned = None
        if rng.random() < 0.2:
            pinned = Pin(
                rng.choice((None, self.people[lead.technician].id)),
                rng.choice((None, f"day-{lead.day}")),
            )
            pinned = None if pinned == Pin() else pinned
        return replace(
            job,
            equipment=frozenset(tool for tool in sorted(held) if rng.random() < 0.5),
            parts=parts,
            load=load,
            allowed=rng.choice((None, frozenset(owners | set(others[:1])))),
            excluded=frozenset(others[1:2]) if rng.random() < 0.5 else frozenset(),
            preferred=frozenset(rng.sample(sorted(everybody), 1))
            if rng.random() < 0.4
            else frozenset(),
            pinned=pinned,
        )

    def _append(self, route: _Route, job: Job, arrival: int, start: int) -> None:
        person = self.people[route.technician]
        service = job.service_s
        if person.service_factor:
            factor = max((person.service_factor.get(skill, 1.0) for skill in job.skills),
                         default=1.0)  # fmt: skip
            service = int(service * factor + 0.5)
        setup = 0 if route.last_job_location == job.location else job.setup_s
        step = Step(
            "job",
            job.location,
            arrival,
            start,
            start + setup + service,
            job.id,
            travel_s=self.drive(route, job.location),
            wait_s=start - arrival,
            late_s=self._late_s(job, arrival, start),
        )
        route.steps.append(step)
        route.jobs.append(job.id)
        route.time, route.location = start + setup + service, job.location
        route.last_job_location = job.location
        self.stops.setdefault(job.id, []).append((route, step))

    def _late_s(self, job: Job, arrival: int, start: int) -> int:
        counts = {"arrival": arrival, "start": start}[self.late_at]
        return 0 if job.due is None else max(0, counts - job.due)

    def leave_out(self, name: str, after: str | None) -> None:
        """A job that the plan does not serve."""
        rng = self.random
        self.jobs[name] = Job(
            id=name,
            location=rng.randrange(self.size),
            service_s=600,
            job_class=rng.choice((None, *CLASSES)),
            due=rng.choice((None, rng.randint(0, DAY))),
            drop_penalty=rng.choice((None, 5)),
            after=() if after is None else (after,),
        )

    def _close(self, route: _Route) -> tuple[Shift, Route | None]:
        """The shift around what the route became; None for a shift that stays unused."""
        rng = self.random
        if route.jobs and rng.random() < 0.2:
            self._pause(route)
        home = rng.choice((None, rng.randrange(self.size)))
        leg = 0 if home is None else self.drive(route, home)
        end = route.time + leg + (0 if home is None else rng.choice((0, 60)))
        breaks = list(route.breaks)
        if rng.random() < 0.3:
            breaks.append(Break("late", ((end, end + 600),), 900))
        over = rng.choice((0, 0, min(300, end - route.start)))
        shift = Shift(
            id=f"day-{route.day}",
            start=max(0, route.start - rng.choice((0, 600))),
            end=end - over + (rng.choice((0, 3600)) if not over else 0),
            start_location=route.start_location,
            end_location=home,
            overtime_s=over + rng.choice((0, 600)),
            breaks=tuple(breaks),
            max_jobs=rng.choice((None, len(route.jobs) + rng.randint(0, 1))),
            capacity=tuple(amount + rng.randint(0, 2) for amount in route.load),
        )
        if not route.jobs:
            return shift, None
        steps = (
            Step("start", route.start_location, route.start),
            *route.steps,
            Step("end", home, end, travel_s=leg),
        )
        return shift, Route(self.people[route.technician].id, shift.id, route.start, end, steps)

    def finish(self) -> tuple[Problem, Plan]:
        """The problem and its plan."""
        rng = self.random
        for number in range(rng.randint(0, 2)):
            self.leave_out(f"X{number}", "X0" if number and rng.random() < 0.5 else None)
        shifts: dict[int, list[Shift]] = {number: [] for number in range(len(self.people))}
        routes = []
        for grown in self.routes:
            shift, route = self._close(grown)
            shifts[grown.technician].append(shift)
            if route is not None:
                routes.append(route)
        technicians = tuple(
            replace(
                person,
                shifts=tuple(shifts[number]),
                stock={part: count + rng.randint(0, 1)
                       for part, count in self.stock[number].items()},
            )
            for number, person in enumerate(self.people)
        )  # fmt: skip
        plan = Plan(
            tuple(routes),
            tuple(Unassigned(name) for name in self.jobs if name not in self.stops),
        )
        frozen_until = rng.choice((None, 0, rng.randint(25_000, 60_000)))
        problem = Problem(
            locations=tuple(Location(f"L{number}") for number in range(self.size)),
            travel=self.travel,
            technicians=technicians,
            jobs=tuple(self.jobs.values()),
            class_weights=CLASSES,
            epoch="2026-11-24T00:00:00+08:00",
            published=self._published(plan, frozen_until) if rng.random() < 0.5 else None,
            frozen_until=frozen_until,
            objective=self._objective(),
            restock=self.restock,
            late_at=self.late_at,
        )
        return problem, plan

    def _published(self, plan: Plan, frozen_until: int | None) -> Plan:
        """What the phones show: the plan itself, with later stops elsewhere in time or missing."""
        routes = []
        for route in plan.routes:
            steps = []
            for step in route.steps:
                later = step.start is not None and step.start >= (frozen_until or 0)
                if step.job is not None and later and self.random.random() < 0.3:
                    continue
                if step.job is not None and later and self.random.random() < 0.4:
                    assert step.start is not None
                    step = replace(step, start=step.start + 1200)
                steps.append(step)
            routes.append(replace(route, steps=tuple(steps)))
        return Plan(tuple(routes))

    def _objective(self) -> tuple[Goal, ...]:
        names = self.random.sample(GOALS, self.random.randint(1, 5))
        goals = [Goal.of(name) for name in names]
        if self.random.random() < 0.2:
            goals.append(Goal((("travel", 1.0), ("waiting", self.random.choice((0.2, 2.0))))))
        return tuple(goals)


def solved_problem(seed: int, technicians: int = 3, jobs: int = 8) -> tuple[Problem, Plan]:
    """The problem of this seed with a valid plan; its ``goals`` are empty."""
    return _Maker(seed, technicians, jobs).finish()


def without_way(travel: Travel, origin: int, target: int) -> Travel:
    """The matrices with one connection cut."""
    durations = travel.durations_s.copy()
    durations[origin, target] = UNREACHABLE
    distances = travel.distances_m
    if distances is not None:
        distances = distances.copy()
        distances[origin, target] = UNREACHABLE
    return Travel(durations, distances)
