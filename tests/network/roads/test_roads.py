"""The face of the roads: cache, fall-back and honesty about both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import osmium
import pytest

from domain.places import Place
from network.demo import DemoRegion
from network.demo.demand import Address
from network.roads import OsrmClient, OsrmUnavailable, Roads, build_graph
from network.roads.estimate import estimate_matrix
from network.roads.server import free_port, running_server
from optimizer.problem import UNREACHABLE

OFF_THE_COAST = Place(-29.90, -71.32)
PORTO = Path(__file__).parents[4] / "shared/data/roads/porto_metro.osm.pbf"


@pytest.fixture
def roads(osrm_url: str, demo_region: DemoRegion) -> Iterator[Roads]:
    with Roads(osrm_url, demo_region.graph.version, demo_region.law) as roads:
        yield roads


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Shapes of the matrices that servers are asked for; they still answer."""
    shapes: list[tuple[int, int]] = []
    really_ask = OsrmClient.matrix

    def noted(
        self: OsrmClient, origins: Sequence[Place], destinations: Sequence[Place]
    ) -> tuple[np.ndarray, np.ndarray]:
        shapes.append((len(origins), len(destinations)))
        return really_ask(self, origins, destinations)

    monkeypatch.setattr(OsrmClient, "matrix", noted)
    return shapes


def test_a_matrix_comes_from_roads(roads: Roads, places: list[Place]) -> None:
    matrix = roads.matrix(places)
    assert matrix.source == "osrm"
    assert matrix.law is None
    assert matrix.durations_s.shape == (200, 200)
    assert matrix.durations_s.dtype == np.int32
    assert not matrix.durations_s.diagonal().any()
    assert (matrix.durations_s < UNREACHABLE).all()
    assert not matrix.estimated.any()
    assert not matrix.unreachable.any()
    assert matrix.snapped_m.max() < 15.0
    # No car is driven faster than the fastest limit allows.
    off_diagonal = ~np.eye(200, dtype=bool) & (matrix.distances_m > 500)
    assert (matrix.distances_m[off_diagonal] / matrix.durations_s[off_diagonal] * 3.6).max() < 100


def test_a_new_job_costs_a_row_and_a_column(
    roads: Roads, places: list[Place], asked: list[tuple[int, int]]
) -> None:
    roads.matrix(places[:30])
    roads.matrix(places[5:25])
    assert asked == [(30, 30)]
    grown = roads.matrix(places[:31])
    assert asked[1:] == [(1, 31), (30, 1)]
    with Roads(roads._osrm.url) as fresh:
        np.testing.assert_array_equal(grown.durations_s, fresh.matrix(places[:31]).durations_s)


def test_halves_that_know_only_themselves_are_joined(
    roads: Roads, places: list[Place], asked: list[tuple[int, int]]
) -> None:
    roads.matrix(places[:10])
    roads.matrix(places[10:20])
    joined = roads.matrix(places[:20])
    with Roads(roads._osrm.url) as fresh:
        np.testing.assert_array_equal(joined.distances_m, fresh.matrix(places[:20]).distances_m)


def test_a_second_process_finds_the_matrix_on_disk(
    osrm_url: str, places: list[Place], tmp_path: Path, asked: list[tuple[int, int]]
) -> None:
    with Roads(osrm_url, cache_dir=tmp_path) as first:
        before = first.matrix(places[:20])
    with Roads(osrm_url, cache_dir=tmp_path) as second:
        after = second.matrix(places[:20])
    np.testing.assert_array_equal(before.durations_s, after.durations_s)
    assert asked == [(20, 20)]
    (file,) = tmp_path.glob("*.npz")
    assert file.name.startswith("osrm"), "the file carries the version that the server told"


def test_equal_places_share_a_row(roads: Roads, places: list[Place]) -> None:
    matrix = roads.matrix([places[0], places[1], places[0]])
    np.testing.assert_array_equal(matrix.durations_s[0], matrix.durations_s[2])
    assert matrix.durations_s[0, 2] == 0


def test_a_place_far_from_roads_is_marked_unreachable(roads: Roads, places: list[Place]) -> None:
    matrix = roads.matrix([places[0], OFF_THE_COAST, places[1]])
    assert matrix.unreachable.tolist() == [False, True, False]
    assert matrix.snapped_m[1] > 300
    off = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], dtype=bool)
    np.testing.assert_array_equal(matrix.durations_s == UNREACHABLE, off)
    np.testing.assert_array_equal(matrix.distances_m == UNREACHABLE, off)
    assert matrix.source == "osrm"


def test_no_places_make_an_empty_matrix(roads: Roads) -> None:
    assert roads.matrix([]).durations_s.shape == (0, 0)


def test_without_a_server_travel_is_estimated_and_says_so(
    demo_region: DemoRegion, places: list[Place]
) -> None:
    with Roads(f"http://127.0.0.1:{free_port()}", law=demo_region.law) as roads:
        matrix = roads.matrix(places[:5])
        path = roads.route(places[:3])
        assert roads.street_name(places[0]) is None
    assert matrix.source == path.source == "estimated"
    assert matrix.law == demo_region.law
    assert np.isnan(matrix.snapped_m).all()
    np.testing.assert_array_equal(
        matrix.durations_s, estimate_matrix(places[:5], demo_region.law)[0]
    )
    assert [leg.source for leg in path.legs] == ["estimated", "estimated"]
    assert len(path.geometry["coordinates"]) == 3


