"""Rules without a clock, each with its pair: what it forbids and what it lets pass."""

from __future__ import annotations

import numpy as np
import pytest

from optimizer.problem import UNREACHABLE, Pin, Shift, Travel
from tests.optimizer.search.small import (
    HOUR,
    PLACES,
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


@pytest.mark.parametrize(("level", "served"), [(0, False), (1, False), (2, True), (3, True)])
def test_a_skill_has_to_reach_the_level_of_the_job(level: int, served: bool) -> None:
    plan = planned(day([visit("J", skills={"hv": 2})], [person(skills={"hv": level})]))
    assert ("J" in who_serves(plan)) is served


@pytest.mark.parametrize(("carried", "served"), [((), False), (("crane", "ladder"), True)])
def test_equipment_has_to_be_on_board(carried: tuple[str, ...], served: bool) -> None:
    problem = day(
        [visit("J", equipment=frozenset({"ladder"}))], [person(equipment=frozenset(carried))]
    )
    assert ("J" in who_serves(planned(problem))) is served


@pytest.mark.parametrize(("stock", "served"), [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2)])
def test_parts_are_used_up(stock: int, served: int) -> None:
    jobs = [visit("J", parts={"fan": 2}), visit("K", 2, parts={"fan": 2})]
    plan = planned(day(jobs, [person(stock={"fan": stock})]))
    assert len(who_serves(plan)) == served


@pytest.mark.parametrize(("stock", "served"), [(1, 1), (2, 2)])
def test_parts_are_for_all_shifts_of_a_technician_together(stock: int, served: int) -> None:
    late = 10 * HOUR
    jobs = [
        visit("J", parts={"fan": 1}, time_windows=((0, HOUR),)),
        visit("K", parts={"fan": 1}, time_windows=((late, late + HOUR),)),
    ]
    days = [shift("one"), shift("two", start=9 * HOUR, end=17 * HOUR)]
    plan = planned(day(jobs, [person(day=days, stock={"fan": stock})]))
    assert len(who_serves(plan)) == served


@pytest.mark.parametrize(("room", "served"), [((2,), 0), ((5,), 1), ((6,), 2)])
def test_loads_add_up_to_the_capacity_at_most(room: tuple[int, ...], served: int) -> None:
    jobs = [visit("J", load=(3,)), visit("K", 2, load=(3,))]
    plan = planned(day(jobs, [person(day=shift(capacity=room))]))
    assert len(who_serves(plan)) == served


@pytest.mark.parametrize(("second", "served"), [(1, False), (0, True)])
def test_a_dimension_the_shift_does_not_name_has_no_room(second: int, served: bool) -> None:
    problem = day([visit("J", load=(1, second))], [person(day=shift(capacity=(5,)))])
    assert ("J" in who_serves(planned(problem))) is served


@pytest.mark.parametrize(("most", "served"), [(0, 0), (1, 1), (2, 2), (3, 3), (None, 3)])
def test_a_shift_takes_max_jobs_at_most(most: int | None, served: int) -> None:
    jobs = [visit("J"), visit("K", 2), visit("L", 3)]
    plan = planned(day(jobs, [person(day=shift(max_jobs=most))]))
    assert len(who_serves(plan)) == served


@pytest.mark.parametrize(
    ("allowed", "excluded", "owner"),
    [
        (None, (), "near"),
        (("far",), (), "far"),
        (None, ("near",), "far"),
        (("near",), ("near",), None),
        (("near", "far"), (), "near"),
    ],
)
def test_only_who_is_allowed_and_not_excluded_serves(
    allowed: tuple[str, ...] | None, excluded: tuple[str, ...], owner: str | None
) -> None:
    job = visit(
        "J",
        1,
        allowed=None if allowed is None else frozenset(allowed),
        excluded=frozenset(excluded),
    )
    far = person("far", shift(start_location=6, end_location=6))
    assert who_serves(planned(day([job], [person("near"), far]))).get("J") == owner


@pytest.mark.parametrize(
    ("goals", "owner", "counted"),
    [("preference travel", "far", 0), ("travel preference", "near", 7)],
)
def test_a_preferred_technician_is_a_goal_and_no_rule(goals: str, owner: str, counted: int) -> None:
    job = visit("J", 1, preferred=frozenset({"far"}), job_class="gold", drop_penalty=None)
    far = person("far", shift(start_location=6, end_location=6))
    problem = day([job], [person("near"), far], goals, class_weights={"gold": 7})
    plan = planned(problem)
    assert who_serves(plan)["J"] == owner
    assert plan.goals["preference"] == counted


@pytest.mark.parametrize(
    ("pin", "owner", "piece"),
    [
        (None, "near", "one"),
        (Pin(technician="far"), "far", "one"),
        (Pin(shift="two"), "near", "two"),
        (Pin(technician="far", shift="two"), "far", "two"),
    ],
)
def test_a_pinned_technician_and_shift_are_kept(pin: Pin | None, owner: str, piece: str) -> None:
    def days(home: int) -> list[Shift]:
        one = shift("one", start_location=home, end_location=home)
        # the second day costs more driving, so nobody goes there unasked
        two = shift("two", start=9 * HOUR, end=17 * HOUR, start_location=home, end_location=6)
        return [one, two]

    people = [person("near", days(0)), person("far", days(5))]
    plan = planned(day([visit("J", 1, pinned=pin)], people))
    assert [(route.technician, route.shift) for route in plan.routes] == [(owner, piece)]


