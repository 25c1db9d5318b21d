"""The checker refuses every kind of lie."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from network.siting import check_answer, read_problem, solve


@pytest.fixture
def told(line_of_four: Callable[..., dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    problem = line_of_four(
        radius=10,
        budget=10,
        candidates=[
            {"id": "s0", "fixed_cost": 1, "status": "keep"},
            {"id": "s1", "fixed_cost": 1, "status": "must_close"},
            {"id": "s2", "fixed_cost": 2},
            {"id": "s3", "fixed_cost": 20},
        ],
    )
    return problem, solve(read_problem(copy.deepcopy(problem))).to_json()


def test_an_honest_answer_passes(told: tuple[dict[str, Any], dict[str, Any]]) -> None:
    assert check_answer(*told) == []


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"objective": 1.0}, "objective"),
        ({"bound": 1e6}, "bound"),
        ({"gap": 0.5}, "gap"),
        ({"status": "best"}, "status"),
        ({"open": ["s0", "s9"]}, "open[1]"),
        ({"open": ["s2", "s3"]}, "assignment[0][1]"),
        ({"assignment": []}, "assignment"),
        ({"uncovered": ["d0"]}, "uncovered"),
        ({"note": ""}, "note"),
        ({"format": "other"}, "format"),
    ],
)
def test_a_changed_answer_is_refused(
    told: tuple[dict[str, Any], dict[str, Any]], change: dict[str, Any], where: str
) -> None:
    problem, answer = told
    faults = check_answer(problem, answer | change)
    assert any(fault.startswith(where) for fault in faults)


def test_locks_budget_and_number_are_checked(
    told: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    problem, answer = told
    moved = answer | {
        "open": ["s1", "s2", "s3"],
        "assignment": [[f"d{i}", f"s{max(1, i)}", 1.0] for i in range(4)],
        "uncovered": [],
    }
    faults = " ".join(check_answer(problem, moved))
    for word in ("must stay open", "must close", "p is 2", "the budget is 10"):
        assert word in faults


def test_a_wide_gap_is_not_optimal(told: tuple[dict[str, Any], dict[str, Any]]) -> None:
    problem, answer = told
    low = answer | {"bound": 0.9 * answer["objective"], "gap": 0.1}
    assert check_answer(problem, low) == ["status: the gap is too wide to be called optimal"]
    assert check_answer(problem, low | {"status": "feasible"}) == []


def test_an_infeasible_answer_needs_its_sentence(
    told: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    problem, answer = told
    bare = answer | {"status": "infeasible", "open": [], "assignment": []}
    assert check_answer(problem, bare | {"infeasible_because": None})
    assert check_answer(problem, bare | {"infeasible_because": "No site is in reach."}) == []
