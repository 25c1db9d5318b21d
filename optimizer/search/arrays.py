"""A Problem as arrays: what the compiled search reads and never writes (but for linked windows)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.problem import (
    UNREACHABLE,
    Job,
    Pin,
    Problem,
    Shift,
    Technician,
    service_time_s,
    wants_short_days,
)
from optimizer.search import layout as c
from optimizer.search.by_pointer import by_pointer
from optimizer.search.goals import energies, goal_levels, left_out_figures, typical_leg
from optimizer.search.neighbourhoods import nearest_shifts, nearest_types, neighbours
from optimizer.search.supplies import bare_technicians, needs_depot, trips

I64 = NDArray[np.int64]


@by_pointer
class Instance(NamedTuple):
    """The arrays. n tasks (a job of crew k is k tasks), R shifts, N = n + 2R nodes.

    Node n + 2r is the start of shift r, n + 2r + 1 its end. With a depot N = n + 3R.
    """

    n: int
    n_shifts: int
    drive: Any  # int32[kinds, L, L]
    metres: Any  # int32[profiles-like kinds, L, L] or [1, 1, 1]
    has_metres: bool
    task: I64  # int64[N, 8]
    window_from: I64  # int64[n + 1]
    opens: I64
    closes: I64
    service: Any  # int32[kinds, n], with a depot [kinds, N]
    fits: Any  # uint8[n, R]: 0 never, 1 yes, 2 yes but somebody else is preferred
    shift: I64  # int64[R, 12]
    break_window_from: I64
    break_opens: I64
    break_closes: I64
    break_duration: I64
    load: I64  # int64[n, dimensions]
    capacity: I64  # int64[R, dimensions]
    part_from: I64
    part_id: I64
    part_count: I64
    stock: I64  # int64[technicians, parts]
    near: Any  # int32[n, K] visits likely to stand beside
    around: Any  # int32[n, A] nearest visits
    near_types: Any  # int32[n, KT] nearest shift types, -1 padded
    near_shifts: Any  # int32[n, KF] nearest shifts, -1 padded
    published_shift: I64  # int64[n], -1 none
    published_start: I64
    locked: Any  # uint8[n]
    left_out: I64  # int64[n, N_FIGURES]: what dropping the task adds to the figures
    weight: Any  # float64[N_FIGURES]: energy per unit of a figure
    levels: Any  # float64[goals, N_FIGURES]
    step: Any  # float64[goals] a small step in each goal, the unit of its temperature
    drop_energy: Any  # float64[n]
    hardness: Any  # float64[n]
    group: I64  # int64[n] linked group, -1 none
    group_from: I64
    group_task: I64
    relation_from: I64
    relation_other: I64
    relation_kind: I64
    relation_least: I64
    relation_most: I64
    sums_only: bool  # neither spread nor worst_late is a goal
    has_depot: bool  # trips to the depot may be planned; node n + 2R + r is that of shift r
    bare: Any  # uint8[n, technicians] equipment carried suffices; [1, 1] without a depot
    fetched: Any  # uint8[R] the trip was made before the frozen line
    short_days: bool  # waiting or the hours at work are a goal
    late_at_start: bool  # lateness is that of the start of service, not of the arrival
    crew_of: I64  # jobs with several tasks or published stops, see `crews`
    crew_from: I64
    crew_task: I64
    crew_liked: I64
    stop_from: I64
    stop_shift: I64
    stop_start: I64
    wide: I64  # int64[n, 2] first and last start where the successors are left out


@dataclass(frozen=True, slots=True)
class Compiled:
    """The arrays with the names that lead back to the problem."""

    problem: Problem
    arrays: Instance
    tasks: tuple[Job, ...]
    shifts: tuple[tuple[Technician, Shift], ...]
    leg: float  # the median drive between neighbours, the scale of the temperatures
    task_of: dict[str, list[int]]
    shift_of: dict[tuple[str, str], int]


def compile_problem(problem: Problem) -> Compiled:
    """Turn a problem into arrays.

    Travel is copied only where a speed factor or several profiles demand it.
    """
    from optimizer.search.crews import find_crews
    from optimizer.search.ties import find_links, hopeless_jobs, narrow_windows

    shifts = tuple((who, shift) for who in problem.technicians for shift in who.shifts)
    tasks = tuple(job for job in problem.jobs for _ in range(job.crew))
    n, n_shifts = len(tasks), len(shifts)
    drive, metres, drive_kind = _drives(problem, shifts)
    service, service_kind = _services(tasks, shifts)
    frozen = _frozen(problem)
    task, window_from, opens, closes = _tasks(problem, tasks, shifts, frozen)
    shift, breaks = _shifts(shifts, drive_kind, service_kind, n)
    fits = _fits(problem, tasks, shifts, task, drive, shift, frozen)
    load, capacity = _loads(tasks, shifts)
    part_from, part_id, part_count, stock = _parts(problem, tasks)
    has_depot = needs_depot(problem)
    fetched = np.zeros(n_shifts, np.uint8)
    if has_depot:
        rows, fetched = trips(problem, shifts)
        task = np.vstack([task, rows])
        service = _with_trips(problem, service, n_shifts)
    task_of: dict[str, list[int]] = {}
    for index, job in enumerate(tasks):
        task_of.setdefault(job.id, []).append(index)
    shift_of = {(who.id, piece.id): r for r, (who, piece) in enumerate(shifts)}
    published_shift = np.full(n, -1, np.int64)
    published_start = np.zeros(n, np.int64)
    for route in problem.published.routes if problem.published else ():
        for step in route.steps:
            free = [t for t in task_of.get(step.job or "", ()) if published_shift[t] == -1]
            if step.type == "job" and free:
                published_shift[free[0]] = shift_of.get((route.technician, route.shift), -2)
                published_start[free[0]] = step.start or 0
    locked = np.zeros(n, np.uint8)
    for job_id in frozen:
        for t in task_of.get(job_id, ()):
            locked[t] = 1
    left_out = left_out_figures(problem, tasks, published_shift)
    levels = goal_levels(problem)
    kind0 = drive[0]
    near, around = neighbours(kind0, task, service[0, :n], n)
    leg = typical_leg(kind0, near, task, n)
    weight, drop_energy, step = energies(problem, leg, levels, left_out, task, n)
    choices = (fits > 0).sum(axis=1).tolist()
    hopeless: set[str] = set()
    while True:
        links = find_links(problem, tasks, task_of, choices, hopeless)
        wide = task.copy()
        narrow_windows(links, wide, service, locked, for_successors=False)
        if not len(links.group_task):
            break
        found = hopeless_jobs(problem, task_of, fits, wide, locked) | hopeless
        if found == hopeless:
            break
        hopeless = found
        fits[[t for name in hopeless for t in task_of[name]]] = 0
    narrow_windows(links, task, service, locked)
    arrays = Instance(
        n, n_shifts, drive, metres, metres.shape[1] > 1, task, window_from, opens, closes, service,
        fits, shift, *breaks, load, capacity, part_from, part_id, part_count, stock, near, around,
        nearest_types(kind0, task, shift, fits, n), nearest_shifts(kind0, task, fits, n, n_shifts),
        published_shift, published_start, locked, left_out, weight, levels, step, drop_energy,
        _hardness(fits, load, capacity), *links,
        bool(not levels[:, (c.SPREAD, c.WORST_LATE)].any()),
        has_depot, bare_technicians(problem, tasks, has_depot), fetched, wants_short_days(problem),
        problem.late_at == "start", *find_crews(problem, task_of, shift_of),
        np.ascontiguousarray(wide[:n, [c.EARLIEST, c.LATEST]]),
    )  # fmt: skip
    return Compiled(problem, arrays, tasks, shifts, leg, task_of, shift_of)


def _drives(
    problem: Problem, shifts: tuple[tuple[Technician, Shift], ...]
) -> tuple[Any, Any, list[int]]:
    kinds: dict[tuple[str, float], int] = {}
    kind_of = [kinds.setdefault((who.profile, who.speed_factor), len(kinds)) for who, _ in shifts]
    if not kinds:
        first = next(iter(problem.travel), None)
        size = len(problem.locations)
        empty = np.zeros((1, size, size), np.int32)
        base = empty if first is None else problem.travel[first].durations_s[None]
        return base, np.zeros((1, 1, 1), np.int32), []
    layers = []
    for profile, factor in kinds:
        durations = problem.travel[profile].durations_s
        if factor != 1.0:
            scaled = np.floor(durations / factor + 0.5)
            durations = np.where(durations >= UNREACHABLE, UNREACHABLE, scaled)
        layers.append(np.asarray(durations, dtype=np.int32))
    drive = np.ascontiguousarray(layers[0])[None] if len(layers) == 1 else np.stack(layers)
    wanted = {name for goal in problem.objective for name, _ in goal.terms}
    distances = [problem.travel[profile].distances_m for profile, _ in kinds]
    if wanted & {"distance", "cost"} and any(m is not None for m in distances):
        known = [
            np.zeros(drive.shape[1:], np.int32) if m is None else np.asarray(m, np.int32)
            for m in distances
        ]
        metres = np.ascontiguousarray(known[0])[None] if len(known) == 1 else np.stack(known)
    else:
        metres = np.zeros((1, 1, 1), np.int32)
    return drive, metres, kind_of


def _services(
    tasks: tuple[Job, ...], shifts: tuple[tuple[Technician, Shift], ...]
) -> tuple[Any, list[int]]:
    kinds: dict[tuple[tuple[str, float], ...], int] = {}
    rows: list[list[int]] = []
    kind_of = []
    for who, _ in shifts:
        key = tuple(sorted(who.service_factor.items()))
        if key not in kinds:
            kinds[key] = len(kinds)
            rows.append([service_time_s(job, who) for job in tasks])
        kind_of.append(kinds[key])
    if not rows:
        rows.append([job.service_s for job in tasks])
    return np.array(rows, dtype=np.int32).reshape(len(rows), len(tasks)), kind_of


def _with_trips(problem: Problem, service: Any, n_shifts: int) -> Any:
    """The service table with a column per node, the trips' own time in theirs."""
    assert problem.restock is not None
    wide = np.zeros((service.shape[0], service.shape[1] + 3 * n_shifts), np.int32)
    wide[:, : service.shape[1]] = service
    wide[:, service.shape[1] + 2 * n_shifts :] = problem.restock.service_s
    return wide


