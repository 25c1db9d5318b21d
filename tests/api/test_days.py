from __future__ import annotations

from datetime import date, datetime

from flask.testing import FlaskClient

from tests.api.world import World


def test_the_day_adds_up(world: World, dispatcher: FlaskClient) -> None:
    day = dispatcher.get("/api/v1/days/today").get_json()
    assert day["timezone"] == "America/Santiago"
    west, south, east, north = day["region"]["bounds"]
    stops = [stop for who in day["technicians"] for stop in who["stops"]]
    summary = day["summary"]
    assert len(stops) + len(day["unassigned"]) == summary["jobs"]
    assert len(day["technicians"]) == summary["technicians"]
    assert len(day["urgent"]) == summary["urgent_total"]
    in_time = sum(
        entry["planned_arrival"] is not None
        and datetime.fromisoformat(entry["planned_arrival"])
        <= datetime.fromisoformat(entry["due_at"])
        for entry in day["urgent"]
    )
    assert in_time == summary["urgent_in_time"]
    assert sum(stop["class"] != "urgent" for stop in stops) == summary["other_total"] - sum(
        entry["class"] != "urgent" for entry in day["unassigned"]
    )
    for stop in stops:
        assert west <= stop["place"]["lon"] <= east
        assert south <= stop["place"]["lat"] <= north
        assert datetime.fromisoformat(stop["arrival"]).utcoffset() is not None
        assert stop["state"] == "published"
        assert stop["visit"] is not None
    assert day["plan"]["status"] == "published"
    assert day["plan"]["check"] == {"violations": []}
    assert day["plan"]["source_of_travel_times"] == summary["source_of_travel_times"] == "osrm"
    assert len(day["outlets"]) == 6


def test_colours_are_numbered_and_every_route_has_its_line(dispatcher: FlaskClient) -> None:
    technicians = dispatcher.get("/api/v1/days/today").get_json()["technicians"]
    assert [who["color_index"] for who in technicians] == list(range(len(technicians)))
    for who in technicians:
        assert (who["geometry"] is None) == (not who["stops"])
        sequence = [stop["sequence"] for stop in who["stops"]]
        assert sequence == list(range(1, len(sequence) + 1))


def test_today_is_a_day_like_any_other(dispatcher: FlaskClient) -> None:
    today = dispatcher.get("/api/v1/days/today").get_json()
    assert dispatcher.get(f"/api/v1/days/{today['date']}").get_json() == today


def test_a_day_without_a_plan_is_empty_and_says_so(dispatcher: FlaskClient) -> None:
    day = dispatcher.get(f"/api/v1/days/{date(2001, 1, 1)}").get_json()
    assert day["plan"] is None
    assert day["summary"] is None
    assert day["technicians"] == day["urgent"] == day["unassigned"] == []


def test_a_day_that_has_not_changed_is_a_304(dispatcher: FlaskClient) -> None:
    first = dispatcher.get("/api/v1/days/today")
    again = dispatcher.get("/api/v1/days/today", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_the_map_needs_nothing_from_elsewhere(dispatcher: FlaskClient) -> None:
    layers = dispatcher.get("/api/v1/map/layers")
    assert len(layers.data) < 3_000_000
    assert layers.get_json()["streets"]["type"] == "FeatureCollection"
    assert "OpenStreetMap" in layers.get_json()["attribution"]
    packed = dispatcher.get("/api/v1/map/layers", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.data) < len(layers.data) / 2


def test_who_plans_sees_where_doors_are_to_a_hundred_metres_only(
    world: World, dispatcher: FlaskClient, planner: FlaskClient
) -> None:
    def doors(client: FlaskClient) -> list[float]:
        day = client.get("/api/v1/days/today").get_json()
        plan = f"/api/v1/plans/{day['plan']['id']}/problem"
        places = client.get(plan).get_json()["locations"]
        lines = [one["geometry"] for one in day["technicians"] if one["geometry"]]
        assert places
        assert lines
        return [place[name] for place in places for name in ("lat", "lon")] + [
            degrees for line in lines for point in line["coordinates"] for degrees in point
        ]

    assert all(round(degrees, 3) == degrees for degrees in doors(planner))
    assert any(round(degrees, 3) != degrees for degrees in doors(dispatcher))
