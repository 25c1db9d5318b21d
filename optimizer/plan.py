"""The plan: what every technician does, second by second, and what was left out and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

StepType = Literal["start", "job", "break", "restock", "end"]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing on a route, times in seconds from the problem's epoch.

    ``start``/``end`` of a job are start and end of service (setup included); ``travel_s`` is the
    drive that led here, ``wait_s`` = start − arrival, ``late_s`` = seconds of arrival after due.
    """

    type: StepType
    location: int | None = None
    arrival: int | None = None
    start: int | None = None
    end: int | None = None
    job: str | None = None
    break_id: str | None = None
    travel_s: int = 0
    wait_s: int = 0
    late_s: int = 0


@dataclass(frozen=True, slots=True)
class Route:
    """One shift that is used, from leaving the start location to arriving at the end."""

    technician: str
    shift: str
    start: int
    end: int
    steps: tuple[Step, ...]

    @property
    def jobs(self) -> tuple[str, ...]:
        """Ids of the jobs visited, in order."""
        return tuple(step.job for step in self.steps if step.job is not None)


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule that keeps a job out, and for how many technicians and shifts it does."""

    rule: str
    technicians: int
    detail: str = ""
    shifts: int = 0


@dataclass(frozen=True, slots=True)
class Unassigned:
    """A job left out: every rule that blocks it, the smallest set that does, the cheapest cure.

    ``note`` says what was not looked for, so that nothing found is told from nothing tried.
    """

    job: str
    reasons: tuple[Reason, ...] = ()
    blocking: tuple[str, ...] = ()
    cure: Mapping[str, Any] | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class SolverInfo:
    """Where a plan comes from."""

    engine: str
    seconds: float = 0.0
    iterations: int = 0
    seed: int = 0
    threads: int = 1
    version: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Routes, what is unassigned, the goals as integers, proven bounds, and the solver's card.

    ``proofs`` names the method behind each bound (`optimizer.bounds`).
    """

    routes: tuple[Route, ...] = ()
    unassigned: tuple[Unassigned, ...] = ()
    goals: Mapping[str, int | float] = field(default_factory=dict)
    bounds: Mapping[str, int] = field(default_factory=dict)
    solver: SolverInfo | None = None
    proofs: Mapping[str, str] = field(default_factory=dict)
