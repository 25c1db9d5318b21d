"""Tables to take out, kind by kind: the rows a role reaches, personal data as it may see it.

What is shown clear is noted as a look, row by row, before anything leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased, joinedload, selectinload

from api.db.models import Bill, Complaint, Job, Outlet, Part, Request, Survey, Technician, Visit
from api.services.identity import Identity
from api.services.masking import personal
from api.services.refusals import Refusal
from api.services.regions import the_region
from api.services.scope import jobs_within, technicians_within, visits_within

BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be taken out: its columns, its rows as a role reaches them, a row as cells.

    ``when`` is the instant that a period is about; None for what has none.
    """

    columns: tuple[str, ...]
    rows: Callable[[Identity], Select[Any]]
    cells: Callable[[Any, str], tuple[Any, ...]]
    when: InstrumentedAttribute[datetime] | None = None


_WHO = ("consumer", "phone", "address", "lat", "lon")


def _who(request: Request, role: str) -> tuple[Any, ...]:
    told = personal(request, role)
    place = told["place"]
    return (*told["consumer"].values(), told["address"], place["lat"], place["lon"])


def _jobs(who: Identity) -> Select[Any]:
    return (
        select(Job)
        .where(jobs_within(who))
        .options(joinedload(Job.request).joinedload(Request.consumer))
        .order_by(Job.number)
    )


def _job(job: Job, role: str) -> tuple[Any, ...]:
    request = job.request
    facts = (job.number, job.id, job.status, job.job_class, request.channel, request.product)
    clock = (request.fault, job.reported_at, job.due_at, job.agreed_due_at, job.closed_at)
    return (*facts, *clock, job.mode, job.crew, *_who(request, role))


def _visits(who: Identity) -> Select[Any]:
    return (
        select(Visit)
        .where(visits_within(who))
        .options(
            joinedload(Visit.job).joinedload(Job.request).joinedload(Request.consumer),
            joinedload(Visit.technician),
        )
        .order_by(Visit.number)
    )


def _visit(visit: Visit, role: str) -> tuple[Any, ...]:
    times = (visit.arrival_at, visit.start_at, visit.end_at, visit.travel_s, visit.arrived_at)
    facts = (visit.number, visit.job.number, visit.technician.name, visit.day, visit.sequence)
    return (*facts, visit.state, visit.active, *times, *_who(visit.job.request, role))


def _bills(who: Identity) -> Select[Any]:
    later = aliased(Bill)
    return (
        select(Bill, Job.number)
        .join(Job, Job.id == Bill.job_id)
        .where(jobs_within(who))
        .where(
            ~select(later.id)
            .where(later.job_id == Bill.job_id, later.version > Bill.version)
            .exists()
        )
        .order_by(Job.number)
    )


def _bill(row: Any, _role: str) -> tuple[Any, ...]:
    bill, number = row
    money = (bill.total_fen, bill.currency, bill.issued_at, bill.sha256)
    return (number, bill.version, *money)


def _technicians(who: Identity) -> Select[Any]:
    return (
        select(Technician)
        .where(technicians_within(who))
        .options(joinedload(Technician.outlet), selectinload(Technician.certificates))
        .order_by(Technician.number)
    )


def _technician(one: Technician, _role: str) -> tuple[Any, ...]:
    skills = "; ".join(f"{skill}:{level}" for skill, level in sorted(one.skills.items()))
    papers = "; ".join(
        f"{paper.name}|{paper.skill}|{paper.valid_from}|{paper.valid_until}"
        for paper in one.certificates
    )
    return (one.name, one.outlet.name, skills, papers)


def _outlet(one: Outlet, _role: str) -> tuple[Any, ...]:
    return (one.name, one.address, one.lat, one.lon)


def _part(one: Part, _role: str) -> tuple[Any, ...]:
    return (one.code, one.name, one.cost_fen, one.serialised)


