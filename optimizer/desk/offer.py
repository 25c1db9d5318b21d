"""What the desk answers with: offers, reports of overruns and absences, and its refusals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from optimizer.plan import Plan, Route
from optimizer.problem import Job, Problem


class StaleOffer(Exception):
    """The plan has moved on since this was computed: ask again."""

    def __init__(self, computed_on: int, now: int) -> None:
        super().__init__(f"computed on version {computed_on} of the plan, which is at {now}")
        self.computed_on, self.now = computed_on, now


class NoRepair(Exception):
    """The change found would break a rule, so that the plan stays as it was."""


@dataclass(frozen=True, slots=True)
class Move:
    """One visit that a change moves; times are None where it is (or was) on no route."""

    job: str
    old_technician: str | None
    new_technician: str | None
    old_start_s: int | None
    new_start_s: int | None
    old_arrival_s: int | None
    new_arrival_s: int | None


@dataclass(frozen=True, slots=True)
class Ejection:
    """A visit without a promise that makes room and goes elsewhere."""

    job: str
    from_technician: str
    from_shift: str
    to_technician: str
    to_shift: str


@dataclass(frozen=True, slots=True)
class Promise:
    """A visit with a promised window that a change comes near: it is kept, with less or more room.

    ``spare_s`` is how much later the visit could still start within the window it starts in.
    """

    job: str
    window: tuple[int, int]
    old_start_s: int
    new_start_s: int
    old_spare_s: int
    new_spare_s: int


@dataclass(frozen=True, slots=True)
class Edit:
    """A change in the words of the arrays, good while the desk has not read its plan anew.

    ``nodes`` is what `optimizer.desk.scan` calls a change; ``task`` the slot of the new visit.
    """

    reading: int
    task: int
    nodes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """New routes in place of those of the same shifts; ``tails`` are the jobs still to be begun.

    ``problem_job`` is what the problem's job of that id becomes (or is added as), ``gone`` leaves
    the problem; or ``problem`` takes its place as a whole. ``ready_from`` is when technicians who
    are called back on their way can go on. Made by the desk, applied by the desk.
    """

    version: int
    tails: Mapping[int, tuple[str, ...]]
    routes: Mapping[int, Route | None]
    problem_job: Job | None = None
    gone: str | None = None
    problem: Problem | None = None
    edit: Edit | None = None
    ready_from: Mapping[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seat:
    """One of those who start together: on which shift, behind how many jobs, when, at which job."""

    technician: str
    shift: str
    position: int
    arrival_s: int
    start_s: int
    end_s: int
    job: str


@dataclass(frozen=True, slots=True)
class Offer:
    """Who can take the job: when, with what effect, and who else moves.

    ``crew`` has a seat for everybody who is needed, for the job and for those left out that start
    `together` with it; ``technician``, ``shift`` and the times are those of the first seat, who
    does the job asked for and arrives last of those who do. ``position`` counts jobs before it on
    the route. ``effect`` is goals after − goals before, ``unserved`` first, then the objective in
    its order. ``moves`` names every other visit whose start, arrival or technician changes;
    ``promises`` every visit on the routes concerned that has a window promised, moved or not.
    ``version`` is the plan's when this was computed.
    """

    job: Job
    technician: str
    shift: str
    position: int
    arrival_s: int
    start_s: int
    end_s: int
    effect: Mapping[str, int | float]
    moves: tuple[Move, ...]
    ejections: tuple[Ejection, ...]
    promises: tuple[Promise, ...]
    version: int
    change: Change = field(repr=False, compare=False)
    crew: tuple[Seat, ...] = ()

    @property
    def people(self) -> frozenset[str]:
        """Everybody who comes."""
        return frozenset(seat.technician for seat in self.crew)


@dataclass(frozen=True, slots=True)
class LateVisit:
    """A visit that the overrun spoils: ``late_s`` after due, ``missed_s`` after its last window."""

    job: str
    arrival_s: int
    late_s: int
    missed_s: int


@dataclass(frozen=True, slots=True)
class DelayReport:
    """What an overrun does when nobody acts, and the cheapest repair found.

    Attributes
    ----------
    moves, late
        Visits behind that move, and those that come later after due than planned or miss a window
        or the end of the shift, if the route is driven on as it stands.
    is_possible
        Whether it may be driven on as it stands (late visits are possible, missed windows are not).
    repair_effect
        Goals with the repair minus goals before the overrun.
    repair_moves, left_out
        What the repair moves, and whom it finds no place for.
    """

    job: str
    seconds: int
    moves: tuple[Move, ...]
    late: tuple[LateVisit, ...]
    is_possible: bool
    repair_effect: Mapping[str, int | float]
    repair_moves: tuple[Move, ...]
    left_out: tuple[str, ...]
    version: int
    change: Change = field(repr=False, compare=False)
    _take: Callable[[Change], Plan] = field(repr=False, compare=False)

    def apply(self) -> Plan:
        """Make the repair the plan; `StaleOffer` where the plan has moved on."""
        return self._take(self.change)


@dataclass(frozen=True, slots=True)
class OutageReport:
    """How a missing technician's visits are spread: what moves, who finds no place, the effect.

    ``closed`` are the shifts that get nothing new from then on.
    """

    technician: str
    moves: tuple[Move, ...]
    left_out: tuple[str, ...]
    effect: Mapping[str, int | float]
    closed: tuple[tuple[str, str], ...]
    version: int
    change: Change = field(repr=False, compare=False)
    _take: Callable[[Change, Sequence[tuple[str, str]]], Plan] = field(repr=False, compare=False)

    def apply(self) -> Plan:
        """Make it the plan; `StaleOffer` where the plan has moved on."""
        return self._take(self.change, self.closed)
