"""What each job could at best cost in each shift, seen alone: the ground all bounds stand on.

Everything here is optimistic, so that whatever is impossible or dear here is so in every plan.
Matrices need not keep the triangle inequality: how fast a place can be reached at all is the
shortest path over all places, or, where that is too much work, the cheaper of the direct way and
the least way out of the one place plus the least way into the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numba import njit
from numpy.typing import NDArray

from optimizer.problem import UNREACHABLE, Job, Problem, Shift, Technician, service_time_s

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

SHORTEST_PATH_PLACES = 450
"""Up to so many places shortest paths are computed in full."""

MOST_PAIRS = 4_000_000
"""Up to so many (job, shift) pairs the tables are built; beyond, no bound but zero is claimed."""

LATEST = 2**50


def driven(durations: NDArray[np.int32], speed_factor: float) -> Ints:
    """``int64``: `optimizer.problem.drive_s` of a whole matrix."""
    matrix: Ints = np.asarray(durations, np.int64)
    if speed_factor == 1.0:
        return matrix
    scaled = (matrix / speed_factor + 0.5).astype(np.int64)
    return np.asarray(np.where(matrix >= UNREACHABLE, matrix, scaled), np.int64)


@njit(cache=True, nogil=True)
def _shortest(matrix: Ints) -> Ints:
    """Floyd–Warshall (doi:10.1145/367766.368168)."""
    best = matrix.copy()
    size = len(best)
    for k in range(size):
        for i in range(size):
            through = best[i, k]
            if through < UNREACHABLE:
                for j in range(size):
                    if through + best[k, j] < best[i, j]:
                        best[i, j] = through + best[k, j]
    return best


def reach(matrix: Ints) -> Ints:
    """``int64[n, n]``: a lower bound on the seconds from place to place by whatever detour."""
    if len(matrix) <= SHORTEST_PATH_PLACES:
        return np.asarray(_shortest(matrix), np.int64)
    free = matrix.copy()
    np.fill_diagonal(free, LATEST)
    out, into = free.min(axis=1), free.min(axis=0)
    return np.asarray(np.minimum(matrix, out[:, None] + into[None, :]), np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Options:
    """Tables over jobs J (rows) and shifts S (columns).

    Attributes
    ----------
    fits : bool[J, S]
        Whether the job alone could be done in that shift.
    arrival, start, end : int64[J, S]
        Earliest arrival, start and end of service there.
    latest : int64[J, S]
        Latest start of service there.
    service : int64[J, S]
        Seconds of service, and of setup where no other job is at the place.
    possible : bool[J]
        Whether the job could be served at all.
    """

    problem: Problem
    slots: list[tuple[Technician, Shift]]
    matrices: dict[tuple[str, float], Ints]
    fits: Flags
    arrival: Ints
    start: Ints
    end: Ints
    latest: Ints
    service: Ints
    possible: Flags
    places: Ints = field(repr=False)

    def matrix(self, slot: int) -> Ints:
        """The drives of the technician of a shift, in seconds."""
        technician = self.slots[slot][0]
        return self.matrices[technician.profile, technician.speed_factor]


def options_of(problem: Problem) -> Options | None:
    """The tables, or None where they would be too large (`MOST_PAIRS`)."""
    jobs = problem.jobs
    slots = [(who, shift) for who in problem.technicians for shift in who.shifts]
    if len(jobs) * max(1, len(slots)) > MOST_PAIRS:
        return None
    shape = (len(jobs), len(slots))
    fits = np.zeros(shape, np.bool_)
    arrival, start, end, latest, service = (np.zeros(shape, np.int64) for _ in range(5))
    places = np.array([job.location for job in jobs], np.int64)
    setup = _certain_setup(jobs, places)
    release = np.array([job.release for job in jobs], np.int64)
    plain = np.array([job.service_s for job in jobs], np.int64)
    matrices: dict[tuple[str, float], Ints] = {}
    reached: dict[tuple[str, float], Ints] = {}
    able: dict[str, Flags] = {}
    for column, (who, shift) in enumerate(slots):
        key = (who.profile, who.speed_factor)
        if key not in matrices:
            matrices[key] = driven(problem.travel[who.profile].durations_s, who.speed_factor)
            reached[key] = reach(matrices[key])
        if who.id not in able:
            able[who.id] = np.array([_able(problem, job, who) for job in jobs], np.bool_)
        there = reached[key][shift.start_location, places]
        home = np.zeros(len(jobs), np.int64)
        if shift.end_location is not None:
            home = reached[key][places, shift.end_location]
        arrival[:, column] = np.maximum(shift.start + there, release)
        service[:, column] = setup + (
            [service_time_s(job, who) for job in jobs] if who.service_factor else plain
        )
        limit = shift.end + shift.overtime_s
        for row, job in enumerate(jobs):
            windows = job.time_windows
            first, last = int(arrival[row, column]), LATEST
            if windows:
                last = max(closes for _, closes in windows)
                first = min(
                    (max(first, opens) for opens, closes in windows if first <= closes),
                    default=LATEST,
                )
            if job.pinned is not None and job.pinned.start is not None:
                first, last = max(first, job.pinned.start), min(last, job.pinned.start)
            start[row, column] = first
            latest[row, column] = min(last, limit - service[row, column] - home[row])
        end[:, column] = start[:, column] + service[:, column]
        fits[:, column] = (
            able[who.id]
            & _room(jobs, shift)
            & (there < UNREACHABLE)
            & (home < UNREACHABLE)
            & (start[:, column] <= latest[:, column])
        )
        for row, job in enumerate(jobs):
            pin = job.pinned
            if pin is not None and job.crew == 1:
                fits[row, column] &= pin.technician in (None, who.id)
                fits[row, column] &= pin.shift in (None, shift.id)
    possible = _possible(problem, slots, fits)
    return Options(
        problem, slots, matrices, fits, arrival, start, end, latest, service, possible, places
    )


def _certain_setup(jobs: tuple[Job, ...], places: Ints) -> Ints:
    """Setup that no plan can save, because nobody else is at the place."""
    _, inverse, counts = np.unique(places, return_inverse=True, return_counts=True)
    alone = counts[inverse] == 1
    return np.where(alone, np.array([job.setup_s for job in jobs], np.int64), 0)


def _able(problem: Problem, job: Job, who: Technician) -> bool:
    if any(who.skills.get(skill, 0) < level for skill, level in job.skills.items()):
        return False
    if who.id in job.excluded or (job.allowed is not None and who.id not in job.allowed):
        return False
    if problem.restock is not None:
        return True
    return job.equipment <= who.equipment and all(
        who.stock.get(part, 0) >= count for part, count in job.parts.items()
    )


def _room(jobs: tuple[Job, ...], shift: Shift) -> Flags:
    if shift.max_jobs is not None and shift.max_jobs < 1:
        return np.zeros(len(jobs), np.bool_)
    return np.array(
        [
            all(
                amount <= (shift.capacity[d] if d < len(shift.capacity) else 0)
                for d, amount in enumerate(job.load)
                if amount > 0
            )
            for job in jobs
        ],
        np.bool_,
    )


def _possible(problem: Problem, slots: list[tuple[Technician, Shift]], fits: Flags) -> Flags:
    """Jobs that enough technicians could do, and whose companions and predecessors are so too."""
    people = {who.id: number for number, who in enumerate(problem.technicians)}
    column_of = np.array([people[who.id] for who, _ in slots], np.int64)
    possible = np.zeros(len(problem.jobs), np.bool_)
    for row, job in enumerate(problem.jobs):
        possible[row] = len(np.unique(column_of[fits[row]])) >= job.crew
    row_of = {job.id: row for row, job in enumerate(problem.jobs)}
    changed = True
    while changed:
        changed = False
        for row, job in enumerate(problem.jobs):
            for other in job.together:
                if other in row_of and possible[row] != possible[row_of[other]]:
                    possible[row] = possible[row_of[other]] = False
                    changed = True
            if possible[row] and any(not possible[row_of[name]] for name in job.after):
                possible[row] = False
                changed = True
    return possible
