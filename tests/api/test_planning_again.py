from __future__ import annotations

from datetime import timedelta
from itertools import groupby

from flask.testing import FlaskClient
from sqlalchemy import select

from api.db.models import Job, Person, Visit
from api.services.policies import checklist_on
from tests.api.world import World, event


def test_a_day_can_be_planned_again_after_the_last_part_of_a_van_was_built_in(
    world: World, dispatcher: FlaskClient
) -> None:
    with world.sessions() as session:
        rows = session.execute(
            select(Visit, Person.login)
            .join(Person, Person.technician_number == Visit.technician_number)
            .join(Job, Job.id == Visit.job_id)
            .where(Visit.active, Visit.state == "published", Job.parts != {}, Job.crew == 1)
            .order_by(Visit.number)
        ).all()
        visit, login = rows[0]
        part = next(iter(visit.job.parts))
        held = visit.technician.stock[part]
        product = visit.job.request.product
    phone = world.client(login)
    ticks = {item.id: True for item in checklist_on(visit.day).of(product) if item.required}
    used = [{"part": part, "quantity": held, "serial": ""}]
    for kind, details in (
        ("accepted", {}),
        ("on_the_way", {}),
        ("arrived", {}),
        ("done", {"checklist": ticks, "parts": used}),
    ):
        told = event(kind, details=details) if details else event(kind)
        answer = phone.post(f"/api/v1/visits/{visit.id}/events", json=told)
        assert answer.status_code in (200, 201), answer.text
    run = world.plan(dispatcher, date=str(visit.day))
    assert run["status"] == "succeeded", run
    published = dispatcher.post(
        f"/api/v1/plans/{run['plan_id']}/publish", headers={"If-Match": "*"}
    )
    assert published.status_code == 200, published.text


def test_a_technician_who_waits_at_a_door_is_sent_nowhere_else(
    world: World, dispatcher: FlaskClient
) -> None:
    with world.sessions.begin() as session:
        visits = session.scalars(
            select(Visit).where(Visit.active).order_by(Visit.technician_number, Visit.arrival_at)
        ).all()
        route = next(
            own
            for own in (list(of) for _, of in groupby(visits, lambda one: one.technician_number))
            if len(own) > 2 and all(visit.job.crew == 1 for visit in own)
        )
        waiting, *rest = route
        for visit in rest:
            visit.state, visit.active = "withdrawn", False
            visit.job.status = "open"
        session.flush()
        # The consumer is at home three hours later; the technician is there already.
        waiting.start_at += timedelta(hours=3)
        waiting.end_at += timedelta(hours=3)
        waiting.state = "arrived"
        waiting.arrived_at = waiting.arrival_at
        number, day, visit_id = waiting.technician_number, waiting.day, waiting.id
        arrival, end = waiting.arrival_at, waiting.end_at
    run = world.plan(dispatcher, date=str(day))
    assert run["status"] == "succeeded", run
    published = dispatcher.post(
        f"/api/v1/plans/{run['plan_id']}/publish", headers={"If-Match": "*"}
    )
    assert published.status_code == 200, published.text
    with world.sessions() as session:
        own = session.scalars(
            select(Visit).where(
                Visit.active, Visit.technician_number == number, Visit.id != visit_id
            )
        ).all()
        assert all(visit.arrival_at >= end or visit.end_at <= arrival for visit in own)
        assert session.get_one(Visit, visit_id).active
