"""The estimate: distances against the geodesic, a law that is recovered, and its error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from geopy.distance import geodesic
from hypothesis import given
from hypothesis import strategies as st

from domain.places import Place
from network.roads.estimate import (
    GENERAL_LAW,
    PowerLaw,
    TravelLaw,
    estimate_matrix,
    estimate_pair,
    fit_law,
    haversine_m,
    straight_matrix_m,
)
from optimizer.problem import UNREACHABLE

latitudes = st.floats(-80, 80)
longitudes = st.floats(-180, 180)


def scattered(count: int, seed: int = 0) -> list[Place]:
    degrees = np.random.default_rng(seed).uniform((-30.0, -71.4), (-29.8, -71.2), (count, 2))
    return [Place(lat, lon) for lat, lon in degrees.tolist()]


@given(latitudes, longitudes, latitudes, longitudes)
def test_the_great_circle_is_within_its_bound_of_the_geodesic(
    lat_a: float, lon_a: float, lat_b: float, lon_b: float
) -> None:
    exact = geodesic((lat_a, lon_a), (lat_b, lon_b)).meters
    great_circle = float(haversine_m(np.array([lat_a, lon_a]), np.array([lat_b, lon_b])))
    assert great_circle == pytest.approx(exact, rel=0.0057, abs=0.01)


def test_a_law_is_recovered_from_travel_that_follows_it() -> None:
    places = scattered(60)
    straight_m = straight_matrix_m(places)
    durations_s = np.rint(40 + 0.8 * straight_m**0.8).astype(np.int32)
    distances_m = np.rint(1.4 * straight_m).astype(np.int32)
    law = fit_law(places, durations_s, distances_m, "here")
    assert law.duration(np.array([5_000.0])) == pytest.approx(40 + 0.8 * 5_000**0.8, rel=0.01)
    assert law.distance(np.array([5_000.0])) == pytest.approx(7_000, rel=0.01)
    assert law.calibrated
    assert law.duration_error is not None
    assert law.duration_error.p90 < 0.01
    assert law.duration_error.pairs == 30 * 29


def test_outliers_hardly_move_a_law() -> None:
    places = scattered(60)
    straight_m = straight_matrix_m(places)
    durations_s = np.rint(40 + 0.1 * straight_m).astype(np.int32)
    durations_s[::10, :] *= 5
    law = fit_law(places, durations_s, durations_s, "here")
    assert law.duration(np.array([5_000.0])) == pytest.approx(540, rel=0.05)


def test_unreachable_pairs_take_no_part_in_a_fit() -> None:
    places = scattered(60)
    straight_m = straight_matrix_m(places)
    durations_s = np.rint(0.1 * straight_m).astype(np.int32)
    durations_s[5, :] = durations_s[:, 40] = UNREACHABLE
    law = fit_law(places, durations_s, durations_s, "here")
    assert law.duration(np.array([5_000.0])) == pytest.approx(500, rel=0.02)


def test_too_few_places_cannot_calibrate() -> None:
    places = scattered(8)
    travel = np.ones((8, 8), dtype=np.int32)
    with pytest.raises(ValueError, match="8 give too few"):
        fit_law(places, travel, travel, "here")


def test_pair_and_matrix_agree_within_the_sphere_s_error() -> None:
    places = scattered(10)
    durations_s, distances_m = estimate_matrix(places, GENERAL_LAW)
    duration_s, distance_m = estimate_pair(places[2], places[7], GENERAL_LAW)
    assert durations_s[2, 7] == pytest.approx(duration_s, rel=0.006, abs=1)
    assert distances_m[2, 7] == pytest.approx(distance_m, rel=0.006, abs=1)
    assert not durations_s.diagonal().any()
    assert estimate_pair(places[0], places[0], GENERAL_LAW) == (0, 0)


def test_a_law_survives_its_file(tmp_path: Path) -> None:
    law = TravelLaw(PowerLaw(1.0, 2.0, 0.5), PowerLaw(0.0, 1.3, 1.0), None, None, "here")
    law.save(tmp_path / "law.json")
    assert TravelLaw.load(tmp_path / "law.json") == law


@pytest.mark.parametrize("text", ["{}", "[]", "{", '{"duration": {"offset": 1}}'])
def test_a_file_without_a_law_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "law.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"law\.json: not a travel law"):
        TravelLaw.load(path)
