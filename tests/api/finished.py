"""Jobs that are done, written straight into the record: what happens after the work is tested."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.db.models import Job, Person, Technician, Visit
from tests.api.world import World


def finish(session: Session, visit: Visit, done_at: datetime) -> Job:
    """A visit at whose door somebody stood an hour before it was done."""
    visit.state = "done"
    visit.arrived_at = done_at - timedelta(hours=1)
    job = session.get_one(Job, visit.job_id)
    job.status, job.closed_at = "done", done_at
    # Reported in time for the arrival, whatever the demo's clock says.
    job.reported_at = min(job.reported_at, done_at - timedelta(hours=20))
    job.due_at = job.reported_at + timedelta(hours=24)
    return job


def finished_jobs(world: World, count: int, ago: timedelta = timedelta(days=1)) -> list[UUID]:
    """Ids of jobs that were just finished, ``ago`` before now."""
    with world.sessions.begin() as session:
        visits = session.scalars(
            select(Visit)
            .where(Visit.active, Visit.state == "published")
            .order_by(Visit.number)
            .limit(count)
        ).all()
        assert len(visits) == count
        return [finish(session, visit, datetime.now(UTC) - ago).id for visit in visits]


def technician_of(world: World, job_id: UUID) -> tuple[UUID, UUID]:
    """Who did a job: the technician's and the outlet's id."""
    with world.sessions() as session:
        visit = session.scalars(
            select(Visit).where(Visit.job_id == job_id, Visit.state == "done")
        ).one()
        return visit.technician.id, visit.technician.outlet_id


def own_client(world: World, technician_id: UUID) -> FlaskClient:
    """The technician's own browser."""
    with world.sessions() as session:
        login = session.scalars(
            select(Person.login)
            .join(Technician, Technician.number == Person.technician_number)
            .where(Technician.id == technician_id)
        ).one()
    return world.client(login)
