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


def test_unreachable_pairs_are_infinite(line_of_four: Callable[..., dict[str, Any]]) -> None:
    problem = line_of_four(cost=[[None, 1, 2, 3]] + [[0] * 4] * 3)
    assert read_problem(problem).cost[0].tolist() == [float("inf"), 1.0, 2.0, 3.0]
