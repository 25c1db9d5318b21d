"""Calls, messages, receipts, moves of jobs, exceptions."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from api.db.intake import CallFigures, IncomingMessage
from api.schemas.fields import CursorQuery, Day, Instant, Line, Text, page_of
from api.schemas.work import ReportSchema
from api.schemas.workforce import PART
from domain.lifecycle import OFFICE_EVENTS

MESSAGE_CHANNELS = ("sms", "wechat", "email")
NUMBER = validate.Regexp(r"^[+0-9 ()./-]{0,40}$", error="must be a phone number")


class CallStepSchema(Schema):
    """One message of a telephone exchange; twice or out of order does no harm."""

    call_key = Line(required=True, metadata={"description": "The exchange's own name of the call"})
    event = fields.String(required=True, validate=validate.OneOf(("ring", "menu", "answer", "end")))
    at = Instant(required=True)
    caller = fields.String(load_default="", validate=NUMBER)
    line = Line(load_default="", shortest=0)


class NewCallSchema(Schema):
    """A whole call, logged by hand."""

    call_key = Line(required=True)
    caller = fields.String(load_default="", validate=NUMBER)
    line = Line(load_default="", shortest=0)
    ring_at = Instant(required=True)
    menu_at = Instant(load_default=None, allow_none=True)
    answer_at = Instant(load_default=None, allow_none=True)
    end_at = Instant(load_default=None, allow_none=True)


class CallSchema(Schema):
    """A call with its instants; without an answer the caller gave up, or still waits."""

    id = fields.UUID(required=True)
    call_key = fields.String(required=True)
    source = fields.String(required=True)
    caller = fields.String(required=True)
    line = fields.String(required=True)
    ring_at = Instant(required=True, allow_none=True)
    menu_at = Instant(required=True, allow_none=True)
    answer_at = Instant(required=True, allow_none=True)
    end_at = Instant(required=True, allow_none=True)


class CallsTakenSchema(Schema):
    """How many calls are new, and how many were on record under their key."""

    taken = fields.Integer(required=True)
    known = fields.Integer(required=True)
    dry_run = fields.Boolean(required=True)


class ImportQuery(Schema):
    """Whether to look only."""

    dry_run = fields.Boolean(load_default=False)


class FiguresQuery(Schema):
    """Which days."""

    since = Day()
    until = Day()


class CallFiguresSchema(Schema):
    """A day's answer times; percentiles are nearest-rank, in whole seconds."""

    date = Day(required=True)
    policy = fields.String(required=True)
    figures = fields.Dict(required=True)


class NewMessageSchema(Schema):
    """A message that a gateway hands over; its key makes it one, however often it is sent."""

    channel = fields.String(required=True, validate=validate.OneOf(MESSAGE_CHANNELS))
    key = Line(required=True)
    sender = Line(required=True)
    subject = Line(load_default="", shortest=0)
    text = Text(required=True)
    received_at = Instant(required=True)


class MessageSchema(Schema):
    """A message as it came in; `job_id` once it is a report."""

    id = fields.UUID(required=True)
    channel = fields.String(required=True)
    sender = fields.String(required=True)
    subject = fields.String(required=True)
    text = fields.String(required=True)
    received_at = Instant(required=True)
    status = fields.String(required=True)
    problem = fields.String(required=True)
    job_id = fields.UUID(allow_none=True)


class MessageReportSchema(ReportSchema):
    """What the desk reads out of a message. Channel and instant are the message's own."""

    channel = fields.String(load_default="sms", validate=validate.OneOf(MESSAGE_CHANNELS))


class SetAsideSchema(Schema):
    """Why."""

    reason = Line(required=True)


class MessageQuery(CursorQuery):
    """Which messages."""

    status = fields.String(validate=validate.OneOf(("new", "reported", "set_aside")))


class SentSchema(Schema):
    """A message to a consumer and what the gateway said of its delivery."""

    id = fields.UUID(required=True)
    job_id = fields.UUID(required=True)
    kind = fields.String(required=True)
    channel = fields.String(required=True)
    status = fields.String(required=True)
    attempts = fields.Integer(required=True)
    delivered_at = Instant(required=True, allow_none=True)
    delivery_receipt = fields.String(required=True)
    created_at = Instant(required=True)


class SentQuery(CursorQuery):
    """Which messages to consumers."""

    status = fields.String(validate=validate.OneOf(("queued", "delivered", "failed")))


class ReceiptSchema(Schema):
    """The receipt of a report; `sha256` is of `body` as compact JSON with sorted keys."""

    job_id = fields.UUID(required=True)
    request_id = fields.UUID(required=True)
    issued_at = Instant(required=True)
    body = fields.Dict(required=True)
    sha256 = fields.String(required=True)


class JobMoveSchema(Schema):
    """What the office tells of a job."""

    event = fields.String(
        required=True, validate=validate.OneOf(sorted(str(event) for event in OFFICE_EVENTS))
    )
    reason = Line(load_default="", shortest=0)
    by = fields.String(
        load_default="", validate=validate.OneOf(("", "consumer", "operator", "duplicate"))
    )
    mode = fields.String(validate=validate.OneOf(("drop_in", "mail_in")))
    needed = fields.Dict(
        keys=fields.String(validate=PART),
        values=fields.Integer(validate=validate.Range(1, 100)),
        load_default=dict,
    )

    @validates_schema
    def mode_of_items(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """Only what is brought or sent in has a way in."""
        if "mode" in data and data["event"] not in ("item_expected", "item_received"):
            raise ValidationError("only of item_expected and item_received", "mode")


class SettleSchema(Schema):
    """What becomes of a held event."""

    decision = fields.String(required=True, validate=validate.OneOf(("retry", "set_aside")))
    reason = Line(load_default="", shortest=0)

    @validates_schema
    def says_why(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """Setting aside what a technician reported needs a reason."""
        if data["decision"] == "set_aside" and not data["reason"]:
            raise ValidationError("setting aside needs a reason", "reason")


class ExceptionListSchema(Schema):
    """What needs somebody's eye now, the most pressing first. `counts` are of all pages."""

    as_of = Instant(required=True)
    counts = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    items = fields.List(fields.Dict(), required=True)
    next = fields.String(allow_none=True, required=True)


class DurationModelSchema(Schema):
    """What the done jobs taught about durations."""

    version = fields.Integer(required=True)
    learned_at = Instant(required=True)
    visits = fields.Integer(required=True)
    policy = fields.String(required=True)
    cells = fields.Dict(required=True)


CallPageSchema = page_of(CallSchema)
MessagePageSchema = page_of(MessageSchema)
SentPageSchema = page_of(SentSchema)


def figures_view(row: CallFigures) -> dict[str, Any]:
    """A day's figures as the API tells them."""
    return {"date": row.day, "policy": row.policy, "figures": row.figures}


def message_view(row: IncomingMessage, job_id: Any = None) -> dict[str, Any]:
    """A message as the API tells it."""
    return {
        "id": row.id,
        "channel": row.channel,
        "sender": row.sender,
        "subject": row.subject,
        "text": row.text,
        "received_at": row.received_at,
        "status": row.status,
        "problem": row.problem,
        "job_id": job_id,
    }
