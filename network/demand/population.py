"""Demand points from where people live: zones as CSV or GeoJSON, gathered into H3 cells."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import h3
from shapely.errors import ShapelyError
from shapely.geometry import shape

from domain.places import check_degrees
from network.demand.requests import BadDemand, number, rows_of
from network.simulate.scenario import Demand, DemandPoint, WorkKind

COLUMNS = ("id", "lat", "lon", "population", "district")
LEAST_RESOLUTION, MOST_RESOLUTION = 0, 15
_MOST_CELLS = 200_000


def points_from_csv(path: Path) -> tuple[DemandPoint, ...]:
    """Zones with ``id, lat, lon, population`` and, if wanted, ``district``; weight = population."""
    found = []
    for line, row in rows_of(path, COLUMNS, COLUMNS[:4]):
        where = f"{path.name} line {line}"
        lat, lon, people = (number(row, key, where) for key in ("lat", "lon", "population"))
        if lat is None or lon is None or people is None:
            raise BadDemand(f"{where}: lat, lon and population must all be there")
        found.append(_point(row["id"], lat, lon, row.get("district") or "all", people, where))
    return _checked(found, path.name)


def points_from_geojson(path: Path, resolution: int | None = None) -> tuple[DemandPoint, ...]:
    """Features with a ``population``; ``id`` and ``district`` are optional properties.

    A point stands for itself. An area becomes one point inside it or, with a ``resolution``, the
    H3 cells whose centres it holds, its people spread evenly over them.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadDemand(f"{path}: {error.strerror or 'cannot be read'}") from None
    except ValueError:
        raise BadDemand(f"{path.name}: is not JSON") from None
    features = data.get("features") if isinstance(data, dict) else None
    if not isinstance(features, list):
        raise BadDemand(f"{path.name}: is no FeatureCollection")
    found: list[DemandPoint] = []
    for number_of, feature in enumerate(features):
        found += _of_feature(feature, number_of, f"{path.name} features[{number_of}]", resolution)
    return _checked(found, path.name)


def _of_feature(feature: Any, row: int, where: str, resolution: int | None) -> list[DemandPoint]:
    try:
        properties = feature["properties"] or {}
        people = float(properties["population"])
        geometry = shape(feature["geometry"])
        centre = geometry.representative_point()
    except (KeyError, TypeError, ValueError, AttributeError, ShapelyError, IndexError):
        raise BadDemand(f"{where}: needs a geometry and a numeric population") from None
    name = str(properties.get("id", feature.get("id", row)))
    district = str(properties.get("district") or "all")
    if centre.is_empty:
        raise BadDemand(f"{where}: its geometry is empty")
    if resolution is not None and geometry.geom_type in ("Polygon", "MultiPolygon"):
        _check_resolution(resolution)
        cells = sorted(h3.geo_to_cells(feature["geometry"], resolution))
        if len(cells) > _MOST_CELLS:
            raise BadDemand(f"{where}: {len(cells)} cells; take a coarser resolution")
        if cells:
            places = {cell: h3.cell_to_latlng(cell) for cell in cells}
            share = people / len(cells)
            return [
                _point(f"{name}/{cell}", lat, lon, district, share, where)
                for cell, (lat, lon) in places.items()
            ]
    return [_point(name, centre.y, centre.x, district, people, where)]


def in_cells(points: Iterable[DemandPoint], resolution: int) -> tuple[DemandPoint, ...]:
    """Points gathered into H3 cells; a cell stands at the weighted middle of what it holds.

    Cells of one district only: a cell that two districts share becomes two points.
    """
    _check_resolution(resolution)
    held: dict[tuple[str, str], list[DemandPoint]] = {}
    for point in points:
        cell = h3.latlng_to_cell(point.lat, point.lon, resolution)
        held.setdefault((point.district, cell), []).append(point)
    found = []
    for (district, cell), own in held.items():
        weight = math.fsum(point.weight for point in own)
        share = [point.weight / weight if weight else 1.0 / len(own) for point in own]
        lat = math.fsum(s * point.lat for s, point in zip(share, own, strict=True))
        lon = math.fsum(s * point.lon for s, point in zip(share, own, strict=True))
        name = cell if sum(key[1] == cell for key in held) == 1 else f"{cell}/{district}"
        found.append(DemandPoint(name, lat, lon, district, weight))
    return tuple(found)


def demand_from_population(
    points: Sequence[DemandPoint],
    kinds: Sequence[WorkKind],
    per_thousand_per_day: float,
    growth_per_year: float = 0.0,
) -> Demand:
    """So many faults a day per thousand people, of these kinds.

    Raises
    ------
    BadDemand
        When the rate is not positive, or nobody lives there.
    """
    if not (math.isfinite(per_thousand_per_day) and per_thousand_per_day > 0):
        raise BadDemand(f"faults per thousand people: must be above 0, got {per_thousand_per_day}")
    people = math.fsum(point.weight for point in points)
    if people <= 0:
        raise BadDemand("nobody lives at any of the points")
    return Demand(
        tuple(points), tuple(kinds), people / 1000 * per_thousand_per_day, growth_per_year
    )


def _check_resolution(resolution: int) -> None:
    if not LEAST_RESOLUTION <= resolution <= MOST_RESOLUTION:
        raise BadDemand(f"H3 resolutions go from 0 to {MOST_RESOLUTION}, got {resolution}")


def _point(
    name: str, lat: float, lon: float, district: str, people: float, where: str
) -> DemandPoint:
    try:
        check_degrees(lat, lon)
    except ValueError as error:
        raise BadDemand(f"{where}: {error}") from None
    if not (math.isfinite(people) and people >= 0):
        raise BadDemand(f"{where}: population must not be negative, got {people:g}")
    if not name:
        raise BadDemand(f"{where}: id is empty")
    return DemandPoint(name, lat, lon, district, people)


def _checked(points: Sequence[DemandPoint], name: str) -> tuple[DemandPoint, ...]:
    seen: set[str] = set()
    for point in points:
        if point.id in seen:
            raise BadDemand(f"{name}: id {point.id!r} stands there twice")
        seen.add(point.id)
    if not any(point.weight > 0 for point in points):
        raise BadDemand(f"{name}: nobody lives in any zone")
    return tuple(points)
