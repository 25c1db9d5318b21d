"""Row 1.1: an arrival told by a phone that was out of reach counts from the device's own clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from uuid_utils.compat import uuid7

from api.db.models import Job, Visit, VisitEvent
from api.services.breaches import raise_alerts
from api.services.clock_audit import audit
from api.services.door_codes import door_code
from api.services.door_proof import metres_between
from api.services.work_done import jobs_done, period_of
from domain.places import Place
from tests.api.ownership import consumer
from tests.api.world import World, busy_logins, event, first_stop, reported_before

V1 = "/api/v1"


def test_1_1_arrival_told_hours_later_is_proven_by_device_time_offset_and_place(
    world: World,
) -> None:
    client, visit_id = first_stop(world, busy_logins(world, 1)[0])
    zone = timezone(timedelta(hours=8))
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
    reported_before(world, [visit_id], start)
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


def far_arrival(world: World, login: str) -> tuple[FlaskClient, UUID, UUID]:
    """A visit whose arrival a phone tells five kilometres from the door; and its job."""
    client, visit_id = first_stop(world, login)
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
    assert told.get_json()["proof"] == "far"
    return client, visit_id, job_id


def listed(world: World, job_id: UUID) -> list[dict[str, Any]]:
    rows = world.client("dispatch").get(f"{V1}/exceptions?limit=500").get_json()["items"]
    return [one for one in rows if one["subject_id"] == str(job_id) and "visit_id" in one]


def arrival_clock(client: FlaskClient, job_id: UUID) -> dict[str, Any]:
    clocks = client.get(f"{V1}/jobs/{job_id}/clocks").get_json()["items"]
    return dict(next(one for one in clocks if one["name"] == "arrival"))


def test_1_1_arrival_told_far_from_the_door_stops_no_clock_until_the_consumer_confirms_it(
    world: World,
) -> None:
    technician, visit_id, job_id = far_arrival(world, busy_logins(world, 2)[1])
    desk = world.client("desk")
    [mine] = listed(world, job_id)
    assert (mine["kind"], mine["visit_id"]) == ("arrival_far", str(visit_id))
    assert "5560 m" in mine["detail"]
    clock = arrival_clock(desk, job_id)
    assert clock["running"] and clock["met_at"] is None
    assert any("no proof that counts" in line["text"] for line in clock["trace"])
    done = technician.post(f"{V1}/visits/{visit_id}/events", json=event("done"))
    assert done.status_code == 201, done.text
    assert arrival_clock(desk, job_id)["running"]  # work done from afar excuses nothing
    with world.sessions.begin() as session:
        # That it will break is told ahead, while it can still be confirmed.
        session.get_one(Job, job_id).due_at = datetime.now(UTC) + timedelta(hours=2)
        raised = raise_alerts(session, datetime.now(UTC))
        assert [one.risk for one in raised if one.job_id == job_id] == ["unplanned"]
    with world.sessions() as session:
        today = datetime.now(UTC).date()
        period = period_of(session, today - timedelta(days=2), today + timedelta(days=2))
        [item] = [one for one in jobs_done(session, period) if one.job.id == job_id]
        assert item.arrived_at is None  # paid by nobody
        assert not audit(session, datetime.now(UTC)).differing
    said = {"id": str(uuid7()), "visit_id": str(visit_id)}
    # The technician made a link and opens it: that is nobody's word but the own.
    made = technician.post(f"{V1}/jobs/{job_id}/links", json={"days": 1}).get_json()
    bearer = {"Authorization": f"Bearer {made['url'].rpartition('#')[2]}"}
    own = world.client()
    assert own.get(f"{V1}/link", headers=bearer).get_json()["arrival"]["to_confirm"] is False
    refused = own.post(f"{V1}/link/arrivals", json=said, headers=bearer)
    assert refused.get_json()["code"] == "forbidden"
    theirs = consumer(world, job_id)
    assert theirs.get(f"{V1}/link").get_json()["arrival"]["to_confirm"] is True
    answers = [theirs.post(f"{V1}/link/arrivals", json=said) for _ in range(2)]
    assert [one.status_code for one in answers] == [201, 201], answers[0].text
    assert answers[0].get_json() == answers[1].get_json()
    clock = arrival_clock(desk, job_id)
    assert not clock["running"] and clock["met_at"] is not None
    assert listed(world, job_id) == []
    with world.sessions() as session:
        assert not audit(session, datetime.now(UTC)).differing


def test_1_1_arrival_is_confirmed_by_nobody_who_was_to_arrive_and_by_nobody_without_evidence(
    world: World,
) -> None:
    technician, visit_id, job_id = far_arrival(world, busy_logins(world, 3)[2])
    path = f"{V1}/jobs/{job_id}/clock-events"
    word = {
        "id": str(uuid7()),
        "kind": "confirmed",
        "at": datetime.now(UTC).isoformat(),
        "target": str(visit_id),
        "reason": "the consumer called",
        "evidence": ["call 4711"],
    }
    desk = world.client("desk")
    assert technician.post(path, json=word).get_json()["code"] == "forbidden"
    assert desk.post(path, json=word | {"evidence": []}).get_json()["code"] == "evidence_missing"
    other = word | {"target": str(uuid7())}
    assert desk.post(path, json=other).get_json()["code"] == "unknown_reference"
    for kind in ("met", "cancelled"):
        # That somebody came is never just said.
        assert desk.post(path, json=word | {"kind": kind}).get_json()["code"] == "invalid"
    assert arrival_clock(desk, job_id)["running"]
    assert desk.post(path, json=word).status_code == 201
    assert not arrival_clock(desk, job_id)["running"]


def test_1_1_arrival_is_shown_by_the_code_of_the_door_that_only_the_consumers_page_tells(
    world: World,
) -> None:
    technician, visit_id = first_stop(world, busy_logins(world, 4)[3])
    path = f"{V1}/visits/{visit_id}/events"
    with world.sessions() as session:
        job_id = session.get_one(Visit, visit_id).job_id
    theirs = consumer(world, job_id)
    arrival = theirs.get(f"{V1}/link").get_json()["arrival"]
    code = arrival["door_code"]
    assert (arrival["visit_id"], len(code), arrival["to_confirm"]) == (str(visit_id), 6, False)
    # The technician may make a link for the consumer, and learns no code by it.
    made = technician.post(f"{V1}/jobs/{job_id}/links", json={"days": 1}).get_json()
    own = world.client()
    bearer = {"Authorization": f"Bearer {made['url'].rpartition('#')[2]}"}
    assert own.get(f"{V1}/link", headers=bearer).get_json()["arrival"]["door_code"] is None
    theirs = consumer(world, job_id)
    for kind in ("accepted", "on_the_way"):
        assert technician.post(path, json=event(kind)).status_code == 201
    for bad in ("12345", "٣٣٣٣٣٣", "1234567", "' OR 1"):
        odd = event("arrived", details={"door_code": bad})
        assert technician.post(path, json=odd).get_json()["code"] == "invalid"
    # Out of reach, without a place, told with a space: by the queue of the phone.
    sent = event("arrived", place=None, details={"door_code": f"{code[:3]} {code[3:]}"})
    batch = {
        "sent_at": datetime.now(UTC).isoformat(),
        "events": [sent | {"visit_id": str(visit_id)}],
    }
    [told] = technician.post(f"{V1}/me/events", json=batch).get_json()["events"]
    assert (told["status"], told["answer"]["proof"]) == ("taken", "door_code")
    assert not arrival_clock(world.client("desk"), job_id)["running"]
    assert theirs.get(f"{V1}/link").get_json()["arrival"]["door_code"] is None
    with world.sessions() as session:
        stored = session.get_one(VisitEvent, UUID(str(sent["id"])))
        assert stored.details == {"proof": {"metres": None, "near": False, "code": "right"}}


@pytest.mark.parametrize("placed", [True, False])
def test_1_1_arrival_with_a_wrong_code_is_spent_and_cannot_be_guessed_again(
    world: World, placed: bool
) -> None:
    technician, visit_id = first_stop(world, busy_logins(world, 6)[4 + placed])
    path = f"{V1}/visits/{visit_id}/events"
    with world.sessions() as session:
        visit = session.get_one(Visit, visit_id)
        job_id = visit.job_id
        right = door_code(session, visit.job_id, visit.day)
        other = door_code(session, visit.job_id, visit.day + timedelta(days=1))
        far = {"lat": visit.job.request.lat + 0.05, "lon": visit.job.request.lon}
    assert right != other
    for kind in ("accepted", "on_the_way"):
        assert technician.post(path, json=event(kind)).status_code == 201
    place = far if placed else None
    told = technician.post(path, json=event("arrived", place=place, details={"door_code": other}))
    assert (told.status_code, told.get_json()["proof"]) == (201, "far")
    again = event("arrived", place=place, details={"door_code": right})
    assert technician.post(path, json=again).get_json()["code"] == "illegal_transition"
    [mine] = listed(world, job_id)
    assert ("5560 m" if placed else "without a place") in mine["detail"]
    assert arrival_clock(world.client("desk"), job_id)["running"]
