from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask.testing import FlaskClient
from uuid_utils.compat import uuid7

from tests.api.world import World, report


def test_an_urgent_fault_gets_a_job_that_is_due_24_hours_after_the_report(
    dispatcher: FlaskClient,
) -> None:
    reported = datetime.now(UTC) - timedelta(hours=2)
    answer = dispatcher.post("/api/v1/requests", json=report(reported_at=reported.isoformat()))
    assert answer.status_code == 201
    job = answer.get_json()
    assert job["class"] == "urgent"
    assert datetime.fromisoformat(job["due_at"]) == reported + timedelta(hours=24)
    assert job["triage"] == {"rule": "food-spoils", "version": "arrival-2026-01-01"}
    assert job["skills"] == {"fridge": 2}
    assert job["status"] == "open"
    assert dispatcher.get(answer.headers["Location"]).get_json() == job
    request = dispatcher.get(f"/api/v1/requests/{job['request_id']}").get_json()
    assert request["consumer"] == {"name": "Rosa Araya Soto", "phone": "+56 9 0000 0042"}


def test_the_same_report_through_each_door_is_decided_alike(dispatcher: FlaskClient) -> None:
    at = datetime.now(UTC).isoformat()
    told = [
        dispatcher.post("/api/v1/requests", json=report(channel=channel, reported_at=at)).get_json()
        for channel in ("phone", "web", "walk_in", "api")
    ]
    decisions = {
        (job["class"], job["due_at"], job["service_s"], str(job["skills"])) for job in told
    }
    assert len(decisions) == 1


def test_a_report_from_the_future_or_from_long_ago_is_refused(dispatcher: FlaskClient) -> None:
    now = datetime.now(UTC)
    for at in (now + timedelta(hours=1), now - timedelta(days=31)):
        answer = dispatcher.post("/api/v1/requests", json=report(reported_at=at.isoformat()))
        assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid")


def test_the_cursor_walks_through_every_job_once_in_order_of_due_time(
    dispatcher: FlaskClient,
) -> None:
    whole = dispatcher.get("/api/v1/jobs?limit=500").get_json()["items"]
    walked = []
    cursor = ""
    while True:
        page = dispatcher.get(f"/api/v1/jobs?limit=7{cursor}").get_json()
        walked += page["items"]
        assert len(page["items"]) <= 7
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert [job["id"] for job in walked] == [job["id"] for job in whole]
    due = [job["due_at"] for job in walked]
    assert due == sorted(due)
    assert len({job["id"] for job in walked}) == len(walked) > 7


def test_a_cursor_that_is_not_ours_is_refused(dispatcher: FlaskClient) -> None:
    for cursor in ("abc", "W10", "WyJhIiwgImIiXQ", "%00", "é"):
        answer = dispatcher.get(f"/api/v1/jobs?cursor={cursor}")
        assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid"), cursor


def test_jobs_can_be_asked_for_by_class_and_status(dispatcher: FlaskClient) -> None:
    page = dispatcher.get("/api/v1/jobs?class=urgent&status=planned&limit=500").get_json()
    assert page["items"]
    assert {(job["class"], job["status"]) for job in page["items"]} == {("urgent", "planned")}


def test_a_planner_sees_the_street_but_neither_name_nor_phone_nor_house(
    dispatcher: FlaskClient, planner: FlaskClient
) -> None:
    job = dispatcher.post("/api/v1/requests", json=report()).get_json()
    masked = planner.get(f"/api/v1/jobs/{job['id']}").get_json()
    assert masked["consumer"] == {"name": "R. A. S.", "phone": "••• 42"}
    assert masked["address"] == "Avenida Balmaceda"
    assert masked["place"] == {"lat": -29.908, "lon": -71.254}
    for path in (
        f"/api/v1/requests/{job['request_id']}",
        "/api/v1/requests?limit=500",
        "/api/v1/jobs?limit=500",
        "/api/v1/days/today",
        "/api/v1/activity?limit=500",
    ):
        told = planner.get(path).text
        assert "Rosa Araya" not in told
        assert "0000 0042" not in told
        assert "Balmaceda 1234" not in told


def test_what_has_been_received_stands_in_the_feed_with_its_rule(
    world: World, dispatcher: FlaskClient
) -> None:
    job = dispatcher.post("/api/v1/requests", json=report()).get_json()
    lines = dispatcher.get("/api/v1/activity?limit=500").get_json()["items"]
    line = next(line for line in lines if line["subject_id"] == job["id"])
    assert line["kind"] == "request_received"
    assert line["data"]["rule"] == "arrival-2026-01-01/food-spoils"
    assert line["actor"] == "Paz Dispatcher"


def test_what_callers_say_names_nobody_to_roles_that_are_shown_no_names(
    world: World, dispatcher: FlaskClient
) -> None:
    words = "Ask for rosa araya, Avenida Balmaceda 1234, +56 9 0000 0042, ra@example.org. It leaks."
    job = dispatcher.post("/api/v1/requests", json=report(description=words)).get_json()
    filed = dispatcher.post(
        f"/api/v1/jobs/{job['id']}/complaints",
        json={"id": str(uuid7()), "topic": "delay", "text": words, "wish": "Call 0000 0042"},
    ).get_json()
    assert (job["description"], filed["text"]) == (words, words)
    for login in ("planner", "auditor", "regulator", "association"):
        client = world.client(login)
        told = client.get(f"/api/v1/complaints/{filed['id']}")
        if login != "association":
            told = client.get(f"/api/v1/jobs/{job['id']}")
            assert told.get_json()["description"].endswith("It leaks.")
        for secret in ("rosa", "Araya", "Balmaceda 1234", "0000 0042", "@"):
            assert secret.casefold() not in told.text.casefold(), (login, secret)
