"""Who is asking: passwords by argon2; browser sessions, tokens, links kept as hashes."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session as DatabaseSession

from api.db.models import ConsumerLink, Person, Session, Token
from api.services.activity import record
from api.services.refusals import Refusal
from domain.roles import CONSUMER

SESSION_LIFETIME = timedelta(hours=16)
TOKEN_PREFIX = "zhu_"
LINK_PREFIX = "zhl_"
"""Of the secret in a consumer's link; it is sent as a bearer token."""

_hasher = PasswordHasher()
# Verified when a login does not exist, so that the time of the answer does not tell.
_NOBODY = _hasher.hash(secrets.token_hex(16))

_COLUMNS = "p.id, p.login, p.name, p.role, p.technician_number, t.id, p.outlet_id"
_STILL_HERE = "p.disabled_at IS NULL AND (p.access_until IS NULL OR p.access_until > now())"
_BY_SESSION = text(
    f"""SELECT {_COLUMNS} FROM session s JOIN person p ON p.id = s.person_id
    LEFT JOIN technician t ON t.number = p.technician_number
    WHERE s.secret_hash = :hash AND s.expires_at > now() AND {_STILL_HERE}"""
)
_BY_TOKEN = text(
    f"""SELECT {_COLUMNS} FROM token k JOIN person p ON p.id = k.person_id
    LEFT JOIN technician t ON t.number = p.technician_number
    WHERE k.secret_hash = :hash AND k.revoked_at IS NULL
      AND (k.expires_at IS NULL OR k.expires_at > now()) AND {_STILL_HERE}"""
)
_BY_LINK = text(
    """SELECT k.id, k.job_id, c.name, k.revoked_at IS NULL AND k.expires_at > now() AS open
    FROM consumer_link k
    JOIN job j ON j.id = k.job_id
    JOIN request r ON r.id = j.request_id
    JOIN consumer c ON c.id = r.consumer_id
    WHERE k.secret_hash = :hash"""
)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is behind a request: a person who signed in, or a consumer who holds a link.

    Attributes
    ----------
    person_id
        None for a consumer only.
    technician_number, technician_id
        A technician's own.
    outlet_id
        The outlet that a manager runs.
    link_id, job_id
        A consumer's link, and the one job that it opens.
    """

    person_id: UUID | None
    login: str
    name: str
    role: str
    technician_number: int | None = None
    technician_id: UUID | None = None
    outlet_id: UUID | None = None
    link_id: UUID | None = None
    job_id: UUID | None = None

    @property
    def holder_id(self) -> UUID:
        """Whose request it is: the person's id, or the link's."""
        found = self.person_id or self.link_id
        assert found is not None
        return found


def hash_password(password: str) -> str:
    """The argon2id hash to store."""
    return _hasher.hash(password)


def _secret_hash(secret: str) -> bytes:
    # The secrets have 256 random bits: a fast hash is enough, there is nothing to guess.
    return hashlib.sha256(secret.encode()).digest()


def _find(session: DatabaseSession, query: object, secret: str) -> Identity | None:
    row = session.execute(query, {"hash": _secret_hash(secret)}).first()  # type: ignore[call-overload]
    return None if row is None else Identity(*row)


def by_session(session: DatabaseSession, secret: str) -> Identity | None:
    """Who holds this session cookie; None when it has expired or is made up."""
    return _find(session, _BY_SESSION, secret)


def by_token(session: DatabaseSession, secret: str) -> Identity | None:
    """Whose bearer token this is; None when it is revoked, expired or made up."""
    return _find(session, _BY_TOKEN, secret)


def by_link(session: DatabaseSession, secret: str) -> Identity | None:
    """The consumer who holds this link; None when it is made up.

    Raises
    ------
    Refusal
        ``link_expired`` when it was one of ours and has ended or been replaced.
    """
    row = session.execute(_BY_LINK, {"hash": _secret_hash(secret)}).first()
    if row is None:
        return None
    link_id, job_id, name, is_open = row
    if not is_open:
        raise Refusal("link_expired")
    return Identity(None, "", name, CONSUMER, link_id=link_id, job_id=job_id)


def make_link(
    session: DatabaseSession, job_id: UUID, expires_at: datetime, actor_id: UUID | None = None
) -> tuple[ConsumerLink, str]:
    """A link to one job for its consumer; the secret goes to the consumer and is not kept."""
    secret = LINK_PREFIX + secrets.token_urlsafe(32)
    link = ConsumerLink(
        job_id=job_id,
        secret_hash=_secret_hash(secret),
        created_by=actor_id,
        expires_at=expires_at,
    )
    session.add(link)
    session.flush()
    record(
        session,
        "link_made",
        "job",
        job_id,
        actor_id=actor_id,
        link_id=str(link.id),
        expires_at=expires_at.isoformat(),
    )
    return link, secret


def sign_in(
    session: DatabaseSession, login: str, password: str, now: datetime
) -> tuple[Person, str]:
    """A new session for who knows the password.

    Returns
    -------
    (Person, str)
        The person and the secret for the cookie; only its hash is kept.

    Raises
    ------
    Refusal
        ``bad_credentials``, the same for an unknown login and a wrong password.
    """
    person = session.scalar(select(Person).where(Person.login == login.strip().lower()))
    try:
        _hasher.verify(_NOBODY if person is None else person.password_hash, password)
    except (VerificationError, InvalidHashError):
        raise Refusal("bad_credentials") from None
    if (
        person is None
        or person.disabled_at is not None
        or (person.access_until is not None and person.access_until <= now)
    ):
        raise Refusal("bad_credentials")
    return person, open_session(session, person, now)


def open_session(session: DatabaseSession, person: Person, now: datetime) -> str:
    """A browser session for somebody who has shown who it is; the secret for the cookie."""
    secret = secrets.token_urlsafe(32)
    session.execute(delete(Session).where(Session.expires_at < now))
    session.add(
        Session(
            secret_hash=_secret_hash(secret),
            person_id=person.id,
            expires_at=now + SESSION_LIFETIME,
        )
    )
    record(session, "signed_in", "person", person.id, actor_id=person.id)
    return secret


def sign_out(session: DatabaseSession, secret: str) -> None:
    """Forget a session; one that is not there is fine."""
    session.execute(delete(Session).where(Session.secret_hash == _secret_hash(secret)))


def make_token(
    session: DatabaseSession, person_id: UUID, name: str, expires_at: datetime | None
) -> tuple[Token, str]:
    """A new bearer token; the secret is shown once and never again."""
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = Token(
        person_id=person_id, name=name, secret_hash=_secret_hash(secret), expires_at=expires_at
    )
    session.add(token)
    session.flush()
    record(session, "token_made", "token", token.id, actor_id=person_id, name=name)
    return token, secret


def revoke_token(session: DatabaseSession, person_id: UUID, token_id: UUID, now: datetime) -> None:
    """Take a token of one's own out of use.

    Raises
    ------
    Refusal
        ``not_found`` when it is not this person's.
    """
    token = session.get(Token, token_id)
    if token is None or token.person_id != person_id:
        raise Refusal("not_found")
    if token.revoked_at is None:
        token.revoked_at = now
        record(session, "token_revoked", "token", token.id, actor_id=person_id)


def add_person(
    session: DatabaseSession,
    login: str,
    name: str,
    role: str,
    password_hash: str,
    technician_number: int | None = None,
    outlet_id: UUID | None = None,
    access_until: datetime | None = None,
) -> Person:
    """A new login. ``password_hash`` comes from `hash_password`.

    A manager needs the outlet, an assessor the instant at which access ends.
    """
    person = Person(
        login=login.strip().lower(),
        name=name,
        role=role,
        password_hash=password_hash,
        technician_number=technician_number,
        outlet_id=outlet_id,
        access_until=access_until,
    )
    session.add(person)
    session.flush()
    return person
