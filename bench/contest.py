"""One solver on one instance with one seed, in a process of its own; many of these in a row.

A process of its own keeps one solver's memory, threads and crashes away from the next one's figures
and lets the bench end a run that does not end itself.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import resource
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bench.peers import CPU_BLIND, DETERMINISTIC, PEERS, THREADED, PeerMissing, peer
from bench.peers.plain import Inexpressible, flatten, plan_of
from optimizer import check
from optimizer.plan import Plan, SolverInfo
from optimizer.problem import Problem
from optimizer.solve import Progress, Stop, solve

OURS = "zhunda"
SOLVERS = (OURS, *PEERS)

PATIENCE = 3.0
"""Under the CPU clock a run may take this many times its limit in wall time."""

GRACE_FACTOR, GRACE_S = 3.0, 90.0
"""A run is ended after this many times its wall limit, plus the time to load and to check."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A named problem, loaded inside the solver's process; ``figure`` is the table's own measure.

    ``load`` and ``figure`` must be picklable (top-level functions, `functools.partial`).
    ``best`` is the best known value of the figure.
    """

    name: str
    load: Callable[[], Problem]
    figure: Callable[[Problem, Plan], float] | None = None
    best: float | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """Who solves what, for how long; ``iterations`` ends a run by count instead (tests).

    With ``cpu_clock`` seconds are the process's CPU seconds, divided by its threads: a busy machine
    then costs patience, not quality. VROOM and OR-Tools keep their own wall clocks and get
    `PATIENCE` times as much of it, at least what they are due.
    """

    solver: str
    instance: Instance
    seconds: float
    seed: int
    threads: int = 1
    trace: bool = False
    iterations: int | None = None
    cpu_clock: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an entry. ``seconds`` and ``cpu_seconds`` are of the solve call alone.

    ``goals`` are those that the checker recomputed; ``trace`` holds (seconds, unassigned, goals)
    of our own engine's progress. ``objective`` names the goals that count, in their order.
    ``error`` is set when there is no plan.
    """

    solver: str
    instance: str
    seed: int
    goals: dict[str, float] = field(default_factory=dict)
    figure: float | None = None
    unassigned: int = 0
    violations: int = 0
    first_violation: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0
    iterations: int = 0
    note: str = ""
    error: str = ""
    trace: tuple[tuple[float, int, dict[str, float]], ...] = ()
    objective: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[float, ...]:
        """Smaller is better: a plan at all, no violation, the figure or else the goals in order."""
        if self.error:
            return (1.0,)
        measure = tuple(self.goals.values()) if self.figure is None else (self.figure,)
        return (0.0, float(self.violations), float(self.goals.get("unserved", 0)), *measure)


def run(
    entries: Sequence[Entry], jobs: int = 1, say: Callable[[str], None] | None = None
) -> list[Outcome]:
    """Run all entries, ``jobs`` at a time, in order; two threads of a single-threaded peer are two
    seeds side by side, of which the better counts."""
    tell = say or (lambda line: print(line, file=sys.stderr, flush=True))
    began = time.perf_counter()

    def one(numbered: tuple[int, Entry]) -> Outcome:
        number, entry = numbered
        outcome = _with_threads(entry)
        tell(
            f"[{time.perf_counter() - began:6.0f} s] {number + 1}/{len(entries)} "
            f"{entry.instance.name} {entry.solver} seed {entry.seed}: {_brief(outcome)}"
        )
        return outcome

    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        return list(pool.map(one, enumerate(entries)))


def how(options: argparse.Namespace) -> dict[str, Any]:
    """What the command line says about every run, as keywords of `Entry`."""
    return {
        "threads": options.threads,
        "iterations": options.iterations,
        "cpu_clock": options.clock == "cpu",
    }


def seeds_of(solver: str, seeds: Sequence[int]) -> Sequence[int]:
    """The seeds worth running: only the first of a deterministic solver."""
    return seeds[:1] if solver in DETERMINISTIC else seeds


def _brief(outcome: Outcome) -> str:
    if outcome.error:
        return outcome.error
    figure = "" if outcome.figure is None else f"{outcome.figure:g} "
    shown = ("unserved", *outcome.objective)
    goals = ", ".join(f"{name} {outcome.goals[name]:,.0f}" for name in shown)
    return f"{figure}({goals}) in {outcome.seconds:.1f} s, {outcome.violations} violations"


def _with_threads(entry: Entry) -> Outcome:
    alone = entry.solver == OURS or entry.solver in THREADED | DETERMINISTIC
    if entry.threads == 1 or alone:
        return run_in_process(entry)
    twins = [
        replace(entry, seed=entry.seed + 1000 * side, threads=1) for side in range(entry.threads)
    ]
    with ThreadPoolExecutor(max_workers=len(twins)) as pool:
        outcomes = list(pool.map(run_in_process, twins))
    return min(outcomes, key=lambda outcome: outcome.key)


