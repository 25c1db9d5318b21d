"""Call-backs, surveys, incidents, scorecards, merits."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from api.schemas.fields import CursorQuery, Day, Instant, Line, Text, page_of
from api.services.incidents import TOPICS
from api.services.surveys import CONDUCT, CallBack
from domain.quality import Share


class ShareSchema(Schema):
    """A share as two counts; ``value`` is null where there is nothing to count."""

    count = fields.Integer(required=True)
    of = fields.Integer(required=True)
    value = fields.Float(required=True, allow_none=True)


class PeriodQuery(Schema):
    """Whole days of the region, both included."""

    first = Day(required=True, data_key="from")
    last = Day(required=True, data_key="to")
    outlet_id = fields.UUID()


class TopicsQuery(Schema):
    """A period, held against the one of the same length before it."""

    first = Day(required=True, data_key="from")
    last = Day(required=True, data_key="to")


class NewSurveySchema(Schema):
    """A consumer's answers. ``id`` is made by whoever sends them."""

    id = fields.UUID(required=True)
    satisfaction = fields.Integer(required=True, validate=validate.Range(1, 5))
    recommend = fields.Integer(load_default=None, allow_none=True, validate=validate.Range(0, 10))
    solved = fields.Boolean(required=True)
    conduct = fields.Dict(
        keys=fields.String(validate=validate.OneOf(CONDUCT)),
        values=fields.Boolean(),
        load_default=dict,
    )
    comment = Text(load_default="")


class SurveySchema(Schema):
    """Answers as they are on record."""

    id = fields.UUID(required=True)
    job_id = fields.UUID(required=True)
    door = fields.String(required=True)
    satisfaction = fields.Integer(required=True)
    recommend = fields.Integer(required=True, allow_none=True)
    solved = fields.Boolean(required=True)
    conduct = fields.Dict(required=True)
    comment = fields.String(required=True)
    answered_at = Instant(required=True)


class NewFollowUpSchema(Schema):
    """An attempt to call back. ``id`` is made by whoever calls."""

    id = fields.UUID(required=True)
    at = Instant(required=True)
    outcome = fields.String(
        required=True, validate=validate.OneOf(("reached", "no_answer", "refused"))
    )
    note = Text(load_default="")


class FollowUpSchema(Schema):
    """An attempt to call back, as it is on record."""

    id = fields.UUID(required=True)
    job_id = fields.UUID(required=True)
    at = Instant(required=True)
    outcome = fields.String(required=True)
    note = fields.String(required=True)


class CallBackSchema(Schema):
    """A call back that is owed or was made. ``in_time`` is null while it is open and not due."""

    job_id = fields.UUID(required=True)
    job_number = fields.Integer(required=True)
    done_at = Instant(required=True)
    due_at = Instant(required=True, allow_none=True)
    open = fields.Boolean(required=True)
    in_time = fields.Boolean(required=True, allow_none=True)
    attempts = fields.List(fields.Nested(FollowUpSchema), required=True)


class CallBacksQuery(CursorQuery, PeriodQuery):
    """Which call backs."""

    open = fields.Boolean(metadata={"description": "Only those still open, or only the others"})


CallBackPageSchema = page_of(CallBackSchema)


class FiguresSchema(Schema):
    """Quality of a period: surveys with those who kept silent, first fix, repeats, call backs."""

    jobs_done = fields.Integer(required=True)
    surveys = fields.Dict(required=True)
    first_fix = fields.Nested(ShareSchema, required=True, allow_none=True)
    repeats = fields.Nested(ShareSchema, required=True, allow_none=True)
    undecided = fields.Integer(required=True)
    repeat_within_days = fields.Integer(required=True, allow_none=True)
    called_back_in_time = fields.Nested(ShareSchema, required=True)
    came_back = fields.List(fields.String(), required=True)


class TrendSchema(Schema):
    """A complaint topic now and before; a small ``chance`` means that something has changed,
    null that there is nothing to compare with."""

    topic = fields.String(required=True)
    before = fields.Integer(required=True)
    now = fields.Integer(required=True)
    chance = fields.Float(required=True, allow_none=True)


class TrendsSchema(Schema):
    """Topics, those least likely to be chance first; null ``jobs`` counts make no trend."""

    jobs_before = fields.Integer(required=True)
    jobs_now = fields.Integer(required=True)
    items = fields.List(fields.Nested(TrendSchema), required=True)