def _frozen(problem: Problem) -> dict[str, list[tuple[str, str, int]]]:
    """Job id → where and when the phone shows it, for what starts before the frozen line."""
    frozen: dict[str, list[tuple[str, str, int]]] = {}
    if problem.published is None or problem.frozen_until is None:
        return frozen
    for route in problem.published.routes:
        for step in route.steps:
            if step.job is not None and (step.start or 0) < problem.frozen_until:
                frozen.setdefault(step.job, []).append(
                    (route.technician, route.shift, step.start or 0)
                )
    return frozen


def _tasks(
    problem: Problem,
    tasks: tuple[Job, ...],
    shifts: tuple[tuple[Technician, Shift], ...],
    frozen: dict[str, list[tuple[str, str, int]]],
) -> tuple[I64, I64, I64, I64]:
    n = len(tasks)
    task = np.zeros((n + 2 * len(shifts), 8), np.int64)
    window_from = np.zeros(n + 1, np.int64)
    opens: list[int] = []
    closes: list[int] = []
    line = problem.frozen_until if problem.frozen_until is not None else -c.FAR
    for i, job in enumerate(tasks):
        windows = sorted(job.time_windows) or [(-c.FAR, c.FAR)]
        if job.pinned is not None and job.pinned.start is not None:
            windows = [(job.pinned.start, job.pinned.start)]
        earliest = max(job.release, line)
        if job.id in frozen:
            start = frozen[job.id][0][2]
            windows, earliest = [(start, start)], start
        windows = [(max(a, earliest), b) for a, b in windows if b >= earliest]
        windows = windows or [(c.FAR, -c.FAR)]
        opens += [a for a, _ in windows]
        closes += [b for _, b in windows]
        window_from[i + 1] = len(opens)
        task[i, c.LOCATION] = job.location
        task[i, c.EARLIEST], task[i, c.LATEST] = windows[0][0], windows[-1][1]
        task[i, c.WINDOWS] = len(windows)
        task[i, c.DUE] = c.FAR if job.due is None else job.due
        same = i > 0 and tasks[i - 1] is job  # a crew's lateness counts once
        task[i, c.WEIGHT] = 0 if same else problem.weight(job)
        task[i, c.SETUP] = job.setup_s
        task[i, c.RELEASE] = job.release
    for r, (_, shift) in enumerate(shifts):
        start, end = n + 2 * r, n + 2 * r + 1
        task[start, c.LOCATION] = shift.start_location
        task[end, c.LOCATION] = -1 if shift.end_location is None else shift.end_location
        task[start : end + 1, c.RELEASE] = -c.FAR
        task[start : end + 1, c.DUE] = c.FAR
    return task, window_from, np.array(opens, np.int64), np.array(closes, np.int64)


