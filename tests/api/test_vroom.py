from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from api.services.vroom import solve_vroom
from tests.api.world import World

V1 = "/api/v1"
LINE = [[abs(a - b) * 100 for b in range(4)] for a in range(4)]


def question(**changes: Any) -> dict[str, Any]:
    return {
        "vehicles": [{"id": 1, "start_index": 0, "end_index": 0, "time_window": [0, 10_000]}],
        "jobs": [{"id": place, "location_index": place, "service": 60} for place in (3, 1, 2)],
        "matrices": {"car": {"durations": LINE}},
    } | changes


def test_a_vroom_input_is_answered_in_vrooms_words(planner: FlaskClient) -> None:
    answer = planner.post(f"{V1}/vroom?iterations=200", json=question())
    assert answer.status_code == 200, answer.text
    told = answer.get_json()
    assert told["code"] == 0
    assert told["summary"]["unassigned"] == 0
    assert told["summary"]["duration"] == 600
    assert told["summary"]["service"] == 180
    [route] = told["routes"]
    assert sorted(step["id"] for step in route["steps"] if step["type"] == "job") == [1, 2, 3]
    assert planner.post(f"{V1}/vroom?iterations=200", json=question()).get_json() == told


@pytest.mark.parametrize("engine", ["search", "ortools"])
def test_no_engine_leaves_out_what_a_vehicle_can_serve(engine: str) -> None:
    told = solve_vroom(question(), 20, 1, engine)
    assert (told["summary"]["unassigned"], told["summary"]["duration"]) == (0, 600)


def test_what_does_not_fit_is_one_clear_error(planner: FlaskClient) -> None:
    wrong = planner.post(f"{V1}/vroom", json=question(jobs=[{"id": 1, "location_index": 9}]))
    assert (wrong.status_code, wrong.get_json()["code"]) == (422, "invalid")
    assert "location_index" in wrong.get_json()["detail"]
    many = [{"id": number, "location_index": 1} for number in range(201)]
    large = planner.post(f"{V1}/vroom", json=question(jobs=many))
    assert (large.status_code, large.get_json()["code"]) == (413, "too_large")
    broken = planner.post(f"{V1}/vroom", data="{", content_type="application/json")
    assert broken.get_json()["code"] == "malformed_json"


def test_a_plan_is_told_in_vrooms_words(world: World, planner: FlaskClient) -> None:
    [plan] = planner.get(f"{V1}/plans?status=published").get_json()["items"]
    told = planner.get(f"{V1}/plans/{plan['id']}/vroom").get_json()
    document = planner.get(f"{V1}/plans/{plan['id']}/document").get_json()
    steps = [step for route in told["routes"] for step in route["steps"] if step["type"] == "job"]
    assert len(steps) == sum(
        1 for route in document["routes"] for step in route["steps"] if step.get("job")
    )
    assert told["summary"]["unassigned"] == len(document["unassigned"])
