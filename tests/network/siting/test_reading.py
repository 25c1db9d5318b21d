"""Malformed problems are refused with the path of what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from network.siting import BadSiting, read_problem
from network.siting.reading import parse

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"colour": 1}, "colour"),
        ({"format": "zhunda-siting/2"}, "format"),
        ({"model": "median"}, "model"),
        ({"p": 0}, "p"),
        ({"p": 2.0}, "p"),
        ({"p": True}, "p"),
        ({"p": None}, "p"),
        ({"radius": -1}, "radius"),
        ({"model": "coverage"}, "radius"),
        ({"budget": "much"}, "budget"),
        ({"cost": [[0] * 4] * 3}, "cost"),
        ({"cost": [[0] * 4] * 3 + [[0] * 3]}, "cost[3]"),
        ({"cost": [[0] * 4] * 3 + [[0, 0, 0, -1]]}, "cost[3][3]"),
        ({"cost": [[0] * 4] * 3 + [[0, 0, "1", 0]]}, "cost[3][2]"),
        ({"cost": [[0] * 4] * 3 + [[0, True, 0, 0]]}, "cost[3][1]"),
        ({"cost": [[0] * 4] * 3 + [[0, 10**400, 0, 0]]}, "cost[3][1]"),
        ({"cost": [[0] * 4] * 3 + [[0, 1e300, 0, 0]]}, "cost[3][1]"),
        ({"demand": [{"id": "d0", "weight": 1e300}]}, "demand[0].weight"),
        ({"candidates": [{"id": "a", "fixed_cost": 1e300}]}, "candidates[0].fixed_cost"),
        ({"cost": None}, "demand[0].lat"),
        ({"demand": [{"id": "d0", "weigth": 1}]}, "demand[0].weigth"),
        ({"demand": [{"id": "d0", "weight": -1}]}, "demand[0].weight"),
        ({"demand": [{"weight": 1}]}, "demand[0].id"),
        ({"demand": [{"id": "a"}, {"id": "a"}]}, "demand[1].id"),
        ({"demand": [{"id": "a", "lat": 91, "lon": 0}]}, "demand[0].lat"),
        ({"demand": [{"id": "a", "lat": 9}]}, "demand[0].lon"),
        ({"candidates": [{"id": "a", "status": "open"}]}, "candidates[0].status"),
        ({"candidates": [{"id": "a", "capacity": -2}]}, "candidates[0].capacity"),
        ({"floors": [{"district": "north", "covered_share": 1.2}]}, "floors[0].covered_share"),
        ({"floors": [{"district": "nowhere", "covered_share": 1}]}, "floors[0].district"),
        ({"floors": [{"district": "north"}]}, "floors[0].covered_share"),
        ({"demand": [{"id": "a", "skills": ["gas"]}]}, "demand[0].skills"),
        ({"demand": [{"id": "a", "skills": {"gas": 0}}]}, "demand[0].skills.gas"),
        ({"kinds": {"rented": {}}}, "kinds.rented"),
        ({"kinds": {"own": {"share": 1}}}, "kinds.own.share"),
        ({"kinds": {"own": {"most": 1.5}}}, "kinds.own.most"),
        ({"kinds": {"own": {"most_share": 2}}}, "kinds.own.most_share"),
        ({"backup": {"share": 0.5}}, "backup.radius"),
        ({"backup": {"radius": 5, "weight": 0.5}}, "backup.weight"),
        (
            {"model": "p-center", "candidates": [{"id": f"s{j}", "subsidy": 1} for j in range(4)]},
            "candidates",
        ),
        ({"stop": {"seconds": 0}}, "stop.seconds"),
        ({"stop": {"iterations": 0}}, "stop.iterations"),
    ],
)
def test_the_message_begins_with_the_path(
    line_of_four: Callable[..., dict[str, Any]], changes: dict[str, Any], path: str
) -> None:
    with pytest.raises(BadSiting) as refused:
        read_problem(line_of_four(**changes))
    assert str(refused.value).startswith(f"{path}: ")


@pytest.mark.parametrize("text", ["", "{", '{"p": NaN}', '{"p": 1, "p": 2}', "[" * 100_000])
def test_text_that_is_no_strict_json_is_refused(text: str) -> None:
    with pytest.raises(BadSiting):
        parse(text)


def test_the_schema_accepts_what_is_read(line_of_four: Callable[..., dict[str, Any]]) -> None:
    schema = json.loads((ROOT / "docs/reference/siting.schema.json").read_text("utf-8"))
    problem = line_of_four(radius=5, budget=None, floors=[], cost_is="total")
    jsonschema.validate(problem, schema)
    assert read_problem(problem).p == 2


def test_a_question_too_large_for_any_machine_is_refused_at_once() -> None:
    place = {"lat": 0.0, "lon": 0.0}
    problem = {
        "format": "zhunda-siting/1",
        "model": "p-median",
        "p": 1,
        "demand": [{"id": f"d{i}", **place} for i in range(20_000)],
        "candidates": [{"id": f"s{j}", **place} for j in range(6_000)],
    }
    with pytest.raises(BadSiting, match="20000 demand points × 6000 candidates"):
        read_problem(problem)


def test_a_site_pays_and_earns_on_its_own_terms_before_those_of_its_kind(
    line_of_four: Callable[..., dict[str, Any]],
) -> None:
    problem = line_of_four(
        candidates=[
            {"id": "s0", "kind": "franchise"},
            {"id": "s1", "kind": "franchise", "fixed_cost": 1, "subsidy": 0},
            {"id": "s2"},
            {"id": "s3"},
        ],
        kinds={"franchise": {"fixed_cost": 9, "subsidy": 2, "most": 1}},
    )
    schema = json.loads((ROOT / "docs/reference/siting.schema.json").read_text("utf-8"))
    jsonschema.validate(problem, schema)
    read = read_problem(problem)
    assert read.fixed_costs().tolist() == [9, 1, 0, 0]
    assert read.subsidies().tolist() == [2, 0, 0, 0]


def test_unreachable_pairs_are_infinite(line_of_four: Callable[..., dict[str, Any]]) -> None:
    problem = line_of_four(cost=[[None, 1, 2, 3]] + [[0] * 4] * 3)
    assert read_problem(problem).cost[0].tolist() == [float("inf"), 1.0, 2.0, 3.0]
