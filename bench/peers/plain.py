"""The part of the problem format that every peer can express, flattened to arrays.

One vehicle per shift. A skill at a level, a piece of equipment and a set of allowed technicians are
all the same thing to a router: a *tag* that a job asks for and a vehicle has or has not. A limit on
the number of visits is one more load dimension. Anything beyond that is `Inexpressible`, because a
comparison on a problem that one side does not see is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from optimizer.plan import Plan, Route, SolverInfo, Unassigned
from optimizer.problem import Job, Problem, Shift, Technician
from optimizer.timetable import timetable


class Inexpressible(Exception):
    """The problem uses a rule that the peers have no word for; the message names it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a peer found: visits per vehicle in order, and what it took.

    ``seconds`` is the wall time of the peer's own solve call, model building left out.
    """

    sequences: Mapping[int, Sequence[int]]
    seconds: float
    iterations: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Plain:
    """A heterogeneous VRPTW with optional jobs; indices follow ``problem.jobs`` and ``vehicles``.

    ``durations_s`` int32[n_locations, n_locations]; ``windows`` int64[n, 2] of the start of
    service; ``penalties`` int64[n] in seconds of driving, −1 where the job must be served;
    ``load`` int64[n, d] and ``capacity`` int64[v, d]; ``tags`` tuple of frozensets of tag numbers
    per job, ``held`` the same per vehicle.
    """

    problem: Problem
    vehicles: tuple[tuple[Technician, Shift], ...]
    durations_s: NDArray[np.int32]
    job_location: NDArray[np.int64]
    service_s: NDArray[np.int64]
    windows: NDArray[np.int64]
    penalties: NDArray[np.int64]
    load: NDArray[np.int64]
    capacity: NDArray[np.int64]
    tags: tuple[frozenset[int], ...]
    held: tuple[frozenset[int], ...]
    n_tags: int
    start_location: NDArray[np.int64]
    end_location: NDArray[np.int64]
    shift_s: NDArray[np.int64] = field(repr=False)

    @property
    def n_jobs(self) -> int:
        """Number of jobs."""
        return len(self.service_s)

    @property
    def n_vehicles(self) -> int:
        """Number of shifts."""
        return len(self.vehicles)

    def node_matrix(self) -> NDArray[np.int32]:
        """int32[n + v', n + v']: jobs first, then every distinct start or end place."""
        index = np.concatenate([self.job_location, self.depots()])
        return np.ascontiguousarray(self.durations_s[np.ix_(index, index)])

    def depots(self) -> NDArray[np.int64]:
        """Distinct start and end places, ascending."""
        return np.unique(np.concatenate([self.start_location, self.end_location]))


def flatten(problem: Problem) -> Plain:
    """The plain form of ``problem``; `Inexpressible` where a rule has no plain form."""
    for rule in _rules_beyond(problem):
        raise Inexpressible(rule)
    vehicles = tuple((who, shift) for who in problem.technicians for shift in who.shifts)
    profile = vehicles[0][0].profile if vehicles else next(iter(problem.travel))
    tags, held, n_tags = _tags(problem.jobs, vehicles)
    load, capacity = _load(problem.jobs, vehicles)
    far = max((shift.end for _, shift in vehicles), default=0)
    windows = []
    for job in problem.jobs:
        opens, closes = job.time_windows[0] if job.time_windows else (0, far)
        windows.append((max(opens, job.release), min(closes, far)))
    return Plain(
        problem=problem,
        vehicles=vehicles,
        durations_s=problem.travel[profile].durations_s,
        job_location=np.array([job.location for job in problem.jobs], dtype=np.int64),
        service_s=np.array([job.service_s for job in problem.jobs], dtype=np.int64),
        windows=np.array(windows, dtype=np.int64).reshape(-1, 2),
        penalties=np.array(
            [
                -1 if job.drop_penalty is None else job.drop_penalty * problem.weight(job)
                for job in problem.jobs
            ],
            dtype=np.int64,
        ),
        load=load,
        capacity=capacity,
        tags=tags,
        held=held,
        n_tags=n_tags,
        start_location=np.array([shift.start_location for _, shift in vehicles], dtype=np.int64),
        end_location=np.array([shift.end_location for _, shift in vehicles], dtype=np.int64),
        shift_s=np.array([(shift.start, shift.end) for _, shift in vehicles], dtype=np.int64),
    )


def _rules_beyond(problem: Problem) -> Iterator[str]:
    if len({who.profile for who in problem.technicians}) > 1:
        yield "several profiles"
    if problem.published is not None or problem.frozen_until is not None:
        yield "published plan"
    if problem.restock is not None:
        yield "restock"
    if not {name for goal in problem.objective for name, _ in goal.terms} <= {"dropped", "travel"}:
        yield "goals other than dropped and travel"
    for who in problem.technicians:
        if who.speed_factor != 1.0 or who.service_factor:
            yield "speed or service factors"
        for shift in who.shifts:
            if shift.breaks:
                yield "breaks"
            if shift.overtime_s:
                yield "overtime"
            if shift.end_location is None:
                yield "open ends"
    for job in problem.jobs:
        if len(job.time_windows) > 1:
            yield "several time windows"
        if job.setup_s or job.parts or job.due is not None or job.pinned is not None:
            yield "setup, parts, due or pinned"
        if job.crew > 1 or job.after or job.together:
            yield "crew, after or together"


def _tags(
    jobs: Sequence[Job], vehicles: Sequence[tuple[Technician, Shift]]
) -> tuple[tuple[frozenset[int], ...], tuple[frozenset[int], ...], int]:
    """What jobs ask for and vehicles hold, as numbers; a tag that every vehicle holds is none."""
    asked = [set(_asked(job)) for job in jobs]
    numbers: dict[object, int] = {}
    holders = {}
    for tag in sorted({tag for tags in asked for tag in tags}, key=str):
        holds = frozenset(v for v, (who, _) in enumerate(vehicles) if _holds(who, tag))
        if len(holds) < len(vehicles):
            numbers[tag] = len(numbers)
            holders[tag] = holds
    held = [
        frozenset(numbers[tag] for tag, holds in holders.items() if v in holds)
        for v in range(len(vehicles))
    ]
    wanted = [frozenset(numbers[tag] for tag in tags if tag in numbers) for tags in asked]
    return tuple(wanted), tuple(held), len(numbers)


Tag = tuple[str, object, int]


def _asked(job: Job) -> Iterator[Tag]:
    for skill, level in job.skills.items():
        yield ("skill", skill, level)
    for thing in job.equipment:
        yield ("equipment", thing, 1)
    if job.allowed is not None:
        yield ("allowed", tuple(sorted(job.allowed)), 1)
    if job.excluded:
        yield ("excluded", tuple(sorted(job.excluded)), 1)


def _holds(who: Technician, tag: Tag) -> bool:
    kind, what, level = tag
    if kind == "skill":
        return who.skills.get(str(what), 0) >= level
    if kind == "equipment":
        return what in who.equipment
    assert isinstance(what, tuple)
    return (who.id in what) == (kind == "allowed")


def _load(
    jobs: Sequence[Job], vehicles: Sequence[tuple[Technician, Shift]]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Loads and room, padded to one width; a last dimension counts visits where that is limited."""
    width = max((len(job.load) for job in jobs), default=0)
    load = [list(job.load) + [0] * (width - len(job.load)) for job in jobs]
    room = []
    for _, shift in vehicles:
        own = list(shift.capacity)[:width]
        room.append(own + [0] * (width - len(own)))
    if any(shift.max_jobs is not None for _, shift in vehicles):
        for row in load:
            row.append(1)
        for row, (_, shift) in zip(room, vehicles, strict=True):
            row.append(len(jobs) if shift.max_jobs is None else shift.max_jobs)
        width += 1
    return (
        np.array(load, dtype=np.int64).reshape(len(jobs), width),
        np.array(room, dtype=np.int64).reshape(len(vehicles), width),
    )


def plan_of(plain: Plain, answer: Answer, info: SolverInfo) -> Plan:
    """Time a peer's sequences; a visit that fits into no timing of its route is left out.

    Peers may end with an infeasible best (PyVRP's penalties, a time limit hit too early): what can
    be driven of it is kept, the rest counts as dropped.
    """
    problem = plain.problem
    routes: list[Route] = []
    done: set[str] = set()
    for vehicle, sequence in sorted(answer.sequences.items()):
        who, shift = plain.vehicles[vehicle]
        visits = [problem.jobs[job] for job in sequence]
        while visits:
            timed = timetable(problem, who, shift, visits)
            if timed.route is not None:
                routes.append(timed.route)
                done.update(job.id for job in visits)
                break
            culprit = next((i for i, job in enumerate(visits) if job.id == timed.at), -1)
            del visits[culprit]
    left = tuple(Unassigned(job.id) for job in problem.jobs if job.id not in done)
    return Plan(routes=tuple(routes), unassigned=left, solver=info)
