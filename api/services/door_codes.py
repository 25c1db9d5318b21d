"""The six digits on the consumer's page that show that somebody stood at the door.

They belong to one job on one day, and are not stored: whoever has the database alone cannot make
them. A wrong guess spends the arrival, which a visit tells once. A link made by a technician shows
none, or the technician could read it anywhere.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from api.services.ledger import key_of

DIGITS: Final = 6


def door_code(session: Session, job_id: UUID, day: date) -> str:
    """The code of a job's door on the day of its visit: HMAC-SHA256, cut to `DIGITS` digits."""
    message = b"zhunda-door-code/1\n" + job_id.bytes + day.isoformat().encode()
    digest = hmac.new(key_of(session), message, hashlib.sha256).digest()
    return f"{int.from_bytes(digest[:8]) % 10**DIGITS:0{DIGITS}}"


def is_door_code(session: Session, job_id: UUID, day: date, told: str) -> bool:
    """Whether what a phone tells is the code; spaces between the digits do not matter."""
    plain = told.replace(" ", "")
    return plain.isascii() and hmac.compare_digest(plain, door_code(session, job_id, day))
