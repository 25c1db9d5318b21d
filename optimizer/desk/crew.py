"""A crew for one job: technicians who can stand at the same door in the same second.

Every gap between two stops gives an interval of seconds in which the visit may start there, read
from the clocks of the arrays. For each second at which some interval opens, those with the smallest
detours whose intervals hold it make a crew. The best crews are timed to the second by the desk.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from optimizer.desk.model import Model
from optimizer.desk.standing import Standing
from optimizer.problem import UNREACHABLE, Job, Pin, service_time_s
from optimizer.search import layout as c
from optimizer.search.arrays import may_serve
from optimizer.timetable import first_start

I64 = NDArray[np.int64]

BESIDE = 3
"""Technicians beyond the crew whose gaps are looked at in each second, for other combinations."""

LOOKED_AT = 48
"""Gaps looked at in one second, smallest detours first."""


WAYS = 3
"""Places at which the same people are tried, since clocks in arrays place breaks greedily."""


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """Where in which tail one half of the crew would go."""

    shift: int
    position: int
    technician: str
    detour_s: int


@dataclass(frozen=True, slots=True)
class Crew:
    """Technicians who could start together at ``start``; ``late_s`` as far as it is known."""

    gaps: tuple[Gap, ...]
    start: int
    late_s: int

    @property
    def people(self) -> frozenset[str]:
        """Who they are."""
        return frozenset(gap.technician for gap in self.gaps)

    @property
    def key(self) -> tuple[int, int, int]:
        """In time first, then the least driving, then the earliest."""
        return self.late_s, sum(gap.detour_s for gap in self.gaps), self.start


def one_of_them(job: Job) -> Job:
    """The job as each of its crew sees it: only the start is settled for everybody."""
    pin = job.pinned
    loose = None if pin is None or pin.start is None else Pin(start=pin.start)
    return replace(job, pinned=loose, preferred=frozenset())


def crews(
    job: Job, model: Model, tails: Mapping[int, Sequence[str]], stands: Sequence[Standing]
) -> list[Crew]:
    """Crews that the clocks allow, best first, each set of people at `WAYS` places at most.

    Parameters
    ----------
    job
        With its windows cut to what its predecessors leave.
    """
    gaps, low, high = _gaps(one_of_them(job), model, tails, stands)
    if not gaps:
        return []
    order = np.argsort([gap.detour_s for gap in gaps], kind="stable")
    gaps = [gaps[k] for k in order]
    low, high = low[order], high[order]
    found: set[Crew] = set()
    for start in _starts(job, low):
        late_s = 0 if job.due is None else max(0, start - job.due)
        holds = np.flatnonzero((low <= start) & (start <= high))[:LOOKED_AT]
        people: dict[str, Gap] = {}
        for k in holds:
            people.setdefault(gaps[k].technician, gaps[k])
        for chosen in _combinations(list(people.values()), job.crew):
            crew = Crew(chosen, start, late_s)
            if _keeps_pin(job, crew, stands):
                found.add(crew)
    ways: Counter[frozenset[str]] = Counter()
    kept = []
    for crew in sorted(found, key=lambda crew: (crew.key, crew.gaps)):
        ways[crew.people] += 1
        if ways[crew.people] <= WAYS:
            kept.append(crew)
    return kept


def _combinations(people: list[Gap], size: int) -> Iterator[tuple[Gap, ...]]:
    """The cheapest crew, and those with one of its members replaced by one of the next."""
    if len(people) < size:
        return
    yield tuple(people[:size])
    for other in people[size : size + BESIDE]:
        for out in range(size):
            yield (*people[:out], *people[out + 1 : size], other)


def _keeps_pin(job: Job, crew: Crew, stands: Sequence[Standing]) -> bool:
    pin = job.pinned
    return pin is None or any(
        pin.technician in (None, gap.technician) and pin.shift in (None, stands[gap.shift].shift.id)
        for gap in crew.gaps
    )


def _starts(job: Job, low: I64) -> list[int]:
    """Seconds at which an interval opens within the job's windows."""
    if job.pinned is not None and job.pinned.start is not None:
        return [job.pinned.start]
    windows = sorted(job.time_windows)
    found = {first_start(int(at), windows) for at in np.unique(low)}
    return sorted(at for at in found if at is not None)


def _gaps(
    job: Job, model: Model, tails: Mapping[int, Sequence[str]], stands: Sequence[Standing]
) -> tuple[list[Gap], I64, I64]:
    """Every gap that fits by the clocks alone, with the first and last second to start in it."""
    arrays, node = model.arrays, model.solution.node
    gaps: list[Gap] = []
    low: list[int] = []
    high: list[int] = []
    for r, stand in enumerate(stands):
        if r in model.shut or not may_serve(job, stand.technician, stand.shift, False):
            continue
        limit = stand.shift.max_jobs
        if limit is not None and len(stand.settled) + len(tails[r]) >= limit:
            continue
        drive = arrays.drive[arrays.shift[r, c.DRIVE_KIND]]
        chain = model.chain(r)
        end = arrays.n + 2 * r + 1
        line = [int(model.first_at[r]), *chain[1 if r in model.anchors else 0 :], end]
        service = service_time_s(job, stand.technician)
        for position, (a, b) in enumerate(pairwise(line)):
            here, there = int(arrays.task[a, c.LOCATION]), int(arrays.task[b, c.LOCATION])
            into = int(drive[here, job.location])
            onward = 0 if there < 0 else int(drive[job.location, there])
            direct = 0 if there < 0 else int(drive[here, there])
            if into >= UNREACHABLE or onward >= UNREACHABLE:
                continue
            same = a < arrays.n and here == job.location
            first = max(int(node[a, c.FINISH]) + into, job.release)
            stay = service + (0 if same else job.setup_s)
            last = int(node[b, c.LATEST_START]) - onward - stay
            if first <= last:
                gaps.append(Gap(r, position, stand.technician.id, into + onward - direct))
                low.append(first)
                high.append(last)
    return gaps, np.array(low, np.int64), np.array(high, np.int64)
