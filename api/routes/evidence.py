"""Evidence packs: ordered here, made by a worker, downloaded by who ordered them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, current_app, request, send_file, url_for
from sqlalchemy import select

from api.access import V1
from api.db.models import EvidencePack
from api.parsing import Blueprint
from api.schemas.packs import PackOrderSchema, PackPageSchema, PackSchema, PacksQuery, pack_view
from api.services.packs import orders
from api.services.paging import page
from api.unit_of_work import database, identity

blueprint = Blueprint("evidence", __name__, url_prefix=V1, description="Evidence packs")


@blueprint.route("/evidence", methods=["POST"])
@blueprint.arguments(PackOrderSchema)
@blueprint.response(202, PackSchema, headers={"Location": {"schema": {"type": "string"}}})
def order_pack(data: dict[str, Any]) -> Any:
    """Order a pack of a case, a period or an audit's sample. `Location` tells how far it is.

    An assessor orders the own drawn sample or a case of it, and gets it without names.
    """
    row = orders.order(database(), orders.Order(**data), identity())
    return pack_view(row), 202, {"Location": url_for("evidence.pack", pack_id=row.id)}


@blueprint.route("/evidence", methods=["GET"])
@blueprint.arguments(PacksQuery, location="query")
@blueprint.response(200, PackPageSchema)
def packs(query: dict[str, Any]) -> dict[str, Any]:
    """Orders in the order they were made, whoever made them; an assessor's own only."""
    rows, following = page(
        database(),
        select(EvidencePack).where(orders.within(identity())),
        [EvidencePack.id],
        query.get("cursor"),
        query["limit"],
    )
    return {"items": [pack_view(row) for row in rows], "next": following}


@blueprint.route("/evidence/<uuid:pack_id>", methods=["GET"])
@blueprint.response(200, PackSchema)
def pack(pack_id: UUID) -> dict[str, Any]:
    """How far an order is."""
    return pack_view(orders.reach(database(), pack_id, identity()))


@blueprint.route("/evidence/<uuid:pack_id>/cancel", methods=["POST"])
@blueprint.response(202, PackSchema)
def cancel(pack_id: UUID) -> dict[str, Any]:
    """Drop an order; nothing comes of it then."""
    return pack_view(orders.request_cancel(database(), pack_id, identity()))


@blueprint.route("/evidence/<uuid:pack_id>/file", methods=["GET"])
@blueprint.response(200, description="The pack; a part of it for a `Range`")
def pack_file(pack_id: UUID) -> Response:
    """The pack. Only who ordered it; each download is a look at every case in it."""
    folder = current_app.extensions["zhunda.settings"].data_dir
    path, sha256 = orders.hand_out(database(), folder, pack_id, identity())
    response = send_file(
        path,
        mimetype="application/zip",
        as_attachment=True,
        download_name=f"evidence-{pack_id}.zip",
        etag=sha256,
        conditional=request.method == "GET",
    )
    response.headers["Cache-Control"] = "private, no-store"
    return response