@pytest.mark.parametrize(("start", "served"), [(STEP_S - 1, False), (STEP_S, True), (4321, True)])
def test_a_pinned_start_is_the_start_to_the_second(start: int, served: bool) -> None:
    plan = planned(day([visit("J", 1, pinned=Pin(start=start))]))
    assert ("J" in who_serves(plan)) is served
    if served:
        assert stop_of(plan, "J").start == start


@pytest.mark.parametrize(("factor", "seconds"), [(1.0, 1800), (1.5, 2700), (0.5, 900)])
def test_the_service_factor_stretches_service_but_not_setup(factor: float, seconds: int) -> None:
    job = visit("J", skills={"hv": 1}, setup_s=300)
    plan = planned(day([job], [person(skills={"hv": 1}, service_factor={"hv": factor})]))
    stop = stop_of(plan, "J")
    assert (stop.end or 0) - (stop.start or 0) == seconds + 300


@pytest.mark.parametrize(("factor", "served"), [(2.0, False), (1.0, True)])
def test_work_that_takes_too_long_at_this_pace_is_left_out(factor: float, served: bool) -> None:
    job = visit("J", skills={"hv": 1}, service_s=5 * HOUR)
    plan = planned(day([job], [person(skills={"hv": 1}, service_factor={"hv": factor})]))
    assert ("J" in who_serves(plan)) is served


@pytest.mark.parametrize(("factor", "leg"), [(1.0, 600), (2.0, 300), (0.7, 857), (16.0, 38)])
def test_the_speed_factor_divides_drives_and_rounds_half_up(factor: float, leg: int) -> None:
    plan = planned(day([visit("J", 1)], [person(speed_factor=factor)]))
    assert stop_of(plan, "J").travel_s == leg
    assert plan.goals["travel"] == 2 * leg


@pytest.mark.parametrize(("profile", "served"), [("bike", False), ("car", True)])
def test_everybody_drives_by_their_own_profile(profile: str, served: bool) -> None:
    travel = {"car": row(), "bike": row(step_s=4 * STEP_S)}
    problem = day(
        [visit("J", 6, time_windows=((0, 2 * HOUR),))], [person(profile=profile)], travel=travel
    )
    assert ("J" in who_serves(planned(problem))) is served


def test_two_profiles_in_one_plan_drive_each_their_own_way() -> None:
    travel = {"car": row(), "bike": row(step_s=100)}
    jobs = [visit("J", 2, allowed=frozenset({"A"})), visit("K", 2, allowed=frozenset({"B"}))]
    people = [person("A"), person("B", profile="bike")]
    plan = planned(day(jobs, people, travel=travel))
    assert stop_of(plan, "J").travel_s == 2 * STEP_S
    assert stop_of(plan, "K").travel_s == 200


def cut(pairs: list[tuple[int, int]]) -> Travel:
    travel = row()
    durations = travel.durations_s.copy()
    for origin, target in pairs:
        durations[origin, target] = UNREACHABLE
    return Travel(durations, travel.distances_m)


@pytest.mark.parametrize(
    ("cuts", "order"),
    [
        ([(1, 2)], ("K", "J")),
        ([(2, 1)], ("J", "K")),
    ],
)
def test_an_unreachable_pair_is_never_driven(
    cuts: list[tuple[int, int]], order: tuple[str, ...]
) -> None:
    plan = planned(day([visit("J", 1), visit("K", 2)], travel={"car": cut(cuts)}))
    assert plan.routes[0].jobs == order


@pytest.mark.parametrize("way", ["to", "from", "none"])
def test_a_place_without_a_way_there_or_back_is_left_out(way: str) -> None:
    others = [k for k in range(PLACES) if k != 3]
    pairs = {"to": [(k, 3) for k in others], "from": [(3, k) for k in others], "none": []}[way]
    plan = planned(day([visit("J", 3), visit("K", 1)], travel={"car": cut(pairs)}))
    assert ("J" in who_serves(plan)) is (way == "none")
    assert "K" in who_serves(plan)


def test_a_place_without_a_way_back_can_end_an_open_route() -> None:
    pairs = [(3, k) for k in range(PLACES) if k != 3]
    problem = day(
        [visit("J", 3), visit("K", 1)],
        [person(day=shift(end_location=None))],
        travel={"car": cut(pairs)},
    )
    assert planned(problem).routes[0].jobs == ("K", "J")


def test_a_matrix_with_a_direction_is_read_from_row_to_column() -> None:
    there = np.full((PLACES, PLACES), 900, np.int32)
    there[np.tril_indices(PLACES, -1)] = 100
    np.fill_diagonal(there, 0)
    jobs = [visit("J", 1), visit("K", 2)]
    plan = planned(day(jobs, travel={"car": Travel(there)}))
    assert plan.routes[0].jobs == ("K", "J")  # 900 + 100 + 100, the other way round 900 + 900 + 100
    assert plan.goals["travel"] == 1100
