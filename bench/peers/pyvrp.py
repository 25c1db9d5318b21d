"""PyVRP (hybrid genetic / iterated local search) as a peer.

Skills become load dimensions: a job asks for one unit of each of its tags, a vehicle without the
tag has no room for it. An earlier measurement of the project found that better for it than one
profile per set of skills. Optional jobs carry their penalty as a prize.
"""

from __future__ import annotations

import time

import numpy as np

from bench.peers import PeerMissing
from bench.peers.plain import Answer, Plain

NAME = "PyVRP"


def require() -> str:
    """The installed version; PeerMissing when there is none."""
    try:
        from importlib.metadata import version

        return version("pyvrp")
    except ModuleNotFoundError:
        raise PeerMissing("pyvrp is not installed: pip install -r bench/requirements.txt") from None


def solve(
    plain: Plain, seconds: float, seed: int, threads: int = 1, iterations: int | None = None
) -> Answer:
    """PyVRP's default configuration until ``seconds`` of wall time or ``iterations`` are over."""
    import pyvrp
    from pyvrp.stop import MaxIterations, MaxRuntime

    del threads  # one thread is all it has; the caller runs two seeds side by side
    data = _data(plain)
    stop = MaxRuntime(seconds) if iterations is None else MaxIterations(iterations)
    began = time.perf_counter()
    result = pyvrp.solve(data, stop=stop, seed=seed, collect_stats=False, display=False)
    took = time.perf_counter() - began
    alike = _alike(plain)
    sequences = {}
    for route in result.best.routes():
        vehicle = alike[route.vehicle_type()].pop()
        sequences[vehicle] = [visit.idx for visit in route if visit.is_client()]
    return Answer(
        sequences, took, result.num_iterations, "" if result.is_feasible() else "infeasible"
    )


def _alike(plain: Plain) -> list[list[int]]:
    """Vehicles that nothing tells apart, in the order of the first of each kind."""
    kinds: dict[object, list[int]] = {}
    for vehicle in range(plain.n_vehicles):
        ends = int(plain.start_location[vehicle]), int(plain.end_location[vehicle])
        shift, room = tuple(plain.shift_s[vehicle]), tuple(plain.capacity[vehicle])
        kind = (ends, shift, room, frozenset(plain.held[vehicle]))
        kinds.setdefault(kind, []).append(vehicle)
    return list(kinds.values())


def _data(plain: Plain) -> object:
    """PyVRP's ProblemData: one vehicle type per kind of `_alike`."""
    import pyvrp

    depots = [int(place) for place in plain.depots()]
    depot_of = {place: number for number, place in enumerate(depots)}
    tagged = np.zeros((plain.n_jobs, plain.n_tags), dtype=np.int64)
    for job, tags in enumerate(plain.tags):
        tagged[job, list(tags)] = 1
    room = np.zeros((plain.n_vehicles, plain.n_tags), dtype=np.int64)
    for vehicle, held in enumerate(plain.held):
        room[vehicle, list(held)] = plain.n_jobs
    load = np.hstack([plain.load, tagged])
    capacity = np.hstack([plain.capacity, room])
    locations = [
        pyvrp.Location(place.lon or 0.0, place.lat or 0.0) for place in plain.problem.locations
    ]
    clients = [
        pyvrp.Client(
            location=int(plain.job_location[job]),
            delivery=load[job].tolist(),
            service_duration=int(plain.service_s[job]),
            tw_early=int(plain.windows[job, 0]),
            tw_late=int(plain.windows[job, 1]),
            prize=max(0, int(plain.penalties[job])),
            required=bool(plain.penalties[job] < 0),
        )
        for job in range(plain.n_jobs)
    ]
    vehicle_types = [
        pyvrp.VehicleType(
            num_available=len(same),
            capacity=capacity[vehicle].tolist(),
            start_depot=depot_of[int(plain.start_location[vehicle])],
            end_depot=depot_of[int(plain.end_location[vehicle])],
            tw_early=int(plain.shift_s[vehicle, 0]),
            tw_late=int(plain.shift_s[vehicle, 1]),
        )
        for same in _alike(plain)
        for vehicle in same[:1]
    ]
    matrix = plain.durations_s.astype(np.int64)
    return pyvrp.ProblemData(
        locations=locations,
        clients=clients,
        depots=[pyvrp.Depot(place) for place in depots],
        vehicle_types=vehicle_types,
        distance_matrices=[matrix],
        duration_matrices=[matrix],
    )
