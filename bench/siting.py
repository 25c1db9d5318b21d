"""Outlets: published p-median, coverage and capacitated sets, and the size of a country.

``python -m bench pmedian|mclp|capacitated|network-scale``. Seconds are processor seconds of this
process, with compiled code from the cache when there is one (an empty ``NUMBA_CACHE_DIR`` makes
it compile); every plan is checked by :func:`network.siting.check_answer`. ``--peers`` runs others
beside it (:mod:`bench.siting_peers`).
"""

from __future__ import annotations

import argparse
import csv
import fnmatch
import os
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data import DataMissing, data_folder
from bench.siting_peers import Question, ask
from network.roads.estimate import haversine_m
from network.siting import (
    Candidate,
    CostIs,
    DemandPoint,
    Model,
    Sites,
    SitingProblem,
    Stop,
    check_answer,
    solve,
)

Floats = NDArray[np.float64]

BEST_CAPACITATED = {
    ("capa", 8_000): 19240822.449,
    ("capa", 10_000): 18438046.543,
    ("capa", 12_000): 17765201.949,
    ("capa", 14_000): 17160439.012,
    ("capc", 5_000): 11646596.974,
    ("capc", 5_750): 11570340.289,
    ("capc", 6_500): 11518743.744,
    ("capc", 7_250): 11505767.394,
}
"""Best known values (OR-Library, capacity per site in the name)."""


def _folder(name: str) -> Path:
    folder = data_folder() / name
    if not folder.is_dir():
        raise DataMissing(f"{folder} is not here")
    return folder


def _problem(
    model: Model,
    cost: Floats,
    weight: Floats,
    options: argparse.Namespace,
    seconds: float,
    **more: Any,
) -> SitingProblem:
    candidates = more.pop("candidates", None)
    return SitingProblem(
        model,
        tuple(DemandPoint(f"d{i}", float(w)) for i, w in enumerate(weight)),
        candidates or tuple(Candidate(f"s{j}") for j in range(cost.shape[1])),
        cost,
        stop=Stop(seconds=options.seconds or seconds, iterations=options.iterations),
        **more,
    )


def _as_json(problem: SitingProblem) -> dict[str, Any]:
    """What the checker needs to know of the problem."""
    return {
        "model": problem.model.value,
        "p": problem.p,
        "radius": problem.radius,
        "cost_is": problem.cost_is.value,
        "demand": [{"id": d.id, "weight": d.weight} for d in problem.demand],
        "candidates": [
            {"id": s.id, "fixed_cost": s.fixed_cost, "capacity": s.capacity}
            for s in problem.candidates
        ],
    }


def _timed(problem: SitingProblem, seed: int) -> tuple[Sites, float]:
    start = time.process_time()
    answer = solve(problem, seed, clock=time.process_time)
    spent = time.process_time() - start
    faults = check_answer(_as_json(problem), answer.to_json(), problem.cost)  # type: ignore[arg-type]  # an array indexes like nested lists
    if faults:
        raise ValueError(f"the checker refuses an answer: {faults[0]}")
    return answer, spent


def _print(headers: list[str], rows: list[list[str]]) -> None:
    print("| " + " | ".join(headers) + " |")
    print("|" + " --- |" * len(headers))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cache = os.environ.get("NUMBA_CACHE_DIR")
    code = f"compiled code cached in {Path(cache).name}" if cache else "compiled code as cached"
    print(f"\nProcessor seconds, one thread, {code}; at most {memory:.0f} MiB.")


def _percent(answer: Sites) -> str:
    return "–" if answer.gap is None else f"{100 * answer.gap:.5f}"


def _beside(question: Question, options: argparse.Namespace) -> list[str]:
    """A cell for each peer that was asked for: the value it found and its processor seconds."""
    cells = []
    for name in options.peers:
        told = ask(name, question, options.peer_seconds, options.clock)
        if told.value is None:
            cells.append(told.note or "no plan")
        else:
            cells.append(f"{told.value:.6g} in {told.seconds:.1f} s, {told.peak_mib:.0f} MiB")
    return cells


def read_pmedian(path: Path) -> tuple[Floats, int]:
    """All shortest paths of an OR-Library p-median graph, and p."""
    words = np.array(path.read_text().split(), dtype=np.int64)
    n, m, p = (int(x) for x in words[:3])
    cost = np.full((n, n), np.inf)
    np.fill_diagonal(cost, 0.0)
    for a, b, length in words[3 : 3 + 3 * m].reshape(-1, 3):
        cost[a - 1, b - 1] = cost[b - 1, a - 1] = length
    for k in range(n):
        np.minimum(cost, cost[:, k : k + 1] + cost[k : k + 1], out=cost)
    return cost, p


