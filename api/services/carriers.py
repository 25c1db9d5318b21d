"""Carriers of messages: one interface, one adapter a kind of gateway.

A gateway for text messages or WeChat that speaks files (most bridges do) needs nothing more than a
folder; e-mail goes out by SMTP and comes in by a Maildir that any mail server can deliver to.
"""

from __future__ import annotations

import json
import mailbox
import smtplib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import parseaddr, parsedate_to_datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

TIMEOUT_S = 20


class CarrierError(Exception):
    """A message could not be handed over; the text says what the gateway said."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to be delivered. ``id`` is ours, the same at every attempt."""

    id: str
    recipient: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message that came in. ``key`` is the gateway's own: twice the same is one message."""

    key: str
    sender: str
    subject: str
    text: str
    received_at: datetime


class Carrier(Protocol):
    """What an adapter does; ``channel`` is ``sms``, ``wechat`` or ``email``."""

    channel: str

    def send(self, message: Outgoing) -> str:
        """Hand the message over; what the gateway answered is the delivery receipt.

        Raises
        ------
        CarrierError
            When it was not accepted; it will be tried again.
        """
        ...

    def receive(self) -> Iterable[Incoming]:
        """Messages that wait, the oldest first. They wait until they are acknowledged."""
        ...

    def acknowledge(self, key: str) -> None:
        """A message has been stored: do not give it again."""
        ...


class FileCarrier:
    """Messages as JSON files: ``outbox`` for the gateway to take, ``inbox`` for it to fill.

    An incoming file holds ``sender``, ``text`` and maybe ``subject``, ``key`` and ``received_at``
    (ISO 8601 with offset); its name is the key where none is given.
    """

    def __init__(self, channel: str, folder: Path) -> None:
        self.channel = channel
        self.inbox = folder / "inbox"
        self.taken = folder / "taken"
        self.broken = folder / "broken"
        self.outbox = folder / "outbox"
        for one in (self.inbox, self.taken, self.broken, self.outbox):
            one.mkdir(parents=True, exist_ok=True)
        self._files: dict[str, Path] = {}

    def send(self, message: Outgoing) -> str:
        """Write the file under its final name only when it is whole."""
        path = self.outbox / f"{message.id}.json"
        draft = path.with_suffix(".draft")
        body = {
            "id": message.id,
            "channel": self.channel,
            "recipient": message.recipient,
            "subject": message.subject,
            "text": message.text,
        }
        try:
            draft.write_text(json.dumps(body, ensure_ascii=False, indent=1), encoding="utf-8")
            draft.replace(path)
        except OSError as error:
            raise CarrierError(str(error)) from None
        return f"file {path.name}"

    def receive(self) -> Iterable[Incoming]:
        """The readable files of the inbox by name; unreadable ones go to ``broken``."""
        found = []
        for path in sorted(self.inbox.glob("*.json")):
            try:
                message = _from_file(path)
            except (ValueError, OSError):
                path.replace(self.broken / path.name)
                continue
            self._files[message.key] = path
            found.append(message)
        return found

    def acknowledge(self, key: str) -> None:
        """Move the file to ``taken``."""
        path = self._files.pop(key, None)
        if path is not None and path.exists():
            path.replace(self.taken / path.name)


def _from_file(path: Path) -> Incoming:
    body: Any = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(body, dict) or not all(
        isinstance(body.get(name), str) and body[name].strip() for name in ("sender", "text")
    ):
        raise ValueError("sender and text are needed")
    at = body.get("received_at")
    received = (
        datetime.fromtimestamp(path.stat().st_mtime, UTC)
        if at is None
        else datetime.fromisoformat(str(at))
    )
    if received.tzinfo is None:
        raise ValueError("received_at needs its offset")
    return Incoming(
        str(body.get("key") or path.stem),
        body["sender"].strip(),
        str(body.get("subject") or ""),
        body["text"],
        received.astimezone(UTC),
    )


