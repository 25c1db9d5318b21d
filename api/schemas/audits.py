"""Audits, their samples, findings and corrective actions."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from api.schemas.fields import CursorQuery, Day, Instant, Line, Text, page_of
from api.services.audits import LARGEST_SAMPLE
from domain.audits import VERDICTS


class Hex(fields.String):
    """Bytes in hexadecimal, between two lengths."""

    def __init__(self, shortest: int, longest: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shortest, self.longest = shortest, longest

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs).lower()
        if not text.isascii() or any(digit not in "0123456789abcdef" for digit in text):
            raise ValidationError("must be hexadecimal digits")
        if len(text) % 2 or not self.shortest <= len(text) // 2 <= self.longest:
            raise ValidationError(f"must be {self.shortest} to {self.longest} bytes")
        return text


class NewAuditSchema(Schema):
    """What is to be looked at. With ``assessor``: a third party's, drawn with both seeds."""

    title = Line(required=True)
    checklist = Line(load_default="service")
    first = Day(required=True, data_key="from")
    last = Day(required=True, data_key="to")
    strata = fields.String(
        load_default="none", validate=validate.OneOf(("none", "outlet", "class"))
    )
    size = fields.Integer(required=True, strict=True, validate=validate.Range(1, LARGEST_SAMPLE))
    seed = Hex(8, 64, load_default="")
    outlet_id = fields.UUID(load_default=None, allow_none=True)
    job_class = Line(load_default="", shortest=0)
    assessor = Line(load_default="", shortest=0, metadata={"description": "Login"})
    access_until = Instant(load_default=None, allow_none=True)


class AgainSchema(Schema):
    """The same measure over another period."""

    first = Day(required=True, data_key="from")
    last = Day(required=True, data_key="to")
    seed = Hex(8, 64, load_default="")


class AuditSchema(Schema):
    """An audit. ``drawn`` is its sample, empty before it is drawn."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True)
    title = fields.String(required=True)
    checklist = fields.String(required=True)
    checklist_version = fields.String(required=True)
    items = fields.List(fields.Dict(), required=True)
    first = Day(required=True, data_key="from")
    last = Day(required=True, data_key="to")
    outlet_id = fields.UUID(required=True, allow_none=True)
    job_class = fields.String(required=True)
    strata = fields.String(required=True)
    size = fields.Integer(required=True)
    state = fields.String(required=True)
    seed = fields.String(required=True)
    nonce = fields.String(required=True)
    commitment = fields.String(required=True)
    public_key = fields.String(required=True)
    access_until = Instant(required=True, allow_none=True)
    population_root = fields.String(required=True)
    follows_id = fields.UUID(required=True, allow_none=True)
    created_at = Instant(required=True)
    drawn_at = Instant(required=True, allow_none=True)
    closed_at = Instant(required=True, allow_none=True)


class SampleSchema(AuditSchema):
    """An audit with its sample and a third party's result."""

    drawn = fields.List(fields.String(), required=True)
    result = fields.Dict(required=True, allow_none=True)


AuditPageSchema = page_of(AuditSchema)
AuditsQuery = CursorQuery


class CommitmentSchema(Schema):
    """A third party's commitment to its seed, and the Ed25519 key of its result."""

    commitment = Hex(32, 32, required=True)
    public_key = Hex(32, 32, required=True)


class RevealSchema(Schema):
    """What was committed to."""

    seed = Hex(8, 64, required=True)
    nonce = Hex(8, 64, required=True)


class ResultSchema(Schema):
    """A third party's result; the document names the audit and the drawn jobs."""

    document = fields.Dict(required=True)
    signature = Hex(64, 64, required=True)


class FindingSchema(Schema):
    """A verdict about one item in one sampled job."""

    job_id = fields.UUID(required=True)
    item = Line(required=True)
    verdict = fields.String(required=True, validate=validate.OneOf(VERDICTS))
    note = Text(load_default="")


class FindingsSchema(Schema):
    """Some verdicts, kept all or none."""

    items = fields.List(
        fields.Nested(FindingSchema), required=True, validate=validate.Length(1, 500)
    )


class ShareCountSchema(Schema):
    """How many passed, of how many to which it applies."""

    passed = fields.Integer(required=True)
    of = fields.Integer(required=True)


class ItemResultSchema(ShareCountSchema):
    """What an item came to; ``before`` and ``improved`` where the measure was made again."""

    code = fields.String(required=True)
    en = fields.String(required=True)
    zh = fields.String(required=True)
    before = fields.Nested(ShareCountSchema, required=True, allow_none=True)
    improved = fields.Boolean(required=True, allow_none=True)


class ResultsSchema(Schema):
    """What an audit found."""

    items = fields.List(fields.Nested(ItemResultSchema), required=True)
    findings = fields.List(fields.Nested(FindingSchema), required=True)


class NewActionSchema(Schema):
    """What is to be done; ``owner`` is a login of the firm."""

    item = Line(required=True)
    text = Text(required=True)
    owner = Line(required=True)
    due_on = Day(required=True)


class ActionSchema(Schema):
    """A corrective action as it stands."""

    id = fields.UUID(required=True)
    audit_id = fields.UUID(required=True)
    item = fields.String(required=True)
    text = fields.String(required=True)
    owner = fields.String(required=True)
    due_on = Day(required=True)
    done_at = Instant(required=True, allow_none=True)
    done_note = fields.String(required=True)
    overdue = fields.Boolean(required=True)


ActionPageSchema = page_of(ActionSchema)


class ActionsQuery(CursorQuery):
    """Which corrective actions."""

    overdue = fields.Boolean(load_default=False)


class DoneActionSchema(Schema):
    """How it was done."""

    note = Text(required=True)
