from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from api.db.models import Job, Request
from tests.api.finished import finished_jobs, own_client, technician_of
from tests.api.ownership import consumer
from tests.api.world import World

V1 = "/api/v1"


def period() -> dict[str, str]:
    # The region's day: in other zones tomorrow may have begun, and that period is not over.
    today = datetime.now(ZoneInfo("America/Santiago")).date()
    return {"from": str(today - timedelta(days=60)), "to": str(today)}


@pytest.fixture(scope="module")
def auditor(world: World) -> FlaskClient:
    return world.client("auditor")


@pytest.fixture(scope="module")
def desk(world: World) -> FlaskClient:
    return world.client("desk")


@pytest.fixture(scope="module")
def done(world: World) -> list[UUID]:
    """Six jobs done yesterday."""
    return finished_jobs(world, 6)


def answers(**changes: Any) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "satisfaction": 5,
        "recommend": 10,
        "solved": True,
        "conduct": {"clean": True},
    } | changes


def test_a_consumer_answers_once_by_link_and_silence_is_counted(
    world: World, auditor: FlaskClient, done: list[UUID]
) -> None:
    link = consumer(world, done[0])
    told = answers()
    first = link.post(f"{V1}/jobs/{done[0]}/survey", json=told)
    again = link.post(f"{V1}/jobs/{done[0]}/survey", json=told)
    assert (first.status_code, first.get_json()) == (201, again.get_json())
    other = link.post(f"{V1}/jobs/{done[0]}/survey", json=answers())
    assert other.get_json()["code"] == "already_exists"
    figures = auditor.get(f"{V1}/quality/figures", query_string=period()).get_json()
    assert figures["surveys"]["answered"]["count"] == 1
    assert figures["surveys"]["answered"]["of"] == figures["jobs_done"] >= 6
    assert figures["surveys"]["satisfied"]["value"] == 1
    assert figures["surveys"]["satisfied_if_silent_are_not"]["value"] < 0.2


def test_before_the_work_is_done_nobody_is_asked(world: World, desk: FlaskClient) -> None:
    with world.sessions() as session:
        open_job = session.scalars(select(Job.id).where(Job.status == "open").limit(1)).one()
    answer = desk.post(f"{V1}/jobs/{open_job}/survey", json=answers())
    assert answer.get_json()["code"] == "not_done_yet"


def test_a_call_back_has_a_clock_and_ends_when_somebody_is_reached(
    desk: FlaskClient, auditor: FlaskClient, done: list[UUID]
) -> None:
    def owed() -> dict[str, Any]:
        listed = auditor.get(f"{V1}/follow-ups", query_string=period()).get_json()["items"]
        return next(item for item in listed if item["job_id"] == str(done[1]))

    assert owed()["open"]
    due = datetime.fromisoformat(owed()["due_at"])
    # Whole days: to the end of the third day after the work.
    promised = due - datetime.fromisoformat(owed()["done_at"])
    assert timedelta(days=3) <= promised < timedelta(days=4)
    for outcome in ("no_answer", "reached"):
        tried = {"id": str(uuid4()), "at": datetime.now(UTC).isoformat(), "outcome": outcome}
        assert desk.post(f"{V1}/jobs/{done[1]}/follow-ups", json=tried).status_code == 201
    assert not owed()["open"]
    assert owed()["in_time"] is True
    assert [attempt["outcome"] for attempt in owed()["attempts"]] == ["no_answer", "reached"]


def test_a_fault_that_comes_back_spoils_first_fix_and_costs_points(
    world: World, auditor: FlaskClient, done: list[UUID]
) -> None:
    job_id = done[2]
    with world.sessions.begin() as session:
        old = session.get_one(Job, job_id)
        assert old.closed_at is not None
        again = session.scalars(select(Job).where(Job.status == "open").limit(1)).one()
        again.repeat_of, again.reported_at = job_id, old.closed_at + timedelta(hours=2)
        again.due_at = again.reported_at + timedelta(hours=72)
    figures = auditor.get(f"{V1}/quality/figures", query_string=period()).get_json()
    assert figures["came_back"] == [str(job_id)]
    assert figures["undecided"] == figures["jobs_done"] - 1
    auditor.post(f"{V1}/merits/book")
    technician, _ = technician_of(world, job_id)
    listed = own_client(world, technician).get(f"{V1}/me/merits").get_json()["items"]
    (entry,) = [item for item in listed if item["rule"] == "came-back"]
    assert entry["points"] < 0
    assert "came back within 30 days" in entry["explanation"]["en"]


