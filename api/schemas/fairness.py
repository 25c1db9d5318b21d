"""How the work is shared out."""

from __future__ import annotations

from marshmallow import Schema, fields

from api.schemas.fields import CursorQuery, Day, page_of
from api.schemas.quality import PeriodQuery


class FairnessQuery(CursorQuery, PeriodQuery):
    """Whole days of the region, both included."""


class OwnFairnessQuery(Schema):
    """Whole days of the region, both included."""

    first = Day(required=True, data_key="from")
    last = Day(required=True, data_key="to")


class FigureSchema(Schema):
    """One measure. Null where fewer than three colleagues were on shift, or nothing is to share."""

    own = fields.Integer(required=True)
    share = fields.Float(
        required=True, allow_none=True, metadata={"description": "of the outlet's amount"}
    )
    fair_share = fields.Float(
        required=True, allow_none=True, metadata={"description": "of the outlet's hours on shift"}
    )
    colleagues_per_hour = fields.Float(required=True, allow_none=True)


class SharesSchema(Schema):
    """One technician's work: `visits`, `urgent`, `travel_s`, `overtime_s`."""

    shift_s = fields.Integer(required=True)
    colleagues = fields.Integer(required=True)
    figures = fields.Dict(keys=fields.String(), values=fields.Nested(FigureSchema), required=True)


class OwnShareSchema(SharesSchema):
    """One's own work in a period."""

    first = Day(required=True, data_key="from", attribute="from")
    last = Day(required=True, data_key="to", attribute="to")


class TechnicianSharesSchema(SharesSchema):
    """A technician of an outlet."""

    technician_id = fields.UUID(required=True)
    name = fields.String(required=True)


class OutletSharesSchema(Schema):
    """An outlet; `evenness` is Jain's index of each measure an hour on shift, 1 for all alike."""

    outlet_id = fields.UUID(required=True)
    outlet = fields.String(required=True)
    evenness = fields.Dict(
        keys=fields.String(), values=fields.Float(allow_none=True), required=True
    )
    technicians = fields.List(fields.Nested(TechnicianSharesSchema), required=True)


OutletSharesPageSchema = page_of(OutletSharesSchema)
