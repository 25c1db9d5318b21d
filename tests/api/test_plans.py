from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError

from api.db.models import Job, Plan, PlanRun, Shift, Visit
from api.services import planning
from optimizer import Progress, check
from optimizer.formats import plan_from_json, problem_from_json
from tests.api.world import World, busy_logins, event, first_stop, report


def publish(client: FlaskClient, plan_id: str, match: str | None) -> tuple[int, dict[str, object]]:
    headers = {} if match is None else {"If-Match": match}
    answer = client.post(f"/api/v1/plans/{plan_id}/publish", headers=headers)
    return answer.status_code, answer.get_json()


def test_a_plan_goes_from_order_to_draft_through_the_queue(
    world: World, dispatcher: FlaskClient
) -> None:
    answer = dispatcher.post("/api/v1/plans", json={"iterations": 200, "threads": 1})
    assert answer.status_code == 202
    assert dispatcher.get(answer.headers["Location"]).get_json()["status"] == "queued"
    world.work_queue()
    run = dispatcher.get(answer.headers["Location"]).get_json()
    assert run["status"] == "succeeded", run["error"]
    assert run["progress"]["share"] == 1.0
    plan = dispatcher.get(f"/api/v1/plans/{run['plan_id']}").get_json()
    assert plan["status"] == "draft"
    assert plan["check"] == {"violations": []}
    assert plan["source_of_travel_times"] == "osrm"
    assert list(plan["goals"])[:2] and plan["goals"]["late"] >= 0
    for left_out in plan["unassigned"]:
        assert left_out["reasons"], "a job that is left out has its reasons"


def test_anybody_can_check_a_plan_again_from_what_the_api_tells(
    world: World, dispatcher: FlaskClient
) -> None:
    run = world.plan(dispatcher)
    base = f"/api/v1/plans/{run['plan_id']}"
    problem = problem_from_json(dispatcher.get(f"{base}/problem").get_json())
    solution = plan_from_json(dispatcher.get(f"{base}/document").get_json())
    told = check(problem, solution)
    assert told.valid
    assert dict(told.goals) == dispatcher.get(base).get_json()["goals"]


def test_publishing_wants_the_version_that_was_read(world: World, dispatcher: FlaskClient) -> None:
    run = world.plan(dispatcher)
    etag = dispatcher.get(f"/api/v1/plans/{run['plan_id']}").headers["ETag"]
    assert publish(dispatcher, run["plan_id"], None)[1]["code"] == "precondition_required"
    status, told = publish(dispatcher, run["plan_id"], '"something-else"')
    assert (status, told["code"]) == (412, "precondition_failed")
    status, told = publish(dispatcher, run["plan_id"], etag)
    assert (status, told["status"]) == (200, "published")
    status, told = publish(dispatcher, run["plan_id"], etag)
    assert (status, told["code"]) == (412, "precondition_failed")
    status, told = publish(dispatcher, run["plan_id"], "*")
    assert (status, told["code"]) == (409, "plan_not_draft")


def test_a_new_plan_supersedes_the_old_one_and_keeps_what_has_begun(
    world: World, dispatcher: FlaskClient
) -> None:
    technician, visit_id = first_stop(world, busy_logins(world, 1)[0])
    for kind in ("accepted", "on_the_way"):
        answer = technician.post(f"/api/v1/visits/{visit_id}/events", json=event(kind))
        assert answer.status_code == 201
    with world.sessions() as session:
        before = session.get_one(Visit, visit_id)
    new_job = dispatcher.post("/api/v1/requests", json=report()).get_json()["id"]
    run = world.plan(dispatcher)
    assert publish(dispatcher, run["plan_id"], "*")[0] == 200
    with world.sessions() as session:
        after = session.get_one(Visit, visit_id)
        assert (after.state, after.start_at) == ("on_the_way", before.start_at)
        assert after.plan_id == UUID(run["plan_id"])
        active = session.scalars(select(Visit.plan_id).where(Visit.active).distinct()).all()
        assert active == [UUID(run["plan_id"])]
        assert session.get_one(Job, UUID(new_job)).status in ("planned", "open")
        published = session.scalars(select(Plan).where(Plan.status == "published")).all()
        assert [plan.id for plan in published] == [UUID(run["plan_id"])]
    stops = technician.get("/api/v1/me/route").get_json()["stops"]
    assert str(visit_id) in [stop["visit_id"] for stop in stops]


