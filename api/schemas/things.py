"""Parts and their moves, equipment and its checks, training, photos."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from api.db.things import Equipment
from api.schemas.fields import CursorQuery, Day, Instant, Line, page_of
from api.schemas.workforce import PART, SKILL
from api.services.photos import KINDS

PLACE = re.compile(r"^(supplier|counted|scrap|van:[0-9]{1,18}|(outlet|job):[0-9a-f-]{36})$")
ENDS = {
    "received": (("supplier",), ("outlet", "van")),
    "transferred": (("outlet", "van"), ("outlet", "van")),
    "returned": (("job", "van", "outlet"), ("outlet", "van", "supplier")),
    "scrapped": (("outlet", "van", "job"), ("scrap",)),
    "counted": (("counted", "outlet", "van"), ("counted", "outlet", "van")),
}
"""From where to where each kind of move may go."""


class NewPartSchema(Schema):
    """A part to be named, or named anew."""

    code = fields.String(required=True, validate=PART)
    name = Line(required=True)
    cost_fen = fields.Integer(load_default=0, validate=validate.Range(0, 10**12))
    serialised = fields.Boolean(load_default=False)


class PartSchema(Schema):
    """A part."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    cost_fen = fields.Integer(required=True)
    serialised = fields.Boolean(required=True)


