"""Crews, ``together`` and ``after``, each with its pair."""

from __future__ import annotations

from typing import Any

import pytest

from tests.optimizer.search.small import (
    HOUR,
    STEP_S,
    day,
    person,
    planned,
    shift,
    steps_of,
    stop_of,
    visit,
    who_serves,
)


@pytest.mark.parametrize(("people", "served"), [("A", False), ("AB", True), ("ABC", True)])
def test_a_crew_of_two_needs_two_technicians(people: str, served: bool) -> None:
    plan = planned(day([visit("J", 2, crew=2)], [person(name) for name in people]))
    steps = steps_of(plan, "J")
    assert len(steps) == (2 if served else 0)
    assert len({who for who, _ in steps}) == len(steps)
    assert len({step.start for _, step in steps}) == served


def test_two_shifts_of_one_technician_are_no_crew() -> None:
    who = person(day=[shift("one"), shift("two", start=8 * HOUR, end=16 * HOUR)])
    assert who_serves(planned(day([visit("J", 2, crew=2)], [who]))) == {}


def test_a_crew_starts_when_the_later_one_is_there() -> None:
    people = [person("A"), person("B", shift(start_location=6, end_location=6))]
    plan = planned(day([visit("J", 1, crew=2)], people))
    assert {step.start for _, step in steps_of(plan, "J")} == {5 * STEP_S}


@pytest.mark.parametrize(("skilled", "served"), [(1, False), (2, True)])
def test_everyone_of_a_crew_needs_the_skill(skilled: int, served: bool) -> None:
    people = [person(name, skills={"hv": 1} if k < skilled else {}) for k, name in enumerate("AB")]
    plan = planned(day([visit("J", crew=2, skills={"hv": 1})], people))
    assert ("J" in who_serves(plan)) is served


@pytest.mark.parametrize("tied", [True, False])
def test_jobs_together_start_in_the_same_second(tied: bool) -> None:
    other: dict[str, Any] = {"J": ("K",), "K": ("J",)} if tied else {"J": (), "K": ()}
    jobs = [visit("J", 1, together=other["J"]), visit("K", 5, together=other["K"])]
    people = [person("A"), person("B", shift(start_location=6, end_location=6))]
    late = [visit("L", 1, service_s=HOUR, time_windows=((STEP_S, STEP_S),), together=())]
    plan = planned(day([*jobs, *late], people))
    assert set(who_serves(plan)) == {"J", "K", "L"}
    same = stop_of(plan, "J").start == stop_of(plan, "K").start
    assert same or not tied
    assert who_serves(plan)["J"] != who_serves(plan)["K"] or not tied


@pytest.mark.parametrize(("room", "served"), [((1, 1), 2), ((1, 0), 0)])
def test_when_one_of_the_jobs_together_finds_no_place_both_are_left_out(
    room: tuple[int, int], served: int
) -> None:
    jobs = [visit("J", 1, together=("K",)), visit("K", 1, together=("J",))]
    people = [person(f"P{k}", shift(max_jobs=most)) for k, most in enumerate(room)]
    assert len(who_serves(planned(day(jobs, people)))) == served


@pytest.mark.parametrize(
    ("gap_from", "least", "start"),
    [
        ("end", 0, STEP_S + HOUR // 2),
        ("end", 900, STEP_S + HOUR // 2 + 900),
        ("start", 0, STEP_S),
        ("start", 3600, STEP_S + 3600),
    ],
)
def test_a_job_after_another_keeps_its_least_gap(gap_from: str, least: int, start: int) -> None:
    fixed = ((STEP_S, STEP_S),)
    jobs = [
        visit("J", 1, time_windows=fixed),
        visit("K", 5, after=("J",), gap_from=gap_from, min_gap_s=least),
    ]
    people = [person("A"), person("B", shift(start_location=6, end_location=6))]
    plan = planned(day(jobs, people, "late dropped travel"))
    assert (stop_of(plan, "K").start or 0) >= start
    assert set(who_serves(plan)) == {"J", "K"}


@pytest.mark.parametrize(("most", "served"), [(None, True), (2 * HOUR, True), (HOUR, False)])
def test_a_job_after_another_keeps_its_largest_gap(most: int | None, served: bool) -> None:
    # J ends at 2 h, K opens at 3 h 30
    jobs = [
        visit("J", 1, time_windows=((HOUR + HOUR // 2, HOUR + HOUR // 2),)),
        visit("K", 2, after=("J",), max_gap_s=most, time_windows=((3 * HOUR + 1800, 4 * HOUR),)),
    ]
    plan = planned(day(jobs))
    assert ("K" in who_serves(plan)) is served


@pytest.mark.parametrize(("skills", "served"), [({}, 2), ({"hv": 1}, 0)])
def test_without_its_predecessor_a_job_is_left_out(skills: dict[str, int], served: int) -> None:
    jobs = [visit("J", 1, skills=skills), visit("K", 2, after=("J",))]
    assert len(who_serves(planned(day(jobs)))) == served


def test_after_a_crew_counts_from_its_last_half() -> None:
    jobs = [
        visit("J", 1, crew=2, skills={"hv": 1}),
        visit("K", 1, after=("J",), time_windows=((0, 8 * HOUR),)),
    ]
    slow = person("B", skills={"hv": 1}, service_factor={"hv": 3.0})
    plan = planned(day(jobs, [person("A", skills={"hv": 1}), slow]))
    assert (stop_of(plan, "K").start or 0) >= max(s.end or 0 for _, s in steps_of(plan, "J"))


def test_a_predecessor_starts_later_when_the_largest_gap_asks_for_it() -> None:
    # J can end at any time up to 2 h, K opens at 3 h 30: 90 minutes after the latest J
    jobs = [
        visit("J", 1, time_windows=((0, HOUR + HOUR // 2),)),
        visit("K", 2, after=("J",), max_gap_s=2 * HOUR, time_windows=((12_600, 4 * HOUR),)),
    ]
    assert len(who_serves(planned(day(jobs)))) == 2