def test_a_draft_that_the_day_has_overtaken_cannot_be_published(
    world: World, dispatcher: FlaskClient
) -> None:
    run = world.plan(dispatcher)
    technician, visit_id = first_stop(world, busy_logins(world, 1)[0])
    with world.sessions.begin() as session:
        # As if the draft had moved the visit that begins now.
        visit = session.get_one(Visit, visit_id)
        visit.arrival_at -= timedelta(seconds=1)
        visit.start_at -= timedelta(seconds=1)
    for kind in ("accepted", "on_the_way"):
        technician.post(f"/api/v1/visits/{visit_id}/events", json=event(kind))
    status, told = publish(dispatcher, run["plan_id"], "*")
    assert (status, told["code"]) == (409, "plan_is_stale")
    assert str(visit_id) in str(told["params"])
    # The roads call that second too early. It has begun then all the same, and is planned as such.
    again = world.plan(dispatcher)
    assert publish(dispatcher, again["plan_id"], "*")[0] == 200


def test_a_plan_that_breaks_rules_is_not_published(world: World, dispatcher: FlaskClient) -> None:
    run = world.plan(dispatcher)
    with world.sessions.begin() as session:
        session.execute(
            update(Plan)
            .where(Plan.id == UUID(run["plan_id"]))
            .values(violations=[{"rule": "skills", "where": "routes[0]", "by": 1, "message": "x"}])
        )
    status, told = publish(dispatcher, run["plan_id"], "*")
    assert (status, told["code"]) == (409, "plan_has_violations")


def test_the_database_refuses_a_technician_in_two_places(world: World) -> None:
    with world.sessions() as session:
        visit = session.scalars(select(Visit).where(Visit.active).limit(1)).one()
        other = session.scalars(select(Job).where(Job.id != visit.job_id).limit(1)).one()
        session.add(
            Visit(
                plan_id=visit.plan_id,
                job_id=other.id,
                technician_number=visit.technician_number,
                shift_id=visit.shift_id,
                day=visit.day,
                sequence=99,
                arrival_at=visit.arrival_at,
                start_at=visit.start_at,
                end_at=visit.end_at,
                travel_s=0,
            )
        )
        with pytest.raises(IntegrityError, match="visit_no_double_booking_excl"):
            session.flush()


def test_the_database_refuses_shifts_that_overlap(world: World, admin: FlaskClient) -> None:
    with world.sessions() as session:
        shift = session.scalars(select(Shift).limit(1)).one()
        technician_id = shift.technician.id
    answer = admin.post(
        "/api/v1/shifts",
        json={
            "technician_id": str(technician_id),
            "start": shift.start_at.isoformat(),
            "end": shift.end_at.isoformat(),
        },
    )
    assert (answer.status_code, answer.get_json()["code"]) == (409, "double_booking")


def test_a_queued_run_that_is_cancelled_is_never_carried_out(
    world: World, dispatcher: FlaskClient
) -> None:
    ordered = dispatcher.post("/api/v1/plans", json={"iterations": 200}).get_json()
    cancelled = dispatcher.post(f"/api/v1/plan-runs/{ordered['id']}/cancel")
    assert cancelled.get_json()["status"] == "cancelled"
    world.work_queue()
    run = dispatcher.get(f"/api/v1/plan-runs/{ordered['id']}").get_json()
    assert (run["status"], run["plan_id"]) == ("cancelled", None)
    again = dispatcher.post(f"/api/v1/plan-runs/{ordered['id']}/cancel")
    assert (again.status_code, again.get_json()["code"]) == (409, "plan_run_finished")


