"""``days`` and ``scale``: technician-shaped days, the reason for this engine."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from functools import partial
from itertools import product

from bench.contest import OURS, Entry, Instance, Outcome, how, run, seeds_of
from bench.data import DataMissing
from bench.days import SCALE_SIZES, SIZES, DayShape, Pattern, day_problem, shape
from bench.report import Report, conditions, grouped, middle, percent

SECONDS = {100: 10.0, 300: 20.0, 1000: 30.0, 5000: 60.0, 10000: 120.0}
MARKS_S = (15.0, 30.0, 60.0, 120.0)
"""When ``scale`` looks at the plan so far."""

PEERS_ON_DAYS = ("pyvrp", "vroom", "ortools")
"""Whose best the column "travel against the best peer" refers to; the prototype is our own."""


def usual_seconds(jobs: int) -> float:
    """The wall limit of the smallest size that is at least this large."""
    return next((limit for size, limit in sorted(SECONDS.items()) if jobs <= size), 120.0)


def shapes(options: argparse.Namespace, sizes: Sequence[str]) -> list[DayShape]:
    """The shapes that ``--instances`` matches; a size that is not in the list may be named too."""
    patterns: tuple[Pattern, ...] = ("clustered", "scattered")

    def form(pattern: Pattern, size: str) -> DayShape:
        return shape(pattern, size, breaks=options.breaks, seed=options.instance_seed)

    wanted = [form(pattern, size) for size, pattern in product(sizes, patterns)]
    found = [day for day in wanted if fnmatch(day.name, options.instances)]
    name, _, size = options.instances.removesuffix("-breaks").partition("-")
    if not found and "*" not in size:
        found = [form(pattern, size) for pattern in patterns if pattern == name]
    return found


def days(options: argparse.Namespace) -> Report:
    """Missed penalties and travel of every solver on every shape, on the plane or on roads."""
    chosen = shapes(options, SIZES)
    if options.roads:
        from bench.road_days import road_instances

        pairs = road_instances(options)
    else:
        pairs = [(form.jobs, Instance(form.name, partial(day_problem, form))) for form in chosen]
    if not pairs:
        raise DataMissing(f"no day matches {options.instances!r}: such as clustered-300x40x1d")
    if options.breaks:
        options = argparse.Namespace(**{**vars(options), "solvers": [OURS]})
    entries = [
        Entry(
            solver,
            instance,
            options.seconds or usual_seconds(jobs),
            seed,
            **how(options),
        )
        for jobs, instance in pairs
        for solver in options.solvers
        for seed in seeds_of(solver, options.seeds)
    ]
    outcomes = run(entries, options.jobs)
    groups = grouped(outcomes)
    rows = []
    for _, instance in pairs:
        standing = {solver: middle(groups[instance.name, solver]) for solver in options.solvers}
        rows += _rows(instance.name, standing)
    limits = sorted({entry.seconds for entry in entries})
    where = f"roads of {options.roads}" if options.roads else "Euclidean × 1.3 at 40 km/h"
    return Report(
        f"Technician-shaped days, {where}",
        (
            "day",
            "solver",
            "late",
            "missed (s)",
            "left out",
            "travel (s)",
            "against best peer %",
            f"{options.clock} s",
            "CPU in all s",
            "peak MB",
            "violations",
        ),
        tuple(rows),
        conditions(options, " / ".join(f"{limit:g} s" for limit in limits)),
        (
            "Missed: Σ penalty of visits left out, in seconds of driving (4 h, urgent 12 h). "
            "`against best peer`: travel against the lowest travel of PyVRP, VROOM and OR-Tools "
            "among those that miss least; where the misses differ, fewer misses come first.",
            "VROOM takes its own time. VROOM and OR-Tools are deterministic: one run whatever the "
            "seed. Peak MB is the whole process, matrix included.",
        ),
        tuple(outcomes),
    )


def _rows(name: str, standing: dict[str, Outcome]) -> list[tuple[str, ...]]:
    peers = [
        outcome
        for solver, outcome in standing.items()
        if solver in PEERS_ON_DAYS and not outcome.error
    ]
    best = min(peers, key=lambda outcome: outcome.key, default=None)
    rows: list[tuple[str, ...]] = []
    for solver, outcome in standing.items():
        label = f"{solver} {outcome.note}".strip()
        if outcome.error:
            rows.append((name, label, "–", "–", "–", outcome.error, "–", "–", "–", "–", "–"))
            continue
        goals = outcome.goals
        rows.append(
            (
                name,
                label,
                f"{goals['late']:,.0f}",
                f"{goals['dropped']:,.0f}",
                str(outcome.unassigned),
                f"{goals['travel']:,.0f}",
                _against(goals, best),
                f"{outcome.seconds:.1f}",
                f"{outcome.cpu_seconds:.1f}",
                f"{outcome.peak_mb:,.0f}",
                str(outcome.violations),
            )
        )
    return rows


def _against(goals: dict[str, float], best: Outcome | None) -> str:
    """Travel against the best peer's where both miss the same, else who misses less."""
    if best is None:
        return "–"
    missed, theirs = goals["dropped"], best.goals["dropped"]
    if missed == theirs:
        return percent(goals["travel"], best.goals["travel"])
    more_travel = percent(goals["travel"], best.goals["travel"])
    return f"misses {'less' if missed < theirs else 'more'} ({more_travel})"


