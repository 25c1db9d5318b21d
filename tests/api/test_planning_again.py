from __future__ import annotations

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
