"""The planner's scenarios: freeze a question, have it answered, compare, adopt."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, current_app, url_for
from sqlalchemy import select

from api.access import V1
from api.db.engine import compact_json
from api.db.models import ScenarioRow, Vacancy
from api.parsing import Blueprint
from api.schemas.scenarios import (
    AdoptSchema,
    CompareQuery,
    ComparisonSchema,
    ExportQuery,
    FillSchema,
    NewScenarioSchema,
    RunOrderSchema,
    ScenarioDetailSchema,
    ScenarioPageSchema,
    ScenarioQuery,
    ScenarioSchema,
    VacancyPageSchema,
    VacancyQuery,
    VacancySchema,
    scenario_detail,
    scenario_view,
    vacancy_view,
)
from api.services import adoption, scenarios
from api.services.paging import page
from api.services.refusals import Refusal
from api.services.scenario_exports import MEDIA_TYPES, export
from api.services.scenario_facts import Zone
from api.services.scenario_runs import RunOrder, request_cancel, request_run
from api.services.visits import utc_now
from api.unit_of_work import database, identity
from network.scenarios import LAYERS, layer

blueprint = Blueprint("scenarios", __name__, url_prefix=V1, description="The planner's scenarios")


def _zones(data: dict[str, Any]) -> list[Zone]:
    """The zones that were sent, or those of the region."""
    wanted = data.get("demand") or {}
    if wanted.get("source") != "population":
        return []
    if wanted.get("zones"):
        return [Zone(**{"district": None, **zone}) for zone in wanted["zones"]]
    region = current_app.extensions["zhunda.demo_region"]
    if region is None:
        return []
    from network.demo.network_file import zone_points

    return [Zone(*row) for row in zone_points(region().database)]


@blueprint.route("/scenarios", methods=["POST"])
@blueprint.arguments(NewScenarioSchema)
@blueprint.response(201, ScenarioSchema, headers={"Location": {"schema": {"type": "string"}}})
def new_scenario(data: dict[str, Any]) -> Any:
    """Freeze a question. The same name again is its next version."""
    roads = current_app.extensions["zhunda.desks"].roads
    row = scenarios.create(database(), roads, data, _zones(data), identity().person_id, utc_now())
    where = url_for("scenarios.scenario", scenario_id=row.id)
    return scenario_view(row), 201, {"Location": where}


@blueprint.route("/scenarios", methods=["GET"])
@blueprint.arguments(ScenarioQuery, location="query")
@blueprint.response(200, ScenarioPageSchema)
def all_scenarios(query: dict[str, Any]) -> dict[str, Any]:
    """Scenarios in the order they were made."""
    wanted = select(ScenarioRow)
    if "name" in query:
        wanted = wanted.where(ScenarioRow.name == query["name"])
    if "status" in query:
        wanted = wanted.where(ScenarioRow.status == query["status"])
    items, following = page(
        database(), wanted, [ScenarioRow.id], query.get("cursor"), query["limit"]
    )
    return {"items": [scenario_view(item) for item in items], "next": following}


@blueprint.route("/scenarios/compare", methods=["GET"])
@blueprint.arguments(CompareQuery, location="query")
@blueprint.response(200, ComparisonSchema)
def compare(query: dict[str, Any]) -> dict[str, Any]:
    """Answers side by side: shares in time per district, utilisation, cost, with intervals."""
    return {"rows": scenarios.comparison(database(), query["id"])}


@blueprint.route("/scenarios/<uuid:scenario_id>", methods=["GET"])
@blueprint.response(200, ScenarioDetailSchema)
def scenario(scenario_id: UUID) -> dict[str, Any]:
    """A scenario: what was asked, how far it is, its answer."""
    row = scenarios.read(database(), scenario_id, ScenarioRow.answer)
    return scenario_detail(row, adoption.adoption_view(database(), row))


@blueprint.route("/scenarios/<uuid:scenario_id>/question", methods=["GET"])
@blueprint.response(200, description="zhunda-plan-question/1")
def question_of(scenario_id: UUID) -> Response:
    """The frozen question, for anybody who wants to answer it again."""
    row = scenarios.read(database(), scenario_id, ScenarioRow.question)
    return Response(compact_json(row.question), mimetype="application/json")


@blueprint.route("/scenarios/<uuid:scenario_id>/answer", methods=["GET"])
@blueprint.response(200, description="zhunda-plan-answer/1")
def answer_of(scenario_id: UUID) -> Response:
    """The whole answer, with every replication."""
    row = scenarios.answered(database(), scenario_id)
    return Response(compact_json(row.answer), mimetype="application/json")


@blueprint.route("/scenarios/<uuid:scenario_id>/run", methods=["POST"])
@blueprint.arguments(RunOrderSchema)
@blueprint.response(202, ScenarioSchema, headers={"Location": {"schema": {"type": "string"}}})
def run(data: dict[str, Any], scenario_id: UUID) -> Any:
    """Have it answered by a worker. `Location` and the feed tell how far it is."""
    order = RunOrder(data["mode"], data["replications"], data["seed"])
    row = request_run(database(), scenario_id, order, identity().person_id)
    where = url_for("scenarios.scenario", scenario_id=row.id)
    return scenario_view(row), 202, {"Location": where}


@blueprint.route("/scenarios/<uuid:scenario_id>/cancel", methods=["POST"])
@blueprint.response(202, ScenarioSchema)
def cancel(scenario_id: UUID) -> dict[str, Any]:
    """Ask a run to stop; nothing comes of it then."""
    return scenario_view(request_cancel(database(), scenario_id, identity().person_id))


@blueprint.route("/scenarios/<uuid:scenario_id>/maps/<string:name>", methods=["GET"])
@blueprint.response(200, description="A GeoJSON FeatureCollection")
def a_map(scenario_id: UUID, name: str) -> Response:
    """The answer as GeoJSON: `coverage`, `load` or `gaps`."""
    if name not in LAYERS:
        raise Refusal("not_found", f"the maps are {', '.join(LAYERS)}")
    row = scenarios.answered(database(), scenario_id)
    assert row.answer is not None
    return Response(compact_json(layer(row.answer, name)), mimetype="application/geo+json")


@blueprint.route("/scenarios/<uuid:scenario_id>/exports/<string:form>", methods=["GET"])
@blueprint.arguments(ExportQuery, location="query")
@blueprint.response(200, description="The file")
def an_export(query: dict[str, Any], scenario_id: UUID, form: str) -> Response:
    """The answer to take along: `csv`, `xlsx` with charts, `pdf` with a map and a plot."""
    if form not in MEDIA_TYPES:
        raise Refusal("not_found", f"the forms are {', '.join(MEDIA_TYPES)}")
    row = scenarios.answered(database(), scenario_id)
    response = Response(export(row, form, query["language"]), mimetype=MEDIA_TYPES[form])
    response.headers["Content-Disposition"] = f'attachment; filename="scenario-{row.id}.{form}"'
    return response


@blueprint.route("/scenarios/<uuid:scenario_id>/adopt", methods=["POST"])
@blueprint.arguments(AdoptSchema)
@blueprint.response(200, ScenarioDetailSchema)
def adopt(data: dict[str, Any], scenario_id: UUID) -> dict[str, Any]:
    """Open its outlets and its posts, close its closed ones on a day, all or nothing."""
    adoption.adopt(
        database(), scenario_id, data["names"], data["closes_on"], identity().person_id, utc_now()
    )
    return scenario(scenario_id)


@blueprint.route("/scenarios/<uuid:scenario_id>/undo-adoption", methods=["POST"])
@blueprint.response(200, ScenarioDetailSchema)
def undo_adoption(scenario_id: UUID) -> dict[str, Any]:
    """Take an adoption back, while nobody uses what it opened and nothing is closed yet."""
    adoption.undo(database(), scenario_id, identity().person_id, utc_now())
    return scenario(scenario_id)


@blueprint.route("/vacancies", methods=["GET"])
@blueprint.arguments(VacancyQuery, location="query")
@blueprint.response(200, VacancyPageSchema)
def vacancies(query: dict[str, Any]) -> dict[str, Any]:
    """Posts of adopted scenarios."""
    wanted = select(Vacancy)
    if "status" in query:
        wanted = wanted.where(Vacancy.status == query["status"])
    items, following = page(database(), wanted, [Vacancy.id], query.get("cursor"), query["limit"])
    return {"items": [vacancy_view(item) for item in items], "next": following}


@blueprint.route("/vacancies/<uuid:vacancy_id>/fill", methods=["POST"])
@blueprint.arguments(FillSchema)
@blueprint.response(201, VacancySchema)
def fill(data: dict[str, Any], vacancy_id: UUID) -> dict[str, Any]:
    """Fill a post with a new technician."""
    return vacancy_view(
        adoption.fill(database(), vacancy_id, data, identity().person_id, utc_now())
    )
