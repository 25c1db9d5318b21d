"""The doors of intake besides the form: the telephone, messages; and what follows from a report."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import current_app, request
from sqlalchemy import select

from api.access import V1
from api.db.models import CallFigures, IncomingMessage, OutgoingMessage, PhoneCall, Request
from api.db.models import Job as JobRow
from api.parsing import Blueprint
from api.schemas.fields import CursorQuery
from api.schemas.intake import (
    CallFiguresSchema,
    CallPageSchema,
    CallSchema,
    CallsTakenSchema,
    CallStepSchema,
    DurationModelSchema,
    FiguresQuery,
    ImportQuery,
    MessagePageSchema,
    MessageQuery,
    MessageReportSchema,
    MessageSchema,
    NewCallSchema,
    NewMessageSchema,
    SentPageSchema,
    SentQuery,
    SetAsideSchema,
    figures_view,
    message_view,
)
from api.schemas.work import JobSchema, job_view
from api.services import calls, durations
from api.services.carriers import Incoming
from api.services.inbox import make_report, set_aside, take_message
from api.services.intake import Report
from api.services.paging import page
from api.services.policies import policy_on
from api.services.refusals import Refusal
from api.services.visits import utc_now
from api.unit_of_work import database, identity
from domain.lifecycle import Mode

blueprint = Blueprint("intake", __name__, url_prefix=V1, description="Calls and messages")


@blueprint.route("/calls/events", methods=["POST"])
@blueprint.arguments(CallStepSchema)
@blueprint.response(200, CallSchema)
def call_step(data: dict[str, Any]) -> PhoneCall:
    """What a telephone exchange reports of a call: it rings, the menu, a human, the end."""
    return calls.take_step(
        database(),
        data["call_key"],
        data["event"],
        data["at"],
        data["caller"],
        data["line"],
        utc_now(),
    )


@blueprint.route("/calls", methods=["POST"])
@blueprint.arguments(NewCallSchema)
@blueprint.response(201, CallSchema)
def new_call(data: dict[str, Any]) -> PhoneCall:
    """Log a whole call by hand."""
    taken, _ = calls.log_calls(
        database(), [calls.CallLog(**data)], "manual", identity().person_id, utc_now()
    )
    if not taken:
        raise Refusal("already_exists", f"a call {data['call_key']} is on record")
    return database().scalars(select(PhoneCall).where(PhoneCall.call_key == data["call_key"])).one()


@blueprint.route("/calls/import", methods=["POST"])
@blueprint.arguments(ImportQuery, location="query")
@blueprint.response(200, CallsTakenSchema)
def import_calls(query: dict[str, Any]) -> dict[str, Any]:
    """Take a call log as CSV (`text/csv`): all of it, or nothing with every wrong row named."""
    log = calls.read_csv(request.get_data())
    if query["dry_run"]:
        keys = [call.call_key for call in log]
        known = set(
            database().scalars(select(PhoneCall.call_key).where(PhoneCall.call_key.in_(keys)))
        )
        return {"taken": len(set(keys) - known), "known": len(known), "dry_run": True}
    taken, there = calls.log_calls(database(), log, "csv", identity().person_id, utc_now())
    return {"taken": taken, "known": there, "dry_run": False}


@blueprint.route("/calls", methods=["GET"])
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, CallPageSchema)
def call_log(query: dict[str, Any]) -> dict[str, Any]:
    """Calls in the order they were recorded."""
    items, following = page(
        database(), select(PhoneCall), [PhoneCall.id], query.get("cursor"), query["limit"]
    )
    return {"items": items, "next": following}


@blueprint.route("/calls/figures", methods=["GET"])
@blueprint.arguments(FiguresQuery, location="query")
@blueprint.response(200, CallFiguresSchema(many=True))
def call_figures(query: dict[str, Any]) -> list[dict[str, Any]]:
    """How fast callers reached a human, day by day; a replay of the log gives the same."""
    wanted = select(CallFigures).order_by(CallFigures.day.desc()).limit(400)
    if "since" in query:
        wanted = wanted.where(CallFigures.day >= query["since"])
    if "until" in query:
        wanted = wanted.where(CallFigures.day <= query["until"])
    return [figures_view(row) for row in database().scalars(wanted)]


@blueprint.route("/messages", methods=["POST"])
@blueprint.arguments(NewMessageSchema)
@blueprint.response(201, MessageSchema)
def new_message(data: dict[str, Any]) -> dict[str, Any]:
    """Take a message from a gateway; one that says enough becomes a job at once."""
    row, job = take_message(
        database(),
        data["channel"],
        Incoming(data["key"], data["sender"], data["subject"], data["text"], data["received_at"]),
        identity().person_id,
        utc_now(),
        current_app.extensions["zhunda.proposer"],
    )
    return message_view(row, _job_of(row) if job is None else job.id)


def _job_of(row: IncomingMessage) -> UUID | None:
    return database().scalar(
        select(JobRow.id)
        .join(Request, Request.id == JobRow.request_id)
        .where(Request.message_id == row.id)
    )


@blueprint.route("/messages", methods=["GET"])
@blueprint.arguments(MessageQuery, location="query")
@blueprint.response(200, MessagePageSchema)
def messages(query: dict[str, Any]) -> dict[str, Any]:
    """Messages that came in, the oldest first."""
    wanted = select(IncomingMessage)
    if "status" in query:
        wanted = wanted.where(IncomingMessage.status == query["status"])
    items, following = page(
        database(), wanted, [IncomingMessage.id], query.get("cursor"), query["limit"]
    )
    return {"items": [message_view(item, _job_of(item)) for item in items], "next": following}


def _message(message_id: UUID) -> IncomingMessage:
    row = database().get(IncomingMessage, message_id, with_for_update=True)
    if row is None:
        raise Refusal("not_found")
    return row


@blueprint.route("/messages/<uuid:message_id>/report", methods=["POST"])
@blueprint.arguments(MessageReportSchema)
@blueprint.response(201, JobSchema)
def report_message(data: dict[str, Any], message_id: UUID) -> dict[str, Any]:
    """Make a report of a message; its clock starts when the message came in."""
    now = utc_now()
    who = identity()
    row = _message(message_id)
    job = make_report(
        database(),
        row,
        Report(
            channel=row.channel,
            reported_at=row.received_at,
            product=data["product"],
            fault=data["fault"],
            description=data["description"] or row.text[:4000],
            consumer_name=data["consumer"]["name"],
            consumer_phone=data["consumer"]["phone"],
            consumer_email=data["consumer"]["email"]
            or (row.sender if row.channel == "email" else None),
            address=data["address"],
            place=data["place"],
            windows=data["windows"],
            dangers=data["dangers"],
            mode=Mode(data["mode"]),
        ),
        who.person_id,
        now,
        current_app.extensions["zhunda.proposer"],
    )
    return job_view(job, who.role)


@blueprint.route("/messages/<uuid:message_id>/set-aside", methods=["POST"])
@blueprint.arguments(SetAsideSchema)
@blueprint.response(200, MessageSchema)
def set_message_aside(data: dict[str, Any], message_id: UUID) -> dict[str, Any]:
    """Say why a message is no report; it stays on record."""
    row = _message(message_id)
    set_aside(database(), row, data["reason"], identity().person_id)
    return message_view(row)


@blueprint.route("/outbox", methods=["GET"])
@blueprint.arguments(SentQuery, location="query")
@blueprint.response(200, SentPageSchema)
def sent(query: dict[str, Any]) -> dict[str, Any]:
    """Messages to consumers with the receipt of their delivery."""
    wanted = select(OutgoingMessage)
    if "status" in query:
        wanted = wanted.where(OutgoingMessage.status == query["status"])
    items, following = page(
        database(), wanted, [OutgoingMessage.id], query.get("cursor"), query["limit"]
    )
    return {"items": items, "next": following}


@blueprint.route("/duration-models", methods=["POST"])
@blueprint.response(200, DurationModelSchema)
def learn_durations() -> Any:
    """Learn from all done visits; the newest model stays when there is nothing new."""
    now = utc_now()
    return durations.learn_now(database(), policy_on(now.date()), now)


@blueprint.route("/duration-models", methods=["GET"])
@blueprint.response(200, DurationModelSchema)
def duration_model() -> Any:
    """The model that new reports are estimated with."""
    model = durations.newest_model(database())
    if model is None:
        raise Refusal("not_found", "nothing has been learned yet")
    return model
