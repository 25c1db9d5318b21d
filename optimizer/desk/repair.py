"""Find places for visits that lost theirs, changing as little as possible of what people know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from optimizer.desk.model import Model, Places, plain_visit
from optimizer.desk.standing import Standing
from optimizer.plan import Plan, Route
from optimizer.problem import Goal, Job, Problem
from optimizer.search import layout as c
from optimizer.search.anneal import anneal, begin_part, insert_all
from optimizer.search.goals import energies, goal_levels

FIRST_GOALS = ("late", "dropped", "changes")
NEARBY_SHIFTS = 40
"""Shifts around the homeless visits that the search may touch."""

WARM, COLD = 0.1, 0.01
MEAN_REMOVED = 5.0
NO_SWAPS = 0.0  # whole tails changing hands are more changes than a dispatcher wants

Tails = dict[int, tuple[str, ...]]


def redistribute(
    problem: Problem,
    places: Places,
    stands: Sequence[Standing],
    tails: Mapping[int, Sequence[str]],
    starts: Mapping[str, int],
    homeless: Sequence[tuple[Job, Job]],
    *,
    seed: int,
    iterations: int,
    blind: frozenset[tuple[str, str]] = frozenset(),
) -> tuple[Tails, dict[int, Route | None]]:
    """Insert the homeless visits, then search around them for fewer late, dropped, changed visits.

    Parameters
    ----------
    stands, tails
        The plan without them.
    homeless
        (job of the problem, the single visit it becomes).
    iterations
        Ruin-and-recreate steps after the insertion.

    Returns
    -------
    tails, routes
        Of the shifts that change. Visits in none of them are left out.
    """
    jobs = {job.id: job for job in problem.jobs}
    kept = {r: [jobs[name] for name in tail] for r, tail in tails.items()}
    for count in (iterations, 0) if iterations else (0,):
        model = Model(problem, places, stands, kept, starts, seed, homeless, blind=blind)
        while model.misfits:  # a route that the arrays cannot reproduce stays as it is
            blind |= {(stands[r].technician.id, stands[r].shift.id) for r in model.misfits}
            model = Model(problem, places, stands, kept, starts, seed, homeless, blind=blind)
        found = _search(model, tails, count)
        routes = {
            r: stands[r].timed(problem, [jobs[name] for name in tail], starts)
            for r, tail in found.items()
        }
        wrong = [r for r, route in routes.items() if route is None and found[r]]
        if not wrong:
            return found, routes
    for r in wrong:
        del found[r], routes[r]
    return found, routes


def _search(model: Model, tails: Mapping[int, Sequence[str]], iterations: int) -> Tails:
    arrays = _with_changes_first(model)
    solution, worker = model.solution, model.worker
    near = _nearby(model)
    solution.part[:] = 1
    solution.part[sorted(near)] = 0
    part = np.ones(arrays.n, np.int32)
    part[model.homeless] = 0
    begin_part(arrays, solution, worker, part)
    order = sorted(model.homeless, key=lambda task: -float(arrays.hardness[task]))
    insert_all(arrays, solution, worker, np.array(order, np.int64), True)
    if iterations:
        anneal(arrays, solution, worker, iterations, WARM, COLD, MEAN_REMOVED, NO_SWAPS)
    found: Tails = {}
    for r in sorted(near):
        tail = model.tail(r, model.best_chain(r))
        if tail is not None and tail != tuple(tails.get(r, ())):
            found[r] = tail
    return found


def _nearby(model: Model) -> set[int]:
    """Open shifts that the homeless fit, the nearest ones, and those of their neighbours."""
    arrays = model.arrays
    routes = model.solution.node[: arrays.n, c.ROUTE]
    wanted: list[int] = []
    for x in range(max(arrays.near_shifts.shape[1], arrays.around.shape[1])):
        for task in model.homeless:
            if x < arrays.near_shifts.shape[1] and arrays.near_shifts[task, x] >= 0:
                wanted.append(int(arrays.near_shifts[task, x]))
            if x < arrays.around.shape[1]:
                r = int(routes[arrays.around[task, x]])
                if r >= 0 and arrays.fits[task, r]:
                    wanted.append(r)
    open_ones = [r for r in dict.fromkeys(wanted) if r not in model.shut]
    return set(open_ones[:NEARBY_SHIFTS])


def _with_changes_first(model: Model) -> Any:
    """The arrays with the objective serve, late, dropped, changes, then the problem's own.

    A change is counted against the plan as it stands.
    """
    arrays, problem = model.arrays, model.compiled.problem
    rest = tuple(
        goal
        for goal in problem.objective
        if not {name for name, _ in goal.terms} & set(FIRST_GOALS)
    )
    asked = replace(problem, objective=(*map(Goal.of, FIRST_GOALS), *rest))
    n = arrays.n
    routes = model.solution.node[:n, c.ROUTE]
    shown = np.where(routes >= 0, routes, -1)
    shown[model.homeless] = -2
    left_out = arrays.left_out.copy()
    left_out[:, c.CHANGES] = np.where(shown == -1, 0, 2)
    levels = goal_levels(asked)
    weight, drop_energy, step = energies(
        asked, model.compiled.leg, levels, left_out, arrays.task, n
    )
    changed = arrays._replace(
        published_shift=shown,
        published_start=model.solution.node[:n, c.BEGIN].copy(),
        left_out=left_out,
        levels=levels,
        weight=weight,
        step=step,
        drop_energy=drop_energy,
        sums_only=bool(not levels[:, (c.SPREAD, c.WORST_LATE)].any()),
    )
    model.solution.figures[:, c.CHANGES] = 0  # everybody stands where they stand
    return changed


def without_broken_freezes(problem: Problem, routes: Iterable[Route | None]) -> Problem:
    """The problem whose published plan no longer freezes what could not be kept where it was."""
    published = problem.published
    if published is None or problem.frozen_until is None:
        return problem
    line = problem.frozen_until
    kept = {
        (route.technician, route.shift, step.job, step.start)
        for route in routes
        if route is not None
        for step in route.steps
    }
    thawed = tuple(
        replace(
            route,
            steps=tuple(
                step
                for step in route.steps
                if step.job is None
                or (step.start or 0) >= line
                or (route.technician, route.shift, step.job, step.start) in kept
            ),
        )
        for route in published.routes
    )
    return problem if thawed == published.routes else replace(problem, published=Plan(thawed))


def homeless_visit(
    job: Job, start: int | None, others: frozenset[str] = frozenset()
) -> tuple[Job, Job]:
    """The pair that `redistribute` takes; a tied visit keeps its second, and avoids its company."""
    visit = plain_visit(job, job.id, None, None)
    if start is not None:
        visit = replace(visit, time_windows=((start, start),), excluded=job.excluded | others)
    return job, visit


__all__ = ["homeless_visit", "redistribute"]
