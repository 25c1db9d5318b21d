"""Fairness in the open: how the work is shared out, to whom it concerns and who plans it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from api.access import OUTLET_MANAGER, V1
from api.parsing import Blueprint
from api.schemas.fairness import (
    FairnessQuery,
    OutletSharesPageSchema,
    OwnFairnessQuery,
    OwnShareSchema,
)
from api.services import fairness
from api.services.paging import page_of_rows
from api.services.refusals import Refusal
from api.unit_of_work import database, identity

blueprint = Blueprint("fairness", __name__, url_prefix=V1, description="How work is shared out")


@blueprint.route("/me/fairness", methods=["GET"])
@blueprint.arguments(OwnFairnessQuery, location="query")
@blueprint.response(200, OwnShareSchema)
def own(query: dict[str, Any]) -> dict[str, Any]:
    """One's own visits, urgent jobs, travel and overtime beside the outlet's colleagues."""
    who = identity()
    assert who.technician_number is not None
    return fairness.own_view(database(), who.technician_number, query["first"], query["last"])


@blueprint.route("/fairness", methods=["GET"])
@blueprint.arguments(FairnessQuery, location="query")
@blueprint.response(200, OutletSharesPageSchema)
def by_outlet(query: dict[str, Any]) -> dict[str, Any]:
    """The same by outlet and technician; a manager sees the own outlet."""
    items, following = page_of_rows(
        fairness.outlet_views(database(), query["first"], query["last"], _outlet(query)),
        lambda one: (str(one["outlet_id"]),),
        1,
        query.get("cursor"),
        query["limit"],
    )
    return {"items": items, "next": following}


def _outlet(query: dict[str, Any]) -> UUID | None:
    who, wanted = identity(), query.get("outlet_id")
    if who.role != OUTLET_MANAGER:
        return wanted
    if wanted not in (None, who.outlet_id):
        raise Refusal("forbidden", "a manager sees the own outlet")
    return who.outlet_id
