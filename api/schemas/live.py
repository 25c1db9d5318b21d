"""Offers, commits and what goes wrong on a running day."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from api.schemas.fields import Instant


class OffersOrderSchema(Schema):
    """How many technicians to offer."""

    k = fields.Integer(load_default=3, validate=validate.Range(1, 10))


class NamedTechnicianSchema(Schema):
    """A technician by id and name."""

    id = fields.String(required=True)
    name = fields.String(required=True)


class MovedVisitSchema(Schema):
    """A visit that a change moves; null where it is, or was, on no route."""

    job = fields.String(required=True)
    number = fields.Integer(required=True, allow_none=True)
    from_ = fields.Nested(
        NamedTechnicianSchema, required=True, allow_none=True, data_key="from", attribute="from"
    )
    to = fields.Nested(NamedTechnicianSchema, required=True, allow_none=True)
    old_arrival = fields.String(required=True, allow_none=True)
    new_arrival = fields.String(required=True, allow_none=True)
    old_start = fields.String(required=True, allow_none=True)
    new_start = fields.String(required=True, allow_none=True)


class EjectionSchema(Schema):
    """A visit without a promise that makes room."""

    job = fields.String(required=True)
    number = fields.Integer(required=True, allow_none=True)
    from_ = fields.Nested(NamedTechnicianSchema, required=True, data_key="from", attribute="from")
    to = fields.Nested(NamedTechnicianSchema, required=True)


class PromiseSchema(Schema):
    """A promised window on the routes concerned: kept, with this much room before and after."""

    job = fields.String(required=True)
    number = fields.Integer(required=True, allow_none=True)
    window = fields.List(fields.String(), required=True)
    old_start = fields.String(required=True)
    new_start = fields.String(required=True)
    old_spare_s = fields.Integer(required=True)
    new_spare_s = fields.Integer(required=True)


class SeatSchema(Schema):
    """One of those who come: everybody of a crew starts in the same second."""

    technician = fields.Nested(NamedTechnicianSchema, required=True)
    shift = fields.String(required=True)
    position = fields.Integer(required=True)
    arrival = fields.String(required=True)
    start = fields.String(required=True)
    end = fields.String(required=True)


class OfferSchema(Schema):
    """Who can come: when, and what it does to everybody else.

    `technician`, `shift`, `position` and the times are those of the first of `crew`, who arrives
    last.
    """

    technician = fields.Nested(NamedTechnicianSchema, required=True)
    crew = fields.List(fields.Nested(SeatSchema), required=True)
    shift = fields.String(required=True)
    day = fields.String(required=True)
    version = fields.String(required=True, metadata={"description": "Send it with the commit"})
    position = fields.Integer(required=True)
    arrival = fields.String(required=True)
    start = fields.String(required=True)
    end = fields.String(required=True)
    late_s = fields.Integer(required=True, metadata={"description": "Arrival after due; 0 in time"})
    effect = fields.Dict(required=True, metadata={"description": "Per goal: after minus before"})
    moves = fields.List(fields.Nested(MovedVisitSchema), required=True)
    ejections = fields.List(fields.Nested(EjectionSchema), required=True)
    promises = fields.List(fields.Nested(PromiseSchema), required=True)


class OffersSchema(Schema):
    """The best technicians for a job, best first; none where nobody can come."""

    job = fields.UUID(required=True)
    number = fields.Integer(required=True)
    job_class = fields.String(required=True, data_key="class", attribute="class")
    due = Instant(required=True)
    offers = fields.List(fields.Nested(OfferSchema), required=True)


class CommitSchema(Schema):
    """The offer taken. With `arrival`, a later one than shown is refused."""

    technician_id = fields.UUID(required=True)
    with_ = fields.List(
        fields.UUID(),
        load_default=(),
        data_key="with",
        attribute="with",
        validate=validate.Length(max=10),
        metadata={"description": "The others of a crew"},
    )
    version = fields.String(required=True, validate=validate.Length(1, 80))
    arrival = Instant(load_default=None, allow_none=True)


class CommittedSchema(Schema):
    """The visit that is promised now; of a crew, the visit of the technician named."""

    job = fields.UUID(required=True)
    visit = fields.UUID(required=True)
    technician = fields.Dict(required=True)
    crew = fields.List(fields.Nested(NamedTechnicianSchema), required=True)
    arrival = Instant(required=True)
    start = Instant(required=True)
    end = Instant(required=True)
    version = fields.String(required=True)


class LeaveOutSchema(Schema):
    """Which version of the plan was looked at."""

    version = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 80))


class LeftOutSchema(Schema):
    """The job is open again."""

    job = fields.UUID(required=True)
    effect = fields.Dict(required=True)
    version = fields.String(required=True)


class DelaySchema(LeaveOutSchema):
    """How much longer a visit takes. Without `apply` nothing changes."""

    seconds = fields.Integer(required=True, validate=validate.Range(0, 86_400))
    apply = fields.Boolean(load_default=False)


class DelayReportSchema(Schema):
    """Who comes late if nobody acts, and the cheapest repair."""

    visit = fields.UUID(required=True)
    seconds = fields.Integer(required=True)
    possible_as_it_stands = fields.Boolean(required=True)
    late = fields.List(fields.Dict(), required=True)
    effect = fields.Dict(required=True)
    moves = fields.List(fields.Nested(MovedVisitSchema), required=True)
    left_out = fields.List(fields.Dict(), required=True)
    applied = fields.Boolean(required=True)
    version = fields.String(required=True)


class OutSchema(LeaveOutSchema):
    """From when a technician is out (now when left out). Without `apply` nothing changes."""

    since = Instant(load_default=None, allow_none=True)
    apply = fields.Boolean(load_default=False)


class OutReportSchema(Schema):
    """Where the visits of somebody who is out go."""

    technician = fields.Dict(required=True)
    effect = fields.Dict(required=True)
    moves = fields.List(fields.Nested(MovedVisitSchema), required=True)
    left_out = fields.List(fields.Dict(), required=True)
    applied = fields.Boolean(required=True)
    version = fields.String(required=True)


class EditSchema(LeaveOutSchema):
    """One edit by hand. Without `apply` nothing changes.

    `move` and `put_back` without a technician take the best one; without a position, the best
    place.
    """

    do = fields.String(
        required=True,
        validate=validate.OneOf(("move", "put_back", "leave_out", "pin", "unpin")),
    )
    job = fields.UUID(required=True)
    technician_id = fields.UUID(load_default=None, allow_none=True)
    position = fields.Integer(load_default=None, allow_none=True, validate=validate.Range(0, 1000))
    apply = fields.Boolean(load_default=False)


class EditReportSchema(Schema):
    """What the edit does: goals after it, the difference, visits moved, rules it would break."""

    plan = fields.UUID(required=True)
    do = fields.String(required=True)
    job = fields.UUID(required=True)
    number = fields.Integer(required=True)
    goals = fields.Dict(required=True)
    effect = fields.Dict(required=True)
    moves = fields.List(fields.Nested(MovedVisitSchema), required=True)
    violations = fields.List(fields.Dict(), required=True)
    applied = fields.Boolean(required=True)
    version = fields.String(required=True)


class UndoneSchema(Schema):
    """What was taken back."""

    undone = fields.String(required=True)
    job = fields.UUID(required=True, allow_none=True)
    technician = fields.UUID(required=True, allow_none=True)
    version = fields.String(required=True)


class WhySchema(Schema):
    """Whether a technician can take a job, or every rule in the way, counted over shifts."""

    job = fields.UUID(required=True)
    number = fields.Integer(required=True)
    technician = fields.Dict(required=True)
    can = fields.Boolean(required=True)
    assigned = fields.Boolean(required=True)
    rules = fields.List(fields.Dict(), required=True)
    arrival = fields.String(required=True, allow_none=True)
    start = fields.String(required=True, allow_none=True)
    effect = fields.Dict(required=True, allow_none=True)
    version = fields.String(required=True)
