"""Streets and zones of the demo region, read from its SQLite file (SpatiaLite geometry)."""

from __future__ import annotations

import contextlib
import sqlite3
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# Layout of SpatiaLite's BLOB geometry: a 39-byte header, the class, then the content.
_CLASS_OFFSET = 39
_CONTENT_OFFSET = 43
_MULTIPOLYGON = 6
_LINESTRING = 2

Line = NDArray[np.float64]
"""Shape (n, 2): longitude and latitude in degrees, the order of the file and of GeoJSON."""


@dataclass(frozen=True, slots=True, eq=False)
class Street:
    """One link between two junctions.

    Parameters
    ----------
    identifier
        The link's number in the file.
    from_junction, to_junction
        Junctions at its first and last point.
    highway
        OSM's road class.
    name
        OSM's street name; ``""`` if it has none.
    oneway
        Whether traffic runs from the first to the last point only.
    speed_kmh, speed_back_kmh
        Signed limit in each direction; None where OSM has none.
    line
        Shape (n, 2), n ≥ 2.
    """

    identifier: int
    from_junction: int
    to_junction: int
    highway: str
    name: str
    oneway: bool
    speed_kmh: int | None
    speed_back_kmh: int | None
    line: Line


@dataclass(frozen=True, slots=True, eq=False)
class Zone:
    """A traffic zone with its residents; ``rings`` are closed, outer and inner ones alike."""

    identifier: int
    population: float
    rings: tuple[Line, ...]

    def contains(self, points: Line) -> NDArray[np.bool_]:
        """Which of the points, shape (n, 2), lie inside (even–odd rule over all rings)."""
        corners = np.concatenate(self.rings)
        within = (points >= corners.min(axis=0)) & (points <= corners.max(axis=0))
        near = np.flatnonzero(within.all(axis=1))
        odd = np.zeros(len(near), dtype=np.bool_)
        x, y = points[near, 0, None], points[near, 1, None]
        for ring in self.rings:
            (x1, y1), (x2, y2) = ring[:-1].T, ring[1:].T
            spans = (y1 <= y) != (y2 <= y)
            rise = np.where(y2 == y1, 1.0, y2 - y1)
            left_of_edge = x < x1 + (y - y1) / rise * (x2 - x1)
            odd ^= (np.count_nonzero(spans & left_of_edge, axis=1) % 2).astype(np.bool_)
        inside = np.zeros(len(points), dtype=np.bool_)
        inside[near[odd]] = True
        return inside


def read_streets(database: Path) -> list[Street]:
    """Every street that cars may use, in the file's order."""
    query = (
        "SELECT link_id, a_node, b_node, direction, link_type, name, speed_ab, speed_ba, geometry "
        "FROM links WHERE link_type <> 'centroid_connector' AND instr(modes, 'c') ORDER BY link_id"
    )
    with contextlib.closing(_open(database)) as connection:
        junctions = {
            number: struct.unpack_from("<dd", blob, _CONTENT_OFFSET)
            for number, blob in connection.execute("SELECT node_id, geometry FROM nodes")
        }
        streets = []
        for link, a, b, direction, highway, name, speed, back, blob in connection.execute(query):
            line = _read_line(blob)
            if _gap(line[0], junctions[a]) > _gap(line[-1], junctions[a]):
                line = line[::-1]
            if direction == -1:
                a, b, speed, back, line = b, a, back, speed, line[::-1]
            streets.append(
                Street(
                    *(link, a, b, highway, (name or "").strip(), direction != 0),
                    *(round(speed) if speed else None, round(back) if back else None),
                    line,
                )
            )
    return streets


def read_zones(database: Path) -> list[Zone]:
    """The region's zones, in the file's order."""
    with contextlib.closing(_open(database)) as connection:
        rows = connection.execute(
            "SELECT zone_id, population, geometry FROM zones ORDER BY zone_id"
        ).fetchall()
    return [Zone(zone, float(people or 0.0), _read_rings(blob)) for zone, people, blob in rows]


def zone_points(database: Path) -> list[tuple[str, float, float, float]]:
    """Of each inhabited zone: name, latitude and longitude of a point inside it, people."""
    from shapely.geometry import Polygon

    found = []
    for zone in read_zones(database):
        outline = max((Polygon(ring) for ring in zone.rings), key=lambda area: area.area)
        inside = outline.representative_point()
        if zone.population > 0:
            found.append((f"zone {zone.identifier}", inside.y, inside.x, zone.population))
    return found


def _open(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)


def _gap(point: Line, other: tuple[float, float]) -> float:
    return float(abs(point[0] - other[0]) + abs(point[1] - other[1]))


def _read_line(blob: bytes) -> Line:
    _expect(blob, _LINESTRING)
    line, _ = _read_points(blob, _CONTENT_OFFSET)
    return line


def _read_rings(blob: bytes) -> tuple[Line, ...]:
    _expect(blob, _MULTIPOLYGON)
    (polygons,) = struct.unpack_from("<i", blob, _CONTENT_OFFSET)
    offset = _CONTENT_OFFSET + 4
    rings = []
    for _ in range(polygons):
        offset += 5  # an entity mark and the polygon's class
        (count,) = struct.unpack_from("<i", blob, offset)
        offset += 4
        for _ in range(count):
            ring, offset = _read_points(blob, offset)
            rings.append(ring)
    return tuple(rings)


def _read_points(blob: bytes, offset: int) -> tuple[Line, int]:
    (count,) = struct.unpack_from("<i", blob, offset)
    points = np.frombuffer(blob, dtype="<f8", count=2 * count, offset=offset + 4)
    return points.reshape(-1, 2).astype(np.float64), offset + 4 + 16 * count


def _expect(blob: bytes, geometry_class: int) -> None:
    (found,) = struct.unpack_from("<i", blob, _CLASS_OFFSET)
    if found != geometry_class:
        raise ValueError(f"geometry: expected SpatiaLite class {geometry_class}, found {found}")