class NewMoveSchema(Schema):
    """Pieces going from one place to another. Using them up is told by `done` at a visit."""

    part = fields.String(required=True, validate=PART)
    quantity = fields.Integer(required=True, validate=validate.Range(1, 100_000))
    origin = fields.String(required=True, validate=validate.Regexp(PLACE))
    goal = fields.String(required=True, validate=validate.Regexp(PLACE))
    kind = fields.String(required=True, validate=validate.OneOf(tuple(ENDS)))
    serial = Line(load_default="", shortest=0, longest=100)
    reason = Line(load_default="", shortest=0)

    @validates_schema
    def makes_sense(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """A move goes where its kind goes; a count and a scrapping say why."""
        origins, goals = ENDS[data["kind"]]
        for name, allowed in (("origin", origins), ("goal", goals)):
            if data[name].partition(":")[0] not in allowed:
                raise ValidationError(f"{data['kind']} has one of {', '.join(allowed)}", name)
        if data["origin"] == data["goal"]:
            raise ValidationError("must not be the origin", "goal")
        if data["kind"] in ("counted", "scrapped") and not data["reason"]:
            raise ValidationError("say why", "reason")
        if data["kind"] == "counted" and "counted" not in (data["origin"], data["goal"]):
            raise ValidationError("one side of a count is `counted`", "goal")
        if data["serial"] and data["quantity"] != 1:
            raise ValidationError("one piece has one serial number", "quantity")


class MoveSchema(Schema):
    """A move as it was booked."""

    seq = fields.Integer(required=True)
    part = fields.String(required=True)
    quantity = fields.Integer(required=True)
    origin = fields.String(required=True)
    goal = fields.String(required=True)
    kind = fields.String(required=True)
    serial = fields.String(required=True)
    job_id = fields.UUID(required=True, allow_none=True)
    unit_cost_fen = fields.Integer(required=True)
    reason = fields.String(required=True)
    at = Instant(required=True)


class MoveQuery(CursorQuery):
    """Which moves; oldest first."""

    part = fields.String(validate=PART)


class StockSchema(Schema):
    """What lies where. `reserved`: needed by planned visits of that van."""

    place = fields.String(required=True)
    part = fields.String(required=True)
    quantity = fields.Integer(required=True)
    reserved = fields.Integer(required=True)


StockPageSchema = page_of(StockSchema)


class StockQuery(CursorQuery):
    """Which places."""

    place = fields.String(validate=validate.Regexp(PLACE))


class DutySchema(Schema):
    """What must be repeated on a device."""

    kind = fields.String(required=True, validate=validate.OneOf(("calibration", "preventive")))
    every_days = fields.Integer(required=True, validate=validate.Range(1, 3660))
    first_due_on = Day(required=True)


class NewEquipmentSchema(Schema):
    """A device to be entered."""

    kind = fields.String(required=True, validate=SKILL)
    serial = Line(required=True, longest=100)
    outlet_id = fields.UUID(required=True)
    technician_id = fields.UUID(load_default=None, allow_none=True)
    in_service_from = Day(required=True)
    duties = fields.List(
        fields.Nested(DutySchema), load_default=list, validate=validate.Length(max=2)
    )


class HandOverSchema(Schema):
    """Who holds a device from now on; null: its outlet. `retired_on` ends its use."""

    technician_id = fields.UUID(required=True, allow_none=True)
    retired_on = Day(load_default=None, allow_none=True)


class NewCheckSchema(Schema):
    """A calibration or preventive job that was done."""

    kind = fields.String(required=True, validate=validate.OneOf(("calibration", "preventive")))
    done_on = Day(required=True)
    passed = fields.Boolean(required=True)
    valid_until = Day(required=True)
    paper = Line(load_default="", shortest=0)

    @validates_schema
    def in_order(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """A check does not end before it was done."""
        if data["valid_until"] < data["done_on"]:
            raise ValidationError("must not lie before done_on", "valid_until")


class EquipmentSchema(Schema):
    """A device; `usable` on the day asked about."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True)
    serial = fields.String(required=True)
    outlet_id = fields.UUID(required=True)
    technician_id = fields.UUID(required=True, allow_none=True)
    in_service_from = Day(required=True)
    retired_on = Day(required=True, allow_none=True)
    usable = fields.Boolean(required=True)


class DueSchema(Schema):
    """Duties that are overdue or fall due within 30 days; `next` is null on the last page."""

    items = fields.List(fields.Dict(), required=True)
    next = fields.String(allow_none=True, required=True)


class NewTrainingSchema(Schema):
    """A course that was passed. With `skill` and `level` it backs the skill up to the level."""

    course = Line(required=True)
    skill = fields.String(load_default=None, allow_none=True, validate=SKILL)
    level = fields.Integer(load_default=None, allow_none=True, validate=validate.Range(1, 9))
    hours = fields.Integer(load_default=0, validate=validate.Range(0, 10_000))
    provider = Line(load_default="", shortest=0)
    cost_fen = fields.Integer(load_default=0, validate=validate.Range(0, 10**12))
    completed_on = Day(required=True)
    valid_until = Day(load_default=None, allow_none=True)

    @validates_schema
    def in_order(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """Training does not end before it was completed, and a level is a skill's."""
        if data["valid_until"] is not None and data["valid_until"] < data["completed_on"]:
            raise ValidationError("must not lie before completed_on", "valid_until")
        if data["level"] is not None and data["skill"] is None:
            raise ValidationError("a level is a skill's", "level")


class TrainingSchema(NewTrainingSchema):
    """A course on record."""

    id = fields.UUID(required=True)


class TrainingListSchema(Schema):
    """A technician's courses, oldest first."""

    items = fields.List(fields.Nested(TrainingSchema), required=True)


class CertificateSchema(Schema):
    """A certificate on record."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    skill = fields.String(required=True)
    valid_from = Day(required=True)
    valid_until = Day(required=True)


class CostSchema(Schema):
    """What a job has cost the operator, in fen: parts at the cost they were booked at, labour."""

    parts_fen = fields.Integer(required=True)
    labour_s = fields.Integer(required=True)
    labour_fen = fields.Integer(required=True)
    total_fen = fields.Integer(required=True)


class PhotoQuery(Schema):
    """What a photo is. The phone makes the id: sent twice, it is kept once.

    With ``total`` the body is a piece of the photo, from ``offset`` on; an empty one asks how many
    bytes have come.
    """

    id = fields.UUID(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    taken_at = Instant(required=True)
    total = fields.Integer(validate=validate.Range(1, 2**40))
    offset = fields.Integer(load_default=0, validate=validate.Range(0, 2**40))


class PhotoSchema(Schema):
    """A photo as it is kept."""

    id = fields.UUID(required=True)
    visit_id = fields.UUID(required=True)
    kind = fields.String(required=True)
    sha256 = fields.String(required=True)
    media_type = fields.String(required=True)
    bytes = fields.Integer(required=True)
    width = fields.Integer(required=True)
    height = fields.Integer(required=True)
    place_removed = fields.Boolean(required=True)
    taken_at = Instant(required=True)
    keep_until = Day(required=True)


MovePageSchema = page_of(MoveSchema)
PartPageSchema = page_of(PartSchema)
EquipmentPageSchema = page_of(EquipmentSchema)


def equipment_view(row: Equipment, holder: Any, usable: bool) -> dict[str, Any]:
    """A device as the API tells it."""
    return {
        "id": row.id,
        "kind": row.kind,
        "serial": row.serial,
        "outlet_id": row.outlet_id,
        "technician_id": holder,
        "in_service_from": row.in_service_from,
        "retired_on": row.retired_on,
        "usable": usable,
    }
