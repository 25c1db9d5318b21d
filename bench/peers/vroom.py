"""VROOM as a peer.

VROOM serves as many jobs as it can, the most important first, and then saves cost; the weights of
its ``priority`` follow the penalties. Its exploration level is chosen by size and its own
``timeout`` is set to the wall limit; the construction heuristics look at neither, so that it may
take longer than asked: the time it took is reported.
"""

from __future__ import annotations

import time
from datetime import timedelta

from bench.peers import PeerMissing
from bench.peers.plain import Answer, Plain

NAME = "VROOM"


def usual_level(jobs: int) -> int:
    """The exploration level by size; only 0 to 2 at 1,000 jobs were compared, once."""
    return 5 if jobs <= 500 else 2 if jobs <= 2000 else 0


def require() -> str:
    """The installed version; PeerMissing when there is none."""
    try:
        from importlib.metadata import version

        return version("pyvroom")
    except ModuleNotFoundError:
        raise PeerMissing(
            "pyvroom is not installed: pip install -r bench/requirements.txt"
        ) from None


def solve(
    plain: Plain,
    seconds: float,
    seed: int,
    threads: int = 1,
    iterations: int | None = None,
    level: int | None = None,
) -> Answer:
    """One run at ``level`` (0 to 5; by default by size). Deterministic: ``seed`` is not used."""
    import vroom

    del seed, iterations
    chosen = usual_level(plain.n_jobs) if level is None else level
    task = vroom.Input()
    task.set_durations_matrix("car", plain.durations_s)
    top = max(1, int(plain.penalties.max(initial=0)))
    for job in range(plain.n_jobs):
        penalty = int(plain.penalties[job])
        task.add_job(
            vroom.Job(
                job,
                location=int(plain.job_location[job]),
                default_service=int(plain.service_s[job]),
                delivery=vroom.Amount(plain.load[job].tolist()),
                skills=set(plain.tags[job]),
                priority=100 if penalty < 0 else max(1, round(99 * penalty / top)),
                time_windows=[
                    vroom.TimeWindow(int(plain.windows[job, 0]), int(plain.windows[job, 1]))
                ],
            )
        )
    for vehicle in range(plain.n_vehicles):
        task.add_vehicle(
            vroom.Vehicle(
                vehicle,
                start=int(plain.start_location[vehicle]),
                end=int(plain.end_location[vehicle]),
                capacity=plain.capacity[vehicle].tolist(),
                skills=set(plain.held[vehicle]),
                time_window=vroom.TimeWindow(
                    int(plain.shift_s[vehicle, 0]), int(plain.shift_s[vehicle, 1])
                ),
            )
        )
    began = time.perf_counter()
    solution = task.solve(
        exploration_level=chosen, nb_threads=threads, timeout=timedelta(seconds=seconds)
    )
    took = time.perf_counter() - began
    sequences: dict[int, list[int]] = {}
    frame = solution.routes
    visits = frame[frame["type"] == "job"]
    for vehicle, job in zip(visits["vehicle_id"], visits["id"], strict=True):
        sequences.setdefault(int(vehicle), []).append(int(job))
    return Answer(sequences, took, note=f"x{chosen}")
