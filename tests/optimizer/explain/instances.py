"""Small random problems with every rule, and greedy plans of them built by the slow timetable."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from optimizer.check import check
from optimizer.plan import Plan, Route, Unassigned
from optimizer.problem import (
    UNREACHABLE,
    Break,
    Job,
    Location,
    Pin,
    Problem,
    Shift,
    Technician,
    Travel,
)
from optimizer.timetable import timetable

Generator = np.random.Generator


def random_travel(random: Generator, places: int, *, gaps: bool = True) -> Travel:
    """Asymmetric durations that keep no triangle inequality, a few pairs without a way."""
    durations = random.integers(60, 1500, (places, places)).astype(np.int32)
    if gaps:
        durations[random.random((places, places)) < 0.03] = UNREACHABLE
    np.fill_diagonal(durations, 0)
    distances = np.minimum(durations * 9, UNREACHABLE).astype(np.int32)
    return Travel(durations, distances)


def random_technician(random: Generator, number: int, places: int) -> Technician:
    """One or two shifts; now and then breaks, limits, overtime, an open end."""
    shifts = []
    for day in range(int(random.integers(1, 3))):
        start = day * 30_000 + int(random.integers(0, 4_000))
        length = int(random.integers(3_000, 14_000))
        breaks = []
        for pause in range(int(random.integers(0, 3))):
            opens = start + int(random.integers(0, length))
            breaks.append(
                Break(f"b{pause}", ((opens, opens + int(random.integers(0, 3_000))),), 600)
            )
        shifts.append(
            Shift(
                f"T{number}-{day}",
                start,
                start + length,
                int(random.integers(places)),
                None if random.random() < 0.2 else int(random.integers(places)),
                overtime_s=int(random.choice([0, 600])),
                breaks=tuple(breaks),
                max_jobs=None if random.random() < 0.7 else int(random.integers(0, 4)),
                capacity=(int(random.integers(2, 9)),),
            )
        )
    return Technician(
        f"T{number}",
        tuple(shifts),
        speed_factor=float(random.choice([1.0, 1.3])),
        skills={"a": int(random.integers(0, 4))} if random.random() < 0.8 else {},
        equipment=frozenset(["ladder"] if random.random() < 0.7 else []),
        stock={"fuse": int(random.integers(0, 4))},
        service_factor={"a": 0.9} if random.random() < 0.3 else {},
        cost_per_hour_fen=int(random.integers(0, 5000)),
    )


def random_job(random: Generator, number: int, places: int, technicians: int) -> Job:
    """A visit with a random handful of the rules that concern it alone."""

    def now_and_then(share: float) -> bool:
        return bool(random.random() < share)

    windows = []
    if now_and_then(0.5):
        opens = int(random.integers(0, 40_000))
        windows.append((opens, opens + int(random.integers(0, 8_000))))
        if now_and_then(0.4):
            opens = windows[0][1] + int(random.integers(1, 9_000))
            windows.append((opens, opens + int(random.integers(0, 4_000))))
    names = [f"T{who}" for who in range(technicians)]
    pin = None
    if now_and_then(0.1):
        pin = Pin(
            technician=str(random.choice(names)) if now_and_then(0.5) else None,
            start=int(random.integers(1_000, 12_000)) if now_and_then(0.5) else None,
        )
    return Job(
        f"J{number}",
        int(random.integers(places)),
        service_s=int(random.integers(0, 5_000)),
        setup_s=int(random.choice([0, 300])),
        job_class=str(random.choice(["urgent", "normal"])),
        skills={"a": int(random.integers(1, 4))} if now_and_then(0.4) else {},
        equipment=frozenset(["ladder"] if now_and_then(0.3) else []),
        parts={"fuse": int(random.integers(1, 3))} if now_and_then(0.3) else {},
        load=(int(random.integers(0, 4)),),
        release=int(random.integers(0, 6_000)) if now_and_then(0.3) else 0,
        due=int(random.integers(0, 30_000)) if now_and_then(0.4) else None,
        time_windows=tuple(windows),
        drop_penalty=None if now_and_then(0.3) else int(random.integers(1, 50)),
        allowed=frozenset(random.choice(names, 2).tolist()) if now_and_then(0.1) else None,
        excluded=frozenset([str(random.choice(names))]) if now_and_then(0.1) else frozenset(),
        preferred=frozenset([str(random.choice(names))]) if now_and_then(0.2) else frozenset(),
        pinned=pin,
    )


def random_problem(
    seed: int, *, jobs: int = 7, technicians: int = 3, tied: bool = False
) -> Problem:
    """A problem of every rule but restock; ``tied`` adds crews, ``together`` and ``after``."""
    random = np.random.default_rng(seed)
    places = 6
    visits = [random_job(random, number, places, technicians) for number in range(jobs)]
    if tied and jobs >= 5:
        visits[0] = replace(visits[0], crew=2)
        visits[1] = replace(visits[1], together=(visits[2].id,))
        visits[3] = replace(
            visits[3], after=(visits[4].id,), min_gap_s=300,
            max_gap_s=int(random.integers(300, 20_000)) if random.random() < 0.6 else None,
            gap_from="start" if random.random() < 0.5 else "end",
        )  # fmt: skip
    return Problem(
        tuple(Location(f"L{place}") for place in range(places)),
        {"car": random_travel(random, places)},
        tuple(random_technician(random, number, places) for number in range(technicians)),
        tuple(visits),
        {"urgent": 10, "normal": 1},
    )


def plan_of(problem: Problem, routes: list[Route]) -> Plan:
    """A plan of these routes; everything not on them is unassigned."""
    served = {job for route in routes for job in route.jobs}
    return Plan(
        tuple(routes), tuple(Unassigned(job.id) for job in problem.jobs if job.id not in served)
    )


def routes_with(
    problem: Problem, plan: Plan, job_id: str, technician_id: str
) -> list[tuple[str, int, Plan]]:
    """Every (shift, position, plan) that comes of one more visit and stands up to the checker.

    The slow way: each sequence is timed anew, and the checker has the last word.
    """
    jobs = {job.id: job for job in problem.jobs}
    technician = next(who for who in problem.technicians if who.id == technician_id)
    found = []
    for shift in technician.shifts:
        old = [r for r in plan.routes if (r.technician, r.shift) == (technician_id, shift.id)]
        sequence = [jobs[name] for route in old for name in route.jobs]
        others = [route for route in plan.routes if route not in old]
        for position in range(len(sequence) + 1):
            longer = [*sequence[:position], jobs[job_id], *sequence[position:]]
            route = timetable(problem, technician, shift, longer).route
            if route is None:
                continue
            tried = plan_of(problem, [*others, route])
            if not check(problem, tried).violations:
                found.append((shift.id, position, tried))
    return found


def greedy_plan(problem: Problem, seed: int, share: float = 0.8) -> Plan:
    """Jobs nobody else depends on, put one by one into the first random place that works."""
    random = np.random.default_rng(seed)
    plan = plan_of(problem, [])
    tied = {name for job in problem.jobs for name in (*job.together, *job.after)}
    for number in random.permutation(len(problem.jobs)):
        job = problem.jobs[number]
        if job.crew > 1 or job.together or job.after or job.id in tied or random.random() > share:
            continue
        for who in random.permutation(len(problem.technicians)):
            found = routes_with(problem, plan, job.id, problem.technicians[who].id)
            if found:
                plan = found[int(random.integers(len(found)))][2]
                break
    return plan
