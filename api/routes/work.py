"""Reports come in; jobs are looked at."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from api.access import V1
from api.db.models import Job, Request
from api.parsing import Blueprint
from api.schemas.fields import CursorQuery
from api.schemas.work import (
    JobPageSchema,
    JobQuery,
    JobSchema,
    ReportSchema,
    RequestPageSchema,
    RequestSchema,
    job_view,
    request_view,
)
from api.services.intake import Report, take_report
from api.services.paging import page
from api.services.refusals import Refusal
from api.services.visits import utc_now
from api.unit_of_work import database, identity

blueprint = Blueprint("work", __name__, url_prefix=V1, description="Reports and jobs")
_WITH_REQUEST = joinedload(Job.request).joinedload(Request.consumer)


@blueprint.route("/requests", methods=["POST"])
@blueprint.arguments(ReportSchema)
@blueprint.response(201, JobSchema, headers={"Location": {"schema": {"type": "string"}}})
def report(data: dict[str, Any]) -> Any:
    """Take a report: it is triaged at once, and its job's arrival clock runs from the report on."""
    now = utc_now()
    who = identity()
    job = take_report(
        database(),
        Report(
            channel=data["channel"],
            reported_at=data["reported_at"] or now,
            product=data["product"],
            fault=data["fault"],
            description=data["description"],
            consumer_name=data["consumer"]["name"],
            consumer_phone=data["consumer"]["phone"],
            address=data["address"],
            place=data["place"],
            windows=data["windows"],
        ),
        who.person_id,
        now,
    )
    location = url_for("work.job", job_id=job.id)
    return job_view(job, who.role), 201, {"Location": location}


@blueprint.route("/requests", methods=["GET"])
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, RequestPageSchema)
def requests(query: dict[str, Any]) -> dict[str, Any]:
    """Reports in the order they were received."""
    items, following = page(
        database(),
        select(Request).options(joinedload(Request.consumer)),
        [Request.id],
        query.get("cursor"),
        query["limit"],
    )
    role = identity().role
    return {"items": [request_view(item, role) for item in items], "next": following}


@blueprint.route("/requests/<uuid:request_id>", methods=["GET"])
@blueprint.response(200, RequestSchema)
def request_of(request_id: UUID) -> dict[str, Any]:
    """One report as it was received."""
    found = database().get(Request, request_id)
    if found is None:
        raise Refusal("not_found")
    return request_view(found, identity().role)


@blueprint.route("/jobs", methods=["GET"])
@blueprint.arguments(JobQuery, location="query")
@blueprint.response(200, JobPageSchema)
def jobs(query: dict[str, Any]) -> dict[str, Any]:
    """Jobs by the time they are due, the most pressing first."""
    wanted = select(Job).options(_WITH_REQUEST)
    if "status" in query:
        wanted = wanted.where(Job.status == query["status"])
    if "job_class" in query:
        wanted = wanted.where(Job.job_class == query["job_class"])
    items, following = page(
        database(), wanted, [Job.due_at, Job.id], query.get("cursor"), query["limit"]
    )
    role = identity().role
    return {"items": [job_view(item, role) for item in items], "next": following}


@blueprint.route("/jobs/<uuid:job_id>", methods=["GET"])
@blueprint.response(200, JobSchema)
def job(job_id: UUID) -> dict[str, Any]:
    """One job with its clock and the rule that set it."""
    found = database().get(Job, job_id, options=[_WITH_REQUEST])
    if found is None:
        raise Refusal("not_found")
    return job_view(found, identity().role)
