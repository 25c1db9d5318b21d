"""Lives of jobs beyond the straight way: no access, parts, two people, offline weeks, photos."""

from __future__ import annotations

import hashlib
import io
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import func, select
from uuid_utils.compat import uuid7

from api.db.models import Job, OutgoingMessage, Photo, Visit, VisitEvent
from api.services.exceptions import exceptions
from api.services.history import check_history
from api.services.photos import path_of
from api.services.policies import policy_on
from tests.api.world import World, busy_logins, event, first_stop, jpeg, photo_path, reported_before

V1 = "/api/v1"


@pytest.fixture(scope="module")
def logins(world: World) -> list[str]:
    return busy_logins(world, 12)


def tell(client: FlaskClient, visit_id: UUID, kind: str, **changes: Any) -> Any:
    return client.post(f"{V1}/visits/{visit_id}/events", json=event(kind, **changes))


def at_the_door(world: World, login: str) -> tuple[FlaskClient, UUID, UUID]:
    """A technician who has just arrived: browser, visit, job."""
    client, visit_id = first_stop(world, login)
    for kind in ("accepted", "on_the_way", "arrived"):
        assert tell(client, visit_id, kind).status_code == 201
    with world.sessions() as session:
        return client, visit_id, session.get_one(Visit, visit_id).job_id


def job_of(world: World, job_id: UUID) -> Job:
    with world.sessions() as session:
        return session.get_one(Job, job_id)


def test_nobody_at_home_needs_evidence_and_the_job_is_planned_again(
    world: World, logins: list[str], dispatcher: FlaskClient
) -> None:
    client, visit_id, job_id = at_the_door(world, logins[0])
    refused = tell(client, visit_id, "no_access")
    assert (refused.status_code, refused.get_json()["code"]) == (422, "evidence_missing")
    assert refused.get_json()["params"]["wait_s"] == 600
    photo = client.post(photo_path(visit_id), data=jpeg(), content_type="image/jpeg").get_json()
    details = {"photos": [photo["id"]], "reason": "rang twice"}
    assert tell(client, visit_id, "no_access", details=details).status_code == 201
    assert job_of(world, job_id).status == "open"
    sheet = client.get(f"{V1}/me/route").get_json()
    assert {stop["visit_id"]: stop["state"] for stop in sheet["stops"]}[str(visit_id)] == (
        "no_access"
    )
    listed = dispatcher.get(f"{V1}/exceptions").get_json()
    assert ("no_access", str(job_id)) in {(i["kind"], i["subject_id"]) for i in listed["items"]}
    told = dispatcher.get(f"{V1}/jobs/{job_id}/dossier").get_json()
    assert told["visits"][0]["events"][-1]["details"]["evidence"] == "photo"
    clocks = dispatcher.get(f"{V1}/jobs/{job_id}/clocks").text
    assert "no_access" in clocks


def test_place_and_waiting_prove_that_nobody_opened(world: World, logins: list[str]) -> None:
    client, visit_id, job_id = at_the_door(world, logins[1])
    with world.sessions() as session:
        request = session.get_one(Job, job_id).request
        door = {"lat": request.lat, "lon": request.lon}
    later = (datetime.now(UTC) + timedelta(minutes=9, seconds=30)).isoformat()
    too_soon = tell(client, visit_id, "no_access", place=door, at=later)
    assert too_soon.get_json()["code"] == "evidence_missing"
    with world.sessions.begin() as session:
        visit = session.get_one(Visit, visit_id)
        assert visit.arrived_at is not None
        visit.arrived_at -= timedelta(minutes=11)
    far = tell(client, visit_id, "no_access", place={"lat": door["lat"] + 0.01, "lon": door["lon"]})
    assert far.get_json()["code"] == "evidence_missing"
    assert tell(client, visit_id, "no_access", place=door).status_code == 201


def test_a_job_waits_for_its_part_and_is_visited_again(
    world: World, logins: list[str], dispatcher: FlaskClient, planner: FlaskClient
) -> None:
    client, visit_id, job_id = at_the_door(world, logins[2])
    needed = {"needed": {"COMPRESSOR": 1}, "reason": "compressor burnt"}
    assert tell(client, visit_id, "parts_needed", details=needed).status_code == 201
    job = job_of(world, job_id)
    assert job.status == "waiting_parts"
    assert job.parts["COMPRESSOR"] == 1
    illegal = dispatcher.post(f"{V1}/jobs/{job_id}/events", json={"event": "item_repaired"})
    assert illegal.status_code == 409
    assert illegal.get_json()["params"]["allowed"] == [
        "cancelled", "parts_arrived", "remote_solved",
    ]  # fmt: skip
    arrived = dispatcher.post(f"{V1}/jobs/{job_id}/events", json={"event": "parts_arrived"})
    assert arrived.get_json()["status"] == "open"


