"""Rows 1.1: at the door in time, honest exceptions, triage that can be replayed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select, text
from uuid_utils.compat import uuid7

from api.__main__ import main
from api.db.models import BreachAlert, Job, Visit
from api.services.breaches import expected_arrivals, leads, raise_alerts
from api.services.intake import replay
from domain.clocks import Allowance
from domain.clocks.calls import Call, call_report
from domain.clocks.walking import due_elapsed
from domain.rules.keys import Unit
from tests.api.cases import clock_event, get, new_job, post, sides
from tests.api.ownership import consumer
from tests.api.world import World


def instant(told: str) -> datetime:
    return datetime.fromisoformat(told)


def test_1_1_phone_replaying_a_call_log_gives_the_same_percentiles() -> None:
    ring = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
    log = [
        Call(ring, None, ring + timedelta(seconds=7 * n % 90), ring + timedelta(hours=1))
        for n in range(500)
    ]
    first = call_report(log, 20)
    assert call_report(reversed(log), 20) == first
    assert first.p95_s is not None and first.p50_s is not None
    assert first.p95_s > first.p50_s


@pytest.mark.parametrize("hours", [24, 72])
def test_1_1_arrival_due_is_what_a_walk_through_the_minutes_finds(hours: int) -> None:
    # Over the night in which Chile puts its clocks forward.
    start = datetime(2026, 9, 4, 17, 23, tzinfo=UTC)
    pauses = [(start + timedelta(hours=3), start + timedelta(hours=5))]
    found = Allowance(hours, Unit.HOURS).due(start, pauses)
    assert found == due_elapsed(start, hours * 60, pauses, 6 * 24 * 60)


@pytest.mark.parametrize(("fault", "hours"), [("not-cooling", 24), ("noise", 72)])
def test_1_1_arrival_urgent_in_24_hours_and_anything_else_in_72(
    world: World, fault: str, hours: int
) -> None:
    desk = world.client("dispatch")
    job = new_job(desk, fault=fault)
    (arrival, *_) = get(desk, f"/jobs/{job['id']}/clocks")["items"]
    (first,) = arrival["deadlines"]
    assert instant(first["due_at"]) - instant(job["reported_at"]) == timedelta(hours=hours)
    assert first["due_at"] == job["due_at"]


def test_1_1_triage_can_be_replayed_by_the_pack_that_decided(world: World) -> None:
    desk = world.client("dispatch")
    job = new_job(desk)
    day = job["reported_at"][:10]
    (arrival, *_) = get(desk, f"/jobs/{job['id']}/clocks?rules_on={day}")["items"]
    assert {rule["version"] for rule in arrival["rules"]} == {job["triage"]["version"]}
    assert arrival["rules"][0]["value"] == [job["class"]]
    # The hours are the regulation's examples, and so they say that no law has confirmed them.
    assert arrival["unconfirmed"]
    with world.sessions() as session:
        for stored in session.scalars(select(Job).order_by(Job.number.desc()).limit(20)):
            decision, _ = replay(session, stored)
            assert (decision.rule, decision.rule_version) == (
                stored.triage_rule,
                stored.triage_version,
            )
            assert decision.arrival_class == stored.job_class
            assert decision.clock.due_at == stored.due_at
            assert (decision.skills, decision.parts) == (stored.skills, stored.parts)


def test_1_1_exceptions_a_postponement_adds_a_deadline_and_both_are_reported(
    world: World,
) -> None:
    desk = world.client("dispatch")
    job = new_job(desk)
    later = datetime.now(UTC) + timedelta(days=4)
    sent = {
        "id": str(uuid7()),
        "start": later.isoformat(),
        "end": (later + timedelta(hours=3)).isoformat(),
        "reason": "I am away",
    }
    own = consumer(world, UUID(job["id"]))
    told = post(own, "/link/postponements", sent)
    assert told["due_at"] == job["due_at"]
    assert post(own, "/link/postponements", sent) == told
    clock = get(desk, f"/jobs/{job['id']}/clocks")["items"][0]
    assert [d["kind"] for d in clock["deadlines"]] == ["first", "agreed"]
    assert clock["deadlines"][0]["due_at"] == job["due_at"]
    again = get(desk, f"/jobs/{job['id']}")
    assert again["due_at"] == job["due_at"]
    assert instant(again["windows"][0][0]) == instant(sent["start"])


@pytest.mark.parametrize("kind", ["paused", "no_access"])
def test_1_1_exceptions_no_pause_without_evidence_reason_and_actor(world: World, kind: str) -> None:
    side = sides(world, "technician")
    path = f"/api/v1/jobs/{side.job_id}/clock-events"
    # That nobody opened, a technician tells by the visit's event, where it is looked at.
    refused = side.owner.post(path, json=clock_event("no_access"))
    assert refused.get_json()["code"] == "forbidden"
    teller = side.owner if kind == "paused" else world.client("desk")
    for lack in ({"evidence": []}, {"reason": ""}):
        refused = teller.post(path, json=clock_event(kind, **lack))
        assert refused.status_code == 422, refused.text
        assert refused.get_json()["code"] == "evidence_missing"
    good = clock_event(kind)
    assert post(teller, f"/jobs/{side.job_id}/clock-events", good)["actor"]
    assert post(teller, f"/jobs/{side.job_id}/clock-events", good)["id"] == good["id"]
    with world.sessions() as session:
        bare = session.scalar(
            text(
                "SELECT count(*) FROM clock_event WHERE kind IN ('paused', 'no_access') "
                "AND (reason = '' OR actor = '' OR jsonb_array_length(evidence) = 0)"
            )
        )
    assert bare == 0


def test_1_1_exceptions_force_majeure_leaves_the_first_deadline_in_sight(world: World) -> None:
    desk = world.client("dispatch")
    job = new_job(desk)
    post(desk, f"/jobs/{job['id']}/clock-events", clock_event("paused"))
    clock = get(desk, f"/jobs/{job['id']}/clocks")["items"][0]
    assert clock["paused"]
    assert [(d["kind"], d["due_at"]) for d in clock["deadlines"]] == [
        ("first", job["due_at"]),
        ("excused", None),
    ]
    before = job["reported_at"].replace("+00:00", "Z")
    then = get(desk, f"/jobs/{job['id']}/clocks?as_of={before}")["items"][0]
    assert [d["kind"] for d in then["deadlines"]] == ["first"]


def test_1_1_arrival_every_clock_on_record_equals_the_slow_reference(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = world.client("dispatch")
    stood = new_job(desk)
    pause = clock_event("paused")
    post(desk, f"/jobs/{stood['id']}/clock-events", pause)
    post(desk, f"/jobs/{stood['id']}/clock-events", clock_event("resumed"))
    wrong = clock_event("withdrawn", target=pause["id"])
    post(desk, f"/jobs/{new_job(desk)['id']}/clock-events", clock_event("paused"))
    post(desk, f"/jobs/{stood['id']}/clock-events", wrong)
    monkeypatch.setenv("DATABASE_URL", world.settings.database_url)
    monkeypatch.setenv("ZHUNDA_DATA_DIR", str(world.settings.data_dir))
    assert main(["clocks", "check"]) == 0
    with world.sessions() as session:
        jobs = session.scalar(select(func.count()).select_from(Job))
    assert capsys.readouterr().out == f"clocks: {jobs}\ndiffering: 0\n"


def test_1_1_exceptions_a_fault_that_is_solved_from_afar_waits_for_nobody(world: World) -> None:
    desk = world.client("dispatch")
    job = new_job(desk)
    post(desk, f"/jobs/{job['id']}/events", {"event": "remote_solved", "reason": "reset"}, 200)
    clock = get(desk, f"/jobs/{job['id']}/clocks")["items"][0]
    assert not clock["running"]
    assert [d["outcome"] for d in clock["deadlines"]] == ["cancelled"]


def test_2_2_monitoring_a_breach_is_told_ahead_and_the_lead_is_measured(world: World) -> None:
    desk = world.client("dispatch")
    job = new_job(desk, product="boiler", fault="no-hot-water")
    due = instant(job["due_at"])
    now = due - timedelta(hours=2)
    with world.sessions.begin() as session:
        # Nobody else's deadlines: this test is about one job that nobody is planned for.
        session.execute(delete(BreachAlert))
        raised = raise_alerts(session, now)
        mine = [alert for alert in raised if str(alert.job_id) == job["id"]]
        assert [(a.risk, a.lead_s) for a in mine] == [("unplanned", 7200)]
        assert not [a for a in raise_alerts(session, now) if str(a.job_id) == job["id"]]
    with world.sessions() as session:
        # As seen after the deadline: the job is broken, and was told two hours ahead.
        told = leads(session, due + timedelta(minutes=1))
        assert told.told_ahead >= 1
        assert told.least_lead_s is not None and told.least_lead_s > 0
    lines = get(desk, "/activity?limit=500")["items"]
    assert "breach_forecast" in {line["kind"] for line in lines} or len(lines) == 500


def test_2_2_monitoring_a_technician_who_is_behind_is_behind_at_every_next_door(
    world: World,
) -> None:
    with world.sessions() as session:
        visits = session.scalars(
            select(Visit)
            .where(Visit.active, Visit.state == "published")
            .order_by(Visit.shift_id, Visit.arrival_at)
        ).all()
        shift = next(v.shift_id for v, w in pairwise(visits) if v.shift_id == w.shift_id)
        route = [visit for visit in visits if visit.shift_id == shift]
        late = route[0].arrival_at + timedelta(hours=1)
        expected = expected_arrivals(session, late)
        assert expected[route[0].job_id][0] >= late
        second = expected[route[1].job_id][0]
        work = route[0].end_at - route[0].start_at
        assert second >= late + work
        assert session.get_one(Job, route[1].job_id) is not None
