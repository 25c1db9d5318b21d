"""A score out of weighted items, each of which leads to the records behind it.

The weights are the operator's data; points, grades and areas come from the quality standard's rule
pack. An item without records earns nothing and is told apart: a score nobody can inflate by not
measuring.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.quality.shares import Share


class ScorecardError(ValueError):
    """A template that does not fit; the message names the key."""


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a scorecard.

    ``floor`` is the share that earns nothing, ``target`` the share that earns all of ``points``;
    in between points grow in a straight line. ``floor`` may lie above ``target`` where less is
    better, as with repeat repairs.
    """

    code: str
    area: str
    points: int
    floor: float
    target: float
    title: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Scorecard:
    """A dated template: the items, and how many points give which grade (name, points), rising."""

    version: str
    items: tuple[Item, ...]
    grades: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found for an item, and the ids of the records that were counted."""

    share: Share
    records: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemScore:
    """Points earned by an item in tenths; None where nothing could be counted."""

    item: Item
    measured: Measured | None
    tenths: int | None


@dataclass(frozen=True, slots=True)
class Card:
    """A score. ``unmeasured`` are points that nothing was counted for; ``grade`` ignores them."""

    scores: tuple[ItemScore, ...]
    tenths: int
    unmeasured: int
    grade: str | None
    areas: Mapping[str, int]


def score(template: Scorecard, measured: Mapping[str, Measured]) -> Card:
    """The score of a period.

    Parameters
    ----------
    measured
        By item code; a missing one, or one out of zero, is unmeasured.
    """
    scores = []
    areas: dict[str, int] = {}
    for item in template.items:
        found = measured.get(item.code)
        value = None if found is None else found.share.value
        tenths = None
        if value is not None:
            reached = (value - item.floor) / (item.target - item.floor)
            tenths = round(10 * item.points * min(1.0, max(0.0, reached)))
        scores.append(ItemScore(item, found, tenths))
        areas[item.area] = areas.get(item.area, 0) + (tenths or 0)
    total = sum(entry.tenths or 0 for entry in scores)
    reached_grades = [name for name, points in template.grades if total >= 10 * points]
    return Card(
        scores=tuple(scores),
        tenths=total,
        unmeasured=sum(entry.item.points for entry in scores if entry.tenths is None),
        grade=reached_grades[-1] if reached_grades else None,
        areas=areas,
    )


def scorecard_template(
    table: Mapping[str, Any], points: int, areas: Sequence[str], grades: Mapping[str, int]
) -> Scorecard:
    """A template from a parsed TOML file, held against the standard's points and areas.

    Raises
    ------
    ScorecardError
        Naming the key that is missing, unknown or does not fit.
    """
    _only(table, {"version", "items"}, "scorecard")
    items = []
    for number, row in enumerate(table.get("items", [])):
        path = f"items[{number}]"
        _only(row, {"code", "area", "points", "floor", "target", "en", "zh"}, path)
        missing = {"code", "area", "points", "floor", "target", "en", "zh"} - set(row)
        if missing:
            raise ScorecardError(f"{path} lacks {', '.join(sorted(missing))}")
        if row["area"] not in areas:
            raise ScorecardError(f"{path}.area is none of the standard's: {row['area']!r}")
        if not isinstance(row["points"], int) or row["points"] <= 0:
            raise ScorecardError(f"{path}.points must be a positive whole number")
        if row["floor"] == row["target"]:
            raise ScorecardError(f"{path}: floor and target must differ")
        title = {"en": str(row["en"]), "zh": str(row["zh"])}
        items.append(
            Item(
                str(row["code"]),
                row["area"],
                row["points"],
                float(row["floor"]),
                float(row["target"]),
                title,
            )
        )
    codes = [item.code for item in items]
    if len(codes) != len(set(codes)):
        raise ScorecardError("items: a code stands twice")
    total = sum(item.points for item in items)
    if total != points:
        raise ScorecardError(f"items: the points add up to {total}, the standard has {points}")
    rising = tuple(sorted(grades.items(), key=lambda grade: grade[1]))
    return Scorecard(str(table.get("version", "")), tuple(items), rising)


def _only(table: Mapping[str, Any], known: set[str], path: str) -> None:
    for key in table:
        if key not in known:
            raise ScorecardError(f"{path} has the unknown key {key!r}")
