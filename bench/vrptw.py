"""``solomon`` and ``homberger``: classical vehicle routing with time windows, by distance."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from statistics import mean

from bench.contest import Entry, Instance, Outcome, how, run, seeds_of
from bench.data import DataMissing, best_vrptw, data_files
from bench.report import Report, conditions, grouped, middle, percent
from optimizer.plan import Plan
from optimizer.problem import Problem

SECONDS = {"solomon": 10.0, "homberger_200": 30.0, "homberger_400": 30.0, "homberger_1000": 60.0}
SAME = 0.01
"""Two distances this close are the same plan: best known values are printed with two decimals."""


def load(path: Path, rounding: str) -> Problem:
    """A Solomon or Gehring-Homberger file under a rounding rule of `optimizer.formats`."""
    from optimizer.formats.rounding import ROUNDINGS
    from optimizer.formats.solomon import from_solomon

    return from_solomon(path.read_text(), ROUNDINGS[rounding])


def distance(problem: Problem, plan: Plan) -> float:
    """Distance in the instance's own unit; every customer left out counts 1,000 of it."""
    driven = sum(step.travel_s for route in plan.routes for step in route.steps)
    return driven / problem.scale + 1000.0 * len(plan.unassigned)


def instances(folders: Sequence[str], glob: str) -> list[tuple[Instance, float]]:
    """Instances whose name matches, with their usual wall limit.

    Distances are exact to four decimals, but for the sets of 1,000 customers each leg is cut to one
    decimal, which is the rule of their best known values.
    """
    found = []
    for folder in folders:
        for path in data_files(f"vrptw/{folder}", "*.txt"):
            if not fnmatch(path.stem.lower(), glob.lower()):
                continue
            rounding = "trunc10" if folder.endswith("1000") else "none"
            best, _ = best_vrptw(path.stem)
            instance = Instance(path.stem, partial(load, path, rounding), distance, best)
            found.append((instance, SECONDS[folder]))
    if not found:
        raise DataMissing(f"no instance matches {glob!r}")
    return found


def solomon(options: argparse.Namespace) -> Report:
    """Solomon's 100 customers, distance only."""
    return _table("Solomon, 100 customers, distance", ["solomon"], options)


def homberger(options: argparse.Namespace) -> Report:
    """Gehring and Homberger's 200, 400 and 1,000 customers, distance only."""
    folders = ["homberger_200", "homberger_400", "homberger_1000"]
    return _table("Gehring-Homberger, 200, 400 and 1,000 customers, distance", folders, options)


def _table(title: str, folders: list[str], options: argparse.Namespace) -> Report:
    chosen = instances(folders, options.instances)
    entries = [
        Entry(
            solver,
            instance,
            options.seconds or usual,
            seed,
            **how(options),
        )
        for instance, usual in chosen
        for solver in options.solvers
        for seed in seeds_of(solver, options.seeds)
    ]
    outcomes = run(entries, options.jobs)
    best = {instance.name: instance.best for instance, _ in chosen}
    groups = grouped(outcomes)
    rows = []
    for instance, _ in chosen:
        cells = [instance.name, "–" if instance.best is None else f"{instance.best:.2f}"]
        for solver in options.solvers:
            outcome = middle(groups[instance.name, solver])
            cells += (
                [outcome.error, "–"]
                if outcome.figure is None
                else [f"{outcome.figure:.2f}", percent(outcome.figure, instance.best)]
            )
        rows.append(tuple(cells))
    rows += [_summary(prefix, best, groups, options.solvers) for prefix in _classes(best)]
    headers = ["instance", "best known"]
    for solver in options.solvers:
        headers += [solver, "gap %"]
    limits = sorted({entry.seconds for entry in entries})
    seconds = " / ".join(f"{limit:g} s" for limit in limits)
    return Report(
        title,
        tuple(headers),
        tuple(rows),
        conditions(options, seconds),
        (
            "Best known: Solomon by distance in double precision; 1,000 customers by distance with "
            "legs cut to one decimal; 200 and 400 customers by vehicles first, which a plan for "
            "distance alone may undercut (a negative gap is no record).",
            "`at best` counts instances whose middle run is within 0.01 of the best known, "
            f"the mean is over {len(chosen)} instances of which half of the public set is here.",
        ),
        tuple(outcomes),
    )


def _classes(best: dict[str, float | None]) -> list[str]:
    """Summaries: per size and over all, where there is more than one instance."""
    sizes = sorted({_size(name) for name in best}, key=lambda size: int(size))
    return [*sizes, "all"] if len(sizes) > 1 else ["all"]


def _size(name: str) -> str:
    parts = name.split("_")
    return f"{int(parts[1]) * 100}" if len(parts) == 3 else "100"


def _summary(
    which: str,
    best: dict[str, float | None],
    groups: dict[tuple[str, str], list[Outcome]],
    solvers: Sequence[str],
) -> tuple[str, ...]:
    names = [name for name in best if which in ("all", _size(name))]
    cells = [f"**mean, {which}**", f"{len(names)} instances"]
    for solver in solvers:
        gaps, hits = [], 0
        for name in names:
            known, figure = best[name], middle(groups[name, solver]).figure
            if known is None or figure is None:
                continue
            gaps.append(100 * (figure - known) / known)
            hits += figure <= known + SAME
        cells += [f"{hits} at best", f"{mean(gaps):+.3f}" if gaps else "–"]
    return tuple(cells)


TABLES = {"solomon": solomon, "homberger": homberger}
