"""Places refuse what is no place; GeoJSON's order is longitude first."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.places import Place, from_geojson_position, to_geojson_position


@pytest.mark.parametrize(
    ("lat", "lon", "named"),
    [
        (90.1, 0, "lat"),
        (-91, 0, "lat"),
        (0, 180.5, "lon"),
        (0, -181, "lon"),
        (math.nan, 0, "lat"),
        (0, math.inf, "lon"),
        ("1", 0, "lat"),
        (0, None, "lon"),
        (True, 0, "lat"),
    ],
)
def test_what_is_no_place_is_refused_by_the_coordinate_s_name(
    lat: Any, lon: Any, named: str
) -> None:
    with pytest.raises(ValueError, match=f"^{named}: "):
        Place(lat, lon)


@pytest.mark.parametrize(("lat", "lon"), [(90, 180), (-90.0, -180.0), (0, 0)])
def test_the_edges_of_the_earth_are_places(lat: float, lon: float) -> None:
    assert (Place(lat, lon).lat, Place(lat, lon).lon) == (lat, lon)


def test_geojson_puts_longitude_first() -> None:
    assert to_geojson_position(Place(lat=-29.9, lon=-71.25)) == [-71.25, -29.9]
    assert from_geojson_position([-71.25, -29.9]) == Place(lat=-29.9, lon=-71.25)
    assert from_geojson_position([-71.25, -29.9, 12.0]) == Place(lat=-29.9, lon=-71.25)


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_geojson_there_and_back_is_the_same_place(lat: float, lon: float) -> None:
    assert from_geojson_position(to_geojson_position(Place(lat, lon))) == Place(lat, lon)


@pytest.mark.parametrize("position", [[], [1.0], [1.0, 2.0, 3.0, 4.0]])
def test_a_position_has_two_or_three_members(position: list[float]) -> None:
    with pytest.raises(ValueError, match="position"):
        from_geojson_position(position)
