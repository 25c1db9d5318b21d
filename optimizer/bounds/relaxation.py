"""Goals that add up over jobs, bounded by handing out jobs to shifts in fractions.

For a goal k and the goals i before it, each held to its value G_i in a given plan,

    min  Σ_j [ c_k(j, option of j) ]
    s.t. each job takes one option: a shift it fits into, or being dropped
         Σ_j t(j, s)·[j in s] ≤ C(s)      the time of a shift              (multiplier u_s)
         Σ_j [j in s] ≤ max_jobs(s)                                        (multiplier v_s)
         Σ_j c_i(j, option of j) ≤ G_i     the goals before                (multiplier λ_i)

is a relaxation of the planning problem: t is the service plus the least drive that can lead to the
job, C the shift with its overtime less the least drive home. For *any* non-negative multipliers

    L = Σ_j min_option [c_k + Σ_i λ_i·c_i + u_s·t + v_s]
        − Σ_i λ_i·G_i − Σ_s u_s·C − Σ_s v_s·max_jobs

is a lower bound (Lagrangian duality). A linear programme suggests multipliers; they are rounded to
multiples of 1/K and L is computed in integers, so that no claim rests on floating point.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from optimizer.bounds.options import LATEST, Flags, Ints, Options
from optimizer.problem import MANDATORY_PENALTY, UNREACHABLE

ADDITIVE = ("unserved", "late", "dropped", "changes", "preference")
"""Goals for which `costs_of` knows what each job contributes at least."""

MOST_VARIABLES = 60_000
"""Up to so many (job, shift) options the linear programme is solved; beyond, multipliers are 0."""

_K = 1 << 12
_SAFE = 1 << 60


@dataclass(frozen=True, slots=True, eq=False)
class Costs:
    """What a goal costs at least: ``served[j, s]`` in a shift, ``dropped[j]`` when left out."""

    served: Ints
    dropped: Ints

    def least(self, options: Options) -> Ints:
        """``int64[J]``: the cheapest option of each job."""
        return np.minimum(self.least_served(options), self.dropped)

    def least_served(self, options: Options) -> Ints:
        """``int64[J]``: the cheapest shift; `LATEST` where the job cannot be served."""
        fits = options.fits & options.possible[:, None]
        if not fits.shape[1]:
            return np.full(len(self.dropped), LATEST, np.int64)
        return np.asarray(np.where(fits, self.served, LATEST).min(axis=1), np.int64)


def costs_of(options: Options, goal: str) -> Costs:
    """The least contribution of every job to an additive goal.

    Raises
    ------
    KeyError
        For a goal that is not in `ADDITIVE`.
    """
    problem, jobs = options.problem, options.problem.jobs
    served = np.zeros(options.fits.shape, np.int64)
    dropped = np.zeros(len(jobs), np.int64)
    weight = np.array([problem.weight(job) for job in jobs], np.int64)
    if goal == "unserved":
        dropped[:] = [job.drop_penalty is None for job in jobs]
    elif goal == "dropped":
        dropped[:] = weight * [
            MANDATORY_PENALTY if job.drop_penalty is None else job.drop_penalty for job in jobs
        ]
    elif goal == "late":
        due = np.array([LATEST if job.due is None else job.due for job in jobs], np.int64)
        served = weight[:, None] * np.maximum(0, options.arrival - due[:, None])
        dropped = weight * np.maximum(0, problem.horizon_end - due)
    elif goal == "preference":
        for row, job in enumerate(jobs):
            if job.preferred and job.crew == 1:
                away = [who.id not in job.preferred for who, _ in options.slots]
                served[row] = weight[row] * np.array(away, np.int64)
    elif goal == "changes":
        for row, places in _published(options).items():
            dropped[row] = 2 * len(places)
            if jobs[row].crew == 1:
                for column, (who, shift) in enumerate(options.slots):
                    moved = sum(place != (who.id, shift.id) for place in places)
                    served[row, column] = 2 * moved
    else:
        raise KeyError(goal)
    return Costs(served, dropped)


def _published(options: Options) -> dict[int, list[tuple[str, str]]]:
    row_of = {job.id: row for row, job in enumerate(options.problem.jobs)}
    places: dict[int, list[tuple[str, str]]] = {}
    if options.problem.published is not None:
        for route in options.problem.published.routes:
            for step in route.steps:
                if step.job in row_of and step.start is not None:
                    row = row_of[step.job]
                    places.setdefault(row, []).append((route.technician, route.shift))
    return places


def time_needed(options: Options) -> Ints:
    """``int64[J, S]``: seconds of a shift that a job takes at least, its drive included."""
    needed = options.service.copy()
    places = options.places
    restock = options.problem.restock
    least_in: dict[int, Ints] = {}
    for column, (_, shift) in enumerate(options.slots):
        matrix = options.matrix(column)
        if id(matrix) not in least_in:
            least_in[id(matrix)] = _least_between(matrix, places)
        into = np.minimum(least_in[id(matrix)], matrix[shift.start_location, places])
        if restock is not None:
            into = np.minimum(into, matrix[restock.location, places])
        needed[:, column] += np.where(into >= UNREACHABLE, 0, into)
    return needed


def _least_between(matrix: Ints, places: Ints) -> Ints:
    """``int64[J]``: the least drive from another job to each job."""
    least = np.full(len(places), LATEST, np.int64)
    for row, place in enumerate(places):
        into = matrix[places, place].copy()
        into[row] = LATEST
        least[row] = into.min(initial=LATEST)
    return least


def room(options: Options) -> Ints:
    """``int64[S]``: seconds a shift has for jobs and the drives to them, at most."""
    seconds = np.zeros(len(options.slots), np.int64)
    for column, (_, shift) in enumerate(options.slots):
        home = 0
        if shift.end_location is not None and len(options.places):
            home = int(options.matrix(column)[options.places, shift.end_location].min())
            home = home if home < UNREACHABLE else 0
            if options.problem.restock is not None:
                place = options.problem.restock.location
                home = min(home, int(options.matrix(column)[place, shift.end_location]))
        span = shift.end + shift.overtime_s - shift.start
        rest = span - home
        for pause in shift.breaks:
            # a route may end before the break and go without it, if that is worth anything
            rest = max(rest - pause.duration_s, min(rest, pause.windows[0][0] - shift.start))
        seconds[column] = max(0, rest)
    return seconds


def relaxed(options: Options, goal: str, earlier: Mapping[str, int]) -> int:
    """A lower bound on an additive goal over all plans with ``earlier`` goals at most these."""
    target = costs_of(options, goal)
    best = int(target.least(options).sum())
    held = [(costs_of(options, name), value) for name, value in earlier.items() if name in ADDITIVE]
    if not options.fits.any():
        return best
    pairs = int((options.fits & options.possible[:, None]).sum())
    if pairs == 0 or pairs > MOST_VARIABLES:
        return best
    multipliers = _suggest(options, target, held)
    if multipliers is None:
        return best
    return max(best, _lagrangian(options, target, held, *multipliers))


def _max_jobs(options: Options) -> Ints:
    count = len(options.problem.jobs)
    return np.array(
        [count if shift.max_jobs is None else shift.max_jobs for _, shift in options.slots],
        np.int64,
    )


def _suggest(
    options: Options, target: Costs, held: Sequence[tuple[Costs, int]]
) -> tuple[Ints, Ints, Ints] | None:
    """Multipliers (u, v, λ) in units of 1/K from the duals of the linear programme."""
    from ortools.linear_solver import pywraplp

    solver = pywraplp.Solver.CreateSolver("GLOP")
    if solver is None:
        return None
    needed, seconds, most = time_needed(options), room(options), _max_jobs(options)
    endless = solver.infinity()
    time_rows = [solver.Constraint(-endless, float(value)) for value in seconds]
    count_rows = [solver.Constraint(-endless, float(value)) for value in most]
    goal_rows = [solver.Constraint(-endless, float(value)) for _, value in held]
    objective = solver.Objective()
    fits = options.fits & options.possible[:, None]
    for row, job in enumerate(options.problem.jobs):
        once = solver.Constraint(1.0, 1.0)
        left_out = solver.NumVar(0.0, endless, "")
        once.SetCoefficient(left_out, 1.0)
        objective.SetCoefficient(left_out, float(target.dropped[row]))
        for constraint, (costs, _) in zip(goal_rows, held, strict=True):
            constraint.SetCoefficient(left_out, float(costs.dropped[row]))
        for column in np.flatnonzero(fits[row]).tolist():
            share = solver.NumVar(0.0, endless, "")
            once.SetCoefficient(share, 1.0)
            objective.SetCoefficient(share, float(target.served[row, column]))
            time_rows[column].SetCoefficient(share, float(job.crew * needed[row, column]))
            count_rows[column].SetCoefficient(share, float(job.crew))
            for constraint, (costs, _) in zip(goal_rows, held, strict=True):
                constraint.SetCoefficient(share, float(costs.served[row, column]))
    objective.SetMinimization()
    if solver.Solve() != pywraplp.Solver.OPTIMAL:
        return None

    def duals(rows: Sequence[pywraplp.Constraint]) -> Ints:
        # a row "≤" of a minimisation has a dual ≤ 0; the multiplier is its size
        return np.array([max(0, round(-row.dual_value() * _K)) for row in rows], np.int64)

    return duals(time_rows), duals(count_rows), duals(goal_rows)


def _lagrangian(
    options: Options,
    target: Costs,
    held: Sequence[tuple[Costs, int]],
    per_second: Ints,
    per_job: Ints,
    per_goal: Ints,
) -> int:
    """L for these multipliers (in units of 1/K), rounded up; 0 where integers would overflow."""
    needed, seconds, most = time_needed(options), room(options), _max_jobs(options)
    fits: Flags = options.fits & options.possible[:, None]
    size = float(_K) * max(1.0, float(np.abs(target.dropped).max(initial=0)))
    for weight, (costs, value) in zip(per_goal, held, strict=True):
        size += float(weight) * max(float(costs.dropped.max(initial=0)), float(value))
        size += float(weight) * float(np.where(fits, costs.served, 0).max(initial=0))
    size += float(_K) * float(np.where(fits, target.served, 0).max(initial=0))
    size += float(per_second.max(initial=0)) * float(needed.max(initial=0))
    size += float(per_job.max(initial=0))
    if size >= _SAFE:
        return 0
    # what does not fit is masked before it is multiplied, so that nothing can overflow
    served = _K * np.where(fits, target.served, 0)
    dropped = _K * target.dropped
    for weight, (costs, _) in zip(per_goal, held, strict=True):
        served += weight * np.where(fits, costs.served, 0)
        dropped = dropped + weight * costs.dropped
    load = per_second[None, :] * needed + per_job[None, :]
    crew = np.array([job.crew for job in options.problem.jobs], np.int64)
    together = np.where(fits, served + load, _SAFE).min(axis=1)
    apart = np.where(fits, served, _SAFE).min(axis=1) + crew * np.where(fits, load, _SAFE >> 8).min(
        axis=1
    )
    best = np.minimum(dropped, np.where(crew == 1, together, apart))
    total = sum(best.tolist())
    total -= sum(int(w) * int(value) for w, (_, value) in zip(per_goal, held, strict=True))
    total -= sum(int(u) * int(c) for u, c in zip(per_second, seconds, strict=True))
    total -= sum(int(v) * int(m) for v, m in zip(per_job, most, strict=True))
    return int(-(-total // _K))