def test_when_the_server_goes_away_known_pairs_stay_and_new_ones_are_estimated(
    demo_region: DemoRegion, places: list[Place]
) -> None:
    with running_server(demo_region.graph.directory) as url:
        roads = Roads(url, law=demo_region.law)
        before = roads.matrix(places[:4])
    matrix = roads.matrix(places[:5])
    roads.close()
    assert matrix.source == "mixed"
    assert matrix.law == demo_region.law
    np.testing.assert_array_equal(matrix.durations_s[:4, :4], before.durations_s)
    assert matrix.estimated.sum() == 8
    assert matrix.estimated[4, :4].all()
    assert matrix.estimated[:4, 4].all()


def test_the_region_s_law_is_near_the_roads(
    roads: Roads, demo_region: DemoRegion, places: list[Place]
) -> None:
    real = roads.matrix(places)
    guess, _ = estimate_matrix(places, demo_region.law)
    pairs = real.durations_s > 0
    error = np.abs(guess[pairs] / real.durations_s[pairs] - 1)
    assert demo_region.law.duration_error is not None
    assert np.median(error) < demo_region.law.duration_error.median + 0.04
    assert np.quantile(error, 0.9) < demo_region.law.duration_error.p90 + 0.08


def test_calibrating_twice_gives_the_same_law(roads: Roads, places: list[Place]) -> None:
    law = roads.calibrate(places, seed=3)
    assert law == roads.calibrate(places, seed=3) == roads.law
    assert law.calibrated


def test_calibrating_needs_a_server(places: list[Place]) -> None:
    with Roads(None) as roads, pytest.raises(OsrmUnavailable):
        roads.calibrate(places)


def test_a_route_has_a_leg_between_neighbours_and_a_line_on_streets(
    roads: Roads, places: list[Place]
) -> None:
    path = roads.route(places[:4])
    assert [leg.source for leg in path.legs] == ["osrm"] * 3
    assert all(leg.duration_s > 0 for leg in path.legs)
    assert len(path.geometry["coordinates"]) > 20
    lon, lat = path.geometry["coordinates"][-1]
    assert (lat, lon) == pytest.approx((places[3].lat, places[3].lon), abs=3e-4)


def test_legs_to_a_place_off_the_roads_are_straight_and_unreachable(
    roads: Roads, places: list[Place]
) -> None:
    path = roads.route([places[0], places[1], OFF_THE_COAST, places[2], places[3]])
    reachable = [leg.duration_s < UNREACHABLE for leg in path.legs]
    assert reachable == [True, False, False, True]


def test_legs_between_islands_are_unreachable_and_the_others_driven(
    tiny_extract: Callable[[str, int], Path], tmp_path: Path
) -> None:
    graph = build_graph(tiny_extract("islands.osm.pbf", 2), tmp_path / "graphs")
    stops = [Place(0.0, 0.01), Place(0.0, 0.03), Place(0.1, 0.03), Place(0.1, 0.01)]
    with running_server(graph.directory) as url, Roads(url) as roads:
        path = roads.route(stops)
    assert [leg.duration_s < UNREACHABLE for leg in path.legs] == [True, False, True]


def test_a_route_takes_two_places(roads: Roads, places: list[Place]) -> None:
    with pytest.raises(ValueError, match="at least two"):
        roads.route(places[:1])


def test_most_front_doors_are_on_the_street_they_are_named_for(
    roads: Roads, addresses: list[Address]
) -> None:
    named = [roads.street_name(address.place) == address.street for address in addresses]
    assert np.mean(named) > 0.8, "at corners the other street may be nearer"
    assert roads.street_name(OFF_THE_COAST) is None


@pytest.mark.skipif(not PORTO.is_file(), reason="no extract of Porto beside the repository")
def test_a_piece_of_a_full_osm_extract_is_routable(tmp_path: Path) -> None:
    # A piece of the old town: the whole would take more than a minute to contract.
    south, north, west, east = 41.14, 41.16, -8.63, -8.60
    piece = tmp_path / "piece.osm.pbf"
    ways = (
        osmium.FileProcessor(str(PORTO))
        .with_locations()
        .with_filter(osmium.filter.EntityFilter(osmium.osm.WAY))
        .with_filter(osmium.filter.KeyFilter("highway"))
    )
    with osmium.BackReferenceWriter(str(piece), ref_src=str(PORTO), overwrite=True) as writer:
        for way in ways:
            start = way.nodes[0].location
            if start.valid() and south < start.lat < north and west < start.lon < east:
                writer.add(way)
    graph = build_graph(piece, tmp_path / "graphs")
    with running_server(graph.directory) as url, Roads(url) as roads:
        matrix = roads.matrix([Place(41.147, -8.615), Place(41.152, -8.609), Place(41.145, -8.61)])
    assert matrix.source == "osrm"
    assert not matrix.unreachable.any()
    assert (matrix.durations_s[~np.eye(3, dtype=bool)] > 30).all()
    assert (matrix.durations_s < 1_800).all()
