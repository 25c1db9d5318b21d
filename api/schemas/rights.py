"""Rules, clocks, quotes, bills, choices, complaints, personal data."""

from __future__ import annotations

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from api.db.rights import LANGUAGES, TEXT_KEYS
from api.schemas.fields import CursorQuery, Day, Instant, Line, Text, page_of
from domain.clocks import EventKind
from domain.complaints import ComplaintEvent, ComplaintState
from domain.fees import LARGEST_FEN, LineKind

SHA256 = validate.Regexp(r"^[0-9a-f]{64}$", error="must be a SHA-256 in hex")
PRICE_CODE = validate.Regexp(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,59}$", error="must be a code like SEAL")
PLACE = validate.Regexp(
    r"^[A-Z]{2}(-[A-Z0-9]{1,6}){0,2}$", error="must be a place like CN or CN-ZJ"
)
TOPICS = ("fee", "quality", "delay", "conduct", "warranty", "privacy", "other")


def evidence_field() -> fields.List:
    """Names of what proves something: photo ids, call ids, notices."""
    return fields.List(Line(), load_default=list, validate=validate.Length(max=20))


class LawQuery(Schema):
    """Where and when; the installation's own place and today when left out."""

    place = fields.String(validate=PLACE)
    date = Day()
    product = Line(longest=60)


class DifferenceSchema(Schema):
    """Two sides: a date, a pack's version, or `own` for each case's own day."""

    law = Line(required=True, longest=60)
    before = Line(required=True, longest=100)
    after = Line(required=True, longest=100)
    since = Day(load_default=None, allow_none=True)
    until = Day(load_default=None, allow_none=True)
    place = fields.String(load_default=None, allow_none=True, validate=PLACE)


class ClockQuery(Schema):
    """As of which instant, by the rules of which day."""

    as_of = Instant()
    rules_on = Day()


RECORDED_KINDS = [str(k) for k in EventKind if k not in (EventKind.MET, EventKind.CANCELLED)]


class ClockEventSchema(Schema):
    """Something that happened to a clock. What excuses needs a reason and evidence.

    That what a clock waits for has happened, or is not wanted any more, follows from visits and
    moves alone: nobody just says so. ``target`` is the event that is withdrawn, or the visit whose
    arrival is confirmed.
    """

    id = fields.UUID(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(RECORDED_KINDS))
    at = Instant(required=True)
    reason = Line(load_default="", shortest=0)
    evidence = evidence_field()
    until = Instant(load_default=None, allow_none=True)
    target = fields.UUID(load_default=None, allow_none=True)
    actor = Line(load_default="", shortest=0, longest=100)


class PostponementSchema(Schema):
    """A consumer asks for later: from when to when somebody may come."""

    id = fields.UUID(required=True)
    start = Instant(required=True)
    end = Instant(required=True)
    reason = Line(required=True)

    @validates_schema
    def in_order(self, data: dict[str, object], **_kwargs: object) -> None:
        """A window does not end before it starts."""
        if data["end"] <= data["start"]:  # type: ignore[operator]
            raise ValidationError("must lie after start", "end")


class ConfirmationSchema(Schema):
    """The consumer says that somebody came. ``id`` is made by the page: a repeat is one."""

    id = fields.UUID(required=True)
    visit_id = fields.UUID(required=True)


class BreachQuery(CursorQuery):
    """How far ahead to look, in seconds."""

    lead_s = fields.Integer(load_default=4 * 3600, validate=validate.Range(0, 7 * 86_400))


class NewTextSchema(Schema):
    """A text to be published."""

    key = fields.String(required=True, validate=validate.OneOf(TEXT_KEYS))
    language = fields.String(required=True, validate=validate.OneOf(LANGUAGES))
    body = Text(required=True, longest=20_000, validate=validate.Length(min=1))


class TextSchema(NewTextSchema):
    """A published text."""

    id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    sha256 = fields.String(required=True)
    published_at = Instant(required=True)


class PriceItemSchema(Schema):
    """A price, in the currency's minor unit."""

    code = fields.String(required=True, validate=PRICE_CODE)
    kind = fields.String(required=True, validate=validate.OneOf([str(k) for k in LineKind]))
    name = Line(required=True)
    unit_fen = fields.Integer(required=True, strict=True, validate=validate.Range(0, LARGEST_FEN))


class NewPriceBookSchema(Schema):
    """Prices from a day on."""

    version = Line(required=True, longest=60)
    currency = fields.String(
        required=True, validate=validate.Regexp(r"^[A-Z]{3}$", error="must be a code like CNY")
    )
    valid_from = Day(required=True)
    items = fields.List(
        fields.Nested(PriceItemSchema), required=True, validate=validate.Length(1, 5000)
    )