def _shifts(
    shifts: tuple[tuple[Technician, Shift], ...],
    drive_kind: list[int],
    service_kind: list[int],
    n: int,
) -> tuple[I64, tuple[I64, I64, I64, I64]]:
    table = np.zeros((len(shifts), 12), np.int64)
    window_from, durations = [0], list[int]()
    opens, closes = list[int](), list[int]()
    types: dict[Any, int] = {}
    technicians: dict[str, int] = {}
    for r, (who, shift) in enumerate(shifts):
        first = len(durations)
        for pause in sorted(shift.breaks, key=lambda pause: pause.windows[0]):
            for a, b in sorted(pause.windows):
                opens.append(a)
                closes.append(b)
            window_from.append(len(opens))
            durations.append(pause.duration_s)
        alike = (
            shift.start, shift.end, shift.overtime_s, shift.start_location, shift.end_location,
            shift.breaks, shift.max_jobs, shift.capacity, drive_kind[r], service_kind[r],
            tuple(sorted(who.skills.items())), who.equipment, tuple(sorted(who.stock.items())),
            who.cost_per_hour_fen, who.cost_per_km_fen, who.id if len(who.shifts) > 1 else "",
        )  # fmt: skip
        table[r] = (
            shift.start, shift.end, shift.end + shift.overtime_s, drive_kind[r], service_kind[r],
            technicians.setdefault(who.id, len(technicians)), first, len(durations),
            types.setdefault(alike, len(types)),
            n + 1 if shift.max_jobs is None else shift.max_jobs,
            who.cost_per_hour_fen, who.cost_per_km_fen,
        )  # fmt: skip
    as_array = [np.array(x, np.int64) for x in (window_from, opens, closes, durations)]
    return table, (as_array[0], as_array[1], as_array[2], as_array[3])


