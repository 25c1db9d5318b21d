"""Row 1.1: an arrival told by a phone that was out of reach counts from the device's own clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

from sqlalchemy import select

from api.db.models import Visit, VisitEvent
from api.services.door_proof import far_arrivals, metres_between
from domain.places import Place
from tests.api.world import World, busy_logins, event, first_stop

V1 = "/api/v1"


def test_1_1_arrival_told_hours_later_is_proven_by_device_time_offset_and_place(
    world: World,
) -> None:
    client, visit_id = first_stop(world, busy_logins(world, 1)[0])
    zone = timezone(timedelta(hours=8))
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
    kinds = ("accepted", "on_the_way", "arrived")
    events = [
        event(kind, at=(start + timedelta(minutes=20 * step)).astimezone(zone).isoformat())
        | {"visit_id": str(visit_id)}
        for step, kind in enumerate(kinds)
    ]
    # In the wrong order, and twice, for the first answer was lost.
    sent = {"sent_at": datetime.now(UTC).isoformat(), "events": events[::-1]}
    answers = [client.post(f"{V1}/me/events", json=sent).get_json()["events"] for _ in range(2)]
    assert answers[0] == answers[1]
    assert {one["status"] for one in answers[0]} == {"taken"}
    arrival = next(one["answer"] for one in answers[0] if one["answer"]["event"] == "arrived")
    assert arrival["in_time"] is True
    assert_the_distance_to_the_door_is_on_record(world, visit_id)
    with world.sessions() as session:
        stored = session.scalars(
            select(VisitEvent).where(VisitEvent.visit_id == visit_id).order_by(VisitEvent.at)
        ).all()
        assert [one.kind for one in stored] == list(kinds)
        told = stored[-1]
        assert (told.at, told.offset_minutes) == (start + timedelta(minutes=40), 480)
        assert (told.lat, told.lon) == (-29.9, -71.25)
        assert session.get_one(Visit, visit_id).arrived_at == told.at


def assert_the_distance_to_the_door_is_on_record(world: World, visit_id: UUID) -> None:
    """A phone may say what it likes; how far that is from the door is computed and shown."""
    with world.sessions() as session:
        event = session.scalars(
            select(VisitEvent).where(VisitEvent.visit_id == visit_id, VisitEvent.kind == "arrived")
        ).one()
        door = session.get_one(Visit, visit_id).job.request
        metres = metres_between(Place(-29.9, -71.25), Place(door.lat, door.lon))
        assert event.details["proof"] == {"metres": round(metres), "near": metres <= 300}


def test_1_1_arrival_told_far_from_the_door_is_kept_listed_and_paid_by_nobody(
    world: World,
) -> None:
    client, visit_id = first_stop(world, busy_logins(world, 2)[1])
    path = f"{V1}/visits/{visit_id}/events"
    with world.sessions() as session:
        request = session.get_one(Visit, visit_id).job.request
        job_id, door = session.get_one(Visit, visit_id).job_id, (request.lat, request.lon)
    far = {"lat": door[0] + 0.05, "lon": door[1]}
    for kind in ("accepted", "on_the_way"):
        assert client.post(path, json=event(kind)).status_code == 201
    forged = event("arrived", place=far, details={"proof": {"metres": 0, "near": True}})
    assert client.post(path, json=forged).get_json()["code"] == "invalid"
    told = client.post(path, json=event("arrived", place=far))
    assert told.status_code == 201, told.text
    listed = world.client("dispatch").get(f"{V1}/exceptions").get_json()["items"]
    [mine] = [one for one in listed if one["subject_id"] == str(job_id) and "visit_id" in one]
    assert (mine["kind"], mine["visit_id"]) == ("arrival_far", str(visit_id))
    assert "5560 m" in mine["detail"]
    with world.sessions() as session:
        assert far_arrivals(session, [job_id]) == {job_id}