class PriceBookSchema(Schema):
    """Published prices."""

    id = fields.UUID(required=True)
    version = fields.String(required=True)
    currency = fields.String(required=True)
    valid_from = Day(required=True)
    sha256 = fields.String(required=True)
    document = fields.Dict(required=True)
    published_at = Instant(required=True)


class PurchaseSchema(Schema):
    """The thing that is repaired, and what proves its sale."""

    serial = Line(load_default=None, allow_none=True, longest=100)
    sold_on = Day(load_default=None, allow_none=True)
    warranty_months = fields.Integer(
        load_default=None, allow_none=True, validate=validate.Range(0, 600)
    )
    proof = Line(load_default="", shortest=0)
    main_part = fields.Boolean(load_default=False)
    consumer_caused = fields.Boolean(load_default=False)
    cause_evidence = Line(load_default="", shortest=0)


class StaySchema(Schema):
    """A stay in repair."""

    began_on = Day(required=True)
    ended_on = Day(load_default=None, allow_none=True)
    held = fields.Boolean(load_default=True)
    parts_wait = fields.Integer(load_default=0, validate=validate.Range(0, 3660))
    by_repairer = fields.Integer(load_default=0, validate=validate.Range(0, 3660))
    loaner_on = Day(load_default=None, allow_none=True)


class EntitlementQuery(Schema):
    """As of which day, by the rules of which day."""

    as_of = Day()
    rules_on = Day()


class WantedSchema(Schema):
    """A line asked for."""

    code = fields.String(required=True, validate=PRICE_CODE)
    quantity = fields.Integer(load_default=1, strict=True, validate=validate.Range(1, 10_000))


class NewQuoteSchema(Schema):
    """What a quote is wanted for."""

    lines = fields.List(fields.Nested(WantedSchema), required=True, validate=validate.Length(1, 50))
    language = fields.String(load_default="zh", validate=validate.OneOf(LANGUAGES))


class DecisionSchema(Schema):
    """Yes or no to exactly what was shown."""

    sha256 = fields.String(required=True, validate=SHA256)
    agreed = fields.Boolean(required=True)


class ConsentSchema(Schema):
    """A consent on record."""

    id = fields.UUID(required=True)
    job_id = fields.UUID(required=True)
    subject = fields.String(required=True)
    quote_id = fields.UUID(required=True, allow_none=True)
    shown_sha256 = fields.String(required=True)
    agreed = fields.Boolean(required=True)
    door = fields.String(required=True)


class MoneySchema(Schema):
    """Money that moves, or a correction of what was agreed (negative)."""

    id = fields.UUID(required=True)
    kind = fields.String(
        required=True, validate=validate.OneOf(("payment", "refund", "correction"))
    )
    amount_fen = fields.Integer(
        required=True, strict=True, validate=validate.Range(-LARGEST_FEN, LARGEST_FEN)
    )
    reason = Line(required=True)


class LanguageSchema(Schema):
    """In which language to show."""

    language = fields.String(load_default="zh", validate=validate.OneOf(LANGUAGES))


class ChosenSchema(Schema):
    """The number of the option taken, from 0."""

    option = fields.Integer(required=True, strict=True, validate=validate.Range(0, 10_000))


class NewComplaintSchema(Schema):
    """A complaint about a job."""

    id = fields.UUID(required=True)
    topic = fields.String(required=True, validate=validate.OneOf(TOPICS))
    text = Text(required=True, validate=validate.Length(min=1))
    wish = Text(load_default="", longest=1000)


class StepSchema(Schema):
    """A step of a complaint."""

    id = fields.UUID(required=True)
    event = fields.String(required=True, validate=validate.OneOf([str(e) for e in ComplaintEvent]))
    at = Instant(load_default=None, allow_none=True)
    note = Text(load_default="", longest=2000)


class ComplaintQuery(CursorQuery):
    """Which complaints; newest last."""

    state = fields.String(validate=validate.OneOf([str(state) for state in ComplaintState]))


class ComplaintRowSchema(Schema):
    """A complaint in a list."""

    id = fields.UUID(required=True)
    number = fields.Integer(required=True)
    job_id = fields.UUID(required=True)
    topic = fields.String(required=True)
    state = fields.String(required=True)
    received_at = Instant(required=True)


class NewLinkSchema(Schema):
    """How long a link opens its job."""

    days = fields.Integer(load_default=30, strict=True, validate=validate.Range(1, 90))


TextPageSchema = page_of(TextSchema)
PriceBookPageSchema = page_of(PriceBookSchema)
ComplaintRowPageSchema = page_of(ComplaintRowSchema)
