"""Messages really go out and come in: a real SMTP server, a Maildir, folders of files."""

from __future__ import annotations

import json
import mailbox
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from flask.testing import FlaskClient
from sqlalchemy import select, update

from api.db.models import IncomingMessage, Job, OutgoingMessage, Request
from api.services import inbox, outbox
from api.services.carriers import CarrierError, FileCarrier, MailCarrier, Outgoing, carriers_of
from tests.api.world import World, report

V1 = "/api/v1"
NOW = datetime.now(UTC)


class Postmaster:
    """Keeps what it is sent; refuses one address for ever."""

    def __init__(self) -> None:
        self.mails: list[Any] = []

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        """Refuse the address that does not exist."""
        if address.startswith("nobody@"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Keep the mail."""
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 kept as 42"


@pytest.fixture
def postmaster() -> Iterator[tuple[Postmaster, str]]:
    """A real SMTP server on a free port, and its URL."""
    handler = Postmaster()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, f"smtp://127.0.0.1:{port}"
    controller.stop(no_assert=True)


def reported(client: FlaskClient, email: str) -> Any:
    told = report(consumer={"name": "Rosa", "phone": "+56 9 7000 0001", "email": email})
    answer = client.post(f"{V1}/requests", json=told)
    assert answer.status_code == 201, answer.text
    return answer.get_json()


def test_receipt_and_result_reach_the_consumer_and_the_servers_reply_is_kept(
    world: World, dispatcher: FlaskClient, postmaster: tuple[Postmaster, str], tmp_path: Path
) -> None:
    handler, url = postmaster
    job = reported(dispatcher, "rosa@example.org")
    solved = {"event": "remote_solved", "reason": "Levelled the feet."}
    assert dispatcher.post(f"{V1}/jobs/{job['id']}/events", json=solved).status_code == 200
    carriers = carriers_of(tmp_path, url, "service@zhunda.example")
    sent, failed = outbox.deliver(world.sessions, carriers, datetime.now(UTC))
    assert (sent >= 2, failed) == (True, 0)
    mine = [mail for mail in handler.mails if str(job["number"]) in mail["Subject"]]
    assert len(mine) == 2
    assert mine[0]["To"] == "rosa@example.org"
    assert "Levelled the feet." in mine[1].get_content()
    assert "已处理完毕" in mine[1].get_content()
    told = dispatcher.get(f"{V1}/jobs/{job['id']}/dossier").get_json()["messages"]
    assert [row["status"] for row in told] == ["delivered", "delivered"]
    assert all("kept as 42" in row["delivery_receipt"] for row in told)
    assert outbox.deliver(world.sessions, carriers, datetime.now(UTC)) == (0, 0)


def test_a_mail_that_is_refused_is_tried_again_and_at_last_given_up(
    world: World, dispatcher: FlaskClient, postmaster: tuple[Postmaster, str], tmp_path: Path
) -> None:
    _, url = postmaster
    job = reported(dispatcher, "nobody@example.org")
    carriers = carriers_of(tmp_path, url, "service@zhunda.example")
    later = datetime.now(UTC)
    for attempt in range(1, len(outbox.PAUSES) + 2):
        outbox.deliver(world.sessions, carriers, later)
        with world.sessions() as session:
            row = session.scalars(
                select(OutgoingMessage).where(OutgoingMessage.job_id == job["id"])
            ).one()
        assert row.attempts == attempt
        assert "550" in row.delivery_receipt
        # Nothing happens before its pause is over.
        outbox.deliver(world.sessions, carriers, later)
        later += timedelta(days=1)
    assert row.status == "failed"
    kinds = {
        (one["kind"], one["subject_id"])
        for one in dispatcher.get(f"{V1}/exceptions").get_json()["items"]
    }
    assert ("message_failed", job["id"]) in kinds


def test_a_server_that_is_away_loses_nothing(tmp_path: Path) -> None:
    carrier = MailCarrier("smtp://127.0.0.1:1", "service@zhunda.example")
    with pytest.raises(CarrierError):
        carrier.send(Outgoing("1", "rosa@example.org", "Subject", "Text"))


WORDS = """产品：fridge
故障：not-cooling
姓名：Rosa Araya
电话：+56 9 7000 0002
地址：Avenida Balmaceda 1234
位置：-29.9077, -71.2541
"""


def test_a_mail_in_the_maildir_becomes_a_report_and_is_not_read_twice(
    world: World, tmp_path: Path
) -> None:
    carrier = MailCarrier("smtp://127.0.0.1:1", "service@zhunda.example", tmp_path / "maildir")
    mail = EmailMessage()
    mail["From"] = "Rosa <rosa.mail@example.org>"
    mail["Subject"] = "冰箱"
    mail["Date"] = NOW - timedelta(hours=2)
    mail.set_content(WORDS)
    mailbox.Maildir(tmp_path / "maildir").add(mail)
    assert inbox.collect(world.sessions, [carrier], NOW) == 1
    assert inbox.collect(world.sessions, [carrier], NOW) == 0
    with world.sessions() as session:
        row = session.scalars(
            select(IncomingMessage).where(IncomingMessage.sender == "rosa.mail@example.org")
        ).one()
        assert row.status == "reported", row.problem
        request = session.scalars(select(Request).where(Request.message_id == row.id)).one()
        assert request.consumer.email == "rosa.mail@example.org"
        assert abs((request.reported_at - (NOW - timedelta(hours=2))).total_seconds()) < 2


def test_files_of_a_gateway_are_taken_once_and_broken_ones_put_aside(
    world: World, tmp_path: Path
) -> None:
    carrier = FileCarrier("wechat", tmp_path)
    body = {
        "key": "wx-1", "sender": "wx-openid-1", "text": WORDS,
        "received_at": (NOW - timedelta(minutes=5)).isoformat(),
    }  # fmt: skip
    (tmp_path / "inbox" / "1.json").write_text(json.dumps(body), encoding="utf-8")
    (tmp_path / "inbox" / "2.json").write_text("{", encoding="utf-8")
    (tmp_path / "inbox" / "3.json").write_text(json.dumps(body), encoding="utf-8")
    inbox.collect(world.sessions, [carrier], NOW)
    assert [path.name for path in (tmp_path / "broken").iterdir()] == ["2.json"]
    with world.sessions() as session:
        rows = session.scalars(
            select(IncomingMessage).where(IncomingMessage.message_key == "wx-1")
        ).all()
        jobs = session.scalars(
            select(Job.id)
            .join(Request, Request.id == Job.request_id)
            .where(Request.message_id.in_([row.id for row in rows]))
        ).all()
    assert (len(rows), len(jobs)) == (1, 1)
    with world.sessions.begin() as session:
        session.execute(
            update(OutgoingMessage)
            .where(OutgoingMessage.job_id == jobs[0])
            .values(next_try_at=NOW - timedelta(days=1))
        )
    outbox.deliver(world.sessions, [carrier], NOW)
    written = [json.loads(path.read_text()) for path in (tmp_path / "outbox").glob("*.json")]
    assert written
    assert {one["channel"] for one in written} == {"wechat"}