def test_the_ledger_of_merits_equals_a_replay_and_a_granted_appeal_takes_an_entry_back(
    world: World, auditor: FlaskClient, done: list[UUID]
) -> None:
    assert auditor.post(f"{V1}/merits/book").status_code == 200
    assert auditor.post(f"{V1}/merits/book").get_json() == {"added": 0, "unfounded": 0}
    technician, _ = technician_of(world, done[2])
    own = own_client(world, technician)
    entry = next(
        item
        for item in own.get(f"{V1}/me/merits").get_json()["items"]
        if item["rule"] == "came-back"
    )
    appeal = {"id": str(uuid4()), "entry_id": entry["id"], "text": "another fault"}
    assert own.post(f"{V1}/me/appeals", json=appeal).status_code == 201
    other = next(
        client
        for client in map(world.client, ("t01", "t02"))
        if client.get(f"{V1}/session").get_json()["technician_id"] != str(technician)
    )
    stolen = other.post(f"{V1}/me/appeals", json=appeal | {"id": str(uuid4())})
    assert stolen.get_json()["code"] == "not_found"
    decided = auditor.post(
        f"{V1}/merits/appeals/{appeal['id']}/decision",
        json={"granted": True, "reason": "the compressor had been fine"},
    )
    assert decided.get_json()["decision"] == "granted"
    mine = own.get(f"{V1}/me/merits").get_json()["items"]
    assert (
        sum(item["points"] for item in mine if entry["id"] in (item["id"], item["takes_back"])) == 0
    )
    assert auditor.get(f"{V1}/merits/check").get_json()["equal"] is True


def test_a_line_written_into_the_ledger_by_hand_is_found(
    world: World, auditor: FlaskClient
) -> None:
    with world.sessions.begin() as session:
        session.execute(
            text(
                "INSERT INTO merit_entry (id, technician_number, fact, fact_kind, rule, "
                "rules_version, at, fen, points, explanation) SELECT 'forged', number, 'x', 'x', "
                "'x', 'x', now(), 1, 1, '{}' FROM technician LIMIT 1"
            )
        )
    found = auditor.get(f"{V1}/merits/check").get_json()
    assert (found["equal"], found["unfounded"]) == (False, ["forged"])
    with world.sessions() as session, pytest.raises(DBAPIError, match="never changed"):
        session.execute(text("UPDATE merit_entry SET fen = 1000"))


def test_a_score_leads_to_its_records_and_counts_again_to_the_same(
    auditor: FlaskClient, done: list[UUID]
) -> None:
    today = period()["to"]
    made = auditor.post(f"{V1}/scorecards", json=period())
    assert made.status_code == 201, made.text
    card = made.get_json()
    items = {item["code"]: item for item in card["document"]["items"]}
    assert (
        items["urgent-arrival"]["measured"]["of"] + items["normal-arrival"]["measured"]["of"] >= 6
    )
    assert str(done[0]) in items["satisfaction"]["records"]
    again = auditor.get(f"{V1}/scorecards/{card['id']}/recount").get_json()
    assert again["equal"] is True
    late = auditor.post(f"{V1}/scorecards", json={"from": today, "to": "2199-01-01"})
    assert late.get_json()["code"] == "invalid"


def test_conduct_is_decided_by_somebody_else_than_who_reported_it(
    world: World, auditor: FlaskClient, done: list[UUID]
) -> None:
    technician, _ = technician_of(world, done[3])
    told = {
        "id": str(uuid4()),
        "technician_id": str(technician),
        "job_id": str(done[3]),
        "topic": "rude",
        "text": "shouted at the consumer",
        "at": datetime.now(UTC).isoformat(),
    }
    assert auditor.post(f"{V1}/incidents", json=told).status_code == 201
    verdict = {"established": True, "finding": "heard on the recorded call"}
    own = auditor.post(f"{V1}/incidents/{told['id']}/decision", json=verdict)
    assert own.get_json()["code"] == "forbidden"
    admin = world.client("admin")
    assert admin.post(f"{V1}/incidents/{told['id']}/decision", json=verdict).status_code == 200
    assert (
        admin.post(
            f"{V1}/incidents/{told['id']}/decision", json=verdict | {"established": False}
        ).get_json()["code"]
        == "already_decided"
    )


def test_topics_of_complaints_are_held_against_the_period_before(
    world: World, auditor: FlaskClient, done: list[UUID]
) -> None:
    with world.sessions.begin() as session:
        job = session.get_one(Job, done[4])
        request = session.get_one(Request, job.request_id)
        session.execute(
            text(
                "INSERT INTO complaint (id, job_id, topic, text, wish, state, door, received_at) "
                "VALUES (:id, :job, 'fees', 'too much', '', 'received', 'link', now())"
            ),
            {"id": uuid4(), "job": job.id},
        )
        assert request is not None
    found = auditor.get(f"{V1}/quality/topics", query_string=period()).get_json()
    assert found["jobs_now"] >= 6
    if found["jobs_before"]:
        assert found["items"][0]["topic"] == "fees"
