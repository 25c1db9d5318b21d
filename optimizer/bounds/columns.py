"""Travel bounded by column generation: a shift drives a whole day, not arcs from nowhere.

With a price π_j ≥ 0 per job, λ ≥ 0 for the goal ``dropped``, and z_s(π) the least (drive − Σ π) of
a day of shift s (`optimizer.bounds.pricing`), at most 0,

    L(π, λ) = Σ_j crew_j·π_j + Σ_{j may be left out} min(0, λ·penalty_j − crew_j·π_j)
              − λ·(what ``dropped`` leaves) + Σ_s z_s(π)

is a lower bound on the travel of every plan in question, for any π and λ (Desaulniers, Desrosiers,
Solomon, *Column Generation*, 2005, chapter 1; the bound is Lasdon's, 1970). The set covering
programme over the days found so far suggests prices; they are rounded to 1/K and L is computed in
integers. Before it, some rounds of subgradient ascent start from the plan's own days (each leg
shared by its ends), because the programme's first prices are wild.
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
_SMOOTHING = 0.8
_PATIENCE, _LEAST_STRIDE = 3, 1 / 64


@dataclass(frozen=True, slots=True)
class _Kind:
    """Shifts that are alike to the last second: one pricing does for all of them."""

    day: Day
    shifts: int


@dataclass(frozen=True, slots=True)
class _Column:
    kind: int
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
    kinds, kind_of = _alike(days)
    columns = _from_plan(options, kinds, kind_of, plan)
    prices = _shared_out(options, kinds, columns)
    drop_price = _keeping(options, may, penalty, prices)
    centre, centre_price, best = prices, drop_price, 0
    aim = sum(column.cost for column in columns)
    stride, since, towards, climbing, least = 1.0, 0, _SMOOTHING, True, 0
    for number in range(rounds):
        if not climbing:
            suggested = _master(options, kinds, columns, may, penalty, room)
            if suggested is None:
                break
            prices = (towards * centre + (1 - towards) * suggested[0]).astype(np.int64)
            drop_price = int(towards * centre_price + (1 - towards) * suggested[1])
        found = _evaluate(options, kinds, may, penalty, room, prices, drop_price, deadline)
        if found is None:
            break
        value, uncovered, fresh = found
        best = max(best, -(-value // _K))
        since += 1
        if number == 0 or value > least:
            least, centre, centre_price, since = value, prices, drop_price, 0
        known = {(column.kind, column.visits) for column in columns}
        new = [column for column in fresh if (column.kind, column.visits) not in known]
        columns += new
        if climbing:
            length = int((uncovered**2).sum())
            if since >= _PATIENCE:
                stride, since, prices = stride / 2, 0, centre
            elif length > 0:
                step = stride * max(aim - value, _K) / length
                prices = np.maximum(0, prices + (step * uncovered).astype(np.int64))
            climbing = length > 0 and stride >= _LEAST_STRIDE and 2 * number < rounds
        elif not new and towards == 0.0:
            break
        else:
            # without a new day the centre holds too fast: the programme's own prices are next
            towards = _SMOOTHING if new else 0.0
    return best


def _keeping(options: Options, may: Flags, penalty: Ints | None, prices: Ints) -> int:
    """A price of ``dropped`` at which it pays to leave nobody out."""
    if penalty is None:
        return 0
    dear = 0
    for row in np.flatnonzero(may & options.possible).tolist():
        if penalty[row] > 0:
            paid = options.problem.jobs[row].crew * int(prices[row])
            dear = max(dear, -(-paid // int(penalty[row])))
    return dear


def _shared_out(options: Options, kinds: list[_Kind], columns: list[_Column]) -> Ints:
    """First prices: of the plan's days each leg is shared by its ends, those of home not shared."""
    prices = np.zeros(len(options.problem.jobs), np.int64)
    for column in columns:
        day = kinds[column.kind].day
        at = {int(row): number for number, row in enumerate(day.jobs)}
        prices[column.visits[0]] += int(day.out[at[column.visits[0]]])
        prices[column.visits[-1]] += int(day.home[at[column.visits[-1]]])
        for before, after in itertools.pairwise(column.visits):
            leg = int(day.between[at[before], at[after]])
            prices[before] += leg // 2
            prices[after] += leg - leg // 2
    return prices


def _alike(days: list[Day]) -> tuple[list[_Kind], list[int]]:
    """The kinds of days there are, and the kind of each shift."""
    at: dict[tuple[object, ...], int] = {}
    kind_of = []
    for day in days:
        marks = (part.tobytes() if isinstance(part, np.ndarray) else part for part in day)
        kind_of.append(at.setdefault(tuple(marks), len(at)))
    first = [kind_of.index(kind) for kind in range(len(at))]
    return [_Kind(days[shift], kind_of.count(kind)) for kind, shift in enumerate(first)], kind_of


def _from_plan(
    options: Options, kinds: list[_Kind], kind_of: list[int], plan: Plan
) -> list[_Column]:
    slot_of = {(who.id, shift.id): number for number, (who, shift) in enumerate(options.slots)}
    row_of = {job.id: row for row, job in enumerate(options.problem.jobs)}
    columns = []
    for route in plan.routes:
        shift = slot_of.get((route.technician, route.shift))
        if shift is None or not all(name in row_of for name in route.jobs):
            continue
        visits = tuple(row_of[name] for name in route.jobs)
        kind = kind_of[shift]
        cost = _cost(kinds[kind].day, visits)
        if visits and cost < NO_ARC:
            columns.append(_Column(kind, cost, visits))
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
    options: Options,
    kinds: list[_Kind],
    columns: list[_Column],
    may: Flags,
    penalty: Ints | None,
    room: int | None,
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
    once = [solver.Constraint(-endless, float(kind.shifts)) for kind in kinds]
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
        once[column.kind].SetCoefficient(share, 1.0)
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
    kinds: list[_Kind],
    may: Flags,
    penalty: Ints | None,
    room: int | None,
    prices: Ints,
    drop_price: int,
    deadline: float | None = None,
) -> tuple[int, Ints, list[_Column]] | None:
    """K·L at these prices, its slope in the prices, and days cheaper than what their jobs pay.

    None where it is not known: a day needs too many labels even when it may come back to a job at
    once, or the deadline has passed.
    """
    total = 0
    uncovered = np.zeros(len(prices), np.int64)
    for row in np.flatnonzero(options.possible).tolist():
        paid = options.problem.jobs[row].crew * int(prices[row])
        total += paid
        loss = 0
        if may[row]:
            loss = 0 if penalty is None else drop_price * int(penalty[row])
            total += min(0, loss - paid)
        if not may[row] or loss >= paid:
            uncovered[row] = options.problem.jobs[row].crew
    total -= drop_price * (room or 0)
    fresh: list[_Column] = []
    for number, kind in enumerate(kinds):
        day = kind.day
        if not len(day.jobs):
            continue
        if deadline is not None and time.monotonic() >= deadline:
            return None
        least, reduced, routes = cheapest_days(day, prices[day.jobs])
        if least > 0:
            least, reduced, routes = cheapest_days(forgetful(day), prices[day.jobs])
        if least > 0:
            return None
        total += kind.shifts * int(least)
        if least < 0:
            best = routes[int(np.argmin(reduced))]
            np.subtract.at(uncovered, day.jobs[best[best >= 0]], kind.shifts)
        for last in np.flatnonzero(reduced < 0).tolist():
            steps = routes[last][routes[last] >= 0][::-1]
            visits = tuple(day.jobs[steps].tolist())
            if visits:
                fresh.append(_Column(number, _cost(day, visits), visits))
    return total, uncovered, fresh
