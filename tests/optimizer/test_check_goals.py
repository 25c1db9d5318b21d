"""Every goal against figures worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from optimizer.check import check
from optimizer.plan import Plan, Route, Step, Unassigned
from optimizer.problem import Goal, Job, Location, Problem, Shift, Technician, Travel


def case() -> tuple[Problem, Plan]:
    """Two technicians: A serves J1 and K as half a crew, B the other half; J3, J4 are left out.

    A leaves at 0, is at J1 at 100 (due 40, so 60 late), works to 200, at K at 300. B is at K at
    250 and waits for A until 300; both work to 400. A is home at 500, B stays. The shift ends at
    450, with 100 of overtime.
    """
    durations = np.array([[0, 100, 100], [100, 0, 100], [100, 100, 0]], dtype=np.int32)
    travel = {"car": Travel(durations, durations * 20)}
    technicians = (
        Technician("A", (Shift("a", 0, 450, 0, 0, overtime_s=100),), cost_per_hour_fen=7200,
                   cost_per_km_fen=100),
        Technician("B", (Shift("b", 0, 450, 0, None, overtime_s=100),)),
        Technician("C", (Shift("c", 0, 450, 0, 0),)),
    )  # fmt: skip
    jobs = (
        Job("J1", 1, 100, due=40, job_class="urgent", preferred=frozenset({"B"})),
        Job("K", 2, 100, crew=2, due=280, preferred=frozenset({"B"})),
        Job("J3", 1, 100, due=150, job_class="urgent", drop_penalty=7),
        Job("J4", 1, 100),
    )
    published = Plan(
        (
            Route("A", "a", 0, 0, (
                Step("job", 1, 100, 100, 200, "J1"),
                Step("job", 2, 300, 300 + 901, 400 + 901, "K"),
                Step("job", 1, 0, 0, 0, "gone"),
            )),
            Route("B", "b", 0, 0, (Step("job", 1, 0, 300, 400, "J3"),)),
        )
    )  # fmt: skip
    problem = Problem(
        tuple(Location(name) for name in "012"), travel, technicians, jobs,
        {"urgent": 10}, published=published,
        objective=(Goal.of("late"), Goal((("travel", 1.0), ("waiting", 0.2)))),
    )  # fmt: skip
    plan = Plan(
        (
            Route("A", "a", 0, 500, (
                Step("start", 0, 0),
                Step("job", 1, 100, 100, 200, "J1", travel_s=100, late_s=60),
                Step("job", 2, 300, 300, 400, "K", travel_s=100, late_s=20),
                Step("end", 0, 500),
            )),
            Route("B", "b", 150, 400, (
                Step("start", 0, 150),
                Step("job", 2, 250, 300, 400, "K", travel_s=100, wait_s=50),
                Step("end", None, 400),
            )),
        ),
        (Unassigned("J3"), Unassigned("J4")),
    )  # fmt: skip
    return problem, plan


EXPECTED = {
    "unserved": 1,  # J4
    "late": 10 * 60 + 1 * 20 + 10 * (550 - 150),  # K once, by its latest arrival; J3 to the end
    "dropped": 10 * 7 + 1_000_000,
    "changes": 1 + 2,  # K moved by more than 15 minutes, J3 is not served any more
    "overtime": 50,
    "travel": 400,
    "distance": 8_000,
    "cost": (7200 * 500 + 1800) // 3600 + (100 * 6000 + 500) // 1000,
    "vehicles": 2,
    "waiting": 50,
    "spread": 500,  # C does nothing
    "preference": 10,  # J1 was done by A; of K's crew B is preferred
    "worst_late": 60,
    "travel+waiting": 410.0,
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_goal_is_what_it_is_by_hand(name: str) -> None:
    report = check(*case())
    assert report.goals[name] == EXPECTED[name]


def test_the_start_of_service_may_count_instead_of_the_arrival() -> None:
    problem, plan = case()
    report = check(replace(problem, late_at="start"), plan)
    (wrong,) = report.violations  # B waits 50 s for K, due at 280, and says 0 s late
    assert wrong.message == "late_s says 0, is 20"
    assert report.goals["late"] == EXPECTED["late"]  # A comes to K no earlier than it starts
    assert report.goals["worst_late"] == EXPECTED["worst_late"]


def test_the_case_is_valid_and_reports_every_goal() -> None:
    report = check(*case())
    assert report.violations == ()
    assert set(report.goals) == set(EXPECTED)
    assert list(report.goals)[:3] == ["unserved", "late", "travel+waiting"]


def test_a_sum_with_whole_weights_is_an_integer() -> None:
    problem, plan = case()
    problem = replace(problem, objective=(Goal((("travel", 1.0), ("late", 2.0))),))
    total = check(problem, plan).goals["travel+late"]
    assert isinstance(total, int)
    assert total == EXPECTED["travel"] + 2 * EXPECTED["late"]


def test_speed_and_pace_round_half_up() -> None:
    durations = np.array([[0, 5], [5, 0]], dtype=np.int32)
    slow = Technician(
        "A", (Shift("a", 0, 99, 0, None),), speed_factor=2.0, skills={"x": 1},
        service_factor={"x": 0.5},
    )  # fmt: skip
    problem = Problem(
        (Location("0"), Location("1")), {"car": Travel(durations)}, (slow,),
        (Job("J", 1, 5, skills={"x": 1}),),
    )  # fmt: skip
    steps = (Step("start", 0, 0), Step("job", 1, 3, 3, 6, "J", travel_s=3), Step("end", None, 6))
    assert check(problem, Plan((Route("A", "a", 0, 6, steps),))).valid
