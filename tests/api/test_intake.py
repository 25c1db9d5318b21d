"""Every door leads to the same record: calls, messages, duplicates, receipts, durations."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError
from uuid_utils.compat import uuid7

from api.db.models import CallFigures, DurationModel, Job, PhoneCall, Receipt, Request
from api.services import calls, durations
from api.services.intake import digest, repairs, replay
from api.services.policies import policy_on
from domain.repeats import first_fix
from tests.api.world import World, report

V1 = "/api/v1"
NOW = datetime.now(UTC)


def own_number() -> str:
    """A telephone number that no other test has."""
    return f"+56 9 {uuid7().int % 10**8:08d}"


def reported(client: FlaskClient, **changes: Any) -> Any:
    answer = client.post(f"{V1}/requests", json=report(**changes))
    assert answer.status_code == 201, answer.text
    return answer.get_json()


def message(**changes: Any) -> dict[str, Any]:
    return {
        "channel": "sms",
        "key": str(uuid7()),
        "sender": own_number(),
        "text": "product: fridge\nfault: not-cooling\nname: Rosa Araya\n"
        "address: Avenida Balmaceda 1234\nplace: -29.9077, -71.2541",
        "received_at": (NOW - timedelta(hours=1)).isoformat(),
    } | changes


def test_every_door_leaves_the_same_record(world: World, dispatcher: FlaskClient) -> None:
    at = (NOW - timedelta(hours=1)).isoformat()
    ids = [
        reported(
            dispatcher,
            channel=channel,
            reported_at=at,
            consumer={"name": "Rosa Araya", "phone": own_number()},
        )["id"]
        for channel in ("phone", "web", "walk_in", "api")
    ]
    for channel in ("sms", "wechat"):
        told = dispatcher.post(f"{V1}/messages", json=message(channel=channel, received_at=at))
        assert told.get_json()["status"] == "reported", told.text
        ids.append(told.get_json()["job_id"])
    records = set()
    for job_id in ids:
        job = dispatcher.get(f"{V1}/jobs/{job_id}").get_json()
        records.add(
            str(
                {
                    key: job[key]
                    for key in (
                        "class", "due_at", "reported_at", "service_s", "skills", "parts", "triage",
                        "mode", "crew", "estimate", "address", "place", "status",
                    )
                }
            )
        )  # fmt: skip
        receipt = dispatcher.get(f"{V1}/jobs/{job_id}/receipt").get_json()
        assert receipt["body"]["proposal"]["arrival_by"] == receipt_due(job)
    assert len(records) == 1


def receipt_due(job: dict[str, Any]) -> str:
    return datetime.fromisoformat(job["due_at"]).astimezone(UTC).isoformat()


def test_a_receipt_is_out_within_a_second_and_never_changes(
    world: World, dispatcher: FlaskClient
) -> None:
    slowest_s = 0.0
    for _ in range(20):
        started_s = time.perf_counter()
        job = reported(dispatcher, consumer={"name": "Rosa", "phone": own_number()})
        receipt = dispatcher.get(f"{V1}/jobs/{job['id']}/receipt").get_json()
        slowest_s = max(slowest_s, time.perf_counter() - started_s)
    assert slowest_s < 1.0
    assert receipt["body"]["job_number"] == job["number"]
    assert receipt["sha256"] == digest(receipt["body"])
    for statement in (
        update(Receipt).where(Receipt.job_id == UUID(job["id"])).values(sha256="0" * 64),
        text("DELETE FROM receipt"),
    ):
        with (
            world.sessions() as session,
            pytest.raises(IntegrityError, match="never changed"),
        ):
            session.execute(statement)


def test_a_number_is_one_number_however_it_is_written(
    world: World, dispatcher: FlaskClient
) -> None:
    ways = ("+56 9 6123 4567", "0056 9 61234567", "9 6123-4567", "(9) 6123 4567")
    for way in ways:
        job = reported(dispatcher, fault="ice", consumer={"name": "Rosa", "phone": way})
    with world.sessions() as session:
        request = session.get_one(Request, UUID(job["request_id"]))
        numbers = {
            other.consumer.phone_e164
            for other in session.scalars(select(Request).where(Request.fault == "ice"))
            if other.consumer.phone in ways
        }
        assert request.consumer.phone == ways[-1]
    assert numbers == {"+56961234567"}


def test_the_same_fault_again_names_the_job_that_deals_with_it(dispatcher: FlaskClient) -> None:
    phone = own_number()
    first = reported(dispatcher, consumer={"name": "Rosa", "phone": phone})
    again = reported(
        dispatcher, channel="web", consumer={"name": "R. Araya", "phone": phone.replace(" ", "-")}
    )
    other = reported(dispatcher, fault="noise", consumer={"name": "Rosa", "phone": phone})
    assert (again["duplicate_of"], again["repeat_of"]) == (first["id"], None)
    assert other["duplicate_of"] is None
    kinds = {
        (one["kind"], one["subject_id"])
        for one in dispatcher.get(f"{V1}/exceptions").get_json()["items"]
    }
    assert ("duplicate", again["id"]) in kinds
    merged = dispatcher.post(
        f"{V1}/jobs/{again['id']}/events",
        json={"event": "cancelled", "by": "duplicate", "reason": "same call twice"},
    )
    assert merged.get_json()["status"] == "cancelled"


def test_a_repair_that_did_not_hold_is_linked_and_counts_against_first_fix(
    world: World, dispatcher: FlaskClient
) -> None:
    phone = own_number()
    first = reported(dispatcher, fault="noise", consumer={"name": "Rosa", "phone": phone})
    solved = {"event": "remote_solved", "reason": "levelled the feet with the caller"}
    assert dispatcher.post(f"{V1}/jobs/{first['id']}/events", json=solved).status_code == 200
    again = reported(dispatcher, fault="noise", consumer={"name": "Rosa", "phone": phone})
    assert (again["repeat_of"], again["duplicate_of"]) == (first["id"], None)
    with world.sessions() as session:
        own = [
            job
            for job in repairs(session, NOW - timedelta(days=60))
            if job.job in (UUID(first["id"]), UUID(again["id"]))
        ]
    counted = first_fix(own, policy_on(NOW.date()).repeat_days)
    assert (counted.done, counted.first_fixed, counted.repeated) == (1, 0, 1)


def test_danger_makes_a_plain_fault_urgent(dispatcher: FlaskClient) -> None:
    calm = reported(dispatcher, product="tv", fault="no-power")
    smoking = reported(dispatcher, product="tv", fault="no-power", dangers=["smoke"])
    assert (calm["class"], smoking["class"]) == ("normal", "urgent")
    assert smoking["triage"]["rule"] == "danger"
    assert smoking["skills"] == calm["skills"]


def test_what_is_brought_in_waits_for_the_item_and_is_planned_for_nobody(
    dispatcher: FlaskClient,
) -> None:
    for mode in ("drop_in", "mail_in"):
        job = reported(dispatcher, mode=mode, consumer={"name": "R", "phone": own_number()})
        assert job["status"] == "awaiting_item"
        for event, state in (
            ("item_received", "in_workshop"),
            ("item_repaired", "ready"),
            ("item_returned", "done"),
        ):
            told = dispatcher.post(f"{V1}/jobs/{job['id']}/events", json={"event": event})
            assert told.get_json()["status"] == state, told.text
            assert told.get_json()["mode"] == mode


def test_a_message_that_says_too_little_waits_for_the_desk_and_its_clock_runs(
    dispatcher: FlaskClient,
) -> None:
    sent = message(text="my fridge is warm, please come")
    row = dispatcher.post(f"{V1}/messages", json=sent).get_json()
    assert (row["status"], row["job_id"]) == ("new", None)
    assert "product" in row["problem"]
    assert dispatcher.post(f"{V1}/messages", json=sent).get_json()["id"] == row["id"]
    told = report(consumer={"name": "Rosa", "phone": sent["sender"]})
    del told["channel"]
    job = dispatcher.post(f"{V1}/messages/{row['id']}/report", json=told)
    assert job.status_code == 201, job.text
    assert datetime.fromisoformat(job.get_json()["reported_at"]) == datetime.fromisoformat(
        sent["received_at"]
    )
    again = dispatcher.post(f"{V1}/messages/{row['id']}/report", json=told)
    assert (again.status_code, again.get_json()["code"]) == (409, "already_exists")


def test_a_message_in_chinese_is_a_report_too(dispatcher: FlaskClient) -> None:
    words = "产品：washer\n故障：leak\n姓名：罗莎\n地址：海滨路 1234 号\n位置：-29.9077, -71.2541"
    told = dispatcher.post(f"{V1}/messages", json=message(channel="wechat", text=words)).get_json()
    assert told["status"] == "reported", told


def test_a_message_that_is_no_report_is_set_aside_with_a_reason(dispatcher: FlaskClient) -> None:
    row = dispatcher.post(f"{V1}/messages", json=message(text="buy cheap watches")).get_json()
    path = f"{V1}/messages/{row['id']}/set-aside"
    assert dispatcher.post(path, json={"reason": "advertising"}).get_json()["status"] == "set_aside"
    assert dispatcher.post(path, json={"reason": "again"}).status_code == 409


def instants(start: datetime, *seconds: int | None) -> dict[str, str | None]:
    names = ("ring_at", "menu_at", "answer_at", "end_at")
    return {
        name: None if s is None else (start + timedelta(seconds=s)).isoformat()
        for name, s in zip(names, seconds, strict=True)
    }


def test_an_exchange_may_report_twice_and_in_any_order(
    world: World, dispatcher: FlaskClient
) -> None:
    key = str(uuid7())
    start = NOW - timedelta(minutes=20)
    steps = [("end", 200), ("answer", 12), ("ring", 0), ("menu", 3), ("answer", 12), ("ring", 0)]
    for event, s in steps:
        answer = dispatcher.post(
            f"{V1}/calls/events",
            json={
                "call_key": key,
                "event": event,
                "at": (start + timedelta(seconds=s)).isoformat(),
                "caller": "+56 9 6123 4567",
            },
        )
        assert answer.status_code == 200, answer.text
    told = answer.get_json()
    assert told["caller"] == "+56961234567"
    spans = [
        (datetime.fromisoformat(told[name]) - start).total_seconds()
        for name in ("ring_at", "menu_at", "answer_at", "end_at")
    ]
    assert spans == [0, 3, 12, 200]
    job = reported(dispatcher, call_id=told["id"], consumer={"name": "Rosa", "phone": own_number()})
    with world.sessions() as session:
        request = session.get_one(Request, UUID(job["request_id"]))
        assert request.call_id == UUID(told["id"])
    wrong = dispatcher.post(
        f"{V1}/calls/events",
        json={"call_key": key, "event": "end", "at": (start - timedelta(hours=1)).isoformat()},
    )
    assert wrong.status_code == 200  # an earlier end does not replace the last one
    late = dispatcher.post(
        f"{V1}/calls/events",
        json={"call_key": key, "event": "menu", "at": (start - timedelta(hours=1)).isoformat()},
    )
    assert (late.status_code, late.get_json()["code"]) == (422, "invalid")


def csv_of(rows: list[dict[str, Any]]) -> bytes:
    names = ("call_key", "caller", "line", "ring_at", "menu_at", "answer_at", "end_at")
    lines = [",".join(names)]
    lines += [",".join(str(row.get(name) or "") for name in names) for row in rows]
    return "\n".join(lines).encode()


def test_a_log_with_a_broken_row_in_the_middle_is_refused_whole(
    world: World, dispatcher: FlaskClient
) -> None:
    rows = [
        {"call_key": str(uuid7()), **instants(NOW - timedelta(days=3), 0, 2, 9, 60)}
        for _ in range(5)
    ]
    rows[2]["answer_at"] = "soon"
    answer = dispatcher.post(f"{V1}/calls/import", data=csv_of(rows), content_type="text/csv")
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid")
    assert list(answer.get_json()["params"]["rows"]) == ["4"]
    with world.sessions() as session:
        keys = [row["call_key"] for row in rows]
        assert session.scalars(select(PhoneCall.id).where(PhoneCall.call_key.in_(keys))).all() == []
    rows[2]["answer_at"] = rows[2]["end_at"]
    dry = dispatcher.post(
        f"{V1}/calls/import?dry_run=true", data=csv_of(rows), content_type="text/csv"
    )
    assert dry.get_json() == {"taken": 5, "known": 0, "dry_run": True}
    for known in (0, 5):
        told = dispatcher.post(f"{V1}/calls/import", data=csv_of(rows), content_type="text/csv")
        assert told.get_json() == {"taken": 5 - known, "known": known, "dry_run": False}


def test_a_call_logged_by_hand_is_one_call(dispatcher: FlaskClient) -> None:
    told = {"call_key": str(uuid7()), **instants(NOW - timedelta(days=4), 0, None, 20, 90)}
    assert dispatcher.post(f"{V1}/calls", json=told).status_code == 201
    assert dispatcher.post(f"{V1}/calls", json=told).get_json()["code"] == "already_exists"


def test_the_stored_figures_are_what_a_replay_of_the_log_gives(world: World) -> None:
    with world.sessions() as session:
        stored = session.scalars(select(CallFigures)).all()
        assert stored
        for row in stored:
            assert calls.replay(session, row.day) == row.figures
            assert row.figures["calls"] == row.figures["answered"] + row.figures["abandoned"]


def test_a_triage_can_be_replayed_from_the_record(world: World, dispatcher: FlaskClient) -> None:
    with world.sessions.begin() as session:
        session.add(
            DurationModel(
                version=1,
                learned_at=NOW,
                visits=40,
                policy=policy_on(NOW.date()).version,
                cells={"tv/no-power": {"visits": 40, "mean_log": 8.1, "spread": 0.2}},
            )
        )
    job = reported(dispatcher, product="tv", fault="no-power", dangers=["smoke"])
    assert job["estimate"]["model"] == 1
    assert job["service_s"] == job["estimate"]["median_s"] > job["estimate"]["rule_s"]
    with world.sessions.begin() as session:
        newer = durations.learn_now(session, policy_on(NOW.date()), NOW)
        assert newer.version == 2
    with world.sessions() as session:
        stored = session.get_one(Job, UUID(job["id"]))
        decision, service_s = replay(session, stored)
        assert service_s == stored.service_s
        assert decision.rule == stored.triage_rule
        assert decision.clock.due_at == stored.due_at
        assert dict(decision.skills) == stored.skills
