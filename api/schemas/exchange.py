"""Tables in and out."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from api.schemas.fields import CursorQuery, Day, Instant, Line, page_of
from api.services.tables_out import FORMATS


class ImportQuery(Schema):
    """Whether to take the file, or only to say what it would do."""

    dry_run = fields.Boolean(load_default=False)


class WrongSchema(Schema):
    """What does not fit, and where."""

    row = fields.Integer(required=True)
    column = fields.String(required=True)
    message = fields.String(required=True)


class ImportSchema(Schema):
    """What a file did, or would do."""

    kind = fields.String(required=True)
    dry_run = fields.Boolean(required=True)
    rows = fields.Integer(required=True)
    created = fields.Integer(required=True)
    updated = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    wrong = fields.Integer(required=True, metadata={"description": "How many rows are wrong"})
    errors = fields.List(
        fields.Nested(WrongSchema),
        required=True,
        metadata={"description": "The first 200 of what is wrong"},
    )


class TemplateQuery(Schema):
    """As which kind of file."""

    format = fields.String(load_default="csv", validate=validate.OneOf(list(FORMATS)))


class ExportQuery(TemplateQuery):
    """Which rows: calendar days of the region, both included."""

    first = Day(data_key="from")
    last = Day(data_key="to")


class CalendarSchema(Schema):
    """Where a calendar program finds the calendar; the address is the key to it."""

    path = fields.String(required=True)


class NewWebhookSchema(Schema):
    """An address to be told of changes."""

    url = Line(required=True, longest=2000)
    kinds = fields.List(
        Line(longest=60),
        load_default=list,
        validate=validate.Length(max=100),
        metadata={"description": "Kinds of lines of the activity feed; empty: all"},
    )


class WebhookSchema(Schema):
    """An address that is told of changes."""

    id = fields.UUID(required=True)
    url = fields.String(required=True)
    kinds = fields.List(fields.String(), required=True)
    created_at = Instant(required=True)


class MadeWebhookSchema(WebhookSchema):
    """An address just made, with the secret to check signatures with."""

    secret = fields.String(required=True)


WebhookPageSchema = page_of(WebhookSchema)
"""Addresses without their secrets."""


class DeliverySchema(Schema):
    """One line of the feed for one address."""

    id = fields.UUID(required=True)
    webhook_id = fields.UUID(required=True)
    event = fields.String(required=True)
    kind = fields.String(required=True)
    status = fields.String(required=True)
    attempts = fields.Integer(required=True)
    next_try_at = Instant(required=True)
    last_answer = fields.String(required=True)
    delivered_at = Instant(required=True, allow_none=True)


class DeliveryQuery(CursorQuery):
    """Which deliveries."""

    status = fields.String(validate=validate.OneOf(["queued", "delivered", "dead"]))


DeliveryPageSchema = page_of(DeliverySchema)
