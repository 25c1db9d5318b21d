"""Rules of the clock, each with its pair: what it forbids or costs and what it lets pass."""

from __future__ import annotations

from dataclasses import replace

import pytest

from optimizer.problem import Break
from tests.optimizer.search.small import (
    HOUR,
    STEP_S,
    day,
    person,
    planned,
    row,
    shift,
    stop_of,
    visit,
    who_serves,
)

MIDNIGHT = 24 * HOUR


@pytest.mark.parametrize(
    ("windows", "start"),
    [
        ((), STEP_S),
        (((0, STEP_S - 1),), None),
        (((0, STEP_S),), STEP_S),
        (((0, 100), (2 * HOUR, 3 * HOUR)), 2 * HOUR),
        (((0, 100), (200, 700), (2 * HOUR, 3 * HOUR)), STEP_S),
        (((2 * HOUR, 3 * HOUR), (0, 100)), 2 * HOUR),  # in any order
        (((8 * HOUR, 9 * HOUR),), None),
    ],
)
def test_service_starts_inside_one_of_the_windows(
    windows: tuple[tuple[int, int], ...], start: int | None
) -> None:
    plan = planned(day([visit("J", 1, time_windows=windows)]))
    assert ("J" in who_serves(plan)) is (start is not None)
    if start is not None:
        assert stop_of(plan, "J").start == start


@pytest.mark.parametrize(("closes", "order"), [(3000, ("K", "J")), (8 * HOUR, ("J", "K"))])
def test_a_window_turns_the_order_round(closes: int, order: tuple[str, ...]) -> None:
    jobs = [visit("J", 1), visit("K", 2, time_windows=((0, closes),))]
    plan = planned(day(jobs, [person(day=shift(end_location=6))]))
    assert plan.routes[0].jobs == (order if closes > 3000 else ("J", "K"))
    tighter = [visit("J", 1), visit("K", 2, time_windows=((0, closes - 1),))]
    plan = planned(day(tighter, [person(day=shift(end_location=6))]))
    assert plan.routes[0].jobs == order


@pytest.mark.parametrize(("release", "arrival"), [(0, STEP_S), (STEP_S, STEP_S), (5000, 5000)])
def test_nobody_arrives_before_the_release(release: int, arrival: int) -> None:
    stop = stop_of(planned(day([visit("J", 1, release=release)])), "J")
    assert (stop.arrival, stop.start) == (arrival, arrival)


@pytest.mark.parametrize(("due", "late"), [(None, 0), (STEP_S, 0), (STEP_S - 1, 9), (0, 5400)])
def test_arrival_after_due_counts_by_class_weight(due: int | None, late: int) -> None:
    job = visit("J", 1, due=due, job_class="gold", drop_penalty=None)
    plan = planned(day([job], class_weights={"gold": 9}))
    assert plan.goals["late"] == late


def test_waiting_for_a_window_after_arriving_in_time_is_not_late() -> None:
    job = visit("J", 1, due=STEP_S, time_windows=((HOUR, 2 * HOUR),))
    plan = planned(day([job]))
    assert plan.goals["late"] == 0
    assert plan.goals["waiting"] == HOUR - STEP_S


@pytest.mark.parametrize(
    ("late_at", "due", "late"),
    [
        ("arrival", STEP_S, 0),
        ("start", STEP_S, HOUR - STEP_S),
        ("start", HOUR - 1, 1),
        ("start", HOUR, 0),
    ],
)
def test_lateness_may_count_from_the_start_of_service(late_at: str, due: int, late: int) -> None:
    job = visit("J", 1, due=due, time_windows=((HOUR, 2 * HOUR),), drop_penalty=None)
    plan = planned(day([job], late_at=late_at))
    assert plan.goals["late"] == plan.goals["worst_late"] == stop_of(plan, "J").late_s == late


@pytest.mark.parametrize(("late_at", "late"), [("arrival", 0), ("start", 4 * STEP_S)])
def test_waiting_for_a_partner_is_late_only_where_the_start_counts(late_at: str, late: int) -> None:
    people = [person("A"), person("B", shift(start_location=6, end_location=6))]
    jobs = [
        visit("J", 1, due=STEP_S, together=("K",), skills={"a": 1}, drop_penalty=None),
        visit("K", 1, together=("J",), skills={"b": 1}, drop_penalty=None),
    ]
    people = [replace(who, skills={name: 1}) for who, name in zip(people, "ab", strict=True)]
    assert planned(day(jobs, people, late_at=late_at)).goals["late"] == late


def test_who_need_not_be_in_time_leaves_home_later_instead_of_waiting() -> None:
    plan = planned(day([visit("J", 1, time_windows=((HOUR, 2 * HOUR),))]))
    assert plan.goals["waiting"] == 0
    assert plan.routes[0].start == HOUR - STEP_S


@pytest.mark.parametrize(("weights", "first"), [({"J": 1, "K": 50}, "K"), ({"J": 50, "K": 1}, "J")])
def test_the_heavier_class_is_served_first(weights: dict[str, int], first: str) -> None:
    jobs = [visit(name, 3, due=0, job_class=name, drop_penalty=None) for name in "JK"]
    assert planned(day(jobs, class_weights=weights)).routes[0].jobs[0] == first


@pytest.mark.parametrize(
    ("windows", "taken"),
    [
        (((3000, HOUR),), False),  # home at 3000, and nothing to interrupt
        (((2999, HOUR),), True),
        (((0, 0),), True),
        (((100, 200), (1200, HOUR)), True),
    ],
)
def test_a_break_is_taken_unless_the_route_is_over_before_it_opens(
    windows: tuple[tuple[int, int], ...], taken: bool
) -> None:
    pause = Break("tea", windows, 900)
    plan = planned(day([visit("J", 1)], [person(day=shift(breaks=(pause,)))]))
    found = [step for step in plan.routes[0].steps if step.type == "break"]
    assert len(found) == taken
    for step in found:
        assert any(a <= (step.start or 0) <= b for a, b in windows)
        assert (step.end or 0) - (step.start or 0) == 900


