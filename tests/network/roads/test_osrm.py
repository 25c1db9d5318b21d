"""The client against real servers: snapping that never lies, blocks, routes, failures."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from domain.places import Place
from network.demo import DemoRegion
from network.roads import OsrmClient, OsrmUnavailable, build_graph, osrm, server
from network.roads.osrm import SNAP_CAP_M, NoRoute
from network.roads.server import free_port, running_server
from optimizer.problem import UNREACHABLE

OFF_THE_COAST = Place(-29.90, -71.32)
FAR_AWAY = Place(-29.9, -75.4)


@pytest.fixture
def client(osrm_url: str) -> Iterator[OsrmClient]:
    with OsrmClient(osrm_url) as client:
        yield client


def test_a_front_door_is_snapped_to_the_road_before_it(
    client: OsrmClient, places: list[Place]
) -> None:
    snaps = client.snap(places)
    assert all(snap.reachable for snap in snaps)
    assert max(snap.distance_m for snap in snaps) < 15.0


@pytest.mark.parametrize("place", [OFF_THE_COAST, FAR_AWAY])
def test_a_place_far_from_roads_is_marked_and_not_moved_silently(
    client: OsrmClient, places: list[Place], place: Place
) -> None:
    for batch in ([place], [places[0], place]):
        snap = client.snap(batch)[-1]
        assert not snap.reachable
        assert snap.distance_m > SNAP_CAP_M


def test_places_snap_alike_alone_and_together(client: OsrmClient, places: list[Place]) -> None:
    some = [*places[:5], OFF_THE_COAST]
    assert client.snap(some) == [snap for place in some for snap in client.snap([place])]


def test_a_server_that_limits_snaps_per_request_is_asked_one_by_one(
    demo_region: DemoRegion,
    client: OsrmClient,
    places: list[Place],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "MAX_NEAREST_SIZE", 1)
    with running_server(demo_region.graph.directory) as url, OsrmClient(url) as limited:
        assert limited.snap(places[:12]) == client.snap(places[:12])


def test_blocks_make_up_the_matrix_of_a_single_request(
    client: OsrmClient, places: list[Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    points = [snap.place for snap in client.snap(places[:23])]
    whole = client.matrix(points, points)
    monkeypatch.setattr(osrm, "BLOCK_SIZE", 7)
    blocks = client.matrix(points, points)
    np.testing.assert_array_equal(whole[0], blocks[0])
    np.testing.assert_array_equal(whole[1], blocks[1])
    assert whole[0].dtype == whole[1].dtype == np.int32
    assert (whole[0] < UNREACHABLE).all()


def test_rows_are_origins_and_columns_are_destinations(
    client: OsrmClient, places: list[Place]
) -> None:
    points = [snap.place for snap in client.snap(places[:9])]
    square, _ = client.matrix(points, points)
    rectangle, _ = client.matrix(points[:3], points[3:])
    np.testing.assert_array_equal(rectangle, square[:3, 3:])
    assert (square != square.T).any(), "one-way streets make the ways there and back differ"


def test_legs_of_a_route_are_the_matrix_entries(client: OsrmClient, places: list[Place]) -> None:
    points = [snap.place for snap in client.snap(places[:40])]
    durations_s, distances_m = client.matrix(points, points)
    route = client.route(points)
    legs = (np.arange(39), np.arange(1, 40))
    # The line passes through the points as printed, to a tenth of a metre.
    np.testing.assert_allclose(route.durations_s, durations_s[legs], atol=1)
    np.testing.assert_allclose(route.distances_m, distances_m[legs], atol=2)
    assert route.geometry["type"] == "LineString"
    start = route.geometry["coordinates"][0]
    assert start == pytest.approx([points[0].lon, points[0].lat], abs=1e-5)


def test_streets_that_do_not_meet_are_unreachable_from_each_other(
    tiny_extract: Callable[[str, int], Path], tmp_path: Path
) -> None:
    graph = build_graph(tiny_extract("islands.osm.pbf", 2), tmp_path / "graphs")
    here, there = Place(0.0, 0.01), Place(0.1, 0.01)
    along = Place(0.0, 0.03)
    with running_server(graph.directory) as url, OsrmClient(url) as client:
        durations_s, distances_m = client.matrix([here, along, there], [here, along, there])
        with pytest.raises(NoRoute):
            client.route([here, there])
    connected = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]], dtype=bool)
    np.testing.assert_array_equal(durations_s < UNREACHABLE, connected)
    np.testing.assert_array_equal(distances_m < UNREACHABLE, connected)
    assert distances_m[0, 1] == pytest.approx(0.02 * 111_195, rel=0.01)


def test_a_closed_port_is_unavailable_and_named(places: list[Place]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with OsrmClient(url) as client, pytest.raises(OsrmUnavailable, match=url):
        client.snap(places[:2])


def test_a_server_of_another_kind_is_unavailable(places: list[Place]) -> None:
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"42")

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    with http.server.HTTPServer(("127.0.0.1", 0), Page) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        with (
            OsrmClient(f"http://127.0.0.1:{other.server_port}") as client,
            pytest.raises(OsrmUnavailable, match="not an OSRM server"),
        ):
            client.snap(places[:1])
        other.shutdown()


def test_a_route_takes_two_places(client: OsrmClient, places: list[Place]) -> None:
    with pytest.raises(ValueError, match="at least two"):
        client.route(places[:1])
