"""Scenarios of planners, their runs, comparison, adoption, and the posts they open."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from api.db.scenarios import SCENARIO_STATUSES, ScenarioRow, Vacancy
from api.schemas.fields import CursorQuery, Day, Instant, Line, page_of
from api.schemas.workforce import SKILL, NewCertificateSchema
from network.scenarios.question import MOST_CANDIDATES, MOST_HIRED, MOST_NEW


class CandidateSchema(Schema):
    """Where an outlet could be opened. WGS-84."""

    id = Line(required=True, longest=60)
    name = Line()
    address = Line()
    lat = fields.Float(required=True, validate=validate.Range(-90, 90))
    lon = fields.Float(required=True, validate=validate.Range(-180, 180))
    kind = fields.String(validate=validate.OneOf(("own", "franchise", "subsidised")))
    fixed_cost = fields.Float(validate=validate.Range(0, 1e12))


class ZoneSchema(Schema):
    """Where people live."""

    id = Line(required=True, longest=60)
    lat = fields.Float(required=True, validate=validate.Range(-90, 90))
    lon = fields.Float(required=True, validate=validate.Range(-180, 180))
    population = fields.Float(required=True, validate=validate.Range(0, 1e10))
    district = Line(allow_none=True)


class DemandOrderSchema(Schema):
    """Where the demand comes from: requests on record, or people (and the kinds on record)."""

    source = fields.String(
        load_default="requests", validate=validate.OneOf(("requests", "population"))
    )
    per_day = fields.Float(
        validate=validate.Range(0, 100_000),
        metadata={"description": "Faults a day; what was reported so far when left out"},
    )
    growth_per_year = fields.Float(validate=validate.Range(-0.99, 100))
    per_thousand_per_day = fields.Float(validate=validate.Range(0, 1000))
    zones = fields.List(
        fields.Nested(ZoneSchema),
        validate=validate.Length(max=5000),
        metadata={"description": "Where people live; the region's own zones when left out"},
    )


class FloorSchema(Schema):
    """At least this share of a district's demand lies within the radius of an open outlet."""

    district = Line(required=True)
    covered_share = fields.Float(required=True, validate=validate.Range(0, 1))


class SitingOrderSchema(Schema):
    """How many outlets to open among the candidates, or how many are open in the end."""

    model = fields.String(validate=validate.OneOf(("p-median", "coverage", "p-center")))
    new_outlets = fields.Integer(allow_none=True, validate=validate.Range(0, MOST_NEW))
    open = fields.Integer(allow_none=True, validate=validate.Range(1, MOST_CANDIDATES))
    radius_s = fields.Float(allow_none=True, validate=validate.Range(0, 1e6))
    budget = fields.Float(allow_none=True, validate=validate.Range(0, 1e15))
    floors = fields.List(fields.Nested(FloorSchema), validate=validate.Length(max=500))


class StaffingOrderSchema(Schema):
    """How many people to hire; null: as few as meet the targets."""

    heads = fields.Integer(allow_none=True, validate=validate.Range(0, MOST_HIRED))


class CostsSchema(Schema):
    """What an hour of work and a kilometre cost, in fen."""

    per_hour_fen = fields.Integer(validate=validate.Range(0, 10**7))
    per_km_fen = fields.Integer(validate=validate.Range(0, 10**6))


