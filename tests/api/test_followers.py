from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from icalendar import Calendar
from sqlalchemy import select, text

from api import worker
from api.db.models import CalendarFeed, Region, Visit, Webhook, WebhookDelivery
from api.routes import operations
from api.services import webhooks
from api.services.webhooks import PAUSES, TargetRefused, check_target, collect, deliver
from tests.api.world import World, busy_logins

V1 = "/api/v1"


def opened(world: World) -> tuple[FlaskClient, str, str]:
    client = world.client(busy_logins(world, 1)[0])
    own = client.get(f"{V1}/session").get_json()["technician_id"]
    made = client.post(f"{V1}/technicians/{own}/calendar")
    assert made.status_code == 201
    return client, own, made.get_json()["path"]


def test_a_calendar_tells_the_visits_on_the_clock_of_the_place_and_no_consumer(
    world: World,
) -> None:
    _client, own, path = opened(world)
    answer = world.client().get(path)
    assert answer.mimetype == "text/calendar"
    calendar = Calendar.from_ical(answer.get_data())
    events = calendar.walk("VEVENT")
    with world.sessions() as session:
        zone = ZoneInfo(session.scalars(select(Region.timezone)).one())
        visits = session.scalars(
            select(Visit)
            .where(Visit.active, Visit.technician.has(id=UUID(own)))
            .order_by(Visit.start_at)
        ).all()
        consumers = [visit.job.request.consumer for visit in visits]
        told = answer.get_data(as_text=True)
        assert not any(one.name in told or one.phone in told for one in consumers)
    assert [event["dtstart"].dt for event in events] == [visit.start_at for visit in visits]
    assert {str(event["dtstart"].dt.tzinfo) for event in events} == {str(zone)}
    assert len({str(event["uid"]) for event in events}) == len(visits) > 0
    assert calendar.walk("VTIMEZONE")


def test_an_unchanged_calendar_costs_no_body_and_a_revoked_one_is_gone(world: World) -> None:
    client, own, path = opened(world)
    reader = world.client()
    etag = reader.get(path).headers["ETag"]
    again = reader.get(path, headers={"If-None-Match": etag})
    assert (again.status_code, again.get_data()) == (304, b"")
    secret = path.rpartition("/")[2].removesuffix(".ics")
    with world.sessions() as session:
        hashes = session.scalars(select(CalendarFeed.secret_hash)).all()
    assert secret.encode() not in hashes
    assert hashlib.sha256(secret.encode()).digest() in hashes
    new = client.post(f"{V1}/technicians/{own}/calendar").get_json()["path"]
    assert reader.get(path).status_code == 404
    assert reader.get(new).status_code == 200
    for _ in range(2):
        assert client.delete(f"{V1}/technicians/{own}/calendar").status_code == 204
    assert reader.get(new).get_json()["code"] == "not_found"


