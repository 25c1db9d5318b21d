"""Chinese map datums: known shifts, and there and back within a metre."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.map_datums import (
    Bd09Place,
    Gcj02Place,
    bd09_to_gcj02,
    bd09_to_wgs84,
    gcj02_to_bd09,
    gcj02_to_wgs84,
    wgs84_to_bd09,
    wgs84_to_gcj02,
)
from domain.places import Place

AnyPlace = Place | Gcj02Place | Bd09Place

# A hundredth of a degree off the edge of the shift, where shifted and plain points overlap.
chinese_latitudes = st.floats(0.84, 55.81)
chinese_longitudes = st.floats(72.02, 137.82)


def gap_m(a: AnyPlace, b: AnyPlace) -> float:
    north = (a.lat - b.lat) * 111_195
    east = (a.lon - b.lon) * 111_195 * math.cos(math.radians(a.lat))
    return math.hypot(north, east)


@given(chinese_latitudes, chinese_longitudes)
def test_gcj02_there_and_back_is_within_a_metre(lat: float, lon: float) -> None:
    place = Place(lat, lon)
    assert gap_m(gcj02_to_wgs84(wgs84_to_gcj02(place)), place) < 1.0


@given(chinese_latitudes, chinese_longitudes)
def test_bd09_there_and_back_is_within_a_metre(lat: float, lon: float) -> None:
    place = Place(lat, lon)
    assert gap_m(bd09_to_wgs84(wgs84_to_bd09(place)), place) < 1.0


@given(chinese_latitudes, chinese_longitudes)
def test_gcj02_by_way_of_bd09_is_within_a_metre(lat: float, lon: float) -> None:
    place = Gcj02Place(lat, lon)
    assert gap_m(bd09_to_gcj02(gcj02_to_bd09(place)), place) < 1.0


@given(chinese_latitudes, chinese_longitudes)
def test_the_shift_is_of_the_known_size(lat: float, lon: float) -> None:
    place = Place(lat, lon)
    assert 20.0 < gap_m(wgs84_to_gcj02(place), place) < 1_500.0
    # BD-09 adds 0.006° each way, and a ripple of some metres.
    assert 700.0 < gap_m(gcj02_to_bd09(Gcj02Place(lat, lon)), place) < 1_200.0


def test_a_published_pair_of_points_is_met() -> None:
    # Tiananmen as Baidu, AMap and GPS give it, to the few metres that such points are good for.
    gps = Place(39.9073, 116.3912)
    assert gap_m(wgs84_to_gcj02(gps), Gcj02Place(39.9087, 116.3974)) < 15.0
    assert gap_m(wgs84_to_bd09(gps), Bd09Place(39.9150, 116.4039)) < 25.0


@pytest.mark.parametrize("place", [Place(-29.9, -71.25), Place(48.85, 2.35), Place(35.0, 139.7)])
def test_outside_the_shift_gcj02_is_wgs84(place: Place) -> None:
    shifted = wgs84_to_gcj02(place)
    assert (shifted.lat, shifted.lon) == (place.lat, place.lon)
    assert gcj02_to_wgs84(shifted) == place


@pytest.mark.parametrize("datum", [Gcj02Place, Bd09Place])
def test_a_point_in_any_datum_is_checked(datum: type[AnyPlace]) -> None:
    with pytest.raises(ValueError, match=r"^lat: "):
        datum(95.0, 100.0)
