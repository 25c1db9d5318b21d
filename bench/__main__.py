"""``python -m bench NAME``: one table a command, progress on stderr."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import sys
from pathlib import Path

from bench.contest import OURS, SOLVERS
from bench.data import DataMissing
from bench.report import Report
from bench.siting_peers import PEERS as SITING_PEERS

ROOMS = (
    "bench.vrptw",
    "bench.public_sets",
    "bench.day_tables",
    "bench.live",
    "bench.siting",
    "bench.simulation",
    "bench.service",
)
"""Modules with ``TABLES``: name → function of the options that returns a Report or prints."""


def tables() -> dict[str, object]:
    """Every table by name; a room that is not built yet is left out."""
    found: dict[str, object] = {}
    for room in ROOMS:
        if importlib.util.find_spec(room) is not None:
            found.update(importlib.import_module(room).TABLES)
    return found


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive whole number")
    return value


def _seeds(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _solvers(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in SOLVERS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(SOLVERS)}")
    return names


def _peers(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in SITING_PEERS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(SITING_PEERS)}")
    return names


def parser(names: list[str]) -> argparse.ArgumentParser:
    """The command line."""
    line = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    line.add_argument("name", choices=names, metavar="NAME", help=", ".join(names))
    line.add_argument("--seconds", type=_positive, help="wall time per run (default: by size)")
    line.add_argument("--iterations", type=_count, help="end a run by count, not by time (tests)")
    line.add_argument("--seeds", type=_seeds, default=[1, 2, 3], help="such as 1,2,3")
    line.add_argument("--instances", default="*", metavar="GLOB", help="which, by name")
    line.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="what S counts")
    line.add_argument("--threads", type=_count, default=1, help="threads of one run")
    line.add_argument("--jobs", type=_count, default=1, help="runs at the same time")
    line.add_argument("--out", type=Path, metavar="FILE", help="also write FILE (.md or .json)")
    line.add_argument("--solvers", type=_solvers, default=list(SOLVERS), help=", ".join(SOLVERS))
    line.add_argument(
        "--peers", type=_peers, default=[], help=f"outlets: beside {', '.join(SITING_PEERS)}"
    )
    line.add_argument(
        "--peer-seconds", type=_positive, default=120.0, help="time of a peer, as --clock counts"
    )
    line.add_argument("--breaks", action="store_true", help=f"days with breaks ({OURS} only)")
    line.add_argument("--instance-seed", type=int, default=1, help="seed of generated days")
    line.add_argument("--roads", metavar="demo|porto|FILE.osm.pbf", help="days on a road network")
    return line


def main() -> int:
    """Run one table; 2 on bad input with one line on stderr."""
    known = tables()
    options = parser(list(known)).parse_args()
    if options.out is not None:
        if options.out.suffix not in (".md", ".json"):
            print(f"bench: --out {options.out} must end in .md or .json", file=sys.stderr)
            return 2
        if not options.out.parent.is_dir():
            print(f"bench: --out {options.out}: no such folder", file=sys.stderr)
            return 2
    printed = io.StringIO()
    table = known[options.name]
    assert callable(table)
    try:
        with contextlib.redirect_stdout(printed):
            report = table(options)
    except (DataMissing, ValueError) as reason:
        print(f"bench: {reason}", file=sys.stderr)
        return 2
    text = printed.getvalue()
    if isinstance(report, Report):
        text += report.to_markdown()
    sys.stdout.write(text)
    if options.out is not None:
        as_json = options.out.suffix == ".json" and isinstance(report, Report)
        options.out.write_text(report.to_json() if as_json else text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
