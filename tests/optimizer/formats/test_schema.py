"""The published JSON Schemas say what the loader does."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from optimizer.check import RULES, check
from optimizer.formats import (
    ProblemError,
    plan_from_json,
    plan_to_json,
    problem_from_json,
    problem_to_json,
)
from optimizer.formats import jobs as job_format
from optimizer.formats import matrices as matrix_format
from optimizer.formats import plans as plan_format
from optimizer.formats import problems as problem_format
from optimizer.formats import technicians as technician_format
from optimizer.formats.convert import SOURCES
from optimizer.formats.rounding import ROUNDINGS
from optimizer.plan import Plan
from optimizer.problem import GOALS, Problem
from tests.optimizer.formats.test_problems import BAD, put, sample
from tests.optimizer.strategies import solved

FOLDER = Path(__file__).parents[3] / "docs" / "reference"
PROBLEM: dict[str, Any] = json.loads((FOLDER / "problem.schema.json").read_text(encoding="utf-8"))
PLAN: dict[str, Any] = json.loads((FOLDER / "plan.schema.json").read_text(encoding="utf-8"))
problem_schema, plan_schema = Draft202012Validator(PROBLEM), Draft202012Validator(PLAN)


@pytest.mark.parametrize("schema", [PROBLEM, PLAN])
def test_the_schema_is_a_schema(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)


def test_schema_and_loader_know_the_same_keys() -> None:
    parts = PROBLEM["$defs"]
    for schema, keys in (
        (PROBLEM, problem_format.PROBLEM_KEYS),
        (parts["location"], problem_format.LOCATION_KEYS),
        (PROBLEM["properties"]["classes"]["additionalProperties"], problem_format.CLASS_KEYS),
        (PROBLEM["properties"]["restock"]["anyOf"][0], problem_format.RESTOCK_KEYS),
        (parts["goal"]["anyOf"][1], problem_format.GOAL_KEYS),
        (parts["travel"], matrix_format.TRAVEL_KEYS),
        (parts["technician"], technician_format.TECHNICIAN_KEYS),
        (parts["shift"], technician_format.SHIFT_KEYS),
        (parts["break"], technician_format.BREAK_KEYS),
        (parts["job"], job_format.JOB_KEYS),
        (parts["job"]["properties"]["pinned"]["anyOf"][0], job_format.PIN_KEYS),
        (parts["plan"], plan_format.PLAN_KEYS),
        (PLAN, plan_format.PLAN_KEYS),
        (PLAN["$defs"]["route"], plan_format.ROUTE_KEYS),
        (PLAN["$defs"]["step"], plan_format.STEP_KEYS),
        (PLAN["$defs"]["unassigned"], plan_format.UNASSIGNED_KEYS),
        (PLAN["$defs"]["reason"], plan_format.REASON_KEYS),
        (PLAN["$defs"]["solver"], plan_format.SOLVER_KEYS),
    ):
        assert set(schema["properties"]) == keys
    assert parts["goal"]["anyOf"][0]["enum"] == list(GOALS)


@settings(max_examples=40, deadline=None)
@given(solved())
def test_what_we_write_fits_the_schema(pair: tuple[Problem, Plan]) -> None:
    problem, plan = pair
    problem_schema.validate(json.loads(json.dumps(problem_to_json(problem))))
    plan_schema.validate(json.loads(json.dumps(plan_to_json(plan))))


def test_the_documented_sample_fits_schema_and_loader() -> None:
    problem_schema.validate(sample())
    problem_from_json(sample())


def test_the_example_of_the_documentation_is_a_problem_with_a_valid_plan() -> None:
    text = (FOLDER / "problem.md").read_text(encoding="utf-8")
    problem, plan = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.S))
    problem_schema.validate(problem)
    plan_schema.validate(plan)
    assert check(problem_from_json(problem), plan_from_json(plan)).violations == ()


@pytest.mark.parametrize(
    "words",
    [
        problem_format.PROBLEM_KEYS,
        technician_format.TECHNICIAN_KEYS,
        technician_format.SHIFT_KEYS,
        technician_format.BREAK_KEYS,
        job_format.JOB_KEYS,
        job_format.PIN_KEYS,
        matrix_format.TRAVEL_KEYS,
        plan_format.STEP_KEYS,
        frozenset(GOALS),
        frozenset(RULES),
        frozenset(SOURCES),
        frozenset(ROUNDINGS),
    ],
    ids=lambda words: min(words),
)
def test_every_key_goal_rule_and_format_is_documented(words: frozenset[str]) -> None:
    text = (FOLDER / "problem.md").read_text(encoding="utf-8")
    assert {word for word in words if f"`{word}`" not in text} == set()


# ids, sizes and orders that no schema can express, and 3.0, which is an integer to JSON Schema:
# the loader alone refuses these
BEYOND_SCHEMA = (
    "got 3.0", "Unicode", "is not JSON",
    "no ", "stands here twice", "is before", "a job cannot", "but there are", "although",
    "only a problem", "has no offset", "not an ISO", "belong together", "expected a finite",
)  # fmt: skip


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [case for case in BAD if not any(words in case[2] for words in BEYOND_SCHEMA)],
    ids=lambda case: str(case)[:40],
)
def test_what_the_loader_refuses_for_its_shape_the_schema_refuses(
    path: str, value: object, message: str
) -> None:
    document = sample()
    put(path, value)(document)
    assert not problem_schema.is_valid(document)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    inner = value.items() if isinstance(value, dict) else ()
    inner = enumerate(value) if isinstance(value, list) else inner
    return [path, *(deeper for key, item in inner for deeper in paths(item, (*path, key)))]


@pytest.mark.parametrize("wrong", [None, True, -1, 1.5, "", [], {"?": 1}], ids=str)
def test_schema_and_loader_agree_on_every_value_replaced(wrong: object) -> None:
    for way in paths(sample()):
        if not way or way[0] == "extra":
            continue
        document = sample()
        place: Any = document
        for key in way[:-1]:
            place = place[key]
        place[way[-1]] = copy.deepcopy(wrong)
        try:
            problem_from_json(document)
        except ProblemError:
            continue
        assert problem_schema.is_valid(document), way


def test_a_hand_made_plan_without_figures_fits_both() -> None:
    document = {"format": "zhunda-plan/1", "routes": [], "unassigned": [{"job": "J1"}]}
    plan_schema.validate(document)
    assert plan_from_json(document).unassigned[0].job == "J1"
