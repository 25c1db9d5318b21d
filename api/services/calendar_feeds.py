"""A technician's visits as a calendar that any calendar program can follow (RFC 5545).

Who has the address sees the calendar, and calendar programs hand it to their makers' servers: so
it tells the job and the street, no consumer's name or number, no house number.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event
from sqlalchemy import select, update
from sqlalchemy.orm import Session, joinedload

from api.db.models import CalendarFeed, Job, Technician, Visit
from api.services.activity import record
from api.services.identity import Identity
from api.services.masking import mask_address
from api.services.refusals import Refusal
from api.services.regions import local_day, the_region
from api.services.scope import technicians_within
from domain import roles

DAYS_BACK: Final = 30
REFRESH: Final = timedelta(minutes=15)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _technician(session: Session, who: Identity, technician_id: UUID) -> Technician:
    found = session.scalars(
        select(Technician).where(Technician.id == technician_id).where(technicians_within(who))
    ).one_or_none()
    if found is None:
        raise Refusal("not_found")
    return found


def make_feed(session: Session, who: Identity, technician_id: UUID, now: datetime) -> str:
    """A new secret of a technician's calendar; the one before it ends.

    Raises
    ------
    Refusal
        ``not_found`` for a technician out of reach.
    """
    technician = _technician(session, who, technician_id)
    _revoke(session, technician, now)
    secret = secrets.token_urlsafe(32)
    feed = CalendarFeed(
        technician_number=technician.number, secret_hash=_hash(secret), created_by=who.person_id
    )
    session.add(feed)
    session.flush()
    record(
        session,
        "calendar_opened",
        "technician",
        technician.id,
        actor_id=who.person_id,
        technician_number=technician.number,
    )
    return secret


def revoke_feed(session: Session, who: Identity, technician_id: UUID, now: datetime) -> None:
    """End a technician's calendar; doing it again changes nothing.

    Raises
    ------
    Refusal
        ``not_found`` for a technician out of reach.
    """
    technician = _technician(session, who, technician_id)
    if _revoke(session, technician, now):
        record(
            session,
            "calendar_closed",
            "technician",
            technician.id,
            actor_id=who.person_id,
            technician_number=technician.number,
        )


def _revoke(session: Session, technician: Technician, now: datetime) -> bool:
    ended = session.execute(
        update(CalendarFeed)
        .where(
            CalendarFeed.technician_number == technician.number, CalendarFeed.revoked_at.is_(None)
        )
        .values(revoked_at=now)
        .returning(CalendarFeed.id)
    ).all()
    return bool(ended)


def calendar_of(session: Session, secret: str, now: datetime) -> bytes:
    """The calendar of a secret: active visits from a month ago on.

    The same visits give the same bytes, so that their hash can be the ETag.

    Raises
    ------
    Refusal
        ``not_found`` for a secret that opens nothing, or nothing any more.
    """
    technician = session.scalars(
        select(Technician)
        .join(CalendarFeed, CalendarFeed.technician_number == Technician.number)
        .where(CalendarFeed.secret_hash == _hash(secret), CalendarFeed.revoked_at.is_(None))
    ).one_or_none()
    if technician is None:
        raise Refusal("not_found")
    region = the_region(session)
    first = local_day(now, region.timezone) - timedelta(days=DAYS_BACK)
    calendar = Calendar()
    calendar.add("prodid", "-//Zhunda//field service//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", technician.name)
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    for visit in _visits(session, technician.number, first):
        calendar.add_component(_event(visit, ZoneInfo(region.timezone)))
    if calendar.subcomponents:
        calendar.add_missing_timezones()
    return calendar.to_ical()


def _visits(session: Session, technician_number: int, first: date) -> list[Visit]:
    return list(
        session.scalars(
            select(Visit)
            .where(Visit.technician_number == technician_number, Visit.active, Visit.day >= first)
            .options(joinedload(Visit.job).joinedload(Job.request))
            .order_by(Visit.start_at, Visit.id)
        )
    )


def _event(visit: Visit, zone: ZoneInfo) -> Event:
    request = visit.job.request
    event = Event()
    event.add("uid", f"{visit.id}@zhunda")
    # RFC 5545 wants an instant here; one that stays the same while the visit does.
    event.add("dtstamp", visit.job.created_at)
    event.add("dtstart", visit.start_at.astimezone(zone))
    event.add("dtend", visit.end_at.astimezone(zone))
    event.add("summary", f"{visit.job.number} · {request.product} · {request.fault}")
    event.add("location", mask_address(request.address, roles.PLANNER))
    event.add("status", "CONFIRMED")
    return event
