"""A table with the conditions it was measured under, as markdown or JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path

from bench.contest import OURS, Outcome
from bench.peers import PeerMissing, peer

BUSY_SHARE = 0.9
"""A run that got less of a core than this was disturbed; the table says so."""


@dataclass(frozen=True, slots=True)
class Report:
    """One table: ``rows`` of cells under ``headers``, with what has to be known to read it."""

    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    conditions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    outcomes: tuple[Outcome, ...] = field(default=(), repr=False)

    @property
    def violations(self) -> int:
        """Violations that our checker found over all plans behind the table."""
        return sum(outcome.violations for outcome in self.outcomes)

    def to_markdown(self) -> str:
        """Title, conditions, table, notes, and the number of plans and violations."""
        lines = [f"## {self.title}", ""]
        lines += [f"- {condition}" for condition in self.conditions]
        lines += ["", _row(self.headers), _row(["---"] * len(self.headers))]
        lines += [_row(row) for row in self.rows]
        lines += ["", *(f"{note}\n" for note in self.notes)]
        lines.append(_verdict(self.outcomes))
        return "\n".join(lines) + "\n"

    def to_json(self) -> str:
        """The same with every single run."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _verdict(outcomes: Sequence[Outcome]) -> str:
    if not outcomes:
        return ""  # a table of something else than plans
    plans = [outcome for outcome in outcomes if not outcome.error]
    lines = [
        f"{len(plans)} plans re-checked by `optimizer.check`: "
        f"{sum(outcome.violations for outcome in plans)} violations."
    ]
    lines += [
        f"- {outcome.instance}, {outcome.solver}, seed {outcome.seed}: {outcome.first_violation}"
        for outcome in plans
        if outcome.violations
    ]
    failed = len(outcomes) - len(plans)
    if failed:
        lines.append(f"{failed} runs gave no plan (see the table).")
    disturbed = [
        outcome
        for outcome in plans
        if outcome.seconds > 1 and outcome.cpu_seconds < BUSY_SHARE * outcome.seconds
    ]
    if disturbed:
        lines.append(
            f"{len(disturbed)} runs got less than {BUSY_SHARE:.0%} of a core: the machine was busy "
            "and their figures are too bad."
        )
    return "\n".join(lines)


def conditions(options: argparse.Namespace, seconds: str) -> tuple[str, ...]:
    """Machine, versions, seeds, wall time, threads, and the command that prints the table."""
    threads = f"{options.threads} thread{'s' if options.threads > 1 else ''} per run"
    if options.threads > 1:
        threads += " (a single-threaded peer: the better of as many seeds side by side)"
    return (
        f"command: `python -m bench {shlex.join(sys.argv[1:])}`",
        f"{cores()} cores ({processor()}), Python {platform.python_version()}",
        "solvers: " + ", ".join(solver_version(name) for name in options.solvers),
        f"{seconds} of {options.clock} time per run, {threads}, {options.jobs} run(s) at a time",
        f"seeds {', '.join(str(seed) for seed in options.seeds)}; the middle run is shown "
        "(of an even number the worse middle)",
    )


def solver_version(name: str) -> str:
    """Such as ``pyvrp 0.14.1``; says when it is missing."""
    if name == OURS:
        return f"{OURS} (numba {version('numba')}, numpy {version('numpy')})"
    try:
        return f"{name} {peer(name).require()}"
    except PeerMissing:
        return f"{name} (missing)"


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor() -> str:
    """The processor's name as the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def grouped(outcomes: Iterable[Outcome]) -> dict[tuple[str, str], list[Outcome]]:
    """Outcomes by (instance, solver), in the order they come."""
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.instance, outcome.solver), []).append(outcome)
    return groups


def middle(outcomes: Sequence[Outcome]) -> Outcome:
    """The middle run, so that all figures of a row belong to one plan."""
    return sorted(outcomes, key=lambda outcome: outcome.key)[len(outcomes) // 2]


def percent(value: float, reference: float | None) -> str:
    """``+1.23`` per cent above the reference; a dash where there is none."""
    if not reference:
        return "–"
    return f"{100 * (value - reference) / reference:+.2f}"
