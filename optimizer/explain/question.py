"""One job asked of every shift at once: which rules stand in the way, and where it would fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from optimizer.explain.clock import (
    AFTER_RESTOCK,
    FAR,
    LIFT_BREAK,
    LIFT_SHIFT,
    LIFT_STOPS,
    LIFT_UNREACHABLE,
    LIFT_WINDOW,
    NEVER,
    Clock,
    Ints,
    Visit,
    insertion_ends,
    start_intervals,
)
from optimizer.explain.state import PlanState, within
from optimizer.problem import Job, Pin, service_time_s

LIFT_PINNED, LIFT_AFTER, LIFT_TIED = 32, 64, 128

CLOCK_RULES: Mapping[str, int] = {
    "unreachable": LIFT_UNREACHABLE,
    "shift": LIFT_SHIFT,
    "window": LIFT_WINDOW,
    "pinned": LIFT_PINNED,
    "after": LIFT_AFTER,
    "together": LIFT_TIED,
    "crew": LIFT_TIED,
    "break": LIFT_BREAK,
    "full": LIFT_STOPS,
}
"""Rules with a clock, in the order in which they are judged, and the bit that lifts each."""

Flags = NDArray[np.bool_]


@dataclass(slots=True)
class Fleet:
    """What technicians hold and shifts have left, as columns built when first asked for."""

    state: PlanState
    clock: Clock = field(init=False)
    who: Ints = field(init=False)
    profiles: dict[str, Ints] = field(init=False)
    counts: Ints = field(init=False)
    max_jobs: Ints = field(init=False)
    loads: list[list[int]] = field(init=False)
    _levels: dict[str, Ints] = field(default_factory=dict)
    _has: dict[str, Flags] = field(default_factory=dict)
    _left: dict[str, Ints] = field(default_factory=dict)

    def __post_init__(self) -> None:
        slots = self.state.slots
        self.clock = self.state.clock()
        self.who = np.array([slot.technician_index for slot in slots], np.int64)
        names = [slot.technician.profile for slot in slots]
        self.profiles = {
            name: np.array([i for i, mine in enumerate(names) if mine == name], np.int64)
            for name in sorted(set(names))
        }
        self.counts = np.array([self.state.job_count(slot.index) for slot in slots], np.int64)
        self.max_jobs = np.array(
            [NEVER if slot.shift.max_jobs is None else slot.shift.max_jobs for slot in slots],
            np.int64,
        )
        self.loads = [self.state.load(slot.index) for slot in slots]

    def level(self, skill: str) -> Ints:
        """``int64[T]``: the level each technician holds."""
        if skill not in self._levels:
            self._levels[skill] = np.array(
                [who.skills.get(skill, 0) for who in self.state.problem.technicians], np.int64
            )
        return self._levels[skill]

    def has(self, item: str) -> Flags:
        """``bool[T]``: who carries this piece of equipment."""
        if item not in self._has:
            self._has[item] = np.array(
                [item in who.equipment for who in self.state.problem.technicians], np.bool_
            )
        return self._has[item]

    def left(self, part: str) -> Ints:
        """``int64[T]``: how many of a part the plan leaves in each van."""
        if part not in self._left:
            self._left[part] = np.array(
                [left.get(part, 0) for left in self.state.stock_left], np.int64
            )
        return self._left[part]


class Question:
    """A job that is not on any route of ``fleet.state`` (or one more half of it).

    Attributes
    ----------
    static
        ``bool[S]`` per rule without a clock: at which shifts it is broken.
    supply
        ``int64[S]``: 1 where parts or equipment have to come from the depot first.
    """

    def __init__(self, fleet: Fleet, job: Job) -> None:
        self.fleet, self.job = fleet, job
        self.state = fleet.state
        count = len(self.state.slots)
        self.supply: Ints = np.zeros(count, np.int64)
        self.tied_start, self.busy = self._ties()
        self.static = {name: rows for name, rows in self._static().items() if rows.any()}
        self.service: Ints = self._service()
        self._bounds()

    def _ties(self) -> tuple[int | None, set[str]]:
        """The start that halves already planned dictate, and who is taken by them."""
        start, busy = None, set()
        group = self.state.partners.get(self.job.id, {self.job.id}) | {self.job.id}
        for member in group:
            for index, step in self.state.visits.get(member, ()):
                start = step.start
                busy.add(self.state.slots[index].technician.id)
        return start, busy

    def _service(self) -> Ints:
        technicians = self.state.problem.technicians
        if not any(who.service_factor for who in technicians):
            return np.full(len(self.state.slots), self.job.service_s, np.int64)
        seconds = np.array([service_time_s(self.job, who) for who in technicians], np.int64)
        return np.asarray(seconds[self.fleet.who], np.int64)

    def _static(self) -> dict[str, Flags]:
        job, fleet, state = self.job, self.fleet, self.state
        technicians = state.problem.technicians
        who = fleet.who
        none = np.zeros(len(technicians), np.bool_)
        skills, equipment, parts = none.copy(), none.copy(), none.copy()
        for skill, needed in job.skills.items():
            skills |= fleet.level(skill) < needed
        for item in job.equipment:
            equipment |= ~fleet.has(item)
        for part, needed in job.parts.items():
            parts |= fleet.left(part) < needed
        rules: dict[str, Flags] = {"skills": skills[who]}
        missing = (equipment | parts)[who]
        if state.problem.restock is None:
            rules["equipment"], rules["parts"] = equipment[who], parts[who]
        else:
            self.supply = np.where(missing, AFTER_RESTOCK, 0).astype(np.int64)
        ids = [technician.id for technician in technicians]
        if job.allowed is not None:
            rules["allowed"] = np.array([name not in job.allowed for name in ids], np.bool_)[who]
        if job.excluded:
            rules["excluded"] = np.array([name in job.excluded for name in ids], np.bool_)[who]
        if self.busy:
            rule = "crew" if job.crew > 1 else "together"
            rules[rule] = np.array([name in self.busy for name in ids], np.bool_)[who]
        if job.pinned is not None and job.crew == 1:
            rules["pinned"] = ~self.pin_holds(job.pinned)
        if job.id in state.frozen:
            places = {(who, shift) for who, shift, _ in state.frozen[job.id]}
            rules["frozen"] = np.array(
                [(slot.technician.id, slot.shift.id) not in places for slot in state.slots],
                np.bool_,
            )
        rules["max_jobs"] = fleet.counts >= fleet.max_jobs
        if any(job.load):
            rules["capacity"] = np.array(
                [
                    not _has_room(slot.shift.capacity, fleet.loads[slot.index], job.load)
                    for slot in state.slots
                ],
                np.bool_,
            )
        if any(before not in state.visits for before in job.after):
            rules["after"] = np.ones(len(state.slots), np.bool_)
        return rules

    def pin_holds(self, pin: Pin) -> Flags:
        """``bool[S]``: the shifts that are the pinned technician's and the pinned shift."""
        return np.array(
            [
                pin.technician in (None, slot.technician.id) and pin.shift in (None, slot.shift.id)
                for slot in self.state.slots
            ],
            np.bool_,
        )

    def _bounds(self) -> None:
        """What predecessors and followers that are planned leave: ``after`` as intervals."""
        low, high, end_low, end_high = -FAR, FAR, -FAR, FAR
        job, visits = self.job, self.state.visits
        for before in job.after:
            steps = [step for _, step in visits.get(before, ())]
            if not steps:
                continue
            ends = [step.end if job.gap_from == "end" else step.start for step in steps]
            base = max(second for second in ends if second is not None)
            low = max(low, base + job.min_gap_s)
            high = high if job.max_gap_s is None else min(high, base + job.max_gap_s)
        other_ends = [step.end for _, step in visits.get(job.id, ()) if step.end is not None]
        for follower in self.state.followers.get(job.id, ()):
            for _, step in visits.get(follower.id, ()):
                assert step.start is not None
                latest = step.start - follower.min_gap_s
                earliest = -FAR
                if follower.max_gap_s is not None:
                    earliest = step.start - follower.max_gap_s
                if follower.gap_from == "start":
                    low, high = max(low, earliest), min(high, latest)
                    continue
                end_high = min(end_high, latest)
                if not other_ends or max(other_ends) < earliest:
                    end_low = max(end_low, earliest)
        self.after_bounds = (low, high, end_low, end_high)
        pin = None if job.pinned is None else job.pinned.start
        if job.id in self.state.frozen:
            pin = self.state.frozen[job.id][0][2]
        self.pin_start = pin

    def visit(self, lift: Ints, before: Ints | None = None) -> Visit:
        """The job for the clockwork, with these rules lifted at each shift (bits, ``int64[S]``).

        ``before`` (``int64[S]``) is a last second for its start that no bit lifts.
        """
        low, high, end_low, end_high = self.after_bounds
        held = (lift & LIFT_AFTER) == 0
        earliest = np.where(held, low, -FAR)
        latest = np.where(held, high, FAR)
        for start, bit in ((self.pin_start, LIFT_PINNED), (self.tied_start, LIFT_TIED)):
            if start is not None:
                held_start = (lift & bit) == 0
                earliest = np.where(held_start, np.maximum(earliest, start), earliest)
                latest = np.where(held_start, np.minimum(latest, start), latest)
        if before is not None:
            latest = np.minimum(latest, before)
        windows = np.array(self.job.time_windows, np.int64).reshape(-1, 2)
        restock = self.state.problem.restock
        return Visit(
            self.job.location, self.job.setup_s, self.job.release,
            np.ascontiguousarray(windows[:, 0]), np.ascontiguousarray(windows[:, 1]),
            self.service, earliest, latest,
            np.where(held, end_low, -FAR), np.where(held, end_high, FAR),
            lift, self.supply,
            -1 if restock is None else restock.location,
            0 if restock is None else restock.service_s,
        )  # fmt: skip

    def ends(self, shifts: Ints, lift: Ints, before: Ints | None = None) -> Ints:
        """Earliest route ends per shift and position, see `clock.insertion_ends`."""
        visit = self.visit(lift, before)
        clock = self.fleet.clock
        ends = np.full(len(clock.place) + len(clock.start), NEVER, np.int64)
        for profile, members in self.fleet.profiles.items():
            mine = np.intersect1d(members, shifts, assume_unique=True)
            if len(mine):
                durations = self.state.problem.travel[profile].durations_s
                ends = np.minimum(ends, insertion_ends(clock, durations, visit, mine))
        return ends

    def fits(self, shifts: Ints, lift: Ints, before: Ints | None = None) -> Flags:
        """``bool[S]``: whether some position works with these rules lifted (False elsewhere)."""
        if not len(self.state.slots):
            return np.zeros(0, np.bool_)
        first = self.fleet.clock.route_at[:-1] + np.arange(len(self.state.slots))
        return np.asarray(np.minimum.reduceat(self.ends(shifts, lift, before), first) < NEVER)

    def start_rows(self, shifts: Ints, lift: Ints) -> Ints:
        """``int64[n, 4]``: (shift, position, from, to) of possible starts, windows not applied."""
        visit = self.visit(lift)
        rows = [np.empty((0, 4), np.int64)]
        for profile, members in self.fleet.profiles.items():
            mine = np.intersect1d(members, shifts, assume_unique=True)
            if len(mine):
                durations = self.state.problem.travel[profile].durations_s
                rows.append(start_intervals(self.fleet.clock, durations, visit, mine))
        return np.concatenate(rows)

    def intervals(self, shifts: Ints, lift: Ints) -> Ints:
        """``int64[n, 4]``: (shift, position, from, to) of possible starts inside the windows."""
        raw = self.start_rows(shifts, lift)
        if not self.job.time_windows:
            return raw
        kept = [raw[(lift[raw[:, 0]] & LIFT_WINDOW) != 0]]
        bound = raw[(lift[raw[:, 0]] & LIFT_WINDOW) == 0]
        for opens, closes in self.job.time_windows:
            part = bound.copy()
            part[:, 2] = np.maximum(part[:, 2], opens)
            part[:, 3] = np.minimum(part[:, 3], closes)
            kept.append(part[part[:, 2] <= part[:, 3]])
        return np.concatenate(kept)

    def window_at(self, duration_s: int, start: int | None = None) -> tuple[tuple[int, int], ...]:
        """The seconds at which service may start, everything considered, given its duration."""
        low, high, end_low, end_high = self.after_bounds
        low, high = max(low, end_low - duration_s), min(high, end_high - duration_s)
        for fixed in (self.pin_start, self.tied_start, start):
            if fixed is not None:
                low, high = max(low, fixed), min(high, fixed)
        return within(self.job.time_windows, low, high)


def _has_room(capacity: tuple[int, ...], used: list[int], load: tuple[int, ...]) -> bool:
    return all(
        amount == 0
        or amount + (used[dimension] if dimension < len(used) else 0)
        <= (capacity[dimension] if dimension < len(capacity) else 0)
        for dimension, amount in enumerate(load)
    )