class NewScenarioSchema(Schema):
    """A question to freeze: from the record as it is now, or around a ``zhunda-scenario/1``."""

    name = Line(required=True, longest=80)
    demand = fields.Nested(DemandOrderSchema)
    candidates = fields.List(
        fields.Nested(CandidateSchema), validate=validate.Length(max=MOST_CANDIDATES)
    )
    standing = fields.Dict(
        keys=fields.UUID(),
        values=fields.String(validate=validate.OneOf(("keep", "may_close", "must_close"))),
        metadata={"description": "What may happen to an outlet; those not named stay"},
    )
    siting = fields.Nested(SitingOrderSchema, allow_none=True)
    staffing = fields.Nested(StaffingOrderSchema, allow_none=True)
    start = Day(metadata={"description": "First counted day; the next Monday else"})
    days = fields.Integer(validate=validate.Range(1, 92))
    warm_up_days = fields.Integer(validate=validate.Range(0, 28))
    iterations = fields.Integer(
        validate=validate.Range(0, 100_000),
        metadata={"description": "Of the search, for each simulated morning's plan"},
    )
    costs = fields.Nested(CostsSchema)
    document = fields.Dict(
        allow_none=True, metadata={"description": "zhunda-scenario/1, instead of the record"}
    )

    @validates_schema
    def one_source(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """A document brings its own demand and outlets."""
        if data.get("document") and (data.get("demand") or data.get("standing")):
            raise ValidationError("a document brings its own demand and outlets", "document")


class RunOrderSchema(Schema):
    """How to answer: by the real dispatcher, or by the screening mode in seconds."""

    mode = fields.String(load_default="full", validate=validate.OneOf(("full", "screening")))
    replications = fields.Integer(load_default=2, validate=validate.Range(1, 50))
    seed = fields.Integer(load_default=1, validate=validate.Range(0, 2**31 - 1))


class ScenarioSchema(Schema):
    """A version of a scenario, and how far its answer is."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    version = fields.Integer(required=True)
    status = fields.String(required=True, validate=validate.OneOf(SCENARIO_STATUSES))
    mode = fields.String(required=True)
    replications = fields.Integer(required=True)
    seed = fields.Integer(required=True)
    progress = fields.Dict(required=True)
    cancel_requested = fields.Boolean(required=True)
    error = fields.String(required=True, allow_none=True)
    facts = fields.Dict(required=True)
    summary = fields.Dict(required=True)
    question_sha256 = fields.String(required=True)
    answer_sha256 = fields.String(required=True, allow_none=True)
    created_at = Instant(required=True)
    started_at = Instant(required=True, allow_none=True)
    finished_at = Instant(required=True, allow_none=True)
    adopted_at = Instant(required=True, allow_none=True)


class ScenarioDetailSchema(ScenarioSchema):
    """A scenario with its order, its answer (without single runs), and what it has opened."""

    order = fields.Dict(required=True)
    answer = fields.Dict(required=True, allow_none=True)
    adoption = fields.Dict(required=True, allow_none=True)


class ScenarioQuery(CursorQuery):
    """Which scenarios; newest last."""

    name = Line()
    status = fields.String(validate=validate.OneOf(SCENARIO_STATUSES))


class CompareQuery(Schema):
    """Which scenarios; all differences are to the first."""

    id = fields.List(fields.UUID(), required=True, validate=validate.Length(1, 20))


class ComparisonSchema(Schema):
    """A row a scenario; with a present of its own, the first row is that."""

    rows = fields.List(fields.Dict(), required=True)


class ExportQuery(Schema):
    """In which language."""

    language = fields.String(load_default="en", validate=validate.OneOf(("en", "zh")))


class AdoptSchema(Schema):
    """What new outlets shall be called, by candidate, and when the old ones close."""

    names = fields.Dict(keys=fields.String(), values=Line(), load_default=dict)
    closes_on = Day(
        load_default=None,
        metadata={"description": "First day closed; the scenario's first counted day else"},
    )


class VacancySchema(Schema):
    """A technician's post to fill."""

    id = fields.UUID(required=True)
    scenario_id = fields.UUID(required=True)
    outlet_id = fields.UUID(required=True)
    skills = fields.Dict(required=True)
    roster = fields.Dict(required=True)
    status = fields.String(required=True, validate=validate.OneOf(("open", "filled")))
    created_at = Instant(required=True)


class VacancyQuery(CursorQuery):
    """Which posts."""

    status = fields.String(validate=validate.OneOf(("open", "filled")))


class FillSchema(Schema):
    """Who fills a post. Without skills, those the post asks for."""

    name = Line(required=True)
    skills = fields.Dict(
        keys=fields.String(validate=SKILL),
        values=fields.Integer(validate=validate.Range(1, 9)),
        validate=validate.Length(max=100),
    )
    certificates = fields.List(
        fields.Nested(NewCertificateSchema), validate=validate.Length(max=100)
    )


ScenarioPageSchema = page_of(ScenarioSchema)
VacancyPageSchema = page_of(VacancySchema)


def scenario_view(row: ScenarioRow) -> dict[str, Any]:
    """A scenario as a list tells it."""
    told = {key: getattr(row, key) for key in ScenarioSchema().fields if key != "error"}
    return told | {"error": row.problem}


def scenario_detail(row: ScenarioRow, adoption: dict[str, Any] | None) -> dict[str, Any]:
    """A scenario as its page tells it; `row.answer` must be loaded."""
    answer = None
    if row.answer is not None:
        answer = {
            **row.answer,
            **{
                stage: None
                if row.answer[stage] is None
                else {key: value for key, value in row.answer[stage].items() if key != "runs"}
                for stage in ("before", "after")
            },
        }
    return scenario_view(row) | {"order": row.order, "answer": answer, "adoption": adoption}


def vacancy_view(vacancy: Vacancy) -> dict[str, Any]:
    """A post as the API tells it."""
    return {key: getattr(vacancy, key) for key in VacancySchema().fields}
