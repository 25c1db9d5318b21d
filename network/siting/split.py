"""The split of demand over open sites when floors ask for a share from nearby."""

from __future__ import annotations

import numpy as np

from network.siting.instance import Floats, Sites, States

TINY = 1e-9


def split_with_floors(
    unit: Floats,
    weight: Floats,
    capacity: Floats,
    near: States,
    floor_of: Sites,
    need: Floats,
) -> tuple[float, Floats] | None:
    """Cheapest split by linear programming (GLOP), or None when there is none.

    Parameters
    ----------
    unit : (k, n)
        Cost per unit of weight; ``inf`` = out of reach.
    near : (k, n)
        1 where the site lies within the radius.

    Returns
    -------
    cost, amount
        ``amount`` of shape (k, n), checked and put right against rounding: the cost is computed
        from it, not taken from the solver.
    """
    from ortools.linear_solver import pywraplp  # imported late: only floors need it

    solver = pywraplp.Solver.CreateSolver("GLOP")
    k, n = unit.shape
    reach = np.isfinite(unit)
    serve = [solver.Constraint(float(weight[i]), float(weight[i])) for i in range(n)]
    hold = [solver.Constraint(0.0, float(capacity[a])) for a in range(k)]
    floors = [solver.Constraint(float(x), solver.infinity()) for x in need]
    variables = {}
    for a in range(k):
        for i in range(n):
            if not reach[a, i]:
                continue
            variable = solver.NumVar(0.0, float(weight[i]), "")
            variables[a, i] = variable
            serve[i].SetCoefficient(variable, 1.0)
            hold[a].SetCoefficient(variable, 1.0)
            if floor_of[i] >= 0 and near[a, i] == 1:
                floors[floor_of[i]].SetCoefficient(variable, 1.0)
            solver.Objective().SetCoefficient(variable, float(unit[a, i]))
    solver.Objective().SetMinimization()
    if solver.Solve() != pywraplp.Solver.OPTIMAL:
        return None
    amount = np.zeros((k, n))
    for (a, i), variable in variables.items():
        amount[a, i] = max(0.0, variable.solution_value())
    total = amount.sum(axis=0)
    if np.any(total <= 0.0):
        return None
    amount *= weight / total
    if np.any(amount.sum(axis=1) > capacity * (1.0 + TINY) + TINY):
        return None
    for d in range(need.size):
        mine = floor_of == d
        if float((amount * near)[:, mine].sum()) < float(need[d]) * (1.0 - TINY):
            return None
    return float((amount[reach] * unit[reach]).sum()), amount
