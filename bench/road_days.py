"""Technician-shaped days on real roads: the demo region's, or those of any OSM extract.

Places are junctions and bends of ordinary streets, drawn alike, so that they lie where streets are
dense; drives come from OSRM. The matrix is kept in ``.cache/bench`` under the graph's version.
"""

from __future__ import annotations

import argparse
import sys
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.contest import Instance
from bench.data import REPOSITORY, DataMissing, data_folder
from bench.days import DayShape, assemble, shape
from optimizer.problem import UNREACHABLE, Location, Problem

CACHE = REPOSITORY / ".cache"
SIZES = ("300x40x1d", "1000x100x2d")
STREETS = frozenset({"residential", "living_street", "unclassified", "tertiary", "secondary"})
SPARE_SHARE = 0.2
"""More places than needed are drawn, because some have no way to or from the others."""


def road_instances(options: argparse.Namespace) -> list[tuple[int, Instance]]:
    """Days on the roads that ``--roads`` names: ``demo``, ``porto`` or an ``.osm.pbf`` file."""
    found = []
    for size in SIZES if "*" in options.instances else [options.instances.rpartition("-")[2]]:
        form = shape("scattered", size, breaks=options.breaks, seed=options.instance_seed)
        name = f"{_label(options.roads)}-{size}" + ("-breaks" if form.breaks else "")
        if fnmatch(name, options.instances) or "*" not in options.instances:
            file = _matrix_file(form, options.roads)
            found.append((form.jobs, Instance(name, partial(road_problem, form, file))))
    return found


def road_problem(form: DayShape, file: Path) -> Problem:
    """The day of this shape on a matrix that `_matrix_file` has left."""
    stored = np.load(file)
    random = np.random.default_rng([form.seed, form.jobs, form.technicians, form.days])
    locations = tuple(
        Location(f"p{index}", float(lat), float(lon))
        for index, (lat, lon) in enumerate(stored["places"])
    )
    return assemble(form, random, stored["durations_s"], locations)


def _label(roads: str) -> str:
    return "demo" if roads == "demo" else Path(roads).name.partition(".")[0]


def _matrix_file(form: DayShape, roads: str) -> Path:
    """Where places and drives of this shape are kept; made on the first call."""
    from domain.places import Place
    from network.demo import ensure_demo_region
    from network.roads import Roads, build_graph
    from network.roads.server import running_server

    print(f"bench: roads of {roads} (a first build takes a minute or two)", file=sys.stderr)
    if roads == "demo":
        region = ensure_demo_region(CACHE)
        extract, graph = region.extract, region.graph
    else:
        extract = _extract(roads)
        graph = build_graph(extract, CACHE / "graphs")
    needed = form.jobs + form.technicians
    file = CACHE / "bench" / f"{graph.version}-{needed}-{form.seed}.npz"
    if file.is_file():
        return file
    random = np.random.default_rng([form.seed, needed])
    drawn = _street_points(extract, int(needed * (1 + SPARE_SHARE)), random)
    with running_server(graph.directory) as url, Roads(url, graph.version) as network:
        matrix = network.matrix([Place(float(lat), float(lon)) for lat, lon in drawn])
    if matrix.source != "osrm":
        raise DataMissing(f"the roads of {roads} did not answer: drives are {matrix.source}")
    kept = _mutually_reachable(matrix.durations_s, needed)
    if len(kept) < needed:
        raise DataMissing(f"the roads of {roads} connect only {len(kept)} of {needed} places")
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".part.npz")
    np.savez(unfinished, places=drawn[kept], durations_s=matrix.durations_s[np.ix_(kept, kept)])
    unfinished.replace(file)
    return file


def _extract(roads: str) -> Path:
    path = data_folder() / "roads" / "porto_metro.osm.pbf" if roads == "porto" else Path(roads)
    if not path.is_file():
        raise DataMissing(f"no extract {path}: --roads takes demo, porto or an .osm.pbf file")
    return path


def _street_points(extract: Path, count: int, random: np.random.Generator) -> NDArray[np.float64]:
    """float64[count, 2] latitudes and longitudes on ordinary streets."""
    import osmium

    points: list[tuple[float, float]] = []
    ways = osmium.FileProcessor(str(extract)).with_locations()
    for way in ways.with_filter(osmium.filter.EntityFilter(osmium.osm.WAY)):
        if way.tags.get("highway") in STREETS:
            points += [(node.lat, node.lon) for node in way.nodes if node.location.valid()]
    if len(points) < count:
        raise DataMissing(f"{extract} has {len(points)} street points, {count} are needed")
    return np.array(points)[random.choice(len(points), count, replace=False)]


def _mutually_reachable(durations_s: NDArray[np.int32], needed: int) -> NDArray[np.int64]:
    """Indices of places that all reach each other, the most isolated left out first."""
    kept = np.arange(len(durations_s))
    while True:
        blocked = durations_s[np.ix_(kept, kept)] >= UNREACHABLE
        isolation = blocked.sum(axis=0) + blocked.sum(axis=1)
        if not isolation.any():
            return kept[:needed]
        kept = np.delete(kept, int(isolation.argmax()))