def scale(options: argparse.Namespace) -> Report:
    """10,000 × 1,000 × 2 days: when the first plan stands, what it is worth as time goes on."""
    chosen = shapes(options, SCALE_SIZES) or shapes(options, SIZES)
    if not chosen:
        raise DataMissing(f"no day matches {options.instances!r}: such as clustered-10000x1000x2d")
    seconds = options.seconds or 120.0
    entries = [
        Entry(
            solver,
            Instance(form.name, partial(day_problem, form)),
            seconds,
            seed,
            trace=solver == OURS,
            **how(options),
        )
        for form in chosen
        for solver in options.solvers
        for seed in seeds_of(solver, options.seeds)
    ]
    outcomes = run(entries, options.jobs)
    groups = grouped(outcomes)
    marks = [mark for mark in MARKS_S if mark <= seconds]
    rows = []
    for form in chosen:
        for solver in options.solvers:
            outcome = middle(groups[form.name, solver])
            if outcome.error:
                rows.append((form.name, solver, outcome.error, *["–"] * (len(marks) + 6)))
                continue
            rows.append(
                (
                    form.name,
                    f"{solver} {outcome.note}".strip(),
                    _first_plan(outcome),
                    *(_at(outcome, mark) for mark in marks),
                    f"{outcome.goals['dropped']:,.0f}",
                    f"{outcome.goals['travel'] / 3600:,.1f}",
                    f"{outcome.seconds:.1f}",
                    f"{outcome.cpu_seconds:.1f}",
                    f"{outcome.peak_mb:,.0f}",
                    str(outcome.violations),
                )
            )
    return Report(
        "Scale",
        (
            "day",
            "solver",
            "first plan (s)",
            *(f"travel h at {mark:g} s" for mark in marks),
            "missed (s)",
            "travel h",
            f"{options.clock} s",
            "CPU in all s",
            "peak MB",
            "violations",
        ),
        tuple(rows),
        conditions(options, f"{seconds:g} s"),
        ("Left out at the mark stands in brackets. Peers show no plan before they end.",),
        tuple(outcomes),
    )


def _first_plan(outcome: Outcome) -> str:
    return f"{outcome.trace[0][0]:.1f}" if outcome.trace else "–"


def _at(outcome: Outcome, mark: float) -> str:
    """The last plan reported by ``mark``."""
    past = [entry for entry in outcome.trace if entry[0] <= mark]
    if not past:
        return "–"
    _, unassigned, goals = past[-1]
    if "travel" not in goals:
        return "–"
    left_out = f" ({unassigned})" if unassigned else ""
    return f"{goals['travel'] / 3600:,.1f}{left_out}"


TABLES: dict[str, Callable[[argparse.Namespace], Report]] = {"days": days, "scale": scale}
