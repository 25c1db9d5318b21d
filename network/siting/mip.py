"""What the Lagrangian bound leaves of a coverage problem, as a mixed integer program (HiGHS).

The model is kept small: fixed sites are gone, demand that sees the same sites is one row. What
the solver returns is checked by the caller: the plan is judged again on the original numbers, and
a bound below a plan that is known is thrown away.
"""

from __future__ import annotations

import datetime

import numpy as np

from network.siting.instance import Choice, Floats, Rows, States

ENTRIES = 1_500_000  # about 0.3 GiB inside the solver
# beyond both of these it does not even finish its first linear relaxation
ENTRIES_A_SECOND = 16_000
WORK_A_SECOND = 10_000_000  # entries × free sites


def solve_reduced_coverage(
    rows: Rows,
    choice: Choice,
    state: States,
    hint: States,
    seconds: float,
    gap: float,
) -> tuple[States | None, float]:
    """Least uncovered weight over the sites left free.

    Parameters
    ----------
    rows
        Rows without the sites that ``state`` closes (see
        :func:`network.siting.fixing.reduced_rows`).
    hint
        The best set known.

    Returns
    -------
    chosen, bound
        A set or None, and a lower bound on the uncovered weight (``-inf`` for none).
    """
    sites = rows.site
    entries, free = (int(np.count_nonzero(part == 0)) for part in (state[sites], state))
    quick = entries <= ENTRIES_A_SECOND * seconds or entries * free <= WORK_A_SECOND * seconds
    if seconds < 0.5 or entries > ENTRIES or not quick:
        return None, -np.inf
    from ortools.math_opt.python import mathopt  # imported late: it takes a while

    counted: dict[tuple[bytes, int, int], float] = {}
    groups: dict[tuple[bytes, int, int], float] = {}
    for i in range(rows.start.size - 1):
        members = np.sort(sites[rows.start[i] : rows.start[i + 1]])
        times = int(rows.times[i])
        if np.count_nonzero(state[members] == 1) >= times and rows.floor[i] < 0:
            continue
        key = (members.tobytes(), int(rows.floor[i]), times)
        groups[key] = groups.get(key, 0.0) + float(rows.escape[i])
        counted[key] = counted.get(key, 0.0) + float(rows.floor_weight[i])
    model = mathopt.Model(name="coverage")
    opened = [model.add_integer_variable(lb=float(s == 1), ub=float(s != 2)) for s in state]
    missed = []
    floors: list[list[tuple[float, mathopt.Variable]]] = [[] for _ in choice.need]
    totals = np.zeros(choice.need.size)
    first: dict[bytes, mathopt.Variable] = {}
    for (packed, floor, times), weight in sorted(groups.items(), key=lambda item: item[0][2]):
        # half served does not count, so rows that ask for two are whole
        variable = model.add_variable(lb=0.0, ub=1.0, is_integer=times == 2)
        missed.append((weight, variable))
        members = np.frombuffer(packed, dtype=sites.dtype)
        found = mathopt.fast_sum([opened[j] for j in members])
        model.add_linear_constraint(times * variable + found >= float(times))
        if times == 1:
            first.setdefault(packed, variable)
        elif packed in first:
            model.add_linear_constraint(variable + first[packed] + found >= 2.0)
        if floor >= 0:
            share = counted[packed, floor, times]
            floors[floor].append((share, variable))
            totals[floor] += share
    count = mathopt.fast_sum(opened)
    model.add_linear_constraint(count >= choice.least)
    model.add_linear_constraint(count <= choice.most)
    for use, limit in zip(choice.use, choice.limit, strict=True):
        if np.isfinite(limit):
            model.add_linear_constraint(
                mathopt.fast_sum([float(use[j]) * opened[j] for j in np.flatnonzero(use)])
                <= float(limit)
            )
    for d, parts in enumerate(floors):
        model.add_linear_constraint(
            mathopt.fast_sum([w * v for w, v in parts]) <= float(totals[d] - choice.need[d])
        )
    model.minimize(mathopt.fast_sum([w * v for w, v in missed]))
    parameters = mathopt.SolveParameters(
        time_limit=datetime.timedelta(seconds=seconds),
        relative_gap_tolerance=max(gap, 1e-8),
    )
    result = mathopt.solve(model, mathopt.SolverType.HIGHS, params=parameters)
    chosen = None
    if result.has_primal_feasible_solution():
        values = result.variable_values(opened)
        chosen = np.array([v > 0.5 for v in values], dtype=np.int8)
    bound = float(result.termination.objective_bounds.dual_bound)
    return chosen, _rounded_down(bound, rows.escape)


def _rounded_down(bound: float, weight: Floats) -> float:
    """The solver works with tolerances; what they can be worth is taken off."""
    return bound - 1e-9 * float(weight.sum()) if np.isfinite(bound) else -np.inf
