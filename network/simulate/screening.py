"""``screen(scenario) -> Outcome``: the fast mode, for hundreds of variants.

A greedy rule stands in for the optimizer (see `network.simulate.kernel`). It plans worse, so its
shares are lower bounds in spirit, not in proof; what it is for is the *order* of variants.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from network.simulate.calendar import Calendar, Duty
from network.simulate.dispatch import next_reach
from network.simulate.events import draw_events, draw_sickness
from network.simulate.kernel import run
from network.simulate.outcome import Outcome, outcome_of
from network.simulate.run import Cancelled
from network.simulate.scenario import Scenario
from network.simulate.tally import DutyRow, Replication, tally


def screen(
    scenario: Scenario,
    *,
    replications: int = 2,
    seed: int = 1,
    cancel: Callable[[], bool] | None = None,
) -> Outcome:
    """Judge a scenario in a fraction of a second; same faults and fates as `simulate`.

    Raises
    ------
    network.simulate.Cancelled
        When ``cancel`` said so.
    ValueError
        When ``replications`` is below 1.
    """
    if replications < 1:
        raise ValueError(f"replications must be at least 1, got {replications}")
    began = time.monotonic()
    calendar = Calendar(scenario)
    found = []
    for number in range(replications):
        if cancel is not None and cancel():
            raise Cancelled("cancelled")
        found.append(_one(scenario, calendar, seed, number))
    return outcome_of(scenario, "screening", seed, found, time.monotonic() - began)


def _one(scenario: Scenario, calendar: Calendar, seed: int, number: int) -> Replication:
    events = draw_events(scenario, calendar, seed, number)
    ill = draw_sickness(scenario, calendar, seed, number)
    duties = sorted(
        (
            duty
            for day in range(calendar.days)
            for duty in calendar.duties(day)
            if not ill[duty.worker, duty.day]
        ),
        key=lambda duty: (duty.start_s, duty.worker),
    )
    arrived_s = np.full(len(events), -1, np.int64)
    rows = np.zeros((len(duties), 5), np.int64)
    outlets = len(scenario.outlets)
    if duties:
        pauses = [pause for duty in duties for pause in duty.pauses]
        groups = [scenario.groups[calendar.workers[duty.worker].group] for duty in duties]
        run(
            events.at_s,
            _desk_moments(scenario, calendar, events.at_s),
            events.due_s,
            outlets + events.point.astype(np.int64),
            events.kind.astype(np.int64),
            events.job_class.astype(np.int64),
            np.array([kind.service_s for kind in scenario.demand.kinds], np.int64),
            events.service_factor,
            events.drive_factor,
            events.no_access,
            np.array([each.inserted for each in scenario.classes], np.bool_),
            scenario.noise.no_access_s,
            scenario.travel.durations_s,
            scenario.travel.distances_m,
            _able(scenario, duties),
            np.array([_times(calendar, duty) for duty in duties], np.int64),
            np.array([group.speed_factor for group in groups]),
            events.traffic[[duty.day for duty in duties]],
            np.concatenate([[0], np.cumsum([len(duty.pauses) for duty in duties])]),
            np.array(pauses, np.int64).reshape(-1, 3),
            _reach(scenario, calendar, duties),
            arrived_s,
            rows,
        )
    worked = [
        DutyRow(
            duty.worker, duty.day, duty.end_s - duty.start_s, max(0, int(row[0]) - duty.end_s),
            *(int(figure) for figure in row[1:]),
        )
        for duty, row in zip(duties, rows, strict=True)
    ]  # fmt: skip
    return tally(scenario, calendar, events, number, arrived_s, worked)


def _desk_moments(
    scenario: Scenario, calendar: Calendar, at_s: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The desk's next moment after each report."""
    every = scenario.dispatch.desk_every_s
    plans = np.array(calendar.plan_s, np.int64)
    base = plans[np.maximum(0, np.searchsorted(plans, at_s, side="right") - 1)]
    moments: NDArray[np.int64] = base - (base - at_s) // every * every
    return moments


def _times(calendar: Calendar, duty: Duty) -> tuple[int, int, int, int, int]:
    home = calendar.workers[duty.worker].outlet
    planned = calendar.plan_before(duty.start_s)
    return duty.start_s, duty.end_s, duty.end_s + duty.overtime_s, home, planned


def _able(scenario: Scenario, duties: list[Duty]) -> NDArray[np.bool_]:
    """Which duty may serve which kind, bool[duties, kinds]."""
    table = np.zeros((len(duties), len(scenario.demand.kinds)), np.bool_)
    known: dict[tuple[object, ...], NDArray[np.bool_]] = {}
    for row, duty in enumerate(duties):
        key = (tuple(sorted(duty.skills.items())), duty.serves)
        if key not in known:
            known[key] = np.array(
                [
                    (duty.serves is None or kind.job_class in duty.serves)
                    and all(duty.skills.get(s, 0) >= level for s, level in kind.skills.items())
                    for kind in scenario.demand.kinds
                ],
                np.bool_,
            )
        table[row] = known[key]
    return table


def _reach(scenario: Scenario, calendar: Calendar, duties: list[Duty]) -> NDArray[np.int64]:
    by_class = [next_reach(calendar, each.name) for each in scenario.classes]
    days = [calendar.planning_day(duty.start_s) for duty in duties]
    return np.array([[own[day] for own in by_class] for day in days], np.int64)
