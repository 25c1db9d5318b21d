"""What has to fit together in a problem, whoever built it: ids, places, sizes, orders."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from optimizer.formats.errors import ProblemError
from optimizer.problem import MANDATORY_PENALTY, Job, Problem

MOST_VISITS = 100_000
"""Jobs, each counted once per head of its crew."""

_SUM_LIMIT = 2**62
"""Goals are summed in 64 bits."""


def validate(problem: Problem) -> None:
    """Raise `ProblemError` at the first thing that does not fit together.

    Notes
    -----
    Jobs that nobody can do are not errors: a plan leaves them out and says why.
    """
    _unique((place.id for place in problem.locations), "locations", "location")
    _unique((who.id for who in problem.technicians), "technicians", "technician")
    _unique((job.id for job in problem.jobs), "jobs", "job")
    size = len(problem.locations)
    for profile, travel in problem.travel.items():
        for name, matrix in (
            ("durations_s", travel.durations_s),
            ("distances_m", travel.distances_m),
        ):
            if matrix is not None and matrix.shape != (size, size):
                message = f"shape {matrix.shape}, but there are {size} locations"
                raise ProblemError(f"travel.{profile}.{name}", message)
    _technicians(problem)
    _jobs(problem)
    _orders(problem.jobs)
    if problem.restock is not None:
        _place(problem.restock.location, size, "restock.location")
    _sums(problem)


def _technicians(problem: Problem) -> None:
    size = len(problem.locations)
    for number, technician in enumerate(problem.technicians):
        path = f"technicians[{number}]"
        if technician.profile not in problem.travel:
            message = f"no travel matrix for profile {technician.profile!r}"
            raise ProblemError(f"{path}.profile", message)
        _unique((shift.id for shift in technician.shifts), f"{path}.shifts", "shift")
        for index, shift in enumerate(technician.shifts):
            where = f"{path}.shifts[{index}]"
            _place(shift.start_location, size, f"{where}.start_location")
            if shift.end_location is not None:
                _place(shift.end_location, size, f"{where}.end_location")
            _unique((pause.id for pause in shift.breaks), f"{where}.breaks", "break")
        spans = sorted((shift.start, shift.end, shift.id) for shift in technician.shifts)
        for (_, end, earlier), (start, _, later) in pairwise(spans):
            if start < end:
                message = f"{later!r} starts at {start}, before {earlier!r} is over at {end}"
                raise ProblemError(f"{path}.shifts", message)


def _jobs(problem: Problem) -> None:
    if sum(job.crew for job in problem.jobs) > MOST_VISITS:
        number = max(range(len(problem.jobs)), key=lambda k: problem.jobs[k].crew)
        message = f"{problem.jobs[number].crew} for this job, at most {MOST_VISITS} visits in all"
        raise ProblemError(f"jobs[{number}].crew", message)
    size = len(problem.locations)
    jobs = {job.id for job in problem.jobs}
    shifts = {who.id: {shift.id for shift in who.shifts} for who in problem.technicians}
    every_shift = set().union(*shifts.values())
    for number, job in enumerate(problem.jobs):
        path = f"jobs[{number}]"
        _place(job.location, size, f"{path}.location")
        if job.job_class is not None and job.job_class not in problem.class_weights:
            raise ProblemError(f"{path}.class", f"no class {job.job_class!r} in classes")
        for key, others in (("after", job.after), ("together", job.together)):
            for index, other in enumerate(others):
                if other not in jobs:
                    raise ProblemError(f"{path}.{key}[{index}]", f"no job {other!r}")
                if other == job.id:
                    raise ProblemError(f"{path}.{key}[{index}]", "a job cannot refer to itself")
        for key, people in (
            ("allowed", job.allowed or frozenset()),
            ("excluded", job.excluded),
            ("preferred", job.preferred),
        ):
            unknown = sorted(people - shifts.keys()) if people else []
            if unknown:
                raise ProblemError(f"{path}.{key}", f"no technician {unknown[0]!r}")
        pin = job.pinned
        if pin is not None:
            if pin.technician is not None and pin.technician not in shifts:
                raise ProblemError(f"{path}.pinned.technician", f"no technician {pin.technician!r}")
            known = every_shift if pin.technician is None else shifts[pin.technician]
            if pin.shift is not None and pin.shift not in known:
                owner = "" if pin.technician is None else f" of technician {pin.technician!r}"
                raise ProblemError(f"{path}.pinned.shift", f"no shift {pin.shift!r}{owner}")


def _orders(jobs: tuple[Job, ...]) -> None:
    """``after`` must not go round in a circle (depth-first, without recursion)."""
    before = {job.id: job.after for job in jobs if job.after}
    numbers = {job.id: number for number, job in enumerate(jobs)} if before else {}
    done: set[str] = set()
    for first in before:
        if first in done:
            continue
        trail: dict[str, None] = {first: None}
        stack = [iter(before[first])]
        while stack:
            following = next(stack[-1], None)
            if following is None:
                stack.pop()
                done.add(trail.popitem()[0])
            elif following in trail:
                chain = list(trail)
                circle = [*chain[chain.index(following) :], following]
                path = f"jobs[{numbers[following]}].after"
                raise ProblemError(path, f"goes round in a circle: {' → '.join(circle)}")
            elif following not in done:
                trail[following] = None
                stack.append(iter(before.get(following, ())))


def _sums(problem: Problem) -> None:
    """The worst plan's goals have to fit into 64 bits."""
    horizon = max(problem.horizon_end, 1)
    dropped = late = 0
    for job in problem.jobs:
        weight = problem.weight(job)
        penalty = MANDATORY_PENALTY if job.drop_penalty is None else job.drop_penalty
        dropped += weight * penalty
        late += weight * horizon
    if max(dropped, late) >= _SUM_LIMIT:
        raise ProblemError("classes", "weights and penalties add up to more than 64 bits hold")


def _place(location: int, size: int, path: str) -> None:
    if not 0 <= location < size:
        raise ProblemError(path, f"{location}, but there are {size} locations (from 0)")


def _unique(ids: Iterable[str], path: str, what: str) -> None:
    seen: set[str] = set()
    for number, identifier in enumerate(ids):
        if identifier in seen:
            raise ProblemError(f"{path}[{number}].id", f"{what} {identifier!r} stands here twice")
        seen.add(identifier)
