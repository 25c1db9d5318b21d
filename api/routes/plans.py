"""Planning: ask for a plan, watch the run, look at the draft, publish it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, current_app, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import undefer

from api.access import V1
from api.db.engine import compact_json
from api.db.models import Plan, PlanRun
from api.parsing import Blueprint
from api.schemas.plans import (
    PlanDetailSchema,
    PlanOrderSchema,
    PlanPageSchema,
    PlanQuery,
    PlanRunSchema,
    PlanSchema,
    plan_detail,
    plan_view,
    run_view,
)
from api.services import looks
from api.services.live_plans import problem_as_changed
from api.services.masking import PLACE, mask_problem, sees
from api.services.paging import page
from api.services.planning import PlanOrder, request_cancel, request_plan
from api.services.publishing import etag, publish
from api.services.refusals import Refusal
from api.services.regions import planning_day, the_region
from api.services.visits import utc_now
from api.unit_of_work import database, identity

blueprint = Blueprint("plans", __name__, url_prefix=V1, description="Plans and their runs")
IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "The plan's ETag as it was read; `*` for whatever it is",
    "schema": {"type": "string"},
}


@blueprint.route("/plans", methods=["POST"])
@blueprint.arguments(PlanOrderSchema)
@blueprint.response(202, PlanRunSchema, headers={"Location": {"schema": {"type": "string"}}})
def order_plan(data: dict[str, Any]) -> Any:
    """Ask for a plan; a worker makes it. `Location` tells how far it is."""
    settings = current_app.extensions["zhunda.settings"]
    now = utc_now()
    session = database()
    iterations = data.get("iterations")
    seconds = data.get("seconds", None if iterations else float(settings.plan_seconds))
    run = request_plan(
        session,
        PlanOrder(
            day=data.get("date") or planning_day(session, now, the_region(session).timezone),
            as_of=data.get("as_of") or now,
            engine=data.get("engine") or current_app.extensions["zhunda.plan_engine"],
            seconds=seconds,
            iterations=iterations,
            seed=data["seed"],
            threads=data.get("threads") or settings.plan_threads,
        ),
        identity().person_id,
    )
    session.refresh(run)
    return run_view(run, None), 202, {"Location": url_for("plans.plan_run", run_id=run.id)}


@blueprint.route("/plan-runs/<uuid:run_id>", methods=["GET"])
@blueprint.response(200, PlanRunSchema)
def plan_run(run_id: UUID) -> dict[str, Any]:
    """How far a run is, and its plan when there is one."""
    run = database().get(PlanRun, run_id)
    if run is None:
        raise Refusal("not_found")
    return _told(run)


@blueprint.route("/plan-runs/<uuid:run_id>/cancel", methods=["POST"])
@blueprint.response(202, PlanRunSchema)
def cancel(run_id: UUID) -> dict[str, Any]:
    """Ask a run to stop; nothing comes of it then."""
    return _told(request_cancel(database(), run_id, identity().person_id))


def _told(run: PlanRun) -> dict[str, Any]:
    plan_id = database().scalar(select(Plan.id).where(Plan.run_id == run.id))
    return run_view(run, plan_id)


@blueprint.route("/plans", methods=["GET"])
@blueprint.arguments(PlanQuery, location="query")
@blueprint.response(200, PlanPageSchema)
def plans(query: dict[str, Any]) -> dict[str, Any]:
    """Plans in the order they were made."""
    wanted = select(Plan)
    if "date" in query:
        wanted = wanted.where(Plan.day == query["date"])
    if "status" in query:
        wanted = wanted.where(Plan.status == query["status"])
    items, following = page(database(), wanted, [Plan.id], query.get("cursor"), query["limit"])
    return {"items": [plan_view(item) for item in items], "next": following}


@blueprint.route("/plans/<uuid:plan_id>", methods=["GET"])
@blueprint.response(200, PlanDetailSchema, headers={"ETag": {"schema": {"type": "string"}}})
def plan(plan_id: UUID) -> Any:
    """A plan: goals, what the checker says, routes, and why each job left out is left out."""
    found = _plan(plan_id, undefer(Plan.document))
    return plan_detail(found), 200, {"ETag": f'"{etag(found)}"'}


@blueprint.route("/plans/<uuid:plan_id>/problem", methods=["GET"])
@blueprint.response(200, description="zhunda-problem/1")
def problem_of(plan_id: UUID) -> Response:
    """The question the plan answers, for anybody who wants to check it (`zhunda-problem/1`)."""
    found = _plan(plan_id, undefer(Plan.problem))
    told = problem_as_changed(database(), found)
    role = identity().role
    if sees(PLACE, role):
        looks.seen(looks.PLAN, found.id)
    told = mask_problem(told, role)
    return Response(compact_json(told), mimetype="application/json")


@blueprint.route("/plans/<uuid:plan_id>/document", methods=["GET"])
@blueprint.response(200, description="zhunda-plan/1")
def document_of(plan_id: UUID) -> Response:
    """The plan as the optimizer wrote it (`zhunda-plan/1`)."""
    found = _plan(plan_id, undefer(Plan.document))
    return Response(compact_json(found.document), mimetype="application/json")


def _plan(plan_id: UUID, *options: Any) -> Plan:
    found = database().get(Plan, plan_id, options=options)
    if found is None:
        raise Refusal("not_found")
    return found


@blueprint.route("/plans/<uuid:plan_id>/publish", methods=["POST"])
@blueprint.doc(parameters=[IF_MATCH])
@blueprint.response(200, PlanSchema, headers={"ETag": {"schema": {"type": "string"}}})
def publish_plan(plan_id: UUID) -> Any:
    """Make a draft the plan of its day: visits are promised, phones get their routes."""
    if "If-Match" not in request.headers:
        raise Refusal("precondition_required")
    given = request.headers["If-Match"].strip()
    expected = None if given == "*" else given.removeprefix("W/").strip('"')
    published = publish(database(), plan_id, expected, identity().person_id)
    return plan_view(published), 200, {"ETag": f'"{etag(published)}"'}
