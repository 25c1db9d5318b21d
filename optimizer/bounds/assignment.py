"""Travel bounded by assignment: whoever is served has one stop before and one after.

Left: every job and every shift's start. Right: every job and every shift's end. A plan picks for
each left node the right node it drives to next; an unused shift goes from its start to its end for
nothing, a job that is left out goes to itself. The cheapest such matching costs no more than any
plan drives. Arcs carry the least drive over all shifts in which both ends fit and the times allow
the one after the other (through the depot where that is shorter and there is one).

Which jobs may be left out follows from the goals before: a job whose loss alone would exceed one
of them is served in every plan in question; for the rest the goal ``dropped`` is priced with a
Lagrange multiplier.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numba import njit

from optimizer.bounds.options import Flags, Ints, Options, driven
from optimizer.bounds.relaxation import ADDITIVE, costs_of
from optimizer.problem import UNREACHABLE

MOST_NODES = 1_300
"""Up to so many nodes the matching is solved; beyond, each job counts its least drive in."""

NO_ARC = 2**42
"""Cost of an arc that no plan can use."""

PRICES = 7
"""How many multipliers are tried for the jobs that may be left out."""

_K = 64


@njit(cache=True, nogil=True)
def _hungarian(costs: Ints) -> tuple[Ints, Ints]:
    """Optimal dual prices of rows and columns by shortest augmenting paths.

    Jonker and Volgenant 1987, doi:10.1007/BF02278710, without their initialisation.
    """
    size = len(costs)
    row_price = np.zeros(size + 1, np.int64)
    column_price = np.zeros(size + 1, np.int64)
    owner = np.zeros(size + 1, np.int64)
    path = np.zeros(size + 1, np.int64)
    for row in range(1, size + 1):
        owner[0] = row
        column = 0
        slack = np.full(size + 1, np.int64(2**62))
        done = np.zeros(size + 1, np.bool_)
        while True:
            done[column] = True
            here = owner[column]
            least = np.int64(2**62)
            following = 0
            for other in range(1, size + 1):
                if done[other]:
                    continue
                reduced = costs[here - 1, other - 1] - row_price[here] - column_price[other]
                if reduced < slack[other]:
                    slack[other] = reduced
                    path[other] = column
                if slack[other] < least:
                    least = slack[other]
                    following = other
            for other in range(size + 1):
                if done[other]:
                    row_price[owner[other]] += least
                    column_price[other] -= least
                else:
                    slack[other] -= least
            column = following
            if owner[column] == 0:
                break
        while column != 0:
            before = path[column]
            owner[column] = owner[before]
            column = before
    return row_price[1:], column_price[1:]


def matching_bound(costs: Ints) -> int:
    """A proven lower bound on the cheapest perfect matching; in fact its cost.

    The claim rests on the prices alone: they are checked against every arc, and their sum bounds
    every matching by duality, however they were found.
    """
    rows, columns = _hungarian(costs)
    if (rows[:, None] + columns[None, :] > costs).any():
        return 0
    return int(rows.sum() + columns.sum())


@dataclass(frozen=True, slots=True, eq=False)
class Arcs:
    """Least drives between jobs, from shift starts (S, J) and to shift ends (J, S)."""

    between: Ints
    outward: Ints
    home: Ints


def figure_matrices(options: Options, column: int, figure: str) -> tuple[Ints, Ints]:
    """Seconds, and what counts (the same for ``travel``, metres for ``distance``)."""
    seconds = options.matrix(column)
    if figure == "travel":
        return seconds, seconds
    metres = options.problem.travel[options.slots[column][0].profile].distances_m
    return seconds, np.zeros_like(seconds) if metres is None else driven(metres, 1.0)


def least_drives(
    options: Options, matrices: tuple[Ints, Ints], origins: Ints, targets: Ints
) -> tuple[Ints, Ints]:
    """Seconds and cost from each origin to each target, directly or through the depot."""
    seconds, figures = matrices
    times = seconds[np.ix_(origins, targets)]
    costs = np.where(times < UNREACHABLE, figures[np.ix_(origins, targets)], NO_ARC)
    if options.problem.restock is not None:
        depot = options.problem.restock.location
        via_s = seconds[origins, depot][:, None] + seconds[depot, targets][None, :]
        via = figures[origins, depot][:, None] + figures[depot, targets][None, :]
        costs = np.minimum(costs, np.where(via_s < UNREACHABLE, via, NO_ARC))
        times = np.minimum(times, via_s)
    return times, costs


def arcs_of(options: Options, figure: str) -> Arcs:
    """Arcs in seconds (``travel``) or metres (``distance``)."""
    count, shifts = options.fits.shape
    between = np.full((count, count), NO_ARC, np.int64)
    outward = np.full((shifts, count), NO_ARC, np.int64)
    home = np.full((count, shifts), NO_ARC, np.int64)
    for column, (_, shift) in enumerate(options.slots):
        rows = np.flatnonzero(options.fits[:, column] & options.possible)
        if not len(rows):
            continue
        places = options.places[rows]
        matrices = figure_matrices(options, column, figure)
        times, costs = least_drives(options, matrices, places, places)
        early = options.end[rows, column][:, None] + times <= options.latest[rows, column][None, :]
        grid = np.ix_(rows, rows)
        between[grid] = np.minimum(between[grid], np.where(early, costs, NO_ARC))
        start = np.array([shift.start_location], np.int64)
        outward[column, rows] = least_drives(options, matrices, start, places)[1][0]
        if shift.end_location is None:
            home[rows, column] = 0
        else:
            target = np.array([shift.end_location], np.int64)
            home[rows, column] = least_drives(options, matrices, places, target)[1][:, 0]
    np.fill_diagonal(between, NO_ARC)
    return Arcs(between, outward, home)


def droppable_jobs(options: Options, earlier: Mapping[str, int]) -> Flags:
    """``bool[J]``: jobs that can be left out without exceeding any of the earlier goals."""
    may = np.ones(len(options.problem.jobs), np.bool_)
    for goal, value in earlier.items():
        if goal in ADDITIVE:
            costs = costs_of(options, goal)
            least = costs.least(options)
            may &= costs.dropped - least <= value - int(least.sum())
    return may | ~options.possible


def travel_bound(options: Options, figure: str, earlier: Mapping[str, int]) -> int:
    """A lower bound on ``travel`` or ``distance`` of all plans with ``earlier`` at most these.

    0 where the tables say that there is no such plan at all.
    """
    may = droppable_jobs(options, earlier)
    arcs = arcs_of(options, figure)
    crew = np.array([job.crew for job in options.problem.jobs], np.int64)
    rows = np.flatnonzero(options.possible)
    copies = np.repeat(rows, crew[rows])
    count, shifts = len(copies), len(options.slots)
    if count + shifts > MOST_NODES:
        into = np.minimum(arcs.between.min(axis=0), arcs.outward.min(axis=0, initial=NO_ARC))
        sure = ~may & (into < NO_ARC)
        return int((into * crew)[sure].sum())
    costs = np.full((count + shifts, count + shifts), NO_ARC, np.int64)
    costs[:count, :count] = arcs.between[np.ix_(copies, copies)]
    costs[count:, :count] = arcs.outward[:, copies]
    costs[:count, count:] = arcs.home[copies, :]
    costs[count:, count:][np.diag_indices(shifts)] = 0
    costs = np.where(costs < NO_ARC, costs * _K, NO_ARC)
    inner = np.arange(count)
    optional = may[copies]
    penalty, room = drop_prices(options, earlier)
    if penalty is not None:
        penalty = (penalty // crew)[copies]
    best = 0
    highest = int(np.where(costs < NO_ARC, costs, 0).max(initial=0)) * 2
    prices = [0]
    if optional.any() and penalty is not None and room is not None:
        largest = max(1, int(penalty[optional].max()))
        smallest = max(1, int(penalty[optional].min()))
        prices += np.unique(
            np.geomspace(max(1.0, highest / largest / 50), max(2.0, highest / smallest), PRICES)
            .round()
            .astype(np.int64)
        ).tolist()
    for price in prices:
        loops = np.full(count, NO_ARC, np.int64)
        loss = np.zeros(count, np.int64) if penalty is None else penalty * price
        if (loss >= NO_ARC).any():
            continue
        loops[optional] = loss[optional]
        costs[inner, inner] = loops
        found = matching_bound(costs)
        if found < NO_ARC:
            # copies of a crew job share its penalty: each alone may be left out here
            best = max(best, -(-(found - price * (room or 0)) // _K))
    return best


def drop_prices(options: Options, earlier: Mapping[str, int]) -> tuple[Ints | None, int | None]:
    """What each job adds to ``dropped`` when left out, and what the goal leaves for that."""
    if "dropped" not in earlier:
        return None, None
    costs = costs_of(options, "dropped")
    surely = int(costs.dropped[~options.possible].sum())
    return costs.dropped, earlier["dropped"] - surely
