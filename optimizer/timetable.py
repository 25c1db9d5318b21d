"""From a sequence of visits to a timetable: slow, exact and obvious.

The search keeps its own compiled arithmetic; this module turns its sequences into plans, answers
"does it fit, and if not, why", and is the reference that the compiled arithmetic is tested against.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from optimizer.departure import leave_as_suits
from optimizer.plan import Route, Step
from optimizer.problem import (
    UNREACHABLE,
    Break,
    Job,
    Problem,
    Shift,
    Technician,
    Window,
    drive_s,
    service_time_s,
    wants_short_days,
)


@dataclass(frozen=True, slots=True)
class Timetable:
    """A timed route, or the rule that no timing of this sequence can keep.

    ``late`` is weighted as in the goal; ``broken`` is one of ``unreachable``, ``window``,
    ``break``, ``shift`` and ``at`` the job (or break) at which the last hope died.
    """

    route: Route | None
    late: int = 0
    overtime_s: int = 0
    travel_s: int = 0
    wait_s: int = 0
    broken: str | None = None
    at: str | None = None


@dataclass(frozen=True, slots=True)
class _State:
    """A way to have done some jobs and breaks: where and when, and how it came about."""

    time: int
    late: int
    location: int
    previous_job: int
    steps: tuple[Step, ...]


def first_start(ready: int, windows: Sequence[Window]) -> int | None:
    """The first second ≥ ``ready`` inside a window (windows sorted); None when all are over."""
    if not windows:
        return ready
    for opens, closes in windows:
        if ready <= closes:
            return max(ready, opens)
    return None


def timetable(
    problem: Problem,
    technician: Technician,
    shift: Shift,
    jobs: Sequence[Job],
    starts: Mapping[str, int] | None = None,
    not_before: int | None = None,
    restock_at: int | None = None,
    restock_from: int = 0,
) -> Timetable:
    """Time the visits in this order as early as possible, breaks placed where they hurt least.

    Parameters
    ----------
    jobs
        The visits in order. Skills and other rules without a clock are not looked at.
    starts
        Services that must start at exactly this second (synchronised or pinned visits).
    not_before
        No other service starts before this second (the frozen line).

    restock_at, restock_from
        The trip to the depot comes before the visit of this index (with as many as there are
        visits: after the last one), and not before this second.

    Returns
    -------
    Timetable
        Of all placements of the breaks the one with least lateness, then earliest end. Earlier is
        never worse for what follows, so per (jobs done, breaks done) only undominated pairs of
        (lateness, time) are kept.
    """
    durations = problem.travel[technician.profile].durations_s
    breaks = tuple(sorted(shift.breaks, key=lambda pause: pause.windows[0]))

    def drive(origin: int, destination: int) -> int:
        return drive_s(int(durations[origin, destination]), technician.speed_factor)

    layer: list[list[_State]] = [[] for _ in range(len(breaks) + 1)]
    layer[0].append(_State(shift.start, 0, shift.start_location, -1, ()))
    broken, at = "shift", ""

    def fetch() -> None:
        depot = problem.restock
        assert depot is not None
        _take_breaks(layer, breaks)
        for states in layer:
            fetched = []
            for state in states:
                leg = drive(state.location, depot.location)
                if leg < UNREACHABLE:
                    arrival = state.time + leg
                    start = max(arrival, restock_from)
                    end = start + depot.service_s
                    step = Step(
                        "restock", depot.location, arrival, start, end, travel_s=leg,
                        wait_s=start - arrival,
                    )  # fmt: skip
                    fetched.append(
                        _State(end, state.late, depot.location, state.previous_job,
                               (*state.steps, step))
                    )  # fmt: skip
            states[:] = fetched

    for position, job in enumerate(jobs):
        if position == restock_at:
            fetch()
            if not any(layer):
                return Timetable(None, broken="unreachable", at="restock")
        _take_breaks(layer, breaks)
        following: list[list[_State]] = [[] for _ in range(len(breaks) + 1)]
        for done, states in enumerate(layer):
            for state in states:
                leg = drive(state.location, job.location)
                if leg >= UNREACHABLE:
                    broken, at = "unreachable", job.id
                    continue
                arrival = max(state.time + leg, job.release)
                windows = job.time_windows
                fixed = (starts or {}).get(job.id)
                if fixed is not None:
                    windows = ((fixed, fixed),)
                elif job.pinned is not None and job.pinned.start is not None:
                    fixed = job.pinned.start
                    if windows and first_start(fixed, windows) != fixed:
                        broken, at = "window", job.id
                        continue
                    windows = ((fixed, fixed),)
                ready = arrival
                if not_before is not None and fixed is None:
                    ready = max(arrival, not_before)
                start = first_start(ready, windows)
                if start is None:
                    broken, at = "window", job.id
                    continue
                same_place = position > 0 and jobs[position - 1].location == job.location
                end = start + service_time_s(job, technician) + (0 if same_place else job.setup_s)
                late_s = problem.late_s(job, arrival, start)
                step = Step(
                    "job", job.location, arrival, start, end, job.id, None, leg,
                    start - arrival, late_s,
                )  # fmt: skip
                late = state.late + late_s * problem.weight(job)
                following[done].append(
                    _State(end, late, job.location, position, (*state.steps, step))
                )
        layer = [_undominated(states) for states in following]
        if not any(layer):
            return Timetable(None, broken=broken, at=at)
    if restock_at == len(jobs):
        fetch()
    timed = _finish(jobs, technician, shift, breaks, layer, drive, problem.late_at == "start")
    if timed.route is None or not jobs or not wants_short_days(problem):
        return timed
    settled = dict(starts or {})
    for job in jobs:
        if job.pinned is not None and job.pinned.start is not None:
            settled.setdefault(job.id, job.pinned.start)
    _, *inner, last = timed.route.steps
    begin, steps, end = leave_as_suits(
        problem, shift, {job.id: job for job in jobs}, inner, last.travel_s, settled,
        -1 if not_before is None else not_before, restock_from,
    )  # fmt: skip
    route = replace(
        timed.route,
        start=begin,
        end=end,
        steps=(
            Step("start", shift.start_location, begin),
            *steps,
            Step("end", shift.end_location, end, travel_s=last.travel_s),
        ),
    )
    return replace(timed, route=route, wait_s=sum(step.wait_s for step in steps))


def _take_breaks(layer: list[list[_State]], breaks: tuple[Break, ...]) -> None:
    """Add to each layer what comes from taking the next break here."""
    for done, pause in enumerate(breaks):
        for state in layer[done]:
            start = first_start(state.time, pause.windows)
            if start is not None:
                end = start + pause.duration_s
                step = Step("break", None, None, start, end, break_id=pause.id)
                layer[done + 1].append(
                    _State(end, state.late, state.location, state.previous_job,
                           (*state.steps, step))
                )  # fmt: skip
        layer[done + 1] = _undominated(layer[done + 1])


def _undominated(states: list[_State]) -> list[_State]:
    kept: list[_State] = []
    for state in sorted(states, key=lambda s: (s.late, s.time)):
        if not kept or state.time < kept[-1].time:
            kept.append(state)
    return kept


def _finish(
    jobs: Sequence[Job],
    technician: Technician,
    shift: Shift,
    breaks: tuple[Break, ...],
    layer: list[list[_State]],
    drive: Callable[[int, int], int],
    late_at_start: bool,
) -> Timetable:
    """Drive home from every surviving state and keep the best finished route."""
    _take_breaks(layer, breaks)
    best: tuple[tuple[int, int], _State, int, int] | None = None
    broken, at = "break", breaks[-1].id if breaks else ""
    limit = shift.end + shift.overtime_s
    for done, states in enumerate(layer):
        for state in states:
            leg = 0 if shift.end_location is None else drive(state.location, shift.end_location)
            if leg >= UNREACHABLE:
                broken, at = "unreachable", "end"
                continue
            end = state.time + leg
            if any(end > pause.windows[0][0] for pause in breaks[done:]):
                continue
            if end > limit:
                broken, at = "shift", "end"
                continue
            key = (state.late, end)
            if best is None or key < best[0]:
                best = (key, state, leg, end)
    if best is None:
        return Timetable(None, broken=broken, at=at)
    _, state, leg, end = best
    steps = _leave_later(state.steps, jobs[0].due if jobs and not late_at_start else None)
    begin = shift.start
    if steps and steps[0].type != "break":
        begin = (steps[0].arrival or 0) - steps[0].travel_s
    route = Route(
        technician.id,
        shift.id,
        begin,
        end,
        (
            Step("start", shift.start_location, begin),
            *steps,
            Step("end", shift.end_location, end, travel_s=leg),
        ),
    )
    return Timetable(
        route,
        state.late,
        max(0, end - shift.end),
        leg + sum(step.travel_s for step in steps),
        sum(step.wait_s for step in steps),
    )


def _leave_later(steps: tuple[Step, ...], due: int | None) -> tuple[Step, ...]:
    """Spend the wait before the first visit at the start place, as long as nothing gets later."""
    if not steps or steps[0].type != "job" or not steps[0].wait_s:
        return steps
    first = steps[0]
    arrival, start = first.arrival or 0, first.start or 0
    later = first.wait_s if due is None else min(first.wait_s, max(0, due - arrival))
    if later == 0:
        return steps
    moved = Step(
        "job", first.location, arrival + later, start, first.end, first.job, None, first.travel_s,
        start - arrival - later, first.late_s,
    )  # fmt: skip
    return (moved, *steps[1:])
