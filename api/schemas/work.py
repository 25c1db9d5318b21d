"""Reports and jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from marshmallow import Schema, fields, validate

from api.db.work import CHANNELS, JOB_STATUSES, MODES, Job, Request
from api.schemas.fields import CursorQuery, Instant, Line, PlaceSchema, Text, WindowSchema, page_of
from api.services.masking import mask_words, personal

CODE = validate.Regexp(r"^[a-z0-9][a-z0-9_-]{0,59}$", error="must be a code like not-cooling")


class ConsumerSchema(Schema):
    """Who waits. With an e-mail address, receipt and result are sent there."""

    name = Line(required=True)
    email = fields.Email(load_default=None, allow_none=True, validate=validate.Length(max=200))
    phone = Line(
        required=True,
        longest=40,
        validate=validate.Regexp(r"^[+0-9(][0-9 ()./-]{2,39}$", error="must be a phone number"),
    )


class ReportSchema(Schema):
    """A fault as it is reported. Without `reported_at` the clock starts now."""

    channel = fields.String(required=True, validate=validate.OneOf(CHANNELS))
    reported_at = Instant(load_default=None, allow_none=True)
    mode = fields.String(load_default="on_site", validate=validate.OneOf(MODES))
    dangers = fields.List(
        fields.String(validate=CODE),
        load_default=list,
        validate=validate.Length(max=10),
        metadata={"description": "What the caller says beside the fault, such as smoke"},
    )
    call_id = fields.UUID(load_default=None, allow_none=True)
    product = fields.String(required=True, validate=CODE)
    fault = fields.String(required=True, validate=CODE)
    description = Text(load_default="")
    consumer = fields.Nested(ConsumerSchema, required=True)
    address = Line(required=True)
    place = fields.Nested(PlaceSchema, required=True)
    windows = fields.List(
        fields.Nested(WindowSchema), load_default=list, validate=validate.Length(max=10)
    )


class JobSchema(Schema):
    """A visit to be made, and its clock."""

    id = fields.UUID(required=True)
    number = fields.Integer(required=True)
    request_id = fields.UUID(required=True)
    status = fields.String(required=True, validate=validate.OneOf(JOB_STATUSES))
    job_class = fields.String(required=True, data_key="class")
    reported_at = Instant(required=True)
    due_at = Instant(required=True)
    product = fields.String(required=True)
    fault = fields.String(required=True)
    description = fields.String(required=True)
    skills = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    parts = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    service_s = fields.Integer(required=True)
    windows = fields.List(fields.List(fields.String()), required=True)
    mode = fields.String(required=True)
    crew = fields.Integer(required=True)
    equipment = fields.List(fields.String(), required=True)
    estimate = fields.Dict(required=True, metadata={"description": "Where service_s comes from"})
    repeat_of = fields.UUID(required=True, allow_none=True)
    duplicate_of = fields.UUID(required=True, allow_none=True)
    triage = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    consumer = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    address = fields.String(required=True)
    place = fields.Dict(keys=fields.String(), values=fields.Float(), required=True)


class RequestSchema(Schema):
    """A report as it was received."""

    id = fields.UUID(required=True)
    channel = fields.String(required=True)
    reported_at = Instant(required=True)
    received_at = Instant(required=True)
    product = fields.String(required=True)
    fault = fields.String(required=True)
    description = fields.String(required=True)
    consumer = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    address = fields.String(required=True)
    place = fields.Dict(keys=fields.String(), values=fields.Float(), required=True)


JobPageSchema = page_of(JobSchema)
RequestPageSchema = page_of(RequestSchema)


class JobQuery(CursorQuery):
    """Which jobs; by due time, earliest first."""

    status = fields.String(validate=validate.OneOf(JOB_STATUSES))
    job_class = fields.String(data_key="class", validate=validate.OneOf(("urgent", "normal")))


def request_view(request: Request, role: str) -> dict[str, Any]:
    """A report as a role may see it."""
    return {
        "id": request.id,
        "channel": request.channel,
        "reported_at": request.reported_at,
        "received_at": request.received_at,
        "product": request.product,
        "fault": request.fault,
        "description": mask_words(request.description, request, role),
        **personal(request, role),
    }


def job_view(job: Job, role: str) -> dict[str, Any]:
    """A job as a role may see it."""
    instants: dict[str, datetime] = {"reported_at": job.reported_at, "due_at": job.due_at}
    return {
        "id": job.id,
        "number": job.number,
        "request_id": job.request_id,
        "status": job.status,
        "job_class": job.job_class,
        **instants,
        "product": job.request.product,
        "fault": job.request.fault,
        "description": mask_words(job.request.description, job.request, role),
        "skills": job.skills,
        "parts": job.parts,
        "service_s": job.service_s,
        "windows": job.windows,
        "mode": job.mode,
        "crew": job.crew,
        "equipment": job.equipment,
        "estimate": job.estimate,
        "repeat_of": job.repeat_of,
        "duplicate_of": job.duplicate_of,
        "triage": {"rule": job.triage_rule, "version": job.triage_version},
        **personal(job.request, role),
    }
