"""Places on the earth: WGS-84, and the one spot where GeoJSON's axis order is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A point in WGS-84.

    Parameters
    ----------
    lat, lon
        Degrees north (−90…90) and east (−180…180).

    Raises
    ------
    ValueError
        When a coordinate is not a finite number in its range.

    Notes
    -----
    Chinese web maps use other datums; see :mod:`domain.map_datums` for their types.
    """

    lat: float
    lon: float

    def __post_init__(self) -> None:
        check_degrees(self.lat, self.lon)


def check_degrees(lat: float, lon: float) -> None:
    """Raise ``ValueError`` unless ``lat`` and ``lon`` are finite degrees in their ranges."""
    for name, value, bound in (("lat", lat, 90.0), ("lon", lon, 180.0)):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{name}: expected degrees as a number, got {value!r}")
        if not math.isfinite(value) or abs(value) > bound:
            raise ValueError(f"{name}: expected degrees within ±{bound:g}, got {value!r}")


def to_geojson_position(place: Place) -> list[float]:
    """GeoJSON's position of a place: ``[longitude, latitude]`` (RFC 7946, section 3.1.1)."""
    return [place.lon, place.lat]


def from_geojson_position(position: Sequence[float]) -> Place:
    """Place at a GeoJSON position; a third member (altitude) is left out.

    Raises
    ------
    ValueError
        When there are not two or three members, or a coordinate is out of range.
    """
    if len(position) not in (2, 3):
        raise ValueError(f"position: expected [longitude, latitude], got {list(position)!r}")
    return Place(lat=position[1], lon=position[0])
