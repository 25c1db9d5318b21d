"""What a dispatcher does by hand: move a visit, pin it, leave it out; shown before it is done.

A dispatcher may ask for what breaks a rule. The answer then says which, and by how much, with the
day driven on as it would come; only `EditReport.apply` refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from optimizer.check import Violation
from optimizer.desk.leaving import shortened
from optimizer.desk.offer import Change, Move
from optimizer.desk.overrun import as_it_comes
from optimizer.desk.standing import Standing
from optimizer.plan import Plan, Route
from optimizer.problem import Job, Problem


@dataclass(frozen=True, slots=True)
class EditReport:
    """What an edit would do; nothing has changed yet.

    Attributes
    ----------
    effect
        Goals after minus goals before.
    moves
        Every visit whose technician, arrival or start changes, the edited one included.
    violations
        Rules that the plan would break; empty when it may be applied.
    """

    job: str
    effect: Mapping[str, int | float]
    moves: tuple[Move, ...]
    violations: tuple[Violation, ...]
    version: int
    change: Change = field(repr=False, compare=False)
    _take: Callable[[Change], Plan] = field(repr=False, compare=False)

    def apply(self) -> Plan:
        """Make it the plan; `StaleOffer` where that has moved on, `NoRepair` with violations."""
        return self._take(self.change)


@dataclass(frozen=True, slots=True)
class Placing:
    """New tails and routes of the shifts that an edit touches."""

    tails: dict[int, tuple[str, ...]]
    routes: dict[int, Route | None]


def placings(
    problem: Problem,
    stands: Sequence[Standing],
    tails: Mapping[int, tuple[str, ...]],
    routes: Mapping[int, Route | None],
    starts: Mapping[str, int],
    job: Job,
    shifts: Sequence[int],
    position: int | None,
) -> list[Placing]:
    """The job taken off its route and put into each of ``shifts``, at ``position`` or anywhere.

    Parameters
    ----------
    problem
        With the job in it.
    position
        Jobs before it on the whole route, those that are settled included; None tries each.
    """
    jobs = {other.id: other for other in problem.jobs}
    free = {name: start for name, start in starts.items() if name != job.id}
    away: dict[int, tuple[str, ...]] = {
        r: tuple(name for name in tail if name != job.id)
        for r, tail in tails.items()
        if job.id in tail
    }

    def timed(r: int, tail: tuple[str, ...]) -> Route | None:
        visits = [jobs[name] for name in tail]
        route = shortened(problem, stands[r], visits, routes[r], free) if r in away else None
        if route is None or job.id in tail:
            route = stands[r].timed(problem, visits, free)
        if route is None and (tail or stands[r].settled):
            route = as_it_comes(problem, stands[r], visits)
        return route

    left = {r: timed(r, tail) for r, tail in away.items()}
    found = []
    for r in shifts:
        base = away.get(r, tails[r])
        settled = len(stands[r].settled)
        places: Sequence[int] = range(len(base) + 1)
        if position is not None:
            places = [min(max(position - settled, 0), len(base))]
        for at in places:
            tail = (*base[:at], job.id, *base[at:])
            route = timed(r, tail)
            if route is not None:
                found.append(Placing({**away, r: tail}, {**left, r: route}))
    return found
