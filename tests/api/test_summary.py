"""The day in figures: who could be reached at all, and what would help."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from api.services.summary import DaySummary, figures, in_reach
from optimizer import (
    Job,
    Location,
    Plan,
    Problem,
    Reason,
    Shift,
    Technician,
    Travel,
    Unassigned,
    check,
)

HOUR_S = 3600
URGENT = Job(
    "U", 1, HOUR_S, job_class="urgent", skills={"gas": 2}, parts={"valve": 1}, due=3 * HOUR_S
)


def problem(job: Job = URGENT, **technician: object) -> Problem:
    """One technician, half an hour from one job, at work from the first to the sixth hour."""
    way_s = np.array([[0, HOUR_S // 2], [HOUR_S // 2, 0]], dtype=np.int32)
    who = Technician(
        "T",
        (Shift("S", HOUR_S, 6 * HOUR_S, 0, 0),),
        skills={"gas": 2},
        stock={"valve": 1},
    )
    return Problem(
        (Location("home"), Location("door")),
        {"car": Travel(way_s, way_s * 10)},
        (replace(who, **technician),),  # type: ignore[arg-type]
        (job,),
        class_weights={"urgent": 10, "normal": 1},
    )


def test_a_job_that_somebody_alone_could_do_in_time_is_in_reach() -> None:
    assert in_reach(problem(), URGENT)


@pytest.mark.parametrize(
    "lacking",
    [
        {"skills": {"gas": 1}},
        {"stock": {}},
        {"shifts": (Shift("S", 3 * HOUR_S, 8 * HOUR_S, 0, 0),)},
        {"shifts": (Shift("S", HOUR_S, 2 * HOUR_S, 0, 0),)},
        {"speed_factor": 0.2},
    ],
    ids=["level", "part", "starts too late", "too short", "too slow"],
)
def test_a_job_that_nobody_could_do_in_time_is_out_of_reach_and_said(
    lacking: dict[str, object],
) -> None:
    asked = problem(**lacking)
    assert not in_reach(asked, URGENT)
    plan = Plan(unassigned=(Unassigned("U"),))
    stored = figures(asked, plan, check(asked, plan), "osrm")
    assert stored["urgent_out_of_reach"] == 1
    assert "in time: 0 of 1 (1 out of reach" in summary(stored).to_text()


def test_a_job_left_out_though_it_could_be_reached_is_not_called_out_of_reach() -> None:
    asked = problem()
    plan = Plan(unassigned=(Unassigned("U"),))
    stored = figures(asked, plan, check(asked, plan), "osrm")
    assert stored["urgent_out_of_reach"] == 0
    assert "out of reach" not in summary(stored).to_text()


def test_cures_are_counted_and_told_in_words() -> None:
    asked = problem()
    cure = {"change": "parts", "technician": "T", "shift": "S", "parts": {"valve": 1}}
    left = Unassigned("U", (Reason("parts", 1, shifts=1),), ("parts",), cure)
    plan = Plan(unassigned=(left,))
    stored = figures(asked, plan, check(asked, plan), "osrm")
    assert stored["cures"] == {"parts": 1}
    assert stored["reasons"] == {"parts": 1}
    assert "what would let them in: parts for 1" in summary(stored).to_text()


def summary(stored: dict[str, object]) -> DaySummary:
    return DaySummary(
        day="2026-11-24",
        region="Somewhere",
        plan_version=1,
        plan_status="draft",
        **stored,  # type: ignore[arg-type]
    )
