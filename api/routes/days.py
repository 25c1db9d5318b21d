"""The day as the page at ``/`` draws it, and the streets under it."""

from __future__ import annotations

import gzip
import hashlib
import threading
from datetime import date
from typing import Any

from flask import Response, current_app, request

from api.access import V1
from api.db.engine import compact_json
from api.parsing import Blueprint
from api.services.days import day_page
from api.services.refusals import Refusal
from api.services.regions import current_day, the_region
from api.services.visits import utc_now
from api.unit_of_work import database, identity
from network.demo import map_layers

blueprint = Blueprint("days", __name__, url_prefix=V1, description="The day at a glance")
_building = threading.Lock()


@blueprint.route("/days/today", methods=["GET"])
@blueprint.response(200, description="The day")
def today() -> Response:
    """The day at hand: its plan, routes, urgent clocks, and what is left out and why."""
    session = database()
    return _page(current_day(session, utc_now(), the_region(session).timezone))


@blueprint.route("/days/<string:day>", methods=["GET"])
@blueprint.response(200, description="The day")
def day(day: str) -> Response:
    """Any day, as `today`; `day` is an ISO date."""
    try:
        return _page(date.fromisoformat(day))
    except ValueError:
        raise Refusal("invalid", "the day must be a date like 2026-11-24", day=day[:40]) from None


def _page(day: date) -> Response:
    session = database()
    page = day_page(session, the_region(session), day, identity().role)
    response = current_app.json.response(page)
    response.headers["Cache-Control"] = "private, no-cache"
    response.add_etag()
    return response.make_conditional(request)


@blueprint.route("/map/layers", methods=["GET"])
@blueprint.response(200, description="GeoJSON layers: streets, zones")
def layers() -> Response:
    """The region's streets as GeoJSON, so that a map needs no tiles from elsewhere."""
    packed = _layers()
    response = Response(mimetype="application/json")
    if "gzip" in request.accept_encodings:
        response.set_data(packed["gzip"])
        response.headers["Content-Encoding"] = "gzip"
    else:
        response.set_data(gzip.decompress(packed["gzip"]))
    response.headers["Vary"] = "Accept-Encoding, Cookie, Authorization"
    response.headers["Cache-Control"] = "private, max-age=3600"
    response.set_etag(packed["etag"])
    return response.make_conditional(request)


def _layers() -> dict[str, Any]:
    known: dict[str, Any] = current_app.extensions["zhunda.known"]
    with _building:
        if "layers" not in known:
            find_region = current_app.extensions["zhunda.demo_region"]
            if find_region is None:
                raise Refusal("not_found", "this region has no map layers")
            text = compact_json(map_layers(find_region())).encode()
            known["layers"] = {
                "gzip": gzip.compress(text, 6, mtime=0),
                "etag": hashlib.sha256(text).hexdigest()[:32],
            }
        return known["layers"]  # type: ignore[no-any-return]