def run_in_process(entry: Entry) -> Outcome:
    """Start a fresh interpreter, solve there, end it when it overstays."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(sender, entry), daemon=True)
    process.start()
    sender.close()
    limit = entry.seconds * GRACE_FACTOR * (PATIENCE if entry.cpu_clock else 1) + GRACE_S
    outcome: Outcome | None = None
    reason = f"nothing in {limit:.0f} s"
    if receiver.poll(limit):
        with contextlib.suppress(EOFError):
            outcome = receiver.recv()
        process.join(10)
        reason = f"its process ended with {process.exitcode} (memory?)"
    if process.is_alive():
        process.kill()
        process.join()
    if outcome is not None:
        return outcome
    return Outcome(entry.solver, entry.instance.name, entry.seed, error=reason)


def _child(sender: Connection, entry: Entry) -> None:
    if entry.cpu_clock:
        _count_cpu_seconds(entry.threads)
    try:
        outcome = solve_entry(entry)
    except (Inexpressible, PeerMissing) as reason:
        kind = "cannot express" if isinstance(reason, Inexpressible) else "missing"
        outcome = Outcome(entry.solver, entry.instance.name, entry.seed, error=f"{kind}: {reason}")
    except Exception as fault:  # a peer may fail in any way; the table goes on and says so
        traceback.print_exc()
        outcome = Outcome(
            entry.solver, entry.instance.name, entry.seed, error=f"{type(fault).__name__}: {fault}"
        )
    sender.send(outcome)
    sender.close()


def _count_cpu_seconds(threads: int) -> None:
    """Turn this process's wall clocks into CPU clocks, before any solver has looked at them."""

    def spent() -> float:
        return time.process_time() / threads

    time.perf_counter = time.monotonic = spent


def solve_entry(entry: Entry) -> Outcome:
    """Load, solve and check here and now."""
    problem = entry.instance.load()
    trace: list[tuple[float, int, dict[str, float]]] = []
    note = ""
    if entry.solver == OURS:
        plan, seconds, cpu, iterations = _solve_ours(problem, entry, trace)
    else:
        adapter = peer(entry.solver)
        generous = entry.cpu_clock and entry.solver in CPU_BLIND
        plain = flatten(problem)
        cpu = -time.process_time()
        answer = adapter.solve(
            plain,
            entry.seconds * (PATIENCE if generous else 1),
            entry.seed,
            entry.threads,
            entry.iterations,
        )
        cpu += time.process_time()
        seconds, iterations, note = answer.seconds, answer.iterations, answer.note
        plan = plan_of(
            plain, answer, SolverInfo(adapter.NAME, seconds, iterations, entry.seed, entry.threads)
        )
    peak_mb = _peak_mb()
    report = check(problem, plan)
    figure = entry.instance.figure
    return Outcome(
        solver=entry.solver,
        instance=entry.instance.name,
        seed=entry.seed,
        goals=dict(report.goals),
        figure=None if figure is None else figure(problem, plan),
        unassigned=len(plan.unassigned),
        violations=len(report.violations),
        first_violation=str(report.violations[0]) if report.violations else "",
        seconds=seconds,
        cpu_seconds=cpu,
        peak_mb=peak_mb,
        iterations=iterations,
        note=note,
        trace=tuple(trace),
        objective=tuple(goal.name for goal in problem.objective),
    )


def _peak_mb() -> float:
    """Most memory this process has held; not ``ru_maxrss``, which starts at the parent's."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _solve_ours(
    problem: Problem,
    entry: Entry,
    trace: list[tuple[float, int, dict[str, float]]],
) -> tuple[Plan, float, float, int]:
    """Our engine; the compiled code is loaded by a tiny problem first, as in a running service."""
    from bench.days import day_problem, shape

    solve(day_problem(shape("clustered", "20x4x1d")), Stop(iterations=50), seed=1)

    def watch(progress: Progress) -> None:
        trace.append((progress.seconds, progress.unassigned, dict(progress.goals)))

    stop = Stop(seconds=entry.seconds)
    if entry.iterations is not None:
        stop = Stop(iterations=entry.iterations)
    cpu, began = time.process_time(), time.perf_counter()
    plan = solve(
        problem,
        stop,
        engine="search",
        seed=entry.seed,
        threads=entry.threads,
        watch=watch if entry.trace else None,
    )
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    return plan, seconds, cpu, plan.solver.iterations if plan.solver else 0
