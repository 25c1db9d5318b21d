"""One request, one transaction: who asks, the database session, the key that makes it once.

The session opens when it is first needed, commits when the answer is a success, and rolls back
otherwise. The commit comes before the answer leaves: what a client has been told is on disk.
"""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from flask import Flask, Response, current_app, g, request
from sqlalchemy.orm import Session
from werkzeug.exceptions import RequestEntityTooLarge

from api.access import ANYONE, roles_for
from api.services import idempotency, looks
from api.services.identity import LINK_PREFIX, Identity, by_link, by_session, by_token
from api.services.refusals import Refusal

COOKIE = "zhunda_session"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
REPLAYED = "Idempotency-Replayed"
REASON = "Look-Reason"
"""Header in which a viewer says why, percent-encoded UTF-8; kept beside the look."""

KEPT_HEADERS = ("Location", "ETag")


def database() -> Session:
    """The session of this request."""
    if "database" not in g:
        g.database = current_app.extensions["zhunda.sessions"]()
    return g.database


def identity() -> Identity:
    """Who asks.

    Raises
    ------
    Refusal
        ``not_signed_in`` on an open route when nobody has signed in.
    """
    found = maybe_identity()
    if found is None:
        raise Refusal("not_signed_in")
    return found


def maybe_identity() -> Identity | None:
    """Who asks, if anybody has signed in."""
    if "identity" not in g:
        g.identity = _identify()
    return g.identity


def _identify() -> Identity | None:
    authorization = request.headers.get("Authorization", "")
    if authorization:
        scheme, _, secret = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return None
        find = by_link if secret.strip().startswith(LINK_PREFIX) else by_token
        return find(database(), secret.strip())
    secret = request.cookies.get(COOKIE)
    if not secret:
        return None
    if request.method not in SAFE_METHODS:
        _refuse_other_sites()
    return by_session(database(), secret)


def _refuse_other_sites() -> None:
    """A browser sends the cookie along from any page; only our own pages may write with it."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        raise Refusal("cross_origin")
    if origin is None and request.headers.get("Sec-Fetch-Site", "same-origin") not in (
        "same-origin",
        "none",
    ):
        raise Refusal("cross_origin")


def refuse_endless() -> None:
    """A body without a length ends where the limit is: it was cut, and must not pass for whole."""
    if request.content_length is not None or request.method in SAFE_METHODS:
        return
    largest = request.max_content_length
    if largest is not None and len(request.get_data(cache=True)) >= largest:
        raise RequestEntityTooLarge


def check_access() -> None:
    """Let in who may; before every request that has a route."""
    looks.start()
    if request.url_rule is None or request.method == "OPTIONS":
        return
    allowed = roles_for(request.method, request.url_rule.rule)
    if allowed is ANYONE:
        return
    who = identity()
    if who.role not in allowed:
        raise Refusal("forbidden", role=who.role)


def claim_key() -> Response | None:
    """Answer a POST that was answered before under the same key; remember a new key."""
    key = request.headers.get("Idempotency-Key")
    if key is None or request.method != "POST" or request.url_rule is None:
        return None
    who = maybe_identity()
    if who is None:
        return None  # signing in: nothing is stored for nobody, and a session may be had twice
    hashed = idempotency.request_hash(
        request.method,
        request.full_path,
        request.get_data(cache=True),
        request.headers.get("If-Match", ""),
    )
    stored = idempotency.claim(database(), who.holder_id, key, hashed)
    if stored is None:
        g.idempotency_key = key
        return None
    response = Response(stored.body, status=stored.status, mimetype="application/json")
    response.headers.update(stored.headers)
    response.headers[REPLAYED] = "true"
    return response


def settle(response: Response) -> Response:
    """Commit what a success has changed, together with the answer under its key."""
    session: Session | None = g.get("database")
    if session is None or g.get("settled"):
        return response
    g.settled = True
    if response.status_code >= 400:
        session.rollback()
        return response
    key = g.pop("idempotency_key", None)
    if key is not None:
        body = g.pop("body_to_keep", None)
        idempotency.keep(
            session,
            identity().holder_id,
            key,
            idempotency.StoredAnswer(
                response.status_code,
                {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers},
                response.get_data(as_text=True) if body is None else body,
            ),
        )
    _keep_looks(session, response)
    session.commit()
    return response


def _keep_looks(session: Session, response: Response) -> None:
    """Write who has been shown whose data. What the browser had already (304) shows nothing."""
    who: Identity | None = g.get("identity")
    if who is None or request.url_rule is None or response.status_code == 304:
        return
    reads = request.method in SAFE_METHODS
    looks.keep(
        session,
        who,
        f"{'GET' if reads else request.method} {request.url_rule.rule}",
        _one_line(unquote(request.headers.get(REASON, ""))),
        only_looks=reads,
    )


def _one_line(text: str) -> str:
    """Text that a database can hold and a page can show: what is not printable becomes a space."""
    return "".join(char if char.isprintable() else " " for char in text).strip()


def close(_error: BaseException | None) -> None:
    """Give the connection back."""
    session: Session | None = g.pop("database", None)
    if session is not None:
        session.close()


def register(app: Flask) -> None:
    """Put every request of this application into its own transaction."""
    app.before_request(check_access)
    app.before_request(refuse_endless)
    app.before_request(claim_key)
    app.after_request(settle)
    app.teardown_appcontext(close)