class NewIncidentSchema(Schema):
    """Something about a technician's conduct. ``id`` is made by whoever reports it."""

    id = fields.UUID(required=True)
    technician_id = fields.UUID(required=True)
    job_id = fields.UUID(load_default=None, allow_none=True)
    topic = fields.String(required=True, validate=validate.OneOf(TOPICS))
    text = Text(required=True, validate=validate.Length(min=1))
    at = Instant(required=True)


class IncidentDecisionSchema(Schema):
    """Whether it was so, and what was found."""

    established = fields.Boolean(required=True)
    finding = Text(required=True, validate=validate.Length(min=1))


class IncidentSchema(Schema):
    """An incident. ``established`` is null until somebody has decided."""

    id = fields.UUID(required=True)
    job_id = fields.UUID(required=True, allow_none=True)
    technician_number = fields.Integer(required=True)
    topic = fields.String(required=True)
    text = fields.String(required=True)
    at = Instant(required=True)
    established = fields.Boolean(required=True, allow_none=True)
    finding = fields.String(required=True)
    decided_at = Instant(required=True, allow_none=True)


IncidentPageSchema = page_of(IncidentSchema)


class NewScorecardSchema(Schema):
    """The period to score, and the outlet; without one, the whole firm."""

    first = Day(required=True, data_key="from")
    last = Day(required=True, data_key="to")
    outlet_id = fields.UUID(load_default=None, allow_none=True)


class ScorecardSchema(Schema):
    """A score as it was told. ``document`` leads from each point to its records."""

    id = fields.UUID(required=True)
    outlet_id = fields.UUID(required=True, allow_none=True)
    sha256 = fields.String(required=True)
    document = fields.Dict(required=True)


ScorecardPageSchema = page_of(ScorecardSchema)


class RecountSchema(Schema):
    """The same again from the record: whether it agrees, and what comes out now."""

    equal = fields.Boolean(required=True)
    difference_fen = fields.Integer()
    document = fields.Dict(required=True)


class MeritSchema(Schema):
    """A reward or penalty with its reason; ``appeal`` is null without one."""

    id = fields.String(required=True)
    technician_number = fields.Integer(required=True)
    fact = fields.String(required=True)
    fact_kind = fields.String(required=True)
    rule = fields.String(required=True)
    rules_version = fields.String(required=True)
    at = Instant(required=True)
    fen = fields.Integer(required=True)
    points = fields.Integer(required=True)
    explanation = fields.Dict(required=True)
    takes_back = fields.String(required=True, allow_none=True)


MeritPageSchema = page_of(MeritSchema)


class BookedSchema(Schema):
    """What was added, and what stands without a reason on record any more."""

    added = fields.Integer(required=True)
    unfounded = fields.Integer(required=True)


class MeritCheckSchema(Schema):
    """Where the ledger and a replay of the rules part; all lists empty where they agree."""

    equal = fields.Boolean(required=True)
    missing = fields.List(fields.String(), required=True)
    unfounded = fields.List(fields.String(), required=True)
    changed = fields.List(fields.String(), required=True)


class NewAppealSchema(Schema):
    """A technician's appeal. ``id`` is made by the phone."""

    id = fields.UUID(required=True)
    entry_id = Line(required=True, longest=64)
    text = Text(required=True, validate=validate.Length(min=1))


class AppealDecisionSchema(Schema):
    """Whether the entry is taken back, and why."""

    granted = fields.Boolean(required=True)
    reason = Text(required=True, validate=validate.Length(min=1))


class AppealSchema(Schema):
    """An appeal and what came of it; ``decision`` is empty until then."""

    id = fields.UUID(required=True)
    entry_id = fields.String(required=True)
    technician_number = fields.Integer(required=True)
    text = fields.String(required=True)
    at = Instant(required=True)
    decision = fields.String(required=True)
    reason = fields.String(required=True)
    decided_at = Instant(required=True, allow_none=True)


AppealPageSchema = page_of(AppealSchema)


class AppealQuery(CursorQuery):
    """Which appeals."""

    decision = fields.String(validate=validate.OneOf(("", "granted", "refused")))


def share_view(share: Share | None) -> dict[str, Any] | None:
    """A share as the API tells it."""
    if share is None:
        return None
    return {"count": share.count, "of": share.of, "value": share.value}


def call_back_view(call: CallBack, in_time: bool | None) -> dict[str, Any]:
    """A call back as the API tells it."""
    return {
        "job_id": call.done.job.id,
        "job_number": call.done.job.number,
        "done_at": call.done.closed_at,
        "due_at": call.due_at,
        "open": call.open,
        "in_time": in_time,
        "attempts": call.attempts,
    }
