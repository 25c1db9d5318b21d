"""What a crew counts in the goals: once a job, whichever of its halves stands where.

Routes count each half by itself: lateness and preference with the first, changes with the stop it
stands for. Halves are alike, though, and the goals look at all of them together: the last to
arrive, whether anybody preferred has a hand in it, whether anybody is where the phones say. The
difference is kept beside the sums over routes, crew by crew; an iteration counts those anew whose
routes it touched.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.problem import START_TOLERANCE_S, Job, Problem
from optimizer.search import layout as c
from optimizer.search.compiled import compiled
from optimizer.search.layout import BEGIN, DUE, FINISH, LEG, NEXT, PREV, RELEASE, ROUTE, WEIGHT
from optimizer.search.state import C_CREWS, C_MINE, C_PULLED, C_SAVED
from optimizer.search.timing import arrive

TOLERANCE_S = START_TOLERANCE_S


class Crews(NamedTuple):
    """Jobs with several tasks or several published stops: their tasks, and those stops.

    ``crew_of`` is each task's job among them, -1 for none. ``crew_liked[k, r]``: whether nobody, or
    the technician of shift r, is preferred for job k.
    """

    crew_of: NDArray[np.int64]
    crew_from: NDArray[np.int64]
    crew_task: NDArray[np.int64]
    crew_liked: NDArray[np.int64]
    stop_from: NDArray[np.int64]
    stop_shift: NDArray[np.int64]
    stop_start: NDArray[np.int64]


def find_crews(
    problem: Problem, task_of: dict[str, list[int]], shift_of: dict[tuple[str, str], int]
) -> Crews:
    """Collect them; a stop of a shift that is no longer there has shift -2."""
    stops: dict[str, list[tuple[int, int]]] = {}
    for route in problem.published.routes if problem.published else ():
        shift = shift_of.get((route.technician, route.shift), -2)
        for step in route.steps:
            if step.job in task_of and step.start is not None:
                stops.setdefault(step.job or "", []).append((shift, step.start))
    jobs: list[Job] = [
        job for job in problem.jobs if job.crew > 1 or len(stops.get(job.id, ())) > 1
    ]
    rows = [stops.get(job.id, []) for job in jobs]
    flat = [stop for row in rows for stop in row]
    liked = [[not job.preferred or who in job.preferred for who, _ in shift_of] for job in jobs]
    crew_of = np.full(sum(map(len, task_of.values())), -1, np.int64)
    for k, job in enumerate(jobs):
        crew_of[task_of[job.id]] = k
    return Crews(
        crew_of,
        np.cumsum([0, *(len(task_of[job.id]) for job in jobs)], dtype=np.int64),
        np.array([task for job in jobs for task in task_of[job.id]], np.int64),
        np.array(liked, np.int64).reshape(len(jobs), len(shift_of)),
        np.cumsum([0, *(len(row) for row in rows)], dtype=np.int64),
        np.array([shift for shift, _ in flat], np.int64),
        np.array([start for _, start in flat], np.int64),
    )


@compiled
def _late(instance: Any, solution: Any, job: int) -> int:
    """Seconds after due at which this half counts."""
    node = solution.node
    if instance.late_at_start:
        return max(0, node[job, BEGIN] - instance.task[job, DUE])  # type: ignore[no-any-return]
    at = node[job, PREV]
    first, last = solution.break_first[at], solution.break_last[at]
    arrival = arrive(instance, first, last, node[at, FINISH], node[at, LEG], False)
    arrival = max(arrival, instance.task[job, RELEASE])
    return max(0, arrival - instance.task[job, DUE])  # type: ignore[no-any-return]


@compiled
def _moved(shift: int, start: int, shown: int, shown_start: int) -> int:
    """What a visit counts for a published stop: 2 elsewhere, 1 at another time."""
    if shift != shown:
        return 2
    return 1 if abs(start - shown_start) > TOLERANCE_S else 0


@compiled
def count_crew(instance: Any, solution: Any, k: int, figures: Any) -> None:
    """Write into ``figures`` what crew ``k`` counts beyond what its routes and tasks add up to."""
    node = solution.node
    first = instance.crew_task[instance.crew_from[k]]
    placed = node[first, ROUTE] >= 0
    changes = 0
    for x in range(instance.stop_from[k], instance.stop_from[k + 1]):
        least = 2
        for y in range(instance.crew_from[k], instance.crew_from[k + 1]):
            job = instance.crew_task[y]
            if node[job, ROUTE] >= 0:
                there = instance.stop_shift[x], instance.stop_start[x]
                least = min(least, _moved(node[job, ROUTE], node[job, BEGIN], *there))
        changes += least
    worst, late, disliked = 0, 0, placed
    for y in range(instance.crew_from[k], instance.crew_from[k + 1]):
        job = instance.crew_task[y]
        r, shown = node[job, ROUTE], instance.published_shift[job]
        if r < 0:
            changes -= instance.left_out[job, c.CHANGES]
            continue
        if shown != -1:
            changes -= _moved(r, node[job, BEGIN], shown, instance.published_start[job])
        mine = _late(instance, solution, job)
        worst = max(worst, mine)
        if job == first:
            late = mine
        disliked = disliked and instance.crew_liked[k, r] == 0
    figures[:] = 0
    figures[c.CHANGES] = changes
    if placed:
        weight = instance.task[first, WEIGHT]
        figures[c.LATE] = weight * (worst - late)
        if disliked != (instance.fits[first, node[first, ROUTE]] == 2):
            figures[c.PREFERENCE] = -weight


@compiled
def count_own_crews(instance: Any, solution: Any, worker: Any) -> None:
    """Count every crew of the worker's part, and add them to its total."""
    worker.crew_seen[:] = 0
    worker.counts[C_CREWS] = 0
    for x in range(worker.counts[C_MINE]):
        job = worker.mine[x]
        k = instance.crew_of[job]
        if k >= 0 and job == instance.crew_task[instance.crew_from[k]]:
            count_crew(instance, solution, k, worker.crews[k])
            for f in range(c.N_FIGURES):
                worker.total[f] += worker.crews[k, f]