def test_a_checklist_that_is_not_complete_keeps_a_visit_open(
    world: World, logins: list[str]
) -> None:
    client, visit_id, job_id = at_the_door(world, logins[3])
    answer = tell(client, visit_id, "done", details={"checklist": {"tested": True}})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "checklist_incomplete")
    assert "explained" in answer.get_json()["params"]["missing"]
    assert tell(client, visit_id, "done").status_code == 201
    with world.sessions() as session:
        result = session.scalars(
            select(OutgoingMessage).where(
                OutgoingMessage.job_id == job_id, OutgoingMessage.kind == "result"
            )
        ).one()
    assert result.status == "queued"


def test_two_people_finish_a_job_together(world: World, logins: list[str]) -> None:
    client, visit_id, job_id = at_the_door(world, logins[4])
    with world.sessions.begin() as session:
        session.get_one(Job, job_id).crew = 2
        mine = session.get_one(Visit, visit_id)
        other = session.scalars(
            select(Visit)
            .where(
                Visit.active,
                Visit.state == "published",
                Visit.technician_number != mine.technician_number,
            )
            .limit(1)
        ).one()
        second = Visit(
            plan_id=mine.plan_id,
            job_id=job_id,
            technician_number=other.technician_number,
            shift_id=other.shift_id,
            day=mine.day,
            sequence=99,
            arrival_at=mine.arrival_at + timedelta(days=30),
            start_at=mine.start_at + timedelta(days=30),
            end_at=mine.end_at + timedelta(days=30),
            travel_s=0,
            state="arrived",
        )
        session.add(second)
        session.flush()
        second_id = second.id
    assert tell(client, visit_id, "done").status_code == 201
    assert job_of(world, job_id).status == "planned"
    desk = world.client("dispatch")
    assert tell(desk, second_id, "done").status_code == 201
    assert job_of(world, job_id).status == "done"


def test_a_cancelled_job_leaves_the_phone_and_can_be_reopened(
    world: World, logins: list[str], dispatcher: FlaskClient
) -> None:
    client, visit_id = first_stop(world, logins[5])
    with world.sessions() as session:
        job_id = session.get_one(Visit, visit_id).job_id
    path = f"{V1}/jobs/{job_id}/events"
    for lacking in (
        {"event": "cancelled", "by": "consumer"},
        {"event": "cancelled", "reason": "repaired it myself"},
        {"event": "visited"},
    ):
        assert dispatcher.post(path, json=lacking).get_json()["code"] == "invalid"
    why = {"event": "cancelled", "by": "consumer", "reason": "repaired it myself"}
    assert dispatcher.post(path, json=why).get_json()["status"] == "cancelled"
    stops = client.get(f"{V1}/me/route").get_json()["stops"]
    assert str(visit_id) not in {stop["visit_id"] for stop in stops}
    late = tell(client, visit_id, "accepted")
    assert late.get_json()["code"] == "illegal_transition"
    again = {"event": "reopened", "reason": "it broke again"}
    assert dispatcher.post(path, json=again).get_json()["status"] == "open"


def batch(client: FlaskClient, events: list[dict[str, Any]], **changes: Any) -> Any:
    told = {"sent_at": datetime.now(UTC).isoformat(), "events": events} | changes
    answer = client.post(f"{V1}/me/events", json=told)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def day_of(visit_id: UUID, start: datetime) -> list[dict[str, Any]]:
    """The four events of a visit, ten minutes apart."""
    kinds = ("accepted", "on_the_way", "arrived", "done")
    return [
        event(kind, visit_id=str(visit_id), at=(start + timedelta(minutes=10 * n)).isoformat())
        for n, kind in enumerate(kinds)
    ]


