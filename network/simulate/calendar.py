"""From rosters to shifts: who works when, in seconds from the scenario's first midnight.

Local times are turned into instants by the zone's own rules, so a night with a change of the clocks
is as long as it really is.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from network.simulate.scenario import Group, Scenario, Turn

_A_MONDAY = date(2001, 1, 1)


@dataclass(frozen=True, slots=True)
class Duty:
    """One shift of one head. ``pauses``: (earliest start, latest start, duration), seconds.

    ``serves`` None: every class; ``skills``: those whose certificates hold on that day.
    """

    worker: int
    day: int
    start_s: int
    end_s: int
    overtime_s: int
    pauses: tuple[tuple[int, int, int], ...]
    serves: frozenset[str] | None
    skills: dict[str, int]


@dataclass(frozen=True, slots=True)
class Worker:
    """One head of a group."""

    index: int
    group: int
    number: int
    id: str
    outlet: int


class Calendar:
    """Days and shifts of a scenario, warm-up and cool-down included.

    Day 0 is the first day of the warm-up; ``counted`` is the half-open range of counted days.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.zone = ZoneInfo(scenario.timezone)
        self.first = scenario.start - timedelta(days=scenario.warm_up_days)
        self.days = scenario.warm_up_days + scenario.days + scenario.cool_down_days
        self.counted = (scenario.warm_up_days, scenario.warm_up_days + scenario.days)
        self.epoch = self._instant(self.first, time(0))
        outlets = {outlet.id: k for k, outlet in enumerate(scenario.outlets)}
        self.workers = tuple(
            Worker(0, g, k, f"{group.id}-{k + 1}" if group.heads > 1 else group.id,
                   outlets[group.outlet])
            for g, group in enumerate(scenario.groups)
            for k in range(group.heads)
        )  # fmt: skip
        self.workers = tuple(
            Worker(index, who.group, who.number, who.id, who.outlet)
            for index, who in enumerate(self.workers)
        )
        self.midnights = [self.second(self.date_of(day), time(0)) for day in range(self.days + 1)]
        self.plan_s = [
            self.second(self.date_of(day), scenario.dispatch.plan_at)
            for day in range(self.days + 1)
        ]
        self._duties = [self._duties_of(day) for day in range(self.days + 1)]

    def _instant(self, day: date, moment: time) -> datetime:
        return datetime.combine(day, moment, self.zone).astimezone(UTC)

    def date_of(self, day: int) -> date:
        """The local date of a day."""
        return self.first + timedelta(days=day)

    def second(self, day: date, moment: time) -> int:
        """Seconds from the first midnight to a local time."""
        return int((self._instant(day, moment) - self.epoch).total_seconds())

    def day_at(self, second: int) -> int:
        """The day whose local date a moment has."""
        return bisect_right(self.midnights, second) - 1

    def planning_day(self, second: int) -> int:
        """The day whose morning's plan is the last one before a moment (0 before the first)."""
        return max(0, min(bisect_right(self.plan_s, second) - 1, self.days))

    def plan_before(self, second: int) -> int:
        """The last morning's plan at or before a moment (the first plan before any)."""
        return self.plan_s[self.planning_day(second)]

    def duties(self, day: int) -> tuple[Duty, ...]:
        """Shifts that begin on a local day, in the order of the workers."""
        return self._duties[day]

    def _duties_of(self, day: int) -> tuple[Duty, ...]:
        found = []
        for who in self.workers:
            group = self.scenario.groups[who.group]
            for turn in self.scenario.rosters[group.roster]:
                if self._works(turn, who.number, self.date_of(day)):
                    found.append(self._duty(who, group, turn, day))
                    break
        return tuple(found)

    def _works(self, turn: Turn, number: int, on: date) -> bool:
        week = (on - _A_MONDAY).days // 7
        if (week + number) % turn.every != turn.offset:
            return False
        if on in self.scenario.closed_dates:
            return turn.on_closed_dates
        return on.weekday() in turn.weekdays

    def _duty(self, who: Worker, group: Group, turn: Turn, day: int) -> Duty:
        on = self.date_of(day)
        start_s = self.second(on, turn.start)

        def after_start(moment: time) -> int:
            """The first such local time after the start: past midnight where it has to be."""
            at = self.second(on, moment)
            return at if at >= start_s else self.second(on + timedelta(days=1), moment)

        over = turn.end <= turn.start
        end_s = self.second(on + timedelta(days=1 if over else 0), turn.end)
        held = dict(group.skills)
        for certificate in group.certificates:
            if not certificate.valid_from <= on <= certificate.valid_to:
                held.pop(certificate.skill, None)
        pauses = tuple(
            (after_start(pause.earliest), after_start(pause.latest), pause.duration_s)
            for pause in sorted(turn.pauses, key=lambda p: after_start(p.earliest))
        )
        return Duty(who.index, day, start_s, end_s, turn.overtime_s, pauses, turn.serves, held)
