"""Small siting problems as JSON, and the slow and obvious way to solve them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

Siting = dict[str, Any]


def random_siting(seed: int, model: str) -> Siting:
    """A problem small enough to try every set of sites; often impossible."""
    draw = np.random.default_rng(seed)
    n, m = int(draw.integers(1, 12)), int(draw.integers(1, 8))
    decimals = draw.random() < 0.4

    def number(most: float) -> float:
        return round(float(draw.uniform(0, most)), 2) if decimals else int(draw.integers(0, most))

    def status() -> str:
        names = ["candidate", "keep", "may_close", "must_close"]
        return str(draw.choice(names, p=[0.7, 0.1, 0.1, 0.1]))

    problem: Siting = {
        "format": "zhunda-siting/1",
        "model": model,
        "demand": [
            {"id": f"d{i}", "weight": number(9), "district": str(draw.choice(["A", "B"]))}
            for i in range(n)
        ],
        "candidates": [
            {
                "id": f"s{j}",
                "fixed_cost": number(60) if draw.random() < 0.7 else 0,
                "status": status(),
            }
            for j in range(m)
        ],
        "cost": [
            [None if draw.random() < 0.12 else number(50) for _ in range(m)] for _ in range(n)
        ],
        "stop": {"seconds": 120, "iterations": 100_000},
    }
    if model != "set-cover":
        problem["p"] = int(draw.integers(1, m + 1))
    if model in ("coverage", "set-cover") or draw.random() < 0.5:
        problem["radius"] = number(50)
        districts = sorted({point["district"] for point in problem["demand"]})
        if draw.random() < 0.4:
            problem["floors"] = [
                {"district": name, "covered_share": round(float(draw.random()), 2)}
                for name in districts
            ]
    if draw.random() < 0.3:
        problem["budget"] = number(120)
    return problem


def with_terms(problem: Siting, seed: int) -> Siting:
    """The same problem with skills, terms of kinds, subsidies and back-up drawn at random."""
    draw = np.random.default_rng(1_000 + seed)

    def some(chance: float) -> bool:
        return bool(draw.random() < chance)

    model = problem["model"]
    for item in (*problem["demand"], *problem["candidates"]):
        held = "fixed_cost" in item
        if some(0.9 if held else 0.3):
            item["skills"] = {"gas": int(draw.integers(1 + held, 4))}
    for site in problem["candidates"]:
        site["kind"] = str(draw.choice(["own", "franchise", "subsidised"]))
        if some(0.3):
            del site["fixed_cost"]
    kinds: Siting = {"own": {"fixed_cost": 7}, "franchise": {}, "subsidised": {"fixed_cost": 3}}
    if some(0.5):
        kinds["franchise"]["most"] = int(draw.integers(0, 4))
    if some(0.3):
        kinds["own"]["least"] = int(draw.integers(0, 3))
    if some(0.4):
        kinds["subsidised"]["most_share"] = round(float(draw.random()), 2)
    if model in ("p-median", "capacitated") and some(0.6):
        kinds["subsidised"]["subsidy"] = 11.5
    problem["kinds"] = kinds
    if "radius" in problem and some(0.7):
        backup: Siting = {}
        if some(0.4):
            backup["share"] = round(float(draw.random()) * 0.8, 2)
        if model == "coverage" and some(0.7):
            backup["weight"] = 0.5
        if some(0.4):
            backup["radius"] = 30
        problem["backup"] = backup
        if some(0.3):
            floor = {"district": problem["demand"][0]["district"], "backup_share": 0.4}
            problem["floors"] = [*problem.get("floors", []), floor]
    return problem


def _money(problem: Siting, j: int, key: str) -> float:
    site = problem["candidates"][j]
    terms = problem.get("kinds", {}).get(site.get("kind", "own"), {})
    return float(site.get(key, terms.get(key, 0)))


def _keeps_kinds(problem: Siting, chosen: tuple[int, ...]) -> bool:
    for name, terms in problem.get("kinds", {}).items():
        count = sum(problem["candidates"][j].get("kind", "own") == name for j in chosen)
        if not terms.get("least", 0) <= count <= terms.get("most", count):
            return False
        if count > terms.get("most_share", 1) * len(chosen) + 1e-9:
            return False
    return True


def _barred(problem: Siting) -> list[list[float]]:
    def able(point: Siting, site: Siting) -> bool:
        held = site.get("skills", {})
        return all(held.get(name, 0) >= level for name, level in point.get("skills", {}).items())

    return [
        [
            value if value is not None and able(point, site) else math.inf
            for value, site in zip(row, problem["candidates"], strict=True)
        ]
        for row, point in zip(problem["cost"], problem["demand"], strict=True)
    ]


def enumerated(problem: Siting) -> float | None:
    """Best objective over all sets of sites, None when no set is allowed."""
    sites, demand, cost = problem["candidates"], problem["demand"], _barred(problem)
    fixed = [_money(problem, j, "fixed_cost") for j in range(len(sites))]
    subsidy = [_money(problem, j, "subsidy") for j in range(len(sites))]
    backup = problem.get("backup", {})
    backup_radius = backup.get("radius", problem.get("radius", math.inf))
    radius = problem.get("radius", math.inf)
    best: float | None = None
    for size in range(1, len(sites) + 1):
        if problem.get("p") not in (None, size):
            continue
        for chosen in itertools.combinations(range(len(sites)), size):
            if any((s["status"] == "keep") and j not in chosen for j, s in enumerate(sites)):
                continue
            if any(sites[j]["status"] == "must_close" for j in chosen):
                continue
            spent = sum(fixed[j] for j in chosen if sites[j]["status"] == "candidate")
            if spent > problem.get("budget", math.inf) * (1 + 1e-9):
                continue
            if not _keeps_kinds(problem, chosen):
                continue
            near = [min(row[j] for j in chosen) for row in cost]
            weights = [point["weight"] for point in demand]
            twice = [sum(row[j] <= backup_radius for j in chosen) >= 2 for row in cost]
            owed = [(None, backup.get("share", 0))]
            owed += [(f["district"], f.get("backup_share", 0)) for f in problem.get("floors", [])]
            if not all(
                sum(
                    w
                    for w, t, p in zip(weights, twice, demand, strict=True)
                    if t and name in (None, p["district"])
                )
                >= share
                * sum(
                    w for w, p in zip(weights, demand, strict=True) if name in (None, p["district"])
                )
                * (1 - 1e-9)
                for name, share in owed
            ):
                continue
            if not all(
                sum(
                    w
                    for w, c, p in zip(weights, near, demand, strict=True)
                    if p["district"] == floor["district"] and c <= radius
                )
                >= floor.get("covered_share", 0)
                * sum(
                    w
                    for w, p in zip(weights, demand, strict=True)
                    if p["district"] == floor["district"]
                )
                * (1 - 1e-9)
                for floor in problem.get("floors", [])
            ):
                continue
            net = near
            if any(subsidy):
                net = [min(row[j] - subsidy[j] for j in chosen) for row in cost]
            value = _value(problem["model"], net, weights, [fixed[j] for j in chosen], radius)
            if value is not None and problem["model"] == "coverage":
                value += backup.get("weight", 0) * sum(
                    w for w, t in zip(weights, twice, strict=True) if t
                )
            if problem["model"] == "set-cover" and value is not None and any(fixed):
                value = sum(fixed[j] for j in chosen)
            if value is None:
                continue
            if problem["model"] == "coverage":
                best = value if best is None else max(best, value)
            else:
                best = value if best is None else min(best, value)
    if problem["model"] == "coverage":
        usable = [j for j, s in enumerate(sites) if s["status"] != "must_close"]
        seen = any(row[j] <= radius for row in cost for j in usable)
        return best if seen else None
    return best


def _value(
    model: str, near: list[float], weights: list[float], fixed: list[float], radius: float
) -> float | None:
    if model == "coverage":
        return sum(w for w, c in zip(weights, near, strict=True) if c <= radius)
    if model == "set-cover":
        return float(len(fixed)) if max(near) <= radius else None
    if math.isinf(max(near)):
        return None
    if model == "p-center":
        return max(near)
    return sum(w * c for w, c in zip(weights, near, strict=True)) + sum(fixed)


@pytest.fixture
def line_of_four() -> Callable[..., Siting]:
    """Four demand points on a line, a candidate at each, cost = distance; keys can be replaced."""

    def make(**changes: Any) -> Siting:
        problem: Siting = {
            "format": "zhunda-siting/1",
            "model": "p-median",
            "p": 2,
            "demand": [
                {"id": f"d{i}", "weight": 1, "district": "north" if i < 2 else "south"}
                for i in range(4)
            ],
            "candidates": [{"id": f"s{j}"} for j in range(4)],
            "cost": [[abs(i - j) * 10 for j in range(4)] for i in range(4)],
            "stop": {"iterations": 5_000},
        }
        for key, value in changes.items():
            if value is None:
                problem.pop(key, None)
            else:
                problem[key] = value
        return problem

    return make
