"""The O(1) test of an insertion against the slow obvious one: time the whole sequence anew."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from optimizer.problem import Goal, Job, Problem
from optimizer.search import layout as c
from optimizer.search.arrays import compile_problem
from optimizer.search.compiled import entry
from optimizer.search.engine import Search, Settings
from optimizer.search.insertion import INFINITE, has_room, price
from optimizer.solve import Stop
from optimizer.timetable import Timetable, timetable
from tests.optimizer.strategies import solved_problem

OBJECTIVE = tuple(Goal.of(name) for name in ("late", "dropped", "overtime", "travel"))


@entry
def price_of(instance: Any, solution: Any, r: int, at: int, job: int, out: Any) -> float:
    """`price` for Python: out = split, start, slack."""
    energy, split, start, slack = price(instance, solution, r, at, job, INFINITE)
    out[0], out[1], out[2] = split, start, slack
    return energy


@entry
def has_room_for(instance: Any, solution: Any, r: int, job: int) -> bool:
    """`has_room` for Python."""
    return has_room(instance, solution, r, job)


def free_problem(seed: int, exact: bool) -> Problem:
    """A random problem without linked jobs, restock or published plan.

    ``exact``: also without breaks and setups, where the compiled test promises an equivalence.
    """
    problem, _ = solved_problem(seed, 1 + seed % 3, 4 + seed % 9)
    jobs = tuple(
        replace(
            job,
            crew=1,
            together=(),
            after=(),
            min_gap_s=0,
            max_gap_s=None,
            setup_s=0 if exact else job.setup_s,
        )
        for job in problem.jobs
    )
    people = tuple(
        replace(
            who,
            shifts=tuple(replace(s, breaks=() if exact else s.breaks) for s in who.shifts),
        )
        for who in problem.technicians
    )
    return replace(
        problem,
        jobs=jobs,
        technicians=people,
        restock=None,
        published=None,
        frozen_until=None,
        objective=OBJECTIVE,
    )


@dataclass(frozen=True)
class Trial:
    """One job tried at one position of one route: what the compiled test and the slow one say."""

    problem: Problem
    energy: float
    start: int
    slack: int
    job: Job
    before: Timetable
    after: Timetable
    slow: Any
    weight: Any


def trials(seed: int, exact: bool, setups: bool = True) -> Iterator[Trial]:
    """Some jobs at some positions of the routes of a half-optimised plan."""
    problem = free_problem(seed, exact)
    if not setups:
        problem = replace(problem, jobs=tuple(replace(job, setup_s=0) for job in problem.jobs))
    compiled = compile_problem(problem)
    search = Search(
        compiled,
        Stop(iterations=1 + seed % 20),
        seed,
        1,
        None,
        Settings(plain=False),
        time.monotonic(),
    )
    search.start(None)
    search.run()
    arrays, solution = compiled.arrays, search.solution
    n = arrays.n
    out = np.zeros(3, np.int64)
    draw = random.Random(seed)
    for r, (who, piece) in enumerate(compiled.shifts):
        chain = [n + 2 * r]
        while (following := int(solution.node[chain[-1], c.NEXT])) < n:
            chain.append(following)
        on_route = [compiled.tasks[t] for t in chain[1:]]
        before = timetable(problem, who, piece, on_route)
        assert before.broken is None
        strangers = [t for t in range(n) if t not in chain]
        for t in draw.sample(strangers, min(4, len(strangers))):
            for position, at in draw.sample(list(enumerate(chain)), min(3, len(chain))):
                energy = price_of(arrays, solution, r, at, t, out)
                sequence = [*on_route[:position], compiled.tasks[t], *on_route[position:]]

                def slow(
                    starts: dict[str, int] | None = None,
                    who: Any = who,
                    piece: Any = piece,
                    sequence: Any = sequence,
                ) -> Timetable:
                    return timetable(problem, who, piece, sequence, starts)

                yield Trial(
                    problem,
                    energy,
                    int(out[1]),
                    int(out[2]),
                    compiled.tasks[t],
                    before,
                    slow(),
                    slow,
                    arrays.weight,
                )


def test_without_breaks_and_setups_an_insertion_fits_exactly_when_the_route_can_be_timed() -> None:
    fitting = broken = 0
    for seed in range(200):
        for trial in trials(seed, exact=True):
            assert (trial.energy < INFINITE) == (trial.after.broken is None), seed
            fitting += trial.after.broken is None
            broken += trial.after.broken is not None
    assert fitting > 1000 and broken > 200


def compare(first: int, last: int, setups: bool) -> tuple[int, int, int, int]:
    """With breaks: how often it fits, fits not, fits by arrays alone, by the clock alone."""
    fitting = broken = wrong = missed = 0
    for seed in range(first, last):
        for trial in trials(seed, exact=False, setups=setups):
            fits = trial.energy < INFINITE
            timed = trial.after.broken is None
            fitting += fits
            broken += not timed
            wrong += fits and not timed
            missed += timed and not fits
    return fitting, broken, wrong, missed


def test_with_breaks_what_fits_by_the_arrays_can_be_timed() -> None:
    fitting, broken, wrong, missed = compare(1000, 1200, setups=False)
    assert fitting > 1000 and broken > 200
    assert wrong == 0
    assert missed < 0.1 * fitting  # the price of leaving the other breaks where they are


def test_with_breaks_and_setups_what_fits_by_the_arrays_can_be_timed() -> None:
    fitting, broken, wrong, _ = compare(1000, 1200, setups=True)
    if fitting < 1000 or broken < 200:
        pytest.fail("too few trials")
    assert wrong == 0


def test_the_price_is_the_change_of_lateness_overtime_and_travel() -> None:
    dearer = 0
    for seed in range(2000, 2100):
        for trial in trials(seed, exact=True):
            if trial.energy >= INFINITE:
                continue
            before, after, weight = trial.before, trial.after, trial.weight
            used = before.route is not None and bool(before.route.jobs)
            driven = before.travel_s if used else 0  # nobody drives an empty route
            late = after.late - before.late
            over = after.overtime_s - before.overtime_s
            expected = (
                weight[c.LATE] * late
                + weight[c.OVERTIME] * over
                + weight[c.TRAVEL] * (after.travel_s - driven)
            )
            assert math.isclose(trial.energy, expected, rel_tol=1e-9, abs_tol=1e-6), seed
            dearer += late > 0 or over > 0
    assert dearer > 100


def test_start_is_the_earliest_and_start_plus_slack_still_fits() -> None:
    for seed in range(3000, 3060):
        for trial in trials(seed, exact=True):
            if trial.energy >= INFINITE:
                continue
            assert trial.after.route is not None
            (step,) = [s for s in trial.after.route.steps if s.job == trial.job.id]
            assert step.start == trial.start
            assert trial.slack >= 0
            last = trial.slow({trial.job.id: trial.start + trial.slack})
            assert last.broken is None, seed


@pytest.mark.parametrize("seed", range(4000, 4030))
def test_room_is_what_count_load_and_parts_leave(seed: int) -> None:
    problem = free_problem(seed, exact=True)
    compiled = compile_problem(problem)
    search = Search(
        compiled, Stop(iterations=5), seed, 1, None, Settings(plain=False), time.monotonic()
    )
    search.start(None)
    search.run()
    arrays, solution = compiled.arrays, search.solution
    on = {
        r: [compiled.tasks[t] for t in range(arrays.n) if solution.node[t, c.ROUTE] == r]
        for r in range(arrays.n_shifts)
    }
    for r, (who, piece) in enumerate(compiled.shifts):
        together = [
            job
            for q, (other, _) in enumerate(compiled.shifts)
            if other.id == who.id
            for job in on[q]
        ]
        for t in np.flatnonzero(solution.node[: arrays.n, c.ROUTE] < 0):
            job = compiled.tasks[t]
            loads = [other.load for other in [*on[r], job]]
            room = (
                (piece.max_jobs is None or len(on[r]) < piece.max_jobs)
                and all(
                    sum(load[k] for load in loads if k < len(load))
                    <= (piece.capacity[k] if k < len(piece.capacity) else 0)
                    for k in range(arrays.load.shape[1])
                )
                and all(
                    sum(other.parts.get(part, 0) for other in [*together, job])
                    <= who.stock.get(part, 0)
                    for part in job.parts
                )
            )
            assert has_room_for(arrays, solution, r, int(t)) == room
