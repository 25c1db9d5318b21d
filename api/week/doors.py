"""Reports through every door, and what consumers do before anybody comes."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.db.models import Job, PhoneCall
from api.services import calls, choices, consumer_links, inbox, office, warranties
from api.services.carriers import Incoming
from api.services.intake import Report, take_report
from api.services.refusals import Refusal
from api.week.cast import Cast, consumer_of
from api.week.story import Fate, Scene
from domain.lifecycle import JobEvent, Mode
from domain.places import Place

NAMES = UUID("6f0b8f5e-6b1c-4c55-9a53-0f4f2d2b9b11")
MESSAGES = ("sms", "wechat", "email")


def key(*words: object) -> UUID:
    """An id that follows from the story: the same step twice is one step."""
    return uuid5(NAMES, "/".join(map(str, words)))


def take(session: Session, scene: Scene, cast: Cast) -> Job:
    """A scene's report, by its door."""
    now = scene.reported_at + timedelta(seconds=scene.rings_s + 40)
    if scene.channel in MESSAGES:
        return _message(session, scene, now)
    call_id = _call(session, scene, cast, now) if scene.channel == "phone" else None
    actor = cast.desk.person_id if scene.channel in ("phone", "walk_in") else None
    return take_report(session, _report(scene, call_id), actor, now)


def _report(scene: Scene, call_id: UUID | None = None) -> Report:
    fault = scene.fault
    brought_in = scene.fate is Fate.DROP_IN
    return Report(
        channel=scene.channel,
        reported_at=scene.reported_at,
        product=fault.kind.product,
        fault=fault.kind.code,
        description=f"{fault.brand}. {fault.kind.text_en} / {fault.kind.text_zh}",
        consumer_name=fault.consumer,
        consumer_phone=fault.phone,
        address=str(fault.address),
        place=fault.place,
        mode=Mode.DROP_IN if brought_in else Mode.ON_SITE,
        call_id=call_id,
    )


def _call(session: Session, scene: Scene, cast: Cast, now: datetime) -> UUID:
    """The call with its ring, menu and human answer, as the exchange tells it."""
    ring = scene.reported_at
    log = calls.CallLog(
        call_key=f"week-{scene.number}",
        caller=scene.fault.phone,
        line="service",
        ring_at=ring,
        menu_at=ring + timedelta(seconds=2),
        answer_at=ring + timedelta(seconds=scene.rings_s),
        end_at=ring + timedelta(seconds=scene.rings_s + 30),
    )
    calls.log_calls(session, [log], "webhook", None, now)
    return session.scalars(select(PhoneCall.id).where(PhoneCall.call_key == log.call_key)).one()


def _message(session: Session, scene: Scene, now: datetime) -> Job:
    fault = scene.fault
    text = "\n".join(
        (
            f"产品：{fault.kind.product}",
            f"故障：{fault.kind.code}",
            f"姓名：{fault.consumer}",
            f"电话：{fault.phone}",
            f"地址：{fault.address}",
            f"位置：{fault.place.lat}, {fault.place.lon}",
            f"描述：{fault.kind.text_zh}",
        )
    )
    message = Incoming(
        key=f"week-{scene.number}",
        sender=f"w{scene.number}@example.org" if scene.channel == "email" else fault.phone,
        subject="维修",
        text=text,
        received_at=scene.reported_at,
    )
    _, job = inbox.take_message(session, scene.channel, message, None, now)
    # A gateway that sends twice changes nothing.
    again, second = inbox.take_message(session, scene.channel, message, None, now)
    assert second is None
    if job is None:
        raise RuntimeError(f"message {message.key}: {again.problem}")
    return job


def before_the_visit(session: Session, scene: Scene, job: Job, cast: Cast) -> None:
    """What the consumer or the desk does at once: choose, postpone, cancel, solve, bring in."""
    now = scene.reported_at + timedelta(minutes=12)
    fate = scene.fate
    if fate is Fate.WARRANTY:
        proof = warranties.Proof(
            serial=f"SN{scene.number:06}",
            sold_on=scene.reported_at.date() - timedelta(days=90),
            warranty_months=12,
            proof=f"invoice {scene.number}",
        )
        warranties.put_purchase(session, job, proof, cast.desk.person_id)
    elif fate is Fate.POSTPONED:
        who = consumer_of(session, job, now)
        start = now + timedelta(days=1, hours=2)
        wish = consumer_links.Postponement(
            key("postponed", scene.number), start, start + timedelta(hours=30), "away until then"
        )
        consumer_links.postpone(session, job, wish, who, now)
    elif fate is Fate.CANCELLED:
        office.tell(
            session,
            job.id,
            JobEvent.CANCELLED,
            cast.desk.person_id,
            now,
            reason="works again",
            by="consumer",
        )
    elif fate is Fate.REMOTE:
        office.tell(
            session,
            job.id,
            JobEvent.REMOTE_SOLVED,
            cast.desk.person_id,
            now,
            reason="reset by telephone",
        )
    elif scene.number % 25 == 0:
        _choose(session, job, now)


def _choose(session: Session, job: Job, now: datetime) -> None:
    """Looks at the alternatives and takes the first that keeps the deadline."""
    who = consumer_of(session, job, now)
    shown = choices.offer_choices(session, job, "zh", "link", now)
    for number, option in enumerate(shown.shown["options"]):
        if option["keeps_deadline"] and option["mode"] == "on_site":
            try:
                choices.choose(session, job, shown.id, number, who, now)
            except Refusal:
                continue
            return


def workshop(session: Session, job_id: UUID, cast: Cast, now: datetime) -> None:
    """An appliance that is brought in, repaired and taken home."""
    for hours, event in enumerate(
        (JobEvent.ITEM_RECEIVED, JobEvent.ITEM_REPAIRED, JobEvent.ITEM_RETURNED)
    ):
        office.tell(session, job_id, event, cast.desk.person_id, now + timedelta(hours=hours))


def report_again(session: Session, job: Job, now: datetime) -> Job:
    """The same fault of the same consumer, reported by the web."""
    request = job.request
    report = Report(
        channel="web",
        reported_at=now,
        product=request.product,
        fault=request.fault,
        description="it is back",
        consumer_name=request.consumer.name,
        consumer_phone=request.consumer.phone,
        address=request.address,
        place=Place(request.lat, request.lon),
    )
    return take_report(session, report, None, now + timedelta(minutes=1))
