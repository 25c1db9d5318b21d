"""What a crew counts in the goals: once a job, whichever of its halves stands where.

Routes count each half by itself: lateness and preference with the first, changes with the stop it
stands for. Halves are alike, though, and the goals look at all of them together: the last to
arrive, whether anybody preferred has a hand in it, whether anybody is where the phones say. The
difference is kept beside the sums over routes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.problem import START_TOLERANCE_S, Job, Problem
from optimizer.search import layout as c
from optimizer.search.compiled import compiled
from optimizer.search.layout import BEGIN, DUE, FINISH, LEG, PREV, RELEASE, ROUTE, WEIGHT
from optimizer.search.timing import arrive

TOLERANCE_S = START_TOLERANCE_S


class Crews(NamedTuple):
    """Jobs with several tasks or several published stops: their tasks, and those stops.

    ``crew_liked[k, r]``: whether nobody, or the technician of shift r, is preferred for job k.
    """

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
    return Crews(
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
def count_crews(instance: Any, solution: Any, figures: Any) -> None:
    """Write into ``figures`` what crews count beyond what routes and left-out tasks add up to."""
    node = solution.node
    figures[:] = 0
    for k in range(len(instance.crew_from) - 1):
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
        figures[c.CHANGES] += changes
        if placed:
            weight = instance.task[first, WEIGHT]
            figures[c.LATE] += weight * (worst - late)
            if disliked != (instance.fits[first, node[first, ROUTE]] == 2):
                figures[c.PREFERENCE] -= weight