def _fits(
    problem: Problem,
    tasks: tuple[Job, ...],
    shifts: tuple[tuple[Technician, Shift], ...],
    task: I64,
    drive: Any,
    shift: I64,
    frozen: dict[str, list[tuple[str, str, int]]],
) -> Any:
    """Which shift may take which task, by every rule without a clock (and the plainest with)."""
    n, n_shifts = len(tasks), len(shifts)
    fits = np.zeros((n, n_shifts), np.uint8)
    by_demand: dict[Any, Any] = {}
    restock = needs_depot(problem)
    kinds = shift[:, c.DRIVE_KIND]
    starts = np.array([s.start_location for _, s in shifts], np.int64)
    ends = np.array([-1 if s.end_location is None else s.end_location for _, s in shifts], np.int64)

    @cache
    def leg(kind: int, place: int, outwards: bool) -> int:
        """The shortest drive from a place to any other, or to it."""
        legs = (drive[kind, place] if outwards else drive[kind, :, place]).copy()
        legs[place] = UNREACHABLE
        return int(legs.min())

    for i, job in enumerate(tasks):
        if i and tasks[i - 1] is job:
            # one of a crew has to be the pinned or preferred one: the first
            loose = replace(job, preferred=frozenset(), pinned=_only_start(job.pinned))
            job = loose if loose != job else job
            if job is not loose or job.id in frozen:
                fits[i] = fits[i - 1]
                continue
        demand = (
            tuple(sorted(job.skills.items())), job.equipment, job.allowed, job.excluded,
            job.preferred, tuple(sorted(job.parts.items())), job.load, job.pinned,
        )  # fmt: skip
        if demand not in by_demand:
            by_demand[demand] = np.array(
                [may_serve(job, who, piece, restock) for who, piece in shifts], np.uint8
            )
        row = by_demand[demand].copy()
        if job.id in frozen:
            places = {(t, s) for t, s, _ in frozen[job.id]}
            for r, (who, piece) in enumerate(shifts):
                liked = not job.preferred or who.id in job.preferred
                row[r] = (1 if liked else 2) if (who.id, piece.id) in places else 0
        elif n_shifts:
            out = drive[kinds, starts, job.location].astype(np.int64)
            back = np.where(ends < 0, 0, drive[kinds, job.location, ends]).astype(np.int64)
            for k in np.flatnonzero(out >= UNREACHABLE):  # perhaps there is a way by other stops
                out[k] = leg(int(kinds[k]), int(starts[k]), True)
                out[k] += leg(int(kinds[k]), job.location, False)
            for k in np.flatnonzero(back >= UNREACHABLE):
                back[k] = leg(int(kinds[k]), job.location, True)
                back[k] += leg(int(kinds[k]), int(ends[k]), False)
            reach = np.maximum(shift[:, c.SHIFT_START] + out, task[i, c.EARLIEST])
            late = (reach > task[i, c.LATEST]) | (reach + back > shift[:, c.HARD_END])
            row[late] = 0
        fits[i] = row
    return fits


