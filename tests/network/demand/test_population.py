"""Demand from where people live: zones, areas, cells; and what is wrong is named."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from network.demand import (
    BadDemand,
    demand_from_population,
    in_cells,
    points_from_csv,
    points_from_geojson,
)
from network.simulate import DemandPoint, WorkKind

SQUARE = [[[-71.3, -30.0], [-71.2, -30.0], [-71.2, -29.9], [-71.3, -29.9], [-71.3, -30.0]]]


def _geojson(tmp_path: Path, *features: dict[str, object]) -> Path:
    path = tmp_path / "zones.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def _area(**properties: object) -> dict[str, object]:
    geometry = {"type": "Polygon", "coordinates": SQUARE}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def test_zones_of_a_csv_become_points_by_their_people(tmp_path: Path) -> None:
    path = tmp_path / "zones.csv"
    path.write_text("id,lat,lon,population,district\na,-29.9,-71.2,300,north\nb,-30,-71.3,100,\n")
    points = points_from_csv(path)
    assert [(p.id, p.weight, p.district) for p in points] == [
        ("a", 300.0, "north"), ("b", 100.0, "all"),
    ]  # fmt: skip
    kinds = (WorkKind("leak", "urgent", 1.0, 2400),)
    demand = demand_from_population(points, kinds, 2.5)
    assert demand.per_day == pytest.approx(1.0)
    with pytest.raises(BadDemand, match="above 0"):
        demand_from_population(points, kinds, math.nan)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,lat,lon\na,1,2\n", "column 'population' is missing"),
        ("id,lat,lon,population,colour\n", "unknown column 'colour'"),
        ("id,lat,lon,population\na,1,2,-5\n", "line 2: population must not be negative"),
        ("id,lat,lon,population\na,1,2,NaN\n", "'NaN' is not a number"),
        ("id,lat,lon,population\na,95,2,5\n", "line 2: lat"),
        ("id,lat,lon,population\na,1,2,5\na,1,3,5\n", "'a' stands there twice"),
        ("id,lat,lon,population\na,1,2,0\n", "nobody lives"),
        ("id,lat,lon,population\na,1\n", "not as many fields"),
        ("id,lat,lon,population\n", "nobody lives"),
    ],
)
def test_a_bad_csv_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "zones.csv"
    path.write_text(text)
    with pytest.raises(BadDemand, match=words):
        points_from_csv(path)


def test_an_area_becomes_a_point_inside_or_cells_that_share_its_people(tmp_path: Path) -> None:
    path = _geojson(tmp_path, _area(population=900, district="centre", id="z"))
    (alone,) = points_from_geojson(path)
    assert -30.0 < alone.lat < -29.9
    assert -71.3 < alone.lon < -71.2
    cells = points_from_geojson(path, resolution=7)
    assert len(cells) > 5
    assert math.fsum(cell.weight for cell in cells) == pytest.approx(900)
    assert {cell.district for cell in cells} == {"centre"}


def test_a_feature_without_people_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadDemand, match=r"features\[0\]: needs a geometry and a numeric"):
        points_from_geojson(_geojson(tmp_path, _area(people=3)))
    with pytest.raises(BadDemand, match="resolutions go from 0 to 15"):
        points_from_geojson(_geojson(tmp_path, _area(population=3)), resolution=16)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(-60, 60), st.floats(-170, 170), st.sampled_from("ab"), st.floats(0, 1e6)
        ),
        min_size=1,
        max_size=30,
    ),
    st.integers(3, 9),
)
def test_cells_lose_nobody(rows: list[tuple[float, float, str, float]], resolution: int) -> None:
    points = [
        DemandPoint(str(k), lat, lon, district, weight)
        for k, (lat, lon, district, weight) in enumerate(rows)
    ]
    cells = in_cells(points, resolution)
    assert len({cell.id for cell in cells}) == len(cells)
    for name in "ab":
        assert math.fsum(c.weight for c in cells if c.district == name) == pytest.approx(
            math.fsum(p.weight for p in points if p.district == name)
        )
