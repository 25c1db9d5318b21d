"""Messages to consumers: queued in the transaction of what they tell, delivered by the worker.

A message is tried again with growing pauses; after a day it is given up and is an exception.
What the gateway answered is kept as the receipt of its delivery.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from api.db.models import Job, OutgoingMessage, Receipt
from api.services.activity import record
from api.services.carriers import Carrier, CarrierError, Outgoing
from api.services.regions import local_iso, the_region

PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 480, 720))
AT_ONCE = 50
RECEIPT, RESULT = "receipt", "result"


def _queue(
    session: Session, job: Job, kind: str, subject: str, text: str, now: datetime
) -> OutgoingMessage:
    consumer = job.request.consumer
    channel = "email" if consumer.email else "sms"
    if job.request.channel == "wechat":
        channel = "wechat"
    message = OutgoingMessage(
        job_id=job.id,
        kind=kind,
        channel=channel,
        recipient=consumer.email or consumer.phone_e164 or consumer.phone,
        subject=subject,
        text=text,
        next_try_at=now,
    )
    session.add(message)
    return message


def queue_receipt(session: Session, job: Job, receipt: Receipt, now: datetime) -> None:
    """Tell the consumer that the report is in, its number and by when somebody comes."""
    due = _wall(session, job.due_at)
    _queue(
        session,
        job,
        RECEIPT,
        f"Report {job.number} received / 报修 {job.number} 已受理",
        f"Your report has number {job.number}. A technician will be there by {due} at the latest.\n"
        f"您的报修单号为 {job.number}，技术人员最迟于 {due} 上门。\n"
        f"({receipt.sha256[:16]})",
        now,
    )


def queue_result(
    session: Session, job: Job, note: str, parts: Iterable[Mapping[str, object]], now: datetime
) -> None:
    """Report to the consumer what was done, with the parts that were built in."""
    lines = [
        f"- {row['part']} × {row['quantity']}"
        + (f" ({row['serial']})" if row.get("serial") else "")
        for row in parts
    ]
    listed = "\n".join(lines) or "-"
    _queue(
        session,
        job,
        RESULT,
        f"Report {job.number}: result / 报修 {job.number} 服务结果",
        f"Your report {job.number} has been dealt with. {note}\nParts built in:\n{listed}\n"
        f"您的报修 {job.number} 已处理完毕。{note}\n更换的零件：\n{listed}",
        now,
    )


def _wall(session: Session, instant: datetime) -> str:
    return local_iso(instant, the_region(session).timezone)[:16].replace("T", " ")


def deliver(
    sessions: sessionmaker[Session], carriers: Iterable[Carrier], now: datetime
) -> tuple[int, int]:
    """Hand over what is due; returns how many were delivered and how many could not be.

    Each message has its own transaction: a crash between gateway and commit sends it once more,
    under the same id.
    """
    by_channel = {carrier.channel: carrier for carrier in carriers}
    delivered = failed = 0
    for message_id in _due(sessions, now):
        with sessions.begin() as session:
            message = session.scalars(
                select(OutgoingMessage)
                .where(OutgoingMessage.id == message_id, OutgoingMessage.status == "queued")
                .with_for_update(skip_locked=True)
            ).first()
            if message is None:
                continue
            message.attempts += 1
            try:
                carrier = by_channel[message.channel]
                message.delivery_receipt = carrier.send(
                    Outgoing(str(message.id), message.recipient, message.subject, message.text)
                )
            except (CarrierError, KeyError) as error:
                failed += 1
                message.delivery_receipt = str(error)[:500]
                if message.attempts > len(PAUSES):
                    message.status = "failed"
                    record(
                        session,
                        "message_failed",
                        "job",
                        message.job_id,
                        message=str(message.id),
                        of=message.kind,
                    )
                else:
                    message.next_try_at = now + PAUSES[message.attempts - 1]
                continue
            delivered += 1
            message.status = "delivered"
            message.delivered_at = now
            record(
                session,
                "message_delivered",
                "job",
                message.job_id,
                message=str(message.id),
                of=message.kind,
                channel=message.channel,
            )
    return delivered, failed


def _due(sessions: sessionmaker[Session], now: datetime) -> list[UUID]:
    with sessions() as session:
        return list(
            session.scalars(
                select(OutgoingMessage.id)
                .where(OutgoingMessage.status == "queued", OutgoingMessage.next_try_at <= now)
                .order_by(OutgoingMessage.next_try_at, OutgoingMessage.id)
                .limit(AT_ONCE)
            )
        )
