"""OR-Tools' routing library as a peer.

Matrices are handed over whole (no Python callback in the loop), skills restrict vehicles, optional
jobs are disjunctions with their penalty. Parallel cheapest insertion and guided local search,
everything else as it comes: nothing was tuned here.
"""

from __future__ import annotations

import time

import numpy as np

from bench.peers import PeerMissing
from bench.peers.plain import Answer, Inexpressible, Plain

NAME = "OR-Tools"
MOST_NODES = 8_000
"""Its Python face takes matrices as nested lists: 40 bytes a pair, 5 GB at 11,000 nodes."""


def require() -> str:
    """The installed version; PeerMissing when there is none."""
    try:
        from importlib.metadata import version

        return version("ortools")
    except ModuleNotFoundError:
        raise PeerMissing("ortools is not installed: pip install -r requirements.txt") from None


def solve(
    plain: Plain, seconds: float, seed: int, threads: int = 1, iterations: int | None = None
) -> Answer:
    """Guided local search until ``seconds`` of wall time or ``iterations`` solutions are over."""
    from ortools.constraint_solver import pywrapcp, routing_enums_pb2

    del threads, seed  # single-threaded and deterministic
    n = plain.n_jobs
    if n + len(plain.depots()) > MOST_NODES:
        raise Inexpressible(f"more than {MOST_NODES:,} nodes: Python lists of its matrices")
    depots = plain.depots()
    nodes = plain.node_matrix()
    first = n + np.searchsorted(depots, plain.start_location)
    last = n + np.searchsorted(depots, plain.end_location)
    manager = pywrapcp.RoutingIndexManager(
        len(nodes), plain.n_vehicles, first.tolist(), last.tolist()
    )
    model = pywrapcp.RoutingModel(manager)
    drive = model.RegisterTransitMatrix(nodes.tolist())
    model.SetArcCostEvaluatorOfAllVehicles(drive)
    busy = nodes.astype(np.int64)
    busy[:n] += plain.service_s[:, None]
    clock = model.RegisterTransitMatrix(busy.tolist())
    horizon = int(plain.shift_s.max(initial=0))
    model.AddDimension(clock, horizon, horizon, False, "time")
    times = model.GetDimensionOrDie("time")
    for vehicle in range(plain.n_vehicles):
        opens, closes = (int(s) for s in plain.shift_s[vehicle])
        times.CumulVar(model.Start(vehicle)).SetRange(opens, closes)
        times.CumulVar(model.End(vehicle)).SetRange(opens, closes)
    for column in range(plain.load.shape[1]):
        _add_load(model, plain, column, len(nodes) - n)
    able: dict[frozenset[int], list[int]] = {}
    for job in range(n):
        index = manager.NodeToIndex(job)
        times.CumulVar(index).SetRange(int(plain.windows[job, 0]), int(plain.windows[job, 1]))
        tags = plain.tags[job]
        if tags and tags not in able:
            able[tags] = [v for v, held in enumerate(plain.held) if tags <= held]
        if tags:
            model.VehicleVar(index).SetValues([-1, *able[tags]])
        if plain.penalties[job] >= 0:
            model.AddDisjunction([index], int(plain.penalties[job]))
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.first_solution_strategy = (
        routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
    )
    parameters.local_search_metaheuristic = (
        routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    )
    if iterations is None:
        parameters.time_limit.FromMilliseconds(int(seconds * 1000))
    else:
        parameters.solution_limit = max(1, iterations)
    began = time.perf_counter()
    solution = model.SolveWithParameters(parameters)
    took = time.perf_counter() - began
    sequences: dict[int, list[int]] = {}
    if solution is None:
        return Answer(sequences, took, note="nothing found")
    for vehicle in range(plain.n_vehicles):
        index = solution.Value(model.NextVar(model.Start(vehicle)))
        visits = []
        while not model.IsEnd(index):
            visits.append(manager.IndexToNode(index))
            index = solution.Value(model.NextVar(index))
        if visits:
            sequences[vehicle] = visits
    return Answer(sequences, took)


def _add_load(model: object, plain: Plain, column: int, n_depots: int) -> None:
    """One load dimension."""
    from ortools.constraint_solver import pywrapcp

    assert isinstance(model, pywrapcp.RoutingModel)
    load = [*plain.load[:, column].tolist(), *[0] * n_depots]
    demand = model.RegisterUnaryTransitVector(load)
    model.AddDimensionWithVehicleCapacity(
        demand, 0, plain.capacity[:, column].tolist(), True, f"load{column}"
    )
