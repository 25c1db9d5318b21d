"""Bounds of Solomon's instances never pass the best distances that were ever published."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.data import best_vrptw, data_folder
from optimizer.bounds import prove
from optimizer.bounds.columns import column_bound
from optimizer.bounds.options import options_of
from optimizer.check import check
from optimizer.formats.rounding import ROUNDINGS
from optimizer.formats.solomon import from_solomon
from optimizer.plan import Plan, Route, Unassigned
from optimizer.problem import Goal, Job, Problem
from optimizer.timetable import timetable

FILES = sorted((data_folder() / "vrptw" / "solomon").glob("*.txt"))
ROUNDING_UNITS = 1_000
"""125 legs may be half a unit (of 10,000 to one of distance) off, and what is published more."""


def in_line(problem: Problem) -> Plan:
    """Customers appended, by the end of their windows, to the first vehicle that can; the rest out.

    Nothing of the search is used, so that what is tested are the bounds alone.
    """
    rows: list[list[Job]] = []
    routes: list[Route] = []
    left = []
    slots = [(who, who.shifts[0]) for who in problem.technicians]
    for job in sorted(problem.jobs, key=lambda own: own.time_windows[-1][1]):
        for number, (who, shift) in enumerate(slots):
            row = rows[number] if number < len(rows) else []
            load = sum(other.load[0] for other in row) + job.load[0]
            timed = timetable(problem, who, shift, [*row, job]).route
            if timed is None or load > shift.capacity[0]:
                continue
            if number == len(rows):
                rows.append([])
                routes.append(timed)
            rows[number].append(job)
            routes[number] = timed
            break
        else:
            left.append(job)
    return Plan(tuple(routes), tuple(Unassigned(job.id) for job in left))


@pytest.mark.skipif(not FILES, reason="the published instances are not beside the project")
@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_no_bound_of_a_published_instance_passes_its_best_known_distance(path: Path) -> None:
    problem = from_solomon(path.read_text(), ROUNDINGS["none"])
    best, _ = best_vrptw(path.stem)
    if best is None:
        pytest.skip("no best known distance is at hand")
    plan = in_line(problem)
    assert check(problem, plan).valid
    most = best * problem.scale + ROUNDING_UNITS
    # the published plan serves everybody, and so do the plans the bounds are about here
    options = options_of(problem)
    assert options is not None
    value = column_bound(options, "travel", {"unserved": 0}, plan, rounds=2)
    assert 0 <= value <= most
    alone = prove(problem, plan, rounds=0)
    assert alone["travel"].bound <= most
    assert Goal.of("travel") in problem.objective


def test_files_of_the_sets_are_found_where_they_are_expected() -> None:
    assert all(path.suffix == ".txt" for path in FILES)
