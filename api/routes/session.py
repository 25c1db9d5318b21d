"""Signing in and out, tokens, and what this installation is."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from flask import Flask, Response, current_app, g, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from api.access import V1
from api.db.models import Token
from api.parsing import Blueprint
from api.schemas.fields import CursorQuery
from api.schemas.session import (
    AboutSchema,
    NewTokenSchema,
    PersonSchema,
    SignInSchema,
    TokenPageSchema,
    TokenRequestSchema,
)
from api.services import demo, identity
from api.services.paging import page
from api.services.refusals import Refusal
from api.services.regions import the_region
from api.services.visits import utc_now
from api.unit_of_work import COOKIE, database
from api.unit_of_work import identity as who_asks

blueprint = Blueprint("session", __name__, url_prefix=V1, description="Who is asking")
limiter = Limiter(get_remote_address, storage_uri="memory://", headers_enabled=False)


def _failed_login(response: Response) -> bool:
    return response.status_code == 401


def _limit() -> str:
    return str(current_app.config["LOGIN_LIMIT"])


@blueprint.route("/about")
@blueprint.response(200, AboutSchema)
def about() -> dict[str, Any]:
    """Name, version and region; in a demo also the public logins."""
    session = database()
    try:
        region = the_region(session)
    except Refusal:
        region = None
    is_demo = current_app.extensions["zhunda.settings"].demo
    return {
        "name": "Zhunda 准达",
        "version": current_app.config["API_VERSION"],
        "demo": is_demo,
        "personas": demo.personas(session) if is_demo else [],
        "region": None if region is None else region.name,
        "timezone": None if region is None else region.timezone,
    }


@blueprint.route("/session", methods=["POST"])
@limiter.limit(_limit, deduct_when=_failed_login)
@blueprint.arguments(SignInSchema)
@blueprint.response(201, PersonSchema)
def sign_in(data: dict[str, str]) -> Any:
    """Sign in; the session is a cookie that scripts cannot read."""
    session = database()
    person, secret = identity.sign_in(session, data["login"], data["password"], utc_now())
    found = identity.by_session(session, secret)
    g.session_secret = secret
    assert found is not None and found.person_id == person.id
    return found


@blueprint.route("/session", methods=["GET"])
@blueprint.response(200, PersonSchema)
def signed_in() -> Any:
    """Who is signed in."""
    return who_asks()


@blueprint.route("/session", methods=["DELETE"])
@blueprint.response(204)
def sign_out() -> None:
    """Forget this browser's session."""
    secret = request.cookies.get(COOKIE)
    if secret:
        identity.sign_out(database(), secret)
    g.session_secret = ""


@blueprint.route("/tokens", methods=["GET"])
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, TokenPageSchema)
def tokens(query: dict[str, Any]) -> dict[str, Any]:
    """One's own tokens, without their secrets."""
    from sqlalchemy import select

    mine = select(Token).where(Token.person_id == who_asks().person_id)
    items, following = page(database(), mine, [Token.id], query.get("cursor"), query["limit"])
    return {"items": items, "next": following}


@blueprint.route("/tokens", methods=["POST"])
@blueprint.arguments(TokenRequestSchema)
@blueprint.response(201, NewTokenSchema)
def make_token(data: dict[str, Any]) -> dict[str, Any]:
    """A bearer token for a program. Its secret is told this once."""
    token, secret = identity.make_token(
        database(), who_asks().person_id, data["name"], data["expires_at"]
    )
    told = {
        "id": token.id,
        "name": token.name,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
        "token": secret,
    }
    # The record keeps only hashes of secrets, also beside an Idempotency-Key.
    g.body_to_keep = json.dumps(NewTokenSchema().dump({**told, "token": None}))
    return told


@blueprint.route("/tokens/<uuid:token_id>", methods=["DELETE"])
@blueprint.response(204)
def revoke_token(token_id: UUID) -> None:
    """Take one of one's own tokens out of use."""
    identity.revoke_token(database(), who_asks().person_id, token_id, utc_now())


def set_cookie(response: Response) -> Response:
    """Hand the session's secret to the browser, once its row is committed."""
    secret = g.pop("session_secret", None)
    if secret is None or response.status_code >= 400:
        return response
    if secret:
        response.set_cookie(
            COOKIE,
            secret,
            max_age=int(identity.SESSION_LIFETIME.total_seconds()),
            httponly=True,
            samesite="Lax",
            secure=request.is_secure,
            path="/",
        )
    else:
        response.delete_cookie(COOKIE, path="/")
    response.headers["Cache-Control"] = "no-store"
    return response


def register(app: Flask) -> None:
    """The limiter on sign-in, and the cookie."""
    limiter.init_app(app)
    app.after_request(set_cookie)
