"""Rewards and penalties: the ledger, its replay, appeals."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from api.access import V1
from api.db.models import MeritAppeal, MeritEntry, Technician
from api.parsing import Blueprint
from api.schemas.fields import CursorQuery
from api.schemas.quality import (
    AppealDecisionSchema,
    AppealPageSchema,
    AppealQuery,
    AppealSchema,
    BookedSchema,
    MeritCheckSchema,
    MeritPageSchema,
    NewAppealSchema,
)
from api.services import merits
from api.services.paging import page
from api.services.scope import technicians_within
from api.unit_of_work import database, identity

blueprint = Blueprint("merits", __name__, url_prefix=V1, description="Rewards and penalties")


def _within() -> Any:
    return select(Technician.number).where(technicians_within(identity()))


def _entries(query: dict[str, Any]) -> dict[str, Any]:
    items, following = page(
        database(),
        select(MeritEntry).where(MeritEntry.technician_number.in_(_within())),
        [MeritEntry.at, MeritEntry.id],
        query.get("cursor"),
        query["limit"],
    )
    return {"items": items, "next": following}


@blueprint.route("/me/merits", methods=["GET"])
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, MeritPageSchema)
def own_merits(query: dict[str, Any]) -> dict[str, Any]:
    """One's own entries, each with the sentence that explains it."""
    return _entries(query)


@blueprint.route("/me/appeals", methods=["POST"])
@blueprint.arguments(NewAppealSchema)
@blueprint.response(201, AppealSchema)
def appeal(data: dict[str, Any]) -> MeritAppeal:
    """Appeal against an entry of one's own."""
    return merits.appeal(
        database(), data["id"], data["entry_id"], data["text"], identity(), datetime.now(UTC)
    )


@blueprint.route("/me/appeals", methods=["GET"])
@blueprint.arguments(AppealQuery, location="query")
@blueprint.response(200, AppealPageSchema)
def own_appeals(query: dict[str, Any]) -> dict[str, Any]:
    """One's own appeals and what came of them."""
    return _appeals(query)


@blueprint.route("/merits", methods=["GET"])
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, MeritPageSchema)
def all_merits(query: dict[str, Any]) -> dict[str, Any]:
    """The ledger; a manager sees the entries of the own outlet."""
    return _entries(query)


@blueprint.route("/merits/book", methods=["POST"])
@blueprint.response(200, BookedSchema)
def book() -> merits.Booked:
    """Add what the rules make of everything that is on record by now."""
    return merits.book(database(), identity(), datetime.now(UTC))


@blueprint.route("/merits/check", methods=["GET"])
@blueprint.response(200, MeritCheckSchema)
def check() -> dict[str, Any]:
    """Hold the ledger against a replay of all rules over all that is on record."""
    found = merits.check(database(), datetime.now(UTC))
    return {
        "equal": found.equal,
        "missing": [entry.id for entry in found.missing],
        "unfounded": [entry.id for entry in found.unfounded],
        "changed": [kept.id for kept, _ in found.changed],
    }


def _appeals(query: dict[str, Any]) -> dict[str, Any]:
    wanted = select(MeritAppeal).where(MeritAppeal.technician_number.in_(_within()))
    if "decision" in query:
        wanted = wanted.where(MeritAppeal.decision == query["decision"])
    items, following = page(
        database(), wanted, [MeritAppeal.at, MeritAppeal.id], query.get("cursor"), query["limit"]
    )
    return {"items": items, "next": following}


@blueprint.route("/merits/appeals", methods=["GET"])
@blueprint.arguments(AppealQuery, location="query")
@blueprint.response(200, AppealPageSchema)
def appeals(query: dict[str, Any]) -> dict[str, Any]:
    """Appeals, oldest first; ``decision=`` with nothing behind it gives the open ones."""
    return _appeals(query)


@blueprint.route("/merits/appeals/<uuid:appeal_id>/decision", methods=["POST"])
@blueprint.arguments(AppealDecisionSchema)
@blueprint.response(200, AppealSchema)
def appeal_decision(data: dict[str, Any], appeal_id: UUID) -> MeritAppeal:
    """Decide an appeal; a granted one takes the entry back at once."""
    return merits.decide_appeal(
        database(), appeal_id, data["granted"], data["reason"], identity(), datetime.now(UTC)
    )
