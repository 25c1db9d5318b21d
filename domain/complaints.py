"""A complaint's life as one table, and its clocks by the rules of its place and day."""

from __future__ import annotations

from enum import StrEnum


class ComplaintState(StrEnum):
    """Where a complaint stands."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    MEDIATION = "mediation"
    SETTLED = "settled"
    FAILED = "failed"
    APPEALED = "appealed"
    REFERRED = "referred"
    WITHDRAWN = "withdrawn"


class ComplaintEvent(StrEnum):
    """What happens to a complaint."""

    ACCEPT = "accept"
    REFUSE = "refuse"
    MEDIATE = "mediate"
    SETTLE = "settle"
    FAIL = "fail"
    APPEAL = "appeal"
    REFER = "refer"
    WITHDRAW = "withdraw"


_S, _E = ComplaintState, ComplaintEvent

TRANSITIONS: dict[tuple[ComplaintState, ComplaintEvent], ComplaintState] = {
    (_S.RECEIVED, _E.ACCEPT): _S.ACCEPTED,
    (_S.RECEIVED, _E.REFUSE): _S.REFUSED,
    (_S.ACCEPTED, _E.MEDIATE): _S.MEDIATION,
    (_S.ACCEPTED, _E.SETTLE): _S.SETTLED,
    (_S.MEDIATION, _E.SETTLE): _S.SETTLED,
    (_S.MEDIATION, _E.FAIL): _S.FAILED,
    (_S.ACCEPTED, _E.FAIL): _S.FAILED,
    # Whoever is not content may have the case looked at again, by somebody else.
    (_S.REFUSED, _E.APPEAL): _S.APPEALED,
    (_S.FAILED, _E.APPEAL): _S.APPEALED,
    (_S.SETTLED, _E.APPEAL): _S.APPEALED,
    (_S.APPEALED, _E.ACCEPT): _S.ACCEPTED,
    (_S.APPEALED, _E.REFUSE): _S.FAILED,
    # The consumer may go to the 12315 channel at any time.
    **{
        (state, _E.REFER): _S.REFERRED
        for state in (
            _S.RECEIVED,
            _S.ACCEPTED,
            _S.REFUSED,
            _S.MEDIATION,
            _S.FAILED,
            _S.APPEALED,
        )
    },
    **{
        (state, _E.WITHDRAW): _S.WITHDRAWN
        for state in (_S.RECEIVED, _S.ACCEPTED, _S.MEDIATION, _S.APPEALED)
    },
}

ANSWERED = frozenset({_E.ACCEPT, _E.REFUSE})
"""What ends the clock of acceptance."""

CONCLUDED = frozenset({_E.SETTLE, _E.FAIL, _E.REFER})
"""What ends the clock of conclusion."""

BY_CONSUMER = frozenset({_E.APPEAL, _E.WITHDRAW, _E.REFER})
"""What a consumer may do by the link."""

NEED_REASON = frozenset({_E.REFUSE, _E.FAIL, _E.SETTLE, _E.APPEAL})


class IllegalStep(Exception):
    """A {event} cannot follow on {state}."""

    def __init__(self, state: ComplaintState, event: ComplaintEvent) -> None:
        super().__init__(f"a complaint that is {state} cannot take {event}")
        self.state = state
        self.event = event
        self.allowed = tuple(sorted(e for (s, e) in TRANSITIONS if s is state))


def step(state: ComplaintState, event: ComplaintEvent) -> ComplaintState:
    """The state that follows.

    Raises
    ------
    IllegalStep
        When the table has no such move.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalStep(state, event) from None