@pytest.mark.parametrize("seed", range(3))
def test_a_week_without_reception_merges_with_nothing_lost_or_twice(
    world: World, logins: list[str], seed: int
) -> None:
    login = logins[6 + seed]
    client = world.client(login)
    stops = client.get(f"{V1}/me/route").get_json()["stops"]
    visits = [UUID(stop["visit_id"]) for stop in stops if stop["state"] == "published"]
    start = datetime.now(UTC) - timedelta(days=7)
    reported_before(world, visits, start)
    events = [
        one
        for number, visit_id in enumerate(visits)
        for one in day_of(visit_id, start + timedelta(hours=number))
    ]
    dice = random.Random(seed)
    dice.shuffle(events)
    sent: list[dict[str, Any]] = []
    while events:
        count = dice.randint(1, 5)
        some, events = events[:count], events[count:]
        sent += some
        repeats = dice.sample(sent, min(2, len(sent)))
        for answer in batch(client, some + repeats)["events"]:
            assert answer["status"] in ("taken", "held"), answer
    # What a lost answer made the phone send again comes as a whole at the end.
    final = batch(client, sent)["events"]
    assert [answer["status"] for answer in final] == ["taken"] * len(sent)
    with world.sessions() as session:
        for visit_id in visits:
            taken = session.scalars(
                select(VisitEvent).where(VisitEvent.visit_id == visit_id).order_by(VisitEvent.at)
            ).all()
            assert [row.kind for row in taken] == ["accepted", "on_the_way", "arrived", "done"]
            told = [one["id"] for one in sent if one["visit_id"] == str(visit_id)]
            assert [str(row.id) for row in taken] == sorted(
                set(told), key=lambda key: next(one["at"] for one in sent if one["id"] == key)
            )


def test_an_event_that_comes_too_early_waits_for_what_it_follows_on(
    world: World, logins: list[str], dispatcher: FlaskClient
) -> None:
    client, visit_id = first_stop(world, logins[9])
    start = datetime.now(UTC) - timedelta(hours=2)
    reported_before(world, [visit_id], start)
    accepted, leaving, arrived, done = day_of(visit_id, start)
    answers = batch(client, [done, arrived])["events"]
    assert [one["status"] for one in answers] == ["held", "held"]
    assert {one["code"] for one in answers} == {"illegal_transition"}
    listed = dispatcher.get(f"{V1}/exceptions").get_json()
    assert listed["counts"]["event_held"] >= 2
    assert batch(client, [leaving])["events"][0]["status"] == "held"
    assert batch(client, [accepted])["events"][0]["status"] == "taken"
    with world.sessions() as session:
        assert session.get_one(Visit, visit_id).state == "done"
        arrived_at = session.get_one(Visit, visit_id).arrived_at
    assert arrived_at == datetime.fromisoformat(arrived["at"])


def test_a_clock_that_is_wrong_is_corrected_and_both_instants_are_kept(
    world: World, logins: list[str]
) -> None:
    client, visit_id = first_stop(world, logins[10])
    now = datetime.now(UTC)
    wrong = now + timedelta(days=2)
    reported_before(world, [visit_id], now - timedelta(hours=1))
    events = day_of(visit_id, wrong - timedelta(hours=1))[:3]
    told = batch(client, events, sent_at=wrong.isoformat())
    assert abs(told["skew_s"] + 2 * 86_400) <= 60
    assert [one["status"] for one in told["events"]] == ["taken"] * 3
    with world.sessions() as session:
        row = session.get_one(VisitEvent, UUID(events[2]["id"]))
        visit = session.get_one(Visit, visit_id)
        assert row.at == datetime.fromisoformat(events[2]["at"])
        assert visit.arrived_at == row.at + timedelta(seconds=told["skew_s"])
        assert visit.arrived_at < now
    again = batch(client, events, sent_at=datetime.now(UTC).isoformat())
    assert [one["status"] for one in again["events"]] == ["taken"] * 3


def test_what_is_wrong_for_ever_is_refused_alone(world: World, logins: list[str]) -> None:
    client, visit_id = first_stop(world, logins[11])
    good = event("accepted", visit_id=str(visit_id))
    bad = event("accepted", visit_id=str(uuid7()))
    answers = batch(client, [bad, good])["events"]
    assert [(one["status"], one.get("code")) for one in answers] == [
        ("refused", "not_found"),
        ("taken", None),
    ]