def _complaints(who: Identity) -> Select[Any]:
    return (
        select(Complaint)
        .where(Complaint.job_id.in_(select(Job.id).where(jobs_within(who))))
        .options(joinedload(Complaint.job).joinedload(Job.request).joinedload(Request.consumer))
        .order_by(Complaint.number)
    )


def _complaint(one: Complaint, role: str) -> tuple[Any, ...]:
    facts = (one.number, one.job.number, one.topic, one.state, one.door, one.received_at)
    return (*facts, *_who(one.job.request, role))


def _surveys(who: Identity) -> Select[Any]:
    return (
        select(Survey)
        .where(Survey.job_id.in_(select(Job.id).where(jobs_within(who))))
        .options(joinedload(Survey.job))
        .order_by(Survey.answered_at, Survey.id)
    )


def _survey(one: Survey, _role: str) -> tuple[Any, ...]:
    # Neither words nor names: what a consumer wrote may tell who it is.
    return (one.job.number, one.door, one.satisfaction, one.recommend, one.solved, one.answered_at)


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "jobs": Kind(
            ("number", "id", "status", "class", "channel", "product", "fault", "reported_at",
             "due_at", "agreed_due_at", "closed_at", "mode", "crew", *_WHO),
            _jobs, _job, Job.reported_at,
        ),
        "visits": Kind(
            ("number", "job", "technician", "day", "sequence", "state", "active", "arrival_at",
             "start_at", "end_at", "travel_s", "arrived_at", *_WHO),
            _visits, _visit, Visit.start_at,
        ),
        "bills": Kind(
            ("job", "version", "total_fen", "currency", "issued_at", "sha256"),
            _bills, _bill, Bill.issued_at,
        ),
        "technicians": Kind(
            ("name", "outlet", "skills", "certificates"), _technicians, _technician,
        ),
        "outlets": Kind(
            ("name", "address", "lat", "lon"),
            lambda _who: select(Outlet).order_by(Outlet.name), _outlet,
        ),
        "parts": Kind(
            ("code", "name", "cost_fen", "serialised"),
            lambda _who: select(Part).order_by(Part.code), _part,
        ),
        "complaints": Kind(
            ("number", "job", "topic", "state", "door", "received_at", *_WHO),
            _complaints, _complaint, Complaint.received_at,
        ),
        "surveys": Kind(
            ("job", "door", "satisfaction", "recommend", "solved", "answered_at"),
            _surveys, _survey, Survey.answered_at,
        ),
    }
)  # fmt: skip


def kind_named(name: str) -> Kind:
    """The kind of a name.

    Raises
    ------
    Refusal
        ``not_found``, with the names there are.
    """
    if name not in KINDS:
        raise Refusal("not_found", f"kinds are: {', '.join(KINDS)}", kinds=list(KINDS))
    return KINDS[name]


def rows_of(
    session: Session, kind: Kind, who: Identity, first: date | None, last: date | None
) -> Iterator[tuple[Any, ...]]:
    """The cells of each row, read in batches.

    Parameters
    ----------
    first, last
        Calendar days of the region, both included; None leaves a side open.

    Raises
    ------
    Refusal
        ``invalid`` when a period is asked of a kind that has none.
    """
    query = kind.rows(who).where(_within(session, kind, first, last))
    found = session.execute(query.execution_options(yield_per=BATCH))
    for row in found:
        yield kind.cells(row[0] if len(row) == 1 else row, who.role)


def _within(
    session: Session, kind: Kind, first: date | None, last: date | None
) -> ColumnElement[bool]:
    if first is None and last is None:
        return true()
    if kind.when is None:
        raise Refusal("invalid", "this table has no period; leave out from and to")
    if first is not None and last is not None and last < first:
        raise Refusal("invalid", "to lies before from")
    zone = ZoneInfo(the_region(session).timezone)
    bounds = []
    if first is not None:
        bounds.append(kind.when >= datetime.combine(first, time.min, zone))
    if last is not None:
        bounds.append(kind.when < datetime.combine(last + timedelta(days=1), time.min, zone))
    return and_(*bounds)
