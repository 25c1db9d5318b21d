"""The rule packs on disk, read once; which one applies depends on law, place and day."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from api.services.calendars import calendar_of
from api.services.regions import the_region
from domain.judging import Setting
from domain.rules import (
    ArrivalPack,
    Pack,
    Rulebook,
    RuleError,
    arrival_pack,
    lineage,
    pack_in_force,
    rule_pack,
)

RULES = Path(__file__).resolve().parents[2] / "config" / "rules"
ARRIVAL = RULES / "arrival"


@cache
def arrival_packs() -> tuple[ArrivalPack, ...]:
    """All arrival packs, oldest first."""
    return tuple(
        arrival_pack(tomllib.loads(path.read_text(encoding="utf-8")))
        for path in sorted(ARRIVAL.glob("*.toml"))
    )


def arrival_rules(day: date, place: str = "operator") -> ArrivalPack:
    """The arrival rules in force on a day, at a place of the hierarchy of laws."""
    return pack_in_force(arrival_packs(), day, lineage(place))


@cache
def rulebook() -> Rulebook:
    """Every pack that is not about arrival."""
    return Rulebook(
        pack
        for path in sorted(RULES.rglob("*.toml"))
        if ARRIVAL not in path.parents
        if isinstance(pack := read_pack(path), Pack)
    )


def read_pack(path: Path) -> Pack | ArrivalPack:
    """A pack from a file of its own, whatever its law.

    Raises
    ------
    RuleError
        Naming the file and the key, or why the file cannot be read.
    """
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RuleError(f"{path}: {error}") from None
    try:
        return rule_pack(table) if "law" in table else arrival_pack(table)
    except RuleError as error:
        raise RuleError(f"{path}: {error}") from None


def with_drafts(drafts: Iterable[Pack | ArrivalPack]) -> tuple[Rulebook, tuple[ArrivalPack, ...]]:
    """Our packs and some that are not ours yet: what would they change?"""
    own = list(rulebook().packs)
    arrival = list(arrival_packs())
    for draft in drafts:
        if isinstance(draft, ArrivalPack):
            arrival.append(draft)
        else:
            own.append(draft)
    return Rulebook(own), tuple(arrival)


def setting_of(session: Session) -> Setting:
    """Where this installation's cases are judged: jurisdiction, zone, working days."""
    region = the_region(session)
    return Setting(
        region.jurisdiction, region.timezone, calendar_of(region.jurisdiction.partition("-")[0])
    )
