"""Who was shown whose personal data, and why."""

from __future__ import annotations

from marshmallow import Schema, fields

from api.schemas.fields import CursorQuery, Instant, Line, page_of
from api.services.looks import LONGEST_REASON


class ReasonSchema(Schema):
    """Why a consumer's data are to be shown."""

    why = Line(required=True, longest=LONGEST_REASON)


class PersonalSchema(Schema):
    """A consumer's data in clear."""

    consumer = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    address = fields.String(required=True)
    place = fields.Dict(keys=fields.String(), values=fields.Float(), required=True)


class LookSchema(Schema):
    """One look: a person or the holder of a link, and the things shown."""

    seq = fields.Integer(required=True)
    at = Instant(required=True)
    holder_id = fields.UUID(required=True)
    role = fields.String(required=True)
    route = fields.String(required=True)
    subject = fields.String(required=True)
    subject_ids = fields.List(fields.UUID(), required=True)
    why = fields.String(required=True)


LookPageSchema = page_of(LookSchema)


class LookQuery(CursorQuery):
    """Which looks."""

    subject_id = fields.UUID()
    holder_id = fields.UUID()