@pytest.mark.parametrize(("minutes", "served"), [(30, 3), (60, 2)])
def test_a_break_takes_the_time_of_a_job(minutes: int, served: int) -> None:
    # two drives of 600 s, three visits of an hour and the break fill four hours minus 600 s
    pause = Break("lunch", ((HOUR, 3 * HOUR),), minutes * 60)
    jobs = [visit(name, 1, service_s=HOUR) for name in "JKL"]
    who = person(day=shift(end=4 * HOUR - 600, breaks=(pause,)))
    assert len(who_serves(planned(day(jobs, [who])))) == served


def test_two_breaks_are_taken_in_the_order_of_their_windows() -> None:
    breaks = (
        Break("tea", ((5 * HOUR, 6 * HOUR),), 900),
        Break("lunch", ((2 * HOUR, 3 * HOUR),), 1800),
    )
    jobs = [visit(f"J{k}", 1 + k % 3, service_s=HOUR) for k in range(6)]
    plan = planned(day(jobs, [person(day=shift(breaks=breaks))]))
    found = [step.break_id for step in plan.routes[0].steps if step.type == "break"]
    assert found == ["lunch", "tea"]


@pytest.mark.parametrize(
    ("overtime", "served", "counted"), [(0, False, 0), (599, False, 0), (600, True, 600)]
)
def test_overtime_is_allowed_up_to_its_limit_and_counted(
    overtime: int, served: bool, counted: int
) -> None:
    end = 2 * STEP_S + HOUR // 2 - 600
    who = person(day=shift(end=end, overtime_s=overtime))
    plan = planned(day([visit("J", 1)], [who]))
    assert ("J" in who_serves(plan)) is served
    assert plan.goals["overtime"] == counted


def test_overtime_before_a_dropped_job_leaves_the_job_out() -> None:
    who = person(day=shift(end=2 * STEP_S, overtime_s=HOUR))
    assert who_serves(planned(day([visit("J", 1)], [who], "overtime dropped"))) == {}
    assert who_serves(planned(day([visit("J", 1)], [who], "dropped overtime"))) == {"J": "A"}


@pytest.mark.parametrize(("places", "setups"), [((1, 1, 1), 1), ((1, 2, 1), 2), ((1, 2, 3), 3)])
def test_setup_is_spent_once_per_place(places: tuple[int, ...], setups: int) -> None:
    jobs = [visit(f"J{k}", place, setup_s=300) for k, place in enumerate(places)]
    plan = planned(day(jobs, [person(day=shift(end_location=6))]))  # going back costs
    worked = sum((step.end or 0) - (step.start or 0) for step in plan.routes[0].steps[1:-1])
    assert worked == 3 * HOUR // 2 + 300 * setups


def test_a_break_between_two_jobs_at_a_place_needs_no_second_setup() -> None:
    jobs = [visit(name, 1, setup_s=300, service_s=HOUR) for name in "JK"]
    pause = Break("tea", ((HOUR, HOUR + 1800),), 600)
    plan = planned(day(jobs, [person(day=shift(breaks=(pause,)))]))
    kinds = [step.type for step in plan.routes[0].steps]
    assert kinds.count("break") == 1
    jobs_done = [step for step in plan.routes[0].steps if step.type == "job"]
    assert sum((step.end or 0) - (step.start or 0) for step in jobs_done) == 2 * HOUR + 300


def test_the_start_place_saves_no_setup() -> None:
    stop = stop_of(planned(day([visit("J", 0, setup_s=300)])), "J")
    assert (stop.end or 0) - (stop.start or 0) == HOUR // 2 + 300


@pytest.mark.parametrize(("end", "served"), [(None, True), (0, False)])
def test_an_open_end_needs_no_way_home(end: int | None, served: bool) -> None:
    who = person(day=shift(end=STEP_S + HOUR // 2, end_location=end))
    plan = planned(day([visit("J", 1)], [who]))
    assert ("J" in who_serves(plan)) is served
    assert plan.goals["travel"] == (STEP_S if served else 0)


@pytest.mark.parametrize(("end", "served"), [(MIDNIGHT, False), (MIDNIGHT + 2 * HOUR, True)])
def test_a_shift_may_cross_midnight(end: int, served: bool) -> None:
    job = visit("J", 1, time_windows=((MIDNIGHT + HOUR // 2, MIDNIGHT + HOUR),))
    plan = planned(day([job], [person(day=shift(start=22 * HOUR, end=end))]))
    assert ("J" in who_serves(plan)) is served


@pytest.mark.parametrize(("start", "served"), [(HOUR, False), (HOUR - STEP_S, True)])
def test_nobody_leaves_before_the_shift_starts(start: int, served: bool) -> None:
    who = person(day=shift(start=start))
    plan = planned(day([visit("J", 1, time_windows=((0, HOUR),))], [who]))
    assert ("J" in who_serves(plan)) is served


@pytest.mark.parametrize(("step_s", "served"), [(600, 2), (4 * HOUR - 900, 1), (4 * HOUR, 0)])
def test_the_shift_ends_at_home(step_s: int, served: int) -> None:
    jobs = [visit("J", 1), visit("K", 1)]
    plan = planned(day(jobs, travel={"car": row(step_s=step_s)}))
    assert len(who_serves(plan)) == served
