"""Sites that others replace are left out of coverage, and only where that costs nothing."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from network.siting import read_problem
from network.siting.dominance import without_dominated
from network.siting.instance import columns_of, joined
from network.siting.median import _coverage_rows
from network.siting.rules import rules_of

OUT = 99


def problem(**changes: Any) -> dict[str, Any]:
    """Four sites: s1 sees less than s0, s2 the same as s0, s3 something of its own."""
    sees = [[0, 0, 0, OUT], [0, OUT, 0, OUT], [OUT, OUT, OUT, 0]]
    return {
        "format": "zhunda-siting/1",
        "model": "coverage",
        "p": 2,
        "radius": 10,
        "demand": [{"id": f"d{i}", "weight": 1 + i} for i in range(3)],
        "candidates": [{"id": f"s{j}"} for j in range(4)],
        "cost": sees,
    } | changes


def closed(told: dict[str, Any]) -> list[int]:
    read = read_problem(copy.deepcopy(told))
    rules = rules_of(read)
    rows = joined(_coverage_rows(read, rules, rules.state))
    state = without_dominated(rows, columns_of(rows, 4), rules)
    return [j for j in range(4) if state[j] == 2]


def test_a_site_that_sees_no_more_than_another_is_left_out_and_of_equal_ones_the_first_stays() -> (
    None
):
    assert closed(problem()) == [1, 2]


def test_an_outlet_that_stays_open_replaces_its_equals() -> None:
    sites = [{"id": f"s{j}", "status": "keep" if j == 2 else "candidate"} for j in range(4)]
    assert closed(problem(candidates=sites)) == [0, 1]


@pytest.mark.parametrize(
    "changes",
    [{"p": 3}, {"budget": 5}, {"backup": {"weight": 0.5}}],
    ids=["more sites than would be left", "a budget", "back-up"],
)
def test_every_site_stays_where_leaving_one_out_could_cost_something(
    changes: dict[str, Any],
) -> None:
    assert closed(problem(**changes)) == []
