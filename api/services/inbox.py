"""Messages that come in: stored, then a report where they say enough, else the desk's work."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, sessionmaker
from uuid_utils.compat import uuid7

from api.db.models import IncomingMessage, Job
from api.services.activity import record
from api.services.carriers import Carrier, Incoming
from api.services.intake import Report, take_report
from api.services.proposals import Propose, nobody
from api.services.refusals import Refusal
from domain.places import Place

log = structlog.get_logger("zhunda.inbox")
WORDS = {
    "product": ("product", "产品"),
    "fault": ("fault", "故障"),
    "name": ("name", "姓名"),
    "phone": ("phone", "电话"),
    "address": ("address", "地址"),
    "place": ("place", "位置"),
    "text": ("text", "描述"),
}
_KEY = {word: key for key, words in WORDS.items() for word in words}
_CODE = re.compile(r"^[a-z0-9][a-z0-9_-]{0,59}$")


class NotAReport(Exception):
    """A message does not say enough; the text names what is missing."""


def read(channel: str, message: Incoming) -> Report:
    """The report that a message is: lines of ``word: value``, in English or Chinese.

    ``product`` and ``fault`` are codes, ``place`` is ``lat, lon``; the phone is the sender's where
    it is not told. The clock starts when the message came in.

    Raises
    ------
    NotAReport
        When something is missing or does not fit.
    """
    told: dict[str, str] = {}
    for line in message.text.splitlines():
        word, colon, value = line.replace("：", ":").partition(":")
        key = _KEY.get(word.strip().lower())
        if colon and key and value.strip():
            told.setdefault(key, value.strip()[:200])
    phone = told.get("phone") or ("" if channel == "email" else message.sender)
    missing = [key for key in ("product", "fault", "name", "address", "place") if key not in told]
    if not phone:
        missing.append("phone")
    if missing:
        raise NotAReport(f"missing: {', '.join(missing)}")
    for key in ("product", "fault"):
        if not _CODE.match(told[key]):
            raise NotAReport(f"{key} is not a code: {told[key][:60]}")
    try:
        lat, _, lon = told["place"].partition(",")
        place = Place(float(lat), float(lon))
    except ValueError as error:
        raise NotAReport(f"place: {error}") from None
    return Report(
        channel=channel,
        reported_at=message.received_at,
        product=told["product"],
        fault=told["fault"],
        description=told.get("text", ""),
        consumer_name=told["name"],
        consumer_phone=phone[:40],
        consumer_email=message.sender if channel == "email" else None,
        address=told["address"],
        place=place,
    )


def take_message(
    session: Session,
    channel: str,
    message: Incoming,
    actor_id: UUID | None,
    now: datetime,
    propose: Propose = nobody,
) -> tuple[IncomingMessage, Job | None]:
    """Store a message once, and open its job where it says enough.

    Returns
    -------
    (IncomingMessage, Job | None)
        The stored message; no job when it waits for the desk or was there before.
    """
    new_id = session.scalar(
        insert(IncomingMessage)
        .values(
            id=uuid7(),
            channel=channel,
            message_key=message.key,
            sender=message.sender,
            subject=message.subject,
            text=message.text,
            received_at=min(message.received_at, now),
            status="new",
            problem="",
        )
        .on_conflict_do_nothing(index_elements=["channel", "message_key"])
        .returning(IncomingMessage.id)
    )
    row = session.scalars(
        select(IncomingMessage).where(
            IncomingMessage.channel == channel, IncomingMessage.message_key == message.key
        )
    ).one()
    if new_id is None:
        return row, None
    record(session, "message_received", "message", row.id, actor_id=actor_id, channel=channel)
    try:
        report = read(channel, message)
        return row, make_report(session, row, report, actor_id, now, propose)
    except (NotAReport, Refusal) as error:
        row.problem = str(error)[:500]
        return row, None


def make_report(
    session: Session,
    row: IncomingMessage,
    report: Report,
    actor_id: UUID | None,
    now: datetime,
    propose: Propose = nobody,
) -> Job:
    """Open the job of a message, once; its clock starts when the message came in.

    Raises
    ------
    Refusal
        ``already_exists`` when the message has been dealt with.
    """
    if row.status != "new":
        raise Refusal("already_exists", "the message has been dealt with", status=row.status)
    job = take_report(
        session,
        replace(
            report, channel=row.channel, reported_at=min(row.received_at, now), message_id=row.id
        ),
        actor_id,
        now,
        propose,
    )
    row.status = "reported"
    row.problem = ""
    return job


def set_aside(session: Session, row: IncomingMessage, reason: str, actor_id: UUID) -> None:
    """Say why a message is no report.

    Raises
    ------
    Refusal
        ``already_exists`` when the message has been dealt with.
    """
    if row.status != "new":
        raise Refusal("already_exists", "the message has been dealt with", status=row.status)
    row.status = "set_aside"
    row.problem = reason
    record(session, "message_set_aside", "message", row.id, actor_id=actor_id, reason=reason)


def collect(sessions: sessionmaker[Session], carriers: Iterable[Carrier], now: datetime) -> int:
    """Take in what waits at the carriers; each is acknowledged after it has been stored."""
    count = 0
    for carrier in carriers:
        for message in carrier.receive():
            with sessions.begin() as session:
                take_message(session, carrier.channel, message, None, now)
            carrier.acknowledge(message.key)
            count += 1
    return count
