"""The rest of the day as arrays: tails of routes, room for new visits and for new places.

Compiled once. Each shift starts where its technician stands; a settled visit survives only as an
anchor, a visit fixed to its second that ends when the technician is free. Visits tied to others and
frozen ones are fixed to their second too. Spare slots are visits that fit nowhere until filled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.desk.standing import Standing
from optimizer.plan import Plan
from optimizer.problem import UNREACHABLE, Job, Location, Problem, Travel, drive_s, service_time_s
from optimizer.search import layout as c
from optimizer.search.anneal import begin_part, clear_all, lay_routes
from optimizer.search.arrays import Compiled, Instance, compile_problem, may_serve
from optimizer.search.state import new_solution, new_worker

SPARE_SLOTS = 64
SPARE_PLACES = 64
SPARE_WINDOWS = 8


class Places:
    """Travel matrices with spare rows, so that a new place moves nothing."""

    def __init__(self, problem: Problem) -> None:
        self.count = len(problem.locations)
        self.room = self.count + SPARE_PLACES
        self.buffers: dict[str, Travel] = {}
        for profile, travel in problem.travel.items():
            distances = travel.distances_m
            self.buffers[profile] = Travel(
                self._padded(travel.durations_s),
                None if distances is None else self._padded(distances),
            )

    def _padded(self, matrix: NDArray[np.int32]) -> NDArray[np.int32]:
        wide = np.full((self.room, self.room), UNREACHABLE, np.int32)
        wide[: self.count, : self.count] = matrix
        return wide

    def travel(self) -> dict[str, Travel]:
        """Views that hold the places known now."""
        k = self.count
        return {
            profile: Travel(
                wide.durations_s[:k, :k],
                None if wide.distances_m is None else wide.distances_m[:k, :k],
            )
            for profile, wide in self.buffers.items()
        }


class Model:
    """Arrays, solution and workspace of the open routes.

    Attributes
    ----------
    job_of : list of str
        The job behind each task; empty for anchors and free slots.
    first_at : int64[R]
        The node behind which a shift may still be changed.
    misfits : set of int
        Shifts whose tail the arrays cannot reproduce; they have to be closed.
    """

    def __init__(
        self,
        problem: Problem,
        places: Places,
        stands: Sequence[Standing],
        tails: Mapping[int, Sequence[Job]],
        starts: Mapping[str, int],
        seed: int,
        homeless: Sequence[tuple[Job, Job]] = (),
        *,
        blind: Collection[tuple[str, str]] = (),
    ) -> None:
        """Compile what is left of the day.

        Parameters
        ----------
        homeless
            (job of the problem, the single visit it becomes), on no route yet.
        blind
            (technician, shift) to leave as they are: the arrays cannot reproduce these routes.
        """
        self.problem, self.places, self.stands = problem, places, stands
        self.shut = {
            r
            for r, stand in enumerate(stands)
            if stand.closed or (stand.technician.id, stand.shift.id) in blind
        }
        self.tails = tails
        self.starts = starts
        away = {job.id for job, _ in homeless}
        loose = [job for job in _unplaced(problem, stands, tails) if job.id not in away]
        jobs: list[Job] = []
        self.job_of: list[str] = []
        rows: dict[int, list[int]] = {r: [] for r in range(len(stands))}
        self.anchors: dict[int, int] = {}
        for r, stand in enumerate(stands):
            if r in self.shut:
                continue
            if stand.last_job is not None:
                self.anchors[r] = len(jobs)
                rows[r].append(len(jobs))
                jobs.append(self._anchor(r, stand, stand.last_job))
                self.job_of.append("")
            for job in tails.get(r, ()):
                rows[r].append(len(jobs))
                jobs.append(plain_visit(job, f"t{len(jobs)}", starts.get(job.id), stand))
                self.job_of.append(job.id)
        for job in loose:
            jobs.append(plain_visit(job, f"t{len(jobs)}", None, None))
            self.job_of.append(job.id)
        self.homeless = list(range(len(jobs), len(jobs) + len(homeless)))
        for job, visit in homeless:
            jobs.append(replace(visit, id=f"t{len(jobs)}"))
            self.job_of.append(job.id)
        self.first_slot = len(jobs)
        jobs += self._slots()
        self.job_of += [""] * SPARE_SLOTS
        self.free = list(range(len(jobs) - 1, self.first_slot - 1, -1))
        self.technicians = self._technicians()
        travel = places.buffers
        spare = tuple(Location(f"spare {k}") for k in range(places.room - places.count))
        model = replace(
            problem,
            locations=(*problem.locations, *spare),
            travel=travel,
            technicians=self.technicians,
            jobs=tuple(jobs),
            published=None,
            frozen_until=None,
            restock=None,  # routes that call at the depot are closed, see `standing`
        )
        self.compiled: Compiled = compile_problem(model)
        self.arrays: Instance = self.compiled.arrays
        self._after_compiling(problem)
        self.solution: Any = new_solution(self.compiled)
        self.worker: Any = new_worker(self.compiled, 0, seed)
        self.misfits = self._lay(rows)

    def _anchor(self, r: int, stand: Standing, last: Job) -> Job:
        begin = min(stand.ready, max(step.start or 0 for step in stand.steps if step.job))
        return Job(
            f"anchor {r}",
            stand.place,
            service_s=stand.ready - begin,
            time_windows=((begin, begin),),
            allowed=frozenset({stand.technician.id}),
            drop_penalty=0,
        )

    def _slots(self) -> list[Job]:
        problem = self.problem
        parts = {part: 0 for who in problem.technicians for part in who.stock}
        dimensions = max(
            (len(shift.capacity) for who in problem.technicians for shift in who.shifts), default=0
        )
        windows = tuple((k, k) for k in range(SPARE_WINDOWS))
        return [
            Job(
                f"slot {k}",
                self.places.room - 1,
                time_windows=windows,
                drop_penalty=0,
                allowed=frozenset(),
                parts=parts,
                load=(0,) * dimensions,
            )
            for k in range(SPARE_SLOTS)
        ]

    def _technicians(self) -> tuple[Any, ...]:
        """People as they stand: what is done is taken off their shifts, vans and counts."""
        used: dict[str, Counter[str]] = {}
        shifts: dict[str, list[Any]] = {}
        for r, stand in enumerate(self.stands):
            who, shift = stand.technician, stand.shift
            spent = used.setdefault(who.id, Counter())
            for job in stand.settled:
                spent.update(job.parts)
            if r in self.shut:
                for job in stand.tail if stand.closed else self.tails.get(r, ()):
                    spent.update(job.parts)
            anchored = r in self.anchors
            done = len(stand.settled)
            room = None if shift.max_jobs is None else shift.max_jobs - done + anchored
            loaded = [
                sum(job.load[k] for job in stand.settled if k < len(job.load))
                for k in range(len(shift.capacity))
            ]
            begin = shift.start if r in self.shut else stand.ready
            if anchored:
                begin = self._anchor(r, stand, stand.last_job).time_windows[0][0]  # type: ignore[arg-type]
            pauses = tuple(
                replace(
                    pause,
                    windows=tuple((max(a, stand.ready), b) for a, b in pause.windows
                                  if b >= stand.ready) or ((c.FAR, c.FAR),),
                )
                for pause in stand.pauses
            )  # fmt: skip
            shifts.setdefault(who.id, []).append(
                replace(
                    shift,
                    start=begin,
                    start_location=stand.place,
                    breaks=pauses,
                    max_jobs=0 if r in self.shut else room,
                    capacity=tuple(
                        max(0, a - b) for a, b in zip(shift.capacity, loaded, strict=True)
                    ),
                )
            )
        return tuple(
            replace(
                who,
                shifts=tuple(shifts.get(who.id, ())),
                stock={
                    part: max(0, count - used[who.id][part]) if who.id in used else count
                    for part, count in who.stock.items()
                },
            )
            for who in self.problem.technicians
        )

    def _after_compiling(self, problem: Problem) -> None:
        """What the plain problem could not say: what is fixed, and what phones show already."""
        arrays = self.arrays
        for r, task in self.anchors.items():
            arrays.locked[task] = 1
            arrays.fits[task, :] = 0
            arrays.fits[task, r] = 1
        for r in self.shut:
            arrays.fits[:, r] = 0
        for task, job_id in enumerate(self.job_of):
            if job_id in self.starts and task not in self.homeless:
                arrays.locked[task] = 1
        arrays.left_out[self.first_slot :] = 0
        self.shown = self._shown(problem.published)
        for task, job_id in enumerate(self.job_of):
            self._publish(task, job_id)
        begin = arrays.n + 2 * np.arange(arrays.n_shifts, dtype=np.int64)
        self.first_at = begin
        for r, task in self.anchors.items():
            self.first_at[r] = task

    def _shown(self, published: Plan | None) -> dict[str, list[tuple[int, int]]]:
        """Per job the (shift, start) on the phones; shift -2 where it is no longer there."""
        shown: dict[str, list[tuple[int, int]]] = {}
        number = {(s.technician.id, s.shift.id): r for r, s in enumerate(self.stands)}
        for route in published.routes if published is not None else ():
            r = number.get((route.technician, route.shift), -2)
            for step in route.steps:
                if step.job is not None:
                    shown.setdefault(step.job, []).append((r, step.start or 0))
        return shown

    def publish(self, plan: Plan) -> None:
        """Count changes against this plan, which has to be the one laid out here."""
        self.shown = self._shown(plan)
        for task, job_id in enumerate(self.job_of):
            self._publish(task, job_id)
        self.solution.figures[:, c.CHANGES] = 0
        self.sync()

    def _publish(self, task: int, job_id: str) -> None:
        arrays = self.arrays
        there = self.shown.get(job_id)
        arrays.published_shift[task] = -1 if not there else there[0][0]
        arrays.published_start[task] = 0 if not there else there[0][1]
        arrays.left_out[task, c.CHANGES] = 2 if there else 0

    def _lay(self, rows: Mapping[int, list[int]]) -> set[int]:
        clear_all(self.arrays, self.solution)
        self.sync()
        shifts = [r for r in rows if rows[r]]
        first_of = np.cumsum([0, *(len(rows[r]) for r in shifts)])
        tasks = [task for r in shifts for task in rows[r]]
        as_array: list[Any] = [np.array(x, np.int64) for x in (shifts, first_of, tasks)]
        lay_routes(self.arrays, self.solution, self.worker, *as_array)
        self.sync()
        return {r for r in shifts if self.chain(r) != rows[r]}

    def sync(self) -> None:
        """Take stock anew after a change; free slots belong to nobody."""
        part = np.zeros(self.arrays.n, np.int32)
        part[self.free] = 1
        begin_part(self.arrays, self.solution, self.worker, part)

    def chain(self, r: int) -> list[int]:
        """Tasks on the shift in their order, the anchor included."""
        node, n = self.solution.node, self.arrays.n
        found = []
        at = int(node[n + 2 * r, c.NEXT])
        while at < n:
            found.append(at)
            at = int(node[at, c.NEXT])
        return found

    def best_chain(self, r: int) -> list[int]:
        """The same in the best plan that the search has met."""
        following, n = self.solution.best_next, self.arrays.n
        found = []
        at = int(following[n + 2 * r])
        while at < n:
            found.append(at)
            at = int(following[at])
        return found

    def tail(self, r: int, chain: list[int] | None = None) -> tuple[str, ...] | None:
        """Job ids behind the anchor; None when something slipped in before it."""
        chain = self.chain(r) if chain is None else chain
        if r in self.anchors:
            if not chain or chain[0] != self.anchors[r]:
                return None
            chain = chain[1:]
        return tuple(self.job_of[task] for task in chain)

    def fill(self, task: int, job: Job) -> None:
        """Put a visit into a slot (or rewrite the one in it); it stands on no route yet."""
        arrays = self.arrays
        windows = sorted(job.time_windows) or [(-c.FAR, c.FAR)]
        if job.pinned is not None and job.pinned.start is not None:
            windows = [(job.pinned.start, job.pinned.start)]
        windows = [(max(a, job.release), b) for a, b in windows if b >= job.release]
        windows = windows or [(c.FAR, -c.FAR)]
        first = int(arrays.window_from[task])
        if len(windows) > int(arrays.window_from[task + 1]) - first:
            raise ValueError(f"job {job.id}: more than {SPARE_WINDOWS} time windows")
        for k in range(int(arrays.window_from[task + 1]) - first):
            a, b = windows[min(k, len(windows) - 1)]
            arrays.opens[first + k], arrays.closes[first + k] = a, b
        arrays.task[task] = (
            job.location,
            windows[0][0],
            windows[-1][1],
            len(windows),
            c.FAR if job.due is None else job.due,
            self.problem.weight(job),
            job.setup_s,
            job.release,
        )
        self.solution.window[task] = windows[0][0], windows[-1][1]
        for r, stand in enumerate(self.stands):
            kind = arrays.shift[r, c.SERVICE_KIND]
            arrays.service[kind, task] = service_time_s(job, stand.technician)
        self._fill_loads(task, job)
        row = [
            0 if r in self.shut else may_serve(job, who, shift, False)
            for r, (who, shift) in enumerate(self.compiled.shifts)
        ]
        arrays.fits[task] = row
        arrays.hardness[task] = 1.0 - float((arrays.fits[task] > 0).mean()) if row else 1.0
        out = self._left_out(job)
        arrays.left_out[task] = out
        self.job_of[task] = job.id
        self._publish(task, job.id)
        arrays.drop_energy[task] = max(float(arrays.left_out[task] @ arrays.weight), 1e-9)
        self._neighbours(task)

    def fix(self, task: int, start: int) -> None:
        """The visit in this slot, on no route, starts in this second."""
        arrays = self.arrays
        first, last = int(arrays.window_from[task]), int(arrays.window_from[task + 1])
        arrays.opens[first:last] = arrays.closes[first:last] = start
        arrays.task[task, c.EARLIEST] = arrays.task[task, c.LATEST] = start
        arrays.task[task, c.WINDOWS] = 1
        self.solution.window[task] = start

    def _left_out(self, job: Job) -> NDArray[np.int64]:
        from optimizer.search.goals import left_out_figures

        row: NDArray[np.int64] = left_out_figures(self.problem, (job,), np.full(1, -1, np.int64))[0]
        return row

    def _fill_loads(self, task: int, job: Job) -> None:
        arrays = self.arrays
        arrays.load[task] = 0
        known = min(arrays.load.shape[1], len(job.load))
        arrays.load[task, :known] = job.load[:known]
        first, last = int(arrays.part_from[task]), int(arrays.part_from[task + 1])
        names = sorted({part for who in self.problem.technicians for part in who.stock})
        arrays.part_count[first:last] = [job.parts.get(part, 0) for part in names]

    def _neighbours(self, task: int) -> None:
        arrays = self.arrays
        n, drive = arrays.n, arrays.drive[0]
        place = int(arrays.task[task, c.LOCATION])
        others = np.flatnonzero(self.solution.node[:n, c.ROUTE] >= 0)
        others = others[others != task]
        there = drive[place, arrays.task[others, c.LOCATION]]
        order = others[np.argsort(there, kind="stable")]
        for table in (arrays.near, arrays.around):
            if len(order):
                table[task] = np.resize(order, table.shape[1])
        starts = arrays.task[n + 2 * np.arange(arrays.n_shifts), c.LOCATION]
        fitting = np.flatnonzero(arrays.fits[task] > 0)
        nearest = fitting[np.argsort(drive[starts[fitting], place], kind="stable")]
        types = list(dict.fromkeys(arrays.shift[nearest, c.SHIFT_TYPE].tolist()))
        for table, row in ((arrays.near_shifts, nearest.tolist()), (arrays.near_types, types)):
            table[task] = -1
            count = min(table.shape[1], len(row))
            table[task, :count] = row[:count]

    def retire(self, task: int) -> None:
        """Forget a visit that is on no route: nobody fits it, leaving it out costs nothing."""
        self.arrays.fits[task] = 0
        self.arrays.left_out[task] = 0
        self.arrays.drop_energy[task] = 1e-9
        self.job_of[task] = ""
        if task >= self.first_slot and task not in self.free:
            self.free.append(task)

    def add_place(self, index: int) -> None:
        """Bring row and column of a place that `Places` has filled into the layers in use."""
        arrays = self.arrays
        seen: set[int] = set()
        for r, stand in enumerate(self.stands):
            kind = int(arrays.shift[r, c.DRIVE_KIND])
            if kind in seen:
                continue
            seen.add(kind)
            who = stand.technician
            wide = self.places.buffers[who.profile]
            for k in range(self.places.count):
                for a, b in ((index, k), (k, index)):
                    arrays.drive[kind, a, b] = drive_s(
                        int(wide.durations_s[a, b]), who.speed_factor
                    )
            if arrays.has_metres and wide.distances_m is not None:
                m = min(kind, arrays.metres.shape[0] - 1)
                arrays.metres[m, index] = wide.distances_m[index]
                arrays.metres[m, :, index] = wide.distances_m[:, index]


def plain_visit(job: Job, name: str, start: int | None, stand: Standing | None) -> Job:
    """The job as one visit on its own; fixed to its start where it is tied or frozen."""
    windows = job.time_windows
    allowed = job.allowed
    if start is not None and stand is not None:
        windows, allowed = ((start, start),), frozenset({stand.technician.id})
    return replace(
        job,
        id=name,
        crew=1,
        after=(),
        together=(),
        time_windows=windows,
        allowed=allowed,
        pinned=job.pinned if start is None else None,
    )


def _unplaced(
    problem: Problem, stands: Sequence[Standing], tails: Mapping[int, Sequence[Job]]
) -> list[Job]:
    """Jobs on no route that can be placed on their own."""
    placed = {job.id for stand in stands for job in stand.settled}
    placed |= {job.id for stand in stands if stand.closed for job in stand.tail}
    placed |= {job.id for tail in tails.values() for job in tail}
    followed = {before for job in problem.jobs for before in (*job.after, *job.together)}
    return [
        job
        for job in problem.jobs
        if job.id not in placed
        and job.id not in followed
        and job.crew == 1
        and not job.after
        and not job.together
    ]
