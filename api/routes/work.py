"""Reports come in; jobs are looked at."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import current_app, url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from api.access import V1
from api.db.models import Job, Look, Request
from api.parsing import Blueprint
from api.schemas.fields import CursorQuery
from api.schemas.looks import LookPageSchema, LookQuery, PersonalSchema, ReasonSchema
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
from api.services.masking import show_personal
from api.services.paging import page
from api.services.refusals import Refusal
from api.services.scope import jobs_within, reach_job, requests_within
from api.services.visits import utc_now
from api.unit_of_work import database, identity
from domain.lifecycle import Mode

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
            consumer_email=data["consumer"]["email"],
            dangers=data["dangers"],
            mode=Mode(data["mode"]),
            call_id=data["call_id"],
        ),
        who.person_id,
        now,
        current_app.extensions["zhunda.proposer"],
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
        select(Request).where(requests_within(identity())).options(joinedload(Request.consumer)),
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
    who = identity()
    found = (
        database()
        .scalars(select(Request).where(Request.id == request_id).where(requests_within(who)))
        .one_or_none()
    )
    if found is None:
        raise Refusal("not_found")
    return request_view(found, who.role)


@blueprint.route("/jobs", methods=["GET"])
@blueprint.arguments(JobQuery, location="query")
@blueprint.response(200, JobPageSchema)
def jobs(query: dict[str, Any]) -> dict[str, Any]:
    """Jobs by the time they are due, the most pressing first."""
    wanted = select(Job).where(jobs_within(identity())).options(_WITH_REQUEST)
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
    who = identity()
    return job_view(reach_job(database(), who, job_id), who.role)


@blueprint.route("/jobs/<uuid:job_id>/personal", methods=["POST"])
@blueprint.arguments(ReasonSchema)
@blueprint.response(200, PersonalSchema)
def personal_data(data: dict[str, Any], job_id: UUID) -> dict[str, Any]:
    """Name, phone and address, for who supervises and says why; who, what and why are recorded."""
    who = identity()
    return show_personal(database(), reach_job(database(), who, job_id), who, data["why"])


@blueprint.route("/looks", methods=["GET"])
@blueprint.arguments(LookQuery, location="query")
@blueprint.response(200, LookPageSchema)
def looks_at(query: dict[str, Any]) -> dict[str, Any]:
    """Who was shown whose data, in order: of one `subject_id`, of one `holder_id`, or all."""
    wanted = select(Look)
    if "subject_id" in query:
        wanted = wanted.where(Look.subject_ids.contains([query["subject_id"]]))
    if "holder_id" in query:
        wanted = wanted.where(Look.holder_id == query["holder_id"])
    items, following = page(database(), wanted, [Look.seq], query.get("cursor"), query["limit"])
    return {"items": items, "next": following}
