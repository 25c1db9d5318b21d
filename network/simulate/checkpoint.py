"""A file of finished replications that survives a kill: one JSON line each, flushed to the disk."""

from __future__ import annotations

import json
import os
from pathlib import Path

from network.simulate.tally import Replication

FORMAT = "zhunda-checkpoint/1"


class WrongCheckpoint(ValueError):
    """The file belongs to another simulation, or is no checkpoint at all."""


class Checkpoint:
    """Finished replications of one scenario, mode and seed.

    Raises
    ------
    WrongCheckpoint
        When the file exists and is something else. It is left as it is.
    """

    def __init__(self, path: Path, scenario_hash: str, mode: str, seed: int) -> None:
        self.path = path
        header = {
            "format": FORMAT, "scenario_hash": scenario_hash, "mode": mode, "seed": seed,
        }  # fmt: skip
        self.found: dict[int, Replication] = {}
        if path.exists() and path.stat().st_size:
            self._read(header)
        else:
            self._append(json.dumps(header))

    def _read(self, header: dict[str, object]) -> None:
        text = self.path.read_bytes().decode(errors="replace")
        lines = text.splitlines()
        try:
            first = json.loads(lines[0])
        except ValueError:
            first = None
        if not isinstance(first, dict) or first.get("format") != FORMAT:
            raise WrongCheckpoint(f"{self.path}: is no checkpoint of a simulation")
        for key, value in header.items():
            if first.get(key) != value:
                raise WrongCheckpoint(
                    f"{self.path}: belongs to another simulation ({key} differs); "
                    "give another file or remove this one"
                )
        for line in lines[1:]:
            try:
                one = Replication.from_json(json.loads(line))
            except (ValueError, KeyError, TypeError, IndexError):
                continue  # torn by a kill: it is simply run again
            self.found[one.number] = one
        if not text.endswith("\n"):
            self._append("")

    def add(self, one: Replication) -> None:
        """Keep a finished replication."""
        self.found[one.number] = one
        self._append(json.dumps(one.to_json(), ensure_ascii=False))

    def _append(self, line: str) -> None:
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")
            stream.flush()
            os.fsync(stream.fileno())
