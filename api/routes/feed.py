"""What happens, as it happens: a stream for pages, pages of the same for programs."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

from flask import Response, current_app, request
from sqlalchemy.orm import Session, sessionmaker

from api.access import V1
from api.parsing import Blueprint
from api.schemas.fields import CursorQuery
from api.schemas.plans import ActivityPageSchema
from api.services.activity import Cursor, latest, read
from api.services.feed import Feed
from api.services.feed_words import masked
from api.services.refusals import Refusal
from api.unit_of_work import database, identity

blueprint = Blueprint("feed", __name__, url_prefix=V1, description="What happens")
HEARTBEAT_S = 15.0
UNSETTLED_S = 0.25
LINES_AT_ONCE = 200


def _whose() -> dict[str, Any]:
    """Whose lines are read: a technician's own, a manager's outlet's, all of them otherwise."""
    who = identity()
    return {"technician_number": who.technician_number, "outlet_id": who.outlet_id}


@blueprint.route("/activity", methods=["GET"])
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, ActivityPageSchema)
def activity(query: dict[str, Any]) -> dict[str, Any]:
    """The feed from a cursor on, oldest first. `next` is always there: poll with it again."""
    after = Cursor.parse(query["cursor"]) if query.get("cursor") else Cursor()
    lines = read(database(), after, query["limit"], **_whose())
    return {
        "items": masked(database(), lines, identity().role),
        "next": str(lines[-1].cursor if lines else after),
    }


@blueprint.route("/events", methods=["GET"])
@blueprint.response(200, description="text/event-stream", content_type="text/event-stream")
@blueprint.alt_response(503, description="Too many streams are open here")
def events() -> Response:
    """Server-sent events from now on or from `Last-Event-ID`; technicians see their own lines."""
    given = request.headers.get("Last-Event-ID", "").strip()
    session = database()
    start = Cursor.parse(given) if given else latest(session)
    only = _whose()
    session.commit()
    session.close()
    slots: threading.Semaphore = current_app.extensions["zhunda.streams"]
    if not slots.acquire(blocking=False):
        raise Refusal("unavailable", "too many streams are open")
    stream = _Stream(
        _lines(
            current_app.extensions["zhunda.sessions"],
            current_app.extensions["zhunda.feed"],
            start,
            only,
            identity().role,
        ),
        slots,
    )
    # No request context here: it would keep the request's session for as long as the stream.
    response = Response(stream, mimetype="text/event-stream")
    response.call_on_close(stream.close)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response


class _Stream:
    """A stream that gives its slot back once, however it ends."""

    def __init__(self, lines: Iterator[str], slots: threading.Semaphore) -> None:
        self._lines = lines
        self._slots: threading.Semaphore | None = slots

    def __iter__(self) -> Iterator[str]:
        return self._lines

    def close(self) -> None:
        """Give the slot back."""
        slots, self._slots = self._slots, None
        if slots is not None:
            slots.release()


def _lines(
    sessions: sessionmaker[Session], feed: Feed, after: Cursor, only: dict[str, Any], role: str
) -> Iterator[str]:
    yield f"retry: 2000\nid: {after}\n\n"
    turn = feed.turn
    while True:
        with sessions() as session:
            lines = read(session, after, LINES_AT_ONCE, **only)
            bodies = masked(session, lines, role)
        for line, told in zip(lines, bodies, strict=True):
            after = line.cursor
            body = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
            yield f"id: {after}\nevent: {line.kind}\ndata: {body}\n\n"
        if len(lines) == LINES_AT_ONCE:
            continue
        woken = feed.wait(turn, HEARTBEAT_S)
        if woken == turn:
            yield ": alive\n\n"
        elif not lines:
            # Woken, but the line may lie above the oldest open transaction: look again shortly.
            feed.wait(woken, UNSETTLED_S)
        turn = woken
