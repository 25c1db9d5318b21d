"""What technicians do at the doors: events, quotes and consents, parts, photos, bills."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

from PIL import Image
from sqlalchemy.orm import Session

from api.db.models import Job, Quote, Visit
from api.services import bills, consumer_links, office, offline, photos, quotes, stock
from api.services import visits as doors
from api.services.identity import Identity
from api.services.policies import checklist_on
from api.services.refusals import Refusal
from api.week.cast import Cast, consumer_of
from api.week.doors import key
from api.week.story import Fate
from domain import stock as places
from domain.lifecycle import JobEvent, VisitEvent
from domain.places import Place

OFFLINE_EVERY = 5
"""Every fifth technician has no reception and sends the day's events in the evening."""


FAR_EVERY = 61
"""Every so manieth job's phone tells an arrival two kilometres off; every second is confirmed."""


def play(
    session: Session,
    visit: Visit,
    fate: Fate,
    earlier_visits: int,
    cast: Cast,
    folder: Path,
    rng: random.Random,
) -> None:
    """One visit from acceptance to its end."""
    who = cast.technicians[visit.technician_number]
    job = session.get_one(Job, visit.job_id)
    arrival = visit.arrival_at + timedelta(seconds=rng.randrange(0, 240))
    end = max(visit.end_at, arrival + timedelta(minutes=12))
    steps = [
        (
            VisitEvent.ACCEPTED,
            max(job.reported_at, arrival - timedelta(seconds=visit.travel_s + 600)),
            {},
        ),
        (VisitEvent.ON_THE_WAY, arrival - timedelta(seconds=visit.travel_s), {}),
        (VisitEvent.ARRIVED, arrival, {}),
    ]
    told = [_event(visit, job, *step) for step in steps]
    if visit.technician_number % OFFLINE_EVERY == 0:
        # A phone without reception sends them together, in any order, some of them twice.
        batch = [offline.Told(visit.id, one) for one in (*told, told[0])]
        rng.shuffle(batch)
        answers = offline.take_batch(session, batch, who, end)
        bad = [answer for answer in answers if answer["status"] == "refused"]
        assert not bad, bad
    else:
        for one in told:
            doors.take(session, visit.id, one, who, one.at)
    if job.number % (2 * FAR_EVERY) == 0:
        consumer_links.confirm_arrival(
            session, job, key("confirmed", visit.id), visit.id, consumer_of(session, job, end), end
        )
    first = earlier_visits == 0
    if fate is Fate.NO_ACCESS and first:
        _no_access(session, visit, job, who, folder, arrival)
    elif fate is Fate.PARTS and first:
        needed = {"needed": {"AC-BOARD": 1}, "reason": "the board is burnt"}
        event = _event(visit, job, VisitEvent.PARTS_NEEDED, end, needed)
        doors.take(session, visit.id, event, who, end)
    else:
        _work(session, visit, job, fate, who, arrival, end)


def _event(
    visit: Visit, job: Job, kind: VisitEvent, at: datetime, details: dict[str, Any]
) -> doors.Report:
    place = Place(job.request.lat, job.request.lon) if kind is not VisitEvent.ACCEPTED else None
    if kind is VisitEvent.ARRIVED and job.number % FAR_EVERY == 0:
        place = Place(job.request.lat + 0.02, job.request.lon)
    return doors.Report(key("event", visit.id, kind), kind, at, place, 12, details)


def _no_access(
    session: Session, visit: Visit, job: Job, who: Identity, folder: Path, arrival: datetime
) -> None:
    at = arrival + timedelta(minutes=11)
    photo_id = key("photo", visit.id)
    photos.keep(session, folder, visit.id, photo_id, "evidence", at, _picture(visit), who, at)
    details = {"photos": [str(photo_id)], "reason": "nobody opened"}
    doors.take(session, visit.id, _event(visit, job, VisitEvent.NO_ACCESS, at, details), who, at)