def _only_start(pin: Pin | None) -> Pin | None:
    return None if pin is None or pin.start is None else Pin(start=pin.start)


def may_serve(job: Job, who: Technician, shift: Shift, restock: bool) -> int:
    """0 never, 1 yes, 2 yes but somebody else is preferred; rules without a clock only."""
    if any(who.skills.get(skill, 0) < level for skill, level in job.skills.items()):
        return 0
    if not restock:
        if not job.equipment <= who.equipment:
            return 0
        if any(who.stock.get(part, 0) < count for part, count in job.parts.items()):
            return 0
    if (job.allowed is not None and who.id not in job.allowed) or who.id in job.excluded:
        return 0
    if job.pinned is not None:
        if job.pinned.technician not in (None, who.id) or job.pinned.shift not in (None, shift.id):
            return 0
    room = (*shift.capacity, *([0] * len(job.load)))
    if any(need > room[k] for k, need in enumerate(job.load)) or shift.max_jobs == 0:
        return 0
    return 2 if job.preferred and who.id not in job.preferred else 1


def _hardness(fits: Any, load: I64, capacity: I64) -> Any:
    """How hard a task is to place: the share of shifts that cannot take it, plus its load."""
    if fits.shape[1] == 0:
        return np.ones(len(fits))
    hard = 1.0 - (fits > 0).mean(axis=1)
    room = capacity.max(axis=0, initial=1)
    for k in range(load.shape[1]):
        hard = hard + load[:, k] / max(1, int(room[k]))
    return hard


def _loads(tasks: tuple[Job, ...], shifts: tuple[tuple[Technician, Shift], ...]) -> tuple[I64, I64]:
    dimensions = max((len(job.load) for job in tasks), default=0)
    load = np.zeros((len(tasks), dimensions), np.int64)
    capacity = np.zeros((len(shifts), dimensions), np.int64)
    for i, job in enumerate(tasks):
        load[i, : len(job.load)] = job.load
    for r, (_, shift) in enumerate(shifts):
        known = shift.capacity[:dimensions]
        capacity[r, : len(known)] = known
    return load, capacity


def _parts(problem: Problem, tasks: tuple[Job, ...]) -> tuple[I64, I64, I64, I64]:
    names: dict[str, int] = {}
    start, ids, counts = [0], [], []
    for job in tasks:
        for part, count in sorted(job.parts.items()):
            ids.append(names.setdefault(part, len(names)))
            counts.append(count)
        start.append(len(ids))
    stock = np.zeros((len(problem.technicians), len(names)), np.int64)
    row = 0
    for who in problem.technicians:
        if who.shifts:
            for part, index in names.items():
                stock[row, index] = who.stock.get(part, 0)
            row += 1
    return (
        np.array(start, np.int64),
        np.array(ids, np.int64),
        np.array(counts, np.int64),
        stock,
    )
