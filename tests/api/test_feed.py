from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Thread
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.routes import feed as feed_routes
from api.services.activity import Cursor, latest, read, record
from tests.api.world import World, busy_logins, event, first_stop, report


class Stream:
    """A browser's side of a stream of events."""

    def __init__(self, client: FlaskClient, last_event_id: str = "") -> None:
        headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
        self.answer = client.get("/api/v1/events", headers=headers)
        assert self.answer.status_code == 200
        assert self.answer.mimetype == "text/event-stream"
        self._chunks: Iterator[Any] = self.answer.iter_encoded()
        self.start = self._fields(next(self._chunks))["id"]

    @staticmethod
    def _fields(chunk: bytes) -> dict[str, str]:
        lines = chunk.decode().strip().split("\n")
        return dict(line.split(": ", 1) for line in lines)

    def next(self) -> dict[str, Any]:
        """The next event; heartbeats are passed over."""
        while (chunk := next(self._chunks)).startswith(b":"):
            pass
        fields = self._fields(chunk)
        return {"id": fields["id"], "event": fields["event"], "data": json.loads(fields["data"])}

    def close(self) -> None:
        self.answer.close()


def test_a_stream_tells_what_happens_and_resumes_where_it_was_cut(
    world: World, dispatcher: FlaskClient
) -> None:
    stream = Stream(dispatcher)
    first = world.client("dispatch").post("/api/v1/requests", json=report()).get_json()
    told = stream.next()
    while told["event"] != "request_received":  # signing in is told too
        told = stream.next()
    assert told["data"]["subject_id"] == first["id"]
    stream.close()
    second = dispatcher.post("/api/v1/requests", json=report()).get_json()
    resumed = Stream(dispatcher, told["id"])
    assert resumed.next()["data"]["subject_id"] == second["id"]
    resumed.close()


def test_a_stream_wakes_when_something_is_committed(world: World, dispatcher: FlaskClient) -> None:
    other = world.client("admin")
    stream = Stream(dispatcher)
    reporter = Thread(target=lambda: other.post("/api/v1/requests", json=report()))
    reporter.start()
    assert stream.next()["event"] == "request_received"
    reporter.join()
    stream.close()


def test_a_technician_hears_of_his_or_her_own_visits_only(world: World) -> None:
    one, two = busy_logins(world, 2)
    client, visit_id = first_stop(world, one)
    other, other_visit = first_stop(world, two)
    stream = Stream(client)
    assert other.post(f"/api/v1/visits/{other_visit}/events", json=event("accepted"))
    assert client.post(f"/api/v1/visits/{visit_id}/events", json=event("accepted"))
    assert stream.next()["data"]["subject_id"] == str(visit_id)
    stream.close()
    subjects = {
        line["technician_id"]
        for line in client.get("/api/v1/activity?limit=500").get_json()["items"]
    }
    assert len(subjects) == 1


def test_only_so_many_streams_are_open_at_a_time(
    world: World, dispatcher: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_routes, "HEARTBEAT_S", 0.01)
    slots = world.settings.web_threads // 2
    streams = [Stream(dispatcher) for _ in range(slots)]
    refused = dispatcher.get("/api/v1/events")
    assert (refused.status_code, refused.get_json()["code"]) == (503, "unavailable")
    for stream in streams:
        stream.close()
    Stream(dispatcher).close()


def test_nobody_hears_anything_without_signing_in(world: World) -> None:
    assert world.client().get("/api/v1/events").status_code == 401


def test_a_line_that_commits_late_is_not_missed(world: World) -> None:
    """The later number commits first: a reader must not pass the earlier one by."""
    with world.sessions() as reader:
        start = latest(reader)
    slow, quick = world.sessions(), world.sessions()
    subject = world.client("admin").get("/api/v1/session").get_json()["id"]
    record(slow, "slow", "person", subject)
    slow.flush()
    record(quick, "quick", "person", subject)
    quick.commit()
    with world.sessions() as reader:
        early = [line.kind for line in read(reader, start, 100)]
    assert "quick" not in early
    slow.commit()
    with world.sessions() as reader:
        kinds = [line.kind for line in read(reader, start, 100)]
    assert kinds[-2:] == ["slow", "quick"]
    slow.close()
    quick.close()


def test_polling_by_cursor_gives_every_line_once(dispatcher: FlaskClient) -> None:
    whole = dispatcher.get("/api/v1/activity?limit=500").get_json()
    walked: list[str] = []
    cursor = ""
    while True:
        page = dispatcher.get(f"/api/v1/activity?limit=3{cursor}").get_json()
        if not page["items"]:
            break
        walked += [line["id"] for line in page["items"]]
        cursor = f"&cursor={page['next']}"
    assert walked == [line["id"] for line in whole["items"]]
    assert whole["next"] == walked[-1]


def test_a_cursor_reads_back_what_it_writes() -> None:
    assert Cursor.parse(str(Cursor(12, 34))) == Cursor(12, 34)


def test_what_somebody_wrote_into_a_line_names_nobody_to_roles_that_are_shown_no_names(
    world: World, dispatcher: FlaskClient
) -> None:
    job = dispatcher.post("/api/v1/requests", json=report()).get_json()
    why = "Rosa Araya, Avenida Balmaceda 1234, rang from +56 9 0000 0042: wants it no more"
    sent = {"event": "cancelled", "by": "consumer", "reason": why}
    assert dispatcher.post(f"/api/v1/jobs/{job['id']}/events", json=sent).status_code < 300
    message = {
        "channel": "sms",
        "key": "a message of nobody's",
        "sender": "+56 9 0000 0042",
        "text": "hello",
        "received_at": datetime.now(UTC).isoformat(),
    }
    taken = dispatcher.post("/api/v1/messages", json=message)
    assert taken.status_code == 201, taken.text
    path = f"/api/v1/messages/{taken.get_json()['id']}/set-aside"
    assert dispatcher.post(path, json={"reason": "Rosa Araya again"}).status_code < 300

    def words(login: str) -> dict[str, str]:
        lines, cursor = [], "0-0"
        client = world.client(login)
        while page := client.get(f"/api/v1/activity?limit=500&cursor={cursor}").get_json():
            lines += page["items"]
            if len(page["items"]) < 500:
                break
            cursor = page["next"]
        return {
            line["kind"]: line["data"]["reason"] for line in lines if line["data"].get("reason")
        }

    clear = words("dispatch")
    assert clear["job_cancelled"] == why
    assert clear["message_set_aside"] == "Rosa Araya again"
    for login in ("planner", "auditor"):
        told = words(login)
        assert told["job_cancelled"].endswith("wants it no more")
        for secret in ("Rosa", "Araya", "1234", "0042"):
            assert secret not in told["job_cancelled"]
        assert told["message_set_aside"] == "…"
        stream = Stream(world.client(login), "0-0")
        line = stream.next()
        while line["data"]["data"].get("reason") is None:
            line = stream.next()
        assert "Rosa" not in line["data"]["data"]["reason"]
        stream.close()
