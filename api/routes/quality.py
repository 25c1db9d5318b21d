"""Quality of the work: call-backs, surveys, figures, incidents, scorecards."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, true

from api.access import OUTLET_MANAGER, V1
from api.db.models import FollowUp, Incident, ScorecardRun, Survey, Technician
from api.parsing import Blueprint
from api.schemas.fields import CursorQuery
from api.schemas.quality import (
    CallBackPageSchema,
    CallBacksQuery,
    FiguresSchema,
    FollowUpSchema,
    IncidentDecisionSchema,
    IncidentPageSchema,
    IncidentSchema,
    NewFollowUpSchema,
    NewIncidentSchema,
    NewScorecardSchema,
    NewSurveySchema,
    PeriodQuery,
    RecountSchema,
    ScorecardPageSchema,
    ScorecardSchema,
    SurveySchema,
    TopicsQuery,
    TrendsSchema,
    call_back_view,
    share_view,
)
from api.services import incidents, scorecards, surveys
from api.services.paging import page, page_of_rows
from api.services.refusals import Refusal
from api.services.regions import utc_iso
from api.services.scope import reach_job, technicians_within
from api.services.work_done import period_of
from api.unit_of_work import database, identity
from domain.quality import Share, repair_figures, survey_figures, trends

blueprint = Blueprint("quality", __name__, url_prefix=V1, description="How good the work is")


def _now() -> datetime:
    return datetime.now(UTC)


def _outlet(query: dict[str, Any]) -> UUID | None:
    """The outlet asked for; a manager sees the own one, whatever is asked."""
    who = identity()
    return who.outlet_id if who.role == OUTLET_MANAGER else query.get("outlet_id")


def _in_order(first: date, last: date) -> None:
    if last < first:
        raise Refusal("invalid", "the period ends before it begins")


@blueprint.route("/jobs/<uuid:job_id>/survey", methods=["POST"])
@blueprint.arguments(NewSurveySchema)
@blueprint.response(201, SurveySchema)
def survey(data: dict[str, Any], job_id: UUID) -> Survey:
    """Answers about the work, once: by the consumer's link, or told to the desk."""
    job = reach_job(database(), identity(), job_id)
    return surveys.answer_survey(database(), job, surveys.NewSurvey(**data), identity(), _now())


@blueprint.route("/jobs/<uuid:job_id>/follow-ups", methods=["POST"])
@blueprint.arguments(NewFollowUpSchema)
@blueprint.response(201, FollowUpSchema)
def follow_up(data: dict[str, Any], job_id: UUID) -> FollowUp:
    """An attempt to call back."""
    job = reach_job(database(), identity(), job_id)
    return surveys.follow_up(database(), job, surveys.NewFollowUp(**data), identity(), _now())


@blueprint.route("/follow-ups", methods=["GET"])
@blueprint.arguments(CallBacksQuery, location="query")
@blueprint.response(200, CallBackPageSchema)
def follow_ups(query: dict[str, Any]) -> dict[str, Any]:
    """Call backs for the jobs done in a period, with the day by which each was promised."""
    _in_order(query["first"], query["last"])
    now = _now()
    period = period_of(database(), query["first"], query["last"])
    found = surveys.call_backs(database(), period, now, _outlet(query))
    if "open" in query:
        found = [call for call in found if call.open is query["open"]]
    items, following = page_of_rows(
        found,
        lambda call: (utc_iso(call.due_at or call.done.closed_at), f"{call.done.job.number:012}"),
        2,
        query.get("cursor"),
        query["limit"],
    )
    return {
        "items": [call_back_view(call, call.in_time(now)) for call in items],
        "next": following,
    }


@blueprint.route("/quality/figures", methods=["GET"])
@blueprint.arguments(PeriodQuery, location="query")
@blueprint.response(200, FiguresSchema)
def figures(query: dict[str, Any]) -> dict[str, Any]:
    """Surveys, first fix, repeats and call backs of a period, as counts."""
    _in_order(query["first"], query["last"])
    now = _now()
    period = period_of(database(), query["first"], query["last"])
    facts = scorecards.gather(database(), period, now, _outlet(query))
    told = survey_figures(len(facts.done), map(surveys.answer_of, facts.surveys.values()))
    repairs = None
    if facts.within is not None:
        repairs = repair_figures(facts.repairs, facts.reports, facts.within, now)
    judged = [kept for call in facts.call_backs if (kept := call.in_time(now)) is not None]
    return {
        "jobs_done": len(facts.done),
        "surveys": surveys.figures_view(told),
        "first_fix": share_view(None if repairs is None else repairs.first_fix),
        "repeats": share_view(None if repairs is None else repairs.repeats),
        "undecided": 0 if repairs is None else repairs.undecided,
        "repeat_within_days": None if facts.within is None else facts.within.days,
        "called_back_in_time": share_view(Share(sum(judged), len(judged))),
        "came_back": [] if repairs is None else list(repairs.came_back),
    }


