"""Plan runs, plans, visits, days and the feed."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from api.db.plans import Plan, PlanRun, Visit
from api.schemas.fields import CursorQuery, Day, Instant, Line, PlaceSchema, Text, page_of
from api.schemas.workforce import PART
from api.services.publishing import etag
from domain.lifecycle import TECHNICIAN_EVENTS


class PlanOrderSchema(Schema):
    """A day to plan. Everything may be left out: the day at hand, the configured engine."""

    date = Day()
    as_of = Instant(metadata={"description": "Nothing new starts before; now when left out"})
    engine = fields.String(validate=validate.OneOf(("search", "ortools")))
    seconds = fields.Float(validate=validate.Range(0.1, 600))
    iterations = fields.Integer(validate=validate.Range(1, 100_000_000))
    seed = fields.Integer(load_default=1, validate=validate.Range(0, 2**31 - 1))
    threads = fields.Integer(validate=validate.Range(1, 64))


class PlanRunSchema(Schema):
    """How far a run is."""

    id = fields.UUID(required=True)
    date = Day(required=True)
    as_of = Instant(required=True)
    status = fields.String(
        required=True,
        validate=validate.OneOf(("queued", "running", "succeeded", "failed", "cancelled")),
    )
    engine = fields.String(required=True)
    progress = fields.Dict(required=True)
    cancel_requested = fields.Boolean(required=True)
    error = fields.String(required=True, allow_none=True)
    plan_id = fields.UUID(required=True, allow_none=True)
    created_at = Instant(required=True)
    started_at = Instant(required=True, allow_none=True)
    finished_at = Instant(required=True, allow_none=True)


class PlanSchema(Schema):
    """A plan without its routes."""

    id = fields.UUID(required=True)
    run_id = fields.UUID(required=True)
    date = Day(required=True)
    version = fields.Integer(required=True)
    status = fields.String(
        required=True, validate=validate.OneOf(("draft", "published", "superseded"))
    )
    etag = fields.String(required=True, metadata={"description": "For If-Match"})
    goals = fields.Dict(required=True)
    check = fields.Dict(required=True, metadata={"description": "`violations`, each with its rule"})
    summary = fields.Dict(required=True)
    source_of_travel_times = fields.String(required=True)
    created_at = Instant(required=True)
    published_at = Instant(required=True, allow_none=True)


class PlanDetailSchema(PlanSchema):
    """A plan with its routes and the reasons for what it leaves out."""

    routes = fields.List(fields.Dict(), required=True)
    unassigned = fields.List(fields.Dict(), required=True)


class PlanQuery(CursorQuery):
    """Which plans; newest last."""

    date = Day()
    status = fields.String(validate=validate.OneOf(("draft", "published", "superseded")))


PlanPageSchema = page_of(PlanSchema)


class UsedPartSchema(Schema):
    """Pieces that were built in; a serialised part is told piece by piece."""

    part = fields.String(required=True, validate=PART)
    quantity = fields.Integer(load_default=1, validate=validate.Range(1, 100))
    serial = Line(load_default="", shortest=0, longest=100)


class DetailsSchema(Schema):
    """What comes with an event: `done` has the checklist, `no_access` its evidence."""

    checklist = fields.Dict(keys=fields.String(validate=validate.Length(1, 60)))
    parts = fields.List(fields.Nested(UsedPartSchema), validate=validate.Length(max=50))
    needed = fields.Dict(
        keys=fields.String(validate=PART),
        values=fields.Integer(validate=validate.Range(1, 100)),
        metadata={"description": "Of `parts_needed`: what has to be ordered"},
    )
    photos = fields.List(fields.UUID(), validate=validate.Length(max=20))
    note = Text(longest=2000)
    reason = Line(shortest=0)
    door_code = fields.String(
        validate=validate.Regexp(r"^ *([0-9] *){6}$", error="must be six digits"),
        metadata={"description": "Of `arrived`: the code on the consumer's page"},
    )

    @validates_schema
    def plain_answers(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """Answers are ticks, numbers or short texts."""
        answers = data.get("checklist", {})
        if len(answers) > 100 or not all(
            isinstance(one, bool | int | float)
            or (isinstance(one, str) and len(one) <= 500 and one.isprintable())
            for one in answers.values()
        ):
            raise ValidationError("answers are true, false, numbers or short texts", "checklist")

    @post_load
    def as_json(self, data: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        """Kept as JSON: ids as text."""
        if "photos" in data:
            data["photos"] = [str(photo) for photo in data["photos"]]
        return data


class NewDeviceKeySchema(Schema):
    """A phone's public key: Ed25519, 32 bytes in hexadecimal."""

    id = fields.UUID(required=True, metadata={"description": "UUIDv7 made by the phone"})
    public_key = fields.String(required=True, validate=validate.Regexp(r"^[0-9a-f]{64}$"))


class DeviceKeySchema(NewDeviceKeySchema):
    """A key on record."""

    made_at = Instant(required=True)


class SignatureSchema(Schema):
    """The phone's signature over ``zhunda-visit-event/1``, a line end, and ``text``.

    ``text`` is this event as JSON, with ``visit_id`` and without ``signature``, as it was signed.
    """

    key = fields.UUID(required=True)
    text = fields.String(required=True, validate=validate.Length(2, 20_000))
    value = fields.String(required=True, validate=validate.Regexp(r"^[0-9a-f]{128}$"))


