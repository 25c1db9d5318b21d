"""GCJ-02 and BD-09, the datums of Chinese web maps, and their conversion from and to WGS-84.

Chinese law has map services publish shifted coordinates: GCJ-02 (AMap, Tencent) moves a point by
100–700 m, BD-09 (Baidu) shifts that once more. Neither is published; the formulas here are the
ones in common use (see https://en.wikipedia.org/wiki/Restrictions_on_geographic_data_in_China).
The types keep the datums apart, so that a shifted point cannot be taken for a :class:`Place`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from domain.places import Place, check_degrees

# Krasovsky 1940, the ellipsoid of GCJ-02.
_SEMI_MAJOR_AXIS_M = 6_378_245.0
_ECCENTRICITY_SQUARED = 0.00669342162296594323

# The rectangle in which the shift applies, Taiwan and neighbouring countries included.
_SOUTH, _NORTH, _WEST, _EAST = 0.8293, 55.8271, 72.004, 137.8347

_BAIDU_FREQUENCY = math.pi * 3000.0 / 180.0

# The shift varies by less than 1 % of the displacement, so that each round gains two digits.
_INVERSION_ROUNDS = 6


@dataclass(frozen=True, slots=True)
class Gcj02Place:
    """A point in GCJ-02 degrees, as AMap and Tencent give it. Raises ``ValueError`` like Place."""

    lat: float
    lon: float

    def __post_init__(self) -> None:
        check_degrees(self.lat, self.lon)


@dataclass(frozen=True, slots=True)
class Bd09Place:
    """A point in BD-09 degrees, as Baidu gives it. Raises ``ValueError`` like Place."""

    lat: float
    lon: float

    def __post_init__(self) -> None:
        check_degrees(self.lat, self.lon)


def wgs84_to_gcj02(place: Place) -> Gcj02Place:
    """Shift a WGS-84 place to GCJ-02; outside the rectangle of the shift it stays as it is."""
    return Gcj02Place(*_shift(place.lat, place.lon))


def gcj02_to_wgs84(place: Gcj02Place) -> Place:
    """Undo the GCJ-02 shift, to well under a metre.

    Within a kilometre of the rectangle's edge, where shifted and plain points overlap, the
    answer is the plain point if the shifted one would lie outside.
    """
    lat, lon = _invert(_shift, place.lat, place.lon)
    return Place(lat, lon) if _is_shifted(lat, lon) else Place(place.lat, place.lon)


def gcj02_to_bd09(place: Gcj02Place) -> Bd09Place:
    """Shift a GCJ-02 place to BD-09."""
    return Bd09Place(*_shift_baidu(place.lat, place.lon))


def bd09_to_gcj02(place: Bd09Place) -> Gcj02Place:
    """Undo the BD-09 shift, to well under a metre."""
    return Gcj02Place(*_invert(_shift_baidu, place.lat, place.lon))


def wgs84_to_bd09(place: Place) -> Bd09Place:
    """WGS-84 to BD-09 by way of GCJ-02."""
    return gcj02_to_bd09(wgs84_to_gcj02(place))


def bd09_to_wgs84(place: Bd09Place) -> Place:
    """BD-09 to WGS-84 by way of GCJ-02."""
    return gcj02_to_wgs84(bd09_to_gcj02(place))


def _is_shifted(lat: float, lon: float) -> bool:
    return _SOUTH <= lat <= _NORTH and _WEST <= lon <= _EAST


def _shift(lat: float, lon: float) -> tuple[float, float]:
    if not _is_shifted(lat, lon):
        return lat, lon
    x, y = lon - 105.0, lat - 35.0
    common = 20.0 * math.sin(6.0 * x * math.pi) + 20.0 * math.sin(2.0 * x * math.pi)
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x))
    north_m += (2.0 / 3.0) * (common + _waves(y, (20.0, 1.0), (40.0, 1 / 3)))
    north_m += (2.0 / 3.0) * _waves(y, (160.0, 1 / 12), (320.0, 1 / 30))
    east_m = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x))
    east_m += (2.0 / 3.0) * (common + _waves(x, (20.0, 1.0), (40.0, 1 / 3)))
    east_m += (2.0 / 3.0) * _waves(x, (150.0, 1 / 12), (300.0, 1 / 30))

    latitude = math.radians(lat)
    flattening = 1.0 - _ECCENTRICITY_SQUARED * math.sin(latitude) ** 2
    meridian_m = _SEMI_MAJOR_AXIS_M * (1.0 - _ECCENTRICITY_SQUARED) / flattening**1.5
    parallel_m = _SEMI_MAJOR_AXIS_M / math.sqrt(flattening) * math.cos(latitude)
    return lat + math.degrees(north_m / meridian_m), lon + math.degrees(east_m / parallel_m)


def _waves(value: float, *amplitudes: tuple[float, float]) -> float:
    return sum(size * math.sin(value * frequency * math.pi) for size, frequency in amplitudes)


def _shift_baidu(lat: float, lon: float) -> tuple[float, float]:
    radius = math.hypot(lon, lat) + 0.00002 * math.sin(lat * _BAIDU_FREQUENCY)
    angle = math.atan2(lat, lon) + 0.000003 * math.cos(lon * _BAIDU_FREQUENCY)
    return radius * math.sin(angle) + 0.006, radius * math.cos(angle) + 0.0065


def _invert(
    shift: Callable[[float, float], tuple[float, float]], lat: float, lon: float
) -> tuple[float, float]:
    guess_lat, guess_lon = lat, lon
    for _ in range(_INVERSION_ROUNDS):
        shifted_lat, shifted_lon = shift(guess_lat, guess_lon)
        guess_lat += lat - shifted_lat
        guess_lon += lon - shifted_lon
    return guess_lat, guess_lon
