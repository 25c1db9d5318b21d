"""Shared indicators, the agenda, suggestions."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from api.schemas.fields import CursorQuery, Day, Instant, Line, Text, page_of


class IndicatorsQuery(Schema):
    """Whole days of the region, both included."""

    first = Day(required=True, data_key="from")
    last = Day(required=True, data_key="to")


class CountSchema(Schema):
    """A share as two counts."""

    count = fields.Integer(required=True)
    of = fields.Integer(required=True)


class IndicatorSchema(Schema):
    """One measure; ``share`` is null where too few jobs stand behind it."""

    code = fields.String(required=True)
    share = fields.Nested(CountSchema, required=True, allow_none=True)


class GroupSchema(Schema):
    """The measures of the firm (``outlet`` is empty) or of one outlet."""

    outlet = fields.String(required=True)
    shares = fields.List(fields.Nested(IndicatorSchema), required=True)


class IndicatorsSchema(Schema):
    """The same figures for every party."""

    smallest_group = fields.Integer(required=True)
    groups = fields.List(fields.Nested(GroupSchema), required=True)


class NewAgendaItemSchema(Schema):
    """Something that the parties are asked about."""

    title = Line(required=True)
    text = Text(required=True)
    meets_on = Day(load_default=None, allow_none=True)


class AgendaItemSchema(Schema):
    """An item of the agenda."""

    id = fields.UUID(required=True)
    title = fields.String(required=True)
    text = fields.String(required=True)
    meets_on = Day(required=True, allow_none=True)
    created_at = Instant(required=True)


AgendaPageSchema = page_of(AgendaItemSchema)


class NewSuggestionSchema(Schema):
    """What a party suggests, about an item of the agenda or of its own accord."""

    text = Text(required=True, validate=validate.Length(1))
    agenda_item_id = fields.UUID(load_default=None, allow_none=True)


class NewAnswerSchema(Schema):
    """The firm's answer."""

    text = Text(required=True, validate=validate.Length(1))


class SuggestionSchema(Schema):
    """A suggestion, the day its answer is promised for, and the answer."""

    id = fields.UUID(required=True)
    agenda_item_id = fields.UUID(required=True, allow_none=True)
    party = fields.String(required=True)
    text = fields.String(required=True)
    told_at = Instant(required=True)
    due_on = Day(required=True)
    answer = fields.String(required=True)
    answered_at = Instant(required=True, allow_none=True)
    late = fields.Boolean(required=True)


SuggestionPageSchema = page_of(SuggestionSchema)


class SuggestionsQuery(CursorQuery):
    """Which suggestions; ``late`` for those whose day passed before an answer."""

    late = fields.Boolean(load_default=False)
