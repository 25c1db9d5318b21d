from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.clocks import (
    Allowance,
    ClockEvent,
    DeadlineKind,
    EventError,
    EventKind,
    Outcome,
    Proof,
    Risk,
    forecast,
    run_clock,
)
from domain.clocks.walking import walk_clock
from domain.rules.keys import Unit

START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
DAY = Allowance(24, Unit.HOURS)


def after(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def event(kind: str, hours: float, **more: object) -> ClockEvent:
    given: dict[str, object] = {"id": f"{kind}-{hours}", "actor": "desk"}
    if kind not in ("met", "resumed"):
        given |= {"reason": "because"}
    if kind in ("postponed", "paused", "no_access"):
        given |= {"evidence": ("photo-1",)}
    return ClockEvent(kind=EventKind(kind), at=after(hours), **(given | more))  # type: ignore[arg-type]


def outcomes(events: list[ClockEvent], as_of: float) -> dict[str, tuple[object, str]]:
    state = run_clock(START, DAY, events, after(as_of))
    return {d.kind: (d.due_at, d.outcome) for d in state.deadlines}


def test_arriving_at_the_last_second_keeps_the_deadline_and_a_second_later_does_not() -> None:
    assert outcomes([event("met", 24)], 30)["first"] == (after(24), "kept")
    late = event("met", 24 + 1 / 3600)
    assert outcomes([late], 30)["first"] == (after(24), "missed")


@pytest.mark.parametrize("ids", [("a", "b"), ("b", "a")])
def test_who_arrives_in_the_second_of_a_cancellation_has_arrived(ids: tuple[str, str]) -> None:
    both = [event("met", 3, id=ids[0]), event("cancelled", 3, id=ids[1])]
    assert outcomes(both, 30) == {"first": (after(24), "kept")}
    assert walk_clock(START, 24 * 60, both, after(30)) == [("first", after(24), "kept")]


COUNT = frozenset({Proof.PLACE, Proof.CONFIRMED})


def test_an_arrival_told_from_afar_stops_the_clock_only_once_somebody_confirms_it() -> None:
    far = event("met", 3, proof=Proof.FAR)
    word = event("confirmed", 30, target=far.id, evidence=("link 7",))
    before = run_clock(START, DAY, [far, word], after(29), proofs=COUNT)
    assert before.running and before.first is not None
    assert before.first.outcome is Outcome.MISSED
    assert any("no proof that counts" in line.text for line in before.trace)
    then = run_clock(START, DAY, [far, word], after(31), proofs=COUNT)
    assert (then.met_at, then.deadlines[0].outcome) == (after(3), Outcome.KEPT)
    taken_back = [far, word, event("withdrawn", 32, target=word.id)]
    assert run_clock(START, DAY, taken_back, after(33), proofs=COUNT).running
    # Rules that say nothing about proof take what is told.
    assert run_clock(START, DAY, [far], after(29)).met_at == after(3)


def test_a_later_arrival_that_is_shown_counts_from_its_own_instant() -> None:
    both = [event("met", 3, proof=Proof.FAR), event("met", 26, proof=Proof.PLACE)]
    state = run_clock(START, DAY, both, after(30), proofs=COUNT)
    assert (state.met_at, state.deadlines[0].outcome) == (after(26), Outcome.MISSED)


def test_a_confirmation_needs_evidence_and_an_arrival() -> None:
    with pytest.raises(EventError, match="evidence"):
        event("confirmed", 3, target="met-1")
    with pytest.raises(EventError, match="names an event"):
        event("confirmed", 3, evidence=("link 7",))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(list(Proof)), st.integers(0, 40), st.booleans()), max_size=4
    ),
    st.sets(st.sampled_from(list(Proof))),
    st.integers(1, 60),
)
def test_proofs_count_alike_in_the_slow_reference(
    arrivals: list[tuple[Proof, int, bool]], counted: set[Proof], now: int
) -> None:
    story = []
    for number, (proof, hour, confirmed) in enumerate(arrivals):
        story.append(event("met", hour, id=f"m{number}", proof=proof))
        if confirmed:
            story.append(
                event(
                    "confirmed", hour + 5, id=f"c{number}", target=f"m{number}", evidence=("link",)
                )
            )
    fast = run_clock(START, DAY, story, after(now), proofs=counted)
    walked = walk_clock(START, 24 * 60, story, after(now), counted)
    assert [(str(d.kind), d.due_at, str(d.outcome)) for d in fast.deadlines] == walked


def test_a_postponement_adds_a_deadline_and_the_first_stays() -> None:
    asked = event("postponed", 2, until=after(50))
    assert outcomes([asked], 10) == {
        "first": (after(24), "open"),
        "agreed": (after(50), "open"),
    }
    assert outcomes([asked, event("met", 49)], 60) == {
        "first": (after(24), "missed"),
        "agreed": (after(50), "kept"),
    }


def test_force_majeure_adds_an_excused_deadline_beside_the_first() -> None:
    storm = [event("paused", 4), event("resumed", 10), event("met", 29)]
    assert outcomes(storm, 40) == {
        "first": (after(24), "missed"),
        "excused": (after(30), "kept"),
    }
    state = run_clock(START, DAY, storm[:1], after(12))
    assert state.paused and state.paused_s == 8 * 3600
    assert [(d.kind, d.due_at) for d in state.deadlines] == [
        (DeadlineKind.FIRST, after(24)),
        (DeadlineKind.EXCUSED, None),
    ]


