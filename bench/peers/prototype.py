"""The ruin-and-recreate prototype behind the first targets, when it lies beside the repository.

It is loaded from ``../shared/prototypes/dispatch_sisr.py`` at run time and is no part of this
project; the bench exists to see that the engine stays ahead of it.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np

from bench.data import shared_folder
from bench.days import day_problem, shape
from bench.peers import PeerMissing
from bench.peers.plain import Answer, Inexpressible, Plain, flatten

NAME = "prototype"

SECONDS_SCALE = 100.0
"""Factor of its temperatures on days in seconds: 1,000 s falling to 20 s. The hottest of those
tried (1 to 100, one or two seeds, clustered 300 × 40 and 1,000 × 100 × 2 days), and the best."""

MANDATORY_PENALTY = 10**7
"""More than any detour: what the prototype pays for a job that must be served."""


def _path() -> Path:
    return shared_folder() / "prototypes" / "dispatch_sisr.py"


def require() -> str:
    """What to call this version; PeerMissing when the file is not there."""
    if not _path().is_file():
        raise PeerMissing(f"no prototype at {_path()}")
    return "SISR, November 2026"


def _load() -> ModuleType:
    import numba

    # Nothing compiled may be written beside a file that is not ours.
    numba.config.CACHE_DIR = str(Path(tempfile.gettempdir()) / f"zhunda-bench-numba-{os.getuid()}")
    spec = importlib.util.spec_from_file_location("dispatch_sisr", _path())
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["dispatch_sisr"] = module  # Numba finds its cached code by the module's name
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = writes
    # It counts CPU seconds; every contestant here is given wall seconds.
    module.__dict__["time"] = SimpleNamespace(process_time=time.perf_counter)
    return module


def solve(
    plain: Plain, seconds: float, seed: int, threads: int = 1, iterations: int | None = None
) -> Answer:
    """The prototype's annealing for ``seconds``; compiled beforehand on a part of a second."""
    del threads, iterations
    if plain.load.shape[1] > 1:
        raise Inexpressible("several load dimensions")
    if plain.n_tags > 62:
        raise Inexpressible("more than 62 tags")
    module = _load()
    arrays = _arrays(plain)
    longest = plain.n_jobs if plain.load.shape[1] else min(plain.n_jobs, 80)
    _compile(module)
    began = time.perf_counter()
    routes, _, rounds, _ = module.solve(arrays, seconds, seed=seed, maxrt=longest)
    return Answer(routes, time.perf_counter() - began, rounds)


def _compile(module: ModuleType) -> None:
    # Twice: the first call spends its time compiling the construction and never gets to the rest.
    tiny = _arrays(flatten(day_problem(shape("clustered", "20x4x1d"))))
    for _ in range(2):
        module.solve(tiny, 0.2, maxrt=20)


def _arrays(plain: Plain) -> SimpleNamespace:
    """The attributes that the prototype reads from its ``Prob``."""
    depots = plain.depots()
    n = plain.n_jobs
    first = n + np.searchsorted(depots, plain.start_location)
    last = n + np.searchsorted(depots, plain.end_location)
    masks = [sum(1 << tag for tag in held) for held in plain.held]
    load = plain.load[:, 0] if plain.load.shape[1] else np.zeros(n, dtype=np.int64)
    room = plain.capacity[:, 0] if plain.load.shape[1] else np.zeros(plain.n_vehicles, np.int64)
    kinds: dict[tuple[int, ...], int] = {}
    kind = [
        kinds.setdefault((int(a), int(b), *shift.tolist(), int(cap), mask), len(kinds))
        for a, b, shift, cap, mask in zip(first, last, plain.shift_s, room, masks, strict=True)
    ]
    return SimpleNamespace(
        n=n,
        V=plain.n_vehicles,
        D=plain.node_matrix(),
        sv=plain.service_s,
        tw=plain.windows,
        dem=load,
        vs=first,
        ve=last,
        va=plain.shift_s[:, 0],
        vb=plain.shift_s[:, 1],
        cap=room,
        jsk=np.array([sum(1 << tag for tag in tags) for tags in plain.tags], dtype=np.int64),
        vsk=np.array(masks, dtype=np.int64),
        vtype=np.array(kind, dtype=np.int64),
        pen=np.where(plain.penalties < 0, MANDATORY_PENALTY, plain.penalties),
        scale=_temperature_scale(plain),
    )


def _temperature_scale(plain: Plain) -> float:
    """Its temperatures are tuned for Solomon's plane; a scaled plane brings its own factor."""
    scale = plain.problem.scale
    return SECONDS_SCALE if scale == 1 else float(scale)
