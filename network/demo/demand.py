"""Where people live: addresses on real streets, drawn by the zones' population."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.places import Place
from network.demo.network_file import Line, Street, Zone

_METRES_PER_DEGREE = 111_195.0
_DOOR_OFFSET_M = 9.0

# Share of front doors per metre of street, by road class; where people do not live there is none.
_DOORS = {
    "residential": 1.0,
    "living_street": 1.0,
    "tertiary": 0.6,
    "secondary": 0.4,
    "primary": 0.25,
    "unclassified": 0.1,
}


@dataclass(frozen=True, slots=True)
class Address:
    """A front door: street, house number, and where it is."""

    street: str
    number: int
    place: Place

    def __str__(self) -> str:
        return f"{self.street} {self.number}"


class FrontDoors:
    """The front doors of a region, to draw from in proportion to the zones' residents.

    The streets, their names and the population are real. The house number is **synthetic**: it
    is the door's distance in metres along the named street, even on the right and odd on the
    left, and the door itself is a point beside the carriageway; neither comes from a register.
    A zone without a named street has no doors here.

    Parameters
    ----------
    streets, zones
        The region.

    Raises
    ------
    ValueError
        When no zone with residents has a named street.
    """

    def __init__(self, streets: Sequence[Street], zones: Sequence[Zone]) -> None:
        self._streets = [street for street in streets if street.name and street.highway in _DOORS]
        if not self._streets:
            raise ValueError("streets: none has a name and front doors")
        middles = np.array([street.line[len(street.line) // 2] for street in self._streets])
        self._members = [np.flatnonzero(zone.contains(middles)) for zone in zones]
        self._shares = []
        people = []
        for zone, own in zip(zones, self._members, strict=True):
            doors = np.array(
                [_DOORS[self._streets[row].highway] * _length_m(self._streets[row].line)
                 for row in own]
            )  # fmt: skip
            self._shares.append(doors / doors.sum() if len(own) else doors)
            people.append(zone.population if len(own) else 0.0)
        if not sum(people) > 0:
            raise ValueError("zones: none with residents has a named street")
        self._people = np.array(people) / sum(people)
        self._numbering = _Numbering(self._streets)

    def draw(self, count: int, rng: np.random.Generator) -> list[Address]:
        """Draw ``count`` front doors; an equal state of ``rng`` gives equal doors."""
        drawn = []
        for zone in rng.choice(len(self._people), size=count, p=self._people):
            piece = int(rng.choice(self._members[zone], p=self._shares[zone]))
            street = self._streets[piece]
            share, right = float(rng.uniform(0.05, 0.95)), bool(rng.integers(2))
            point, heading = _point_at(street.line, share)
            number = self._numbering.number(piece, point, right)
            drawn.append(Address(street.name, number, _beside(point, heading, right)))
        return drawn


class _Numbering:
    """House numbers by distance along the axis of a street.

    One name may stand for streets in several quarters: pieces are one street only where they meet.
    """

    def __init__(self, streets: Sequence[Street]) -> None:
        self._street_of = _connected(streets)
        pieces: dict[int, list[Line]] = defaultdict(list)
        for row, street in enumerate(streets):
            pieces[self._street_of[row]].append(street.line)
        self._pieces = pieces
        self._axes: dict[int, tuple[Line, Line, float]] = {}

    def number(self, piece: int, point: Line, right: bool) -> int:
        street = self._street_of[piece]
        if street not in self._axes:
            self._axes[street] = self._axis(np.concatenate(self._pieces[street]))
        centre, direction, first_m = self._axes[street]
        along_m = float(_to_metres(point - centre, centre[1]) @ direction) - first_m
        return 100 + 2 * round(along_m / 2) + (0 if right else 1)

    @staticmethod
    def _axis(points: Line) -> tuple[Line, Line, float]:
        centre = points.mean(axis=0)
        metres = _to_metres(points - centre, centre[1])
        _, vectors = np.linalg.eigh(metres.T @ metres)
        direction = vectors[:, -1]
        # An axis has no sense of its own: numbers grow eastwards, or southwards where it is steep.
        if direction[0] < -abs(direction[1]) or direction[1] > abs(direction[0]):
            direction = -direction
        return centre, direction, float((metres @ direction).min())


def _connected(streets: Sequence[Street]) -> list[int]:
    """For each piece, the first one that it hangs together with under the same name."""
    leader = list(range(len(streets)))

    def find(row: int) -> int:
        while leader[row] != row:
            leader[row] = row = leader[leader[row]]
        return row

    first_at: dict[tuple[str, int], int] = {}
    for row, street in enumerate(streets):
        for junction in (street.from_junction, street.to_junction):
            other = first_at.setdefault((street.name, junction), row)
            low, high = sorted((find(row), find(other)))
            leader[high] = low
    return [find(row) for row in range(len(streets))]


def _to_metres(degrees: Line, latitude: float) -> Line:
    scale = np.array([np.cos(np.radians(latitude)), 1.0]) * _METRES_PER_DEGREE
    metres: NDArray[np.float64] = degrees * scale
    return metres


def _length_m(line: Line) -> float:
    steps = _to_metres(np.diff(line, axis=0), float(line[0, 1]))
    return float(np.hypot(steps[:, 0], steps[:, 1]).sum())


def _point_at(line: Line, share: float) -> tuple[Line, Line]:
    """Point at a share of the line's length, and the unit heading there (metres east, north)."""
    steps = _to_metres(np.diff(line, axis=0), float(line[0, 1]))
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    ends = np.cumsum(lengths)
    target = share * ends[-1]
    piece = min(int(np.searchsorted(ends, target)), len(lengths) - 1)
    length = max(float(lengths[piece]), 1e-9)
    within = (target - (ends[piece] - lengths[piece])) / length
    point = line[piece] + within * (line[piece + 1] - line[piece])
    return point, steps[piece] / length


def _beside(point: Line, heading: Line, right: bool) -> Place:
    side = np.array([heading[1], -heading[0]]) * (_DOOR_OFFSET_M if right else -_DOOR_OFFSET_M)
    scale = np.array([np.cos(np.radians(point[1])), 1.0]) * _METRES_PER_DEGREE
    lon, lat = point + side / scale
    return Place(lat=round(float(lat), 6), lon=round(float(lon), 6))
