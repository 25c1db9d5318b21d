"""Futures: how long weeks of the full dispatcher take, how the screening mode ranks variants, and
whether the heads that staffing proposes hold in simulations it has not seen.

``python -m bench simulate|staffing``. Regions are drawn (see `region`); travel is estimated. Wall
seconds are those of this machine as busy as it was; processor seconds are of all processes.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import platform
import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from bench.report import Report, cores, processor
from network.simulate import Outcome, Scenario, read_scenario, screen, simulate
from network.staffing import best_mix, loads, staff

Floats = NDArray[np.float64]

SKILLS = ("aircon", "fridge", "washer", "tv", "heating")
WEEK = ["mon", "tue", "wed", "thu", "fri", "sat"]
HOURS = [1, 1, 1, 1, 1, 2, 4, 8, 14, 18, 18, 16, 13, 11, 11, 12, 13, 14, 15, 14, 11, 8, 4, 2]
TARGETS = {"urgent": 0.95, "normal": 0.98}
VARIANT_DAYS, VARIANT_REPLICATIONS = 14, 5  # for each of two seeds
CEILING = 0.999  # where nearly all arrive in time, chance decides the order
TRIALS = 20


def region(
    per_day: float,
    heads: int,
    days: int,
    *,
    outlets: int = 4,
    skills: int = 5,
    duty: bool = True,
    spread: float = 1.0,
    iterations: int = 4000,
    seed: int = 1,
) -> Scenario:
    """A drawn city: points around a centre, outlets among them, two rosters, groups by skills.

    15 % of the faults are urgent (24 h), the others have 72 h. Half of the groups work from 8:00
    to 17:00, half from 11:00 to 20:00, Monday to Saturday, with 45 minutes of lunch; with ``duty``
    every fourth head works Sundays from 9:00 to 17:00 for urgent calls.
    """
    random = np.random.default_rng([seed, outlets])
    count = 160
    places = np.array([-29.95, -71.28]) + spread * random.normal(0, (0.05, 0.04), (count, 2))
    doors = places[random.choice(count, outlets, replace=False)]
    names = SKILLS[:skills]
    kinds = [
        {"id": f"{skill} {job_class}", "class": job_class, "share": share / skills,
         "service_s": service_s, "skills": {skill: 1}}
        for skill in names
        for job_class, share, service_s in (("urgent", 0.15, 2700), ("normal", 0.85, 2400))
    ]  # fmt: skip
    lunch = [{"from": "12:00", "until": "14:30", "duration_s": 2700}]
    sunday = {"weekdays": ["sun"], "start": "09:00", "end": "17:00", "serves": ["urgent"],
              "every_weeks": 4, "overtime_s": 3600, "breaks": lunch}  # fmt: skip
    rosters: dict[str, Any] = {}
    for name, start, end in (("early", "08:00", "17:00"), ("late", "11:00", "20:00")):
        turn = {"weekdays": WEEK, "start": start, "end": end, "overtime_s": 3600, "breaks": lunch}
        rosters[name] = [turn, *([sunday] if duty else [])]
    groups: list[dict[str, Any]] = []
    number = outlets * 2
    for k in range(number):
        held = [names[(k + step) % skills] for step in range(min(3, skills))]
        groups.append(
            {"id": f"G{k}", "outlet": f"o{k % outlets}", "roster": ("early", "late")[k // outlets],
             "heads": heads // number + (k < heads % number),
             "skills": dict.fromkeys(held, 2), "cost_per_hour_fen": 6000, "cost_per_km_fen": 80}
        )  # fmt: skip
    return read_scenario(
        {
            "format": "zhunda-scenario/1",
            "name": f"{per_day:g}x{heads}x{days}d",
            "timezone": "America/Santiago",
            "start": "2026-11-30",
            "days": days,
            "classes": {
                name: {"arrival_hours": hours, "target": TARGETS[name], "weight": weight,
                       "inserted": name == "urgent"}
                for name, hours, weight in (("urgent", 24, 10), ("normal", 72, 1))
            },
            "demand": {
                "points": [
                    {"id": f"p{k}", "lat": float(lat), "lon": float(lon),
                     "district": "north" if lat > -29.95 else "south",
                     "weight": float(random.uniform(0.5, 2.0))}
                    for k, (lat, lon) in enumerate(places)
                ],
                "kinds": kinds,
                "per_day": per_day,
                "hour_factors": HOURS,
            },
            "outlets": [
                {"id": f"o{k}", "lat": float(lat), "lon": float(lon)}
                for k, (lat, lon) in enumerate(doors)
            ],
            "rosters": rosters,
            "technicians": groups,
            "dispatch": {"iterations": iterations},
        }
    )  # fmt: skip


def variants(iterations: int) -> list[Scenario]:
    """The designed set: heads × number of outlets × Sunday duty × spread, by 40 faults a day."""
    found = []
    for heads in (4, 5, 6, 7):
        for outlets in (1, 2):
            for duty in (True, False):
                spread = 1.0 if (heads + outlets) % 2 else 1.8
                one = region(40, heads, VARIANT_DAYS, outlets=outlets, skills=3, duty=duty,
                             spread=spread, iterations=iterations)  # fmt: skip
                name = f"{heads} heads, {outlets} outlets, {'duty' if duty else 'no duty'}, "
                found.append(replace(one, name=f"{name}spread {spread}"))
    return found


def _cpu_s() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _conditions(*more: str) -> tuple[str, ...]:
    return (
        f"command: `python -m bench {shlex.join(sys.argv[1:])}`",
        f"{cores()} cores ({processor()}), Python {platform.python_version()}",
        *more,
    )


def _share(outcome: Outcome, name: str) -> str:
    return f"{100 * outcome.share(name):.1f} %"


def simulate_table(options: argparse.Namespace) -> Report:
    """Speed of both modes, and how alike they rank variants."""
    iterations = options.iterations or 4000
    rows: list[tuple[str, ...]] = []
    if fnmatch.fnmatch("speed", options.instances):
        rows += _speed(iterations, options)
    if fnmatch.fnmatch("variants", options.instances):
        rows += _ranks(iterations, options)
    if not rows:
        raise ValueError(f"--instances {options.instances!r}: there are speed and variants")
    return Report(
        "Simulation: the full dispatcher and the screening mode",
        ("what", "urgent in 24 h", "normal in 72 h", "wall s", "cpu s", "screening: urgent",
         "normal"),
        tuple(rows),
        _conditions(f"{iterations:,} iterations for each day's plan", f"seeds {options.seeds[:2]}"),
    )  # fmt: skip


def _speed(iterations: int, options: argparse.Namespace) -> list[tuple[str, ...]]:
    scenario = region(300, 40, 28, iterations=iterations)
    screen(scenario, replications=1)  # compile
    began, cpu = time.monotonic(), _cpu_s()
    count = 30
    for _ in range(count):
        quick = screen(scenario, replications=1, seed=options.seeds[0])
    screened_s = _cpu_s() - cpu
    began, cpu = time.monotonic(), _cpu_s()
    outcome = simulate(
        scenario, replications=2, seed=options.seeds[0],
        watch=lambda at: print(f"\r{at.share:.0%}", end="", file=sys.stderr, flush=True),
    )  # fmt: skip
    wall, spent = time.monotonic() - began, _cpu_s() - cpu
    return [
        (f"{scenario.name}, full, 2 replications", _share(outcome, "urgent"),
         _share(outcome, "normal"), f"{wall:.0f}", f"{spent:.0f}", _share(quick, "urgent"),
         _share(quick, "normal")),
        (f"{scenario.name}, screening, 1 replication: {60 * count / screened_s:.0f} variants a "
         "processor minute", "", "", "", f"{screened_s / count:.2f}", "", ""),
    ]  # fmt: skip


def _ranks(iterations: int, options: argparse.Namespace) -> list[tuple[str, ...]]:
    """A row a variant (means over the seeds), then how alike the modes rank them.

    With two ``--seeds`` (more are not used) the full mode is also held against itself: what one
    set of futures says of the order that another set gave is the most that any mode could say.
    """
    rows, seeds = [], options.seeds[:2]
    full = {name: np.zeros((len(seeds), 0)) for name in TARGETS}
    quick = {name: np.zeros((len(seeds), 0)) for name in TARGETS}
    for scenario in variants(iterations):
        began, cpu = time.monotonic(), _cpu_s()
        print(scenario.name, file=sys.stderr, flush=True)
        played = [
            simulate(scenario, replications=VARIANT_REPLICATIONS, seed=seed, processes=1)
            for seed in seeds
        ]
        wall, spent = time.monotonic() - began, _cpu_s() - cpu
        screened = [
            screen(scenario, replications=VARIANT_REPLICATIONS, seed=seed) for seed in seeds
        ]
        cells = []
        for table, outcomes in ((full, played), (quick, screened)):
            for name in TARGETS:
                column = np.array([[outcome.share(name)] for outcome in outcomes])
                table[name] = np.hstack([table[name], column])
                cells.append(f"{100 * float(column.mean()):.1f} %")
        rows.append((scenario.name, *cells[:2], f"{wall:.0f}", f"{spent:.0f}", *cells[2:]))
    words = [_alike(name, full[name], quick[name]) for name in TARGETS]
    rows.append((f"rank correlation over {len(rows)} variants: " + "; ".join(words), *[""] * 6))
    return rows


def _alike(name: str, full: Floats, quick: Floats) -> str:
    """One class in words; ``full`` and ``quick`` are float64[seeds, variants]."""
    rank = float(spearmanr(full.mean(axis=0), quick.mean(axis=0)).statistic)
    away = 100 * float(np.mean(quick - full))
    words = f"{name} {rank:.3f} (screening − full on average {away:+.1f} points"
    if len(full) > 1:
        again = float(spearmanr(full[0], full[1]).statistic)
        words += f"; the full mode against itself with another seed {again:.3f}"
    full_marks = int(np.sum(full.mean(axis=0) >= CEILING))
    return words + f"; {full_marks} variants at {100 * CEILING:g} % or more)"


def staffing_table(options: argparse.Namespace) -> Report:
    """Heads proposed, then the same and one fewer in simulations with seeds of their own."""
    full = fnmatch.fnmatch("full", options.instances) and options.instances != "*"
    mode = "full" if full else "screening"
    rows, kept, missed, trials = [], 0, 0, 0
    for trial in range(TRIALS):
        random = np.random.default_rng([options.instance_seed, trial])
        scenario = region(
            float(random.uniform(12, 30) if full else random.uniform(15, 90)),
            8,
            14 if full else 28,
            outlets=int(random.integers(1, 4)),
            skills=int(random.integers(1, 4)),
            spread=float(random.uniform(0.6, 1.6)),
            seed=trial,
            iterations=options.iterations or 1000,
        )
        print(f"trial {trial + 1} of {TRIALS}", file=sys.stderr, flush=True)
        answer = staff(scenario, mode="full" if full else "screening", replications=4,
                       seed=options.seeds[0])  # fmt: skip
        known, movable = loads(scenario), frozenset(group.id for group in scenario.groups)
        found: list[Outcome] = []
        for heads in (answer.heads, answer.heads - 1):
            variant = replace(scenario, groups=best_mix(scenario, known, heads, {}, movable, 1))
            seed = 1000 + trial
            found.append(
                simulate(variant, replications=4, seed=seed)
                if full
                else screen(variant, replications=16, seed=seed)
            )
        meets = [all(one.share(name) >= answer.goals[name] for name in TARGETS) for one in found]
        trials += 1
        kept += meets[0]
        missed += not meets[1]
        rows.append(
            (str(trial + 1), f"{scenario.demand.per_day:.0f}", str(len(scenario.outlets)),
             f"{answer.load:.1f}", str(answer.guess), str(answer.screened), str(answer.heads),
             *(f"{_share(one, 'urgent')} / {_share(one, 'normal')}{'' if met else ' misses'}"
               for one, met in zip(found, meets, strict=True)))
        )  # fmt: skip
    return Report(
        "Staffing: the heads proposed, in simulations not seen before",
        ("trial", "faults a day", "outlets", "load", "queueing", "screening", "heads",
         "held out: urgent / normal", "one head fewer"),
        tuple(rows),
        _conditions(f"{mode} mode decides and judges; targets 95 % in 24 h, 98 % in 72 h"),
        (f"Meets its targets in {kept} of {trials}; one head fewer misses in {missed}.",),
    )  # fmt: skip


TABLES: dict[str, Callable[[argparse.Namespace], Report]] = {
    "simulate": simulate_table,
    "staffing": staffing_table,
}
