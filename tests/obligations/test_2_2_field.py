"""Rows 1.2 (trained), 2.1 (equipment) and 2.2: intake, process, monitoring, key records."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from uuid_utils.compat import uuid7

from api.db.models import Job, OutgoingMessage, Photo, Technician, Visit
from api.services import calls, outbox, photos
from api.services.carriers import FileCarrier
from api.services.equipment import fit_on
from api.services.exceptions import exceptions
from api.services.history import check_history
from api.services.intake import digest
from api.services.photos import path_of
from tests.api.cases import get, new_job, post
from tests.api.world import World, busy_logins, event, first_stop, jpeg, photo_path, report

V1 = "/api/v1"
NOW = datetime.now(UTC)


@pytest.fixture
def desk(world: World) -> FlaskClient:
    return world.client("dispatch")


def test_1_1_phone_the_stored_percentiles_are_a_replay_of_the_call_log(
    world: World, desk: FlaskClient
) -> None:
    rows = ["call_key,ring_at,menu_at,answer_at,end_at"]
    start = NOW - timedelta(days=9)
    for number in range(200):
        ring = start + timedelta(seconds=40 * number)
        answer = ring + timedelta(seconds=number * 7 % 90 + 3)
        told = "" if number % 11 == 0 else answer.isoformat()
        end = (answer + timedelta(minutes=3)).isoformat()
        rows.append(f"{uuid7()},{ring.isoformat()},{ring.isoformat()},{told},{end}")
    taken = desk.post(f"{V1}/calls/import", data="\n".join(rows), content_type="text/csv")
    assert taken.get_json()["taken"] == 200
    stored = {row["date"]: row["figures"] for row in get(desk, "/calls/figures")}
    with world.sessions() as session:
        for day, figures in stored.items():
            assert calls.replay(session, date.fromisoformat(day)) == figures
    total = sum(figures["calls"] for figures in stored.values())
    assert total == 200
    assert sum(figures["abandoned"] for figures in stored.values()) == 19
    assert all(f["p50_s"] <= f["p90_s"] <= f["p95_s"] for f in stored.values())


def test_1_2_trained_a_checker_over_all_history_finds_none_past_expiry(world: World) -> None:
    with world.sessions() as session:
        looked, found = check_history(session)
    assert looked["assignments"] > 20
    assert [finding for finding in found if finding.check == "assignments"] == []


def test_1_2_trained_an_expired_certificate_blocks_assignment(world: World) -> None:
    with world.sessions() as session:
        who = next(
            one for one in session.scalars(select(Technician)) if one.certificates and one.skills
        )
        paper = who.certificates[0]
        days = [paper.valid_until, paper.valid_until + timedelta(days=1)]
        on, past = (fit_on(session, [who], {who.number: [day]})[who.number][0] for day in days)
    assert paper.skill in on
    assert paper.skill not in past


def test_2_1_equipment_an_overdue_device_is_not_dispatched(world: World) -> None:
    planner = world.client("planner")
    with world.sessions() as session:
        who = session.scalars(select(Technician).limit(1)).one()
    today = NOW.date()
    device = post(
        planner,
        "/equipment",
        {
            "kind": "leak-detector", "serial": str(uuid7()), "outlet_id": str(who.outlet_id),
            "technician_id": str(who.id),
            "in_service_from": (today - timedelta(days=500)).isoformat(),
            "duties": [
                {"kind": "calibration", "every_days": 365, "first_due_on": today.isoformat()}
            ],
        },
    )  # fmt: skip
    assert device["usable"] is True
    with world.sessions() as session:
        later = today + timedelta(days=1)
        on, past = (
            fit_on(session, [who], {who.number: [day]})[who.number][1] for day in (today, later)
        )
    assert "leak-detector" in on
    assert "leak-detector" not in past


def test_2_2_intake_leaves_the_same_record_from_each_door(desk: FlaskClient) -> None:
    at = (NOW - timedelta(hours=1)).isoformat()
    decisions = set()
    for number, channel in enumerate(("phone", "web", "walk_in", "api")):
        phone = f"+56 9 5000 1{number:03d}"
        job = new_job(
            desk, channel=channel, reported_at=at, consumer={"name": "Rosa", "phone": phone}
        )
        told = get(desk, f"/jobs/{job['id']}/receipt")["body"]
        decisions.add(
            (told["class"], told["rule"], told["reported_at"], str(told["proposal"]), job["status"])
        )
    for channel in ("sms", "wechat"):
        told = post(
            desk,
            "/messages",
            {
                "channel": channel,
                "key": str(uuid7()),
                "sender": f"+56 9 5000 2{len(channel):03d}",
                "text": "product: fridge\nfault: not-cooling\nname: Rosa\n"
                "address: Avenida Balmaceda 1234\nplace: -29.9077, -71.2541",
                "received_at": at,
            },
        )
        body = get(desk, f"/jobs/{told['job_id']}/receipt")["body"]
        state = get(desk, f"/jobs/{told['job_id']}")["status"]
        decisions.add(
            (body["class"], body["rule"], body["reported_at"], str(body["proposal"]), state)
        )
    assert len(decisions) == 1


def test_2_2_recorded_a_receipt_with_a_proposal_within_a_second(
    world: World, desk: FlaskClient
) -> None:
    started_s = time.perf_counter()
    made = desk.post(f"{V1}/requests", json=report())
    receipt = get(desk, f"/jobs/{made.get_json()['id']}/receipt")
    assert time.perf_counter() - started_s < 1.0
    assert receipt["sha256"] == digest(receipt["body"])
    assert receipt["body"]["proposal"]["arrival_by"]
    with world.sessions.begin() as session, pytest.raises(DBAPIError, match="never change"):
        session.execute(text("UPDATE receipt SET sha256 = 'other'"))


def test_2_2_set_process_an_illegal_move_is_refused_with_what_is_allowed(
    world: World, desk: FlaskClient
) -> None:
    client, visit_id = first_stop(world, busy_logins(world, 1)[0])
    answer = client.post(f"{V1}/visits/{visit_id}/events", json=event("done"))
    assert answer.get_json()["code"] == "illegal_transition"
    assert "accepted" in answer.get_json()["params"]["allowed"]
    job = new_job(desk)
    moved = desk.post(f"{V1}/jobs/{job['id']}/events", json={"event": "item_returned"})
    assert moved.get_json()["params"]["state"] == "open"


def test_2_2_set_process_a_job_is_not_done_before_its_checklist(world: World) -> None:
    client, visit_id = first_stop(world, busy_logins(world, 2)[1])
    path = f"{V1}/visits/{visit_id}/events"
    for kind in ("accepted", "on_the_way", "arrived"):
        assert client.post(path, json=event(kind)).status_code == 201
    refused = client.post(path, json=event("done", details={}))
    assert refused.get_json()["code"] == "checklist_incomplete"
    assert client.post(path, json=event("done")).status_code == 201


def test_2_2_monitoring_lists_what_is_late_at_risk_unassigned_and_without_access(
    world: World, desk: FlaskClient
) -> None:
    urgent = new_job(desk, reported_at=(NOW - timedelta(hours=21)).isoformat())
    listed = get(desk, "/exceptions")["items"]
    kinds = {(one["kind"], one["subject_id"]) for one in listed}
    assert ("unassigned", urgent["id"]) in kinds
    with world.sessions() as session:
        later = exceptions(session, NOW + timedelta(hours=4))
    assert ("late", urgent["id"]) in {(one["kind"], one["subject_id"]) for one in later}


def test_2_2_key_records_the_result_reaches_the_consumer_and_photos_are_kept_three_years(
    world: World, desk: FlaskClient, tmp_path: Path
) -> None:
    client, visit_id = first_stop(world, busy_logins(world, 1)[0])
    kept = client.post(photo_path(visit_id), data=jpeg(), content_type="image/jpeg").get_json()
    for kind in ("accepted", "on_the_way", "arrived", "done"):
        assert client.post(f"{V1}/visits/{visit_id}/events", json=event(kind)).status_code == 201
    carriers = [FileCarrier(channel, tmp_path / channel) for channel in ("sms", "wechat", "email")]
    outbox.deliver(world.sessions, carriers, datetime.now(UTC) + timedelta(minutes=1))
    with world.sessions() as session:
        job_id = session.get_one(Visit, visit_id).job_id
        result = session.scalars(
            select(OutgoingMessage).where(
                OutgoingMessage.job_id == job_id, OutgoingMessage.kind == "result"
            )
        ).one()
        assert (result.status, bool(result.delivery_receipt)) == ("delivered", True)
        assert session.get_one(Job, job_id).status == "done"
    told = get(desk, f"/jobs/{job_id}/dossier")
    assert [photo["sha256"] for photo in told["photos"]] == [kept["sha256"]]
    keep_until = date.fromisoformat(kept["keep_until"])
    assert keep_until >= NOW.date() + timedelta(days=3 * 365)
    stored = path_of(world.settings.data_dir, kept["sha256"])
    with world.sessions.begin() as session:
        assert list(photos.forget(session, world.settings.data_dir, keep_until)) == []
        assert stored.is_file()
        # Only this test's photo: the others keep their time.
        session.execute(
            text("UPDATE photo SET keep_until = :day WHERE id = :id"),
            {"day": keep_until - timedelta(days=1), "id": kept["id"]},
        )
        photos_gone = list(photos.forget(session, world.settings.data_dir, keep_until))
        assert photos_gone == [kept["sha256"]]
        assert session.get(Photo, UUID(kept["id"])) is None
