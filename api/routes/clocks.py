"""Clocks of jobs, what happens to them, and the deadlines that are about to break."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID

from api.access import TECHNICIAN, V1
from api.parsing import Blueprint
from api.schemas.rights import BreachQuery, ClockEventSchema, ClockQuery
from api.services import breaches, clock_events
from api.services.paging import page_of_rows
from api.services.plain import plain
from api.services.refusals import Refusal
from api.services.scope import reach_job
from api.services.visits import utc_now
from api.unit_of_work import database, identity
from domain.clocks import EventKind

NOT_ONES_OWN = (EventKind.NO_ACCESS, EventKind.CONFIRMED, EventKind.WITHDRAWN)
"""What a technician tells by the visit's own events, where it is looked at, or not at all."""

blueprint = Blueprint("clocks", __name__, url_prefix=V1, description="Clocks and deadlines")


@blueprint.route("/jobs/<uuid:job_id>/clocks", methods=["GET"])
@blueprint.arguments(ClockQuery, location="query")
@blueprint.response(200, description="Every clock with its deadlines and its trace")
def clocks(query: dict[str, Any], job_id: UUID) -> dict[str, Any]:
    """A job's clocks now, as they stood at `as_of`, or by the rules of another day."""
    session = database()
    job = reach_job(session, identity(), job_id)
    as_of = clock_events.asked_as_of(query.get("as_of"), job.reported_at, utc_now())
    found = clock_events.clocks_of(session, job, as_of, query.get("rules_on"))
    told: dict[str, Any] = plain({"items": [clock_events.clock_view(clock) for clock in found]})
    return told


@blueprint.route("/jobs/<uuid:job_id>/clock-events", methods=["POST"])
@blueprint.arguments(ClockEventSchema)
@blueprint.response(201, description="The event as it is on record")
def add_event(data: dict[str, Any], job_id: UUID) -> dict[str, Any]:
    """Record what happened to a job's clock. What excuses needs a reason and evidence.

    A technician records what the consumer asks for, and pauses; nobody excuses or confirms the own
    arrival.
    """
    session, who = database(), identity()
    if who.role == TECHNICIAN and data["kind"] in NOT_ONES_OWN:
        raise Refusal("forbidden", f"{data['kind']}: the consumer or the office says so")
    job = reach_job(session, who, job_id)
    row = clock_events.add(session, job, new_event(data), who, utc_now(), data["actor"])
    return event_view(row)


def new_event(data: dict[str, Any]) -> clock_events.NewEvent:
    """A validated body as the use case's event."""
    return clock_events.NewEvent(
        data["id"],
        EventKind(data["kind"]),
        data["at"],
        data["reason"],
        tuple(data["evidence"]),
        data["until"],
        data["target"],
    )


def event_view(row: Any) -> dict[str, Any]:
    """An event as the API tells it."""
    names = ("id", "kind", "at", "actor", "reason", "evidence", "until", "target")
    told: dict[str, Any] = plain({name: getattr(row, name) for name in names})
    return told


@blueprint.route("/breaches", methods=["GET"])
@blueprint.arguments(BreachQuery, location="query")
@blueprint.response(200, description="Waiting jobs whose deadline is at risk")
def at_risk(query: dict[str, Any]) -> dict[str, Any]:
    """Deadlines at risk as the day really runs, the riskiest first, and how alerts have done."""
    session, now = database(), utc_now()
    lead = timedelta(seconds=query["lead_s"])
    found, following = page_of_rows(
        (one for one in breaches.standings(session, now, lead) if one.forecast.risk != "none"),
        breaches.order_of,
        breaches.ORDER_LENGTH,
        query.get("cursor"),
        query["limit"],
    )
    rows = [
        {
            "job_id": one.job.id,
            "number": one.job.number,
            "class": one.job.job_class,
            "risk": one.forecast.risk,
            "due_at": one.forecast.due_at,
            "expected_at": one.forecast.expected_at,
            "margin_s": one.forecast.margin_s,
            "technician": None if one.technician is None else one.technician.name,
        }
        for one in found
    ]
    told: dict[str, Any] = plain(
        {"items": rows, "next": following, "leads": asdict(breaches.leads(session, now))}
    )
    return told
