"""Audits: inside the firm with a seed of its own, by a third party with a seed of both sides."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from api.access import V1
from api.db.models import Audit, AuditAction
from api.parsing import Blueprint
from api.schemas.audits import (
    ActionPageSchema,
    ActionSchema,
    ActionsQuery,
    AgainSchema,
    AuditPageSchema,
    AuditSchema,
    AuditsQuery,
    CommitmentSchema,
    DoneActionSchema,
    FindingsSchema,
    NewActionSchema,
    NewAuditSchema,
    ResultSchema,
    ResultsSchema,
    RevealSchema,
    SampleSchema,
)
from api.services import audit_actions, audit_samples, audits
from api.services.paging import page
from api.services.regions import local_day, the_region
from api.unit_of_work import database, identity

blueprint = Blueprint("audits", __name__, url_prefix=V1, description="Samples that nobody picks")


def _now() -> datetime:
    return datetime.now(UTC)


def _today() -> date:
    return local_day(_now(), the_region(database()).timezone)


def _audit(audit_id: UUID, *, change: bool = False) -> Audit:
    return audits.reach_audit(database(), identity(), audit_id, change=change)


def _with_sample(audit: Audit) -> dict[str, Any]:
    told: dict[str, Any] = AuditSchema().dump(audit)
    told |= {"first": audit.first, "last": audit.last, "result": audit.result}
    told["drawn"] = audit_samples.drawn_jobs(database(), audit)
    return told


@blueprint.route("/audits", methods=["GET"])
@blueprint.arguments(AuditsQuery, location="query")
@blueprint.response(200, AuditPageSchema)
def all_audits(query: dict[str, Any]) -> dict[str, Any]:
    """Audits, oldest first; an assessor sees the own ones."""
    items, following = page(
        database(),
        select(Audit).where(audits.audits_within(identity())),
        [Audit.created_at, Audit.id],
        query.get("cursor"),
        query["limit"],
    )
    return {"items": items, "next": following}


@blueprint.route("/audits", methods=["POST"])
@blueprint.arguments(NewAuditSchema)
@blueprint.response(201, AuditSchema)
def new_audit(data: dict[str, Any]) -> Audit:
    """Fix what an audit looks at, before anybody knows its sample."""
    return audits.plan_audit(database(), audits.NewAudit(**data), identity(), _now())


@blueprint.route("/audits/<uuid:audit_id>", methods=["GET"])
@blueprint.response(200, SampleSchema)
def one_audit(audit_id: UUID) -> dict[str, Any]:
    """An audit with its sample."""
    return _with_sample(_audit(audit_id))


@blueprint.route("/audits/<uuid:audit_id>/draw", methods=["POST"])
@blueprint.response(200, SampleSchema)
def draw(audit_id: UUID) -> dict[str, Any]:
    """Freeze the population of an internal audit and draw: the same seed, the same sample."""
    audit = _audit(audit_id, change=True)
    return _with_sample(audits.draw_audit(database(), audit, identity(), _now()))


@blueprint.route("/audits/<uuid:audit_id>/commitment", methods=["POST"])
@blueprint.arguments(CommitmentSchema)
@blueprint.response(200, AuditSchema)
def commitment(data: dict[str, Any], audit_id: UUID) -> Audit:
    """The assessor commits to a seed without telling it."""
    audit = _audit(audit_id, change=True)
    return audits.commit(database(), audit, **data, who=identity(), now=_now())


@blueprint.route("/audits/<uuid:audit_id>/freeze", methods=["POST"])
@blueprint.response(200, AuditSchema)
def freeze(audit_id: UUID) -> Audit:
    """The operator freezes what is drawn from; its root goes into the ledger."""
    return audits.freeze(database(), _audit(audit_id, change=True), identity(), _now())


@blueprint.route("/audits/<uuid:audit_id>/reveal", methods=["POST"])
@blueprint.arguments(RevealSchema)
@blueprint.response(200, SampleSchema)
def reveal(data: dict[str, Any], audit_id: UUID) -> dict[str, Any]:
    """The assessor reveals the seed; the sample is drawn and opens to the assessor."""
    audit = _audit(audit_id, change=True)
    return _with_sample(audits.reveal(database(), audit, **data, who=identity(), now=_now()))


@blueprint.route("/audits/<uuid:audit_id>/result", methods=["POST"])
@blueprint.arguments(ResultSchema)
@blueprint.response(200, SampleSchema)
def result(data: dict[str, Any], audit_id: UUID) -> dict[str, Any]:
    """The assessor's result, signed; it closes the audit."""
    audit = _audit(audit_id, change=True)
    return _with_sample(audits.take_result(database(), audit, **data, who=identity(), now=_now()))


