"""Travel bounded by column generation: a shift drives a whole day, not arcs from nowhere.

With a price π_j ≥ 0 per job, λ ≥ 0 for the goal ``dropped``, and z_s(π) the least (drive − Σ π) of
a day of shift s (`optimizer.bounds.pricing`), at most 0,

    L(π, λ) = Σ_j crew_j·π_j + Σ_{j may be left out} min(0, λ·penalty_j − crew_j·π_j)
              − λ·(what ``dropped`` leaves) + Σ_s z_s(π)

is a lower bound on the travel of every plan in question, for any π and λ (Desaulniers, Desrosiers,
Solomon, *Column Generation*, 2005, chapter 1; the bound is Lasdon's, 1970). The set covering
programme over the days found so far suggests prices; they are rounded to 1/K and L is computed in
integers.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from optimizer.bounds.assignment import NO_ARC, drop_prices, droppable_jobs
from optimizer.bounds.options import Flags, Ints, Options
from optimizer.bounds.pricing import MOST_JOBS, Day, cheapest_days, day_of, forgetful
from optimizer.plan import Plan

_K = 64
_SMOOTHING = 0.6


@dataclass(frozen=True, slots=True)
class _Column:
    shift: int
    cost: int
    visits: tuple[int, ...]


def column_bound(
    options: Options,
    figure: str,
    earlier: Mapping[str, int],
    plan: Plan,
    rounds: int,
    neighbours: int = 8,
    deadline: float | None = None,
) -> int:
    """The best L found in so many rounds for ``travel`` or ``distance``; 0 where none is proven.

    ``plan`` gives the first days; ``neighbours`` is the size of a job's neighbourhood. Past
    ``deadline`` (of `time.monotonic`) a round that is not complete proves nothing and is left.
    """
    if int(options.possible.sum()) > MOST_JOBS or not len(options.slots):
        return 0
    days = [day_of(options, column, figure, _K, neighbours) for column in range(len(options.slots))]
    may = droppable_jobs(options, earlier)
    penalty, room = drop_prices(options, earlier)
    columns = _from_plan(options, days, plan)
    best, best_prices, best_price = 0, None, 0
    for _ in range(rounds):
        suggested = _master(options, columns, may, penalty, room)
        if suggested is None:
            return best
        prices, drop_price = suggested
        smooth = best_prices is not None
        if best_prices is not None:
            prices = (_SMOOTHING * best_prices + (1 - _SMOOTHING) * prices).astype(np.int64)
            drop_price = int(_SMOOTHING * best_price + (1 - _SMOOTHING) * drop_price)
        value, fresh = _evaluate(options, days, may, penalty, room, prices, drop_price, deadline)
        if value is None:
            return best
        if value > best or best_prices is None:
            best, best_prices, best_price = max(best, value), prices, drop_price
        elif smooth:
            # the old centre was the better one: look at the programme's own prices next
            best_prices = (prices + best_prices) // 2
        known = {(column.shift, column.visits) for column in columns}
        new = [column for column in fresh if (column.shift, column.visits) not in known]
        if not new:
            break
        columns += new
    return best


def _from_plan(options: Options, days: list[Day], plan: Plan) -> list[_Column]:
    slot_of = {(who.id, shift.id): number for number, (who, shift) in enumerate(options.slots)}
    row_of = {job.id: row for row, job in enumerate(options.problem.jobs)}
    columns = []
    for route in plan.routes:
        shift = slot_of.get((route.technician, route.shift))
        if shift is None or not all(name in row_of for name in route.jobs):
            continue
        visits = tuple(row_of[name] for name in route.jobs)
        cost = _cost(days[shift], visits)
        if visits and cost < NO_ARC:
            columns.append(_Column(shift, cost, visits))
    return columns


def _cost(day: Day, visits: tuple[int, ...]) -> int:
    at = {int(row): number for number, row in enumerate(day.jobs)}
    if not visits or any(row not in at for row in visits):
        return NO_ARC
    steps = [at[row] for row in visits]
    total = int(day.out[steps[0]]) + int(day.home[steps[-1]])
    total += sum(int(day.between[a, b]) for a, b in itertools.pairwise(steps))
    return min(total, NO_ARC)


def _master(
    options: Options, columns: list[_Column], may: Flags, penalty: Ints | None, room: int | None
) -> tuple[Ints, int] | None:
    """Prices of jobs and of ``dropped`` from the covering programme over these days."""
    from ortools.linear_solver import pywraplp

    solver = pywraplp.Solver.CreateSolver("GLOP")
    if solver is None:
        return None
    endless = solver.infinity()
    jobs = options.problem.jobs
    dear = 4.0 * max([column.cost for column in columns], default=_K * 3600) + _K * 3600
    cover = {
        int(row): solver.Constraint(float(jobs[row].crew), endless)
        for row in np.flatnonzero(options.possible)
    }
    once = [solver.Constraint(-endless, 1.0) for _ in options.slots]
    budget = None if room is None else solver.Constraint(-endless, float(max(0, room)))
    objective = solver.Objective()
    for row, constraint in cover.items():
        missing = solver.NumVar(0.0, endless, "")
        constraint.SetCoefficient(missing, 1.0)
        objective.SetCoefficient(missing, dear)
        if may[row]:
            left_out = solver.NumVar(0.0, 1.0, "")
            constraint.SetCoefficient(left_out, float(jobs[row].crew))
            if budget is not None and penalty is not None:
                budget.SetCoefficient(left_out, float(penalty[row]))
    for column in columns:
        share = solver.NumVar(0.0, endless, "")
        objective.SetCoefficient(share, float(column.cost))
        once[column.shift].SetCoefficient(share, 1.0)
        for row in set(column.visits):
            cover[row].SetCoefficient(share, float(column.visits.count(row)))
    objective.SetMinimization()
    if solver.Solve() != pywraplp.Solver.OPTIMAL:
        return None
    prices = np.zeros(len(jobs), np.int64)
    for row, constraint in cover.items():
        prices[row] = max(0, round(constraint.dual_value()))
    drop_price = 0 if budget is None else max(0, round(-budget.dual_value()))
    return prices, drop_price


def _evaluate(
    options: Options,
    days: list[Day],
    may: Flags,
    penalty: Ints | None,
    room: int | None,
    prices: Ints,
    drop_price: int,
    deadline: float | None = None,
) -> tuple[int | None, list[_Column]]:
    """L at these prices, rounded up, and days that are cheaper than their jobs pay.

    None where it is not known: a day needs too many labels even when it may come back to a job at
    once, or the deadline has passed.
    """
    total = 0
    for row in np.flatnonzero(options.possible).tolist():
        paid = options.problem.jobs[row].crew * int(prices[row])
        total += paid
        if may[row]:
            loss = 0 if penalty is None else drop_price * int(penalty[row])
            total += min(0, loss - paid)
    total -= drop_price * (room or 0)
    fresh: list[_Column] = []
    for shift, day in enumerate(days):
        if not len(day.jobs):
            continue
        if deadline is not None and time.monotonic() >= deadline:
            return None, []
        least, reduced, routes = cheapest_days(day, prices[day.jobs])
        if least > 0:
            least, reduced, routes = cheapest_days(forgetful(day), prices[day.jobs])
        if least > 0:
            return None, []
        total += int(least)
        for number in np.flatnonzero(reduced < 0).tolist():
            steps = routes[number][routes[number] >= 0][::-1]
            visits = tuple(day.jobs[steps].tolist())
            if visits:
                fresh.append(_Column(shift, _cost(day, visits), visits))
    return -(-total // _K), fresh
