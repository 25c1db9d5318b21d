"""Complaints, their clocks and files; consumers' own data."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy import select

from api.access import V1
from api.db.models import Complaint, Job
from api.parsing import Blueprint
from api.routes.clocks import event_view, new_event
from api.routes.rights import door_of
from api.schemas.rights import (
    ClockEventSchema,
    ClockQuery,
    ComplaintQuery,
    ComplaintRowPageSchema,
    NewComplaintSchema,
    StepSchema,
)
from api.services import clock_events, complaints, looks, privacy
from api.services.complaint_file import complaint_file, complaint_pdf
from api.services.paging import page
from api.services.plain import plain
from api.services.scope import jobs_within, reach_job
from api.services.visits import utc_now
from api.unit_of_work import database, identity
from domain.complaints import ComplaintEvent

blueprint = Blueprint("complaints", __name__, url_prefix=V1, description="Complaints, own data")


def _reach(complaint_id: UUID) -> Complaint:
    """The complaint, when it is about a job that is within reach."""
    session, who = database(), identity()
    found = complaints.reach(session, complaint_id)
    reach_job(session, who, found.job_id)
    return found


@blueprint.route("/jobs/<uuid:job_id>/complaints", methods=["POST"])
@blueprint.arguments(NewComplaintSchema)
@blueprint.response(201, description="The complaint with its clocks")
def file_complaint(data: dict[str, Any], job_id: UUID) -> dict[str, Any]:
    """Take a complaint, once; its statutory clock starts now."""
    session, who, now = database(), identity(), utc_now()
    job = reach_job(session, who, job_id)
    new = complaints.NewComplaint(**data, door=door_of(who))
    row = complaints.file(session, job, new, who, now)
    told: dict[str, Any] = plain(complaints.complaint_view(session, row, now, identity().role))
    return told


@blueprint.route("/complaints", methods=["GET"])
@blueprint.arguments(ComplaintQuery, location="query")
@blueprint.response(200, ComplaintRowPageSchema)
def all_complaints(query: dict[str, Any]) -> dict[str, Any]:
    """Complaints in the order of their numbers."""
    within = select(Job.id).where(jobs_within(identity()))
    wanted = select(Complaint).where(Complaint.job_id.in_(within))
    if "state" in query:
        wanted = wanted.where(Complaint.state == query["state"])
    items, following = page(
        database(), wanted, [Complaint.number], query.get("cursor"), query["limit"]
    )
    return {"items": items, "next": following}


@blueprint.route("/complaints/<uuid:complaint_id>", methods=["GET"])
@blueprint.arguments(ClockQuery, location="query")
@blueprint.response(200, description="The complaint with its clocks")
def complaint(query: dict[str, Any], complaint_id: UUID) -> dict[str, Any]:
    """A complaint with its deadlines, now, as of an instant, or by the law of another day."""
    found = _reach(complaint_id)
    told: dict[str, Any] = plain(
        complaints.complaint_view(
            database(),
            found,
            clock_events.asked_as_of(query.get("as_of"), found.received_at, utc_now()),
            identity().role,
            query.get("rules_on"),
        )
    )
    return told


@blueprint.route("/complaints/<uuid:complaint_id>/steps", methods=["POST"])
@blueprint.arguments(StepSchema)
@blueprint.response(201, description="The complaint with its clocks")
def take_step(data: dict[str, Any], complaint_id: UUID) -> dict[str, Any]:
    """Accept, refuse, mediate, settle, end, appeal, refer to 12315, withdraw."""
    session, now = database(), utc_now()
    row = complaints.take_step(
        session,
        _reach(complaint_id),
        complaints.NewStep(
            data["id"], ComplaintEvent(data["event"]), data["at"] or now, data["note"]
        ),
        identity(),
        now,
    )
    told: dict[str, Any] = plain(complaints.complaint_view(session, row, now, identity().role))
    return told


@blueprint.route("/complaints/<uuid:complaint_id>/clock-events", methods=["POST"])
@blueprint.arguments(ClockEventSchema)
@blueprint.response(201, description="The event as it is on record")
def add_event(data: dict[str, Any], complaint_id: UUID) -> dict[str, Any]:
    """Testing that stops the clock, and its end; with evidence."""
    row = clock_events.add(
        database(), _reach(complaint_id), new_event(data), identity(), utc_now(), data["actor"]
    )
    return event_view(row)


@blueprint.route("/complaints/<uuid:complaint_id>/file", methods=["GET"])
@blueprint.response(200, description="Everything about the case, with its fingerprint")
def the_file(complaint_id: UUID) -> dict[str, Any]:
    """The file for the 12315 channel as JSON; looking at it is kept."""
    return _file(complaint_id)


@blueprint.route("/complaints/<uuid:complaint_id>/file.pdf", methods=["GET"])
@blueprint.response(200, description="The same as PDF", content_type="application/pdf")
def the_pdf(complaint_id: UUID) -> Response:
    """The file for the 12315 channel as PDF."""
    document = _file(complaint_id)
    response = Response(complaint_pdf(document), mimetype="application/pdf")
    number = document["complaint"]["number"]
    response.headers["Content-Disposition"] = f'inline; filename="complaint-{number}.pdf"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _file(complaint_id: UUID) -> dict[str, Any]:
    found = _reach(complaint_id)
    looks.seen("request", found.job.request_id)
    return complaint_file(database(), found, utc_now())


@blueprint.route("/consumers/<uuid:consumer_id>/data", methods=["GET"])
@blueprint.response(200, description="Everything on record about a consumer")
def personal_data(consumer_id: UUID) -> dict[str, Any]:
    """A consumer's own data in one document, with why and how long each record stays."""
    session = database()
    consumer = privacy.reach(session, consumer_id)
    looks.seen("consumer", consumer.id)
    told: dict[str, Any] = plain(privacy.export(session, consumer))
    return told


@blueprint.route("/consumers/<uuid:consumer_id>/erasure", methods=["POST"])
@blueprint.response(201, description="The name that is left, and what stays by which law")
def erase(consumer_id: UUID) -> dict[str, Any]:
    """Take a consumer's identity out of the record; the record itself stays as the law wants."""
    session = database()
    consumer = privacy.reach(session, consumer_id)
    told: dict[str, Any] = plain(privacy.erase(session, consumer, utc_now(), identity().person_id))
    return told