def test_a_running_search_hears_that_it_is_cancelled(
    world: World, dispatcher: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordered = dispatcher.post("/api/v1/plans", json={"iterations": 200}).get_json()
    run_id = UUID(ordered["id"])
    with world.sessions.begin() as session:
        session.get_one(PlanRun, run_id).status = "running"
    monkeypatch.setattr(planning, "PROGRESS_EVERY_S", 0.0)
    watch = planning.watcher(world.sessions, run_id)
    progress = Progress({"late": 7}, 10, 0.5, 0.25, 3)
    assert watch(progress) is True
    told = dispatcher.get(f"/api/v1/plan-runs/{run_id}").get_json()
    assert (told["progress"]["share"], told["progress"]["goals"]) == (0.25, {"late": 7})
    dispatcher.post(f"/api/v1/plan-runs/{run_id}/cancel")
    assert watch(progress) is False
    world.work_queue()
    run = dispatcher.get(f"/api/v1/plan-runs/{run_id}").get_json()
    assert (run["status"], run["plan_id"]) == ("cancelled", None)


def test_what_goes_wrong_in_a_worker_stands_in_the_run(
    world: World, dispatcher: FlaskClient
) -> None:
    ordered = dispatcher.post("/api/v1/plans", json={"iterations": 200}).get_json()
    with world.sessions.begin() as session:
        session.get_one(PlanRun, UUID(ordered["id"])).engine = "abacus"
    world.work_queue()
    run = dispatcher.get(f"/api/v1/plan-runs/{ordered['id']}").get_json()
    assert run["status"] == "failed"
    assert "abacus" in run["error"]


def test_the_order_and_its_queue_entry_are_one_transaction(world: World) -> None:
    with world.sessions() as session:
        before = session.scalar(select(func.count()).select_from(PlanRun))
        day = session.scalars(select(Plan.day).limit(1)).one()
        order = planning.PlanOrder(
            day=day,
            as_of=session.scalars(select(Shift.start_at).where(Shift.day == day).limit(1)).one(),
            engine="search",
            seconds=None,
            iterations=1,
            seed=1,
            threads=1,
        )
        run = planning.request_plan(session, order, None)
        queued = select(func.count()).select_from(PlanRun).where(PlanRun.id == run.id)
        assert session.scalar(queued) == 1
        session.rollback()
    with world.sessions() as session:
        assert session.scalar(select(func.count()).select_from(PlanRun)) == before
    world.work_queue()  # finds nothing that would fail on a run that is not there


def test_a_day_on_which_nobody_works_cannot_be_planned(dispatcher: FlaskClient) -> None:
    answer = dispatcher.post("/api/v1/plans", json={"date": "2001-01-01"})
    assert (answer.status_code, answer.get_json()["code"]) == (422, "nothing_to_plan")


def test_the_work_of_a_worker_that_died_is_done_by_the_next(
    world: World, dispatcher: FlaskClient
) -> None:
    ordered = dispatcher.post("/api/v1/plans", json={"iterations": 20, "threads": 1}).get_json()
    with world.sessions.begin() as session:
        session.get_one(PlanRun, UUID(ordered["id"])).status = "running"
        dead = session.scalar(
            text(
                "INSERT INTO procrastinate_workers (last_heartbeat) "
                "VALUES (now() - interval '1 hour') RETURNING id"
            )
        )
        session.execute(
            text(
                "UPDATE procrastinate_jobs SET status = 'doing', worker_id = :dead "
                "WHERE args->>'run_id' = :run"
            ),
            {"dead": dead, "run": ordered["id"]},
        )
    world.work_queue()
    run = dispatcher.get(f"/api/v1/plan-runs/{ordered['id']}").get_json()
    assert run["status"] == "succeeded", run["error"]
