"""Rows 1.2: courtesy, solving the problem, following up and improving."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from api.db.models import Job, Survey
from api.services.surveys import call_backs
from api.services.work_done import jobs_done, period_of
from domain.quality import RepairFacts, Share, repair_figures
from tests.api.finished import finished_jobs, technician_of
from tests.api.world import World

V1 = "/api/v1"


@pytest.fixture(scope="module")
def done(world: World) -> list[UUID]:
    return finished_jobs(world, 5)


def around(ago: int = 60) -> dict[str, str]:
    today = datetime.now(UTC).date()
    return {"from": str(today - timedelta(days=ago)), "to": str(today)}


def test_1_2_courtesy_each_item_of_conduct_traces_to_its_jobs(
    world: World, done: list[UUID]
) -> None:
    desk, auditor = world.client("desk"), world.client("auditor")
    for job_id, clean in ((done[0], True), (done[1], False)):
        told = {
            "id": str(uuid4()),
            "satisfaction": 4,
            "solved": True,
            "conduct": {"clean": clean, "courteous": True},
        }
        assert desk.post(f"{V1}/jobs/{job_id}/survey", json=told).status_code == 201
    figures = auditor.get(f"{V1}/quality/figures", query_string=around()).get_json()
    assert figures["surveys"]["conduct"]["clean"] == {"count": 1, "of": 2, "value": 0.5}
    with world.sessions() as session:
        behind = {row.job_id for row in session.scalars(select(Survey)) if "clean" in row.conduct}
    assert behind == set(done[:2])
    technician, _ = technician_of(world, done[0])
    incident = {
        "id": str(uuid4()),
        "technician_id": str(technician),
        "job_id": str(done[0]),
        "topic": "rude",
        "text": "would not say who he was",
        "at": datetime.now(UTC).isoformat(),
    }
    assert desk.post(f"{V1}/incidents", json=incident).status_code == 201
    logged = auditor.get(f"{V1}/incidents").get_json()["items"]
    assert [row["job_id"] for row in logged] == [str(done[0])]


def test_1_2_solves_first_fix_and_repeats_recompute_from_the_jobs(
    world: World, done: list[UUID]
) -> None:
    with world.sessions.begin() as session:
        old = session.get_one(Job, done[2])
        assert old.closed_at is not None
        again = session.scalars(select(Job).where(Job.status == "open").limit(1)).one()
        again.repeat_of, again.reported_at = old.id, old.closed_at + timedelta(hours=1)
        again.due_at = again.reported_at + timedelta(hours=72)
    auditor = world.client("auditor")
    told = auditor.get(f"{V1}/quality/figures", query_string=around()).get_json()
    with world.sessions() as session:
        today = datetime.now(UTC).date()
        jobs = jobs_done(session, period_of(session, today - timedelta(days=60), today))
        facts = [RepairFacts(str(d.job.id), d.job.reported_at, d.closed_at, d.visits) for d in jobs]
        reports = [
            (str(job.repeat_of), job.reported_at)
            for job in session.scalars(select(Job).where(Job.repeat_of.is_not(None)))
        ]
    slow = repair_figures(facts, reports, timedelta(days=30), datetime.now(UTC))
    assert slow.repeats == Share(1, 1)
    assert told["repeats"] == {"count": 1, "of": 1, "value": 1.0}
    assert told["first_fix"]["count"] == slow.first_fix.count == 0
    assert told["undecided"] == slow.undecided == len(jobs) - 1


def test_1_2_follow_up_is_owed_by_a_day_and_closed_by_a_record(
    world: World, done: list[UUID]
) -> None:
    desk: FlaskClient = world.client("desk")

    def open_ones() -> set[str]:
        query = around() | {"open": "true"}
        listed: list[dict[str, Any]] = desk.get(f"{V1}/follow-ups", query_string=query).get_json()[
            "items"
        ]
        assert all(item["due_at"] for item in listed)
        return {item["job_id"] for item in listed}

    assert str(done[3]) in open_ones()
    call = {"id": str(uuid4()), "at": datetime.now(UTC).isoformat(), "outcome": "reached"}
    assert desk.post(f"{V1}/jobs/{done[3]}/follow-ups", json=call).status_code == 201
    assert str(done[3]) not in open_ones()
    with world.sessions() as session:
        today = datetime.now(UTC).date()
        period = period_of(session, today - timedelta(days=60), today)
        later = datetime.now(UTC) + timedelta(days=60)
        calls = call_backs(session, period, later)
        kept = {call.done.job.id: call.in_time(later) for call in calls}
    # Nobody called the others: each is told as missed once its day has passed.
    assert kept.pop(done[3]) is True
    assert set(kept.values()) == {False}
