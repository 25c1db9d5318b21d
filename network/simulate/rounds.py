"""What technicians really do: a queue of visits and breaks, driven on as chance has it.

The dispatcher sees expectations; what chance decides about a visit is known when it has happened.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from network.simulate.calendar import Duty
from network.simulate.events import ATTEMPTS, Events
from network.simulate.scenario import Scenario
from optimizer.problem import drive_s

Stop = tuple[str, int]
"""``("job", fault)`` or ``("break", number of the pause)``."""


@dataclass(slots=True)
class Round:
    """One technician's shift on the road.

    ``free_s``: when the current drive, visit or break is over, as chance has it; ``expected_s``:
    as the dispatcher would think. ``place``: row of the travel matrix.
    """

    duty: Duty
    id: str
    home: int
    speed_factor: float
    place: int
    free_s: int
    expected_s: int
    queue: deque[Stop] = field(default_factory=deque)
    pauses: set[int] = field(default_factory=set)
    service_s: int = 0
    travel_s: int = 0
    distance_m: int = 0
    visits: int = 0
    home_s: int = 0

    @property
    def limit_s(self) -> int:
        """The end of the shift with its overtime."""
        return self.duty.end_s + self.duty.overtime_s


class Field:
    """The region as it is driven: travel, the faults' fates, and when somebody first arrived."""

    def __init__(self, scenario: Scenario, events: Events) -> None:
        self.scenario, self.events = scenario, events
        self.outlets = len(scenario.outlets)
        self.durations = scenario.travel.durations_s
        self.distances = scenario.travel.distances_m
        self.service_s: NDArray[np.int64] = np.array(
            [kind.service_s for kind in scenario.demand.kinds], np.int64
        )[events.kind]
        self.arrived_s = np.full(len(events), -1, np.int64)
        self.done = np.zeros(len(events), np.bool_)
        self.attempts = np.zeros(len(events), np.int64)
        self.back: list[int] = []

    def place_of(self, fault: int) -> int:
        """Row of the travel matrix."""
        return self.outlets + int(self.events.point[fault])

    def leg_s(self, who: Round, origin: int, destination: int) -> int:
        """Expected seconds of a drive."""
        return drive_s(int(self.durations[origin, destination]), who.speed_factor)

    def advance(self, who: Round, until_s: int) -> None:
        """Let everything happen that begins before ``until_s``."""
        while who.queue and who.free_s < until_s:
            what, index = who.queue[0]
            if what == "break":
                start = max(who.free_s, who.duty.pauses[index][0])
                if start >= until_s:
                    return
                who.queue.popleft()
                who.pauses.discard(index)
                who.free_s = who.expected_s = start + who.duty.pauses[index][2]
            else:
                who.queue.popleft()
                self._visit(who, index)

    def _visit(self, who: Round, fault: int) -> None:
        place = self.place_of(fault)
        leg = self.leg_s(who, who.place, place)
        service = int(self.service_s[fault])
        home = self.leg_s(who, place, who.home)
        if who.free_s + leg + service + home > who.limit_s:
            self.back.append(fault)  # no longer fits: the technician hands it back
            return
        attempt = min(int(self.attempts[fault]), ATTEMPTS - 1)
        self.attempts[fault] += 1
        events, noise = self.events, self.scenario.noise
        factor = float(events.drive_factor[fault, attempt]) * float(events.traffic[who.duty.day])
        drive = round(leg * factor)
        arrival = who.free_s + drive
        if self.arrived_s[fault] < 0:
            self.arrived_s[fault] = arrival
        if events.no_access[fault, attempt]:
            stay = noise.no_access_s
            self.back.append(fault)
        else:
            stay = round(service * float(events.service_factor[fault]))
            self.done[fault] = True
        who.expected_s = who.free_s + leg + service
        who.free_s = arrival + stay
        who.distance_m += int(self.distances[who.place, place])
        who.place = place
        who.travel_s += drive
        who.service_s += stay
        who.visits += 1

    def go_home(self, who: Round) -> None:
        """The last drive; after that the round's figures are final."""
        if who.visits == 0:
            who.home_s = who.duty.start_s
            return
        leg = round(self.leg_s(who, who.place, who.home) * float(self.events.traffic[who.duty.day]))
        who.travel_s += leg
        who.distance_m += int(self.distances[who.place, who.home])
        who.home_s = who.free_s + leg