@compiled
def _count_anew(instance: Any, solution: Any, worker: Any, k: int, change: Any) -> None:
    counts = worker.counts
    if k < 0 or worker.crew_seen[k] != 0:
        return
    worker.crew_seen[k] = 1
    worker.crew_list[counts[C_CREWS]] = k
    counts[C_CREWS] += 1
    count_crew(instance, solution, k, worker.crews_now[k])
    for f in range(c.N_FIGURES):
        change[f] += worker.crews_now[k, f] - worker.crews[k, f]


@compiled
def crews_changed(instance: Any, solution: Any, worker: Any, change: Any) -> None:
    """Add to ``change`` what crews with a half on a touched route, or pulled, count by now."""
    counts = worker.counts
    for x in range(counts[C_CREWS]):
        worker.crew_seen[worker.crew_list[x]] = 0
    counts[C_CREWS] = 0
    for x in range(counts[C_PULLED]):
        _count_anew(instance, solution, worker, instance.crew_of[worker.pulled[x]], change)
    for slot in range(counts[C_SAVED]):
        at = solution.node[instance.n + 2 * worker.saved_routes[slot], NEXT]
        while at >= 0:
            if at < instance.n:  # else the depot or the end
                _count_anew(instance, solution, worker, instance.crew_of[at], change)
            at = solution.node[at, NEXT]


@compiled
def settle_crews(worker: Any) -> None:
    """Keep what `crews_changed` counted."""
    for x in range(worker.counts[C_CREWS]):
        k = worker.crew_list[x]
        for f in range(c.N_FIGURES):
            worker.crews[k, f] = worker.crews_now[k, f]
