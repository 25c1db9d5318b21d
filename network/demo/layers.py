"""The demo region as GeoJSON, so that a map needs no tiles from elsewhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from network.demo.network_file import Line, Street, read_streets, read_zones
from network.demo.region import DemoRegion

_TOLERANCE_M = 4.0
_ZONE_TOLERANCE_M = 30.0
_METRES_PER_DEGREE = 111_195.0
_DIGITS = 5  # about a metre


def map_layers(region: DemoRegion) -> dict[str, Any]:
    """Layers to draw: ``streets``, ``zones``, with ``bounds`` and ``attribution``.

    Returns
    -------
    dict
        ``streets``: a FeatureCollection with one MultiLineString for each pair of road class and
        name (properties ``highway``, ``name``), lines joined at junctions and simplified to
        4 m; important roads last, to be drawn on top. ``zones``: the outlines of the traffic
        zones (properties ``zone``, ``population``), simplified to 30 m; their outer edge follows
        the coast, of which the source has no line of its own. ``bounds``: west, south, east,
        north. Coordinates are GeoJSON's, to five digits.
    """
    streets = read_streets(region.database)
    corners = np.concatenate([street.line[[0, -1]] for street in streets])
    west, south = corners.min(axis=0).round(_DIGITS).tolist()
    east, north = corners.max(axis=0).round(_DIGITS).tolist()
    return {
        "attribution": region.attribution,
        "bounds": [west, south, east, north],
        "streets": {"type": "FeatureCollection", "features": _street_features(streets)},
        "zones": {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "properties": {"zone": zone.identifier, "population": round(zone.population)},
                    "geometry": {
                        "type": "MultiLineString",
                        "coordinates": [
                            _coordinates(ring, _ZONE_TOLERANCE_M) for ring in zone.rings
                        ],
                    },
                }
                for zone in read_zones(region.database)
            ],
        },
    }


_RANKS = (
    "living_street", "unclassified", "residential", "tertiary", "secondary", "primary", "trunk",
    "motorway",
)  # fmt: skip


def _street_features(streets: Sequence[Street]) -> list[dict[str, Any]]:
    groups: dict[tuple[str, str], list[Street]] = defaultdict(list)
    for street in streets:
        groups[street.highway, street.name].append(street)
    ordered = sorted(groups, key=lambda group: (_RANKS.index(group[0]), group[1]))
    return [
        {
            "type": "Feature",
            "properties": {"highway": highway, "name": name},
            "geometry": {
                "type": "MultiLineString",
                "coordinates": [
                    _coordinates(line, _TOLERANCE_M) for line in _chains(groups[highway, name])
                ],
            },
        }
        for highway, name in ordered
    ]


def _chains(streets: Sequence[Street]) -> list[Line]:
    """Join links end to end into long lines, each link in one of them."""
    at_junction: dict[int, list[int]] = defaultdict(list)
    for row, street in enumerate(streets):
        at_junction[street.from_junction].append(row)
        at_junction[street.to_junction].append(row)
    free = [True] * len(streets)

    def walk(junction: int) -> list[Line]:
        lines = []
        while (row := next((r for r in at_junction[junction] if free[r]), None)) is not None:
            free[row] = False
            street = streets[row]
            forward = street.from_junction == junction
            lines.append(street.line if forward else street.line[::-1])
            junction = street.to_junction if forward else street.from_junction
        return lines

    chains = []
    for row, street in enumerate(streets):
        if not free[row]:
            continue
        free[row] = False
        ahead = walk(street.to_junction)
        behind = [line[::-1] for line in reversed(walk(street.from_junction))]
        pieces = [*behind, street.line, *ahead]
        chains.append(np.concatenate([pieces[0], *(piece[1:] for piece in pieces[1:])]))
    return chains


def _coordinates(line: Line, tolerance_m: float) -> list[list[float]]:
    coordinates: list[list[float]] = simplify(line, tolerance_m).round(_DIGITS).tolist()
    return coordinates


def simplify(line: Line, tolerance_m: float) -> Line:
    """Drop points that lie within ``tolerance_m`` of the line through the others.

    Notes
    -----
    Douglas & Peucker 1973, https://doi.org/10.3138/FM57-6770-U75U-7727. Both ends are kept.
    """
    scale = np.array([np.cos(np.radians(line[0, 1])), 1.0]) * _METRES_PER_DEGREE
    metres = (line - line[0]) * scale
    keep = np.zeros(len(line), dtype=np.bool_)
    keep[[0, -1]] = True
    stretches = [(0, len(line) - 1)]
    while stretches:
        first, last = stretches.pop()
        if last - first < 2:
            continue
        between = metres[first + 1 : last] - metres[first]
        chord = metres[last] - metres[first]
        squared = float(chord @ chord)
        shares = np.clip(between @ chord / squared, 0.0, 1.0) if squared else np.zeros(len(between))
        gaps = np.hypot(*(between - shares[:, None] * chord).T)
        worst = int(gaps.argmax())
        if gaps[worst] > tolerance_m:
            middle = first + 1 + worst
            keep[middle] = True
            stretches += [(first, middle), (middle, last)]
    return line[keep]