def test_the_office_settles_what_a_phone_reported_about_a_cancelled_visit(
    world: World, dispatcher: FlaskClient, logins: list[str]
) -> None:
    login = next(login for login in busy_logins(world, 40) if login not in logins)
    client, visit_id = first_stop(world, login)
    with world.sessions() as session:
        job_id = session.get_one(Visit, visit_id).job_id
    why = {"event": "cancelled", "by": "consumer", "reason": "changed my mind"}
    assert dispatcher.post(f"{V1}/jobs/{job_id}/events", json=why).status_code == 200
    told = event("accepted", visit_id=str(visit_id))
    assert batch(client, [told])["events"][0]["status"] == "held"
    path = f"{V1}/held-events/{told['id']}/settle"
    retry = dispatcher.post(path, json={"decision": "retry"})
    assert retry.get_json()["code"] == "illegal_transition"
    assert dispatcher.post(path, json={"decision": "set_aside"}).get_json()["code"] == "invalid"
    aside = {"decision": "set_aside", "reason": "was told by telephone"}
    assert dispatcher.post(path, json=aside).get_json()["outcome"] == "set_aside"
    assert dispatcher.post(path, json=aside).get_json()["code"] == "already_exists"


def test_a_photo_is_kept_once_without_its_place_and_for_three_years(
    world: World, logins: list[str]
) -> None:
    client, visit_id = first_stop(world, busy_logins(world, 1)[0])
    raw = jpeg(gps=True)
    path = photo_path(visit_id)
    first = client.post(path, data=raw, content_type="image/jpeg")
    assert first.status_code == 201, first.text
    assert client.post(path, data=raw, content_type="image/jpeg").get_json() == first.get_json()
    other = client.post(path, data=jpeg(32, 32), content_type="image/jpeg")
    assert other.get_json()["code"] == "event_id_reused"
    told = first.get_json()
    content = client.get(f"{V1}/photos/{told['id']}").data
    assert hashlib.sha256(content).hexdigest() == told["sha256"]
    assert told["place_removed"] is True
    with Image.open(io.BytesIO(raw)) as before, Image.open(io.BytesIO(content)) as after:
        assert 0x8825 in before.getexif()
        assert 0x8825 not in after.getexif()
        assert after.getexif()[0x0132] == before.getexif()[0x0132]
        assert list(after.get_flattened_data()) == list(before.get_flattened_data())
    keep_until = datetime.fromisoformat(told["keep_until"]).date()
    assert keep_until >= datetime.now(UTC).date() + timedelta(days=3 * 365)
    with world.sessions() as session:
        count = select(func.count()).select_from(Photo).where(Photo.id == UUID(told["id"]))
        assert session.scalar(count) == 1
    stored = path_of(world.settings.data_dir, told["sha256"])
    original = stored.read_bytes()
    try:
        stored.write_bytes(original[:-1] + b"x")
        damaged = client.get(f"{V1}/photos/{told['id']}")
        assert (damaged.status_code, damaged.get_json()["code"]) == (500, "photo_damaged")
    finally:
        stored.write_bytes(original)


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 422, "not_a_photo"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 422, "not_a_photo"),
        (jpeg()[:200], 422, "not_a_photo"),
        (b"\xff" * 50_000_000, 413, "too_large"),
    ],
    ids=["nothing", "another type", "half a photo", "50 MB"],
)
def test_what_is_no_photo_or_too_large_gets_one_clear_error(
    world: World, logins: list[str], content: bytes, status: int, code: str
) -> None:
    client, visit_id = first_stop(world, busy_logins(world, 1)[0])
    for headers in ({}, {"Idempotency-Key": str(uuid7())}):
        answer = client.post(
            photo_path(visit_id), data=content, content_type="image/jpeg", headers=headers
        )
        assert (answer.status_code, answer.get_json()["code"]) == (status, code)


def test_late_and_unplanned_jobs_are_exceptions(world: World) -> None:
    with world.sessions() as session:
        later = datetime.now(UTC) + timedelta(days=10)
        kinds = {one["kind"] for one in exceptions(session, later)}
        planned = session.scalar(select(func.count()).where(Job.status == "planned"))
        late = [one for one in exceptions(session, later) if one["kind"] == "late"]
    assert "late" in kinds
    assert planned
    assert len(late) >= planned / 2


def test_the_checker_finds_nothing_wrong_in_all_this(world: World) -> None:
    with world.sessions() as session:
        looked, found = check_history(session)
    assert found == []
    assert looked["assignments"] > 20
    assert looked["moves"] > 20
    assert looked["stock"] > 10
    assert policy_on(datetime.now(UTC).date()).photo_keep_days >= 3 * 365
