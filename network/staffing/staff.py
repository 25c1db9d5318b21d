"""``staff(scenario) -> Staffing``: heads × skills × shifts per outlet for the targets of arrival.

A queueing guess says where to look, the screening mode brackets, and the chosen mode decides: the
fewest heads that meet every target, one fewer having been seen to miss.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from network.simulate.calendar import Calendar
from network.simulate.outcome import Outcome
from network.simulate.run import Progress, simulate
from network.simulate.scenario import Group, Scenario
from network.simulate.screening import screen
from network.staffing.ceiling import Ceiling, ceilings
from network.staffing.mix import Loads, NobodyCan, best_mix, loads, outlet_heads
from network.staffing.queueing import least_servers

FORMAT = "zhunda-staffing/1"
CAUTION = 1.0
"""Standard errors that the mean share must lie above the goal: a one-sided 84 % bound."""

_BELOW_CEILING = 0.97
_MOST_TIMES = 4
_SCREENED = 4  # the screening affords so many times the replications

Mode = Literal["full", "screening"]
Told = Callable[[str, Progress | None], None]
"""Called with what is being done, and the simulation's progress where one runs."""


class CannotStaff(ValueError):
    """No number of heads meets the targets, or nobody could do some of the work."""


@dataclass(frozen=True, slots=True)
class Staffing:
    """How many heads, in which groups, and what came of it.

    ``goals``: the share asked of each class: its target, or a little less than the ceiling where
    the target lies above it. ``tried``: (heads, met, shares by class) of every simulation in the
    deciding mode. ``movable``: heads in the groups that were free.
    """

    scenario: Scenario
    heads: int
    movable: int
    guess: int
    screened: int
    load: float
    mode: Mode
    goals: Mapping[str, float]
    ceilings: tuple[Ceiling, ...]
    tried: tuple[tuple[int, bool, dict[str, float]], ...]
    outcome: Outcome

    @property
    def out_of_reach(self) -> tuple[str, ...]:
        """A sentence for each class whose target no number of heads can meet."""
        targets = {each.name: each for each in self.scenario.classes}
        found = []
        for ceiling in self.ceilings:
            each = targets[ceiling.job_class]
            if each.target > ceiling.share:
                lift = f"; {ceiling.lifts[0].what} lifts it to {100 * ceiling.lifts[0].share:.1f} %"
                found.append(
                    f"{each.name}: {100 * each.target:.1f} % within {each.arrival_hours} h is out "
                    f"of reach, whatever the head count: shifts as they are cap it at "
                    f"{100 * ceiling.share:.1f} %{lift if ceiling.lifts else ''}"
                )
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        """The object of ``docs/reference/staffing.schema.json``."""
        return {
            "format": FORMAT,
            "scenario": self.scenario.name,
            "heads": self.heads,
            "outlets": outlet_heads(self.scenario.groups),
            "groups": [
                {
                    "id": group.id,
                    "outlet": group.outlet,
                    "roster": group.roster,
                    "skills": dict(group.skills),
                    "heads": group.heads,
                }
                for group in self.scenario.groups
            ],
            "load": round(self.load, 3),
            "queueing_guess": self.guess,
            "screening_guess": self.screened,
            "mode": self.mode,
            "goals": {name: round(goal, 5) for name, goal in self.goals.items()},
            "ceilings": {each.job_class: each.to_json() for each in self.ceilings},
            "out_of_reach": list(self.out_of_reach),
            "tried": [
                {"heads": heads, "met": met, "shares": {k: round(x, 5) for k, x in shares.items()}}
                for heads, met, shares in self.tried
            ],
            "outcome": self.outcome.to_json(),
        }


