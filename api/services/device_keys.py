"""Keys of phones: what a phone has queued is signed when it happens, and cannot be altered later.

A phone makes an Ed25519 key that cannot be taken out of it and registers the public half, which so
stands in the ledger. Each event is signed at the press of the button, with or without a network.
One that was altered since is refused; one that comes unsigned from somebody whose phone signs is
taken and listed.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from api.db.models import DeviceKey
from api.services.activity import record
from api.services.identity import Identity
from api.services.refusals import Refusal
from domain import signatures

TAG: Final = b"zhunda-visit-event/1\n"
"""What a phone signs begins with this; the text of the event follows, in UTF-8."""


def register(
    session: Session, key_id: UUID, public_key: str, who: Identity, now: datetime
) -> DeviceKey:
    """Keep a phone's public key; the same one again changes nothing.

    Raises
    ------
    Refusal
        ``event_id_reused`` when the id names another key; ``invalid`` for what is no key.
    """
    if not signatures.is_key(bytes.fromhex(public_key)):
        raise Refusal("invalid", "public_key is no point of the curve")
    earlier = session.get(DeviceKey, key_id)
    if earlier is not None:
        if (earlier.person_id, earlier.public_key) != (who.person_id, public_key):
            raise Refusal("event_id_reused", id=str(key_id))
        return earlier
    assert who.person_id is not None
    row = DeviceKey(id=key_id, person_id=who.person_id, public_key=public_key, made_at=now)
    session.add(row)
    session.flush()
    record(
        session,
        "device_key_registered",
        "device_key",
        row.id,
        actor_id=who.person_id,
        technician_number=who.technician_number,
        public_key=public_key,
    )
    return row


def end(session: Session, key_id: UUID, who: Identity, now: datetime) -> None:
    """The phone signs no more with this key; what it has signed before stays signed.

    Raises
    ------
    Refusal
        ``not_found`` for another's key.
    """
    row = session.get(DeviceKey, key_id, with_for_update=True)
    if row is None or row.person_id != who.person_id:
        raise Refusal("not_found")
    if row.ended_at is None:
        row.ended_at = now
        record(
            session,
            "device_key_ended",
            "device_key",
            row.id,
            actor_id=who.person_id,
            technician_number=who.technician_number,
        )


def checked(
    session: Session, told: dict[str, Any], event: dict[str, Any], who: Identity
) -> dict[str, Any]:
    """A signature as it is kept, once it holds for the event as it was sent.

    Parameters
    ----------
    told
        ``key`` (an id), ``text`` (the event as JSON, as signed), ``value`` (64 bytes in hex).
    event
        The event as JSON, without its signature, with its ``visit_id``.

    Raises
    ------
    Refusal
        ``signature_wrong`` for an unknown or another's key, a wrong signature, or an event that is
        not the one that was signed.
    """
    key = session.get(DeviceKey, told["key"])
    if key is None or key.person_id != who.person_id:
        raise Refusal("signature_wrong", "the key is not one of yours", key=str(told["key"]))
    message = TAG + told["text"].encode()
    if not signatures.verifies(
        bytes.fromhex(key.public_key), message, bytes.fromhex(told["value"])
    ):
        raise Refusal("signature_wrong", "the signature is not of this text")
    try:
        signed = json.loads(told["text"])
    except (ValueError, RecursionError):
        signed = None
    if signed != event:
        raise Refusal("signature_wrong", "what was signed is not what was sent")
    return {
        "key": str(key.id),
        "public_key": key.public_key,
        "text": told["text"],
        "value": told["value"],
    }