def test_standing_before_a_locked_door_in_time_counts_as_an_attempt_not_as_an_arrival() -> None:
    state = run_clock(START, DAY, [event("no_access", 20)], after(30))
    assert state.first is not None and state.first.outcome is Outcome.ATTEMPTED
    assert state.running
    late = run_clock(START, DAY, [event("no_access", 25)], after(30))
    assert late.first is not None and late.first.outcome is Outcome.MISSED


@pytest.mark.parametrize("kind", ["paused", "no_access", "postponed"])
def test_nothing_excuses_without_evidence_reason_and_actor(kind: str) -> None:
    until = {"until": after(40)} if kind == "postponed" else {}
    for lack, code in (
        ({"evidence": ()}, "needs_evidence"),
        ({"evidence": (" ",)}, "needs_evidence"),
        ({"reason": " "}, "needs_reason"),
        ({"actor": ""}, "needs_actor"),
    ):
        with pytest.raises(EventError) as caught:
            event(kind, 1, **lack, **until)
        assert caught.value.code == code


def test_a_withdrawn_pause_counts_as_never_having_been_and_stays_in_the_trace() -> None:
    wrong = event("paused", 4)
    taken_back = event("withdrawn", 6, target=wrong.id)
    before = run_clock(START, DAY, [wrong, taken_back], after(5))
    since = run_clock(START, DAY, [wrong, taken_back], after(7))
    assert before.paused and not since.paused
    assert [d.kind for d in since.deadlines] == ["first"]
    assert any("withdrawn at" in line.text for line in since.trace)


def test_looking_back_shows_the_clock_as_it_stood_then() -> None:
    story = [event("postponed", 2, until=after(50)), event("met", 49)]
    then = run_clock(START, DAY, story, after(1))
    assert [d.kind for d in then.deadlines] == ["first"]
    assert then.running and then.elapsed_s == 3600


def test_without_a_rule_there_is_no_deadline_and_the_trace_says_so() -> None:
    state = run_clock(START, None, [event("met", 2)], after(3))
    assert state.deadlines == () and state.met_at == after(2)
    assert "no rule in force" in state.trace[-1].text


def test_naive_instants_are_errors() -> None:
    with pytest.raises(ValueError, match="naive"):
        run_clock(datetime(2026, 1, 1), DAY, [], after(1))  # noqa: DTZ001
    with pytest.raises(ValueError, match="naive"):
        ClockEvent("a", EventKind.MET, datetime(2026, 1, 1), "x")  # noqa: DTZ001


@pytest.mark.parametrize(
    ("at", "expected", "risk", "margin"),
    [
        (1, None, Risk.NONE, None),
        (22, None, Risk.UNPLANNED, None),
        (1, 20, Risk.NONE, 4 * 3600),
        (1, 23.9, Risk.TIGHT, 360),
        (1, 25, Risk.LATE, -3600),
        # Planned for an hour ago and nobody there: it can be now at the earliest.
        (23.9, 22, Risk.TIGHT, 360),
    ],
)
def test_a_breach_is_told_ahead(
    at: float, expected: float | None, risk: Risk, margin: int | None
) -> None:
    state = run_clock(START, DAY, [], after(at))
    told = forecast(
        state,
        None if expected is None else after(expected),
        lead=timedelta(hours=3),
        margin=timedelta(minutes=15),
    )
    assert (told.risk, told.margin_s) == (risk, margin)


def test_a_deadline_that_has_passed_is_broken() -> None:
    told = forecast(run_clock(START, DAY, [], after(25)), None, timedelta(0), timedelta(0))
    assert (told.risk, told.due_at) == (Risk.BROKEN, after(24))


@st.composite
def stories(draw: st.DrawFn) -> list[ClockEvent]:
    """What may happen to a clock, in any order, with withdrawals of some of it."""
    kinds = ["paused", "resumed", "no_access", "postponed", "met", "cancelled"]
    story: list[ClockEvent] = []
    for number in range(draw(st.integers(0, 7))):
        kind = draw(st.sampled_from(kinds))
        hours = draw(st.integers(0, 40 * 60)) / 60
        until = {"until": after(hours + draw(st.integers(1, 60)))} if kind == "postponed" else {}
        story.append(event(kind, hours, id=f"{number}", **until))
    for number, one in enumerate(list(story)):
        if draw(st.integers(0, 5)) == 0:
            late = (one.at - START).total_seconds() / 3600 + 1
            story.append(event("withdrawn", late, id=f"w{number}", target=one.id))
    return story


@settings(max_examples=150, deadline=None)
@given(stories(), st.integers(0, 100))
def test_every_deadline_and_outcome_is_what_a_walk_through_the_minutes_finds(
    story: list[ClockEvent], as_of: int
) -> None:
    state = run_clock(START, DAY, story, after(as_of))
    found = [(str(d.kind), d.due_at, str(d.outcome)) for d in state.deadlines]
    assert found == walk_clock(START, 24 * 60, story, after(as_of))
