"""``python -m network.demo DATA_DIR``: have the demo region ready; ``--measure`` times its roads.

Times are processor seconds, of this process and of OSRM's together, so that a busy machine does
not blur them.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from domain.places import Place
from network.demo.demand import FrontDoors
from network.demo.network_file import read_streets, read_zones
from network.demo.region import DemoRegion, DemoRegionError, ensure_demo_region
from network.roads import GraphBuildError, Roads, build_graph
from network.roads.server import running_server

_SIZES = (100, 300, 1_000, 2_000)


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 on success, 2 with one line on stderr when the region cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m network.demo", description=__doc__)
    parser.add_argument("data_dir", type=Path, help="folder for what is downloaded and built")
    parser.add_argument("--measure", action="store_true", help="time build, matrices and routes")
    arguments = parser.parse_args(argv)
    try:
        region = ensure_demo_region(arguments.data_dir)
    except (DemoRegionError, GraphBuildError, OSError) as error:
        print(str(error).replace("\n", " "), file=sys.stderr)
        return 2
    answer: dict[str, Any] = {
        "region": region.name,
        "graph": region.graph.version,
        "law": asdict(region.law),
    }
    if arguments.measure:
        answer["cpu_s"] = _measure(region)
    print(json.dumps(answer, indent=2, ensure_ascii=False))
    return 0


def _measure(region: DemoRegion) -> dict[str, float]:
    doors = FrontDoors(read_streets(region.database), read_zones(region.database))
    addresses = doors.draw(max(_SIZES) + 1, np.random.default_rng(0))
    places = [address.place for address in addresses]

    def build() -> None:
        with tempfile.TemporaryDirectory() as elsewhere:
            build_graph(region.extract, Path(elsewhere))

    def served(ask: Callable[[Roads], None]) -> float:
        def serve() -> None:
            with running_server(region.graph.directory) as url, Roads(url) as roads:
                ask(roads)

        return _cpu_s(serve)

    idle = served(lambda roads: None)
    figures = {"build": _cpu_s(build), "server start": idle}
    for size in _SIZES:
        figures[f"matrix {size}"] = served(partial(_matrix, stages=[places[:size]])) - idle
    size = _SIZES[2]
    stages = [places[:size], places[: size + 1]]
    grown = served(partial(_matrix, stages=stages)) - idle
    figures[f"one job more at {size}"] = grown - figures[f"matrix {size}"]
    routes = served(partial(_routes, places=places)) - idle
    figures["route of 10 places"] = routes / 100
    return {name: round(cpu_s, 4) for name, cpu_s in figures.items()}


def _matrix(roads: Roads, stages: list[list[Place]]) -> None:
    for places in stages:
        roads.matrix(places)


def _routes(roads: Roads, places: list[Place]) -> None:
    for first in range(100):
        roads.route(places[10 * first : 10 * first + 10])


def _cpu_s(work: Callable[[], None]) -> float:
    def spent() -> float:
        import resource  # not on Windows, where only measuring is missing

        child = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.process_time() + child.ru_utime + child.ru_stime

    before = spent()
    work()
    return spent() - before


if __name__ == "__main__":
    sys.exit(main())
