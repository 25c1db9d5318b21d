"""One door to the engines: ``solve(problem, Stop(...)) -> Plan``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from optimizer.plan import Plan
from optimizer.problem import Problem

CURED = 50
LARGE = 2_000


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
        Whether reasons for what is unassigned and proven bounds are added, after the stop.

    Returns
    -------
    Plan
        Always a plan; jobs that find no place are in ``unassigned`` with reasons.
    """
    if engine == "ortools":
        from optimizer.reference.routing import solve_with_routing

        plan = solve_with_routing(problem, stop, seed=seed, watch=watch)
    elif engine == "search":
        from optimizer.search.engine import solve_with_search

        plan = solve_with_search(
            problem, stop, seed=seed, threads=threads, watch=watch, start=start
        )
    else:
        raise ValueError(f"unknown engine {engine!r}: use 'search' or 'ortools'")
    return explain_plan(problem, plan) if explained else plan


def explain_plan(problem: Problem, plan: Plan) -> Plan:
    """The plan with reasons and cures for what it leaves out, and with proven bounds.

    The first `CURED` jobs left out are given cures; very large plans are given reasons only.
    """
    from optimizer.bounds import bounds
    from optimizer.explain import explain

    proven = bounds(problem, plan)
    if not plan.unassigned:
        return replace(plan, bounds=proven)
    reasons = explain(problem, plan, limit=CURED if len(problem.jobs) <= LARGE else 0)
    return replace(plan, unassigned=reasons, bounds=proven)
