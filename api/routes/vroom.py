"""VROOM's JSON in and out."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from flask import Response, current_app, request
from marshmallow import Schema, fields, validate
from sqlalchemy.orm import undefer

from api.access import V1
from api.db.engine import compact_json
from api.db.models import Plan
from api.parsing import Blueprint
from api.services.live_plans import problem_as_changed
from api.services.refusals import Refusal
from api.services.vroom import MOST_ITERATIONS, plan_in_vroom, solve_vroom
from api.unit_of_work import database

blueprint = Blueprint("vroom", __name__, url_prefix=V1, description="VROOM's JSON")


class EffortQuery(Schema):
    """How long to think; the same seed and iterations give the same answer."""

    iterations = fields.Integer(
        load_default=2000, strict=False, validate=validate.Range(1, MOST_ITERATIONS)
    )
    seed = fields.Integer(load_default=1, strict=False, validate=validate.Range(0, 2**31 - 1))


@blueprint.route("/vroom", methods=["POST"])
@blueprint.arguments(EffortQuery, location="query")
@blueprint.response(200, description="VROOM's output")
def answer(query: dict[str, Any]) -> Response:
    """Answer a VROOM input with matrices, as VROOM would print it."""
    if not request.is_json:
        raise Refusal("not_json", f"got {request.mimetype or 'no media type'}")
    try:
        document = json.loads(request.get_data())
    except (ValueError, RecursionError) as error:
        raise Refusal("malformed_json", f"the body is not JSON: {error}"[:200]) from None
    engine = current_app.extensions["zhunda.plan_engine"]
    if "Idempotency-Key" not in request.headers:
        # Nothing has been written: no transaction need stand open while the search thinks.
        database().rollback()
    told = solve_vroom(document, query["iterations"], query["seed"], engine)
    return Response(compact_json(told), mimetype="application/json")


@blueprint.route("/plans/<uuid:plan_id>/vroom", methods=["GET"])
@blueprint.response(200, description="VROOM's output")
def plan_in_words_of_vroom(plan_id: UUID) -> Response:
    """A plan as VROOM would print it."""
    found = database().get(Plan, plan_id, options=[undefer(Plan.problem), undefer(Plan.document)])
    if found is None:
        raise Refusal("not_found")
    told = plan_in_vroom(problem_as_changed(database(), found), found.document)
    return Response(compact_json(told), mimetype="application/json")
