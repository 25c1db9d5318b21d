"""The cheapest single change that lets a job in, found by trying each and timing the result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby, islice
from typing import Any

import numpy as np

from optimizer.explain.clock import LIFT_SHIFT, NEVER, Ints, exchange_ends
from optimizer.explain.placing import Goals, Ledger, insert, rank
from optimizer.explain.question import Flags, Question
from optimizer.plan import Route
from optimizer.problem import MANDATORY_PENALTY, Job, Problem, Shift, Technician, Window

CHEAPNESS: Mapping[str, tuple[int, int]] = {
    "insert": (0, 0),
    "overtime": (0, 1),
    "parts": (900, 60),
    "equipment": (900, 300),
    "max_jobs": (1200, 0),
    "window": (600, 2),
    "release": (600, 2),
    "skill": (14_400, 14_400),
    "drop": (1_000_000, 0),
}
"""What a change costs, in seconds of trouble: (once, per unit).

Units: seconds of overtime, pieces of parts and equipment, seconds a window is relaxed or a release
comes earlier, skill levels. Dropping another job is always the last resort, a lower class (then a
smaller penalty) first.
"""

LONGEST_OVERTIME_S = 4 * 3600
"""Nobody is asked to stay longer than this; a job that would need it has another cure, or none."""

TIES = 6
"""Changes that cost the same and are tried against each other by the goals they lead to."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change to try: what to say about it, what it costs, and where the job would go."""

    cost: tuple[int, int]
    cure: dict[str, Any]
    slot: int
    positions: tuple[int, ...]
    job: Job | None = None
    shift: Shift | None = None
    technician: Technician | None = None
    skip: str | None = None


def cheapest_cure(question: Question, ledger: Ledger) -> dict[str, Any] | None:
    """The cheapest change that works, with the ``goals`` after it; None when no single one does.

    Changes are tried in the order of `CHEAPNESS`; of equally cheap ones (up to `TIES`) the one with
    the better goals is taken.
    """
    for changes in (_changes(question), _last_resorts(question)):
        candidates = sorted(changes, key=lambda change: change.cost)
        for _, group in groupby(candidates, key=lambda change: change.cost):
            tried = [_tried(question, ledger, change) for change in islice(group, TIES)]
            worked = [result for result in tried if result is not None]
            if worked:
                cure, goals = min(worked, key=lambda result: rank(result[1]))
                return {**cure, "goals": dict(goals)}
    return None


def _cost(change: str, units: int, order: int = 0) -> tuple[int, int]:
    once, each = CHEAPNESS[change]
    return once + each * units, order


def _broken(question: Question) -> tuple[Ints, Ints]:
    """How many rules without a clock forbid each shift, and zeros of the same shape."""
    count = len(question.state.slots)
    broken = np.zeros(count, np.int64)
    for rows in question.static.values():
        broken += rows
    return broken, np.zeros(count, np.int64)


def _last_resorts(question: Question) -> Iterator[Change]:
    """Dropping somebody else: dearer than any other change, so only looked at after these."""
    yield from _drops(question, *_broken(question))


def _changes(question: Question) -> Iterator[Change]:
    """Every change that drops nobody."""
    static = question.static
    broken, none = _broken(question)
    clean = np.flatnonzero(broken == 0)
    yield from _insertions(question, clean, none)
    for rule in ("parts", "equipment", "max_jobs", "skills"):
        if rule in static:
            only = np.flatnonzero(static[rule] & (broken == 1))
            where = np.flatnonzero(question.fits(only, none)) if len(only) else only
            yield from _gifts(question, rule, where)
    yield from _overtime(question, clean)
    if question.job.time_windows:
        yield from _windows(question, clean, none)
    if question.job.release > 0:
        yield from _releases(question, clean, none)


def _slot_names(question: Question, slot: int) -> dict[str, Any]:
    place = question.state.slots[slot]
    return {"technician": place.technician.id, "shift": place.shift.id}


def _every_position(question: Question, slot: int) -> tuple[int, ...]:
    return tuple(range(len(question.state.stops[slot]) + 1))


def _insertions(question: Question, clean: Ints, none: Ints) -> Iterator[Change]:
    fits: Flags = question.fits(clean, none) if len(clean) else np.zeros(0, np.bool_)
    for slot in np.flatnonzero(fits).tolist():
        cure = {"change": "insert", **_slot_names(question, slot)}
        yield Change(_cost("insert", 0), cure, slot, _every_position(question, slot))


