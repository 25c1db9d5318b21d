"""A consumer's choice of provider, mode and time: the alternatives shown are kept as shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from geopy.distance import geodesic
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from api.db.models import Choice, Job, Outlet, Shift, Visit
from api.db.models import PriceBook as PriceBookRow
from api.services.activity import record
from api.services.homes import homes
from api.services.identity import Identity
from api.services.office import tell
from api.services.papers import current_text, prices_on
from api.services.refusals import Refusal
from api.services.rule_packs import setting_of
from api.services.warranties import entitlement_of, free_kinds
from domain.choosing import Option, rank
from domain.fees import LineKind, fingerprint
from domain.judging import Setting
from domain.lifecycle import JobEvent, JobState, Mode

AHEAD = timedelta(days=4)
SLOT = timedelta(hours=4)
SHORTEST = timedelta(hours=1)
NEAREST = 3
"""Providers that are shown; the rule says so."""

STANDS_FOR = timedelta(hours=2)
CODE_OF_MODE = {Mode.MAIL_IN: "MAIL-IN", Mode.DROP_IN: "DROP-IN", Mode.REMOTE: "REMOTE"}


def offer_choices(session: Session, job: Job, language: str, door: str, now: datetime) -> Choice:
    """The alternatives for a job as they stand now, ranked by the published rule, and logged.

    Raises
    ------
    Refusal
        ``quote_closed`` for a job that is over; ``text_missing`` without a published ranking rule
        or prices.
    """
    if job.status in ("done", "cancelled"):
        raise Refusal("quote_closed", f"the job is {job.status}", status=job.status)
    rule = current_text(session, "ranking", language)
    if rule is None:
        raise Refusal("text_missing", "publish the ranking rule first", missing=["ranking"])
    setting = setting_of(session)
    book = prices_on(session, setting.day(now))
    _, found = entitlement_of(session, job)
    free_visit = LineKind.VISIT in free_kinds(found)
    options = rank(_options(session, job, book, free_visit, now, setting))
    shown = {
        "job": job.number,
        "currency": book.currency,
        "ranking": {"version": rule.version, "sha256": rule.sha256, "body": rule.body},
        "price_book": {"version": book.version, "sha256": book.sha256},
        "options": [option.document() for option in options],
    }
    choice = Choice(job_id=job.id, shown=shown, sha256=fingerprint(shown), door=door, shown_at=now)
    session.add(choice)
    session.flush()
    record(
        session,
        "choices_shown",
        "job",
        job.id,
        choice_id=str(choice.id),
        options=len(options),
        ranking=rule.sha256,
    )
    return choice


def choose(
    session: Session, job: Job, choice_id: UUID, option: int, who: Identity, now: datetime
) -> Choice:
    """Take one of the alternatives that were shown; a window becomes the job's appointment.

    A window behind the first deadline needs a postponement of its own, and is refused here: a
    deadline is not given up by the way.

    Raises
    ------
    Refusal
        ``not_found``; ``consent_replayed`` when it was chosen already; ``quote_expired`` when the
        list is old; ``invalid`` for an option that was not shown; ``needs_postponement``;
        ``job_under_way`` when somebody is on the way or has come.
    """
    choice = session.scalars(
        select(Choice).where(Choice.id == choice_id, Choice.job_id == job.id).with_for_update()
    ).one_or_none()
    if choice is None:
        raise Refusal("not_found", "this job has no such list of alternatives")
    if choice.chosen is not None:
        raise Refusal("consent_replayed", "an alternative was chosen already", chosen=choice.chosen)
    if choice.shown_at + STANDS_FOR <= now:
        raise Refusal("quote_expired", "the alternatives are old; ask for them again")
    options = choice.shown["options"]
    if not 0 <= option < len(options):
        raise Refusal("invalid", f"option must be 0 to {len(options) - 1}", option=option)
    refuse_under_way(session, job)
    taken = options[option]
    if not taken["keeps_deadline"]:
        raise Refusal(
            "needs_postponement",
            "this is after the deadline; ask for a postponement to that time instead",
            due_at=job.due_at.isoformat(),
        )
    choice.chosen, choice.chosen_at, choice.person_id = option, now, who.person_id
    _follow(session, job, taken, who, now)
    record(
        session,
        "choice_made",
        "job",
        job.id,
        actor_id=who.person_id,
        choice_id=str(choice.id),
        option=option,
        mode=taken["mode"],
        provider=taken["provider"],
        start=taken["start"],
        end=taken["end"],
    )
    return choice


def _follow(
    session: Session, job: Job, taken: dict[str, Any], who: Identity, now: datetime
) -> None:
    """Make the job what was chosen: a visit in a window, or a thing that is brought or sent.

    A remote try takes no visit off the plan: only its success does, and the desk tells that.
    """
    mode = Mode(taken["mode"])
    if mode in (Mode.DROP_IN, Mode.MAIL_IN) and job.status in (JobState.OPEN, JobState.PLANNED):
        tell(session, job.id, JobEvent.ITEM_EXPECTED, who.person_id, now, mode=str(mode))
    if mode is Mode.ON_SITE:
        if job.status == JobState.AWAITING_ITEM:
            tell(session, job.id, JobEvent.VISIT_WANTED, who.person_id, now)
        job.windows = [[taken["start"], taken["end"]]]


def refuse_under_way(session: Session, job: Job) -> None:
    """A time cannot be changed once somebody is on the way."""
    begun = session.scalar(
        select(Visit.id)
        .where(Visit.job_id == job.id, Visit.active, Visit.state.in_(("on_the_way", "arrived")))
        .limit(1)
    )
    if begun is not None:
        raise Refusal("job_under_way", "the technician is on the way or has come")


def _options(
    session: Session,
    job: Job,
    book: PriceBookRow,
    free_visit: bool,
    now: datetime,
    setting: Setting,
) -> Iterable[Option]:
    prices = {item["code"]: item["unit_fen"] for item in book.document["items"]}
    visit_fen = next(
        (
            item["unit_fen"]
            for item in book.document["items"]
            if item["kind"] == LineKind.VISIT and item["code"] not in CODE_OF_MODE.values()
        ),
        0,
    )
    here = (job.request.lat, job.request.lon)
    shifts = _shifts(session, job, now)
    busy = _busy(session, now)
    known = homes(session)
    home = {shift.id: known.on(shift.technician, shift.day) for shift in shifts}
    outlets = {
        outlet.id: outlet
        for outlet in session.scalars(select(Outlet).where(Outlet.id.in_(set(home.values()))))
    }
    distance = {
        outlet.id: round(geodesic(here, (outlet.lat, outlet.lon)).m) for outlet in outlets.values()
    }
    nearest = sorted(distance, key=lambda outlet_id: (distance[outlet_id], outlet_id))[:NEAREST]
    for outlet_id in nearest:
        own = [shift for shift in shifts if home[shift.id] == outlet_id]
        name = outlets[outlet_id].name
        slots: Counter[tuple[datetime, datetime]] = Counter()
        for shift in own:
            for slot in _slots(shift.start_at, shift.end_at, now):
                taken = sum(
                    start < slot[1] and end > slot[0]
                    for start, end in busy.get(shift.technician_number, ())
                )
                slots[slot] += 1 if taken * job.service_s < SLOT.total_seconds() / 2 else 0
        for (start, end), people in sorted(slots.items()):
            if people:
                yield Option(
                    str(outlet_id),
                    name,
                    Mode.ON_SITE,
                    start,
                    end,
                    0 if free_visit else visit_fen,
                    distance[outlet_id],
                    people,
                    start <= job.due_at,
                )
        # The outlet is open while its people work; whoever brings or sends pays no visit.
        opens = max(now, min(shift.start_at for shift in own))
        closes = max(shift.end_at for shift in own if shift.start_at <= opens + SLOT)
        for mode in (Mode.DROP_IN, Mode.MAIL_IN, Mode.REMOTE):
            if mode is not Mode.DROP_IN and outlet_id != nearest[0]:
                continue
            yield Option(
                str(outlet_id),
                name,
                mode,
                opens,
                closes,
                prices.get(CODE_OF_MODE[mode], 0),
                distance[outlet_id],
                len({shift.technician_number for shift in own}),
                opens <= job.due_at,
            )


def _shifts(session: Session, job: Job, now: datetime) -> list[Shift]:
    shifts = session.scalars(
        select(Shift)
        .where(Shift.end_at > now + SHORTEST, Shift.start_at < now + AHEAD)
        .options(joinedload(Shift.technician))
        .order_by(Shift.start_at, Shift.technician_number)
    )
    return [
        shift
        for shift in shifts
        if all(shift.technician.skills.get(name, 0) >= job.skills[name] for name in job.skills)
    ]


def _busy(session: Session, now: datetime) -> dict[int, list[tuple[datetime, datetime]]]:
    busy: dict[int, list[tuple[datetime, datetime]]] = {}
    for row in session.execute(
        select(Visit.technician_number, Visit.arrival_at, Visit.end_at).where(
            Visit.active, Visit.end_at > now, Visit.arrival_at < now + AHEAD
        )
    ):
        busy.setdefault(row.technician_number, []).append((row.arrival_at, row.end_at))
    return busy


def _slots(start: datetime, end: datetime, now: datetime) -> Iterable[tuple[datetime, datetime]]:
    """Half days of a shift that lie ahead by an hour at least."""
    at = start
    while at + SHORTEST <= end:
        until = min(at + SLOT, end)
        if until - SHORTEST >= now and until - at >= SHORTEST:
            yield max(at, now.replace(second=0, microsecond=0)), until
        at += SLOT


def choice_view(choice: Choice) -> dict[str, Any]:
    """A choice record as the API tells it."""
    return {
        "id": choice.id,
        "job_id": choice.job_id,
        "sha256": choice.sha256,
        "shown": choice.shown,
        "shown_at": choice.shown_at,
        "chosen": choice.chosen,
        "chosen_at": choice.chosen_at,
    }
