"""An adopted scenario closes outlets: from a day on, in one piece, and not under people's feet."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from api.access import V1
from api.db.models import Equipment, Outlet, OutletClosing, Technician, Transfer
from api.services import closings
from api.services.regions import local_day, the_region
from api.services.snapshot import pose, read_day
from tests.api.plans_ahead import answered, recorded
from tests.api.world import World, report


@pytest.fixture(scope="module")
def today(world: World) -> date:
    with world.sessions() as session:
        return local_day(datetime.now(UTC), the_region(session).timezone)


def noon(world: World, day: date) -> datetime:
    with world.sessions() as session:
        return datetime.combine(day, time(12), ZoneInfo(the_region(session).timezone))


def the_busiest(client: FlaskClient) -> tuple[dict[str, Any], list[str]]:
    """The outlet with most people, and their ids."""
    outlets = client.get(f"{V1}/outlets?limit=100").get_json()["items"]
    people = client.get(f"{V1}/technicians?limit=500").get_json()["items"]
    of = {one["id"]: [who["id"] for who in people if who["outlet_id"] == one["id"]]
          for one in outlets}  # fmt: skip
    chosen = max(outlets, key=lambda one: len(of[one["id"]]))
    return chosen, of[chosen["id"]]


@pytest.fixture(scope="module")
def scenario(world: World) -> dict[str, Any]:
    """The busiest outlet must close; one of three candidates opens, three people are hired."""
    planner = world.client("planner")
    outlet, _ = the_busiest(planner)
    count = len(planner.get(f"{V1}/outlets?limit=100").get_json()["items"])
    told = recorded("one closes", siting={"open": count}, standing={outlet["id"]: "must_close"})
    return answered(world, planner, told)


def work(world: World, admin: FlaskClient, technician: str, day: date) -> None:
    start = noon(world, day) - timedelta(hours=3)
    shift = {"technician_id": technician, "start": start.isoformat(),
             "end": (start + timedelta(hours=8)).isoformat()}  # fmt: skip
    assert admin.post(f"{V1}/shifts", json=shift).status_code == 201


def first_stop_from(world: World, technician: str, day: date) -> str:
    """The name of the place that the day's plan starts this technician from."""
    with world.sessions() as session:
        rows = read_day(session, day, the_region(session).timezone)
        problem = pose(rows, noon(world, day - timedelta(days=1)), world.roads).problem
    (who,) = [one for one in problem.technicians if one.id == technician]
    assert {shift.start_location for shift in who.shifts} == {
        shift.end_location for shift in who.shifts
    }
    return problem.locations[who.shifts[0].start_location].id


def test_a_closed_outlet_hands_its_people_on_from_its_day_and_undo_keeps_it(
    world: World, planner: FlaskClient, admin: FlaskClient, scenario: dict[str, Any], today: date
) -> None:
    outlet, people = the_busiest(planner)
    (closed,) = [one for one in scenario["answer"]["outlets"] if one["status"] == "closed"]
    assert (closed["record_id"], closed["heads_after"]) == (outlet["id"], 0)
    day = today + timedelta(days=20)
    for when in (day - timedelta(days=1), day):
        work(world, admin, people[0], when)
    path = f"{V1}/scenarios/{scenario['id']}"
    adopted = admin.post(f"{path}/adopt", json={"closes_on": day.isoformat()})
    assert adopted.status_code == 200, adopted.text
    (told,) = adopted.get_json()["adoption"]["closings"]
    assert (told["id"], told["closes_on"]) == (outlet["id"], day.isoformat())
    assert told["people"] == len(people)
    shown = {one["id"]: one for one in planner.get(f"{V1}/outlets?limit=100").get_json()["items"]}
    assert shown[outlet["id"]]["closed_on"] == day.isoformat()
    assert shown[told["people_go_to"]]["closed_on"] is None
    assert first_stop_from(world, people[0], day - timedelta(days=1)) == outlet["id"]
    assert first_stop_from(world, people[0], day) == told["people_go_to"]

    joins = {"name": "Lee Late", "outlet_id": outlet["id"], "skills": {"fridge": 1}}
    refused = admin.post(f"{V1}/technicians", json=joins)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "outlet_closed")

    back = admin.post(f"{path}/undo-adoption")
    assert back.status_code == 200, back.text
    assert first_stop_from(world, people[0], day) == outlet["id"]
    with world.sessions() as session:
        assert session.get_one(Outlet, UUID(outlet["id"])).closed_on is None
        assert session.scalar(select(func.count()).select_from(Transfer)) == 0


