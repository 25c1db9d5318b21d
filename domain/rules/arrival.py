"""Dated rule packs: what the law or the operator promises, as data with its source and its date.

A pack is a TOML file under ``config/rules``; whoever reads the file hands its table to
`arrival_pack`. Nothing here knows a number: every hour comes from the pack.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

PLACE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,6}){0,2}|operator")
"""``CN`` a country, ``CN-ZJ`` a province, ``CN-ZJ-3301`` a city, or the ``operator``'s own."""


PROOFS = ("place", "door_code", "confirmed", "told", "far")
"""What may show an arrival, see `domain.clocks.events.Proof`."""


class RuleError(ValueError):
    """A rule pack that cannot be read; the message names the key."""


@dataclass(frozen=True, slots=True)
class ArrivalClass:
    """A class of jobs and the elapsed hours within which somebody must be at the door."""

    name: str
    arrival_hours: int


@dataclass(frozen=True, slots=True)
class UrgencyRule:
    """When a report belongs to a class. Empty ``products`` or ``faults`` mean any."""

    id: str
    arrival_class: str
    products: frozenset[str]
    faults: frozenset[str]
    reason: str

    def matches(self, product: str, fault: str) -> bool:
        """Whether a report of this fault of this product falls under the rule."""
        return (not self.products or product in self.products) and (
            not self.faults or fault in self.faults
        )


@dataclass(frozen=True, slots=True)
class WorkRule:
    """What a repair takes: skills with their level, parts, equipment, people, seconds of service.

    Empty ``products`` or ``faults`` mean any; the first rule that matches counts.
    """

    products: frozenset[str]
    faults: frozenset[str]
    skills: Mapping[str, int]
    parts: Mapping[str, int]
    service_s: int
    equipment: frozenset[str] = frozenset()
    crew: int = 1

    def matches(self, product: str, fault: str) -> bool:
        """Whether the rule speaks of this fault of this product."""
        return (not self.products or product in self.products) and (
            not self.faults or fault in self.faults
        )


@dataclass(frozen=True, slots=True)
class ArrivalPack:
    """The rules of arrival in force from a date on.

    ``version`` names the pack in every decision made by it, so that a decision can be replayed.
    ``status`` says honestly how binding the numbers are; ``source`` where they come from.
    ``place`` is where it holds, as in `domain.rules.packs`; ``operator`` holds everywhere, until a
    place has a pack of its own. ``proofs`` is what shows an arrival (`PROOFS`) so that it stops the
    clock; None where the rules say nothing about it, and whatever is told counts.
    """

    version: str
    valid_from: date
    source: str
    status: str
    classes: Mapping[str, ArrivalClass]
    default_class: str
    urgency: tuple[UrgencyRule, ...]
    work: tuple[WorkRule, ...]
    place: str = "operator"
    proofs: tuple[str, ...] | None = None


def _take(table: Mapping[str, Any], key: str, kind: type, path: str) -> Any:
    if key not in table:
        raise RuleError(f"{path}.{key} is missing")
    value = table[key]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise RuleError(f"{path}.{key} must be {kind.__name__}, got {value!r}")
    return value


def _known(table: Mapping[str, Any], keys: set[str], path: str) -> None:
    unknown = sorted(set(table) - keys)
    if unknown:
        raise RuleError(f"{path}.{unknown[0]} is not a known key")


