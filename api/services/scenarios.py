"""Scenarios of planners: frozen from the present (or given), listed, read, compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, undefer

from api.db.models import Outlet, ScenarioRow
from api.services import scenario_facts as facts
from api.services.activity import record
from api.services.refusals import Refusal
from api.services.regions import the_region
from api.services.scenario_runs import sha256_of
from domain.places import Place
from network.roads import Roads
from network.scenarios import (
    CannotCompare,
    CannotPlan,
    Question,
    compare_answers,
    read_question,
    refuse_impossible,
)
from network.scenarios.question import FORMAT, matrix_to_json
from network.simulate import BadScenario, Demand

DEFAULT_DAYS, DEFAULT_WARM_UP = 14, 4
DEFAULT_ITERATIONS = 2000


def create(
    session: Session,
    roads: Roads,
    order: Mapping[str, Any],
    zones: Sequence[facts.Zone],
    actor_id: UUID,
    now: datetime,
) -> ScenarioRow:
    """Freeze a question; the next version when the name exists. Nothing is kept of a bad one.

    Raises
    ------
    Refusal
        ``scenario_invalid`` with one sentence.
    """
    question = (
        _given(roads, order)
        if order.get("document")
        else _of_record(session, roads, order, zones, now)
    )
    try:
        understood = read_question(question)
        refuse_impossible(understood)
    except (BadScenario, CannotPlan) as error:
        raise Refusal("scenario_invalid", str(error)) from None
    session.execute(
        text("SELECT pg_advisory_xact_lock(7003, hashtext(:name))"), {"name": order["name"]}
    )
    newest = session.scalar(
        select(func.max(ScenarioRow.version)).where(ScenarioRow.name == order["name"])
    )
    row = ScenarioRow(
        name=order["name"],
        version=(newest or 0) + 1,
        order=_plain(order),
        facts=_facts(understood),
        question=question,
        question_sha256=sha256_of(question),
        checkpoints={},
        created_by=actor_id,
    )
    session.add(row)
    session.flush()
    record(
        session, "scenario_created", "scenario", row.id, actor_id=actor_id, name=row.name,
        version=row.version, question_sha256=row.question_sha256,
    )  # fmt: skip
    session.refresh(row)
    return row


def _plain(order: Mapping[str, Any]) -> dict[str, Any]:
    """The order without a whole document: that stands in the question."""
    import json

    kept = {key: value for key, value in order.items() if key != "document"}
    kept["standing"] = {str(key): value for key, value in (kept.get("standing") or {}).items()}
    return {
        **json.loads(json.dumps(kept, default=str)),
        "document_given": order.get("document") is not None,
    }


def _facts(question: Question) -> dict[str, Any]:
    """What a list shows of a question."""
    scenario = question.scenario
    return {
        "per_day": round(scenario.demand.per_day, 2),
        "points": len(scenario.demand.points),
        "districts": list(scenario.districts),
        "outlets": len(scenario.outlets),
        "heads": scenario.heads,
        "candidates": len(question.candidates),
        "start": scenario.start.isoformat(),
        "days": scenario.days,
        "travel": question.travel.source,
        "assumed_weekdays": list(question.assumed_weekdays),
    }


def _of_record(
    session: Session,
    roads: Roads,
    order: Mapping[str, Any],
    zones: Sequence[facts.Zone],
    now: datetime,
) -> dict[str, Any]:
    region = the_region(session)
    outlets = facts.outlets_on_record(session)
    wanted = order.get("demand") or {}
    growth = wanted.get("growth_per_year") or 0.0
    demand = facts.demand_on_record(
        session, outlets, region.timezone, per_day=wanted.get("per_day"), growth_per_year=growth
    )
    if wanted.get("source") == "population":
        if not zones:
            raise Refusal("scenario_invalid", "No population is known here; give zones.")
        demand = facts.demand_of_people(
            demand.kinds,
            outlets,
            zones,
            demand.hour_factors,
            per_thousand_per_day=wanted.get("per_thousand_per_day") or 1.0,
            growth_per_year=growth,
        )
    costs = order.get("costs") or {}
    people = facts.workforce_on_record(
        session,
        region.timezone,
        now,
        cost_per_hour_fen=costs.get("per_hour_fen", 6000),
        cost_per_km_fen=costs.get("per_km_fen", 80),
    )
    start = order.get("start") or facts.next_monday(now, region.timezone)
    document = {
        "format": "zhunda-scenario/1",
        "name": order["name"],
        "timezone": region.timezone,
        "start": start.isoformat(),
        "days": order.get("days") or DEFAULT_DAYS,
        "warm_up_days": order.get("warm_up_days", DEFAULT_WARM_UP),
        "classes": {
            name: facts.CLASSES.get(name, facts.CLASSES["normal"])
            for name in dict.fromkeys(kind.job_class for kind in demand.kinds)
        },
        "demand": _demand_json(demand),
        "outlets": [{"id": one.name, "lat": one.lat, "lon": one.lon} for one in outlets],
        "rosters": people.rosters,
        "technicians": people.groups,
        "dispatch": {"iterations": order.get("iterations") or DEFAULT_ITERATIONS},
    }
    status = {str(key): value for key, value in (order.get("standing") or {}).items()}
    unknown = sorted(set(status) - {str(one.id) for one in outlets})
    if unknown:
        raise Refusal("scenario_invalid", f"standing: there is no outlet {unknown[0]}.")
    standing = {
        one.name: {
            "name": one.name,
            "address": one.address,
            "record_id": str(one.id),
            "status": status.get(str(one.id), "keep"),
        }
        for one in outlets
    }
    places = [
        *_places(document["outlets"]),
        *_places(order.get("candidates") or []),
        *(Place(point.lat, point.lon) for point in demand.points),
    ]
    return _question(roads, order, document, standing, people.openings, places) | {
        "assumed_weekdays": people.assumed
    }


def _given(roads: Roads, order: Mapping[str, Any]) -> dict[str, Any]:
    """A question around a ``zhunda-scenario/1`` that somebody sends; its travel, if any, counts
    only where no candidates are asked about."""
    document = dict(order["document"])
    document.setdefault("name", order["name"])
    own = document.pop("travel", None)
    try:
        places = [
            *_places(document["outlets"]),
            *_places(order.get("candidates") or []),
            *_places(document["demand"]["points"]),
        ]
        groups = document["technicians"]
        openings = [
            {
                "skills": group["skills"],
                "roster": group["roster"],
                "cost_per_hour_fen": group.get("cost_per_hour_fen", 0),
                "cost_per_km_fen": group.get("cost_per_km_fen", 0),
            }
            for group in groups
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise Refusal("scenario_invalid", f"document: {error} is missing or malformed.") from None
    distinct = list({repr(opening): opening for opening in openings}.values())
    if own is not None:
        if order.get("candidates"):
            raise Refusal(
                "scenario_invalid",
                "document.travel: leave it out where there are candidates; it does not reach them.",
            )
        count = len(places)
        matrix = own | {"source": "given"}
        matrix.setdefault("distances_m", [[0] * count for _ in range(count)])
        return _body(order, document, {}, distinct, matrix)
    return _question(roads, order, document, {}, distinct, places)


def _places(rows: Sequence[Mapping[str, Any]]) -> list[Place]:
    return [Place(float(row["lat"]), float(row["lon"])) for row in rows]


def _question(
    roads: Roads,
    order: Mapping[str, Any],
    document: dict[str, Any],
    standing: dict[str, Any],
    openings: list[dict[str, Any]],
    places: Sequence[Place],
) -> dict[str, Any]:
    matrix = roads.matrix(places)
    travel = {
        "durations_s": matrix_to_json(matrix.durations_s),
        "distances_m": matrix_to_json(matrix.distances_m),
        "source": matrix.source,
    }
    return _body(order, document, standing, openings, travel)


def _body(
    order: Mapping[str, Any],
    document: dict[str, Any],
    standing: dict[str, Any],
    openings: list[dict[str, Any]],
    travel: dict[str, Any],
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "scenario": document,
        "candidates": list(order.get("candidates") or []),
        "standing": standing,
        "siting": order.get("siting"),
        "staffing": order.get("staffing"),
        "openings": openings,
        "travel": travel,
    }


def _demand_json(demand: Demand) -> dict[str, Any]:
    return {
        "points": [
            {"id": p.id, "lat": p.lat, "lon": p.lon, "district": p.district, "weight": p.weight}
            for p in demand.points
        ],
        "kinds": [
            {
                "id": kind.id,
                "class": kind.job_class,
                "share": kind.share,
                "service_s": kind.service_s,
                "skills": dict(kind.skills),
            }
            for kind in demand.kinds
        ],
        "per_day": demand.per_day,
        "growth_per_year": demand.growth_per_year,
        "weekday_factors": list(demand.weekday_factors),
        "hour_factors": list(demand.hour_factors),
        "month_factors": list(demand.month_factors),
    }


def read(session: Session, scenario_id: UUID, *columns: Any) -> ScenarioRow:
    """One scenario, with the deferred columns that are asked for.

    Raises
    ------
    Refusal
        ``not_found``.
    """
    row = session.get(ScenarioRow, scenario_id, options=[undefer(column) for column in columns])
    if row is None:
        raise Refusal("not_found")
    return row


def answered(session: Session, scenario_id: UUID) -> ScenarioRow:
    """One scenario with its answer, checked against its fingerprint.

    Raises
    ------
    Refusal
        ``not_found``; ``scenario_not_done`` when there is no answer yet.
    """
    row = read(session, scenario_id, ScenarioRow.answer)
    if row.answer is None:
        raise Refusal("scenario_not_done", f"it is {row.status}", status=row.status)
    return row


def label(row: ScenarioRow) -> str:
    """What people call a version."""
    return f"{row.name} v{row.version}"


def comparison(session: Session, ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """Answers side by side; every difference is to the first row.

    One scenario alone is compared with its own present.

    Raises
    ------
    Refusal
        ``not_found``; ``scenario_not_done``; ``scenarios_differ`` when they did not meet the same
        faults.
    """
    rows = [answered(session, one) for one in dict.fromkeys(ids)]
    told: list[tuple[str, Any]] = [(label(row), row.answer) for row in rows]
    stages = ["after"] * len(rows)
    keys = [row.id for row in rows]
    first = rows[0].answer
    assert first is not None
    if first["before"] is not None:
        told.insert(0, (label(rows[0]), first))
        stages.insert(0, "before")
        keys.insert(0, rows[0].id)
    try:
        found = compare_answers(told, stages=stages)
    except CannotCompare as error:
        raise Refusal("scenarios_differ", str(error)) from None
    return [{"id": str(key), **row} for key, row in zip(keys, found, strict=True)]


def outlet_names(session: Session) -> set[str]:
    """Names that are taken."""
    return set(session.scalars(select(Outlet.name)))
