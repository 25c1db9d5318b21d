"""Whether what a phone tells of a door holds: nobody opened, and how one sees that."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.db.models import Photo, Visit, VisitEvent
from api.services.door_codes import is_door_code
from api.services.refusals import Refusal
from domain.field_policy import FieldPolicy
from domain.places import Place

EARTH_M = 6_371_000


def metres_between(one: Place, other: Place) -> float:
    """Great-circle metres (haversine)."""
    lat, other_lat = math.radians(one.lat), math.radians(other.lat)
    half = (
        math.sin((other_lat - lat) / 2) ** 2
        + math.cos(lat) * math.cos(other_lat) * math.sin(math.radians(other.lon - one.lon) / 2) ** 2
    )
    return 2 * EARTH_M * math.asin(math.sqrt(half))


def require_no_access_evidence(
    session: Session,
    visit: Visit,
    photos: Sequence[UUID],
    place: Place | None,
    at: datetime,
    policy: FieldPolicy,
) -> str:
    """What shows that nobody opened: ``photo``, or ``place_and_time``.

    Raises
    ------
    Refusal
        ``evidence_missing`` when there is neither, with what would do.
    """
    if photos:
        known = set(
            session.scalars(
                select(Photo.id).where(Photo.visit_id == visit.id, Photo.id.in_(photos))
            )
        )
        if known == set(photos):
            return "photo"
    waited_s = 0.0 if visit.arrived_at is None else (at - visit.arrived_at).total_seconds()
    request = visit.job.request
    near = (
        place is not None
        and metres_between(place, Place(request.lat, request.lon)) <= policy.no_access_near_m
    )
    if near and waited_s >= policy.no_access_wait_s:
        return "place_and_time"
    raise Refusal(
        "evidence_missing",
        "nobody opened: send a photo, or the place near the door after waiting",
        near_m=policy.no_access_near_m,
        wait_s=policy.no_access_wait_s,
        waited_s=int(waited_s),
        photos_missing=[str(photo) for photo in photos],
    )


def arrival_proof(
    session: Session,
    visit: Visit,
    place: Place | None,
    accuracy_m: int | None,
    near_m: int,
    code: str,
) -> dict[str, Any]:
    """What shows that somebody came: how far from the door the phone was, and the door's code.

    An arrival far off is taken all the same: addresses are found wrongly on maps, and nothing that
    happened may be lost. It stops no clock and pays nobody until somebody confirms it, and it is
    listed for that.

    Parameters
    ----------
    accuracy_m
        What the phone says its place may be off by; at most once more ``near_m`` of it counts.
    code
        What was told as the code on the consumer's page (`api.services.door_codes`); may be empty.
        A wrong one is taken, too: were it refused, it could be tried until it is right.
    """
    right = bool(code) and is_door_code(session, visit.job_id, visit.day, code)
    found: dict[str, Any] = {"code": "right" if right else "wrong"} if code else {}
    if place is None:
        return {"metres": None, "near": False, **found}
    request = visit.job.request
    metres = round(metres_between(place, Place(request.lat, request.lon)))
    return {"metres": metres, "near": metres <= near_m + min(accuracy_m or 0, near_m), **found}


def event_of(session: Session, visit_id: UUID, kind: str) -> VisitEvent | None:
    """The event of a kind that a visit has taken."""
    return session.scalars(
        select(VisitEvent).where(VisitEvent.visit_id == visit_id, VisitEvent.kind == kind).limit(1)
    ).first()
