"""Consultation of several parties: indicators, agenda, suggestions and answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from api.access import V1
from api.db.models import AgendaItem, Suggestion
from api.parsing import Blueprint
from api.schemas.consultation import (
    AgendaItemSchema,
    AgendaPageSchema,
    IndicatorsQuery,
    IndicatorsSchema,
    NewAgendaItemSchema,
    NewAnswerSchema,
    NewSuggestionSchema,
    SuggestionPageSchema,
    SuggestionSchema,
    SuggestionsQuery,
)
from api.schemas.fields import CursorQuery
from api.services import consultation
from api.services.paging import page
from api.services.regions import local_day, the_region
from api.unit_of_work import database, identity

blueprint = Blueprint(
    "consultation", __name__, url_prefix=f"{V1}/consultation", description="Several parties consult"
)


def _now() -> datetime:
    return datetime.now(UTC)


@blueprint.route("/indicators", methods=["GET"])
@blueprint.arguments(IndicatorsQuery, location="query")
@blueprint.response(200, IndicatorsSchema)
def indicators(query: dict[str, Any]) -> dict[str, Any]:
    """The figures that all parties share; small groups are left out."""
    return consultation.indicators(database(), query["first"], query["last"], _now())


@blueprint.route("/agenda", methods=["POST"])
@blueprint.arguments(NewAgendaItemSchema)
@blueprint.response(201, AgendaItemSchema)
def new_agenda_item(data: dict[str, Any]) -> AgendaItem:
    """Ask the parties about something."""
    return consultation.put_on_agenda(database(), **data, who=identity())


@blueprint.route("/agenda", methods=["GET"])
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, AgendaPageSchema)
def agenda(query: dict[str, Any]) -> dict[str, Any]:
    """What the parties are asked about, oldest first."""
    keys = [AgendaItem.created_at, AgendaItem.id]
    items, following = page(
        database(), select(AgendaItem), keys, query.get("cursor"), query["limit"]
    )
    return {"items": items, "next": following}


@blueprint.route("/suggestions", methods=["POST"])
@blueprint.arguments(NewSuggestionSchema)
@blueprint.response(201, SuggestionSchema)
def new_suggestion(data: dict[str, Any]) -> dict[str, Any]:
    """Suggest something; the answer is promised for a day."""
    return _view(consultation.suggest(database(), **data, who=identity(), now=_now()))


@blueprint.route("/suggestions", methods=["GET"])
@blueprint.arguments(SuggestionsQuery, location="query")
@blueprint.response(200, SuggestionPageSchema)
def suggestions(query: dict[str, Any]) -> dict[str, Any]:
    """Suggestions, oldest first; with ``late`` those whose day passed before an answer."""
    wanted = select(Suggestion).where(consultation.suggestions_within(identity()))
    if query["late"]:
        zone = the_region(database()).timezone
        wanted = wanted.where(consultation.past_its_day(local_day(_now(), zone), zone))
    keys = [Suggestion.told_at, Suggestion.id]
    items, following = page(database(), wanted, keys, query.get("cursor"), query["limit"])
    return {"items": [_view(row) for row in items], "next": following}


@blueprint.route("/suggestions/<uuid:suggestion_id>/answer", methods=["POST"])
@blueprint.arguments(NewAnswerSchema)
@blueprint.response(200, SuggestionSchema)
def answer(data: dict[str, Any], suggestion_id: UUID) -> dict[str, Any]:
    """Answer a suggestion, once."""
    row = consultation.answer(database(), suggestion_id, data["text"], identity(), _now())
    return _view(row)


def _view(row: Suggestion) -> dict[str, Any]:
    zone = the_region(database()).timezone
    return {
        "id": row.id,
        "agenda_item_id": row.agenda_item_id,
        "party": row.party,
        "text": row.text,
        "told_at": row.told_at,
        "due_on": row.due_on,
        "answer": row.answer,
        "answered_at": row.answered_at,
        "late": consultation.late(row, local_day(_now(), zone), zone),
    }