def pmedian(options: argparse.Namespace) -> None:
    """OR-Library pmed: optimum published, optimum proven here, seconds."""
    folder = _folder("pmed")
    published = {
        line.split()[0]: float(line.split()[1])
        for line in (folder / "pmedopt.txt").read_text().splitlines()
        if line.startswith("pmed")
    }
    rows, total, proven = [], 0.0, 0
    names = sorted((p.stem for p in folder.glob("pmed*.txt")), key=lambda s: (len(s), s))
    for name in names:
        if not name[4:].isdigit() or not fnmatch.fnmatch(name, options.instances):
            continue
        cost, p = read_pmedian(folder / f"{name}.txt")
        problem = _problem(Model.P_MEDIAN, cost, np.ones(len(cost)), options, 120.0, p=p)
        answer, spent = _timed(problem, options.seeds[0])
        total += spent
        hit = answer.objective == answer.bound == published[name]
        proven += hit
        found = [f"{published[name]:.0f}", f"{answer.objective:.0f}", f"{answer.bound:.0f}"]
        beside = _beside(Question(cost, np.ones(len(cost)), p), options)
        rows.append(
            [
                name,
                str(len(cost)),
                str(p),
                *found,
                f"{spent:.2f}",
                str(answer.solver.nodes),
                *beside,
            ]
        )
    headers = ["instance", "n", "p", "published", "found", "bound", "s", "nodes"]
    _print([*headers, *options.peers], rows)
    print(f"{proven} of {len(rows)} proven equal to the published optimum in {total:.1f} s.")


def _uniform(seed: int) -> tuple[Floats, Floats]:
    draw = np.random.default_rng(seed)
    demand, sites = draw.random((10_000, 2)) * 1_000.0, draw.random((1_000, 2)) * 1_000.0
    cost = np.hypot(demand[:, None, 0] - sites[None, :, 0], demand[:, None, 1] - sites[None, :, 1])
    return cost, np.ones(10_000)


def _population(seed: int, n: int = 10_000, m: int = 1_000) -> tuple[Floats, Floats]:
    """Points scattered around counties, sharing their population; cost in kilometres."""
    folder = _folder("geo")
    place = {}
    with (folder / "cpca_adcodes.csv").open(encoding="utf-8-sig") as stream:
        for line in csv.DictReader(stream):
            if line["latitude"]:
                place[line["adcode"][:6]] = (float(line["latitude"]), float(line["longitude"]))
    centres, people = [], []
    with (folder / "cn_county_pop2020.csv").open(encoding="utf-8-sig") as stream:
        for line in csv.DictReader(stream):
            if line["CODE"] in place and line["POPU"]:
                centres.append(place[line["CODE"]])
                people.append(float(line["POPU"]))
    draw = np.random.default_rng(seed)
    centre, population = np.array(centres), np.array(people)
    more = draw.choice(len(people), n - len(people), p=population / population.sum())
    county = np.concatenate([np.arange(len(people)), more])
    share = draw.lognormal(0.0, 1.0, n)
    share /= np.bincount(county, share, len(people))[county]
    weight = np.maximum(1.0, np.rint(population[county] * share))
    points = centre[county] + draw.normal(0.0, 0.12, (n, 2))
    sites = points[draw.choice(n, m, replace=False, p=weight / weight.sum())]
    return haversine_m(points[:, None], sites[None]) / 1_000.0, weight


def _cities(seed: int, n: int, m: int, cities: int = 400) -> tuple[Floats, Floats]:
    """Demand in cities of very unequal size (after Zipf) on 4,000 × 3,000 km, sites among it."""
    draw = np.random.default_rng(seed)
    centre = draw.random((cities, 2)) * (4_000.0, 3_000.0)
    size = 1.0 / np.arange(1, cities + 1)
    draw.shuffle(size)
    city = draw.choice(cities, n, p=size / size.sum())
    spread = 25.0 * (0.5 + np.sqrt(size / size.max()))
    points = centre[city] + draw.normal(0.0, 1.0, (n, 2)) * spread[city, None]
    weight = np.maximum(1.0, np.rint(draw.lognormal(0.0, 1.0, n) * 1e4))
    sites = points[draw.choice(n, m, replace=False)]
    away = points[:, None, :] - sites[None, :, :]
    return np.hypot(away[:, :, 0], away[:, :, 1]), weight


_MAKERS: dict[str, Callable[[int], tuple[Floats, Floats]]] = {
    "population": _population,
    "uniform": _uniform,
}


