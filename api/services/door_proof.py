"""Whether what a phone tells of a door holds: nobody opened, and how one sees that."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.db.models import Photo, Visit, VisitEvent
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
    visit: Visit, place: Place, accuracy_m: int | None, near_m: int
) -> dict[str, Any]:
    """How far from the door a phone said that it had come, and whether that is near.

    An arrival far off is taken all the same: addresses are found wrongly on maps, and nothing that
    happened may be lost. It is listed for somebody to look at, and nobody is paid for it.

    Parameters
    ----------
    accuracy_m
        What the phone says its place may be off by; at most once more ``near_m`` of it counts.
    """
    request = visit.job.request
    metres = round(metres_between(place, Place(request.lat, request.lon)))
    return {"metres": metres, "near": metres <= near_m + min(accuracy_m or 0, near_m)}


def far_arrivals(session: Session, job_ids: Sequence[UUID]) -> set[UUID]:
    """Jobs at whose door nobody's phone has been: every arrival on record was told from afar."""
    near = VisitEvent.details["proof"]["near"].as_boolean()
    rows = session.execute(
        select(Visit.job_id)
        .join(VisitEvent, VisitEvent.visit_id == Visit.id)
        .where(Visit.job_id.in_(job_ids), VisitEvent.kind == "arrived", near.is_not(None))
        .group_by(Visit.job_id)
        .having(~func.bool_or(near))
    )
    return set(rows.scalars())


def event_of(session: Session, visit_id: UUID, kind: str) -> VisitEvent | None:
    """The event of a kind that a visit has taken."""
    return session.scalars(
        select(VisitEvent).where(VisitEvent.visit_id == visit_id, VisitEvent.kind == kind).limit(1)
    ).first()
