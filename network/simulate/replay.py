"""One replication: days of demand, planned and dispatched by `optimizer`, driven with noise."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from network.simulate.calendar import Calendar, Duty
from network.simulate.dispatch import Dispatcher
from network.simulate.events import Events, draw_events, draw_sickness
from network.simulate.rounds import Field, Round
from network.simulate.scenario import Scenario
from network.simulate.tally import DutyRow, Replication, tally

DayDone = Callable[[int], None]
"""Called with the number of days that are over."""


def replay(
    scenario: Scenario, seed: int, replication: int, day_done: DayDone | None = None
) -> Replication:
    """Run one replication of a scenario; a function of its arguments alone."""
    calendar = Calendar(scenario)
    events = draw_events(scenario, calendar, seed, replication)
    run = _Run(scenario, calendar, events, seed, replication)
    for day in range(calendar.days):
        run.live(day)
        if day_done is not None:
            day_done(day + 1)
    return run.finish()


class _Run:
    def __init__(
        self, scenario: Scenario, calendar: Calendar, events: Events, seed: int, replication: int
    ) -> None:
        self.scenario, self.calendar, self.events = scenario, calendar, events
        self.replication = replication
        self.field = Field(scenario, events)
        # The search's own chance: the same in every scenario, so that it blurs no comparison.
        engine_seed = 1 + (seed * 7919 + replication) % 2**20
        self.dispatcher = Dispatcher(scenario, calendar, events, self.field, engine_seed)
        self.ill = draw_sickness(scenario, calendar, seed, replication)
        self.waiting: set[int] = set()
        self.out: list[Round] = []
        self.rows: list[DutyRow] = []
        self.again: set[int] = set()
        self.replans = self._replans()
        self.reported = 0
        self.inserted = [each.inserted for each in scenario.classes]

    def live(self, day: int) -> None:
        """From one morning's plan to the next."""
        begin, end = self.calendar.plan_s[day], self.calendar.plan_s[day + 1]
        self._drive(begin)
        self._report(begin)
        self.again.clear()
        fresh = self._fresh(day)
        self.dispatcher.plan_day(day, fresh, self.waiting)
        self._queued(fresh)
        self.out += fresh
        moments = self._moments(begin, end)
        for now_s in range(begin, end, self.scenario.dispatch.desk_every_s):
            self._drive(now_s)
            calls = moments.get(now_s, [])
            if now_s > begin:
                calls += sorted(self.again - set(calls))
            self.again.clear()
            if calls:
                self.waiting.difference_update(calls)
                left, fallen = self.dispatcher.place_calls(day, now_s, self.out, calls)
                self.waiting.update(left, fallen)
                self._once_more(fallen)
            if now_s in self.replans:
                self._report(now_s)
                fallen = self.dispatcher.replan(day, now_s, self.out, self.waiting)
                self.waiting.update(fallen)
                self._queued(self.out)
        self._report(end)

    def finish(self) -> Replication:
        """Drive everybody home and count."""
        self._drive(self.calendar.plan_s[-1] + 7 * 86_400)
        return tally(
            self.scenario, self.calendar, self.events, self.replication, self.field.arrived_s,
            self.rows,
        )  # fmt: skip

    def _fresh(self, day: int) -> list[Round]:
        """Whose shift begins between this morning's plan and the next, and who is well."""
        begin, end = self.calendar.plan_s[day], self.calendar.plan_s[day + 1]
        duties = (*self.calendar.duties(day), *self.calendar.duties(day + 1))
        return [
            self._round(duty)
            for duty in duties
            if begin <= duty.start_s < end and not self.ill[duty.worker, duty.day]
        ]

    def _round(self, duty: Duty) -> Round:
        worker = self.calendar.workers[duty.worker]
        return Round(
            duty=duty,
            # One worker may have two shifts between two plans: a late one and a night one.
            id=f"{worker.id}@{duty.day}",
            home=worker.outlet,
            speed_factor=self.scenario.groups[worker.group].speed_factor,
            place=worker.outlet,
            free_s=duty.start_s,
            expected_s=duty.start_s,
            pauses=set(range(len(duty.pauses))),
        )

    def _drive(self, until_s: int) -> None:
        """Let the region live until a moment; whoever is through goes home."""
        still = []
        for who in self.out:
            self.field.advance(who, until_s)
            if who.queue or max(who.free_s, who.limit_s) > until_s:
                still.append(who)
                continue
            self.field.go_home(who)
            self.rows.append(duty_row(who))
        self.out = still
        self.waiting.update(self.field.back)
        self._once_more(self.field.back)
        self.field.back.clear()
        self.waiting = {fault for fault in self.waiting if not self.field.done[fault]}

    def _report(self, until_s: int) -> None:
        """Faults reported by now wait, unless the desk is going to take them."""
        while self.reported < len(self.events) and self.events.at_s[self.reported] < until_s:
            fault = self.reported
            self.reported += 1
            before_first_plan = self.events.at_s[fault] < self.calendar.plan_s[0]
            if before_first_plan or not self.inserted[self.events.job_class[fault]]:
                self.waiting.add(fault)

    def _queued(self, rounds: list[Round]) -> None:
        """What is in a queue does not wait."""
        for who in rounds:
            self.waiting.difference_update(index for what, index in who.queue if what == "job")

    def _once_more(self, faults: Iterable[int]) -> None:
        """What was handed back is the desk's again at its next moment, if it takes such calls."""
        self.again.update(
            fault
            for fault in faults
            if self.inserted[self.events.job_class[fault]] and self.field.arrived_s[fault] < 0
        )

    def _moments(self, begin: int, end: int) -> dict[int, list[int]]:
        """The desk's moments with the calls that have come in since the last one."""
        every = self.scenario.dispatch.desk_every_s
        moments: dict[int, list[int]] = {}
        low, high = np.searchsorted(self.events.at_s, (begin, end))
        for fault in range(int(low), int(high)):
            if self.inserted[self.events.job_class[fault]]:
                at = begin + -(-(int(self.events.at_s[fault]) - begin) // every) * every
                if at < end:
                    moments.setdefault(at, []).append(fault)
                else:
                    self.waiting.add(fault)
        return moments

    def _replans(self) -> frozenset[int]:
        """The desk's moments nearest behind the times at which what is left is planned anew."""
        every, found = self.scenario.dispatch.desk_every_s, set()
        for day, begin in enumerate(self.calendar.plan_s[:-1]):
            for moment in self.scenario.dispatch.replan_at:
                at = self.calendar.second(self.calendar.date_of(day), moment)
                if at < begin:  # a time before the morning's plan belongs to the day before's
                    at = self.calendar.second(self.calendar.date_of(day + 1), moment)
                found.add(begin + -(-(at - begin) // every) * every)
        return frozenset(found)


def duty_row(who: Round) -> DutyRow:
    """A finished round as figures."""
    return DutyRow(
        worker=who.duty.worker,
        day=who.duty.day,
        paid_s=who.duty.end_s - who.duty.start_s,
        overtime_s=max(0, who.home_s - who.duty.end_s),
        service_s=who.service_s,
        travel_s=who.travel_s,
        distance_m=who.distance_m,
        visits=who.visits,
    )
