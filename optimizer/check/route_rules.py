"""Rules that look along one route: order, places, times, breaks, limits of the shift."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from optimizer.check.facts import Facts, unreachable
from optimizer.check.report import Violation


def order(facts: Facts) -> Iterator[Violation]:
    """A route is ``start``, then jobs, breaks and restocks, then ``end``; both ends stated once."""
    for tour in facts.tours:
        kinds = [step.type for step in tour.route.steps]
        if not kinds or kinds[0] != "start":
            yield Violation("order", tour.where, 1, "the first step has to be the start")
        if not kinds or kinds[-1] != "end":
            yield Violation("order", tour.where, 1, "the last step has to be the end")
        inner = [kind for kind in kinds[1:-1] if kind in ("start", "end")]
        if inner:
            message = "start or end in the middle of the route"
            yield Violation("order", tour.where, len(inner), message)
        for visit in tour.visits:
            stated = {"start": tour.route.start, "end": tour.route.end}.get(visit.step.type)
            if stated is not None and visit.arrival != stated:
                message = f"the step says {visit.arrival}, the route says {stated}"
                yield Violation("order", visit.where, abs(visit.arrival - stated), message)


def empty_route(facts: Facts) -> Iterator[Violation]:
    """A route serves at least one job; an unused shift has no route."""
    for tour in facts.tours:
        if not any(step.type == "job" for step in tour.route.steps):
            yield Violation("empty route", tour.where, 1, "no job on this route")


def place(facts: Facts) -> Iterator[Violation]:
    """A step is where the problem puts it; with an open end the last step has no location."""
    for tour in facts.tours:
        for visit in tour.visits:
            kind, stated = visit.step.type, visit.step.location
            expected: int | None = visit.location
            if kind == "end" and tour.shift.end_location is None:
                expected = None
            if kind == "break" and stated is None:
                continue
            if stated != expected:
                message = f"location {stated}, but the problem says {expected}"
                yield Violation("place", visit.where, 1, message)


def drive(facts: Facts) -> Iterator[Violation]:
    """Nobody arrives before the step before has ended and the whole drive is done."""
    for tour in facts.tours:
        for visit in tour.visits:
            if visit.step.type == "start" or visit.pause is not None:
                continue
            if unreachable(visit):
                yield Violation("reachable", visit.where, 1, "there is no way from the stop before")
                continue
            earliest = visit.ready_s + visit.drive_s
            if visit.arrival < earliest:
                message = f"arrives at {visit.arrival}, but cannot be there before {earliest}"
                yield Violation("drive", visit.where, earliest - visit.arrival, message)
            exact = visit.step.type == "end" and tour.shift.end_location is None
            if exact and visit.arrival > earliest:
                message = f"the day is over at {earliest}, when the last visit ends"
                yield Violation("drive", visit.where, visit.arrival - earliest, message)


def service(facts: Facts) -> Iterator[Violation]:
    """Service starts at or after the arrival and lasts exactly as long as the technician needs."""
    for tour in facts.tours:
        for visit in tour.visits:
            if visit.step.type not in ("job", "restock"):
                continue
            if visit.start < visit.arrival:
                message = f"starts at {visit.start}, before the arrival at {visit.arrival}"
                yield Violation("service", visit.where, visit.arrival - visit.start, message)
            assert visit.duration_s is not None
            lasts = visit.end - visit.start
            if lasts != visit.duration_s:
                message = f"lasts {lasts} s, has to last {visit.duration_s} s"
                yield Violation("service", visit.where, abs(lasts - visit.duration_s), message)


def shift(facts: Facts) -> Iterator[Violation]:
    """A route lies inside its shift plus the overtime allowed."""
    for tour in facts.tours:
        if tour.route.start < tour.shift.start:
            early = tour.shift.start - tour.route.start
            message = f"starts at {tour.route.start}, the shift at {tour.shift.start}"
            yield Violation("shift", tour.where, early, message)
        latest = tour.shift.end + tour.shift.overtime_s
        if tour.route.end > latest:
            message = f"ends at {tour.route.end}, the shift with overtime at {latest}"
            yield Violation("shift", tour.where, tour.route.end - latest, message)


def overlap(facts: Facts) -> Iterator[Violation]:
    """A shift has one route, and the routes of one technician do not overlap in time."""
    by_technician: dict[str, list[tuple[int, int, str, str]]] = {}
    for tour in facts.tours:
        entry = (tour.route.start, tour.route.end, tour.shift.id, tour.where)
        by_technician.setdefault(tour.technician.id, []).append(entry)
    for technician, routes in by_technician.items():
        used = Counter(shift_id for _, _, shift_id, _ in routes)
        for shift_id, count in used.items():
            if count > 1:
                where = f"{technician}/{shift_id}"
                yield Violation("overlap", where, count - 1, f"{count} routes in one shift")
        routes.sort()
        busy_until = None
        for start, end, _, where in routes:
            if busy_until is not None and start < busy_until:
                message = f"starts at {start}, the route before ends at {busy_until}"
                yield Violation("overlap", where, busy_until - start, message)
            busy_until = end if busy_until is None else max(busy_until, end)


def breaks(facts: Facts) -> Iterator[Violation]:
    """Each break once, between visits, starting inside a window, as long as it has to be.

    A break may be missing when the route is over before its first window opens.
    """
    for tour in facts.tours:
        for visit in tour.visits:
            if visit.pause is None:
                continue
            if visit.start < visit.ready_s:
                message = f"starts at {visit.start}, the step before ends at {visit.ready_s}"
                yield Violation("break", visit.where, visit.ready_s - visit.start, message)
            if visit.end - visit.start != visit.pause.duration_s:
                off = abs(visit.end - visit.start - visit.pause.duration_s)
                message = (
                    f"lasts {visit.end - visit.start} s, has to last {visit.pause.duration_s} s"
                )
                yield Violation("break", visit.where, off, message)
            if not any(opens <= visit.start <= closes for opens, closes in visit.pause.windows):
                off = _distance(visit.start, visit.pause.windows)
                message = f"starts at {visit.start}, outside its windows"
                yield Violation("break", visit.where, off, message)
        taken = Counter(visit.pause.id for visit in tour.visits if visit.pause is not None)
        for pause in tour.shift.breaks:
            opens = min((window[0] for window in pause.windows), default=0)
            if taken[pause.id] > 1:
                message = f"break {pause.id} is taken {taken[pause.id]} times"
                yield Violation("break", tour.where, taken[pause.id] - 1, message)
            if not taken[pause.id] and tour.route.end > opens:
                message = f"break {pause.id} is missing"
                yield Violation("break", tour.where, pause.duration_s, message)


def max_jobs(facts: Facts) -> Iterator[Violation]:
    """A shift has at most ``max_jobs`` visits."""
    for tour in facts.tours:
        limit = tour.shift.max_jobs
        if limit is not None and len(tour.stops) > limit:
            message = f"{len(tour.stops)} jobs, at most {limit}"
            yield Violation("max_jobs", tour.where, len(tour.stops) - limit, message)


def capacity(facts: Facts) -> Iterator[Violation]:
    """The loads of a shift fit into the van, dimension by dimension; no room stated is no room."""
    for tour in facts.tours:
        totals: Counter[int] = Counter()
        for visit in tour.stops:
            assert visit.job is not None
            for dimension, load in enumerate(visit.job.load):
                totals[dimension] += load
        for dimension, total in sorted(totals.items()):
            room = tour.shift.capacity[dimension] if dimension < len(tour.shift.capacity) else 0
            if total > room:
                message = f"load {total} in dimension {dimension}, room {room}"
                yield Violation("capacity", tour.where, total - room, message)


def restock(facts: Facts) -> Iterator[Violation]:
    """A technician visits the depot at most once a shift."""
    for tour in facts.tours:
        count = sum(visit.step.type == "restock" for visit in tour.visits)
        if count > 1:
            yield Violation("restock", tour.where, count - 1, f"{count} restocks in one shift")


def _distance(second: int, windows: tuple[tuple[int, int], ...]) -> int:
    return min((max(a - second, second - b) for a, b in windows), default=0)
