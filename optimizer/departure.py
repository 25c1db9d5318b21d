"""When to leave home: late enough that the day is as short as it can be, and not later.

For problems that count waiting or hours at work (`problem.wants_short_days`). Nobody is served
later than the window or the due time allows, and the day does not end in more overtime.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from optimizer.plan import Step
from optimizer.problem import Job, Problem, Shift

FAR = 1 << 40

Piece = tuple[int, int, int]
"""(duration, earliest, latest): it lasts so long when it begins between the two."""


def join(first: Piece, leg_s: int, second: Piece) -> Piece:
    """Two pieces of a route with a leg between them (Vidal et al. 2013, §4.3)."""
    lasts, earliest, latest = first
    shift = lasts + leg_s
    wait = max(0, second[1] - shift - latest)
    return (
        shift + second[0] + wait,
        max(second[1] - shift, earliest) - wait,
        min(second[2] - shift, latest),
    )


def leave_as_suits(
    problem: Problem,
    shift: Shift,
    jobs: Mapping[str, Job],
    steps: Sequence[Step],
    leg_home_s: int,
    fixed: Mapping[str, int],
    not_before: int,
    restock_from: int,
) -> tuple[int, tuple[Step, ...], int]:
    """Departure, steps and end of the shortest day with these steps in this order.

    Parameters
    ----------
    steps
        Timed from the start of the shift, as early as possible.
    fixed
        Services that start at exactly this second.
    not_before
        No other service starts before this second.
    """
    limit = shift.end + shift.overtime_s
    day: Piece = (0, shift.start, limit)
    pauses = {pause.id: pause for pause in shift.breaks}
    for step in steps:
        start, end = step.start or 0, step.end or 0
        if step.break_id is not None:
            windows = pauses[step.break_id].windows
            opens, closes = next(w for w in windows if w[0] <= start <= w[1])
            day = join(day, 0, (end - start, opens, closes))
        elif step.job is None:
            day = join(day, step.travel_s, (end - start, restock_from, FAR))
        elif step.job in fixed:
            day = join(day, step.travel_s, _in_time(problem, step, jobs[step.job], start, start))
        else:
            job = jobs[step.job]
            windows = job.time_windows or ((-FAR, FAR),)
            opens, closes = next(w for w in sorted(windows) if w[0] <= start <= w[1])
            opens = max(opens, job.release, not_before)
            day = join(day, step.travel_s, _in_time(problem, step, job, opens, closes))
    arrival = (steps[-1].end if steps else shift.start) or 0
    closes = min(limit, max(shift.end, arrival + leg_home_s))
    taken = {step.break_id for step in steps}
    skipped = [pause.windows[0][0] for pause in shift.breaks if pause.id not in taken]
    _, begin, _ = join(day, leg_home_s, (0, -FAR, min([closes, *skipped])))
    return _timed_from(
        problem, begin, shift, jobs, steps, leg_home_s, fixed, not_before, restock_from
    )


def _in_time(problem: Problem, step: Step, job: Job, opens: int, closes: int) -> Piece:
    """A visit in its window, never later than due; it keeps the wait that being in time costs."""
    stay = (step.end or 0) - (step.start or 0)
    counts = step.start if problem.late_at == "start" else step.arrival
    latest = FAR if job.due is None else max(job.due, counts or 0)
    if latest < opens:
        return (stay + opens - latest, latest, latest)
    return (stay, opens, min(closes, latest))


def _timed_from(
    problem: Problem,
    begin: int,
    shift: Shift,
    jobs: Mapping[str, Job],
    steps: Sequence[Step],
    leg_home_s: int,
    fixed: Mapping[str, int],
    not_before: int,
    restock_from: int,
) -> tuple[int, tuple[Step, ...], int]:
    time = begin
    timed: list[Step] = []
    for step in steps:
        lasts = (step.end or 0) - (step.start or 0)
        arrival: int | None = time + step.travel_s
        late = 0
        if step.break_id is not None:
            windows = next(p.windows for p in shift.breaks if p.id == step.break_id)
            arrival, start = None, _first(time, windows)
        elif step.job is None:
            start = max(time + step.travel_s, restock_from)
        else:
            job = jobs[step.job]
            arrival = max(time + step.travel_s, job.release)
            start = fixed.get(step.job, -1)
            if start < 0:
                start = _first(max(arrival, not_before), sorted(job.time_windows))
            late = problem.late_s(job, arrival, start)
        wait = 0 if arrival is None else start - arrival
        time = start + lasts
        timed.append(
            replace(step, arrival=arrival, start=start, end=time, wait_s=wait, late_s=late)
        )
    return begin, tuple(timed), time + leg_home_s


def _first(ready: int, windows: Sequence[tuple[int, int]]) -> int:
    return next((max(ready, opens) for opens, closes in windows if ready <= closes), ready)
