"""Every model against trying all sets of sites; impossible questions; published optima."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from network.siting import (
    Candidate,
    CostIs,
    DemandPoint,
    Model,
    SitingProblem,
    Status,
    Stop,
    check_answer,
    frontier,
    read_problem,
    solve,
)
from tests.network.siting.conftest import enumerated, random_siting, with_terms

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT.parent / "shared" / "data"
MODELS = ("p-median", "coverage", "set-cover", "p-center")


def read(problem: dict[str, Any]) -> SitingProblem:
    return read_problem(copy.deepcopy(problem))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("seed", range(25))
def test_the_answer_equals_the_best_of_all_sets_and_passes_the_checker(
    model: str, seed: int
) -> None:
    problem = random_siting(seed, model)
    answer = solve(read(problem))
    expected = enumerated(problem)
    assert check_answer(problem, answer.to_json()) == []
    if expected is None:
        assert answer.status is Status.INFEASIBLE
        assert answer.infeasible_because
    else:
        assert answer.status is Status.OPTIMAL
        assert answer.objective == pytest.approx(expected, rel=1e-6)


def test_a_budget_that_is_missed_by_little_is_kept_all_the_same() -> None:
    problem = random_siting(10176, "coverage")  # the best cover is 3.62 over a budget of 45.24
    answer = solve(read(problem))
    assert answer.objective == pytest.approx(enumerated(problem))


def test_a_plan_whose_subsidies_pay_for_all_of_it_is_proven() -> None:
    answer = solve(read(with_terms(random_siting(10392, "p-median"), 10392)))
    assert (answer.status, answer.objective, answer.bound) == (Status.OPTIMAL, 0.0, 0.0)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("seed", range(25))
def test_skills_kinds_subsidies_and_backup_hold_in_the_best_of_all_sets(
    model: str, seed: int
) -> None:
    problem = with_terms(random_siting(seed, model), seed)
    answer = solve(read(problem))
    expected = enumerated(problem)
    assert check_answer(problem, answer.to_json()) == []
    if expected is None:
        assert answer.status is Status.INFEASIBLE
        assert answer.infeasible_because
    else:
        assert answer.status is Status.OPTIMAL
        assert answer.objective == pytest.approx(expected, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_the_answer_keeps_to_its_schema(seed: int) -> None:
    schema = json.loads((ROOT / "docs/reference/sites.schema.json").read_text("utf-8"))
    for model in MODELS:
        answer = solve(read(random_siting(seed, model))).to_json()
        jsonschema.validate(json.loads(json.dumps(answer)), schema)


def test_the_same_seed_and_iterations_give_the_same_answer() -> None:
    draw = np.random.default_rng(3)
    cost = draw.random((150, 60))
    problem = SitingProblem(
        Model.P_MEDIAN,
        tuple(DemandPoint(f"d{i}") for i in range(150)),
        tuple(Candidate(f"s{j}") for j in range(60)),
        cost,
        p=7,
        stop=Stop(iterations=300, seconds=600),
    )
    first, second = solve(problem, seed=5), solve(problem, seed=5)
    assert (first.open, first.objective, first.bound) == (
        second.open,
        second.objective,
        second.bound,
    )


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"demand": [], "cost": []}, "no demand"),
        ({"candidates": [], "cost": [[]] * 4}, "no candidate"),
        (
            {"candidates": [{"id": f"s{j}", "status": "keep"} for j in range(4)]},
            "more than p = 2",
        ),
        ({"p": 9}, "only 4 candidates"),
        ({"cost": [[None] * 4] + [[0] * 4] * 3}, "d0"),
        ({"model": "set-cover", "radius": 1, "cost": [[5] * 4] * 4}, "radius 1"),
        ({"model": "coverage", "radius": 1, "cost": [[5] * 4] * 4}, "radius 1"),
        (
            {
                "budget": 5,
                "candidates": [{"id": f"s{j}", "fixed_cost": 4} for j in range(4)],
            },
            "budget of 5",
        ),
        (
            {
                "p": 1,
                "radius": 10,
                "floors": [
                    {"district": "north", "covered_share": 1},
                    {"district": "south", "covered_share": 1},
                ],
            },
            "north",
        ),
        (
            {
                "model": "capacitated",
                "candidates": [{"id": f"s{j}", "capacity": 0.5} for j in range(4)],
            },
            "at most 1",
        ),
        (
            {"demand": [{"id": f"d{i}", "skills": {"gas": 2}} for i in range(4)]},
            "gas at level 2",
        ),
        (
            {
                "candidates": [
                    {"id": f"s{j}", "kind": "franchise", "status": "keep"} for j in range(2)
                ]
                + [{"id": "s2"}, {"id": "s3"}],
                "kinds": {"franchise": {"most": 1}},
            },
            "more than the 1 allowed",
        ),
        ({"kinds": {"subsidised": {"least": 1}}}, "only 0 may be open"),
        ({"p": 1, "radius": 10, "backup": {"share": 0.1}}, "two open sites"),
        (
            {"kinds": {"own": {"most": 1}}},
            "own",
        ),
    ],
)
def test_an_impossible_request_is_answered_by_one_sentence(
    line_of_four: Callable[..., dict[str, Any]], changes: dict[str, Any], word: str
) -> None:
    answer = solve(read(line_of_four(**changes)))
    assert answer.status is Status.INFEASIBLE
    assert answer.infeasible_because is not None
    assert word in answer.infeasible_because
    assert answer.infeasible_because.endswith(".")
    assert "\n" not in answer.infeasible_because
    assert answer.conflict
    assert answer.open == ()


def test_clashing_floors_are_named_without_rules_that_do_not_matter(
    line_of_four: Callable[..., dict[str, Any]],
) -> None:
    problem = line_of_four(
        p=1,
        radius=10,
        budget=1_000,
        floors=[
            {"district": "north", "covered_share": 1},
            {"district": "south", "covered_share": 1},
        ],
    )
    assert solve(read(problem)).conflict == ("p", "floor:north", "floor:south")


def test_backup_moves_the_outlets_together(
    line_of_four: Callable[..., dict[str, Any]],
) -> None:
    heavy = [{"id": f"d{i}", "weight": 5 if i in (0, 3) else 1} for i in range(4)]
    apart = solve(read(line_of_four(radius=10, demand=heavy)))
    together = solve(read(line_of_four(radius=10, demand=heavy, backup={"share": 0.4})))
    assert (apart.open, apart.objective) == (("s0", "s3"), 20)
    assert together.open in (("s0", "s1"), ("s2", "s3"))
    assert together.objective == 10 + 5 * 20
    assert len(together.without_backup) == 2
    assert apart.without_backup == ()


def test_a_subsidy_draws_demand_to_the_site_that_earns_it(
    line_of_four: Callable[..., dict[str, Any]],
) -> None:
    sites = [{"id": f"s{j}", "kind": "subsidised" if j == 3 else "own"} for j in range(4)]
    problem = line_of_four(candidates=sites, kinds={"subsidised": {"subsidy": 25}})
    answer = solve(read(problem))
    assert answer.open == ("s0", "s3")
    # d1 pays 20 to s3 and earns 25, against 10 to s0
    assert ("d1", "s3", 1.0) in answer.assignment
    assert answer.objective == pytest.approx(0 + 20 + 10 + 0 - 75)
    assert answer.bound == pytest.approx(answer.objective, rel=1e-6)
    assert check_answer(problem, answer.to_json()) == []


def test_demand_may_be_split_where_capacity_asks_for_it() -> None:
    problem = SitingProblem(
        Model.CAPACITATED,
        (DemandPoint("d0", 3.0), DemandPoint("d1", 3.0)),
        (Candidate("s0", capacity=4.0), Candidate("s1", capacity=4.0)),
        np.array([[0.0, 2.0], [0.0, 1.0]]),
        stop=Stop(iterations=2_000),
    )
    answer = solve(problem)
    assert answer.objective == pytest.approx(2.0)
    assert {(d, s): share for d, s, share in answer.assignment} == pytest.approx(
        {("d0", "s0"): 1.0, ("d1", "s0"): 1 / 3, ("d1", "s1"): 2 / 3}
    )


def test_the_frontier_gives_what_single_solves_give() -> None:
    problem = read(random_siting(8, "p-median") | {"p": 1})
    points = frontier(problem, numbers=[1, 2, 3])
    for number, point in zip([1, 2, 3], points, strict=True):
        alone = solve(read(random_siting(8, "p-median") | {"p": number}))
        assert point.objective == alone.objective
        assert point.status is alone.status


def _shortest_paths(path: Path) -> tuple[np.ndarray[Any, np.dtype[np.float64]], int]:
    words = np.array(path.read_text().split(), dtype=np.int64)
    n, m, p = (int(x) for x in words[:3])
    cost = np.full((n, n), np.inf)
    np.fill_diagonal(cost, 0.0)
    for a, b, length in words[3 : 3 + 3 * m].reshape(-1, 3):
        cost[a - 1, b - 1] = cost[b - 1, a - 1] = length
    for k in range(n):
        np.minimum(cost, cost[:, k : k + 1] + cost[k : k + 1], out=cost)
    return cost, p


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared data sets are not beside the repository")
@pytest.mark.parametrize("number", [4, 12, 20, 26])
def test_published_p_median_optima_are_proven(number: int) -> None:
    lines = (DATA / "pmed/pmedopt.txt").read_text().split("\n")
    optimum = next(float(x.split()[1]) for x in lines if x.startswith(f"pmed{number} "))
    cost, p = _shortest_paths(DATA / f"pmed/pmed{number}.txt")
    problem = SitingProblem(
        Model.P_MEDIAN,
        tuple(DemandPoint(f"d{i}") for i in range(len(cost))),
        tuple(Candidate(f"s{j}") for j in range(len(cost))),
        cost,
        p=p,
        stop=Stop(iterations=20_000, seconds=600),
    )
    answer = solve(problem)
    assert answer.objective == answer.bound == optimum


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared data sets are not beside the repository")
@pytest.mark.parametrize(
    ("name", "capacity", "best"), [("capa", 8_000, 19240822.449), ("capc", 5_000, 11646596.974)]
)
def test_best_known_capacitated_plans_are_proven(name: str, capacity: int, best: float) -> None:
    words = (DATA / f"cap/{name}.txt").read_text().replace("capacity", str(capacity)).split()
    m, n = int(words[0]), int(words[1])
    sites = np.array(words[2 : 2 + 2 * m], dtype=float).reshape(m, 2)
    rest = np.array(words[2 + 2 * m :], dtype=float).reshape(n, m + 1)
    problem = SitingProblem(
        Model.CAPACITATED,
        tuple(DemandPoint(f"d{i}", rest[i, 0]) for i in range(n)),
        tuple(Candidate(f"s{j}", capacity=sites[j, 0], fixed_cost=sites[j, 1]) for j in range(m)),
        np.ascontiguousarray(rest[:, 1:]),
        cost_is=CostIs.TOTAL,
        stop=Stop(iterations=20_000, seconds=600),
    )
    answer = solve(problem)
    assert answer.status is Status.OPTIMAL
    assert answer.objective == pytest.approx(best, abs=0.001)
