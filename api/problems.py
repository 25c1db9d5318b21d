"""Errors as RFC 9457 problem details, from one table; a code that is not in it fails a test."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import structlog
from flask import Flask, Response, request
from marshmallow import Schema, fields
from sqlalchemy.exc import DBAPIError, OperationalError
from werkzeug.exceptions import HTTPException

from api.services.refusals import Refusal

MEDIA_TYPE = "application/problem+json"
log = structlog.get_logger("zhunda.api")


@dataclass(frozen=True, slots=True)
class Kind:
    """A documented error: its HTTP status and its short title."""

    status: int
    title: str


PROBLEMS: dict[str, Kind] = {
    "bad_request": Kind(400, "The request cannot be understood"),
    "not_signed_in": Kind(401, "Sign in first"),
    "bad_credentials": Kind(401, "Login or password is wrong"),
    "forbidden": Kind(403, "Your role may not do this"),
    "cross_origin": Kind(403, "The request comes from another site"),
    "access_ended": Kind(403, "The time of this access is over"),
    "not_found": Kind(404, "There is no such thing"),
    "method_not_allowed": Kind(405, "This address does not know the method"),
    "not_acceptable": Kind(406, "The answer has no form that was asked for"),
    "plan_not_draft": Kind(409, "Only a draft can be published"),
    "plan_has_violations": Kind(409, "A plan that breaks rules cannot be published"),
    "plan_is_stale": Kind(409, "The day has moved on since this plan was made"),
    "plan_moved": Kind(409, "Somebody changed the plan meanwhile"),
    "offer_gone": Kind(409, "The offer can no longer be kept"),
    "job_not_open": Kind(409, "Somebody goes there already, or the job is over"),
    "job_not_planned": Kind(409, "Nobody is to go there"),
    "nothing_published": Kind(409, "There is no published plan to change"),
    "nothing_to_undo": Kind(409, "There is no change to take back"),
    "already_begun": Kind(409, "It has begun and cannot be taken back"),
    "no_repair": Kind(409, "No way was found that keeps every rule"),
    "plan_run_finished": Kind(409, "The run is over"),
    "pack_not_ready": Kind(409, "The evidence is not made yet"),
    "pack_finished": Kind(409, "The order is over"),
    "scenario_running": Kind(409, "The scenario is being answered"),
    "scenario_not_done": Kind(409, "The scenario has no answer yet"),
    "scenario_adopted": Kind(409, "The scenario has been adopted"),
    "scenarios_differ": Kind(409, "These scenarios cannot be compared"),
    "nothing_to_adopt": Kind(409, "The scenario opens nothing"),
    "outlet_in_use": Kind(409, "An outlet or post is in use already"),
    "outlet_closed": Kind(409, "The outlet is closed or about to close"),
    "illegal_transition": Kind(409, "The visit is not in a state for this"),
    "signature_wrong": Kind(422, "This is not what the phone has signed"),
    "event_id_reused": Kind(409, "This event id already names another event"),
    "checklist_incomplete": Kind(409, "The checklist is not complete"),
    "stock_short": Kind(409, "There are not enough pieces there"),
    "serial_used": Kind(409, "This piece is built in already"),
    "photo_damaged": Kind(500, "The photo's bytes are not what was kept"),
    "double_booking": Kind(409, "A technician would be in two places at once"),
    "consent_replayed": Kind(409, "This has been answered already"),
    "consent_stale": Kind(409, "What was shown has changed; read it again"),
    "quote_superseded": Kind(409, "A newer quote has taken its place"),
    "quote_expired": Kind(409, "The offer has run out; ask for a new one"),
    "quote_closed": Kind(409, "The job is over"),
    "nothing_agreed": Kind(409, "The consumer has agreed to nothing that can be billed"),
    "bill_refused": Kind(409, "The money does not add up"),
    "text_missing": Kind(409, "A text or price that must be shown has not been published"),
    "illegal_step": Kind(409, "The complaint is not in a state for this"),
    "needs_postponement": Kind(409, "That time is after the deadline; ask for a postponement"),
    "job_under_way": Kind(409, "The technician is on the way or has come"),
    "case_open": Kind(409, "Something about this consumer is still open"),
    "not_done_yet": Kind(409, "The work is not done yet"),
    "already_decided": Kind(409, "This has been decided"),
    "audit_order": Kind(409, "The audit is not in a state for this"),
    "audit_incomplete": Kind(409, "Findings are missing"),
    "already_exists": Kind(409, "There is one already"),
    "link_expired": Kind(410, "This link has ended; ask for a new one"),
    "pack_gone": Kind(410, "The file was kept for a while and is gone"),
    "precondition_failed": Kind(412, "It has changed since you read it"),
    "too_large": Kind(413, "The request is too large"),
    "not_json": Kind(415, "Send application/json"),
    "malformed_json": Kind(422, "The body is not JSON"),
    "invalid": Kind(422, "Some values do not fit"),
    "scenario_invalid": Kind(422, "This cannot be planned"),
    "evidence_missing": Kind(422, "What excuses needs a reason and evidence"),
    "rules_unknown": Kind(422, "There are no such rules"),
    "serial_needed": Kind(422, "This part is built in with its serial number"),
    "table_unreadable": Kind(422, "The file is not a table of the columns asked for"),
    "import_refused": Kind(422, "Some rows are wrong; nothing was taken"),
    "upload_gap": Kind(409, "Pieces before this one have not come"),
    "not_a_photo": Kind(422, "The body is not a photo"),
    "unknown_reference": Kind(422, "A thing referred to does not exist"),
    "audit_mismatch": Kind(422, "This is not what was committed to"),
    "nothing_to_sample": Kind(422, "There is nothing to draw from"),
    "nothing_to_plan": Kind(422, "There is no shift to plan on that day"),
    "idempotency_key_reused": Kind(422, "This Idempotency-Key was used for another request"),
    "precondition_required": Kind(428, "Say which version you mean: send If-Match"),
    "too_many_attempts": Kind(429, "Too many attempts; wait a little"),
    "internal_error": Kind(500, "Something went wrong here"),
    "unavailable": Kind(503, "The database or the roads are out of reach"),
}

_BY_STATUS = {
    400: "bad_request",
    401: "not_signed_in",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    412: "precondition_failed",
    413: "too_large",
    415: "not_json",
    422: "invalid",
    428: "precondition_required",
    429: "too_many_attempts",
    503: "unavailable",
}


class ProblemSchema(Schema):
    """RFC 9457 problem details, with a code for programs and the parameters that explain it."""

    type = fields.String(required=True, metadata={"format": "uri"})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(required=True, metadata={"enum": list(PROBLEMS)})
    detail = fields.String()
    instance = fields.String(metadata={"format": "uri-reference"})
    params = fields.Dict(metadata={"description": "What a program needs to react"})
    errors = fields.Dict(metadata={"description": "Per place in the request, what does not fit"})


def problem(
    code: str,
    detail: str = "",
    *,
    params: dict[str, Any] | None = None,
    errors: Any = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """The answer for a documented code."""
    kind = PROBLEMS[code]
    body: dict[str, Any] = {
        "type": f"urn:zhunda:problem:{code}",
        "title": kind.title,
        "status": kind.status,
        "code": code,
        "instance": request.path,
    }
    if detail:
        body["detail"] = detail
    if params:
        body["params"] = params
    if errors:
        body["errors"] = errors
    response = Response(
        # ASCII: what is echoed from a request may hold half a surrogate pair.
        json.dumps(body, default=str),
        status=kind.status,
        mimetype=MEDIA_TYPE,
    )
    for name, value in (headers or {}).items():
        response.headers[name] = value
    response.headers["Cache-Control"] = "no-store"
    return response


def from_http(error: HTTPException) -> Response:
    """Flask's, webargs' and the limiter's own errors in our form."""
    if error.response is not None and error.code is not None and error.code < 400:
        return error.response  # type: ignore[return-value]
    status = error.code or 500
    data = getattr(error, "data", None) or {}
    headers = dict(data.get("headers") or {})
    for name in ("Allow", "Retry-After", "WWW-Authenticate"):
        found = error.get_response(request.environ).headers.get(name)
        if found:
            headers[name] = found
    code = data.get("code") or _BY_STATUS.get(status)
    if code is None:
        code = "internal_error" if status >= 500 else "bad_request"
    errors = data.get("errors") or data.get("messages")
    detail = data.get("detail", "")
    if code == "invalid" and not detail and errors:
        detail = "; ".join(_flatten(errors))[:500]
    params = None
    if code == "too_large" and request.max_content_length:
        params = {"largest_bytes": request.max_content_length}
        detail = detail or f"up to {request.max_content_length} bytes are taken here"
    return problem(code, detail, params=params, errors=errors, headers=headers)