def test_visits_planned_from_the_day_on_keep_an_outlet_open_and_nothing_is_half_adopted(
    world: World,
    planner: FlaskClient,
    dispatcher: FlaskClient,
    admin: FlaskClient,
    scenario: dict[str, Any],
    today: date,
) -> None:
    outlet, people = the_busiest(planner)
    day = today + timedelta(days=12)
    for technician in people:
        work(world, admin, technician, day)
    assert dispatcher.post(f"{V1}/requests", json=report()).status_code == 201
    plan = f"{V1}/plans/{world.plan(dispatcher, date=day.isoformat())['plan_id']}"
    version = {"If-Match": dispatcher.get(plan).headers["ETag"]}
    published = dispatcher.post(f"{plan}/publish", headers=version)
    assert published.status_code == 200, published.text
    path = f"{V1}/scenarios/{scenario['id']}"
    with world.sessions() as session:
        before = session.scalar(select(func.count()).select_from(Outlet))
    refused = admin.post(f"{path}/adopt", json={"closes_on": day.isoformat()})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "outlet_in_use")
    detail = refused.get_json()["detail"]
    assert outlet["name"] in detail and "visits" in detail and day.isoformat() in detail
    with world.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Outlet)) == before
        assert session.scalar(select(func.count()).select_from(OutletClosing)) == 0
    assert planner.get(path).get_json()["adoption"] is None
    late = admin.post(f"{path}/adopt", json={"closes_on": today.isoformat()})
    assert (late.status_code, late.get_json()["code"]) == (422, "invalid")


def test_on_its_day_people_and_equipment_move_on_record_and_there_is_no_way_back(
    world: World, planner: FlaskClient, admin: FlaskClient, scenario: dict[str, Any], today: date
) -> None:
    outlet, people = the_busiest(planner)
    device = {"kind": "gauge", "serial": "G-1", "outlet_id": outlet["id"],
              "in_service_from": "2026-01-01", "duties": []}  # fmt: skip
    assert admin.post(f"{V1}/equipment", json=device).status_code == 201
    day = today + timedelta(days=30)
    path = f"{V1}/scenarios/{scenario['id']}"
    adopted = admin.post(f"{path}/adopt", json={"closes_on": day.isoformat()})
    (told,) = adopted.get_json()["adoption"]["closings"]
    heir = UUID(told["people_go_to"])
    with world.sessions.begin() as session:
        assert closings.carry_out(session, noon(world, day - timedelta(days=1))) == 0
    with world.sessions.begin() as session:
        assert closings.carry_out(session, noon(world, day)) == 1
    with world.sessions.begin() as session:
        assert closings.carry_out(session, noon(world, day)) == 0, "only once"
        moved = session.scalars(select(Technician).where(Technician.outlet_id == heir))
        assert set(people) <= {str(one.id) for one in moved}
        gauge = session.scalars(select(Equipment).where(Equipment.serial == "G-1")).one()
        assert gauge.outlet_id == heir
    refused = admin.post(f"{path}/undo-adoption")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "outlet_closed")
    assert outlet["name"] in refused.get_json()["detail"]
    again = recorded("after it")
    made = planner.post(f"{V1}/scenarios", json=again).get_json()
    question = planner.get(f"{V1}/scenarios/{made['id']}/question").get_json()
    assert outlet["name"] not in question["standing"], "a closed outlet is no part of a new future"