@blueprint.route("/audits/<uuid:audit_id>/findings", methods=["POST"])
@blueprint.arguments(FindingsSchema)
@blueprint.response(200, FindingsSchema)
def findings(data: dict[str, Any], audit_id: UUID) -> dict[str, Any]:
    """What was found, item by item; all of it is kept, or none."""
    found = [audits.NewFinding(**one) for one in data["items"]]
    audit = _audit(audit_id, change=True)
    return {"items": audits.find(database(), audit, found, identity(), _now())}


@blueprint.route("/audits/<uuid:audit_id>/close", methods=["POST"])
@blueprint.response(200, AuditSchema)
def close(audit_id: UUID) -> Audit:
    """Close an internal audit, when every item of every sampled job has its finding."""
    return audits.close_audit(database(), _audit(audit_id, change=True), identity(), _now())


@blueprint.route("/audits/<uuid:audit_id>/results", methods=["GET"])
@blueprint.response(200, ResultsSchema)
def results(audit_id: UUID) -> dict[str, Any]:
    """What an audit found, and whether it is better than before."""
    audit = _audit(audit_id)
    return {
        "items": audits.results(database(), audit),
        "findings": audits.findings_of(database(), audit),
    }


@blueprint.route("/audits/<uuid:audit_id>/again", methods=["POST"])
@blueprint.arguments(AgainSchema)
@blueprint.response(201, AuditSchema)
def again(data: dict[str, Any], audit_id: UUID) -> Audit:
    """Plan the same measure over another period."""
    return audits.measure_again(database(), _audit(audit_id), **data, who=identity(), now=_now())


@blueprint.route("/audits/<uuid:audit_id>/actions", methods=["POST"])
@blueprint.arguments(NewActionSchema)
@blueprint.response(201, ActionSchema)
def new_action(data: dict[str, Any], audit_id: UUID) -> dict[str, Any]:
    """Have somebody do something about an item until a day."""
    audit = _audit(audit_id)
    return _action(audit_actions.add_action(database(), audit, **data, who=identity()), _today())


@blueprint.route("/audit-actions", methods=["GET"])
@blueprint.arguments(ActionsQuery, location="query")
@blueprint.response(200, ActionPageSchema)
def all_actions(query: dict[str, Any]) -> dict[str, Any]:
    """Corrective actions by the day they are due; with ``overdue`` those past it only."""
    today = _today()
    rows, following = page(
        database(),
        audit_actions.actions(today, overdue_only=query["overdue"]),
        [AuditAction.due_on, AuditAction.id],
        query.get("cursor"),
        query["limit"],
    )
    return {"items": [_action(row, today) for row in rows], "next": following}


@blueprint.route("/audit-actions/<uuid:action_id>/done", methods=["POST"])
@blueprint.arguments(DoneActionSchema)
@blueprint.response(200, ActionSchema)
def action_done(data: dict[str, Any], action_id: UUID) -> dict[str, Any]:
    """Its owner says that it is done, and how."""
    row = audit_actions.finish_action(database(), action_id, data["note"], identity(), _now())
    return _action(row, _today())


def _action(row: AuditAction, today: date) -> dict[str, Any]:
    return {
        "id": row.id,
        "audit_id": row.audit_id,
        "item": row.item,
        "text": row.text,
        "owner": row.owner.login,
        "due_on": row.due_on,
        "done_at": row.done_at,
        "done_note": row.done_note,
        "overdue": audit_actions.overdue(row, today),
    }
