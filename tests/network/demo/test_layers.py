"""The map's layers: small enough to send, and true to the streets."""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any

import numpy as np
import pytest

from network.demo import DemoRegion, map_layers
from network.demo.layers import simplify
from network.demo.network_file import Street
from network.roads.estimate import haversine_m


@pytest.fixture(scope="module")
def layers(demo_region: DemoRegion) -> dict[str, Any]:
    return map_layers(demo_region)


def line_length_m(line: np.ndarray) -> float:
    return float(haversine_m(line[:-1, ::-1], line[1:, ::-1]).sum())


def test_the_layers_are_small_enough_to_send(layers: dict[str, Any]) -> None:
    text = json.dumps(layers, ensure_ascii=False, separators=(",", ":"))
    assert 300_000 < len(text.encode()) < 3_000_000


def test_no_street_is_lost(layers: dict[str, Any], streets: list[Street]) -> None:
    drawn = sum(
        line_length_m(np.array(line))
        for feature in layers["streets"]["features"]
        for line in feature["geometry"]["coordinates"]
    )
    assert drawn == pytest.approx(sum(line_length_m(s.line) for s in streets), rel=0.005)
    named = {feature["properties"]["name"] for feature in layers["streets"]["features"]}
    assert named == {street.name for street in streets}


def test_motorways_are_drawn_on_top(layers: dict[str, Any]) -> None:
    classes = [feature["properties"]["highway"] for feature in layers["streets"]["features"]]
    assert classes[-1] == "motorway"
    runs = [highway for highway, _ in groupby(classes)]
    assert len(runs) == len(set(classes)), "each class is one layer of paint"


def test_everything_lies_within_the_bounds(layers: dict[str, Any]) -> None:
    west, south, east, north = layers["bounds"]
    assert -72 < west < east < -71
    assert -30.2 < south < north < -29.7
    for feature in layers["streets"]["features"]:
        for line in feature["geometry"]["coordinates"]:
            lons, lats = np.array(line).T
            # Bends may bulge past the junctions that make the bounds.
            assert (lons > west - 0.01).all() and (lons < east + 0.01).all()
            assert (lats > south - 0.01).all() and (lats < north + 0.01).all()


def test_zones_carry_their_population(layers: dict[str, Any]) -> None:
    zones = layers["zones"]["features"]
    assert len(zones) == 133
    assert sum(zone["properties"]["population"] for zone in zones) > 300_000


def test_the_map_names_its_source(layers: dict[str, Any]) -> None:
    assert "OpenStreetMap" in layers["attribution"]


def test_simplifying_keeps_ends_and_corners_and_drops_the_rest() -> None:
    degree_m = 111_195.0
    line = np.array([(0, 0), (50, 1), (100, 0), (100, 80), (100, 200)]) / degree_m
    np.testing.assert_array_equal(simplify(line, 4.0), line[[0, 2, 4]])
    np.testing.assert_array_equal(simplify(line, 0.5), line[[0, 1, 2, 4]])


def test_a_closed_ring_is_simplified_too() -> None:
    ring = np.array([(0, 0), (100, 0), (100, 100), (0, 100), (0, 0)]) / 111_195.0
    np.testing.assert_array_equal(simplify(ring, 4.0), ring)