def scale(options: argparse.Namespace) -> None:
    """p-median with 10,000 demand points and 1,000 candidates."""
    rows = []
    for name, make in _MAKERS.items():
        cost, weight = make(options.instance_seed)
        limits = (12.0,) if name == "population" else (3.0, 30.0)
        for p in (20, 50, 100, 200):
            if not fnmatch.fnmatch(f"{name}-{p}", options.instances):
                continue
            for seconds in limits:
                problem = _problem(Model.P_MEDIAN, cost, weight, options, seconds, p=p)
                answer, spent = _timed(problem, options.seeds[0])
                rows.append([name, str(p), f"{answer.objective:.6g}", _percent(answer)])
                rows[-1] += [f"{spent:.2f}", str(answer.solver.nodes)]
                rows[-1] += _beside(Question(cost, weight, p), options)
    headers = ["10,000 × 1,000", "p", "objective", "proven gap %", "s", "nodes"]
    _print([*headers, *options.peers], rows)


def _coverage_sets(options: argparse.Namespace) -> Iterator[tuple[str, Floats, Floats, int, float]]:
    for path in sorted((_folder("mclp") / "SJC").glob("SJC*.txt")):
        points = np.array(
            [
                [float(x) for x in line.split()[:3]]
                for line in path.read_text().splitlines()[1:]
                if len(line.split()) >= 3
            ]
        )
        cost = np.hypot(
            points[:, None, 0] - points[None, :, 0], points[:, None, 1] - points[None, :, 1]
        )
        for p in (3, 5, 10):
            yield path.stem, cost, points[:, 2], p, 800.0
    cost, weight = _population(options.instance_seed)
    shapes = ((20, 100.0), (50, 50.0), (100, 50.0), (200, 50.0))
    for p, radius in (*shapes, (50, 100.0), (50, 150.0), (100, 100.0)):
        yield "population 10,000 × 1,000", cost, weight, p, radius
    for n, m, p in ((10_000, 1_000, 50), (16_000, 3_000, 100)):
        cost, weight = _cities(options.instance_seed, n, m)
        yield f"cities {n:,} × {m:,}", cost, weight, p, 100.0
    cost, weight = _population(options.instance_seed, 16_000, 3_000)
    yield "population 16,000 × 3,000", cost, weight, 100, 100.0
    cost, weight = _uniform(options.instance_seed)
    for p, radius in ((20, 60.0), (50, 50.0)):
        yield "uniform 10,000 × 1,000", cost, weight, p, radius


def coverage(options: argparse.Namespace) -> None:
    """Maximal coverage: share covered and proven gap."""
    rows = []
    for name, cost, weight, p, radius in _coverage_sets(options):
        if not fnmatch.fnmatch(name, options.instances):
            continue
        problem = _problem(Model.COVERAGE, cost, weight, options, 5.0, p=p, radius=radius)
        answer, spent = _timed(problem, options.seeds[0])
        share = (answer.objective or 0.0) / weight.sum()
        rows.append([name, str(len(weight)), str(p), f"{radius:g}", f"{100 * share:.4f}"])
        rows[-1] += [_percent(answer), f"{spent:.2f}"]
        rows[-1] += _beside(Question(cost, weight, p, radius), options)
    headers = ["instance", "n", "p", "radius", "covered %", "proven gap %", "s"]
    _print([*headers, *options.peers], rows)


def capacitated(options: argparse.Namespace) -> None:
    """OR-Library capacitated location: best known, found, bound."""
    folder = _folder("cap")
    runs: list[tuple[str, int | None]] = [
        (path.stem, None) for path in sorted(folder.glob("cap[0-9]*.txt"))
    ]
    runs += list(BEST_CAPACITATED)
    rows = []
    for name, capacity in runs:
        if not fnmatch.fnmatch(name, options.instances):
            continue
        text = (folder / f"{name}.txt").read_text()
        words = text.replace("capacity", str(capacity)).split()
        m, n = int(words[0]), int(words[1])
        sites = np.array(words[2 : 2 + 2 * m], dtype=float).reshape(m, 2)
        rest = np.array(words[2 + 2 * m :], dtype=float).reshape(n, m + 1)
        problem = _problem(
            Model.CAPACITATED,
            np.ascontiguousarray(rest[:, 1:]),
            rest[:, 0],
            options,
            60.0,
            cost_is=CostIs.TOTAL,
            candidates=tuple(
                Candidate(f"s{j}", capacity=sites[j, 0], fixed_cost=sites[j, 1]) for j in range(m)
            ),
        )
        answer, spent = _timed(problem, options.seeds[0])
        best = None if capacity is None else BEST_CAPACITATED[name, capacity]
        known = "–" if best is None else f"{best:.3f}"
        label = name if capacity is None else f"{name}-{capacity}"
        found = [f"{answer.objective:.3f}", _percent(answer), f"{spent:.2f}"]
        rows.append([label, known, *found, str(answer.solver.nodes)])
    _print(["instance", "best known", "found", "proven gap %", "s", "nodes"], rows)


TABLES = {
    "pmedian": pmedian,
    "mclp": coverage,
    "capacitated": capacitated,
    "network-scale": scale,
}
