"""The life of a visit as one table: which event is legal in which state, and where it leads.

``published -> accepted -> on_the_way -> arrived -> done``; a published visit may be withdrawn by a
newer plan until the technician is on the way.
"""

from __future__ import annotations

from enum import StrEnum


class VisitState(StrEnum):
    """Where a visit stands."""

    PUBLISHED = "published"
    ACCEPTED = "accepted"
    ON_THE_WAY = "on_the_way"
    ARRIVED = "arrived"
    DONE = "done"
    WITHDRAWN = "withdrawn"


class VisitEvent(StrEnum):
    """What happens to a visit."""

    ACCEPTED = "accepted"
    ON_THE_WAY = "on_the_way"
    ARRIVED = "arrived"
    DONE = "done"
    WITHDRAWN = "withdrawn"


TRANSITIONS: dict[tuple[VisitState, VisitEvent], VisitState] = {
    (VisitState.PUBLISHED, VisitEvent.ACCEPTED): VisitState.ACCEPTED,
    (VisitState.ACCEPTED, VisitEvent.ON_THE_WAY): VisitState.ON_THE_WAY,
    (VisitState.ON_THE_WAY, VisitEvent.ARRIVED): VisitState.ARRIVED,
    (VisitState.ARRIVED, VisitEvent.DONE): VisitState.DONE,
    (VisitState.PUBLISHED, VisitEvent.WITHDRAWN): VisitState.WITHDRAWN,
    (VisitState.ACCEPTED, VisitEvent.WITHDRAWN): VisitState.WITHDRAWN,
}

BEGUN = frozenset({VisitState.ON_THE_WAY, VisitState.ARRIVED, VisitState.DONE})
"""States in which a plan may no longer move the visit: it is under way, or it has happened."""

TECHNICIAN_EVENTS = frozenset(VisitEvent) - {VisitEvent.WITHDRAWN}
"""What a phone may report; withdrawing is the planner's."""


class IllegalTransition(Exception):
    """A {event} cannot follow on {state}."""

    def __init__(self, state: VisitState, event: VisitEvent) -> None:
        super().__init__(f"a visit that is {state} cannot become {event}")
        self.state = state
        self.event = event
        self.allowed = tuple(sorted(allowed_events(state)))


def allowed_events(state: VisitState) -> frozenset[VisitEvent]:
    """The events that are legal in this state."""
    return frozenset(event for (origin, event) in TRANSITIONS if origin is state)


def transition(state: VisitState, event: VisitEvent) -> VisitState:
    """The state that follows.

    Raises
    ------
    IllegalTransition
        When the table has no such move.
    """
    try:
        return TRANSITIONS[(state, event)]
    except KeyError:
        raise IllegalTransition(state, event) from None
