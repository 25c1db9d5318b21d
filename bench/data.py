"""Where the public instances lie, and their best known values."""

from __future__ import annotations

import csv
import json
import os
import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


class DataMissing(Exception):
    """An instance set is not here; the message says where it was looked for."""


def shared_folder() -> Path:
    """The folder beside the repository that holds data and prototypes."""
    return REPOSITORY.parent / "shared"


def data_folder() -> Path:
    """``ZHUNDA_BENCH_DATA``, or ``../shared/data`` beside the repository."""
    named = os.environ.get("ZHUNDA_BENCH_DATA")
    return Path(named) if named else shared_folder() / "data"


def data_files(folder: str, pattern: str) -> list[Path]:
    """Files of one set in natural order (R102 before R110); `DataMissing` when there are none."""
    where = data_folder() / folder
    found = sorted(where.glob(pattern), key=_natural)
    if not found:
        raise DataMissing(
            f"no {pattern} in {where}: set ZHUNDA_BENCH_DATA to the folder of the sets"
        )
    return found


def _natural(path: Path) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", path.stem)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def best_vrptw(name: str) -> tuple[float | None, str]:
    """Best known distance of a VRPTW instance and what it counts.

    Solomon: distance only, double precision. Gehring-Homberger 1000: distance only, each leg cut
    to one decimal. Gehring-Homberger 200 and 400: the best known of the vehicles-first race, which
    a distance-only plan may undercut.
    """
    path = data_folder() / "vrptw" / "homberger_1000_distance.csv"
    if "_10_" in name and path.is_file():
        with path.open(newline="") as lines:
            for row in csv.reader(lines):
                if row[0].lower() == name.lower():
                    return float(row[1]), "distance, legs cut to 0.1"
    path = data_folder() / "vrptw" / "BKS.json"
    best = json.loads(path.read_text()) if path.is_file() else {}
    for key, meaning in ((f"{name}_distance", "distance"), (name, "vehicles first")):
        if key in best:
            return float(best[key]["best_known_cost"]), meaning
    return None, ""


def best_home_care() -> dict[str, float]:
    """Published cost of each home-care instance by file name."""
    best: dict[str, float] = {}
    for path in data_files("hhcrsp", "*_best.md"):
        for line in path.read_text().splitlines():
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if len(cells) >= 5 and cells[0].endswith(".json"):
                best[cells[0]] = float(cells[4])
    return best


def best_trsp() -> dict[str, float]:
    """Published objective of each TRSP instance by name."""
    best: dict[str, float] = {}
    for path in data_files("trsp", "published.sol"):
        for line in path.read_text().splitlines():
            name, _, value = line.partition("=")
            if value and not name.endswith(("-S", "-K")):
                best[name] = float(value)
    return best