def _flatten(errors: Any, path: str = "") -> list[str]:
    if isinstance(errors, dict):
        return [
            line
            for key, value in errors.items()
            for line in _flatten(value, f"{path}.{key}" if path else str(key))
        ]
    if isinstance(errors, list):
        return [f"{path}: {' '.join(str(error) for error in errors)}"]
    return [f"{path}: {errors}"]


def from_refusal(refusal: Refusal) -> Response:
    """A use case said no."""
    headers = {}
    if PROBLEMS[refusal.code].status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="zhunda"'
    return problem(refusal.code, refusal.detail, params=refusal.params, headers=headers)


def from_database(error: DBAPIError) -> Response:
    """The database is away, or it refused something nobody foresaw."""
    if isinstance(error, OperationalError) or error.connection_invalidated:
        log.error("database out of reach", error=str(error.orig))
        return problem("unavailable", headers={"Retry-After": "2"})
    log.exception("database refused", path=request.path)
    return problem("internal_error")


def from_exception(_error: Exception) -> Response:
    """A fault of ours: logged with its trace, told without it."""
    log.exception("unhandled", path=request.path, method=request.method)
    return problem("internal_error")


def register(app: Flask) -> None:
    """Every error of this application leaves as a problem."""
    app.register_error_handler(Refusal, from_refusal)
    app.register_error_handler(HTTPException, from_http)
    app.register_error_handler(DBAPIError, from_database)
    app.register_error_handler(Exception, from_exception)