class MailCarrier:
    """E-mail: out by SMTP, in by a Maildir.

    Parameters
    ----------
    url
        ``smtp://user:password@host:port``; ``smtps://`` for TLS from the first byte; with
        ``smtp://`` STARTTLS is used where the server offers it.
    sender
        The address the mail comes from.
    maildir
        Folder that the mail server delivers to; None where mail does not come in.
    """

    channel = "email"

    def __init__(self, url: str, sender: str, maildir: Path | None = None) -> None:
        self._url = urlsplit(url)
        self._sender = sender
        self._maildir = None
        if maildir is not None:
            maildir.parent.mkdir(parents=True, exist_ok=True)
            self._maildir = mailbox.Maildir(maildir, factory=None, create=True)

    def send(self, message: Outgoing) -> str:
        """Send one mail; the receipt is the server's reply to the message itself."""
        mail = EmailMessage()
        mail["From"] = self._sender
        mail["To"] = message.recipient
        mail["Subject"] = message.subject
        mail["Message-ID"] = f"<{message.id}@{self._sender.rpartition('@')[2] or 'zhunda'}>"
        mail.set_content(message.text)
        host, port = self._url.hostname or "localhost", self._url.port
        kind = smtplib.SMTP_SSL if self._url.scheme == "smtps" else smtplib.SMTP
        try:
            with kind(
                host, port or (465 if self._url.scheme == "smtps" else 25), timeout=TIMEOUT_S
            ) as server:
                server.ehlo()
                if self._url.scheme == "smtp" and server.has_extn("starttls"):
                    server.starttls()
                    server.ehlo()
                if self._url.username:
                    server.login(unquote(self._url.username), unquote(self._url.password or ""))
                server.mail(self._sender)
                code, said = server.rcpt(message.recipient)
                if code not in (250, 251):
                    raise CarrierError(f"{code} {said.decode(errors='replace')}")
                code, said = server.data(mail.as_bytes())
        except (OSError, smtplib.SMTPException) as error:
            raise CarrierError(str(error)) from None
        if code != 250:
            raise CarrierError(f"{code} {said.decode(errors='replace')}")
        return f"{host}: {code} {said.decode(errors='replace')}"

    def receive(self) -> Iterable[Incoming]:
        """Mails that are new in the Maildir."""
        if self._maildir is None:
            return []
        found = []
        for key, mail in self._maildir.items():
            if mail.get_subdir() == "new":
                found.append(_from_mail(key, mail))
        return sorted(found, key=lambda message: (message.received_at, message.key))

    def acknowledge(self, key: str) -> None:
        """Mark the mail as seen."""
        if self._maildir is not None and key in self._maildir:
            mail = self._maildir[key]
            mail.set_subdir("cur")
            mail.add_flag("S")
            self._maildir[key] = mail


def _from_mail(key: str, mail: Any) -> Incoming:
    from email import message_from_bytes, policy

    parsed = message_from_bytes(mail.as_bytes(), policy=policy.default)
    body = parsed.get_body(preferencelist=("plain", "html"))
    try:
        received = parsedate_to_datetime(str(parsed["Date"]))
        if received.tzinfo is None:
            received = received.replace(tzinfo=UTC)
    except (TypeError, ValueError):
        received = datetime.fromtimestamp(mail.get_date(), UTC)
    return Incoming(
        key,
        parseaddr(str(parsed["From"] or ""))[1],
        str(parsed["Subject"] or ""),
        "" if body is None else body.get_content(),
        received.astimezone(UTC),
    )


def carriers_of(folder: Path, smtp_url: str, mail_from: str) -> Sequence[Carrier]:
    """The carriers of an installation: mail by SMTP where one is configured, the rest by files."""
    mail: Carrier = (
        MailCarrier(smtp_url, mail_from, folder / "email" / "maildir")
        if smtp_url
        else FileCarrier("email", folder / "email")
    )
    return (FileCarrier("sms", folder / "sms"), FileCarrier("wechat", folder / "wechat"), mail)
