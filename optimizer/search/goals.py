"""The objective as arrays: goal levels, what leaving a task out costs, and prices for places."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.problem import MANDATORY_PENALTY, UNREACHABLE, Job, Problem
from optimizer.search import layout as c

I64 = NDArray[np.int64]


def left_out_figures(problem: Problem, tasks: tuple[Job, ...], published_shift: I64) -> I64:
    """int64[n, N_FIGURES]: what each figure gains when the task is left out."""
    table = np.zeros((len(tasks), c.N_FIGURES), np.int64)
    horizon = problem.horizon_end
    seen: set[str] = set()
    for i, job in enumerate(tasks):
        if published_shift[i] != -1:
            table[i, c.CHANGES] = 2
        if job.id in seen:
            continue
        seen.add(job.id)
        weight = problem.weight(job)
        if job.drop_penalty is None:
            table[i, c.UNSERVED] = 1
            table[i, c.DROPPED] = weight * MANDATORY_PENALTY
        else:
            table[i, c.DROPPED] = weight * job.drop_penalty
        if job.due is not None:
            table[i, c.LATE] = weight * max(0, horizon - job.due)
    return table


def goal_levels(problem: Problem) -> Any:
    """float64[1 + goals, N_FIGURES]: the goals, most important first, ``unserved`` before all."""
    levels = np.zeros((1 + len(problem.objective), c.N_FIGURES))
    levels[0, c.UNSERVED] = 1.0
    for g, goal in enumerate(problem.objective):
        for name, factor in goal.terms:
            levels[g + 1, c.FIGURES.index(name)] += factor
    return levels


def typical_leg(kind0: Any, near: Any, task: I64, n: int) -> float:
    """The median drive to a near neighbour, in seconds: what a small step in driving is."""
    if n < 2:
        return 600.0
    drives = kind0[task[:n, c.LOCATION][:, None], task[near[:, :8], c.LOCATION]]
    drives = drives[(drives > 0) & (drives < UNREACHABLE)]
    return float(np.median(drives)) if drives.size else 600.0


def energies(
    problem: Problem, leg: float, levels: Any, left_out: I64, task: I64, n: int
) -> tuple[Any, Any, Any]:
    """Prices for choosing places, and the size of a small step in each goal.

    The last goal's unit is the currency. Going up, the smallest step that matters in a goal is
    worth the largest move that is plausible in all goals below it. Only the choice of a place adds
    goals up like this; plans are compared goal by goal.

    Returns
    -------
    weight : float64[N_FIGURES]
    drop_energy : float64[n]
    step : float64[goals]
    """
    hours = 4 * 3600.0 * problem.scale
    light, heavy = _smallest(task[:n, c.WEIGHT]), float(np.max(task[:n, c.WEIGHT], initial=1))
    drop = left_out[:, c.DROPPED]
    overtime = max((s.overtime_s for who in problem.technicians for s in who.shifts), default=0)
    rate = max((who.cost_per_hour_fen for who in problem.technicians), default=0) / 3600.0
    per_km = max((who.cost_per_km_fen for who in problem.technicians), default=0) / 1000.0
    fen = max(rate + per_km * 10.0, 1e-3)
    small_and_large = {
        c.UNSERVED: (1.0, 1.0),
        c.LATE: (light * leg / 4, heavy * hours),
        c.DROPPED: (_smallest(drop), float(np.max(drop, initial=1))),
        c.CHANGES: (1.0, 4.0),
        c.OVERTIME: (leg / 4, max(leg, float(overtime))),
        c.TRAVEL: (leg, leg * 40),
        c.DISTANCE: (leg * 10, leg * 400),
        c.COST: (leg * fen, leg * 40 * fen),
        c.VEHICLES: (0.5, 2.0),
        c.WAITING: (leg, hours),
        c.SPREAD: (leg, hours),
        c.PREFERENCE: (light, heavy),
        c.WORST_LATE: (leg / 4, hours),
    }
    weight = np.zeros(c.N_FIGURES)
    step = np.ones(len(levels))
    ceiling = leg * 40
    for level in range(len(levels) - 1, -1, -1):
        named = [int(f) for f in np.flatnonzero(levels[level])]
        if not named:
            continue
        step[level] = min(small_and_large[f][0] * levels[level, f] for f in named)
        last = level == len(levels) - 1
        unit = leg / step[level] if last else ceiling / step[level]
        for f in named:
            weight[f] += unit * levels[level, f]
        largest = max(unit * levels[level, f] * small_and_large[f][1] for f in named)
        ceiling = 3.0 * max(ceiling, largest)
    if not weight[c.TRAVEL]:
        weight[c.TRAVEL] = 1e-3
    energy = left_out.astype(np.float64) @ weight
    return weight, np.maximum(energy, 1e-9), step


def _smallest(values: I64) -> float:
    positive = values[values > 0]
    return float(positive.min()) if positive.size else 1.0