def _gifts(question: Question, rule: str, where: Ints) -> Iterator[Change]:
    """What is lacking is given: parts, equipment, one more job, one skill."""
    job, state, fleet = question.job, question.state, question.fleet
    for slot in where.tolist():
        place = state.slots[slot]
        technician = place.technician
        names = _slot_names(question, slot)
        positions = _every_position(question, slot)
        if rule == "parts":
            left = state.stock_left[place.technician_index]
            short = {
                part: needed - max(0, left.get(part, 0))
                for part, needed in sorted(job.parts.items())
                if left.get(part, 0) < needed
            }
            stock = dict(technician.stock)
            for part, needed in job.parts.items():
                stock[part] = stock.get(part, 0) + max(0, needed - left.get(part, 0))
            yield Change(
                _cost("parts", sum(short.values())), {"change": "parts", **names, "parts": short},
                slot, positions, technician=replace(technician, stock=stock),
            )  # fmt: skip
        elif rule == "equipment":
            missing = sorted(job.equipment - technician.equipment)
            yield Change(
                _cost("equipment", len(missing)),
                {"change": "equipment", **names, "equipment": missing}, slot, positions,
                technician=replace(technician, equipment=technician.equipment | job.equipment),
            )  # fmt: skip
        elif rule == "max_jobs":
            allowed = int(fleet.counts[slot]) + 1
            yield Change(
                _cost("max_jobs", 0), {"change": "max_jobs", **names, "max_jobs": allowed},
                slot, positions, shift=replace(place.shift, max_jobs=allowed),
            )  # fmt: skip
        else:
            lacking = {
                skill: level
                for skill, level in job.skills.items()
                if technician.skills.get(skill, 0) < level
            }
            if len(lacking) == 1:
                ((skill, level),) = lacking.items()
                levels = level - technician.skills.get(skill, 0)
                yield Change(
                    _cost("skill", levels),
                    {"change": "skill", **names, "skill": skill, "level": level}, slot, positions,
                    technician=replace(technician, skills={**technician.skills, skill: level}),
                )  # fmt: skip


def _overtime(question: Question, clean: Ints) -> Iterator[Change]:
    """Per shift the fewest seconds more, at the position with the earliest end of the day."""
    if not len(clean):
        return
    clock = question.fleet.clock
    lift = np.full(len(question.state.slots), LIFT_SHIFT, np.int64)
    ends = question.ends(clean, lift)
    for slot in clean.tolist():
        base = int(clock.route_at[slot]) + slot
        mine = ends[base : base + len(question.state.stops[slot]) + 1]
        end = int(mine.min())
        seconds = end - int(clock.limit[slot])
        if end >= NEVER or not 0 < seconds <= LONGEST_OVERTIME_S:
            continue
        shift = question.state.slots[slot].shift
        yield Change(
            _cost("overtime", seconds),
            {"change": "overtime", **_slot_names(question, slot), "seconds": seconds},
            slot, tuple(np.flatnonzero(mine == end).tolist()),
            shift=replace(shift, overtime_s=shift.overtime_s + seconds),
        )  # fmt: skip


def _windows(question: Question, clean: Ints, none: Ints) -> Iterator[Change]:
    """Per shift and window the fewest seconds by which it has to open earlier or close later."""
    rows = question.start_rows(clean, none)
    windows = question.job.time_windows
    best: dict[tuple[int, int, str], tuple[int, int]] = {}
    for slot, position, low, high in rows.tolist():
        for number, (opens, closes) in enumerate(windows):
            edge, seconds = ("close", low - closes) if low > closes else ("open", opens - high)
            if seconds > 0:
                key = (slot, number, edge)
                best[key] = min(best.get(key, (NEVER, 0)), (seconds, position))
    for (slot, number, edge), (seconds, position) in best.items():
        opens, closes = windows[number]
        relaxed: Window = (opens - seconds, closes) if edge == "open" else (opens, closes + seconds)
        changed = tuple(sorted((*windows[:number], relaxed, *windows[number + 1 :])))
        yield Change(
            _cost("window", seconds),
            {
                "change": "window", **_slot_names(question, slot),
                "window": [opens, closes], "edge": edge, "seconds": seconds,
            },
            slot, (position,), job=replace(question.job, time_windows=changed),
        )  # fmt: skip


def _releases(question: Question, clean: Ints, none: Ints) -> Iterator[Change]:
    """Per shift the fewest seconds by which the job has to be released earlier.

    Somebody may arrive in the second at which service starts, so that the latest possible start is
    the latest release that does.
    """
    job = question.job
    rows = Question(question.fleet, replace(job, release=0)).intervals(clean, none)
    best: dict[int, tuple[int, int]] = {}
    for slot, position, _, latest in rows.tolist():
        if latest < job.release:
            best[slot] = min(best.get(slot, (NEVER, 0)), (job.release - latest, position))
    for slot, (seconds, position) in best.items():
        release = job.release - seconds
        yield Change(
            _cost("release", seconds),
            {
                "change": "release", **_slot_names(question, slot),
                "release": release, "seconds": seconds,
            },
            slot, (position,), job=replace(job, release=release),
        )  # fmt: skip