class Receiver(ThreadingHTTPServer):
    """A server of somebody else's: keeps what it gets, answers as told."""

    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://localhost:{self.server_port}/hook?x=1"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers), body))
        self.send_response(self.server.status)
        self.send_header("Location", "http://localhost:1/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        """Quiet."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def hook(world: World, receiver: Receiver) -> Iterator[Webhook]:
    with world.sessions.begin() as session:
        made = webhooks.add_webhook(session, receiver.url, ["part_named"], None, allow_private=True)
        made_id, secret = made.id, made.secret
    yield Webhook(id=made_id, secret=secret, url=receiver.url)
    with world.sessions.begin() as session:
        webhooks.remove_webhook(session, made_id, None, datetime.now(UTC))


def name_part(client: FlaskClient, code: str) -> None:
    assert client.post(f"{V1}/parts", json={"code": code, "name": "Pump"}).status_code == 201


def statuses(world: World, hook: Webhook) -> list[tuple[str, int]]:
    with world.sessions() as session:
        rows = session.execute(
            select(WebhookDelivery.status, WebhookDelivery.attempts)
            .where(WebhookDelivery.webhook_id == hook.id)
            .order_by(WebhookDelivery.id)
        )
        return [(row.status, row.attempts) for row in rows]


def test_an_address_gets_the_kinds_it_asked_for_once_and_signed(
    world: World, planner: FlaskClient, receiver: Receiver, hook: Webhook
) -> None:
    name_part(planner, "HOOK-1")
    planner.post(f"{V1}/tokens", json={"name": "something else"})
    now = datetime.now(UTC)
    assert collect(world.sessions, now) == 1
    assert collect(world.sessions, now) == 0
    assert deliver(world.sessions, now, allow_private=True) == (1, 0)
    assert deliver(world.sessions, now, allow_private=True) == (0, 0)
    [(headers, body)] = receiver.got
    assert json.loads(body)["data"]["code"] == "HOOK-1"
    assert headers["Zhunda-Event"] == "part_named"
    stamp, digest = (part.partition("=")[2] for part in headers["Zhunda-Signature"].split(","))
    signed = hmac.new(hook.secret.encode(), stamp.encode() + b"." + body, hashlib.sha256)
    assert digest == signed.hexdigest()
    assert abs(int(stamp) - now.timestamp()) < 2


def test_what_is_not_received_is_sent_again_later_then_lies_dead_until_somebody_sends_it(
    world: World, planner: FlaskClient, admin: FlaskClient, receiver: Receiver, hook: Webhook
) -> None:
    receiver.status = 503
    name_part(planner, "HOOK-2")
    now = datetime.now(UTC)
    collect(world.sessions, now)
    assert deliver(world.sessions, now, allow_private=True) == (0, 1)
    assert deliver(world.sessions, now + PAUSES[0] / 2, allow_private=True) == (0, 0)
    for pause in PAUSES:
        now += pause
        deliver(world.sessions, now, allow_private=True)
    assert statuses(world, hook) == [("dead", len(PAUSES) + 1)]
    assert deliver(world.sessions, now + timedelta(days=9), allow_private=True) == (0, 0)
    dead = admin.get(f"{V1}/webhook-deliveries?status=dead").get_json()["items"]
    [mine] = [one for one in dead if one["webhook_id"] == str(hook.id)]
    assert mine["last_answer"] == "HTTP 503"
    receiver.status = 204
    again = admin.post(f"{V1}/webhook-deliveries/{mine['id']}/redeliver")
    assert again.get_json()["status"] == "queued"
    assert deliver(world.sessions, datetime.now(UTC), allow_private=True) == (1, 0)
    assert statuses(world, hook) == [("delivered", 1)]


def test_the_workers_minute_calls_an_address_again_until_it_has_received(
    world: World, planner: FlaskClient, receiver: Receiver, hook: Webhook
) -> None:
    app = worker.build(
        world.settings.database_url, world.sessions, world.roads, webhook_private_targets=True
    )

    # The minutes of this test, and none of the clock's.
    app.periodic_registry.periodic_tasks.clear()
    with world.sessions.begin() as session:
        session.execute(text("DELETE FROM procrastinate_jobs WHERE queue_name = 'upkeep'"))

    async def minute(at: datetime) -> None:
        async with app.open_async():
            await app.tasks["call_webhooks"].defer_async(timestamp=int(at.timestamp()))
            await app.run_worker_async(
                queues=[worker.UPKEEP],
                wait=False,
                install_signal_handlers=False,
                listen_notify=False,
            )

    name_part(planner, "HOOK-5")
    receiver.status = 500
    now = datetime.now(UTC) + timedelta(seconds=1)
    asyncio.run(minute(now))
    asyncio.run(minute(now + PAUSES[0] / 2))
    assert statuses(world, hook) == [("queued", 1)]
    receiver.status = 200
    asyncio.run(minute(now + PAUSES[0] + timedelta(seconds=1)))
    assert statuses(world, hook) == [("delivered", 2)]
    first, second = (headers["Zhunda-Delivery"] for headers, _ in receiver.got)
    assert first == second


def test_a_redirect_is_not_followed(
    world: World, planner: FlaskClient, receiver: Receiver, hook: Webhook
) -> None:
    receiver.status = 307
    name_part(planner, "HOOK-3")
    collect(world.sessions, datetime.now(UTC))
    assert deliver(world.sessions, datetime.now(UTC), allow_private=True) == (0, 1)
    assert len(receiver.got) == 1


def test_an_address_that_turned_inside_is_not_called(
    world: World, planner: FlaskClient, receiver: Receiver, hook: Webhook
) -> None:
    name_part(planner, "HOOK-4")
    collect(world.sessions, datetime.now(UTC))
    assert deliver(world.sessions, datetime.now(UTC), allow_private=False) == (0, 1)
    assert receiver.got == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x",
        "http://localhost:8080/",
        "http://10.1.2.3/",
        "http://169.254.169.254/latest",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://0.0.0.0/",
        "http://224.0.0.1/",
        "ftp://8.8.8.8/",
        "http://user:pw@8.8.8.8/",
        "http://8.8.8.8:99999/",
        "nonsense",
    ],
)
def test_addresses_inside_are_refused(admin: FlaskClient, url: str) -> None:
    with pytest.raises(TargetRefused):
        check_target(url, allow_private=False)
    answer = admin.post(f"{V1}/webhooks", json={"url": url})
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid")


def test_an_admin_sees_the_secret_of_an_address_once(admin: FlaskClient) -> None:
    made = admin.post(f"{V1}/webhooks", json={"url": "http://8.8.8.8/x", "kinds": ["part_named"]})
    assert made.status_code == 201, made.text
    told = made.get_json()
    assert len(told["secret"]) > 30
    listed = admin.get(f"{V1}/webhooks").get_json()["items"]
    assert [one["kinds"] for one in listed if one["id"] == told["id"]] == [["part_named"]]
    assert "secret" not in json.dumps(listed)
    assert admin.delete(f"{V1}/webhooks/{told['id']}").status_code == 204
    assert told["id"] not in json.dumps(admin.get(f"{V1}/webhooks").get_json())


def test_the_secret_of_a_calendar_stands_in_no_log(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []

    class Listener:
        def info(self, *told: Any, **values: Any) -> None:
            lines.append(repr((told, values)))

    _client, _own, path = opened(world)
    monkeypatch.setattr(operations, "log", Listener())
    assert world.client().get(path).status_code == 200
    assert any("/calendars/" in line for line in lines)
    secret = path.rpartition("/")[2].removesuffix(".ics")
    assert not any(secret in line for line in lines)
