"""Which shifts before a working day are planned with it: none that another day's plan uses."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, select

from api.access import V1
from api.db.models import Shift, Visit
from api.services.regions import duty_days, lead_in, local_day, shifts_ahead, the_region
from tests.api.world import World, report

FAR = timedelta(days=40)
"""Beyond the roster: what is planned there works there alone."""


@pytest.fixture(scope="module")
def zone(world: World) -> str:
    with world.sessions() as session:
        return the_region(session).timezone


def at(day: date, hour: int, zone: str) -> datetime:
    return datetime.combine(day, time(hour), ZoneInfo(zone))


def next_working_day(world: World, zone: str) -> date:
    """The first day after today on which more than a duty crew works."""
    now = datetime.now(UTC)
    with world.sessions() as session:
        ahead = shifts_ahead(session, now, zone)
        return min(set(ahead) - duty_days(ahead) - {local_day(now, zone)})


def planned(world: World, dispatcher: FlaskClient, day: date) -> list[Visit]:
    """The visits of a day's plan, made and published."""
    plan = f"{V1}/plans/{world.plan(dispatcher, date=day.isoformat())['plan_id']}"
    version = {"If-Match": dispatcher.get(plan).headers["ETag"]}
    published = dispatcher.post(f"{plan}/publish", headers=version)
    assert published.status_code == 200, published.text
    with world.sessions() as session:
        return list(session.scalars(select(Visit).where(Visit.day == day, Visit.active)))


def test_a_day_far_ahead_is_planned_with_its_own_people_alone(
    world: World, dispatcher: FlaskClient, admin: FlaskClient, zone: str
) -> None:
    day = next_working_day(world, zone) + FAR
    people = admin.get(f"{V1}/technicians?limit=500").get_json()["items"]
    for one in [one for one in people if "fridge" in one["skills"]][:3]:
        shift = {"technician_id": one["id"], "start": at(day, 9, zone).isoformat(),
                 "end": at(day, 17, zone).isoformat()}  # fmt: skip
        assert admin.post(f"{V1}/shifts", json=shift).status_code == 201
    assert dispatcher.post(f"{V1}/requests", json=report()).status_code == 201
    visits = planned(world, dispatcher, day)
    assert visits
    assert {local_day(visit.arrival_at, zone) for visit in visits} == {day}


def test_what_is_left_of_a_day_goes_with_the_day_after_the_day_off_unless_its_own_plan_uses_it(
    world: World, dispatcher: FlaskClient, zone: str
) -> None:
    day = next_working_day(world, zone)
    after = day + timedelta(days=2)
    with world.sessions.begin() as session:
        session.execute(delete(Shift).where(Shift.day == day + timedelta(days=1)))
    morning = at(day, 5, zone)
    with world.sessions() as session:
        free = {shift.id for shift in lead_in(session, after, morning, zone)}
        everybody = session.scalars(select(Shift.id).where(Shift.day == day)).all()
    assert free == set(everybody)
    used = {visit.shift_id for visit in planned(world, dispatcher, day)}
    assert used
    with world.sessions() as session:
        left = {shift.id for shift in lead_in(session, after, morning, zone)}
    assert left == free - used
