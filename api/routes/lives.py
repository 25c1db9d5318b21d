"""The life of a job beyond its visits: moves by the office, its receipt and dossier, exceptions."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

from flask import Response, current_app, jsonify, request

from api.access import V1
from api.parsing import Blueprint
from api.schemas.fields import CursorQuery
from api.schemas.intake import (
    ExceptionListSchema,
    JobMoveSchema,
    ReceiptSchema,
    SettleSchema,
)
from api.schemas.things import CostSchema, PhotoQuery, PhotoSchema
from api.schemas.work import JobSchema, job_view
from api.services import offline, photo_pieces, photos
from api.services.dossier import cost_of, dossier
from api.services.exceptions import ORDER_LENGTH, exceptions, order_of
from api.services.intake import receipt_of
from api.services.office import tell
from api.services.paging import page_of_rows
from api.services.policies import policy_on
from api.services.refusals import Refusal
from api.services.scope import reach_job
from api.services.visits import utc_now
from api.unit_of_work import database, identity
from domain.lifecycle import JobEvent

blueprint = Blueprint("lives", __name__, url_prefix=V1, description="Lives of jobs, photos")
PHOTO_ENDPOINT = "lives.new_photo"


@blueprint.route("/jobs/<uuid:job_id>/events", methods=["POST"])
@blueprint.arguments(JobMoveSchema)
@blueprint.response(200, JobSchema)
def move_job(data: dict[str, Any], job_id: UUID) -> dict[str, Any]:
    """Tell what became of a job: cancelled (by whom, why), parts arrived, solved remotely, …"""
    who = identity()
    job = tell(
        database(),
        job_id,
        JobEvent(data["event"]),
        who.person_id,
        utc_now(),
        reason=data["reason"],
        by=data["by"],
        mode=data.get("mode"),
        needed=data["needed"],
    )
    return job_view(job, who.role)


@blueprint.route("/jobs/<uuid:job_id>/receipt", methods=["GET"])
@blueprint.response(200, ReceiptSchema)
def receipt(job_id: UUID) -> Any:
    """The receipt that was issued with the report; it is never changed."""
    return receipt_of(database(), reach_job(database(), identity(), job_id).id)


@blueprint.route("/jobs/<uuid:job_id>/dossier", methods=["GET"])
@blueprint.response(200, description="Report, clock, moves, visits, parts, photos, messages, cost")
def job_dossier(job_id: UUID) -> dict[str, Any]:
    """Everything on record about a job."""
    who = identity()
    return dossier(database(), reach_job(database(), who, job_id).id, who.role)


@blueprint.route("/jobs/<uuid:job_id>/costs", methods=["GET"])
@blueprint.response(200, CostSchema)
def costs(job_id: UUID) -> dict[str, int]:
    """What a job has cost the operator: the warranty cost where the consumer pays nothing."""
    return cost_of(database(), reach_job(database(), identity(), job_id))


@blueprint.route("/exceptions", methods=["GET"])
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, ExceptionListSchema)
def exception_list(query: dict[str, Any]) -> dict[str, Any]:
    """What needs somebody's eye now: late, at risk, unassigned, no access, held, short, overdue."""
    now = utc_now()
    found = exceptions(database(), now)
    items, following = page_of_rows(
        found, order_of, ORDER_LENGTH, query.get("cursor"), query["limit"]
    )
    counts = dict(Counter(item["kind"] for item in found))
    return {"as_of": now, "counts": counts, "items": items, "next": following}


@blueprint.route("/held-events/<uuid:event_id>/settle", methods=["POST"])
@blueprint.arguments(SettleSchema)
@blueprint.response(200, description="The event as it was settled")
def settle_event(data: dict[str, Any], event_id: UUID) -> dict[str, Any]:
    """Try a held event again, or set it aside with a reason; it stays on record."""
    row = offline.settle(
        database(), event_id, data["decision"], data["reason"], identity(), utc_now()
    )
    return {"id": str(row.id), "visit_id": str(row.visit_id), "outcome": row.outcome}


@blueprint.route("/visits/<uuid:visit_id>/photos", methods=["POST"])
@blueprint.arguments(PhotoQuery, location="query")
@blueprint.response(201, PhotoSchema)
@blueprint.alt_response(202, description="Not all pieces have come; `received` bytes have")
def new_photo(query: dict[str, Any], visit_id: UUID) -> Any:
    """Keep a photo (`image/jpeg` or `image/png` as the body); sent twice, it is kept once.

    On bad reception send it in pieces: `total` is its size, `offset` where the body begins. The
    answer to every piece but the last is 202 with what has come; go on from there.
    """
    now, total = utc_now(), query.get("total")
    folder = current_app.extensions["zhunda.settings"].data_dir
    raw: bytes | int = request.get_data()
    if total is not None:
        known = photos.known(database(), visit_id, query["id"], identity())
        if known is not None:
            return known
        piece = photo_pieces.Piece(query["offset"], total, request.get_data())
        raw = photo_pieces.add(database(), folder, visit_id, query["id"], piece, identity())
        if isinstance(raw, int):
            response = jsonify({"received": raw})
            response.status_code = 202
            return response
    try:
        photo = photos.keep(
            database(),
            folder,
            visit_id,
            query["id"],
            query["kind"],
            query["taken_at"],
            raw,
            identity(),
            now,
        )
    except Refusal:
        if total is not None:
            photo_pieces.done(folder, visit_id, query["id"], total)
        raise
    offline.settle_waiting(database(), visit_id, identity(), now)
    if total is not None:
        photo_pieces.done(folder, visit_id, query["id"], total)
    return photo


@blueprint.route("/photos/<uuid:photo_id>", methods=["GET"])
@blueprint.response(200, description="The photo itself, checked against its hash")
def photo(photo_id: UUID) -> Response:
    """A photo. Technicians see those of their own visits."""
    row, content = photos.read(
        database(), current_app.extensions["zhunda.settings"].data_dir, photo_id, identity()
    )
    response = Response(content, mimetype=row.media_type)
    response.headers["ETag"] = f'"{row.sha256}"'
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    return response


def let_photos_be_larger() -> None:
    """A photo may be larger than JSON; before anything reads the body."""
    if request.endpoint == PHOTO_ENDPOINT:
        request.max_content_length = policy_on(utc_now().date()).photo_largest_bytes
