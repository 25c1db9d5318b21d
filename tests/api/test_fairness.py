"""Fairness in the open, counted a second time from what the record shows one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from api.db.models import Person, Shift, Technician, Visit
from tests.api.finished import finished_jobs
from tests.api.world import World

V1 = "/api/v1"


def period(days: int = 3) -> dict[str, str]:
    today = datetime.now(UTC).date()
    return {"from": str(today - timedelta(days=days)), "to": str(today + timedelta(days=days))}


def test_a_technician_sees_the_own_share_and_the_planner_everybodys(world: World) -> None:
    finished_jobs(world, 4)
    told: list[dict[str, Any]] = []
    query, cursor = period(), ""
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = world.client("planner").get(
            f"{V1}/fairness", query_string=query | {"limit": "2"} | more
        )
        assert page.status_code == 200, page.text
        told += page.get_json()["items"]
        cursor = page.get_json()["next"]
        if cursor is None:
            break
    people = {one["technician_id"]: one for outlet in told for one in outlet["technicians"]}
    with world.sessions() as session:
        assert len(people) == len(session.scalars(select(Technician.id)).all())
        for technician in session.scalars(select(Technician)):
            visits = [
                visit
                for visit in session.scalars(
                    select(Visit).where(Visit.technician_number == technician.number)
                )
                if visit.arrived_at is not None and query["from"] <= str(visit.day) <= query["to"]
            ]
            shifts = [
                shift.end_at - shift.start_at
                for shift in session.scalars(
                    select(Shift).where(Shift.technician_number == technician.number)
                )
                if query["from"] <= str(shift.day) <= query["to"]
            ]
            mine = people[str(technician.id)]
            assert mine["shift_s"] == sum(shifts, timedelta()).total_seconds()
            assert mine["figures"]["visits"]["own"] == len(visits)
            assert mine["figures"]["travel_s"]["own"] == sum(one.travel_s for one in visits)
            assert mine["figures"]["urgent"]["own"] == sum(
                visit.job.job_class == "urgent" for visit in visits
            )
        busy = max(people.values(), key=lambda one: one["figures"]["visits"]["own"])
        assert busy["figures"]["visits"]["own"] > 0
        login = session.scalars(
            select(Person.login)
            .join(Technician, Technician.number == Person.technician_number)
            .where(Technician.id == busy["technician_id"])
        ).one()
    own = world.client(login).get(f"{V1}/me/fairness", query_string=query).get_json()
    assert own["figures"] == busy["figures"] and own["from"] == query["from"]
    assert "technicians" not in own and "name" not in own


def test_a_manager_sees_the_own_outlet_and_an_odd_period_is_refused(world: World) -> None:
    manager = world.client("outlet")
    items = manager.get(f"{V1}/fairness", query_string=period()).get_json()["items"]
    assert len(items) == 1
    all_of_them = world.client("admin").get(f"{V1}/fairness", query_string=period()).get_json()
    other = next(
        one["outlet_id"]
        for one in all_of_them["items"]
        if one["outlet_id"] != items[0]["outlet_id"]
    )
    refused = manager.get(f"{V1}/fairness", query_string=period() | {"outlet_id": other})
    assert refused.get_json()["code"] == "forbidden"
    for odd in (
        {"from": "2026-02-01", "to": "2026-01-01"},
        {"from": "1999-01-01", "to": "2026-01-01"},
    ):
        answer = world.client("t01").get(f"{V1}/me/fairness", query_string=odd)
        assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid")
