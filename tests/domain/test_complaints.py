from __future__ import annotations

import pytest

from domain.complaints import TRANSITIONS, ComplaintEvent, ComplaintState, IllegalStep, step


def test_a_complaint_can_be_accepted_mediated_and_appealed() -> None:
    state = ComplaintState.RECEIVED
    for event in ("accept", "mediate", "fail", "appeal", "accept", "settle"):
        state = step(state, ComplaintEvent(event))
    assert state is ComplaintState.SETTLED


@pytest.mark.parametrize("state", list(ComplaintState))
@pytest.mark.parametrize("event", list(ComplaintEvent))
def test_what_the_table_does_not_know_is_refused(
    state: ComplaintState, event: ComplaintEvent
) -> None:
    if (state, event) in TRANSITIONS:
        assert step(state, event) is TRANSITIONS[state, event]
        return
    with pytest.raises(IllegalStep) as caught:
        step(state, event)
    assert event not in caught.value.allowed


def test_the_12315_channel_is_open_from_every_state_that_is_not_over() -> None:
    over = {ComplaintState.SETTLED, ComplaintState.REFERRED, ComplaintState.WITHDRAWN}
    can = {s for s, e in TRANSITIONS if e is ComplaintEvent.REFER}
    assert can == set(ComplaintState) - over
