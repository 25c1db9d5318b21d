"""The life of jobs and visits as one table: which event is legal in which state, where it leads.

A job is what a consumer waits for; a visit is one technician at its door. A job without trouble
goes ``open -> planned -> done``, its visit ``published -> accepted -> on_the_way -> arrived ->
done``. Whatever else happens (nobody at home, a part that must be fetched, an appliance that is
brought in) is a row here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Mode(StrEnum):
    """Where a job is done."""

    ON_SITE = "on_site"
    DROP_IN = "drop_in"
    MAIL_IN = "mail_in"
    REMOTE = "remote"


class VisitState(StrEnum):
    """Where a visit stands."""

    PUBLISHED = "published"
    ACCEPTED = "accepted"
    ON_THE_WAY = "on_the_way"
    ARRIVED = "arrived"
    DONE = "done"
    NO_ACCESS = "no_access"
    PARTS_NEEDED = "parts_needed"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"


class VisitEvent(StrEnum):
    """What happens to a visit."""

    ACCEPTED = "accepted"
    ON_THE_WAY = "on_the_way"
    ARRIVED = "arrived"
    DONE = "done"
    NO_ACCESS = "no_access"
    PARTS_NEEDED = "parts_needed"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"


class JobState(StrEnum):
    """Where a job stands. Only ``open`` and ``planned`` jobs are given to the planner."""

    OPEN = "open"
    PLANNED = "planned"
    WAITING_PARTS = "waiting_parts"
    AWAITING_ITEM = "awaiting_item"
    IN_WORKSHOP = "in_workshop"
    READY = "ready"
    DONE = "done"
    CANCELLED = "cancelled"


class JobEvent(StrEnum):
    """What happens to a job."""

    PLANNED = "planned"
    UNPLANNED = "unplanned"
    VISITED = "visited"
    NO_ACCESS = "no_access"
    PARTS_NEEDED = "parts_needed"
    PARTS_ARRIVED = "parts_arrived"
    REMOTE_SOLVED = "remote_solved"
    ITEM_EXPECTED = "item_expected"
    ITEM_RECEIVED = "item_received"
    ITEM_REPAIRED = "item_repaired"
    ITEM_RETURNED = "item_returned"
    VISIT_WANTED = "visit_wanted"
    CANCELLED = "cancelled"
    REOPENED = "reopened"


TRANSITIONS: Mapping[tuple[VisitState, VisitEvent], VisitState] = {
    (VisitState.PUBLISHED, VisitEvent.ACCEPTED): VisitState.ACCEPTED,
    (VisitState.ACCEPTED, VisitEvent.ON_THE_WAY): VisitState.ON_THE_WAY,
    (VisitState.ON_THE_WAY, VisitEvent.ARRIVED): VisitState.ARRIVED,
    (VisitState.ARRIVED, VisitEvent.DONE): VisitState.DONE,
    (VisitState.ARRIVED, VisitEvent.NO_ACCESS): VisitState.NO_ACCESS,
    (VisitState.ARRIVED, VisitEvent.PARTS_NEEDED): VisitState.PARTS_NEEDED,
    (VisitState.PUBLISHED, VisitEvent.CANCELLED): VisitState.CANCELLED,
    (VisitState.ACCEPTED, VisitEvent.CANCELLED): VisitState.CANCELLED,
    (VisitState.ON_THE_WAY, VisitEvent.CANCELLED): VisitState.CANCELLED,
    (VisitState.ARRIVED, VisitEvent.CANCELLED): VisitState.CANCELLED,
    (VisitState.PUBLISHED, VisitEvent.WITHDRAWN): VisitState.WITHDRAWN,
    (VisitState.ACCEPTED, VisitEvent.WITHDRAWN): VisitState.WITHDRAWN,
}

JOB_TRANSITIONS: Mapping[tuple[JobState, JobEvent], JobState] = {
    (JobState.OPEN, JobEvent.PLANNED): JobState.PLANNED,
    (JobState.PLANNED, JobEvent.UNPLANNED): JobState.OPEN,
    (JobState.PLANNED, JobEvent.VISITED): JobState.DONE,
    (JobState.PLANNED, JobEvent.NO_ACCESS): JobState.OPEN,
    (JobState.PLANNED, JobEvent.PARTS_NEEDED): JobState.WAITING_PARTS,
    (JobState.OPEN, JobEvent.PARTS_NEEDED): JobState.WAITING_PARTS,
    (JobState.IN_WORKSHOP, JobEvent.PARTS_NEEDED): JobState.IN_WORKSHOP,
    (JobState.WAITING_PARTS, JobEvent.PARTS_ARRIVED): JobState.OPEN,
    (JobState.OPEN, JobEvent.REMOTE_SOLVED): JobState.DONE,
    (JobState.PLANNED, JobEvent.REMOTE_SOLVED): JobState.DONE,
    (JobState.WAITING_PARTS, JobEvent.REMOTE_SOLVED): JobState.DONE,
    (JobState.AWAITING_ITEM, JobEvent.REMOTE_SOLVED): JobState.DONE,
    (JobState.OPEN, JobEvent.ITEM_EXPECTED): JobState.AWAITING_ITEM,
    (JobState.PLANNED, JobEvent.ITEM_EXPECTED): JobState.AWAITING_ITEM,
    (JobState.OPEN, JobEvent.ITEM_RECEIVED): JobState.IN_WORKSHOP,
    (JobState.AWAITING_ITEM, JobEvent.ITEM_RECEIVED): JobState.IN_WORKSHOP,
    (JobState.IN_WORKSHOP, JobEvent.ITEM_REPAIRED): JobState.READY,
    (JobState.READY, JobEvent.ITEM_RETURNED): JobState.DONE,
    (JobState.AWAITING_ITEM, JobEvent.VISIT_WANTED): JobState.OPEN,
    (JobState.OPEN, JobEvent.CANCELLED): JobState.CANCELLED,
    (JobState.PLANNED, JobEvent.CANCELLED): JobState.CANCELLED,
    (JobState.WAITING_PARTS, JobEvent.CANCELLED): JobState.CANCELLED,
    (JobState.AWAITING_ITEM, JobEvent.CANCELLED): JobState.CANCELLED,
    (JobState.DONE, JobEvent.REOPENED): JobState.OPEN,
    (JobState.CANCELLED, JobEvent.REOPENED): JobState.OPEN,
}

BEGUN = frozenset({VisitState.ON_THE_WAY, VisitState.ARRIVED, VisitState.DONE})
"""States in which a plan may no longer move the visit: it is under way, or it has happened."""

ENDED = frozenset({VisitState.NO_ACCESS, VisitState.PARTS_NEEDED})
"""A technician stood at the door and the job goes on: the visit no longer holds its place."""

TECHNICIAN_EVENTS = frozenset(VisitEvent) - {VisitEvent.WITHDRAWN, VisitEvent.CANCELLED}
"""What a phone may report; withdrawing is the planner's, cancelling the office's."""

OFFICE_EVENTS = frozenset(JobEvent) - {
    JobEvent.PLANNED,
    JobEvent.UNPLANNED,
    JobEvent.VISITED,
    JobEvent.NO_ACCESS,
}
"""What the office may tell of a job; the rest follows from plans and visits."""

REASON_NEEDED = frozenset({JobEvent.CANCELLED, JobEvent.REOPENED, JobEvent.REMOTE_SOLVED})
"""Events that say why."""

JOB_EVENT_OF: Mapping[VisitEvent, JobEvent] = {
    VisitEvent.DONE: JobEvent.VISITED,
    VisitEvent.NO_ACCESS: JobEvent.NO_ACCESS,
    VisitEvent.PARTS_NEEDED: JobEvent.PARTS_NEEDED,
}
"""What a visit's end means to its job."""


