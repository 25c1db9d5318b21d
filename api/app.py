"""The application factory: settings in, a Flask application out. The one place that wires it."""

from __future__ import annotations

import re
import threading
import tomllib
from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask
from flask.json.provider import DefaultJSONProvider
from flask_smorest import Api

from api import access, logs, problems, unit_of_work, wiring
from api.db.engine import make_sessions
from api.routes import (
    audits,
    clocks,
    complaints,
    consultation,
    contracts,
    days,
    device_keys,
    evidence,
    exchange,
    fairness,
    feed,
    field,
    followers,
    intake,
    link,
    live,
    lives,
    merits,
    operations,
    pages,
    plans,
    quality,
    rights,
    rules,
    scenarios,
    session,
    things,
    vroom,
    work,
    workforce,
)
from api.services.feed import Feed
from api.services.live_plans import DeskRoom
from api.services.proposals import Proposer
from config.settings import Settings, load_settings

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
LARGEST_REQUEST = 1_000_000
BLUEPRINTS = (
    session,
    work,
    workforce,
    plans,
    field,
    live,
    days,
    feed,
    rules,
    clocks,
    rights,
    complaints,
    link,
    intake,
    lives,
    things,
    quality,
    merits,
    contracts,
    scenarios,
    audits,
    evidence,
    exchange,
    followers,
    vroom,
    consultation,
    fairness,
    device_keys,
)


class DocumentedApi(Api):
    """flask-smorest with our errors: `api.problems` answers, and the spec says so."""

    ERROR_SCHEMA = problems.ProblemSchema

    def _register_error_handlers(self) -> None:
        # `api.problems` has registered its own.
        pass


class JSONProvider(DefaultJSONProvider):
    """JSON in UTF-8, keys in our order, ids and instants as text."""

    ensure_ascii = False
    sort_keys = False


def version() -> str:
    """The version that pyproject.toml names."""
    return str(tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["version"])


def create_app(settings: Settings | None = None, config: dict[str, Any] | None = None) -> Flask:
    """An application on the configured database.

    Parameters
    ----------
    settings
        Read from files and environment when left out.
    config
        Flask configuration that tests override, such as ``LOGIN_LIMIT``.
    """
    settings = settings or load_settings()
    logs.configure()
    app = Flask("zhunda", static_folder=None)
    app.json = JSONProvider(app)
    app.config.update(
        SECRET_KEY=settings.secret,
        MAX_CONTENT_LENGTH=LARGEST_REQUEST,
        LOGIN_LIMIT="10 per minute",
        LINK_LIMIT="120 per minute",
        API_TITLE="Zhunda",
        API_VERSION=version(),
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api",
        OPENAPI_JSON_PATH="openapi.json",
        PROPAGATE_EXCEPTIONS=False,
    )
    app.config.update(config or {})
    engine = wiring.engine_of(settings, settings.web_threads)
    app.extensions["zhunda.settings"] = settings
    app.extensions["zhunda.engine"] = engine
    app.extensions["zhunda.sessions"] = make_sessions(engine)
    app.extensions["zhunda.feed"] = Feed(settings.database_url)
    app.extensions["zhunda.streams"] = threading.BoundedSemaphore(max(1, settings.web_threads // 2))
    app.extensions["zhunda.known"] = {}
    app.extensions["zhunda.desks"] = DeskRoom(partial(wiring.roads_of, settings))
    app.extensions["zhunda.proposer"] = Proposer(
        app.extensions["zhunda.sessions"], app.extensions["zhunda.desks"]
    )
    app.extensions["zhunda.plan_engine"] = wiring.plan_engine(settings)
    app.extensions["zhunda.demo_region"] = (
        partial(wiring.demo_region, settings.data_dir) if settings.demo else None
    )
    # After a request Flask goes through these from the last to the first: the transaction is
    # settled before the cookie is set, and compression sees what is really sent.
    problems.register(app)
    app.before_request(lives.let_photos_be_larger)
    app.before_request(exchange.let_tables_be_larger)
    operations.register(app)
    pages.register(app)
    session.register(app)
    unit_of_work.register(app)
    api = DocumentedApi(app, spec_kwargs=_spec())
    for module in BLUEPRINTS:
        api.register_blueprint(module.blueprint)
    _describe_errors(api)
    access.verify(app)
    return app


def _spec() -> dict[str, Any]:
    return {
        "info": {
            "description": "Field service against the clock. Errors are RFC 9457 problem details "
            "with a `code`; every POST takes an `Idempotency-Key`; lists page by opaque cursor."
        },
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": unit_of_work.COOKIE},
            }
        },
        "security": [{"token": []}, {"session": []}],
    }


def _describe_errors(api: Api) -> None:
    """Say in the spec that errors are problem details, who may use a route, and what POSTs take."""
    for response in api.spec.components.responses.values():
        if "application/json" in response.get("content", {}):
            response["content"][problems.MEDIA_TYPE] = response["content"].pop("application/json")
    for path, operations_of in api.spec._paths.items():
        for method, operation in operations_of.items():
            if method not in ("get", "post", "delete", "put", "patch"):
                continue
            roles = _roles(method.upper(), path)
            operation["x-roles"] = sorted(roles)
            if roles is access.ANYONE:
                operation["security"] = []
            if method == "post":
                operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)


_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key and request again: the same answer, and nothing changes",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
}


_CONVERTER = re.compile(r"<(?:\w+:)?(\w+)>")


def _roles(method: str, path: str) -> frozenset[str]:
    """The roles of a path as the spec writes it (``{job_id}`` for ``<uuid:job_id>``)."""
    for (known_method, rule), roles in access.ACCESS.items():
        if known_method == method and _CONVERTER.sub(r"{\1}", rule) == path:
            return roles
    raise RuntimeError(f"{method} {path} is not in the table of api/access.py")
