"""The technician's phone: the route of the day, and what happens at the doors."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from flask import Response, current_app, request
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from api.access import TECHNICIAN, V1
from api.db.models import Technician, Visit
from api.parsing import Blueprint
from api.schemas.plans import (
    BatchAnswerSchema,
    BatchSchema,
    EventAnswerSchema,
    EventSchema,
    RouteQuery,
    VisitPageSchema,
    VisitQuery,
    visit_view,
)
from api.services import looks
from api.services.device_keys import checked
from api.services.offline import Told, skew_of, take_batch
from api.services.paging import page
from api.services.refusals import Refusal
from api.services.regions import the_region
from api.services.scope import technicians_within, visits_within
from api.services.sheets import read_sheet
from api.services.visits import Report, take, utc_now
from api.unit_of_work import database, identity
from domain.lifecycle import VisitEvent

blueprint = Blueprint("field", __name__, url_prefix=V1, description="What phones need")


@blueprint.route("/me/route", methods=["GET"])
@blueprint.arguments(RouteQuery, location="query")
@blueprint.response(200, description="The route sheet: stops, job details, line on the map")
@blueprint.alt_response(304, description="The phone has it already")
def my_route(query: dict[str, Any]) -> Response:
    """My route of today, or of the next day that has one. Send `If-None-Match`: 304 is cheap."""
    who = identity()
    assert who.technician_number is not None and who.technician_id is not None
    return _route(who.technician_number, who.technician_id, query.get("date"))


@blueprint.route("/technicians/<uuid:technician_id>/route", methods=["GET"])
@blueprint.arguments(RouteQuery, location="query")
@blueprint.response(200, description="The route sheet: stops, job details, line on the map")
@blueprint.alt_response(304, description="The reader has it already")
def route_of(query: dict[str, Any], technician_id: UUID) -> Response:
    """A technician's route. Technicians see their own only, managers those of their outlet."""
    who = identity()
    if who.role == TECHNICIAN and who.technician_id != technician_id:
        raise Refusal("forbidden", "the route is another technician's")
    number = database().scalar(
        select(Technician.number)
        .where(Technician.id == technician_id)
        .where(technicians_within(who))
    )
    if number is None:
        raise Refusal("not_found")
    return _route(number, technician_id, query.get("date"))


def _route(technician_number: int, technician_id: UUID, day: date | None) -> Response:
    known = request.headers.get("If-None-Match", "").strip().removeprefix("W/").strip('"') or None
    sheet = read_sheet(database(), technician_number, day, _timezone(), known)
    if sheet is None:
        raise Refusal("not_found", "no route has been published for that day")
    if sheet.payload is None:
        response = Response(status=304)
    else:
        looks.seen(looks.ROUTE_SHEET, technician_id)
        response = Response(sheet.payload, mimetype="application/json")
    response.headers["ETag"] = f'"{sheet.etag}"'
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _timezone() -> str:
    """The region's zone, asked of the database once a process: it does not move."""
    known = current_app.extensions["zhunda.known"]
    if "timezone" not in known:
        known["timezone"] = the_region(database()).timezone
    return str(known["timezone"])


@blueprint.route("/visits", methods=["GET"])
@blueprint.arguments(VisitQuery, location="query")
@blueprint.response(200, VisitPageSchema)
def visits(query: dict[str, Any]) -> dict[str, Any]:
    """Active visits by planned arrival."""
    wanted = (
        select(Visit)
        .where(Visit.active)
        .where(visits_within(identity()))
        .options(joinedload(Visit.technician))
    )
    if "date" in query:
        wanted = wanted.where(Visit.day == query["date"])
    items, following = page(
        database(), wanted, [Visit.arrival_at, Visit.id], query.get("cursor"), query["limit"]
    )
    return {"items": [visit_view(item) for item in items], "next": following}


@blueprint.route("/visits/<uuid:visit_id>/events", methods=["POST"])
@blueprint.arguments(EventSchema)
@blueprint.response(201, EventAnswerSchema)
def take_event(data: dict[str, Any], visit_id: UUID) -> dict[str, Any]:
    """Take what happened at a visit. The same event again gets the same answer, nothing changes."""
    who, told = identity(), data["signature"]
    signed = None
    if told is not None:
        signed = checked(database(), told, _as_sent(request.get_json(), visit_id), who)
    return take(
        database(),
        visit_id,
        Report(
            data["id"],
            VisitEvent(data["event"]),
            data["at"],
            data["place"],
            data["accuracy_m"],
            data["details"],
            signed=signed,
        ),
        who,
        utc_now(),
    )


def _as_sent(raw: dict[str, Any], visit_id: object) -> dict[str, Any]:
    """An event as JSON as it was sent, without its signature: what the phone has signed."""
    return {key: one for key, one in raw.items() if key != "signature"} | {
        "visit_id": str(visit_id)
    }


@blueprint.route("/me/events", methods=["POST"])
@blueprint.arguments(BatchSchema)
@blueprint.response(200, BatchAnswerSchema)
def take_events(data: dict[str, Any]) -> dict[str, Any]:
    """Take what happened while the phone was out of reach, in any order; each event is answered."""
    now = utc_now()
    skew_s = skew_of(data["sent_at"], now)
    events = [
        Told(
            one["visit_id"],
            Report(
                one["id"],
                VisitEvent(one["event"]),
                one["at"],
                one["place"],
                one["accuracy_m"],
                one["details"],
                skew_s,
            ),
            one["signature"],
            _as_sent(raw, one["visit_id"]),
        )
        for one, raw in zip(data["events"], request.get_json()["events"], strict=True)
    ]
    return {"skew_s": skew_s, "events": take_batch(database(), events, identity(), now)}
