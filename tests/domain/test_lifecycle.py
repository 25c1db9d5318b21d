from itertools import product

import pytest

from domain.lifecycle import (
    BEGUN,
    TECHNICIAN_EVENTS,
    TRANSITIONS,
    IllegalTransition,
    VisitEvent,
    VisitState,
    allowed_events,
    transition,
)


def test_a_visit_goes_from_published_to_done_in_four_events() -> None:
    state = VisitState.PUBLISHED
    for event in (
        VisitEvent.ACCEPTED,
        VisitEvent.ON_THE_WAY,
        VisitEvent.ARRIVED,
        VisitEvent.DONE,
    ):
        state = transition(state, event)
    assert state is VisitState.DONE


def test_every_move_that_is_not_in_the_table_is_refused_with_what_is_allowed() -> None:
    for state, event in product(VisitState, VisitEvent):
        if (state, event) in TRANSITIONS:
            assert transition(state, event) is TRANSITIONS[state, event]
            continue
        with pytest.raises(IllegalTransition) as refused:
            transition(state, event)
        assert refused.value.state is state
        assert set(refused.value.allowed) == allowed_events(state)


def test_the_end_is_the_end() -> None:
    assert not allowed_events(VisitState.DONE)
    assert not allowed_events(VisitState.WITHDRAWN)


def test_what_has_begun_cannot_be_withdrawn() -> None:
    for state in BEGUN:
        assert VisitEvent.WITHDRAWN not in allowed_events(state)


def test_a_phone_cannot_withdraw_a_visit() -> None:
    assert VisitEvent.WITHDRAWN not in TECHNICIAN_EVENTS
