"""Who follows what happens: calendars of technicians, addresses that are told of changes."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

from flask import Response, current_app, request
from sqlalchemy import select

from api.access import V1
from api.db.models import Webhook, WebhookDelivery
from api.parsing import Blueprint
from api.schemas.exchange import (
    CalendarSchema,
    DeliveryPageSchema,
    DeliveryQuery,
    DeliverySchema,
    MadeWebhookSchema,
    NewWebhookSchema,
    WebhookPageSchema,
)
from api.schemas.fields import CursorQuery
from api.services import calendar_feeds, webhooks
from api.services.paging import page
from api.services.visits import utc_now
from api.unit_of_work import database, identity

blueprint = Blueprint("followers", __name__, url_prefix=V1, description="Calendars and webhooks")


@blueprint.route("/technicians/<uuid:technician_id>/calendar", methods=["POST"])
@blueprint.response(201, CalendarSchema)
def open_calendar(technician_id: UUID) -> dict[str, Any]:
    """A new secret address of a technician's calendar, told once; the one before it ends."""
    secret = calendar_feeds.make_feed(database(), identity(), technician_id, utc_now())
    return {"path": f"{V1}/calendars/{secret}.ics"}


@blueprint.route("/technicians/<uuid:technician_id>/calendar", methods=["DELETE"])
@blueprint.response(204)
def close_calendar(technician_id: UUID) -> None:
    """End a technician's calendar."""
    calendar_feeds.revoke_feed(database(), identity(), technician_id, utc_now())


@blueprint.route("/calendars/<string:secret>.ics", methods=["GET"])
@blueprint.response(200, description="iCalendar (RFC 5545)")
def calendar(secret: str) -> Response:
    """A technician's visits for a calendar program; the secret in the address opens it."""
    body = calendar_feeds.calendar_of(database(), secret, utc_now())
    answer = Response(body, mimetype="text/calendar")
    answer.set_etag(hashlib.sha256(body).hexdigest()[:32])
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer.make_conditional(request)


@blueprint.route("/webhooks", methods=["GET"])
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, WebhookPageSchema)
def hooks(query: dict[str, Any]) -> dict[str, Any]:
    """Addresses that are told of changes."""
    items, following = page(
        database(),
        select(Webhook).where(Webhook.removed_at.is_(None)),
        [Webhook.id],
        query.get("cursor"),
        query["limit"],
    )
    return {"items": items, "next": following}


@blueprint.route("/webhooks", methods=["POST"])
@blueprint.arguments(NewWebhookSchema)
@blueprint.response(201, MadeWebhookSchema)
def new_hook(data: dict[str, Any]) -> dict[str, Any]:
    """Tell an address of changes from now on; the secret it checks with is told once."""
    hook = webhooks.add_webhook(
        database(),
        data["url"],
        data["kinds"],
        identity().person_id,
        allow_private=current_app.extensions["zhunda.settings"].webhook_private_targets,
    )
    return {
        "id": hook.id,
        "url": hook.url,
        "kinds": hook.kinds,
        "created_at": hook.created_at,
        "secret": hook.secret,
    }


@blueprint.route("/webhooks/<uuid:webhook_id>", methods=["DELETE"])
@blueprint.response(204)
def remove_hook(webhook_id: UUID) -> None:
    """Tell an address nothing more."""
    webhooks.remove_webhook(database(), webhook_id, identity().person_id, utc_now())


@blueprint.route("/webhook-deliveries", methods=["GET"])
@blueprint.arguments(DeliveryQuery, location="query")
@blueprint.response(200, DeliveryPageSchema)
def deliveries(query: dict[str, Any]) -> dict[str, Any]:
    """What was sent, is waiting, or was given up (`status=dead`)."""
    wanted = select(WebhookDelivery)
    if "status" in query:
        wanted = wanted.where(WebhookDelivery.status == query["status"])
    items, following = page(
        database(), wanted, [WebhookDelivery.id], query.get("cursor"), query["limit"]
    )
    return {"items": items, "next": following}


@blueprint.route("/webhook-deliveries/<uuid:delivery_id>/redeliver", methods=["POST"])
@blueprint.response(200, DeliverySchema)
def redeliver(delivery_id: UUID) -> WebhookDelivery:
    """Send it again."""
    return webhooks.redeliver(database(), delivery_id, identity().person_id, utc_now())
