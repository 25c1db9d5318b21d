"""The dispatcher of the simulation: turns the state of the region into problems for `optimizer`.

Every decision about who goes where is `optimizer.solve`'s or `optimizer.desk`'s. This module only
says what is open, who can still work from where, and what it would cost to leave a fault for
another day.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from network.simulate.calendar import Calendar
from network.simulate.events import Events
from network.simulate.rounds import Field, Round
from network.simulate.scenario import Scenario
from optimizer.desk import Desk, NoRepair
from optimizer.plan import Plan, Route
from optimizer.problem import Break, Goal, Job, Location, Problem, Shift, Technician, Travel
from optimizer.solve import Stop, solve
from optimizer.timetable import timetable

MUST_S, SOON_S, CAN_WAIT_S = 40 * 3600, 4 * 3600, 2 * 3600
"""What leaving a fault for another day is worth, in seconds of driving: it would come too late;
the next day is its last one; there is time."""

OVERTIME_PRICE = 3
"""Seconds of driving that a second of overtime is worth."""

_MARGIN_S = 3600
_NEVER = 2**40
_OBJECTIVE = (
    Goal.of("late"),
    Goal((("dropped", 1.0), ("overtime", float(OVERTIME_PRICE)), ("travel", 1.0))),
)
_OPEN_PER_SHIFT, _OPEN_LEAST = 20, 40


def next_reach(calendar: Calendar, name: str) -> list[tuple[int, int]]:
    """For each planning day: when the class is first served after it, and the time after that.

    A drive's margin is added. Beyond the calendar nothing is reached.
    """
    starts: list[list[int]] = [[] for _ in range(calendar.days + 1)]
    for day in range(calendar.days + 1):
        for duty in calendar.duties(day):
            if duty.serves is None or name in duty.serves:
                starts[calendar.planning_day(duty.start_s)].append(duty.start_s)
    found = []
    for day in range(calendar.days):
        later = [min(own) for own in starts[day + 1 :] if own][:2]
        first, second, *_ = [*later, _NEVER, _NEVER]
        found.append((first + _MARGIN_S, second + _MARGIN_S))
    return found


class Dispatcher:
    """Plans days and places urgent calls for one replication."""

    def __init__(
        self, scenario: Scenario, calendar: Calendar, events: Events, field: Field, seed: int
    ) -> None:
        self.scenario, self.calendar, self.events = scenario, calendar, events
        self.field, self.seed = field, seed
        self.names = [each.name for each in scenario.classes]
        self.weights = {each.name: each.weight for each in scenario.classes}
        self.reach = [next_reach(calendar, name) for name in self.names]

    def plan_day(self, day: int, rounds: Sequence[Round], waiting: Iterable[int]) -> None:
        """Fill the rounds' queues with the search's plan of what is waiting."""
        faults = self._pressing(day, rounds, waiting)
        if not rounds or not faults:
            return
        now_s = self.calendar.plan_s[day]
        problem = self._problem(day, now_s, rounds, faults)
        stop = Stop(iterations=self.scenario.dispatch.iterations)
        plan = solve(problem, stop, seed=self.seed + day, explained=False)
        self._take(plan, rounds)

    def replan(
        self, day: int, now_s: int, rounds: Sequence[Round], waiting: Iterable[int]
    ) -> list[int]:
        """Plan the rest of the day anew; what of the old queues found no place, comes back."""
        able = self._able(rounds, now_s)
        queued = [index for who in able for what, index in who.queue if what == "job"]
        faults = [*queued, *self._pressing(day, able, waiting)]
        if not able or not faults:
            return []
        problem = self._problem(day, now_s, able, faults)
        start, _ = self._standing_plan(problem, able)
        stop = Stop(iterations=self.scenario.dispatch.iterations)
        plan = solve(problem, stop, seed=self.seed + day, start=start, explained=False)
        self._take(plan, able)
        placed = {index for who in able for what, index in who.queue if what == "job"}
        return [fault for fault in queued if fault not in placed]

    def place_calls(
        self, day: int, now_s: int, rounds: Sequence[Round], calls: Sequence[int]
    ) -> tuple[list[int], list[int]]:
        """Have the desk place new calls; returns those it could not, and visits that fell out.

        Falling out: a round has run so late that its expected rest no longer fits the shift.
        """
        able = self._able(rounds, now_s)
        served = [call for call in calls if any(self._serves(who, call) for who in able)]
        if not served:
            return list(calls), []
        queued = [index for who in able for what, index in who.queue if what == "job"]
        problem = self._problem(day, now_s, able, [*queued, *served])
        known = {_job_id(call) for call in served}
        new = {job.id: job for job in problem.jobs if job.id in known}
        plan, fallen = self._standing_plan(problem, able)
        out = {_job_id(fault) for fault in fallen}
        before = tuple(job for job in problem.jobs if job.id not in known | out)
        desk = Desk(_with_jobs(problem, before), plan, now_s=now_s, seed=self.seed)
        left = [call for call in calls if call not in served]
        placed: Plan | None = None
        for call in served:
            offers = desk.offers(new[_job_id(call)], 1, eject=self.scenario.dispatch.eject)
            try:
                placed = desk.commit(offers[0]) if offers else placed
            except NoRepair:
                offers = ()
            if not offers:
                left.append(call)
        if placed is not None:
            self._take(placed, able)
        return left, fallen

    def _able(self, rounds: Sequence[Round], now_s: int) -> list[Round]:
        return [who for who in rounds if _ready(who, now_s) < who.limit_s]

    def _serves(self, who: Round, fault: int) -> bool:
        name = self.names[self.events.job_class[fault]]
        return who.duty.serves is None or name in who.duty.serves

    def _pressing(self, day: int, rounds: Sequence[Round], waiting: Iterable[int]) -> list[int]:
        """What is waiting and may be served by somebody today, at most what could be looked at."""
        classes = {
            k
            for k, name in enumerate(self.names)
            if any(who.duty.serves is None or name in who.duty.serves for who in rounds)
        }
        faults = [fault for fault in waiting if int(self.events.job_class[fault]) in classes]
        most = _OPEN_LEAST + _OPEN_PER_SHIFT * len(rounds)
        if len(faults) > most:
            faults.sort(key=lambda fault: (-self._value_s(day, fault), self.events.due_s[fault]))
            faults = faults[:most]
        return sorted(faults)

    def _value_s(self, day: int, fault: int) -> int:
        following, after = self.reach[int(self.events.job_class[fault])][day]
        if self.field.arrived_s[fault] >= 0:
            return SOON_S
        due = int(self.events.due_s[fault])
        if due < following:
            return MUST_S
        return SOON_S if due < after else CAN_WAIT_S

    def _problem(
        self, day: int, now_s: int, rounds: Sequence[Round], faults: Sequence[int]
    ) -> Problem:
        places: dict[int, int] = {}
        for who in rounds:
            for place in (who.place, who.home):
                places.setdefault(place, len(places))
        for fault in faults:
            places.setdefault(self.field.place_of(fault), len(places))
        rows = np.fromiter(places, np.int64, len(places))
        durations = np.ascontiguousarray(self.field.durations[np.ix_(rows, rows)])
        allowed = {
            k: frozenset(
                who.id for who in rounds if who.duty.serves is None or name in who.duty.serves
            )
            for k, name in enumerate(self.names)
        }
        jobs = []
        for fault in faults:
            kind = self.scenario.demand.kinds[self.events.kind[fault]]
            k = int(self.events.job_class[fault])
            weight = self.scenario.classes[k].weight
            seen = self.field.arrived_s[fault] >= 0
            jobs.append(
                Job(
                    _job_id(fault),
                    places[self.field.place_of(fault)],
                    service_s=kind.service_s,
                    job_class=self.names[k],
                    skills=kind.skills,
                    due=None if seen else int(self.events.due_s[fault]),
                    drop_penalty=max(1, round(self._value_s(day, fault) / weight)),
                    allowed=None if len(allowed[k]) == len(rounds) else allowed[k],
                )
            )
        return Problem(
            locations=tuple(Location(str(place)) for place in places),
            travel={"car": Travel(durations)},
            technicians=tuple(self._technician(who, now_s, places) for who in rounds),
            jobs=tuple(jobs),
            class_weights=self.weights,
            objective=_OBJECTIVE,
        )

    def _technician(self, who: Round, now_s: int, places: dict[int, int]) -> Technician:
        ready = _ready(who, now_s)
        end = max(who.duty.end_s, ready)
        pauses = tuple(
            Break(str(number), ((earliest, max(latest, ready)),), duration)
            for number, (earliest, latest, duration) in enumerate(who.duty.pauses)
            if number in who.pauses
        )
        shift = Shift(
            "shift", ready, end, places[who.place], places[who.home], who.limit_s - end, pauses
        )
        return Technician(who.id, (shift,), speed_factor=who.speed_factor, skills=who.duty.skills)

    def _standing_plan(self, problem: Problem, rounds: Sequence[Round]) -> tuple[Plan, list[int]]:
        """The queues as a plan; visits that no longer fit fall out, the least pressing first."""
        jobs = {job.id: job for job in problem.jobs}
        routes: list[Route] = []
        fallen: list[int] = []
        for who, technician in zip(rounds, problem.technicians, strict=True):
            faults = [index for what, index in who.queue if what == "job"]
            while faults:
                timed = timetable(
                    problem, technician, technician.shifts[0],
                    [jobs[_job_id(fault)] for fault in faults],
                )  # fmt: skip
                if timed.route is not None:
                    routes.append(timed.route)
                    break
                least = min(
                    range(len(faults)),
                    key=lambda k: (problem.weight(jobs[_job_id(faults[k])]), -k),
                )
                fallen.append(faults.pop(least))
        out = set(fallen)
        for who in rounds:
            who.queue = deque(stop for stop in who.queue if stop[0] != "job" or stop[1] not in out)
        return Plan(tuple(routes)), fallen

    def _take(self, plan: Plan, rounds: Sequence[Round]) -> None:
        """Make the plan's routes the queues."""
        routes = {route.technician: route for route in plan.routes}
        for who in rounds:
            who.queue.clear()
            route = routes.get(who.id)
            for step in route.steps if route is not None else ():
                if step.job is not None:
                    who.queue.append(("job", int(step.job)))
                elif step.break_id is not None:
                    who.queue.append(("break", int(step.break_id)))


def _ready(who: Round, now_s: int) -> int:
    """When the dispatcher expects the technician to be free."""
    if who.free_s <= now_s:
        return max(now_s, who.duty.start_s)
    return max(now_s, who.expected_s, who.duty.start_s)


def _job_id(fault: int) -> str:
    return str(fault)


def _with_jobs(problem: Problem, jobs: tuple[Job, ...]) -> Problem:
    return replace(problem, jobs=jobs)
