"""The built web pages: ``/`` and its files, with caching that never shows an old page."""

from __future__ import annotations

import gzip

from flask import Blueprint, Flask, Response, current_app, request, send_from_directory

from api.services.refusals import Refusal

blueprint = Blueprint("pages", __name__)

POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; worker-src 'self' blob:; "
    "style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)
SMALLEST_TO_COMPRESS = 1400
COMPRESSED = (
    "application/javascript",
    "application/json",
    "application/manifest+json",
    "application/problem+json",
    "image/svg+xml",
    "text/css",
    "text/html",
    "text/javascript",
)


@blueprint.route("/", methods=["GET"])
def index() -> Response:
    """The page of the day."""
    return _file("index.html", fresh=True)


@blueprint.route("/c", methods=["GET"])
@blueprint.route("/c/", methods=["GET"])
def consumer() -> Response:
    """A consumer's page; which job it is about stands behind the # and never comes here."""
    response = _file("consumer.html", fresh=True)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@blueprint.route("/planner", methods=["GET"])
def planner() -> Response:
    """The planner's page."""
    return _file("planner.html", fresh=True)


@blueprint.route("/phone", methods=["GET"])
@blueprint.route("/phone/", methods=["GET"])
def phone() -> Response:
    """The technician's page; what it shows comes after signing in."""
    return _file("phone.html", fresh=True)


@blueprint.route("/assets/<path:path>", methods=["GET"])
def asset(path: str) -> Response:
    """A built file; its name holds its hash, so it never changes."""
    return _file(f"assets/{path}", fresh=False)


@blueprint.route("/<string:name>", methods=["GET"])
def top_file(name: str) -> Response:
    """An icon, the manifest, the service worker."""
    return _file(name, fresh=True)


def _file(path: str, *, fresh: bool) -> Response:
    folder = current_app.extensions["zhunda.settings"].web_dist
    if not (folder / path).is_file():
        if path == "index.html":
            raise Refusal("not_found", "the pages have not been built; the API is at /api/v1")
        raise Refusal("not_found")
    response = send_from_directory(folder, path)
    response.headers["Cache-Control"] = (
        "no-cache" if fresh else "public, max-age=31536000, immutable"
    )
    return response


def harden(response: Response) -> Response:
    """Headers that keep browsers from guessing, framing or loading from elsewhere."""
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    if response.mimetype == "text/html":
        response.headers.setdefault("Content-Security-Policy", POLICY)
    return response


def compress(response: Response) -> Response:
    """Gzip what is worth it, for who understands it."""
    if (
        response.mimetype not in COMPRESSED
        or response.status_code not in (200, 201, 202)
        or "Content-Encoding" in response.headers
        or (response.is_streamed and not response.direct_passthrough)
        or "gzip" not in request.accept_encodings
        or request.method == "HEAD"
    ):
        return response
    response.direct_passthrough = False
    body = response.get_data()
    if len(body) >= SMALLEST_TO_COMPRESS:
        response.set_data(gzip.compress(body, 5, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    return response


def register(app: Flask) -> None:
    """Serve the pages."""
    app.after_request(harden)
    app.after_request(compress)
    app.register_blueprint(blueprint)