def _names(table: Mapping[str, Any], key: str, path: str) -> frozenset[str]:
    names = table.get(key, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RuleError(f"{path}.{key} must be a list of names")
    return frozenset(names)


def _counts(table: Mapping[str, Any], key: str, path: str) -> dict[str, int]:
    counts = table.get(key, {})
    if not isinstance(counts, Mapping) or not all(
        isinstance(count, int) and not isinstance(count, bool) and count > 0
        for count in counts.values()
    ):
        raise RuleError(f"{path}.{key} must map names to positive integers")
    return dict(counts)


def arrival_pack(table: Mapping[str, Any]) -> ArrivalPack:
    """A pack from its parsed TOML table.

    Raises
    ------
    RuleError
        With the path of the first key that is missing, unknown or of the wrong kind.
    """
    _known(
        table,
        {
            "version",
            "valid_from",
            "source",
            "status",
            "place",
            "arrival_proofs",
            "default_class",
            "classes",
            "urgency",
            "work",
        },
        "pack",
    )
    classes = {}
    for name, row in _take(table, "classes", dict, "pack").items():
        path = f"pack.classes.{name}"
        _known(row, {"arrival_hours"}, path)
        hours = _take(row, "arrival_hours", int, path)
        if hours <= 0:
            raise RuleError(f"{path}.arrival_hours must be positive, got {hours}")
        classes[name] = ArrivalClass(name, hours)
    default_class = _take(table, "default_class", str, "pack")
    urgency = []
    for number, row in enumerate(_take(table, "urgency", list, "pack")):
        path = f"pack.urgency[{number}]"
        _known(row, {"id", "class", "products", "faults", "reason"}, path)
        urgency.append(
            UrgencyRule(
                _take(row, "id", str, path),
                _take(row, "class", str, path),
                _names(row, "products", path),
                _names(row, "faults", path),
                _take(row, "reason", str, path),
            )
        )
    for path, name in [("pack.default_class", default_class)] + [
        (f"pack.urgency[{number}].class", rule.arrival_class) for number, rule in enumerate(urgency)
    ]:
        if name not in classes:
            raise RuleError(f"{path} names the unknown class {name!r}")
    work = []
    for number, row in enumerate(_take(table, "work", list, "pack")):
        path = f"pack.work[{number}]"
        _known(
            row, {"products", "faults", "skills", "parts", "service_s", "equipment", "crew"}, path
        )
        service_s = _take(row, "service_s", int, path)
        if service_s <= 0:
            raise RuleError(f"{path}.service_s must be positive, got {service_s}")
        crew = row.get("crew", 1)
        if crew not in (1, 2):
            raise RuleError(f"{path}.crew must be 1 or 2, got {crew!r}")
        work.append(
            WorkRule(
                _names(row, "products", path),
                _names(row, "faults", path),
                _counts(row, "skills", path),
                _counts(row, "parts", path),
                service_s,
                _names(row, "equipment", path),
                crew,
            )
        )
    if not work or work[-1].products or work[-1].faults:
        raise RuleError("pack.work must end with a rule for any product and any fault")
    return ArrivalPack(
        _take(table, "version", str, "pack"),
        _take(table, "valid_from", date, "pack"),
        _take(table, "source", str, "pack"),
        _take(table, "status", str, "pack"),
        classes,
        default_class,
        tuple(urgency),
        tuple(work),
        _place(table),
        _proofs(table),
    )


def _proofs(table: Mapping[str, Any]) -> tuple[str, ...] | None:
    if "arrival_proofs" not in table:
        return None
    named = _names(table, "arrival_proofs", "pack")
    unknown = sorted(named - set(PROOFS))
    if unknown or not named:
        raise RuleError(f"pack.arrival_proofs must name some of {PROOFS}, got {sorted(named)}")
    return tuple(name for name in PROOFS if name in named)


def _place(table: Mapping[str, Any]) -> str:
    place = table.get("place", "operator")
    if not isinstance(place, str) or not PLACE.fullmatch(place):
        raise RuleError(f"pack.place must be like CN, CN-ZJ or operator, got {place!r}")
    return place


def pack_in_force(
    packs: Iterable[ArrivalPack], day: date, places: tuple[str, ...] = ("operator",)
) -> ArrivalPack:
    """The pack whose ``valid_from`` is the latest that is not after ``day``.

    Parameters
    ----------
    places
        Where the case is, the most general first (`domain.rules.packs.lineage`). A pack is whole:
        the most particular place that has one decides alone, before the operator's general one.

    Raises
    ------
    LookupError
        When no pack was in force yet.
    """
    ranks = {place: rank for rank, place in enumerate(places) if place != "operator"}
    ranks["operator"] = -1
    in_force = [pack for pack in packs if pack.valid_from <= day and pack.place in ranks]
    if not in_force:
        raise LookupError(f"no arrival rules were in force on {day.isoformat()}")
    return max(in_force, key=lambda pack: (ranks[pack.place], pack.valid_from))
