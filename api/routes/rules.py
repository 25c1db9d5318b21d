"""Laws as data: which packs there are, what holds where, what another pack would change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from api.access import V1
from api.parsing import Blueprint
from api.schemas.rights import DifferenceSchema, LawQuery
from api.services.clock_events import ruling_view, trace_view
from api.services.plain import plain
from api.services.refusals import Refusal
from api.services.rule_history import Question, Side, compare, report_view
from api.services.rule_packs import arrival_packs, rulebook, setting_of
from api.services.visits import utc_now
from api.unit_of_work import database
from domain.rules import RuleError

blueprint = Blueprint("rules", __name__, url_prefix=V1, description="Laws as data")


@blueprint.route("/rules", methods=["GET"])
@blueprint.response(200, description="Every pack with its source and status")
def packs() -> dict[str, Any]:
    """Every rule pack with its place, dates, source, and how many clauses are unconfirmed."""
    rows = [
        {
            "law": pack.law,
            "version": pack.version,
            "title": pack.title,
            "place": pack.place,
            "products": sorted(pack.products),
            "valid_from": pack.valid_from,
            "valid_until": pack.valid_until,
            "source": pack.source,
            "clauses": len(pack.clauses),
            "unconfirmed": [c.key for c in pack.clauses.values() if c.status == "unconfirmed"],
        }
        for pack in rulebook().packs
    ]
    arrival = [
        {
            "law": "arrival",
            "version": pack.version,
            "title": pack.status,
            "place": pack.place,
            "products": [],
            "valid_from": pack.valid_from,
            "valid_until": None,
            "source": pack.source,
            "clauses": len(pack.classes) + len(pack.urgency),
            "unconfirmed": [] if pack.status == "confirmed" else ["classes", "urgency"],
        }
        for pack in arrival_packs()
    ]
    told: dict[str, Any] = plain({"items": [*arrival, *rows]})
    return told


@blueprint.route("/rules/<string:law>", methods=["GET"])
@blueprint.arguments(LawQuery, location="query")
@blueprint.response(200, description="The clauses that hold, and why")
def law(query: dict[str, Any], law: str) -> dict[str, Any]:
    """What a law says at a place on a day, clause by clause, with the packs that say so."""
    setting = setting_of(database())
    if "place" in query:
        setting = replace(setting, place=query["place"])
    day = query.get("date") or setting.day(utc_now())
    try:
        rules = rulebook().rules(law, setting.place, day, query.get("product", ""))
    except RuleError as error:
        raise Refusal("rules_unknown", str(error)) from None
    told: dict[str, Any] = plain(
        {
            "law": law,
            "place": rules.place,
            "date": rules.day,
            "versions": rules.versions,
            "clauses": [ruling_view(ruling) for ruling in rules.rulings.values()],
            "trace": [trace_view(line) for line in rules.trace],
        }
    )
    return told


@blueprint.route("/rules/differences", methods=["GET"])
@blueprint.arguments(DifferenceSchema, location="query")
@blueprint.response(200, description="Changed outcomes, each with the clauses that explain it")
def differences(query: dict[str, Any]) -> dict[str, Any]:
    """Judge the whole history twice and tell what changes and why."""
    question = Question(
        query["law"],
        Side.parse(query["before"]),
        Side.parse(query["after"]),
        query["since"],
        query["until"],
        query["place"],
    )
    report = compare(database(), question, rulebook(), arrival_packs(), utc_now())
    told: dict[str, Any] = plain(report_view(report))
    return told
