"""What follows on the work: surveys, calls back, complaints, faults that come back, merits."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from api.db.models import Job
from api.services import complaints, surveys
from api.week.cast import Cast, consumer_of
from api.week.doors import key
from api.week.story import Fate
from domain.complaints import ComplaintEvent

ANSWERS_SHARE = 0.55
STEPS = (
    (ComplaintEvent.ACCEPT, 4, ""),
    (ComplaintEvent.MEDIATE, 20, ""),
)


def after_the_work(
    session: Session, job: Job, fate: Fate, cast: Cast, now: datetime, rng: random.Random
) -> None:
    """A survey by link from more than half, a call back, a complaint from a few."""
    if job.status != "done" or job.closed_at is None:
        return
    unhappy = fate in (Fate.COMPLAINT, Fate.COMES_BACK)
    if rng.random() < ANSWERS_SHARE:
        who = consumer_of(session, job, now)
        mark = rng.choice((1, 2, 3)) if unhappy else rng.choice((3, 4, 5, 5, 5))
        answers = surveys.NewSurvey(
            key("survey", job.id),
            mark,
            2 * mark,
            not unhappy,
            {"courteous": mark > 1, "clean": True, "showed_prices": True},
            "",
        )
        surveys.answer_survey(session, job, answers, who, now)
    if rng.random() < 0.9:
        call = surveys.NewFollowUp(
            key("call back", job.id),
            max(now, job.closed_at),
            "reached" if rng.random() < 0.8 else "no_answer",
            "",
        )
        surveys.follow_up(session, job, call, cast.desk, call.at)
    if fate is Fate.COMPLAINT:
        complain(session, job, cast, now, rng)


def complain(session: Session, job: Job, cast: Cast, now: datetime, rng: random.Random) -> None:
    """A complaint by link, accepted and mediated by the desk, settled or failed, some appealed."""
    who = consumer_of(session, job, now)
    topic = rng.choice(("fee", "delay", "conduct", "quality"))
    new = complaints.NewComplaint(
        key("complaint", job.id), topic, "not as it was promised", "put it right", "link"
    )
    complaint = complaints.file(session, job, new, who, now)
    upheld = rng.random() < 0.6
    last = ComplaintEvent.SETTLE if upheld else ComplaintEvent.FAIL
    for event, hours, note in (*STEPS, (last, 40, "both sides heard")):
        step = complaints.NewStep(
            key("step", complaint.id, event), event, now + timedelta(hours=hours), note
        )
        complaints.take_step(session, complaint, step, cast.desk, step.at)
    if not upheld and rng.random() < 0.5:
        appeal = complaints.NewStep(
            key("appeal", complaint.id),
            ComplaintEvent.APPEAL,
            now + timedelta(hours=60),
            "look at it again",
        )
        complaints.take_step(session, complaint, appeal, who, appeal.at)
