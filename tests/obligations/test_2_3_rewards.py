"""Rows 2.3: satisfaction and complaint mining, rewards and penalties."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from api.db.models import Job
from api.services import merits
from api.services.surveys import answer_of, surveys_of
from api.services.work_done import jobs_done, period_of
from domain.quality import survey_figures, trends
from tests.api.cases import complaint
from tests.api.finished import finished_jobs
from tests.api.world import World

V1 = "/api/v1"


@pytest.fixture(scope="module")
def done(world: World) -> list[UUID]:
    return finished_jobs(world, 4)


def test_2_3_satisfaction_is_recomputed_and_silence_is_reported(
    world: World, done: list[UUID]
) -> None:
    desk = world.client("desk")
    for job_id, mark in zip(done, (5, 4, 1), strict=False):
        told = {"id": str(uuid4()), "satisfaction": mark, "recommend": 2 * mark, "solved": True}
        assert desk.post(f"{V1}/jobs/{job_id}/survey", json=told).status_code == 201
    today = datetime.now(UTC).date()
    query = {"from": str(today - timedelta(days=60)), "to": str(today)}
    told = world.client("auditor").get(f"{V1}/quality/figures", query_string=query).get_json()
    with world.sessions() as session:
        jobs = jobs_done(session, period_of(session, today - timedelta(days=60), today))
        again = survey_figures(len(jobs), map(answer_of, surveys_of(session, jobs).values()))
    assert told["surveys"]["satisfied"] == {"count": 2, "of": 3, "value": 2 / 3}
    assert told["surveys"]["answered"]["of"] == again.answered.of == len(jobs)
    assert told["surveys"]["net_promoter_score"] == again.net_promoter_score == 0


def test_2_3_satisfaction_topics_of_complaints_are_counted_and_held_against_the_period_before(
    world: World, done: list[UUID]
) -> None:
    desk, auditor = world.client("dispatch"), world.client("auditor")
    for topic in ("fee", "fee", "delay"):
        complaint(desk, str(done[0]), topic=topic)
    today = datetime.now(UTC).date()
    query = {"from": str(today - timedelta(days=9)), "to": str(today + timedelta(days=1))}
    told = auditor.get(f"{V1}/quality/topics", query_string=query).get_json()
    assert {one["topic"]: one["now"] for one in told["items"]} == {"fee": 2, "delay": 1}
    # Nothing was done in the period before, so nothing can be compared, and nothing is invented.
    assert told["jobs_before"] == 0
    assert {one["chance"] for one in told["items"]} == {None}
    with world.sessions.begin() as session:
        before = session.get_one(Job, done[3])
        before.closed_at = datetime.now(UTC) - timedelta(days=14)
    told = auditor.get(f"{V1}/quality/topics", query_string=query).get_json()
    again = trends([], ["fee", "fee", "delay"], told["jobs_before"], told["jobs_now"])
    assert [(one["topic"], one["chance"]) for one in told["items"]] == [
        (one.topic, one.chance) for one in again
    ]


def test_2_3_rewards_and_penalties_equal_a_replay_of_the_rules(
    world: World, done: list[UUID]
) -> None:
    with world.sessions.begin() as session:
        assert merits.book(session, None, datetime.now(UTC)).added > 0
    with world.sessions() as session:
        assert merits.check(session, datetime.now(UTC)).equal
        for entry in merits.stored(session):
            assert entry.fact and entry.explanation["en"] and entry.explanation["zh"]