def staff(
    scenario: Scenario,
    *,
    outlets: Collection[str] | None = None,
    least: Mapping[str, int] | None = None,
    least_per_outlet: int = 1,
    mode: Mode = "full",
    replications: int = 4,
    seed: int = 1,
    processes: int | None = None,
    watch: Told | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Staffing:
    """Find the fewest heads that meet the targets, and how to spread them.

    Parameters
    ----------
    scenario
        Its groups say which mixes of outlet, skills and roster may be hired; their heads are where
        the others stay.
    outlets
        Only groups of these outlets change; None: all.
    least
        Heads a changing group keeps at least, by its id.
    least_per_outlet
        Heads that each of these outlets has at least.
    mode
        What decides: the full simulation or the screening.
    replications
        Of each simulation, at least 2.

    Raises
    ------
    CannotStaff
        With one sentence.
    network.simulate.Cancelled
        When ``cancel`` said so.
    """
    if replications < 2:
        raise CannotStaff("replications: at least 2 are needed to see how sure a share is")
    search = _Search(
        scenario, outlets, least or {}, least_per_outlet, mode, replications, seed, processes
    )
    search.watch, search.cancel = watch, cancel
    return search.run()


class _Search:
    watch: Told | None = None
    cancel: Callable[[], bool] | None = None

    def __init__(
        self,
        scenario: Scenario,
        outlets: Collection[str] | None,
        least: Mapping[str, int],
        least_per_outlet: int,
        mode: Mode,
        replications: int,
        seed: int,
        processes: int | None,
    ) -> None:
        places = {outlet.id for outlet in scenario.outlets}
        for outlet in outlets or ():
            if outlet not in places:
                raise CannotStaff(f"there is no outlet {outlet!r}")
        chosen = places if outlets is None else set(outlets)
        self.movable = frozenset(g.id for g in scenario.groups if g.outlet in chosen)
        if not self.movable:
            raise CannotStaff("no group of technicians belongs to these outlets")
        self.base = sum(g.heads for g in scenario.groups if g.id not in self.movable)
        self.floor = self.base
        for outlet in chosen:
            own = [g.id for g in scenario.groups if g.outlet == outlet]
            asked = sum(least.get(name, 0) for name in own)
            self.floor += max(asked, least_per_outlet) if own else 0
        self.least_per_outlet = least_per_outlet
        self.scenario, self.least, self.mode = scenario, least, mode
        self.replications, self.seed, self.processes = replications, seed, processes
        self.known: Loads = loads(scenario)
        self.mixes: dict[int, tuple[Group, ...]] = {}
        self.seen: dict[tuple[str, int], tuple[bool, Outcome]] = {}

    def run(self) -> Staffing:
        guess = max(self.floor, 1, self._guess())
        self._tell(f"queueing guess: {guess} heads")
        limits = ceilings(self._with(guess))
        caps = {each.job_class: each.share for each in limits}
        self.goals = {
            each.name: each.target
            if each.target <= caps.get(each.name, 1.0)
            else caps[each.name] * _BELOW_CEILING
            for each in self.scenario.classes
        }
        screened = self._least(guess, "screening", max(1, self.floor))
        found = screened
        if self.mode == "full":
            found = self._least(screened, "full", max(1, self.floor, math.floor(self.known.load)))
        outcome = self.seen[self.mode, found][1]
        chosen = self._with(found)
        tried = tuple(
            (heads, met, {each.name: one.share(each.name) for each in one.classes})
            for (mode, heads), (met, one) in sorted(self.seen.items())
            if mode == self.mode
        )
        return Staffing(
            chosen, found, found - self.base, guess, screened, self.known.load, self.mode,
            self.goals, ceilings(chosen), tried, outcome,
        )  # fmt: skip

    def _guess(self) -> int:
        """Servers at work while anybody is, turned into heads on the roster."""
        giving = [each for each in self.known.gives_s if each > 0]
        if not giving:
            raise CannotStaff("rosters: no group has a regular shift that serves every class")
        per_head = sum(giving) / len(giving)
        open_s = self._open_s()
        load = sum(work.load_s for work in self.known.work) / open_s
        noise = self.scenario.noise
        servers = 1
        for each in self.scenario.classes:
            limit = each.arrival_s * open_s / (7 * 86_400)
            target = min(each.target, 0.999)
            servers = max(
                servers,
                least_servers(load, self.known.visit_s, limit, target, 1.0, 0.3 + noise.service_cv),
            )
        return math.ceil(servers * open_s / per_head - 1e-9)

    def _open_s(self) -> float:
        """Seconds of a mean week in which anybody works a regular shift."""
        one = replace(
            self.scenario, groups=tuple(replace(g, heads=1) for g in self.scenario.groups)
        )
        calendar = Calendar(one)
        first, last = calendar.counted
        spans = sorted(
            (duty.start_s, duty.end_s)
            for day in range(first, last)
            for duty in calendar.duties(day)
            if duty.serves is None
        )
        total, covered = 0, 0
        for start, end in spans:
            total += max(0, end - max(start, covered))
            covered = max(covered, end)
        return max(1.0, total * 7 / (last - first))

    def _with(self, heads: int) -> Scenario:
        if heads not in self.mixes:
            try:
                self.mixes[heads] = best_mix(
                    self.scenario,
                    self.known,
                    heads,
                    self.least,
                    self.movable,
                    self.least_per_outlet,
                )
            except NobodyCan as error:
                raise CannotStaff(str(error)) from None
        return replace(self.scenario, groups=self.mixes[heads])

    def _met(self, heads: int, mode: Mode) -> bool:
        if (mode, heads) not in self.seen:
            scenario = self._with(heads)
            self._tell(f"{mode} mode with {heads} heads")
            if mode == "screening":
                outcome = screen(
                    scenario,
                    replications=_SCREENED * self.replications,
                    seed=self.seed,
                    cancel=self.cancel,
                )
            else:
                outcome = simulate(
                    scenario,
                    replications=self.replications,
                    seed=self.seed,
                    processes=self.processes,
                    watch=lambda progress: self._tell(f"full mode, {heads} heads", progress),
                    cancel=self.cancel,
                )
            met = all(meets(outcome.shares(name), goal) for name, goal in self.goals.items())
            self.seen[mode, heads] = (met, outcome)
        return self.seen[mode, heads][0]

    def _least(self, start: int, mode: Mode, low: int) -> int:
        """The fewest heads that meet the goals, one fewer having missed (or being not allowed)."""
        most = _MOST_TIMES * max(start, low) + 10
        high, step = max(start, low), 1
        below = low - 1  # known (or not allowed) to miss
        while not self._met(high, mode):
            below = high
            high, step = high + step, step * 2
            if below >= most:
                shares = self.seen[mode, below][1]
                words = ", ".join(
                    f"{name} {100 * shares.share(name):.1f} % of {100 * goal:.1f} %"
                    for name, goal in self.goals.items()
                )
                raise CannotStaff(
                    f"even {below} heads do not meet the targets ({words}): look at the rosters, "
                    "skills and drives of this scenario"
                )
        while high - below > 1:
            middle = (high + below) // 2
            if self._met(middle, mode):
                high = middle
            else:
                below = middle
        return high

    def _tell(self, what: str, progress: Progress | None = None) -> None:
        if self.watch is not None:
            self.watch(what, progress)


def meets(shares: Sequence[float], goal: float) -> bool:
    """Whether the mean of the replications lies surely enough above the goal."""
    count = len(shares)
    mean = math.fsum(shares) / count
    variance = math.fsum((share - mean) ** 2 for share in shares) / max(1, count - 1)
    return mean - CAUTION * math.sqrt(variance / count) >= goal
