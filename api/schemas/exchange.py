"""Tables in and out."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

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

    first = fields.Date(data_key="from")
    last = fields.Date(data_key="to")