def _picture(visit: Visit) -> bytes:
    """A small picture, another one for each door."""
    red, green, blue = visit.id.bytes[-3:]
    out = BytesIO()
    Image.new("RGB", (64, 48), (red, green, blue)).save(out, "JPEG")
    return out.getvalue()


def _work(
    session: Session,
    visit: Visit,
    job: Job,
    fate: Fate,
    who: Identity,
    arrival: datetime,
    end: datetime,
) -> None:
    agreed = _agree(session, job, ["VISIT", "LABOUR"], who, arrival + timedelta(minutes=2))
    if agreed and fate in (Fate.ADDED_ITEM, Fate.DECLINED_ITEM):
        yes = fate is Fate.ADDED_ITEM
        _agree(session, job, ["AUX"], who, arrival + timedelta(minutes=9), agreed=yes)
    _use_parts_and_finish(session, visit, job, who, end)
    if job.status == "done" and agreed:
        _settle(session, job, who)


def _agree(
    session: Session,
    job: Job,
    codes: list[str],
    who: Identity,
    now: datetime,
    *,
    agreed: bool = True,
) -> bool:
    """Quote, show, decide: by the consumer's link, or on the technician's screen."""
    if any(quote.status == "accepted" for quote in quotes.quotes_of(session, job.id)):
        codes = [code for code in codes if code == "AUX"]
        if not codes:
            return True
    wanted = [quotes.Wanted(code, 1) for code in codes]
    made: list[Quote] = quotes.offer(session, job, wanted, "zh", who, now)
    by_link = job.number % 2 == 0
    decider = consumer_of(session, job, now) if by_link else who
    for quote in made:
        quotes.decide(
            session,
            job,
            quote.id,
            quote.sha256,
            agreed,
            "link" if by_link else "screen",
            decider,
            now + timedelta(minutes=1),
        )
    return agreed


def _use_parts_and_finish(
    session: Session, visit: Visit, job: Job, who: Identity, end: datetime
) -> None:
    product = job.request.product
    ticks = {
        item.id: True
        for item in checklist_on(visit.day).of(product)
        if item.required and item.kind == "tick"
    }
    details: dict[str, Any] = {"checklist": ticks, "note": "done"}
    parts = [
        {"part": part, "quantity": count, "serial": f"{part}-{visit.number}"}
        for part, count in job.parts.items()
        if count == 1
    ]
    details["parts"] = parts
    event = _event(visit, job, VisitEvent.DONE, end, details)
    try:
        with session.begin_nested():
            doors.take(session, visit.id, event, who, end)
    except Refusal as refusal:
        if refusal.code not in ("stock_short", "unknown_reference"):
            raise
        _fetch(session, visit, parts, who, end)
        doors.take(session, visit.id, event, who, end)


def _fetch(
    session: Session, visit: Visit, parts: list[dict[str, Any]], who: Identity, at: datetime
) -> None:
    """What the van lacks comes from the supplier, on record like everything else."""
    for row in parts:
        stock.move(
            session,
            row["part"],
            row["quantity"],
            places.SUPPLIER,
            places.van(visit.technician_number),
            "received",
            at,
            who.person_id,
        )


def _settle(session: Session, job: Job, who: Identity) -> None:
    bill = bills.issue(session, job, who)
    if job.number % 40 == 0 and bill.total_fen > 500:
        correction = bills.Movement(key("correction", job.id), "correction", -500, "took less time")
        bills.move(session, job, correction, who)
    total = bills.account_of(session, job.id).billed or 0
    if total:
        payment = bills.Movement(key("payment", job.id), "payment", total, "card at the door")
        bills.move(session, job, payment, who)


def parts_arrived(session: Session, job_ids: list[UUID], cast: Cast, now: datetime) -> None:
    """Parts that jobs wait for have come."""
    for job_id in job_ids:
        office.tell(session, job_id, JobEvent.PARTS_ARRIVED, cast.desk.person_id, now)
