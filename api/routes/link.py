"""The consumer's link: made at the desk or by the technician, opened without a login."""

from __future__ import annotations

import json
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

import segno
from flask import current_app, g, request

from api.access import V1
from api.parsing import Blueprint
from api.routes.session import limiter
from api.schemas.rights import ConfirmationSchema, LanguageSchema, NewLinkSchema, PostponementSchema
from api.services import consumer_links
from api.services.identity import Identity
from api.services.plain import plain
from api.services.scope import reach_job
from api.services.visits import utc_now
from api.unit_of_work import database, identity

blueprint = Blueprint("link", __name__, url_prefix=V1, description="The consumer's link")


def _limit() -> str:
    return str(current_app.config["LINK_LIMIT"])


# On the whole blueprint: a limit on a view would come after the secret has been refused.
limiter.limit(_limit)(blueprint)


def _own_job() -> tuple[Identity, Any]:
    who = identity()
    assert who.job_id is not None
    return who, reach_job(database(), who, who.job_id)


@blueprint.route("/jobs/<uuid:job_id>/links", methods=["POST"])
@blueprint.arguments(NewLinkSchema)
@blueprint.response(201, description="The address, its QR code as SVG, and when it ends")
def make_link(data: dict[str, Any], job_id: UUID) -> dict[str, Any]:
    """A link for the job's consumer; the one before it opens nothing any more.

    The address is told this once: a repeat under the same Idempotency-Key tells null.
    """
    session, who = database(), identity()
    job = reach_job(session, who, job_id)
    return _told(
        *consumer_links.renew(session, job, timedelta(days=data["days"]), who.person_id, utc_now())
    )


@blueprint.route("/jobs/<uuid:job_id>/links", methods=["DELETE"])
@blueprint.response(204)
def revoke_links(job_id: UUID) -> None:
    """Close every link to a job."""
    session, who = database(), identity()
    consumer_links.revoke(session, reach_job(session, who, job_id), who.person_id, utc_now())


@blueprint.route("/link", methods=["GET"])
@blueprint.arguments(LanguageSchema, location="query")
@blueprint.response(200, description="What the consumer's page shows")
def link_page(query: dict[str, Any]) -> dict[str, Any]:
    """The consumer's own job: deadlines, arrival, quotes, bill, complaints."""
    who, job = _own_job()
    told: dict[str, Any] = plain(
        consumer_links.link_page(database(), job, who, query["language"], utc_now())
    )
    return told


@blueprint.route("/link/postponements", methods=["POST"])
@blueprint.arguments(PostponementSchema)
@blueprint.response(201, description="Both deadlines")
def postpone(data: dict[str, Any]) -> dict[str, Any]:
    """Ask for later. The first deadline stays on record; the new one stands beside it."""
    who, job = _own_job()
    consumer_links.postpone(database(), job, consumer_links.Postponement(**data), who, utc_now())
    told: dict[str, Any] = plain(
        {"due_at": job.due_at, "agreed_due_at": job.agreed_due_at, "windows": job.windows}
    )
    return told


@blueprint.route("/link/arrivals", methods=["POST"])
@blueprint.arguments(ConfirmationSchema)
@blueprint.response(201, description="The confirmation as it is on record")
def confirm_arrival(data: dict[str, Any]) -> dict[str, Any]:
    """Say that the technician came. An arrival told from afar counts from then on."""
    who, job = _own_job()
    row = consumer_links.confirm_arrival(
        database(), job, data["id"], data["visit_id"], who, utc_now()
    )
    told: dict[str, Any] = plain({"id": row.id, "visit_id": row.target, "at": row.at})
    return told


def _told(link: Any, secret: str) -> dict[str, Any]:
    # The secret stands behind the #: a browser never sends that part to any server's log.
    url = f"{request.host_url}c/#{secret}"
    told: dict[str, Any] = plain(
        {
            "id": link.id,
            "job_id": link.job_id,
            "expires_at": link.expires_at,
            "url": url,
            "qr_svg": _qr(url),
        }
    )
    g.body_to_keep = json.dumps({**told, "url": None, "qr_svg": None})
    return told


def _qr(url: str) -> str:
    buffer = BytesIO()
    segno.make(url, error="m").save(buffer, kind="svg", scale=4, border=2, xmldecl=False)
    return buffer.getvalue().decode()
