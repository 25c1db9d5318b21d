"""Edits by hand over HTTP: on a draft they stay on paper, on the published day phones hear."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import select

from api.db.models import Plan
from tests.api.test_live import (
    assert_the_plan_holds,
    assert_visits_are_the_plan,
    login_of,
)
from tests.api.world import World


def edited(client: FlaskClient, plan: str, **order: Any) -> Any:
    return client.post(f"/api/v1/plans/{plan}/edits", json=order)


def movable(client: FlaskClient, plan: str, apply: bool) -> tuple[dict[str, Any], str]:
    """The report of a visit that may go to somebody else, and the job's id."""
    document = client.get(f"/api/v1/plans/{plan}/document").get_json()
    routes = document["routes"]
    for route in reversed(routes):
        job = next(s["job"] for s in reversed(route["steps"]) if s["type"] == "job")
        for other in routes:
            if other["technician"] == route["technician"]:
                continue
            order = {"do": "move", "job": job, "technician_id": other["technician"]}
            shown = edited(client, plan, **order)
            if shown.status_code == 200 and not shown.get_json()["violations"]:
                if apply:
                    shown = edited(client, plan, apply=True, **order)
                    assert shown.status_code == 200, shown.text
                return dict(shown.get_json()), job
    raise AssertionError("nothing can be moved")


def published(world: World) -> str:
    with world.sessions() as session:
        return str(session.scalars(select(Plan.id).where(Plan.status == "published")).one())


def owner(client: FlaskClient, plan: str, job: str) -> str | None:
    routes = client.get(f"/api/v1/plans/{plan}/document").get_json()["routes"]
    owners = [r["technician"] for r in routes if job in {s.get("job") for s in r["steps"]}]
    return owners[0] if owners else None


def test_a_draft_is_edited_and_published_as_it_was_edited(
    world: World, dispatcher: FlaskClient
) -> None:
    run = world.plan(dispatcher)
    plan = run["plan_id"]
    before = dispatcher.get(f"/api/v1/plans/{plan}")
    told, job = movable(dispatcher, plan, apply=True)
    after = dispatcher.get(f"/api/v1/plans/{plan}")
    assert after.headers["ETag"] != before.headers["ETag"]
    goals = after.get_json()["goals"]
    assert {name: goals[name] for name in told["goals"]} == told["goals"]
    mover = next(move["to"]["id"] for move in told["moves"] if move["job"] == job)
    assert owner(dispatcher, plan, job) == mover
    answer = dispatcher.post(
        f"/api/v1/plans/{plan}/publish", headers={"If-Match": after.headers["ETag"]}
    )
    assert answer.status_code == 200, answer.text
    assert_the_plan_holds(dispatcher, after.headers["ETag"].strip('"'))
    phone = world.client(login_of(world, mover))
    stops = phone.get("/api/v1/me/route").get_json()["stops"]
    assert job in {stop["job_id"] for stop in stops}


def test_an_edit_of_the_published_day_reaches_the_phone_and_can_be_taken_back(
    world: World, dispatcher: FlaskClient
) -> None:
    plan = published(world)
    first = dispatcher.get(f"/api/v1/plans/{plan}/document").get_json()["routes"]
    told, _ = movable(dispatcher, plan, apply=True)
    assert_the_plan_holds(dispatcher, told["version"])
    assert_visits_are_the_plan(world, told["version"])
    undone = dispatcher.post(f"/api/v1/plans/{plan}/undo", json={"version": told["version"]})
    assert undone.get_json()["undone"] == "visit_moved"
    again = dispatcher.get(f"/api/v1/plans/{plan}/document").get_json()["routes"]
    assert {r["technician"]: r for r in again} == {r["technician"]: r for r in first}


def test_a_job_is_left_out_of_a_draft_and_put_back_now(
    world: World, dispatcher: FlaskClient
) -> None:
    plan = world.plan(dispatcher)["plan_id"]
    _, job = movable(dispatcher, plan, apply=False)
    gone = edited(dispatcher, plan, do="leave_out", job=job, apply=True)
    assert gone.status_code == 200, gone.text
    assert owner(dispatcher, plan, job) is None
    refused = edited(dispatcher, plan, do="leave_out", job=job, apply=True)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "job_not_planned")
    back = edited(dispatcher, plan, do="put_back", job=job, apply=True)
    assert back.status_code == 200, back.text
    assert owner(dispatcher, plan, job) is not None
    assert_the_plan_holds(dispatcher, back.get_json()["version"])
    dispatcher.post(f"/api/v1/plans/{plan}/undo", json={})
    assert owner(dispatcher, plan, job) is None
    assert dispatcher.get(f"/api/v1/plans/{plan}").get_json()["status"] == "draft"


def test_an_edit_that_breaks_a_rule_is_shown_and_refused(
    world: World, dispatcher: FlaskClient
) -> None:
    plan = world.plan(dispatcher)["plan_id"]
    told, job = movable(dispatcher, plan, apply=False)
    pinned = edited(dispatcher, plan, do="pin", job=job, apply=True)
    assert pinned.status_code == 200, pinned.text
    mover = next(move["to"]["id"] for move in told["moves"] if move["job"] == job)
    order = {"do": "move", "job": job, "technician_id": mover}
    shown = edited(dispatcher, plan, **order).get_json()
    assert "pinned" in {broken["rule"] for broken in shown["violations"]}
    answer = edited(dispatcher, plan, apply=True, **order)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "no_repair")
    assert answer.get_json()["params"]["violations"] == shown["violations"]
    assert edited(dispatcher, plan, do="unpin", job=job, apply=True).status_code == 200
    assert edited(dispatcher, plan, **order).get_json()["violations"] == []


def test_an_edit_of_another_version_is_refused(world: World, dispatcher: FlaskClient) -> None:
    plan = published(world)
    _, job = movable(dispatcher, plan, apply=False)
    old = f"{UUID(plan).hex}.0"
    answer = edited(dispatcher, plan, do="leave_out", job=job, apply=True, version=old)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "plan_moved")
