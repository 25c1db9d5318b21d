"""Where a visit can only come after another, the other one does not wait for it."""

from __future__ import annotations

import pytest

from optimizer.problem import Pin
from tests.optimizer.search.small import (
    HOUR,
    STEP_S,
    day,
    person,
    planned,
    shift,
    visit,
    who_serves,
)

IMPOSSIBLE = [
    {"skills": {"gas": 1}},
    {"pinned": Pin(start=10)},
    {"time_windows": ((10, 20),)},
    {"service_s": 9 * HOUR},
    {"crew": 3},
]


@pytest.mark.parametrize("rule", IMPOSSIBLE)
def test_the_first_visit_is_made_though_the_one_after_it_cannot_be(rule: dict[str, object]) -> None:
    jobs = [visit("first", 1), visit("then", 2, after=("first",), max_gap_s=HOUR, **rule)]
    assert set(who_serves(planned(day(jobs, [person("A"), person("B")])))) == {"first"}


def test_a_chain_is_served_as_far_as_the_day_goes() -> None:
    chain = [visit("J0", 1, service_s=2 * HOUR, drop_penalty=None)] + [
        visit(f"J{k}", 1, service_s=2 * HOUR, after=(f"J{k - 1}",), drop_penalty=None)
        for k in (1, 2, 3)
    ]
    assert set(who_serves(planned(day(chain)))) == {"J0", "J1", "J2"}


def test_nobody_stays_without_those_who_have_to_start_in_the_same_second() -> None:
    """`pair` needs two: with only one of them there, `then` cannot come after it either."""
    jobs = [visit("first", 1), visit("pair", 2, crew=2, after=("first",)),
            visit("then", 3, after=("pair",))]  # fmt: skip
    assert set(who_serves(planned(day(jobs)))) == {"first"}
    assert set(who_serves(planned(day(jobs, [person("A"), person("B")])))) == {
        "first", "pair", "then"}  # fmt: skip


def test_what_was_left_out_comes_in_again_where_there_is_room() -> None:
    """Two chains share a short day: one of them whole beats the first visits of both."""
    jobs = [
        visit(name + number, 1, service_s=HOUR, after=(name + "1",) if number == "2" else (),
              drop_penalty=1 if number == "1" else 10)
        for name in "PQ" for number in "12"
    ]  # fmt: skip
    people = [person("A", shift(end=2 * HOUR + 2 * STEP_S))]
    served = set(who_serves(planned(day(jobs, people), 300)))
    assert served in ({"P1", "P2"}, {"Q1", "Q2"})
