"""One door to the engines: ``solve(problem, Stop(...)) -> Plan``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from optimizer.check import check
from optimizer.consistent import consistent
from optimizer.plan import Plan
from optimizer.problem import Problem

CURED = 200
LARGE = 2_000
ROUNDS = 500
AFTERWARDS, AT_MOST_S = 0.1, 30.0
"""Cures and the sharper bound of ``travel`` have this share of the seconds each, and no more."""


@dataclass(frozen=True, slots=True)
class Stop:
    """When to stop: after ``seconds`` of wall time, after ``iterations``, whichever comes first."""

    seconds: float | None = None
    iterations: int | None = None

    def __post_init__(self) -> None:
        if self.seconds is None and self.iterations is None:
            raise ValueError("Stop needs seconds, iterations or both")
        if self.seconds is not None and not 0 < self.seconds < float("inf"):
            raise ValueError(f"Stop.seconds must be positive and finite, got {self.seconds}")
        if self.iterations is not None and self.iterations < 0:
            raise ValueError(f"Stop.iterations must not be negative, got {self.iterations}")


@dataclass(frozen=True, slots=True)
class Progress:
    """What a watcher sees: best goals, iterations, seconds, and the share of the stop used."""

    goals: Mapping[str, int | float]
    iterations: int
    seconds: float
    share: float
    unassigned: int


Watch = Callable[[Progress], bool | None]
"""Called now and then with the progress; returning False cancels, and the best plan is returned."""


def solve(
    problem: Problem,
    stop: Stop,
    *,
    engine: str = "search",
    seed: int = 1,
    threads: int = 1,
    watch: Watch | None = None,
    start: Plan | None = None,
    explained: bool = True,
) -> Plan:
    """Plan the problem.

    Parameters
    ----------
    engine
        ``search`` (ours) or ``ortools`` (the reference).
    seed, threads
        The same seed and iteration count on one thread give the same plan.
    watch
        See `Watch`.
    start
        A plan to start from; what it lacks is inserted, what it breaks is repaired.
    explained
        Whether reasons for what is unassigned and proven bounds are added, after the stop. With
        ``stop.seconds`` the parts that could take long (cures, column generation) get a tenth of
        these seconds each, at most half a minute; without, the result depends on no clock.

    Returns
    -------
    Plan
        Always a plan; jobs that find no place are in ``unassigned`` with reasons.
    """
    searched = consistent(problem)
    if engine == "ortools":
        from optimizer.reference.routing import solve_with_routing

        plan = solve_with_routing(searched, stop, seed=seed, watch=watch)
    elif engine == "search":
        from optimizer.search.engine import solve_with_search

        plan = solve_with_search(
            searched, stop, seed=seed, threads=threads, watch=watch, start=start
        )
    else:
        raise ValueError(f"unknown engine {engine!r}: use 'search' or 'ortools'")
    if searched is not problem:
        plan = replace(plan, goals=check(problem, plan).goals)
    return explain_plan(problem, plan, stop.seconds) if explained else plan


def explain_plan(problem: Problem, plan: Plan, seconds: float | None = None) -> Plan:
    """The plan with reasons and cures for what it leaves out, and with proven bounds.

    The first `CURED` jobs left out are given cures; very large plans are given reasons only. Of
    ``seconds``, how long the search was given, a share is spent on cures and again on the bound of
    ``travel``; without it no clock decides anything, and column generation is left out.
    """
    from optimizer.bounds import prove
    from optimizer.explain import explain

    share = None if seconds is None else min(AT_MOST_S, AFTERWARDS * seconds)
    proofs = prove(problem, plan, rounds=0 if share is None else ROUNDS, seconds=share)
    plan = replace(
        plan,
        bounds={name: proof.bound for name, proof in proofs.items()},
        proofs={name: proof.method for name, proof in proofs.items()},
    )
    if not plan.unassigned:
        return plan
    cured = CURED if len(problem.jobs) <= LARGE else 0
    return replace(plan, unassigned=explain(problem, plan, limit=cured, seconds=share))
