from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event as sql_event
from sqlalchemy import func, select

from api.db.models import Activity, Job, Visit, VisitEvent
from tests.api.world import World, busy_logins, event, first_stop


@pytest.fixture(scope="module")
def logins(world: World) -> list[str]:
    return busy_logins(world, 8)


def test_a_route_has_what_the_work_needs(world: World, logins: list[str]) -> None:
    sheet = world.client(logins[0]).get("/api/v1/me/route").get_json()
    assert sheet["source_of_travel_times"] == "osrm"
    assert sheet["geometry"]["type"] == "LineString"
    assert len(sheet["geometry"]["coordinates"]) > 2
    arrivals = [datetime.fromisoformat(stop["arrival"]) for stop in sheet["stops"]]
    assert arrivals == sorted(arrivals)
    assert arrivals[0].utcoffset() in (timedelta(hours=-3), timedelta(hours=-4))
    stop = sheet["stops"][0]
    assert stop["next_events"] == ["accepted"]
    assert {"name", "phone"} == set(stop["consumer"])
    for key in ("address", "place", "product", "fault", "description", "parts", "due", "class"):
        assert stop[key] is not None


def test_a_phone_that_has_the_route_gets_a_304_for_two_queries(
    world: World, logins: list[str]
) -> None:
    client = world.client(logins[0])
    first = client.get("/api/v1/me/route")
    statements: list[str] = []

    def count(*arguments: Any) -> None:
        statements.append(arguments[2])

    sql_event.listen(world.app.extensions["zhunda.engine"], "before_cursor_execute", count)
    try:
        again = client.get("/api/v1/me/route", headers={"If-None-Match": first.headers["ETag"]})
    finally:
        sql_event.remove(world.app.extensions["zhunda.engine"], "before_cursor_execute", count)
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    # Who asks, and the tag: nothing else.
    assert len(statements) == 2


def test_a_technician_sees_no_other_technicians_route(world: World, logins: list[str]) -> None:
    mine, other = world.client(logins[0]), world.client(logins[1])
    ids = [client.get("/api/v1/session").get_json()["technician_id"] for client in (mine, other)]
    assert mine.get(f"/api/v1/technicians/{ids[0]}/route").status_code == 200
    refused = mine.get(f"/api/v1/technicians/{ids[1]}/route")
    assert refused.status_code == 403
    assert refused.content_type == "application/problem+json"
    assert refused.get_json()["code"] == "forbidden"
    desk = world.client("dispatch").get(f"/api/v1/technicians/{ids[1]}/route")
    assert desk.get_json() == other.get("/api/v1/me/route").get_json()


def test_a_visit_is_accepted_driven_to_arrived_at_and_done(world: World, logins: list[str]) -> None:
    client, visit_id = first_stop(world, logins[0])
    path = f"/api/v1/visits/{visit_id}/events"
    seen = {client.get("/api/v1/me/route").headers["ETag"]}
    for kind in ("accepted", "on_the_way", "arrived", "done"):
        answer = client.post(path, json=event(kind))
        assert answer.status_code == 201, answer.text
        assert answer.get_json()["state"] == kind
        if kind == "arrived":
            assert answer.get_json()["in_time"] is True
            assert answer.get_json()["slack_s"] > 0
        sheet = client.get("/api/v1/me/route")
        seen.add(sheet.headers["ETag"])
        states = {stop["visit_id"]: stop["state"] for stop in sheet.get_json()["stops"]}
        assert states[str(visit_id)] == kind
    assert len(seen) == 5, "every event changes the tag"
    with world.sessions() as session:
        visit = session.get_one(Visit, visit_id)
        assert session.get_one(Job, visit.job_id).status == "done"
        kinds = session.scalars(
            select(Activity.kind).where(Activity.subject_id == visit_id).order_by(Activity.seq)
        ).all()
    assert kinds == ["visit_accepted", "visit_on_the_way", "visit_arrived", "visit_done"]


def test_an_event_sent_twice_is_taken_once_and_answered_alike(
    world: World, logins: list[str]
) -> None:
    client, visit_id = first_stop(world, logins[1])
    path = f"/api/v1/visits/{visit_id}/events"
    told = event("accepted")
    first = client.post(path, json=told, headers={"Idempotency-Key": "phone-1"})
    tag = client.get("/api/v1/me/route").headers["ETag"]
    with_key = client.post(path, json=told, headers={"Idempotency-Key": "phone-1"})
    without_key = client.post(path, json=told)
    assert first.status_code == with_key.status_code == without_key.status_code == 201
    assert first.data == with_key.data == without_key.data
    assert client.get("/api/v1/me/route").headers["ETag"] == tag
    with world.sessions() as session:
        count = select(func.count()).select_from(VisitEvent).where(VisitEvent.visit_id == visit_id)
        assert session.scalar(count) == 1


def test_an_event_id_names_one_event_for_ever(world: World, logins: list[str]) -> None:
    client, visit_id = first_stop(world, logins[2])
    path = f"/api/v1/visits/{visit_id}/events"
    told = event("accepted")
    assert client.post(path, json=told).status_code == 201
    answer = client.post(path, json={**told, "event": "on_the_way"})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "event_id_reused")


def test_an_event_out_of_order_is_refused_with_what_is_allowed(
    world: World, logins: list[str]
) -> None:
    client, visit_id = first_stop(world, logins[3])
    answer = client.post(f"/api/v1/visits/{visit_id}/events", json=event("done"))
    assert answer.status_code == 409
    assert answer.get_json()["code"] == "illegal_transition"
    assert answer.get_json()["params"]["allowed"] == ["accepted", "cancelled", "withdrawn"]


def test_nobody_reports_on_another_technicians_visit(world: World, logins: list[str]) -> None:
    _, visit_id = first_stop(world, logins[3])
    other = world.client(logins[4])
    answer = other.post(f"/api/v1/visits/{visit_id}/events", json=event("accepted"))
    assert (answer.status_code, answer.get_json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    "change",
    [
        {"event": "arrived", "place": None},
        {"event": "withdrawn"},
        {"at": "2026-11-24T08:00:00"},
        {"at": (datetime.now(UTC) + timedelta(hours=1)).isoformat()},
        {"id": "not-an-id"},
        {"mood": "good"},
    ],
)
def test_an_event_that_makes_no_sense_is_refused(
    world: World, logins: list[str], change: dict[str, Any]
) -> None:
    client, visit_id = first_stop(world, logins[5])
    answer = client.post(f"/api/v1/visits/{visit_id}/events", json=event("accepted") | change)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid")


def test_events_that_race_are_taken_one_after_the_other(world: World, logins: list[str]) -> None:
    _, visit_id = first_stop(world, logins[6])
    racers = 5
    clients = [world.client(logins[6]) for _ in range(racers)]
    start = Barrier(racers)

    def race(client: FlaskClient) -> int:
        start.wait()
        answer = client.post(f"/api/v1/visits/{visit_id}/events", json=event("accepted"))
        return answer.status_code

    with ThreadPoolExecutor(racers) as pool:
        codes = sorted(pool.map(race, clients))
    assert codes == [201] + [409] * (racers - 1)
    sheet = clients[0].get("/api/v1/me/route").get_json()
    states = {UUID(stop["visit_id"]): stop["state"] for stop in sheet["stops"]}
    assert states[visit_id] == "accepted"


def test_a_day_without_a_route_is_not_found(world: World, logins: list[str]) -> None:
    answer = world.client(logins[0]).get("/api/v1/me/route?date=2001-01-01")
    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")
