"""The rule packs on disk, read once; which one applies depends on the day of the report."""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from pathlib import Path

from domain.rules import ArrivalPack, arrival_pack, pack_in_force

ARRIVAL = Path(__file__).resolve().parents[2] / "config" / "rules" / "arrival"


@cache
def arrival_packs() -> tuple[ArrivalPack, ...]:
    """All arrival packs, oldest first."""
    return tuple(
        arrival_pack(tomllib.loads(path.read_text(encoding="utf-8")))
        for path in sorted(ARRIVAL.glob("*.toml"))
    )


def arrival_rules(day: date) -> ArrivalPack:
    """The arrival rules in force on a day."""
    return pack_in_force(arrival_packs(), day)