class EventSchema(Schema):
    """What happened at a visit. The phone makes the id: sent twice, it is taken once."""

    id = fields.UUID(required=True, metadata={"description": "UUIDv7 made by the phone"})
    event = fields.String(
        required=True, validate=validate.OneOf(sorted(str(event) for event in TECHNICIAN_EVENTS))
    )
    at = Instant(required=True, metadata={"description": "The phone's clock, with its offset"})
    place = fields.Nested(PlaceSchema, load_default=None, allow_none=True)
    accuracy_m = fields.Integer(
        load_default=None, allow_none=True, validate=validate.Range(0, 100_000)
    )
    details = fields.Nested(DetailsSchema, load_default=dict)
    signature = fields.Nested(SignatureSchema, load_default=None, allow_none=True)

    @validates_schema
    def arrival_has_place(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """An arrival says where, or has the code of the door."""
        shown = data["place"] is not None or "door_code" in data["details"]
        if data["event"] == "arrived" and not shown:
            raise ValidationError("an arrival needs a place, or details.door_code", "place")


class BatchedEventSchema(EventSchema):
    """An event of a batch: it names its visit."""

    visit_id = fields.UUID(required=True)


class BatchSchema(Schema):
    """What a phone has gathered. `sent_at` is its clock now: a wrong clock is seen by it."""

    sent_at = Instant(required=True)
    events = fields.List(
        fields.Nested(BatchedEventSchema), required=True, validate=validate.Length(1, 500)
    )


class BatchAnswerSchema(Schema):
    """An answer for each event, in the order they were sent."""

    skew_s = fields.Integer(
        required=True, metadata={"description": "Added to the phone's instants; 0 = clock is fine"}
    )
    events = fields.List(
        fields.Dict(),
        required=True,
        metadata={"description": "`status` taken, held or refused; `code` says why"},
    )


class EventAnswerSchema(Schema):
    """An event as it was taken; the same for every repeat."""

    id = fields.UUID(required=True)
    visit_id = fields.UUID(required=True)
    event = fields.String(required=True)
    state = fields.String(required=True)
    at = Instant(required=True)
    received_at = Instant(required=True)
    place = fields.Dict(required=True, allow_none=True)
    accuracy_m = fields.Integer(required=True, allow_none=True)
    skew_s = fields.Integer(required=True)
    in_time = fields.Boolean(metadata={"description": "Of an arrival: before the job was due"})
    slack_s = fields.Integer(metadata={"description": "Of an arrival: seconds to spare"})
    proof = fields.String(
        metadata={"description": "Of an arrival: what shows it; `far` stops no clock by itself"}
    )
    signed = fields.Boolean(required=True, metadata={"description": "By the phone's own key"})


class VisitSchema(Schema):
    """A published stop."""

    id = fields.UUID(required=True)
    job_id = fields.UUID(required=True)
    technician_id = fields.UUID(required=True)
    plan_id = fields.UUID(required=True)
    date = Day(required=True)
    state = fields.String(required=True)
    arrival = Instant(required=True)
    start = Instant(required=True)
    end = Instant(required=True)
    arrived_at = Instant(required=True, allow_none=True)


class VisitQuery(CursorQuery):
    """Which active visits."""

    date = Day()


VisitPageSchema = page_of(VisitSchema)


class ActivitySchema(Schema):
    """One line of the feed."""

    id = fields.String(required=True)
    at = fields.String(required=True)
    kind = fields.String(required=True)
    subject = fields.String(required=True)
    subject_id = fields.String(required=True)
    actor = fields.String(required=True, allow_none=True)
    technician_id = fields.String(required=True, allow_none=True)
    data = fields.Dict(required=True)


ActivityPageSchema = page_of(ActivitySchema)


class RouteQuery(Schema):
    """Which day's route; without a date, today's or the next there is."""

    date = Day()


def run_view(run: PlanRun, plan_id: Any) -> dict[str, Any]:
    """A run as the API tells it."""
    return {
        "id": run.id,
        "date": run.day,
        "as_of": run.as_of,
        "status": run.status,
        "engine": run.engine,
        "progress": run.progress,
        "cancel_requested": run.cancel_requested,
        "error": run.problem,
        "plan_id": plan_id,
        "created_at": run.created_at,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
    }


def plan_view(plan: Plan) -> dict[str, Any]:
    """A plan as the API tells it in lists."""
    return {
        "id": plan.id,
        "run_id": plan.run_id,
        "date": plan.day,
        "version": plan.version,
        "status": plan.status,
        "etag": etag(plan),
        "goals": plan.goals,
        "check": {"violations": plan.violations},
        "summary": plan.summary,
        "source_of_travel_times": plan.source_of_travel_times,
        "created_at": plan.created_at,
        "published_at": plan.published_at,
    }


def plan_detail(plan: Plan) -> dict[str, Any]:
    """A plan with everything but its problem."""
    return {
        **plan_view(plan),
        "routes": plan.document["routes"],
        "unassigned": plan.document["unassigned"],
    }


def visit_view(visit: Visit) -> dict[str, Any]:
    """A visit as the API tells it."""
    return {
        "id": visit.id,
        "job_id": visit.job_id,
        "technician_id": visit.technician.id,
        "plan_id": visit.plan_id,
        "date": visit.day,
        "state": visit.state,
        "arrival": visit.arrival_at,
        "start": visit.start_at,
        "end": visit.end_at,
        "arrived_at": visit.arrived_at,
    }
