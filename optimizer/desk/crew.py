"""A company for one second: technicians who can stand at their doors at the same time.

A company has a seat for each half of a crew, and for each job that starts `together` with others.
Every gap between two stops gives an interval of seconds in which a visit may start there, read from
the clocks of the arrays; so does every gap that one visit, or two in a row, would leave. For each
second at which some interval opens, the cheapest different technicians whose intervals hold it make
a company. The best are timed to the second by the desk.
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
from optimizer.search.arrays import Instance, may_serve
from optimizer.timetable import first_start

I64 = NDArray[np.int64]

BESIDE = 3
"""Technicians beyond those needed whose gaps are looked at in each second, as substitutes."""

LOOKED_AT = 48
"""Gaps looked at in one second, cheapest first."""

WAYS = 3
"""Places at which the same people are tried, since clocks in arrays place breaks greedily."""


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """Where in which tail one of the company would go; ``out`` leave to make room.

    ``behind`` is the node of the arrays that it follows.
    """

    shift: int
    position: int
    technician: str
    detour_s: int
    job: str
    behind: int
    out: tuple[int, ...] = ()

    @property
    def key(self) -> tuple[int, int]:
        """Nobody makes room, then the least driving."""
        return len(self.out), self.detour_s


@dataclass(frozen=True, slots=True)
class Company:
    """Technicians who could start together at ``start``; ``late_s`` as far as it is known."""

    gaps: tuple[Gap, ...]
    start: int
    late_s: int

    @property
    def people(self) -> frozenset[str]:
        """Who they are."""
        return frozenset(gap.technician for gap in self.gaps)

    @property
    def out(self) -> tuple[int, ...]:
        """Tasks that make room."""
        return tuple(task for gap in self.gaps for task in gap.out)

    @property
    def key(self) -> tuple[int, int, int, int]:
        """In time first, then nobody makes room, then the least driving, then the earliest."""
        return self.late_s, len(self.out), sum(gap.detour_s for gap in self.gaps), self.start


@dataclass(frozen=True, slots=True)
class _Seat:
    """One who is needed: gaps, cheapest first, and the seconds in which each may be begun."""

    gaps: Sequence[Gap]
    low: I64
    high: I64

    def at(self, start: int) -> list[Gap]:
        """The cheapest gap of each technician that holds the second."""
        people: dict[str, Gap] = {}
        for k in np.flatnonzero((self.low <= start) & (start <= self.high))[:LOOKED_AT]:
            people.setdefault(self.gaps[k].technician, self.gaps[k])
        return list(people.values())


def one_of_them(job: Job) -> Job:
    """The job as each of its crew sees it: only the start is settled for everybody."""
    pin = job.pinned
    if job.crew == 1:
        return replace(job, preferred=frozenset())
    loose = None if pin is None or pin.start is None else Pin(start=pin.start)
    return replace(job, pinned=loose, preferred=frozenset())


def companies(
    group: Sequence[Job],
    model: Model,
    tails: Mapping[int, Sequence[str]],
    stands: Sequence[Standing],
    movable: NDArray[np.uint8] | None = None,
    most_out: int = 0,
) -> list[Company]:
    """Companies that the clocks allow, best first, each set of people at `WAYS` places at most.

    Parameters
    ----------
    group
        Jobs that start in the same second, their windows cut to what all of them leave.
    movable : uint8[n]
        Visits that may make room, ``most_out`` of them for the whole company.
    """
    seats = [seat for job in group for seat in _seats(job, model, tails, stands, movable, most_out)]
    if not all(len(seat.gaps) for seat in seats):
        return []
    found: set[Company] = set()
    for start in _starts(group[0], [seat.low for seat in seats]):
        late_s = sum(max(0, start - job.due) for job in group if job.due is not None)
        for chosen in _combinations([seat.at(start) for seat in seats]):
            company = Company(chosen, start, late_s)
            if len(company.out) <= most_out:
                found.add(company)
    ways: Counter[frozenset[str]] = Counter()
    kept = []
    for company in sorted(found, key=lambda company: (company.key, company.gaps)):
        ways[company.people] += 1
        if ways[company.people] <= WAYS:
            kept.append(company)
    return kept


def _combinations(options: list[list[Gap]]) -> Iterator[tuple[Gap, ...]]:
    """The cheapest company of different people, and those with one of them replaced by another."""
    best = _cheapest(options)
    if best is None:
        return
    yield best
    for seat, gaps in enumerate(options):
        others = {gap.technician for k, gap in enumerate(best) if k != seat}
        mine = [gap for gap in gaps if gap.technician not in others and gap != best[seat]]
        for other in mine[:BESIDE]:
            yield (*best[:seat], other, *best[seat + 1 :])


def _cheapest(options: list[list[Gap]]) -> tuple[Gap, ...] | None:
    """One gap a seat, all of different people, with the smallest sum of keys; None: too few."""
    best: tuple[tuple[int, int], tuple[Gap, ...]] | None = None

    def fill(chosen: tuple[Gap, ...], out: int, detour_s: int) -> None:
        nonlocal best
        if len(chosen) == len(options):
            if best is None or (out, detour_s) < best[0]:
                best = (out, detour_s), chosen
            return
        taken = {gap.technician for gap in chosen}
        free = [gap for gap in options[len(chosen)] if gap.technician not in taken]
        for gap in free[: len(options) - len(chosen)]:  # the others of us can take no more
            fill((*chosen, gap), out + len(gap.out), detour_s + gap.detour_s)

    fill((), 0, 0)
    return None if best is None else best[1]


def _starts(job: Job, lows: list[I64]) -> list[int]:
    """Seconds at which an interval opens within the windows, which are the same for all."""
    if job.pinned is not None and job.pinned.start is not None:
        return [job.pinned.start]
    windows = sorted(job.time_windows)
    found = {first_start(int(at), windows) for at in np.unique(np.concatenate(lows))}
    return sorted(at for at in found if at is not None)


def _seats(
    job: Job,
    model: Model,
    tails: Mapping[int, Sequence[str]],
    stands: Sequence[Standing],
    movable: NDArray[np.uint8] | None,
    most_out: int,
) -> list[_Seat]:
    """A seat for each who is needed for the job; who is pinned sits on the first."""
    gaps, low, high = _gaps(one_of_them(job), model, tails, stands, movable, most_out)
    order = sorted(range(len(gaps)), key=lambda k: gaps[k].key)
    seat = _Seat([gaps[k] for k in order], low[order], high[order])
    pin = job.pinned
    if job.crew == 1 or pin is None or (pin.technician is None and pin.shift is None):
        return [seat] * job.crew
    mine = [
        k
        for k, gap in enumerate(seat.gaps)
        if pin.technician in (None, gap.technician)
        and pin.shift in (None, stands[gap.shift].shift.id)
    ]
    first = _Seat([seat.gaps[k] for k in mine], seat.low[mine], seat.high[mine])
    return [first, *[seat] * (job.crew - 1)]


def _gaps(
    job: Job,
    model: Model,
    tails: Mapping[int, Sequence[str]],
    stands: Sequence[Standing],
    movable: NDArray[np.uint8] | None,
    most_out: int,
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
        over = -1 if limit is None else len(stand.settled) + len(tails[r]) + 1 - limit
        drive = arrays.drive[arrays.shift[r, c.DRIVE_KIND]]
        chain = model.chain(r)
        end = arrays.n + 2 * r + 1
        line = [int(model.first_at[r]), *chain[1 if r in model.anchors else 0 :], end]
        service = service_time_s(job, stand.technician)
        for position, a in enumerate(line[:-1]):
            here = int(arrays.task[a, c.LOCATION])
            into = int(drive[here, job.location])
            if into >= UNREACHABLE:
                continue
            same = a < arrays.n and here == job.location
            stay = service + (0 if same else job.setup_s)
            first = max(int(node[a, c.FINISH]) + into, job.release)
            for skipped in range(most_out + 1):
                out = tuple(line[position + 1 : position + 1 + skipped])
                if skipped and (movable is None or end in out or not movable[out[-1]]):
                    break
                if len(out) < over:
                    continue
                b = line[position + 1 + skipped]
                there = int(arrays.task[b, c.LOCATION])
                onward = 0 if there < 0 else int(drive[job.location, there])
                last = int(node[b, c.LATEST_START]) - onward - stay
                if onward >= UNREACHABLE or first > last:
                    continue
                now_s = _driven([a, *out, b], arrays, drive)
                detour_s = into + onward - now_s
                gaps.append(Gap(r, position, stand.technician.id, detour_s, job.id, a, out))
                low.append(first)
                high.append(last)
    return gaps, np.array(low, np.int64), np.array(high, np.int64)


def _driven(nodes: Sequence[int], arrays: Instance, drive: NDArray[np.int32]) -> int:
    """Seconds driven from the first of these nodes to the last."""
    places = [int(arrays.task[at, c.LOCATION]) for at in nodes]
    return sum(int(drive[a, b]) for a, b in pairwise(places) if b >= 0)
