"""Contracts, and the settlements that follow from verified work."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy import select, true
from werkzeug.utils import secure_filename

from api.access import OUTLET_MANAGER, V1
from api.db.models import Contract, Settlement
from api.parsing import Blueprint
from api.schemas.contracts import (
    AnswerSchema,
    ContractPageSchema,
    ContractSchema,
    NewContractSchema,
    NewSettlementSchema,
    SettlementPageSchema,
    SettlementSchema,
)
from api.schemas.fields import CursorQuery
from api.schemas.quality import RecountSchema
from api.services import settlements
from api.services.claim_sheet import MEDIA_TYPE, claim_sheet
from api.services.paging import page
from api.services.refusals import Refusal
from api.unit_of_work import database, identity

blueprint = Blueprint("contracts", __name__, url_prefix=V1, description="Settlement of work")


def _own_outlet() -> Any:
    who = identity()
    return Contract.outlet_id == who.outlet_id if who.role == OUTLET_MANAGER else true()


@blueprint.route("/contracts", methods=["GET"])
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, ContractPageSchema)
def contracts(query: dict[str, Any]) -> dict[str, Any]:
    """Contracts by number; a manager sees the own outlet's."""
    items, following = page(
        database(),
        select(Contract).where(_own_outlet()),
        [Contract.number],
        query.get("cursor"),
        query["limit"],
    )
    return {"items": items, "next": following}


@blueprint.route("/contracts", methods=["POST"])
@blueprint.arguments(NewContractSchema)
@blueprint.response(201, ContractSchema)
def new_contract(data: dict[str, Any]) -> Contract:
    """Record a contract."""
    terms = settlements.NewContract(**data | {"classes": tuple(data["classes"])})
    return settlements.conclude(database(), terms, identity())


@blueprint.route("/contracts/<uuid:contract_id>/settlements", methods=["POST"])
@blueprint.arguments(NewSettlementSchema)
@blueprint.response(201, SettlementSchema)
def new_settlement(data: dict[str, Any], contract_id: UUID) -> Settlement:
    """Draw up the statement of a period from verified work."""
    contract = settlements.reach_contract(database(), identity(), contract_id)
    return settlements.draw_up(
        database(), contract, data["first"], data["last"], identity(), datetime.now(UTC)
    )


@blueprint.route("/settlements", methods=["GET"])
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, SettlementPageSchema)
def all_settlements(query: dict[str, Any]) -> dict[str, Any]:
    """Statements in the order they were drawn up."""
    items, following = page(
        database(),
        select(Settlement).join(Contract).where(_own_outlet()),
        [Settlement.created_at, Settlement.id],
        query.get("cursor"),
        query["limit"],
    )
    return {"items": items, "next": following}


def _reach(settlement_id: UUID) -> Settlement:
    found = database().get(Settlement, settlement_id)
    if found is None:
        raise Refusal("not_found")
    settlements.reach_contract(database(), identity(), found.contract_id)
    return found


@blueprint.route("/settlements/<uuid:settlement_id>", methods=["GET"])
@blueprint.response(200, SettlementSchema)
def settlement(settlement_id: UUID) -> Settlement:
    """One statement."""
    return _reach(settlement_id)


@blueprint.route("/settlements/<uuid:settlement_id>/replay", methods=["GET"])
@blueprint.response(200, RecountSchema)
def replay(settlement_id: UUID) -> dict[str, Any]:
    """Settle the same again from the record, as of the same instant."""
    return dict(settlements.replay(database(), _reach(settlement_id)))


@blueprint.route("/settlements/<uuid:settlement_id>/claim", methods=["GET"])
@blueprint.response(200, content_type=MEDIA_TYPE)
def claim(settlement_id: UUID) -> Response:
    """The statement as a sheet to hand in, each line with the job, arrival, consent and bill."""
    row = _reach(settlement_id)
    response = Response(claim_sheet(database(), row), mimetype=MEDIA_TYPE)
    name = secure_filename(f"{row.document['contract']}-{row.start.isoformat()}.xlsx")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@blueprint.route("/settlements/<uuid:settlement_id>/answer", methods=["POST"])
@blueprint.arguments(AnswerSchema)
@blueprint.response(200, SettlementSchema)
def answer(data: dict[str, Any], settlement_id: UUID) -> Settlement:
    """Accept a statement, or dispute it with a reason."""
    return settlements.answer(
        database(),
        _reach(settlement_id),
        data["accepted"],
        data["note"],
        identity(),
        datetime.now(UTC),
    )
