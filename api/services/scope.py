"""What is whose: the rows that a role reaches. Most roles reach all that their routes show.

A technician reaches jobs visited by him or her, a manager those of the outlet's technicians, a
consumer the job of the link, an assessor the jobs of the drawn sample. Routes narrow their queries
by these; what lies outside is ``not_found``, so that nobody learns what there is.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ColumnElement, false, func, select, true
from sqlalchemy.orm import Session, joinedload

from api.db.models import Audit, AuditJob, Job, Request, Shift, Technician, Visit
from api.services.identity import Identity
from api.services.refusals import Refusal
from domain import roles


def technicians_within(who: Identity) -> ColumnElement[bool]:
    """The technicians whom this person may look up."""
    if who.role == roles.OUTLET_MANAGER:
        return Technician.outlet_id == who.outlet_id
    if who.role == roles.TECHNICIAN:
        return Technician.number == who.technician_number
    return false() if who.role in (roles.ASSESSOR, roles.CONSUMER) else true()


def visits_within(who: Identity) -> ColumnElement[bool]:
    """The visits that this person may look up."""
    if who.role == roles.TECHNICIAN:
        return Visit.technician_number == who.technician_number
    if who.role == roles.OUTLET_MANAGER:
        return Visit.technician_number.in_(select(Technician.number).where(technicians_within(who)))
    if who.role == roles.CONSUMER:
        return Visit.job_id == who.job_id
    return false() if who.role == roles.ASSESSOR else true()


def shifts_within(who: Identity) -> ColumnElement[bool]:
    """The shifts that this person may look up."""
    return Shift.technician_number.in_(select(Technician.number).where(technicians_within(who)))


def jobs_within(who: Identity) -> ColumnElement[bool]:
    """The jobs that this person may look up."""
    if who.role == roles.CONSUMER:
        return Job.id == who.job_id
    if who.role == roles.ASSESSOR:
        return Job.id.in_(
            select(AuditJob.job_id)
            .join(Audit, Audit.id == AuditJob.audit_id)
            .where(Audit.assessor_id == who.person_id, Audit.access_until > func.now())
        )
    if who.role in (roles.TECHNICIAN, roles.OUTLET_MANAGER):
        return Job.id.in_(select(Visit.job_id).where(visits_within(who)))
    return true()


def requests_within(who: Identity) -> ColumnElement[bool]:
    """The reports that this person may look up: those of the jobs in reach."""
    if who.role in roles.SCOPED:
        return Request.id.in_(select(Job.request_id).where(jobs_within(who)))
    return true()


def reach_job(session: Session, who: Identity, job_id: UUID) -> Job:
    """The job, when this person may look it up.

    Raises
    ------
    Refusal
        ``not_found``, the same for a job that is out of reach and one that does not exist.
    """
    found = session.scalars(
        select(Job)
        .where(Job.id == job_id)
        .where(jobs_within(who))
        .options(joinedload(Job.request).joinedload(Request.consumer))
    ).one_or_none()
    if found is None:
        raise Refusal("not_found")
    return found
