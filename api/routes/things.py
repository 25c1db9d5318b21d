"""Parts, equipment, training and certificates."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from api.access import V1
from api.db.models import (
    Equipment,
    Part,
    StockBalance,
    StockMove,
    Technician,
    Training,
)
from api.parsing import Blueprint
from api.schemas.fields import CursorQuery
from api.schemas.things import (
    CertificateSchema,
    DueSchema,
    EquipmentPageSchema,
    EquipmentSchema,
    HandOverSchema,
    MovePageSchema,
    MoveQuery,
    MoveSchema,
    NewCheckSchema,
    NewEquipmentSchema,
    NewMoveSchema,
    NewPartSchema,
    NewTrainingSchema,
    PartPageSchema,
    PartSchema,
    StockPageSchema,
    StockQuery,
    TrainingListSchema,
    TrainingSchema,
    equipment_view,
)
from api.schemas.workforce import NewCertificateSchema
from api.services import equipment, stock
from api.services.paging import page, page_of_rows
from api.services.regions import local_day, the_region
from api.services.visits import utc_now
from api.unit_of_work import database, identity

blueprint = Blueprint("things", __name__, url_prefix=V1, description="Parts, equipment, training")


@blueprint.route("/parts", methods=["GET"])
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, PartPageSchema)
def parts(query: dict[str, Any]) -> dict[str, Any]:
    """Parts by code."""
    items, following = page(
        database(), select(Part), [Part.code], query.get("cursor"), query["limit"]
    )
    return {"items": items, "next": following}


@blueprint.route("/parts", methods=["POST"])
@blueprint.arguments(NewPartSchema)
@blueprint.response(201, PartSchema)
def new_part(data: dict[str, Any]) -> Part:
    """Name a part, or change its name, cost or whether its pieces are numbered."""
    return stock.add_part(database(), **data, actor_id=identity().person_id)


@blueprint.route("/stock", methods=["GET"])
@blueprint.arguments(StockQuery, location="query")
@blueprint.response(200, StockPageSchema)
def stock_now(query: dict[str, Any]) -> dict[str, Any]:
    """What lies where, and how much of it planned visits have reserved."""
    wanted = select(StockBalance).where(StockBalance.quantity != 0)
    if "place" in query:
        wanted = wanted.where(StockBalance.place == query["place"])
    rows, following = page(
        database(),
        wanted,
        [StockBalance.place, StockBalance.part],
        query.get("cursor"),
        query["limit"],
    )
    reserved = stock.reserved_in(database(), {row.place for row in rows})
    return {
        "items": [
            {
                "place": row.place,
                "part": row.part,
                "quantity": row.quantity,
                "reserved": reserved.get((row.place, row.part), 0),
            }
            for row in rows
        ],
        "next": following,
    }


@blueprint.route("/stock/moves", methods=["GET"])
@blueprint.arguments(MoveQuery, location="query")
@blueprint.response(200, MovePageSchema)
def moves(query: dict[str, Any]) -> dict[str, Any]:
    """Moves, oldest first; they sum up to the stock."""
    wanted = select(StockMove)
    if "part" in query:
        wanted = wanted.where(StockMove.part == query["part"])
    items, following = page(
        database(), wanted, [StockMove.seq], query.get("cursor"), query["limit"]
    )
    return {"items": items, "next": following}


@blueprint.route("/stock/moves", methods=["POST"])
@blueprint.arguments(NewMoveSchema)
@blueprint.response(201, MoveSchema)
def new_move(data: dict[str, Any]) -> StockMove:
    """Move pieces: received, transferred, returned, scrapped, counted. Nothing becomes negative."""
    return stock.transfer(
        database(),
        data["part"],
        data["quantity"],
        data["origin"],
        data["goal"],
        data["kind"],
        utc_now(),
        identity().person_id,
        data["serial"],
        data["reason"],
    )


def _views(rows: list[Equipment]) -> list[dict[str, Any]]:
    today = local_day(utc_now(), the_region(database()).timezone)
    numbers = {row.technician_number for row in rows if row.technician_number is not None}
    holders: dict[int, UUID] = dict(
        database()
        .execute(select(Technician.number, Technician.id).where(Technician.number.in_(numbers)))
        .all()
    )
    devices = equipment.as_devices(database(), rows)
    return [
        equipment_view(row, holders.get(row.technician_number or 0), device.usable_on(today))
        for row, device in zip(rows, devices, strict=True)
    ]


@blueprint.route("/equipment", methods=["GET"])
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, EquipmentPageSchema)
def register(query: dict[str, Any]) -> dict[str, Any]:
    """The register; `usable` today: in service, no duty overdue."""
    items, following = page(
        database(), select(Equipment), [Equipment.id], query.get("cursor"), query["limit"]
    )
    return {"items": _views(items), "next": following}


@blueprint.route("/equipment", methods=["POST"])
@blueprint.arguments(NewEquipmentSchema)
@blueprint.response(201, EquipmentSchema)
def new_equipment(data: dict[str, Any]) -> dict[str, Any]:
    """Enter a device with its duties."""
    return _views([equipment.register(database(), data, identity().person_id)])[0]


@blueprint.route("/equipment/due", methods=["GET"])
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, DueSchema)
def due(query: dict[str, Any]) -> dict[str, Any]:
    """Calibrations and preventive jobs that are overdue or fall due within 30 days."""
    today = local_day(utc_now(), the_region(database()).timezone)
    items, following = page_of_rows(
        equipment.overdue(database(), today),
        lambda one: (str(one["due_on"] or ""), str(one["equipment_id"]), one["duty"]),
        3,
        query.get("cursor"),
        query["limit"],
    )
    return {"items": items, "next": following}


@blueprint.route("/equipment/<uuid:equipment_id>/holder", methods=["POST"])
@blueprint.arguments(HandOverSchema)
@blueprint.response(200, EquipmentSchema)
def hand_over(data: dict[str, Any], equipment_id: UUID) -> dict[str, Any]:
    """Give a device to a technician or back to its outlet, or retire it."""
    return _views(
        [
            equipment.hand_over(
                database(),
                equipment_id,
                data["technician_id"],
                data["retired_on"],
                identity().person_id,
            )
        ]
    )[0]


@blueprint.route("/equipment/<uuid:equipment_id>/checks", methods=["POST"])
@blueprint.arguments(NewCheckSchema)
@blueprint.response(201, EquipmentSchema)
def new_check(data: dict[str, Any], equipment_id: UUID) -> dict[str, Any]:
    """Record a calibration or preventive job; a failed one takes the device out of use."""
    equipment.add_check(database(), equipment_id, data, identity().person_id)
    return _views([database().get_one(Equipment, equipment_id)])[0]


@blueprint.route("/technicians/<uuid:technician_id>/trainings", methods=["GET"])
@blueprint.response(200, TrainingListSchema)
def trainings(technician_id: UUID) -> dict[str, Any]:
    """A technician's courses, oldest first."""
    who = equipment.the_technician(database(), technician_id)
    rows = database().scalars(
        select(Training)
        .where(Training.technician_number == who.number)
        .order_by(Training.completed_on, Training.id)
    )
    return {"items": rows.all()}


@blueprint.route("/technicians/<uuid:technician_id>/trainings", methods=["POST"])
@blueprint.arguments(NewTrainingSchema)
@blueprint.response(201, TrainingSchema)
def new_training(data: dict[str, Any], technician_id: UUID) -> Training:
    """Record a course that a technician has passed."""
    return equipment.add_training(database(), technician_id, data, identity().person_id)


@blueprint.route("/technicians/<uuid:technician_id>/certificates", methods=["POST"])
@blueprint.arguments(NewCertificateSchema)
@blueprint.response(201, CertificateSchema)
def new_certificate(data: dict[str, Any], technician_id: UUID) -> Any:
    """Record a certificate or its renewal; plans from then on count it."""
    return equipment.add_certificate(database(), technician_id, data, identity().person_id)
