from itertools import product

import pytest

from domain.lifecycle import (
    BEGUN,
    ENDED,
    JOB_TRANSITIONS,
    TECHNICIAN_EVENTS,
    TRANSITIONS,
    IllegalTransition,
    JobEvent,
    JobState,
    VisitEvent,
    VisitState,
    allowed_events,
    allowed_job_events,
    job_transition,
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


def test_the_end_of_a_visit_is_the_end() -> None:
    for state in (VisitState.DONE, VisitState.WITHDRAWN, VisitState.CANCELLED, *ENDED):
        assert not allowed_events(state)


def test_every_job_can_come_to_an_end_from_wherever_it_is() -> None:
    reached = {JobState.DONE}
    while True:
        more = {origin for (origin, _), goal in JOB_TRANSITIONS.items() if goal in reached}
        if more <= reached:
            break
        reached |= more
    assert reached == set(JobState)


def test_every_state_of_a_job_can_be_reached_from_the_report() -> None:
    reached = {JobState.OPEN}
    while True:
        more = {goal for (origin, _), goal in JOB_TRANSITIONS.items() if origin in reached}
        if more <= reached:
            break
        reached |= more
    assert reached == set(JobState)


def test_a_job_move_that_is_not_in_the_table_is_refused_with_what_is_allowed() -> None:
    for state, event in product(JobState, JobEvent):
        if (state, event) in JOB_TRANSITIONS:
            assert job_transition(state, event) is JOB_TRANSITIONS[state, event]
            continue
        with pytest.raises(IllegalTransition) as refused:
            job_transition(state, event)
        assert set(refused.value.allowed) == allowed_job_events(state)


def test_what_has_begun_cannot_be_withdrawn() -> None:
    for state in BEGUN:
        assert VisitEvent.WITHDRAWN not in allowed_events(state)


def test_a_phone_cannot_withdraw_a_visit() -> None:
    assert VisitEvent.WITHDRAWN not in TECHNICIAN_EVENTS
