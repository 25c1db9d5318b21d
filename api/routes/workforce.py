"""Outlets, technicians, shifts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from api.access import V1
from api.db.models import Outlet, Shift, Technician
from api.parsing import Blueprint
from api.schemas.fields import CursorQuery
from api.schemas.workforce import (
    NewOutletSchema,
    NewShiftSchema,
    NewTechnicianSchema,
    OutletPageSchema,
    OutletSchema,
    ShiftPageSchema,
    ShiftQuery,
    ShiftSchema,
    TechnicianPageSchema,
    TechnicianSchema,
    outlet_view,
    shift_view,
    technician_view,
)
from api.services.paging import page
from api.services.refusals import Refusal
from api.services.scope import shifts_within, technicians_within
from api.services.workforce import add_shift, add_technician, open_outlet
from api.unit_of_work import database, identity

blueprint = Blueprint("workforce", __name__, url_prefix=V1, description="Who works where and when")


@blueprint.route("/outlets", methods=["GET"])
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, OutletPageSchema)
def outlets(query: dict[str, Any]) -> dict[str, Any]:
    """Outlets by name."""
    items, following = page(
        database(), select(Outlet), [Outlet.name], query.get("cursor"), query["limit"]
    )
    return {"items": [outlet_view(item) for item in items], "next": following}


@blueprint.route("/outlets", methods=["POST"])
@blueprint.arguments(NewOutletSchema)
@blueprint.response(201, OutletSchema)
def new_outlet(data: dict[str, Any]) -> dict[str, Any]:
    """Open an outlet."""
    return outlet_view(
        open_outlet(database(), data["name"], data["address"], data["place"], identity().person_id)
    )


@blueprint.route("/technicians", methods=["GET"])
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, TechnicianPageSchema)
def technicians(query: dict[str, Any]) -> dict[str, Any]:
    """Technicians in the order they were added."""
    items, following = page(
        database(),
        select(Technician)
        .where(technicians_within(identity()))
        .options(selectinload(Technician.certificates)),
        [Technician.number],
        query.get("cursor"),
        query["limit"],
    )
    return {"items": [technician_view(item) for item in items], "next": following}


@blueprint.route("/technicians", methods=["POST"])
@blueprint.arguments(NewTechnicianSchema)
@blueprint.response(201, TechnicianSchema)
def new_technician(data: dict[str, Any]) -> dict[str, Any]:
    """Add a technician."""
    return technician_view(add_technician(database(), data, identity().person_id))


@blueprint.route("/technicians/<uuid:technician_id>", methods=["GET"])
@blueprint.response(200, TechnicianSchema)
def technician(technician_id: UUID) -> dict[str, Any]:
    """One technician."""
    found = (
        database()
        .scalars(
            select(Technician)
            .where(Technician.id == technician_id)
            .where(technicians_within(identity()))
        )
        .one_or_none()
    )
    if found is None:
        raise Refusal("not_found")
    return technician_view(found)


@blueprint.route("/shifts", methods=["GET"])
@blueprint.arguments(ShiftQuery, location="query")
@blueprint.response(200, ShiftPageSchema)
def shifts(query: dict[str, Any]) -> dict[str, Any]:
    """Shifts by their start."""
    wanted = select(Shift).where(shifts_within(identity())).options(joinedload(Shift.technician))
    if "date" in query:
        wanted = wanted.where(Shift.day == query["date"])
    items, following = page(
        database(), wanted, [Shift.start_at, Shift.id], query.get("cursor"), query["limit"]
    )
    return {"items": [shift_view(item) for item in items], "next": following}


@blueprint.route("/shifts", methods=["POST"])
@blueprint.arguments(NewShiftSchema)
@blueprint.response(201, ShiftSchema)
def new_shift(data: dict[str, Any]) -> dict[str, Any]:
    """Add a shift; the database refuses an overlap."""
    return shift_view(
        add_shift(
            database(),
            data["technician_id"],
            data["start"],
            data["end"],
            data["overtime_s"],
            data["duty"],
            data["breaks"],
            identity().person_id,
        )
    )
