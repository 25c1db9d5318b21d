"""The running day over HTTP: what is offered is what happens, for everybody, once."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from api.db.models import Job, Person, Plan, Region, Technician, Visit
from api.services import live, live_plans, proposals
from optimizer import check
from optimizer.formats import plan_from_json, problem_from_json
from tests.api.world import World, report

PLACES = [(-29.9077, -71.2541), (-29.953, -71.338), (-29.92, -71.25), (-29.96, -71.32)]


def urgent(client: FlaskClient, at: int = 0) -> dict[str, Any]:
    """An urgent call that nobody has been planned for."""
    lat, lon = PLACES[at]
    answer = client.post(
        "/api/v1/requests", json=report(place={"lat": lat, "lon": lon}, fault="gas-smell")
    )
    if answer.status_code != 201:
        answer = client.post("/api/v1/requests", json=report(place={"lat": lat, "lon": lon}))
    assert answer.status_code == 201, answer.text
    return dict(answer.get_json())


def offered(client: FlaskClient, job: str) -> list[dict[str, Any]]:
    answer = client.post(f"/api/v1/jobs/{job}/offers", json={})
    assert answer.status_code == 200, answer.text
    return list(answer.get_json()["offers"])


def take(client: FlaskClient, job: str, offer: dict[str, Any], *, with_others: bool = False) -> Any:
    others = [seat["technician"]["id"] for seat in offer["crew"][1:]] if with_others else []
    return client.post(
        f"/api/v1/jobs/{job}/commit",
        json={
            "technician_id": offer["technician"]["id"],
            "with": others,
            "version": offer["version"],
            "arrival": offer["arrival"],
        },
    )


def login_of(world: World, technician_id: str) -> str:
    with world.sessions() as session:
        return session.scalars(
            select(Person.login)
            .join(Technician, Technician.number == Person.technician_number)
            .where(Technician.id == technician_id)
        ).one()


def assert_the_plan_holds(client: FlaskClient, version: str) -> None:
    """The stored plan, checked by somebody who only reads the API."""
    base = f"/api/v1/plans/{UUID(version.partition('.')[0])}"
    problem = problem_from_json(client.get(f"{base}/problem").get_json())
    plan = plan_from_json(client.get(f"{base}/document").get_json())
    told = check(problem, plan)
    assert told.violations == ()
    assert dict(told.goals) == client.get(base).get_json()["goals"]


def assert_visits_are_the_plan(world: World, version: str) -> None:
    with world.sessions() as session:
        plan = session.scalars(select(Plan).where(Plan.status == "published")).first()
        assert plan is not None
        planned = {
            (step["job"], route["technician"], step["start"])
            for route in plan.document["routes"]
            for step in route["steps"]
            if step["type"] == "job"
        }
        epoch = plan.epoch
        visits = {
            (
                str(visit.job_id),
                str(visit.technician.id),
                int((visit.start_at - epoch).total_seconds()),
            )
            for visit in session.scalars(select(Visit).where(Visit.active, Visit.day == plan.day))
        }
        assert visits == planned


def test_three_offers_name_distinct_technicians_and_change_nothing(
    world: World, dispatcher: FlaskClient
) -> None:
    job = urgent(dispatcher)
    offers = offered(dispatcher, job["id"])
    assert 1 <= len(offers) <= 3
    assert len({offer["technician"]["id"] for offer in offers}) == len(offers)
    assert all(offer["arrival"] <= offer["start"] <= offer["end"] for offer in offers)
    assert {"unserved", "late", "dropped", "travel"} <= set(offers[0]["effect"])
    assert offered(dispatcher, job["id"])[0]["version"] == offers[0]["version"]
    assert dispatcher.get(f"/api/v1/jobs/{job['id']}").get_json()["status"] == "open"


def proposed(client: FlaskClient, at: int) -> tuple[str, list[dict[str, Any]]]:
    job = urgent(client, at)
    receipt = client.get(f"/api/v1/jobs/{job['id']}/receipt").get_json()
    assert receipt["body"]["proposal"]["arrival_by"] == receipt_due(job)
    return job["id"], receipt["body"]["proposal"]["offers"]


def receipt_due(job: dict[str, Any]) -> str:
    return datetime.fromisoformat(job["due_at"]).isoformat()


def test_a_receipt_proposes_what_the_desk_offers_and_never_waits_for_a_busy_one(
    world: World, dispatcher: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered(dispatcher, urgent(dispatcher)["id"])
    monkeypatch.setattr(proposals, "BUDGET_S", 30.0)
    monkeypatch.setattr(proposals, "RECEIPT_S", 30.0)
    job_id, told = proposed(dispatcher, 2)
    shown = offered(dispatcher, job_id)
    assert [(one["technician"], one["day"]) for one in told] == [
        (one["technician"], one["day"]) for one in shown
    ]
    monkeypatch.setattr(proposals, "BUDGET_S", 0.05)
    room, now = world.app.extensions["zhunda.desks"], datetime.now(UTC)
    with world.sessions() as session:
        zone = session.scalars(select(Region.timezone)).one()
        plan = live_plans.plans_ahead(session, now, zone)[0]
        with room.at(session, plan, now):
            assert proposed(dispatcher, 3)[1] == []


def test_a_commit_publishes_the_visit_and_the_phone_hears_of_it(
    world: World, dispatcher: FlaskClient
) -> None:
    job = urgent(dispatcher, 1)
    offer = offered(dispatcher, job["id"])[0]
    phone = world.client(login_of(world, offer["technician"]["id"]))
    day = {"date": offer["day"]}
    before = phone.get("/api/v1/me/route", query_string=day)
    answer = take(dispatcher, job["id"], offer)
    assert answer.status_code == 201, answer.text
    told = answer.get_json()
    after = phone.get("/api/v1/me/route", query_string=day)
    assert after.headers["ETag"] != before.headers["ETag"]
    stop = next(s for s in after.get_json()["stops"] if s["job_id"] == job["id"])
    assert (stop["visit_id"], stop["arrival"]) == (told["visit"], offer["arrival"])
    assert dispatcher.get(f"/api/v1/jobs/{job['id']}").get_json()["status"] == "planned"
    assert_the_plan_holds(dispatcher, told["version"])
    assert_visits_are_the_plan(world, told["version"])
    again = take(dispatcher, job["id"], offer)
    assert (again.status_code, again.get_json()["code"]) == (409, "job_not_open")


def test_of_two_dispatchers_with_one_version_the_second_gets_fresh_offers(
    world: World, dispatcher: FlaskClient
) -> None:
    jobs = [urgent(dispatcher, 2), urgent(dispatcher, 3)]
    offers = [offered(dispatcher, job["id"])[0] for job in jobs]
    assert offers[0]["version"] == offers[1]["version"]
    clients = [world.client("dispatch"), world.client("dispatch")]
    answers: list[Any] = [None, None]

    def press(k: int) -> None:
        answers[k] = take(clients[k], jobs[k]["id"], offers[k])

    threads = [threading.Thread(target=press, args=(k,)) for k in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    lost = next(k for k in range(2) if answers[k].status_code == 409)
    problem = answers[lost].get_json()
    assert problem["code"] == "plan_moved"
    fresh = problem["params"]["offers"][0]
    assert fresh["version"] != offers[lost]["version"]
    assert take(clients[lost], jobs[lost]["id"], fresh).status_code == 201
    assert_the_plan_holds(dispatcher, fresh["version"])


def test_two_calls_known_to_one_desk_are_taken_in_the_other_order(
    world: World, dispatcher: FlaskClient
) -> None:
    jobs = [urgent(dispatcher, 1), urgent(dispatcher, 2)]
    for job in jobs:
        offered(dispatcher, job["id"])
    for job in reversed(jobs):
        offer = offered(dispatcher, job["id"])[0]
        answer = take(dispatcher, job["id"], offer)
        assert answer.status_code == 201, answer.text
    assert_the_plan_holds(dispatcher, answer.get_json()["version"])
    assert_visits_are_the_plan(world, answer.get_json()["version"])


def test_a_change_that_is_not_kept_leaves_no_desk_behind(
    world: World, dispatcher: FlaskClient
) -> None:
    job = urgent(dispatcher, 2)
    offer = offered(dispatcher, job["id"])[0]
    room = world.app.extensions["zhunda.desks"]
    choice = live.Choice((UUID(offer["technician"]["id"]),), offer["version"], None)
    with world.sessions() as session:
        actor = session.scalars(select(Person.id).where(Person.login == "dispatch")).one()
        live.commit(session, room, UUID(job["id"]), choice, actor, datetime.now(UTC))
        session.rollback()
    assert room._held == {}
    taken = take(dispatcher, job["id"], offer)
    assert taken.status_code == 201, taken.text
    assert_visits_are_the_plan(world, taken.get_json()["version"])


def test_offers_asked_while_others_commit_always_come(
    world: World, dispatcher: FlaskClient
) -> None:
    asked = urgent(dispatcher, 0)
    offered(dispatcher, asked["id"])
    other = world.client("dispatch")
    over = threading.Event()
    told: list[Any] = []

    def ask() -> None:
        while not over.is_set():
            # As in another process, which has to read the plan anew.
            world.app.extensions["zhunda.desks"]._held.clear()
            told.append(other.post(f"/api/v1/jobs/{asked['id']}/offers", json={}))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for at in (1, 2, 3):
            job = urgent(dispatcher, at)
            taken = take(dispatcher, job["id"], offered(dispatcher, job["id"])[0])
            assert taken.status_code == 201, taken.text
    finally:
        over.set()
        asking.join()
    assert {answer.status_code for answer in told} == {200}


def test_another_process_sees_the_change_and_goes_on_from_it(
    world: World, dispatcher: FlaskClient
) -> None:
    job = urgent(dispatcher, 0)
    taken = take(dispatcher, job["id"], offered(dispatcher, job["id"])[0]).get_json()
    room = world.app.extensions["zhunda.desks"]
    room._held.clear()
    room._bases.clear()
    other = urgent(dispatcher, 0)
    offer = offered(dispatcher, other["id"])[0]
    assert offer["version"] == taken["version"]
    assert take(dispatcher, other["id"], offer).status_code == 201
    assert_visits_are_the_plan(world, offer["version"])


def test_undo_brings_the_day_back_to_the_second(world: World, dispatcher: FlaskClient) -> None:
    job = urgent(dispatcher, 2)
    offer = offered(dispatcher, job["id"])[0]

    def stops() -> set[tuple[Any, ...]]:
        with world.sessions() as session:
            return {
                (visit.job_id, visit.technician_number, visit.arrival_at, visit.end_at)
                for visit in session.scalars(select(Visit).where(Visit.active))
            }

    before = stops()
    told = take(dispatcher, job["id"], offer).get_json()
    assert stops() != before
    plan_id = UUID(told["version"].partition(".")[0])
    url = f"/api/v1/plans/{plan_id}/undo"
    stale = dispatcher.post(url, json={"version": offer["version"]})
    assert (stale.status_code, stale.get_json()["code"]) == (409, "plan_moved")
    undone = dispatcher.post(url, json={"version": told["version"]})
    assert undone.status_code == 200, undone.text
    assert undone.get_json()["undone"] == "job_committed"
    assert stops() == before
    assert dispatcher.get(f"/api/v1/jobs/{job['id']}").get_json()["status"] == "open"
    assert_the_plan_holds(dispatcher, undone.get_json()["version"])
    fresh = offered(dispatcher, job["id"])[0]
    assert take(dispatcher, job["id"], fresh).status_code == 201


def test_a_job_taken_off_its_day_is_open_again(world: World, dispatcher: FlaskClient) -> None:
    job = urgent(dispatcher, 1)
    take(dispatcher, job["id"], offered(dispatcher, job["id"])[0])
    answer = dispatcher.post(f"/api/v1/jobs/{job['id']}/leave-out", json={})
    assert answer.status_code == 200, answer.text
    assert dispatcher.get(f"/api/v1/jobs/{job['id']}").get_json()["status"] == "open"
    assert_the_plan_holds(dispatcher, answer.get_json()["version"])
    again = dispatcher.post(f"/api/v1/jobs/{job['id']}/leave-out", json={})
    assert (again.status_code, again.get_json()["code"]) == (409, "job_not_planned")


def _visit(world: World) -> tuple[str, str]:
    """A published visit and its technician."""
    with world.sessions() as session:
        visit = session.scalars(
            select(Visit)
            .join(Job)
            .where(
                Visit.active,
                Visit.state == "published",
                Visit.arrival_at > datetime.now(UTC) + timedelta(minutes=40),
            )
            .order_by(Visit.arrival_at)
        ).first()
        assert visit is not None
        return str(visit.id), str(visit.technician.id)


def test_an_overrun_is_shown_first_and_repaired_when_asked(
    world: World, dispatcher: FlaskClient
) -> None:
    visit, _ = _visit(world)
    url = f"/api/v1/visits/{visit}/delay"
    shown = dispatcher.post(url, json={"seconds": 2400})
    assert shown.status_code == 200, shown.text
    preview = shown.get_json()
    assert preview["applied"] is False
    done = dispatcher.post(
        url, json={"seconds": 2400, "apply": True, "version": preview["version"]}
    )
    assert done.status_code == 200, done.text
    assert done.get_json()["version"] != preview["version"]
    assert_the_plan_holds(dispatcher, done.get_json()["version"])
    assert_visits_are_the_plan(world, done.get_json()["version"])


def test_who_is_out_gets_nothing_and_the_visits_go_to_others(
    world: World, dispatcher: FlaskClient
) -> None:
    _, technician = _visit(world)
    url = f"/api/v1/technicians/{technician}/out"
    preview = dispatcher.post(url, json={}).get_json()
    assert preview["moves"]
    done = dispatcher.post(url, json={"apply": True, "version": preview["version"]})
    assert done.status_code == 200, done.text
    told = done.get_json()
    assert_the_plan_holds(dispatcher, told["version"])
    assert_visits_are_the_plan(world, told["version"])
    job = urgent(dispatcher, 3)
    assert technician not in {o["technician"]["id"] for o in offered(dispatcher, job["id"])}
    plan_id = UUID(told["version"].partition(".")[0])
    undone = dispatcher.post(f"/api/v1/plans/{plan_id}/undo", json={})
    assert undone.get_json()["undone"] == "technician_out"
    assert_visits_are_the_plan(world, undone.get_json()["version"])


def test_the_next_plan_knows_who_is_out_and_who_is_back(
    world: World, dispatcher: FlaskClient
) -> None:
    _, technician = _visit(world)
    told = dispatcher.post(f"/api/v1/technicians/{technician}/out", json={"apply": True}).get_json()
    run = world.plan(dispatcher)
    routes = dispatcher.get(f"/api/v1/plans/{run['plan_id']}/document").get_json()["routes"]
    assert routes
    assert technician not in {route["technician"] for route in routes}
    problem = dispatcher.get(f"/api/v1/plans/{run['plan_id']}/problem").get_json()
    assert technician not in {one["id"] for one in problem["technicians"]}
    plan_id = UUID(told["version"].partition(".")[0])
    assert dispatcher.post(f"/api/v1/plans/{plan_id}/undo", json={}).status_code == 200
    again = world.plan(dispatcher)
    problem = dispatcher.get(f"/api/v1/plans/{again['plan_id']}/problem").get_json()
    assert technician in {one["id"] for one in (problem.get("technicians") or problem["vehicles"])}


def test_a_job_for_two_is_offered_two_who_start_together(
    world: World, dispatcher: FlaskClient
) -> None:
    job = urgent(dispatcher, 0)
    with world.sessions.begin() as session:
        session.execute(update(Job).where(Job.id == UUID(job["id"])).values(crew=2))
    offers = offered(dispatcher, job["id"])
    assert offers
    for offer in offers:
        assert len({seat["technician"]["id"] for seat in offer["crew"]}) == 2
        assert {seat["start"] for seat in offer["crew"]} == {offer["start"]}
    offer = offers[0]
    alone = take(dispatcher, job["id"], offer)
    assert (alone.status_code, alone.get_json()["code"]) == (409, "offer_gone")
    answer = take(dispatcher, job["id"], offer, with_others=True)
    assert answer.status_code == 201, answer.text
    told = answer.get_json()
    people = [seat["technician"]["id"] for seat in offer["crew"]]
    assert [one["id"] for one in told["crew"]] == people
    for who in people:
        phone = world.client(login_of(world, who))
        stops = phone.get("/api/v1/me/route", query_string={"date": offer["day"]}).get_json()
        assert job["id"] in {stop["job_id"] for stop in stops["stops"]}
    assert_the_plan_holds(dispatcher, told["version"])
    left = dispatcher.post(f"/api/v1/jobs/{job['id']}/leave-out", json={})
    assert left.status_code == 200, left.text
    assert dispatcher.get(f"/api/v1/jobs/{job['id']}").get_json()["status"] == "open"
    assert_the_plan_holds(dispatcher, left.get_json()["version"])
    assert_visits_are_the_plan(world, left.get_json()["version"])


def test_why_tells_every_rule_in_the_way_of_a_technician(
    world: World, dispatcher: FlaskClient
) -> None:
    job = urgent(dispatcher, 0)
    can = {offer["technician"]["id"] for offer in offered(dispatcher, job["id"])}
    seen = set()
    for who in dispatcher.get("/api/v1/technicians").get_json()["items"][:12]:
        answer = dispatcher.get(f"/api/v1/jobs/{job['id']}/why/{who['id']}")
        if answer.status_code == 409:
            continue
        told = answer.get_json()
        seen.add(told["can"])
        assert told["can"] == (not told["rules"])
        if told["can"]:
            assert told["arrival"] and told["effect"]
        elif who["id"] in can:
            raise AssertionError("an offer was made that `why` calls impossible")
    assert seen


def test_a_draft_made_before_a_live_change_cannot_wipe_it_out(
    world: World, dispatcher: FlaskClient
) -> None:
    run = world.plan(dispatcher)
    job = urgent(dispatcher, 2)
    assert take(dispatcher, job["id"], offered(dispatcher, job["id"])[0]).status_code == 201
    url = f"/api/v1/plans/{run['plan_id']}/publish"
    answer = dispatcher.post(url, headers={"If-Match": "*"})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "plan_is_stale")
    assert dispatcher.get(f"/api/v1/jobs/{job['id']}").get_json()["status"] == "planned"


def test_while_the_search_is_being_compiled_a_call_is_told_to_ask_again(
    world: World, dispatcher: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = urgent(dispatcher, 0)
    room = world.app.extensions["zhunda.desks"]
    monkeypatch.setattr(live_plans, "READY_S", 0.05)
    compiled = threading.Event()
    monkeypatch.setattr(live_plans, "warm_up_all", lambda: compiled.wait(60))
    room.warm_up()
    answer = dispatcher.post(f"/api/v1/jobs/{job['id']}/offers", json={})
    assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")
    assert "ask again" in answer.get_json()["detail"]
    compiled.set()
    assert room._ready.wait(120)
    assert offered(dispatcher, job["id"])
