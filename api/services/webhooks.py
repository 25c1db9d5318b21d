"""Telling other systems of changes: signed, in order of the feed, again until it is received.

Each address has a cursor in the activity feed. The worker turns what is new into deliveries and
the cursor forward in one transaction, so no line is lost and none is made twice; a delivery may
arrive twice, under the same id. What is sent is the line of the feed, which holds no consumer's
personal data.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import secrets
import socket
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import httpx
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, sessionmaker

from api.db.models import Webhook, WebhookDelivery
from api.services.activity import Cursor, latest, read, record
from api.services.refusals import Refusal

SIGNATURE: Final = "Zhunda-Signature"
"""Header ``t=SECONDS,v1=HEX``: HMAC-SHA256 of ``SECONDS.BODY`` with the address's secret."""

PAUSES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 600, 1440))
"""Between attempts; after the last one a delivery is dead until somebody sends it again."""

TIMEOUT_S: Final = 10
LINES_AT_ONCE: Final = 500
AT_ONCE: Final = 200


class TargetRefused(Exception):
    """An address that lies inside, or is none."""


def check_target(url: str, *, allow_private: bool) -> str:
    """The address to connect to, resolved once, so that a name cannot turn inside afterwards.

    Raises
    ------
    TargetRefused
        For what is not HTTP(S), does not resolve, or lies in a private, loopback or otherwise
        special network while that is not allowed.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise TargetRefused("is not an address") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise TargetRefused("must be http:// or https:// with a host and without a password")
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise TargetRefused(f"the name {parts.hostname!r} does not resolve") from None
    addresses = [str(entry[4][0]) for entry in found]
    if not allow_private:
        inside = [one for one in addresses if not _is_public(one)]
        if inside:
            raise TargetRefused(f"{inside[0]} lies in a private or special network")
    return addresses[0]


def _is_public(address: str) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_global and not (mapped or found).is_multicast


def add_webhook(
    session: Session, url: str, kinds: Sequence[str], actor_id: UUID | None, *, allow_private: bool
) -> Webhook:
    """An address to be told of what happens from now on.

    Raises
    ------
    Refusal
        ``invalid`` for an address that may not be called.
    """
    try:
        check_target(url, allow_private=allow_private)
    except TargetRefused as error:
        raise Refusal("invalid", f"url: {error}") from None
    cursor = latest(session)
    hook = Webhook(
        url=url,
        secret=secrets.token_urlsafe(32),
        kinds=sorted(set(kinds)),
        cursor_transaction=cursor.transaction,
        cursor_seq=cursor.seq,
        created_by=actor_id,
    )
    session.add(hook)
    session.flush()
    record(session, "webhook_added", "webhook", hook.id, actor_id=actor_id, kinds=hook.kinds)
    return hook


def remove_webhook(session: Session, hook_id: UUID, actor_id: UUID | None, now: datetime) -> None:
    """Tell an address nothing more; its deliveries stay on record.

    Raises
    ------
    Refusal
        ``not_found``.
    """
    hook = session.get(Webhook, hook_id)
    if hook is None:
        raise Refusal("not_found")
    if hook.removed_at is None:
        hook.removed_at = now
        record(session, "webhook_removed", "webhook", hook.id, actor_id=actor_id)


def redeliver(
    session: Session, delivery_id: UUID, actor_id: UUID | None, now: datetime
) -> WebhookDelivery:
    """Put a delivery back into the queue, with all its attempts before it again.

    Raises
    ------
    Refusal
        ``not_found``, also when its address has been removed.
    """
    delivery = session.get(WebhookDelivery, delivery_id, with_for_update=True)
    if delivery is None or session.get_one(Webhook, delivery.webhook_id).removed_at is not None:
        raise Refusal("not_found")
    delivery.status, delivery.attempts, delivery.next_try_at = "queued", 0, now
    record(
        session,
        "webhook_redelivered",
        "webhook",
        delivery.webhook_id,
        actor_id=actor_id,
        event=delivery.event,
    )
    return delivery


def collect(sessions: sessionmaker[Session], now: datetime) -> int:
    """Turn what is new in the feed into deliveries; how many were made."""
    with sessions() as session:
        hooks = session.scalars(select(Webhook.id).where(Webhook.removed_at.is_(None))).all()
    return sum(_collect(sessions, hook_id, now) for hook_id in hooks)


def _collect(sessions: sessionmaker[Session], hook_id: UUID, now: datetime) -> int:
    made = 0
    with sessions.begin() as session:
        hook = session.scalars(
            select(Webhook)
            .where(Webhook.id == hook_id, Webhook.removed_at.is_(None))
            .with_for_update(skip_locked=True)
        ).one_or_none()
        if hook is None:
            return 0
        lines = read(session, Cursor(hook.cursor_transaction, hook.cursor_seq), LINES_AT_ONCE)
        for line in lines:
            hook.cursor_transaction, hook.cursor_seq = line.cursor.transaction, line.cursor.seq
            if hook.kinds and line.kind not in hook.kinds:
                continue
            session.execute(
                insert(WebhookDelivery)
                .values(
                    webhook_id=hook.id,
                    event=str(line.cursor),
                    kind=line.kind,
                    body=json.dumps(line.body, ensure_ascii=False, separators=(",", ":")),
                    next_try_at=now,
                )
                .on_conflict_do_nothing()
            )
            made += 1
    return made


def signature(secret: str, body: bytes, at: datetime) -> str:
    """The value of the `SIGNATURE` header."""
    seconds = str(int(at.timestamp()))
    digest = hmac.new(secret.encode(), seconds.encode() + b"." + body, hashlib.sha256)
    return f"t={seconds},v1={digest.hexdigest()}"


def deliver(
    sessions: sessionmaker[Session],
    now: datetime,
    *,
    allow_private: bool,
    clock: Callable[[], datetime] | None = None,
) -> tuple[int, int]:
    """Send what is due; returns how many were received and how many were not.

    Each delivery has its own transaction: a crash between answer and commit sends it once more.
    """
    with sessions() as session:
        due = session.scalars(
            select(WebhookDelivery.id)
            .join(Webhook, Webhook.id == WebhookDelivery.webhook_id)
            .where(
                WebhookDelivery.status == "queued",
                WebhookDelivery.next_try_at <= now,
                Webhook.removed_at.is_(None),
            )
            .order_by(WebhookDelivery.next_try_at, WebhookDelivery.id)
            .limit(AT_ONCE)
        ).all()
    received = 0
    failed_hosts: set[UUID] = set()
    for delivery_id in due:
        with sessions.begin() as session:
            delivery = session.scalars(
                select(WebhookDelivery)
                .where(WebhookDelivery.id == delivery_id, WebhookDelivery.status == "queued")
                .with_for_update(skip_locked=True)
            ).one_or_none()
            # An address that is down is tried once a round, so that it holds up nobody else.
            if delivery is None or delivery.webhook_id in failed_hosts:
                continue
            hook = session.get_one(Webhook, delivery.webhook_id)
            at = now if clock is None else clock()
            delivery.attempts += 1
            fine, delivery.last_answer = _send(hook, delivery, at, allow_private=allow_private)
            if fine:
                received += 1
                delivery.status, delivery.delivered_at = "delivered", at
                continue
            failed_hosts.add(hook.id)
            if delivery.attempts > len(PAUSES):
                delivery.status = "dead"
                record(session, "webhook_dead", "webhook", hook.id, event=delivery.event)
            else:
                delivery.next_try_at = now + PAUSES[delivery.attempts - 1]
    return received, len(failed_hosts)


def _send(
    hook: Webhook, delivery: WebhookDelivery, at: datetime, *, allow_private: bool
) -> tuple[bool, str]:
    body = delivery.body.encode()
    try:
        address = check_target(hook.url, allow_private=allow_private)
        url = httpx.URL(hook.url)
        headers = {
            "Content-Type": "application/json",
            "Host": url.netloc.decode(),
            "User-Agent": "Zhunda-Webhook/1",
            "Zhunda-Delivery": str(delivery.id),
            "Zhunda-Event": delivery.kind,
            SIGNATURE: signature(hook.secret, body, at),
        }
        with (
            httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False) as client,
            # To the address that was checked; the certificate is still the name's.
            client.stream(
                "POST",
                url.copy_with(host=address),
                content=body,
                headers=headers,
                extensions={"sni_hostname": url.host},
            ) as answer,
        ):
            return answer.is_success, f"HTTP {answer.status_code}"
    except (TargetRefused, httpx.HTTPError, httpx.InvalidURL) as error:
        return False, f"{type(error).__name__}: {error}"[:300]
