"""Plans in and out as JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from optimizer.check import check
from optimizer.formats import ProblemError, plan_from_json, plan_to_json
from optimizer.plan import Plan, Reason, SolverInfo, Unassigned
from optimizer.problem import Problem
from tests.optimizer.strategies import solved


@settings(max_examples=100, deadline=None)
@given(solved())
def test_a_plan_survives_the_way_to_json_and_back(pair: tuple[Problem, Plan]) -> None:
    problem, plan = pair
    plan = Plan(
        plan.routes,
        tuple(
            Unassigned(entry.job, (Reason("skills", 2, "hv level 3", 4),), ("skills",), {"s": 1})
            for entry in plan.unassigned
        ),
        check(problem, plan).goals,
        {"late": 0},
        SolverInfo("search", 1.5, 10, 1, 2, "0.1"),
    )
    assert plan_from_json(json.loads(json.dumps(plan_to_json(plan), allow_nan=False))) == plan


@settings(max_examples=50, deadline=None)
@given(solved())
def test_figures_that_a_plan_by_hand_leaves_out_are_filled_in(pair: tuple[Problem, Plan]) -> None:
    problem, plan = pair
    document = plan_to_json(plan)
    for route in document["routes"]:
        for step in route["steps"]:
            for key in ("travel_s", "wait_s", "late_s"):
                step.pop(key, None)
    assert check(problem, plan_from_json(document, problem)).valid


def step(**keys: Any) -> dict[str, Any]:
    route = {"technician": "T1", "shift": "s", "start": 0, "end": 9, "steps": [keys]}
    return {"format": "zhunda-plan/1", "routes": [route]}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "key 'format' is missing"),
        ({"format": "zhunda-problem/1"}, "format: expected 'zhunda-plan/1'"),
        ({"format": "zhunda-plan/1", "roots": []}, "roots: unknown key 'roots'"),
        (step(), "routes[0].steps[0]: key 'type' is missing"),
        (step(type="fly"), "routes[0].steps[0].type: expected one of start, job, break"),
        (step(type="job", job="J"), "routes[0].steps[0]: key 'arrival' is missing"),
        (step(type="end", arrival=1.5), "routes[0].steps[0].arrival: expected an integer"),
        (step(type="end", arrival=True), "routes[0].steps[0].arrival: expected an integer"),
        (step(type="end", arrival=-1), "routes[0].steps[0].arrival: must not be negative"),
        ({"format": "zhunda-plan/1", "goals": {"late": "0"}}, "goals.late: expected a number"),
        ({"format": "zhunda-plan/1", "bounds": {"late": 0.5}}, "bounds.late: expected an integer"),
        ({"format": "zhunda-plan/1", "unassigned": ["J"]}, "unassigned[0]: expected an object"),
    ],
)
def test_what_is_no_plan_is_named_with_its_path(document: dict[str, Any], message: str) -> None:
    with pytest.raises(ProblemError) as caught:
        plan_from_json(document)
    assert str(caught.value).startswith(message)