@blueprint.route("/quality/topics", methods=["GET"])
@blueprint.arguments(TopicsQuery, location="query")
@blueprint.response(200, TrendsSchema)
def topics(query: dict[str, Any]) -> dict[str, Any]:
    """What complaints are about, against the period of the same length before."""
    first, last = query["first"], query["last"]
    _in_order(first, last)
    days = (last - first).days + 1
    now = period_of(database(), first, last)
    before = period_of(database(), first - timedelta(days=days), first - timedelta(days=1))
    jobs_before = scorecards.jobs_closed(database(), before)
    jobs_now = scorecards.jobs_closed(database(), now)
    items = trends(
        scorecards.complaint_topics(database(), before),
        scorecards.complaint_topics(database(), now),
        jobs_before,
        jobs_now,
    )
    return {"jobs_before": jobs_before, "jobs_now": jobs_now, "items": items}


@blueprint.route("/incidents", methods=["POST"])
@blueprint.arguments(NewIncidentSchema)
@blueprint.response(201, IncidentSchema)
def new_incident(data: dict[str, Any]) -> Incident:
    """Report something about a technician's conduct; nothing follows before it is decided."""
    return incidents.report_incident(database(), incidents.NewIncident(**data), identity(), _now())


@blueprint.route("/incidents", methods=["GET"])
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, IncidentPageSchema)
def all_incidents(query: dict[str, Any]) -> dict[str, Any]:
    """Incidents by the time they happened; a manager sees those of the own outlet."""
    who = identity()
    own = true()
    if who.role == OUTLET_MANAGER:
        own = Incident.technician_number.in_(
            select(Technician.number).where(technicians_within(who))
        )
    items, following = page(
        database(),
        select(Incident).where(own),
        [Incident.at, Incident.id],
        query.get("cursor"),
        query["limit"],
    )
    return {"items": items, "next": following}


@blueprint.route("/incidents/<uuid:incident_id>/decision", methods=["POST"])
@blueprint.arguments(IncidentDecisionSchema)
@blueprint.response(200, IncidentSchema)
def incident_decision(data: dict[str, Any], incident_id: UUID) -> Incident:
    """Say whether it was so; somebody else than who reported it."""
    return incidents.decide_incident(
        database(), incident_id, data["established"], data["finding"], identity(), _now()
    )


@blueprint.route("/scorecards", methods=["POST"])
@blueprint.arguments(NewScorecardSchema)
@blueprint.response(201, ScorecardSchema)
def new_scorecard(data: dict[str, Any]) -> ScorecardRun:
    """Score a period and keep the score as it was told."""
    return scorecards.keep_card(
        database(), data["first"], data["last"], data["outlet_id"], identity(), _now()
    )


@blueprint.route("/scorecards", methods=["GET"])
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, ScorecardPageSchema)
def all_scorecards(query: dict[str, Any]) -> dict[str, Any]:
    """Scores that were told, oldest first."""
    items, following = page(
        database(),
        select(ScorecardRun),
        [ScorecardRun.created_at, ScorecardRun.id],
        query.get("cursor"),
        query["limit"],
    )
    return {"items": items, "next": following}


def _scorecard(scorecard_id: UUID) -> ScorecardRun:
    found = database().get(ScorecardRun, scorecard_id)
    if found is None:
        raise Refusal("not_found")
    return found


@blueprint.route("/scorecards/<uuid:scorecard_id>", methods=["GET"])
@blueprint.response(200, ScorecardSchema)
def scorecard(scorecard_id: UUID) -> ScorecardRun:
    """One score, each point with its records."""
    return _scorecard(scorecard_id)


@blueprint.route("/scorecards/<uuid:scorecard_id>/recount", methods=["GET"])
@blueprint.response(200, RecountSchema)
def recount(scorecard_id: UUID) -> dict[str, Any]:
    """Count the same again from the record, as of the same instant."""
    return scorecards.recount(database(), _scorecard(scorecard_id))
