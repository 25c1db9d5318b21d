"""``trsp`` and ``hhcrsp``: public sets with skills, tools, parts, and visits in pairs.

No peer here has words for these rules, so the figures stand beside the published ones.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

from bench.contest import OURS, Entry, Instance, how, run
from bench.data import DataMissing, best_home_care, best_trsp, data_files
from bench.report import Report, conditions, grouped, middle, percent
from optimizer.plan import Plan, Route
from optimizer.problem import Problem

SECONDS = 30.0
MISSED = 1e6
"""What a visit left out adds to the figure, so that no such plan looks good."""


def load_trsp(path: Path) -> Problem:
    """One TRSP instance, distances to four decimals."""
    from optimizer.formats.rounding import ROUNDINGS
    from optimizer.formats.trsp import from_trsp

    return from_trsp(path.read_text(), ROUNDINGS["none"])


def time_on_duty(problem: Problem, plan: Plan) -> float:
    """Travel, service and the least waiting that the plan's sequences need.

    That is the published objective: a replay of the published routes gives it to four decimals. A
    route waits least when it leaves as late as its end allows; the plan's own times may wait more.
    """
    duty = sum(_least_duration(problem, route) for route in plan.routes)
    return duty / problem.scale + MISSED * len(plan.unassigned)


def _least_duration(problem: Problem, route: Route) -> int:
    """Earliest end minus the latest departure that still allows it (Savelsbergh 1992)."""
    jobs = {job.id: job for job in problem.jobs}
    shift = next(
        shift
        for who in problem.technicians
        if who.id == route.technician
        for shift in who.shifts
        if shift.id == route.shift
    )
    now, waited, slack = shift.start, 0, shift.end
    for step in route.steps:
        now += step.travel_s
        if step.type == "job" and step.job is not None:
            opens, closes = jobs[step.job].time_windows[0]
            waited += max(0, opens - now)
            now = max(now, opens)
            slack = min(slack, closes - now + waited)
        if step.start is not None and step.end is not None:
            now += step.end - step.start
    return now - shift.start - min(waited, slack)


def load_home_care(path: Path) -> Problem:
    """One home-care instance; its distances have three decimals."""
    from optimizer.formats.hhcrsp import from_hhcrsp
    from optimizer.formats.rounding import ROUNDINGS

    return from_hhcrsp(json.loads(path.read_text()), ROUNDINGS["exact1000"])


def home_care_cost(problem: Problem, plan: Plan) -> float:
    """(travel + total tardiness + largest tardiness) / 3, tardiness at the start of service.

    Worked out from the steps; the goal of the converted problem is three times this.
    """
    due = {job.id: job.due for job in problem.jobs}
    steps = [step for route in plan.routes for step in route.steps]
    late = [
        max(0, step.start - (due[step.job] or 0))
        for step in steps
        if step.job is not None and step.start is not None
    ]
    travel = sum(step.travel_s for step in steps)
    cost = (travel + sum(late) + max(late, default=0)) / 3 / problem.scale
    return cost + MISSED * len(plan.unassigned)


def trsp(options: argparse.Namespace) -> Report:
    """Technician routing and scheduling (Pillac, Guéret & Medaglia 2013)."""
    best = best_trsp()
    found = [
        Instance(path.stem, partial(load_trsp, path), time_on_duty, best.get(path.stem))
        for path in data_files("trsp", "*_25-5-5-5.txt")
    ]
    return _table(
        "Technician routing and scheduling (TRSP), time on duty",
        found,
        options,
        "Published: adaptive large neighbourhood search, doi:10.1007/s11590-012-0567-4. Time on "
        "duty = travel + service + the least waiting of each sequence, as published.",
    )


def hhcrsp(options: argparse.Namespace) -> Report:
    """Home health care with synchronised and ordered visits (Mankowska et al. 2014)."""
    best = best_home_care()
    found = [
        Instance(
            path.stem.removeprefix("Instanz"),
            partial(load_home_care, path),
            home_care_cost,
            best.get(path.name),
        )
        for path in data_files("hhcrsp", "Instanz*.json")
    ]
    return _table(
        "Home health care (HHCRSP), (travel + total + largest tardiness) / 3",
        found,
        options,
        "Published: multi-neighbourhood simulated annealing, doi:10.1111/itor.13585. Tardiness is "
        "measured at the start of service, as there.",
    )


def _table(title: str, found: Sequence[Instance], options: argparse.Namespace, note: str) -> Report:
    chosen = [item for item in found if fnmatch(item.name.lower(), options.instances.lower())]
    if not chosen:
        raise DataMissing(f"no instance matches {options.instances!r}")
    seconds = options.seconds or SECONDS
    options = argparse.Namespace(**{**vars(options), "solvers": [OURS]})
    entries = [
        Entry(OURS, instance, seconds, seed, **how(options))
        for instance in chosen
        for seed in options.seeds
    ]
    outcomes = run(entries, options.jobs)
    groups = grouped(outcomes)
    rows, level, feasible, gaps = [], 0, 0, []
    for instance in chosen:
        outcome = middle(groups[instance.name, OURS])
        if outcome.error or outcome.figure is None:
            rows.append((instance.name, _number(instance.best), outcome.error, "–", "–", "–"))
            continue
        complete = outcome.unassigned == 0 and outcome.violations == 0
        feasible += complete
        if instance.best is not None and complete:
            level += outcome.figure <= instance.best + 0.01
            gaps.append(100 * (outcome.figure - instance.best) / instance.best)
        figure = _number(outcome.figure) if complete else "–"
        gap = percent(outcome.figure, instance.best) if complete else "–"
        rows.append(
            (
                instance.name,
                _number(instance.best),
                figure,
                gap,
                str(outcome.unassigned),
                str(outcome.violations),
            )
        )
    rows.append(
        (
            f"**{len(chosen)} instances**",
            "",
            f"{level} at or below the published",
            f"{sum(gaps) / len(gaps):+.2f}" if gaps else "–",
            f"{feasible} complete",
            "",
        )
    )
    return Report(
        title,
        ("instance", "published", OURS, "gap %", "unassigned", "violations"),
        tuple(rows),
        conditions(options, f"{seconds:g} s"),
        (note,),
        tuple(outcomes),
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


TABLES: dict[str, Callable[[argparse.Namespace], Report]] = {"trsp": trsp, "hhcrsp": hhcrsp}
