"""A plan opened up for questions: who does what when, what is left of stock, what must not move.

As the plan stands means: every stop stays on its route, in its order. Frozen stops, and visits
that are tied to others (crew, ``together``, ``after``), keep the second they start at; all others
may start earlier or later as their windows allow.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np

from optimizer.explain.clock import NEVER, Clock, Floats, Ints
from optimizer.plan import Plan, Route, Step
from optimizer.problem import Job, Problem, Shift, Technician, Window, service_time_s

OPEN_END = -1


@dataclass(frozen=True, slots=True)
class Slot:
    """One shift of one technician; ``index`` counts shifts over all technicians."""

    index: int
    technician_index: int
    technician: Technician
    shift: Shift


def followers(problem: Problem) -> dict[str, list[Job]]:
    """Which jobs come ``after`` a job."""
    after: dict[str, list[Job]] = defaultdict(list)
    for job in problem.jobs:
        for before in job.after:
            after[before].append(job)
    return after


def partners(problem: Problem) -> dict[str, set[str]]:
    """The whole group that starts in the same second, per job in a group (itself included)."""
    groups: dict[str, set[str]] = {}
    for job in problem.jobs:
        for other in job.together:
            merged = groups.get(job.id, {job.id}) | groups.get(other, {other})
            for member in merged:
                groups[member] = merged
    return groups


class PlanState:
    """Lookup tables over a problem and a plan of it.

    Raises
    ------
    ValueError
        When the plan names a technician, shift or job the problem does not have.
    """

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self.problem = problem
        self.jobs = {job.id: job for job in problem.jobs}
        self.slots: list[Slot] = []
        self._slots_of: dict[str, list[Slot]] = defaultdict(list)
        for index, technician in enumerate(problem.technicians):
            for shift in technician.shifts:
                self.slots.append(Slot(len(self.slots), index, technician, shift))
                self._slots_of[technician.id].append(self.slots[-1])
        slot_of = {(slot.technician.id, slot.shift.id): slot.index for slot in self.slots}
        self.routes: dict[int, Route] = {}
        self.stops: list[list[Step]] = [[] for _ in self.slots]
        self.visits: dict[str, list[tuple[int, Step]]] = defaultdict(list)
        for route in plan.routes:
            key = (route.technician, route.shift)
            if key not in slot_of:
                raise ValueError(f"the plan has a route for unknown technician and shift {key}")
            index = slot_of[key]
            self.routes[index] = route
            for step in route.steps:
                if step.type == "job":
                    if step.job not in self.jobs:
                        raise ValueError(f"the plan visits unknown job {step.job!r}")
                    self.visits[step.job].append((index, step))
                if step.type in ("job", "restock"):
                    self.stops[index].append(step)
        self.free = [self._free(slot) for slot in self.slots]
        self.followers = followers(problem)
        self.partners = partners(problem)
        self.frozen = self._frozen_starts()
        self._count_stock()

    def slots_of(self, technician_id: str) -> list[Slot]:
        """The shifts of a technician; none for an unknown one."""
        return self._slots_of.get(technician_id, [])

    def dropped(self) -> list[Job]:
        """Jobs on no route, in the problem's order."""
        return [job for job in self.problem.jobs if job.id not in self.visits]

    def _free(self, slot: Slot) -> tuple[int, int]:
        """Between which seconds the technician is on no other route (shifts may overlap)."""
        low, high = -NEVER, NEVER
        mine = self.routes[slot.index].start if slot.index in self.routes else slot.shift.start
        for other in self.slots_of(slot.technician.id):
            route = self.routes.get(other.index)
            if route is None or other.index == slot.index:
                continue
            if (route.start, other.index) < (mine, slot.index):
                low = max(low, route.end)
            else:
                high = min(high, route.start)
        return low, high

    def shift_of(self, slot: Slot) -> Shift:
        """The slot's shift, cut where the technician is on another route."""
        low, high = self.free[slot.index]
        shift = slot.shift
        return replace(
            shift,
            start=max(shift.start, low),
            overtime_s=min(shift.overtime_s, high - shift.end),
        )

    def _frozen_starts(self) -> dict[str, list[tuple[str, str, int]]]:
        """Technician, shift and start of every published stop that must not move, per job."""
        problem = self.problem
        frozen: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
        if problem.frozen_until is not None and problem.published is not None:
            for route in problem.published.routes:
                for step in route.steps:
                    if step.job is None or step.start is None:
                        continue
                    if step.start < problem.frozen_until:
                        frozen[step.job].append((route.technician, route.shift, step.start))
        return frozen

    def tied(self, job: Job) -> bool:
        """Whether other visits depend, or may come to depend, on when this one starts."""
        return bool(
            job.crew > 1 or job.after or job.id in self.partners or self.followers.get(job.id)
        )

    def as_planned(self, step: Step) -> Job:
        """The job of a step, its start fixed where it must not move."""
        assert step.job is not None
        job = self.jobs[step.job]
        if step.start is not None and (job.id in self.frozen or self.tied(job)):
            return replace(job, time_windows=((step.start, step.start),), pinned=None)
        if job.pinned is not None and job.pinned.start is not None:
            return replace(job, time_windows=starts_allowed(job), pinned=None)
        return job

    def _count_stock(self) -> None:
        """What is left of each part per technician, and what must come from stock per shift."""
        self.stock_left: list[dict[str, int]] = [
            dict(technician.stock) for technician in self.problem.technicians
        ]
        for slot in self.slots:
            for step in self.stops[slot.index]:
                if step.type == "restock":
                    break
                assert step.job is not None
                left = self.stock_left[slot.technician_index]
                for part, count in self.jobs[step.job].parts.items():
                    left[part] = left.get(part, 0) - count

    def load(self, index: int) -> list[int]:
        """Load planned on a shift, per dimension (as many as its jobs name)."""
        total: list[int] = []
        for step in self.stops[index]:
            if step.job is not None:
                for dimension, amount in enumerate(self.jobs[step.job].load):
                    if dimension == len(total):
                        total.append(0)
                    total[dimension] += amount
        return total

    def job_count(self, index: int) -> int:
        """Jobs planned on a shift."""
        return sum(step.type == "job" for step in self.stops[index])

    def clock(self) -> Clock:
        """The plan as flat arrays for the compiled clockwork."""
        route_at, break_at = [0], [0]
        stops: list[tuple[int, int, int, int, int]] = []
        windows: list[tuple[Window, ...]] = []
        break_s: list[int] = []
        pauses: list[tuple[Window, ...]] = []
        restock_s = 0 if self.problem.restock is None else self.problem.restock.service_s
        for slot in self.slots:
            for step in self.stops[slot.index]:
                if step.type == "restock":
                    stops.append((step.location or 0, restock_s, 0, 0, 0))
                    windows.append(())
                    continue
                job = self.as_planned(step)
                service = service_time_s(job, slot.technician)
                stops.append((job.location, service, job.setup_s, job.release, 1))
                windows.append(job.time_windows)
            route_at.append(len(stops))
            for pause in sorted(slot.shift.breaks, key=lambda pause: pause.windows[0]):
                break_s.append(pause.duration_s)
                pauses.append(pause.windows)
            break_at.append(len(break_s))
        columns = np.array(stops, np.int64).reshape(-1, 5)
        place, service_s, setup_s, release, is_job = (
            np.ascontiguousarray(columns[:, column]) for column in range(5)
        )
        window_at, opens, closes = _flat(windows)
        pause_at, pause_opens, pause_closes = _flat(pauses)
        shifts = [slot.shift for slot in self.slots]
        speed: Floats = np.array([slot.technician.speed_factor for slot in self.slots], np.float64)
        return Clock(
            ints([shift.start for shift in shifts]),
            ints([shift.end + shift.overtime_s for shift in shifts]),
            ints([low for low, _ in self.free]),
            ints([high for _, high in self.free]),
            ints([shift.start_location for shift in shifts]),
            ints(
                [
                    OPEN_END if shift.end_location is None else shift.end_location
                    for shift in shifts
                ]
            ),
            speed, ints(route_at), place, service_s, setup_s, release, is_job,
            window_at, opens, closes, ints(break_at), ints(break_s),
            pause_at, pause_opens, pause_closes,
        )  # fmt: skip


def ints(values: list[int]) -> Ints:
    """A list as ``int64``."""
    return np.array(values, np.int64)


def _flat(lists: list[tuple[Window, ...]]) -> tuple[Ints, Ints, Ints]:
    at = np.zeros(len(lists) + 1, np.int64)
    at[1:] = np.cumsum([len(windows) for windows in lists])
    pairs = np.array([window for windows in lists for window in windows], np.int64).reshape(-1, 2)
    return at, np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1])


def within(windows: tuple[Window, ...], low: int, high: int) -> tuple[Window, ...]:
    """The parts of the windows inside [low, high]; no windows means any time.

    A window that nothing satisfies stands for "never", because no window at all means "always".
    """
    spans = windows or ((-NEVER, NEVER),)
    parts = tuple(
        (max(opens, low), min(closes, high))
        for opens, closes in spans
        if max(opens, low) <= min(closes, high)
    )
    return parts or ((-NEVER, -NEVER),)


def starts_allowed(job: Job) -> tuple[Window, ...]:
    """The seconds at which service may start by windows and pin; empty = any."""
    if job.pinned is None or job.pinned.start is None:
        return job.time_windows
    return within(job.time_windows, job.pinned.start, job.pinned.start)
