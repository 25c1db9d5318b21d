"""Outlets, technicians, shifts."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from api.db.workforce import Outlet, Shift, Technician
from api.schemas.fields import CursorQuery, Day, Instant, Line, PlaceSchema, WindowSchema, page_of

SKILL = validate.Regexp(r"^[a-z0-9][a-z0-9_-]{0,59}$", error="must be a code like aircon")
PART = validate.Regexp(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,59}$", error="must be a code like PCB-7")


class NewOutletSchema(Schema):
    """An outlet to be opened."""

    name = Line(required=True)
    address = Line(required=True)
    place = fields.Nested(PlaceSchema, required=True)


class OutletSchema(Schema):
    """A service outlet."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    address = fields.String(required=True)
    place = fields.Dict(keys=fields.String(), values=fields.Float(), required=True)
    closed_on = Day(
        required=True,
        allow_none=True,
        metadata={"description": "The first day on which nobody starts from here any more"},
    )


class NewCertificateSchema(Schema):
    """A certificate; where a skill has any on record, only a valid one counts."""

    name = Line(required=True)
    skill = fields.String(required=True, validate=SKILL)
    valid_from = Day(required=True)
    valid_until = Day(required=True)

    @validates_schema
    def in_order(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """A certificate does not end before it begins."""
        if data["valid_until"] < data["valid_from"]:
            raise ValidationError("must not lie before valid_from", "valid_until")


class NewTechnicianSchema(Schema):
    """A technician to be added."""

    name = Line(required=True)
    outlet_id = fields.UUID(required=True)
    skills = fields.Dict(
        keys=fields.String(validate=SKILL),
        values=fields.Integer(validate=validate.Range(1, 9)),
        required=True,
        validate=validate.Length(max=100),
    )
    stock = fields.Dict(
        keys=fields.String(validate=PART),
        values=fields.Integer(validate=validate.Range(1, 10_000)),
        load_default=dict,
        validate=validate.Length(max=1000),
    )
    certificates = fields.List(
        fields.Nested(NewCertificateSchema), load_default=list, validate=validate.Length(max=50)
    )


class TechnicianSchema(Schema):
    """A technician."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    outlet_id = fields.UUID(required=True)
    skills = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    stock = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    certificates = fields.List(fields.Nested(NewCertificateSchema), required=True)


class BreakSchema(Schema):
    """A pause that starts inside one of its windows."""

    windows = fields.List(
        fields.Nested(WindowSchema), required=True, validate=validate.Length(1, 5)
    )
    duration_s = fields.Integer(required=True, validate=validate.Range(60, 4 * 3600))


class NewShiftSchema(Schema):
    """Working time to be added; it may not overlap another of the technician's."""

    technician_id = fields.UUID(required=True)
    start = Instant(required=True)
    end = Instant(required=True)
    overtime_s = fields.Integer(load_default=0, validate=validate.Range(0, 6 * 3600))
    duty = fields.Boolean(
        load_default=False,
        metadata={"description": "A small crew's on a day off, planned with the next working day"},
    )
    breaks = fields.List(
        fields.Nested(BreakSchema), load_default=list, validate=validate.Length(max=5)
    )

    @validates_schema
    def in_order(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """A shift lasts up to a day and a half, its breaks begin inside it."""
        length_s = (data["end"] - data["start"]).total_seconds()
        if not 0 < length_s <= 36 * 3600:
            raise ValidationError("must lie after start, by 36 hours at most", "end")
        for pause in data["breaks"]:
            for start, end in pause["windows"]:
                if start < data["start"] or end > data["end"]:
                    raise ValidationError("must start inside the shift", "breaks")


class ShiftSchema(Schema):
    """Working time of one technician."""

    id = fields.UUID(required=True)
    technician_id = fields.UUID(required=True)
    date = Day(required=True)
    start = Instant(required=True)
    end = Instant(required=True)
    overtime_s = fields.Integer(required=True)
    duty = fields.Boolean(required=True)
    breaks = fields.List(fields.Dict(), required=True)


class ShiftQuery(CursorQuery):
    """Which shifts."""

    date = Day()


OutletPageSchema = page_of(OutletSchema)
TechnicianPageSchema = page_of(TechnicianSchema)
ShiftPageSchema = page_of(ShiftSchema)


def outlet_view(outlet: Outlet) -> dict[str, Any]:
    """An outlet as the API tells it."""
    return {
        "id": outlet.id,
        "name": outlet.name,
        "address": outlet.address,
        "place": {"lat": outlet.lat, "lon": outlet.lon},
        "closed_on": outlet.closed_on,
    }


def technician_view(technician: Technician) -> dict[str, Any]:
    """A technician as the API tells it."""
    return {
        "id": technician.id,
        "name": technician.name,
        "outlet_id": technician.outlet_id,
        "skills": technician.skills,
        "stock": technician.stock,
        "certificates": technician.certificates,
    }


def shift_view(shift: Shift) -> dict[str, Any]:
    """A shift as the API tells it."""
    return {
        "id": shift.id,
        "technician_id": shift.technician.id,
        "date": shift.day,
        "start": shift.start_at,
        "end": shift.end_at,
        "overtime_s": shift.overtime_s,
        "duty": shift.duty,
        "breaks": shift.breaks,
    }
