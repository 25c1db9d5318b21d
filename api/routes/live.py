"""The running day: offers, commit, undo, and what to do when it goes wrong."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import current_app

from api.access import TECHNICIAN, V1
from api.db.models import Plan
from api.parsing import Blueprint
from api.schemas.live import (
    CommitSchema,
    CommittedSchema,
    DelayReportSchema,
    DelaySchema,
    EditReportSchema,
    EditSchema,
    LeaveOutSchema,
    LeftOutSchema,
    OffersOrderSchema,
    OffersSchema,
    OutReportSchema,
    OutSchema,
    UndoneSchema,
    WhySchema,
)
from api.services import live, live_troubles, plan_edits
from api.services.live_plans import DeskRoom
from api.services.live_record import undo
from api.services.publishing import etag
from api.services.visits import utc_now
from api.unit_of_work import database, identity

blueprint = Blueprint("live", __name__, url_prefix=V1, description="The running day")


def _room() -> DeskRoom:
    room: DeskRoom = current_app.extensions["zhunda.desks"]
    return room


@blueprint.route("/jobs/<uuid:job_id>/offers", methods=["POST"])
@blueprint.arguments(OffersOrderSchema)
@blueprint.response(200, OffersSchema)
def offers(data: dict[str, Any], job_id: UUID) -> dict[str, Any]:
    """Who could come when: the best technicians, found by really trying. Nothing changes."""
    return live.offers(database(), _room(), job_id, data["k"], utc_now())


@blueprint.route("/jobs/<uuid:job_id>/commit", methods=["POST"])
@blueprint.arguments(CommitSchema)
@blueprint.response(201, CommittedSchema)
def commit(data: dict[str, Any], job_id: UUID) -> dict[str, Any]:
    """Take an offer. `plan_moved` and `offer_gone` bring fresh offers along."""
    people = (data["technician_id"], *data["with"])
    choice = live.Choice(people, data["version"], data["arrival"])
    return live.commit(database(), _room(), job_id, choice, identity().person_id, utc_now())


@blueprint.route("/jobs/<uuid:job_id>/leave-out", methods=["POST"])
@blueprint.arguments(LeaveOutSchema)
@blueprint.response(200, LeftOutSchema)
def leave_out(data: dict[str, Any], job_id: UUID) -> dict[str, Any]:
    """Take a job off its day: nobody goes there, and it is open again."""
    return live.leave_out(
        database(), _room(), job_id, data["version"], identity().person_id, utc_now()
    )


@blueprint.route("/visits/<uuid:visit_id>/delay", methods=["POST"])
@blueprint.arguments(DelaySchema)
@blueprint.response(200, DelayReportSchema)
def delay(data: dict[str, Any], visit_id: UUID) -> dict[str, Any]:
    """A visit takes longer: who comes late, and the cheapest repair; taken with `apply`."""
    order = live_troubles.Overrun(data["seconds"], data["apply"], data["version"])
    return live_troubles.delay(
        database(), _room(), visit_id, order, identity().person_id, utc_now()
    )


@blueprint.route("/technicians/<uuid:technician_id>/out", methods=["POST"])
@blueprint.arguments(OutSchema)
@blueprint.response(200, OutReportSchema)
def out(data: dict[str, Any], technician_id: UUID) -> dict[str, Any]:
    """Somebody drops out: where the visits go; done with `apply`."""
    order = live_troubles.Outage(data["since"], data["apply"], data["version"])
    return live_troubles.technician_out(
        database(), _room(), technician_id, order, identity().person_id, utc_now()
    )


@blueprint.route("/plans/<uuid:plan_id>/edits", methods=["POST"])
@blueprint.arguments(EditSchema)
@blueprint.response(200, EditReportSchema)
def edit(data: dict[str, Any], plan_id: UUID) -> dict[str, Any]:
    """Move a visit, leave it out, put it back or pin it, on a draft or on the published plan."""
    order = plan_edits.Order(
        data["do"],
        data["job"],
        data["technician_id"],
        data["position"],
        data["apply"],
        data["version"],
    )
    return plan_edits.edit(database(), _room(), plan_id, order, identity().person_id, utc_now())


@blueprint.route("/plans/<uuid:plan_id>/undo", methods=["POST"])
@blueprint.arguments(LeaveOutSchema)
@blueprint.response(200, UndoneSchema)
def undo_last(data: dict[str, Any], plan_id: UUID) -> dict[str, Any]:
    """Take the last live change of a plan back, while nothing of it has begun."""
    session = database()
    change = undo(session, _room(), plan_id, data["version"], identity().person_id, utc_now())
    plan = session.get(Plan, plan_id)
    assert plan is not None
    return {
        "undone": change.kind,
        "job": change.job_id,
        "technician": change.technician_id,
        "version": etag(plan),
    }


@blueprint.route("/jobs/<uuid:job_id>/why/<uuid:technician_id>", methods=["GET"])
@blueprint.response(200, WhySchema)
def why(job_id: UUID, technician_id: UUID) -> dict[str, Any]:
    """Whether this technician can take this job as the day stands, and if not, why not.

    Technicians ask about themselves.
    """
    who = identity()
    if who.role == TECHNICIAN:
        live.only_oneself(database(), who, technician_id)
    return live.why_not(database(), _room(), job_id, technician_id, utc_now())