class IllegalTransition(Exception):
    """A {event} cannot follow on {state}."""

    def __init__(self, state: StrEnum, event: StrEnum, allowed: frozenset[StrEnum]) -> None:
        noun = "visit" if isinstance(state, VisitState) else "job"
        super().__init__(f"a {noun} that is {state} cannot take {event}")
        self.state = state
        self.event = event
        self.allowed = tuple(sorted(allowed))


def allowed_events(state: VisitState) -> frozenset[VisitEvent]:
    """The events of a visit that are legal in this state."""
    return frozenset(event for (origin, event) in TRANSITIONS if origin is state)


def allowed_job_events(state: JobState) -> frozenset[JobEvent]:
    """The events of a job that are legal in this state."""
    return frozenset(event for (origin, event) in JOB_TRANSITIONS if origin is state)


def transition(state: VisitState, event: VisitEvent) -> VisitState:
    """The state of a visit that follows.

    Raises
    ------
    IllegalTransition
        When the table has no such move.
    """
    try:
        return TRANSITIONS[(state, event)]
    except KeyError:
        raise IllegalTransition(state, event, frozenset(allowed_events(state))) from None


def job_transition(state: JobState, event: JobEvent) -> JobState:
    """The state of a job that follows.

    Raises
    ------
    IllegalTransition
        When the table has no such move.
    """
    try:
        return JOB_TRANSITIONS[(state, event)]
    except KeyError:
        raise IllegalTransition(state, event, frozenset(allowed_job_events(state))) from None


def as_markdown() -> str:
    """Both tables for people: one row a state, what may happen in it and where that leads."""
    parts = []
    for title, states, table in (
        ("Jobs", list(JobState), JOB_TRANSITIONS),
        ("Visits", list(VisitState), TRANSITIONS),
    ):
        rows = [f"### {title}", "", "| state | event → next state |", "|---|---|"]
        for state in states:
            moves = [
                f"{event} → {goal}" for (origin, event), goal in table.items() if origin is state
            ]
            rows.append(f"| `{state}` | {'; '.join(moves) or '–'} |")
        parts.append("\n".join(rows))
    return "\n\n".join(parts) + "\n"