def _drops(question: Question, broken: Ints, none: Ints) -> Iterator[Change]:
    """Stops that may be dropped for the job: no higher class, nothing frozen, tied or mandatory."""
    state, fleet, problem = question.state, question.fleet, question.state.problem
    clock = fleet.clock
    droppable: Ints = np.zeros(len(clock.place), np.int64)
    mandatory = question.job.drop_penalty is None
    weight = problem.weight(question.job)
    helped = np.zeros(len(broken), np.int64)
    for rule in ("parts", "capacity", "max_jobs"):
        if rule in question.static:
            helped += question.static[rule]
    open_slots = np.flatnonzero((broken == helped) & (question.supply == 0))
    names: dict[int, tuple[int, Job]] = {}
    for slot in open_slots.tolist():
        for offset, step in enumerate(state.stops[slot]):
            if step.job is None:
                break
            other = state.jobs[step.job]
            if other.drop_penalty is None or step.job in state.frozen or state.tied(other):
                continue
            if not mandatory and problem.weight(other) > weight:
                continue
            if helped[slot] and not _makes_room(question, slot, other):
                continue
            stop = int(clock.route_at[slot]) + offset
            droppable[stop] = 1
            names[stop] = (slot, other)
    if not names:
        return
    visit = question.visit(none)
    ends = np.full(len(clock.place), NEVER, np.int64)
    for profile, members in fleet.profiles.items():
        mine = np.intersect1d(members, open_slots, assume_unique=True)
        durations = problem.travel[profile].durations_s
        ends = np.minimum(ends, exchange_ends(clock, durations, visit, mine, droppable))
    order = sorted(
        (problem.weight(other) * 2 * MANDATORY_PENALTY + (other.drop_penalty or 0), stop)
        for stop, (_, other) in names.items()
        if ends[stop] < NEVER
    )
    for value, stop in order[:TIES]:
        slot, other = names[stop]
        yield Change(
            _cost("drop", 0, value),
            {"change": "drop", **_slot_names(question, slot), "job": other.id},
            slot, _every_position(question, slot), skip=other.id,
        )  # fmt: skip


def _makes_room(question: Question, slot: int, other: Job) -> bool:
    """Whether what the other job uses up is what this one lacks."""
    job, state, fleet = question.job, question.state, question.fleet
    place = state.slots[slot]
    if fleet.counts[slot] > fleet.max_jobs[slot] or fleet.max_jobs[slot] == 0:
        return False
    left = state.stock_left[place.technician_index]
    if any(left.get(part, 0) + other.parts.get(part, 0) < n for part, n in job.parts.items()):
        return False
    used, capacity = fleet.loads[slot], place.shift.capacity
    for dimension, amount in enumerate(job.load):
        room = capacity[dimension] if dimension < len(capacity) else 0
        room -= used[dimension] if dimension < len(used) else 0
        room += other.load[dimension] if dimension < len(other.load) else 0
        if amount > room and amount > 0:
            return False
    return True


def _tried(
    question: Question, ledger: Ledger, change: Change
) -> tuple[dict[str, Any], Goals] | None:
    """Carry the change out: the best route it allows, timed to the second, and the goals after."""
    state = question.state
    asked = question if change.job is None else Question(question.fleet, change.job)
    cured = (change.job, change.shift, change.technician) != (None, None, None)
    problem = changed_problem(state.problem, change) if cured else None
    best: Goals | None = None
    for position in change.positions:
        cut = None
        if change.shift is not None:
            low, high = state.free[change.slot]
            cut = replace(
                change.shift,
                start=max(change.shift.start, low),
                overtime_s=min(change.shift.overtime_s, high - change.shift.end),
            )
        route: Route | None = insert(
            asked, change.slot, position, skip=change.skip, changed=cut,
            technician=change.technician,
        )  # fmt: skip
        if route is None:
            continue
        goals = ledger.after([route], question.job.id, problem)
        if best is None or rank(goals) < rank(best):
            best = goals
    return None if best is None else (change.cure, best)


def changed_problem(problem: Problem, change: Change) -> Problem:
    """The problem as the cure would have it."""
    technicians, jobs = problem.technicians, problem.jobs
    if change.job is not None:
        fresh = change.job
        jobs = tuple(fresh if job.id == fresh.id else job for job in jobs)
    who, shift_id = change.cure["technician"], change.cure["shift"]
    if change.technician is not None:
        technicians = tuple(
            change.technician if technician.id == who else technician for technician in technicians
        )
    if change.shift is not None:
        wanted = change.shift
        technicians = tuple(
            replace(
                technician,
                shifts=tuple(
                    wanted if shift.id == shift_id else shift for shift in technician.shifts
                ),
            )
            if technician.id == who
            else technician
            for technician in technicians
        )
    return replace(problem, technicians=technicians, jobs=jobs)
