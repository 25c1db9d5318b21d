"""The checker over all history: no assignment past expiry, stock that sums up, figures that replay.

It reads the record alone and believes nothing that is stored twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from api.db.models import (
    CallFigures,
    Equipment,
    Job,
    Receipt,
    StockBalance,
    StockMove,
    Technician,
    Visit,
)
from api.db.models import JobEvent as Row
from api.services import calls
from api.services.equipment import as_devices, papers_of
from api.services.intake import digest
from api.services.jobs import history
from api.services.regions import local_day, the_region
from domain import stock
from domain.lifecycle import IllegalTransition, JobEvent, JobState, job_transition
from domain.qualification import Device, equipment_on, skills_on


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be: which check, what about, in words."""

    check: str
    subject: str
    detail: str


def check_history(session: Session) -> tuple[dict[str, int], list[Finding]]:
    """Look at everything.

    Returns
    -------
    (dict[str, int], list[Finding])
        How many things each check looked at, and what it found.
    """
    looked: dict[str, int] = {}
    found: list[Finding] = []
    for name, check in (
        ("assignments", _assignments),
        ("stock", _stock),
        ("calls", _calls),
        ("receipts", _receipts),
        ("moves", _moves),
    ):
        looked[name] = 0
        for finding in check(session):
            looked[name] += 1
            if finding is not None:
                found.append(finding)
    return looked, found


def _assignments(session: Session) -> Iterator[Finding | None]:
    """Every visit against the papers and devices of its technician on its day.

    A withdrawn visit counts, too: it was an assignment while it stood. Equipment is checked where
    the job names some.
    """
    people = {who.number: who for who in session.scalars(select(Technician))}
    certificates, trainings = papers_of(session, people)
    devices: dict[int, list[Device]] = {}
    held = session.scalars(select(Equipment).where(Equipment.technician_number.is_not(None))).all()
    for row, device in zip(held, as_devices(session, held), strict=True):
        assert row.technician_number is not None
        devices.setdefault(row.technician_number, []).append(device)
    zone = the_region(session).timezone
    skills: dict[tuple[int, date], dict[str, int]] = {}
    for visit in session.scalars(select(Visit).options(joinedload(Visit.job)).order_by(Visit.id)):
        number, day = visit.technician_number, local_day(visit.start_at, zone)
        if (number, day) not in skills:
            # A paper that begins later was unknown then: it makes nothing of the past wrong.
            skills[number, day] = skills_on(
                people[number].skills,
                [paper for paper in certificates.get(number, ()) if paper.valid_from <= day],
                [paper for paper in trainings.get(number, ()) if paper.valid_from <= day],
                [day],
            )
        own = skills[number, day]
        # With two people at a job, the skills may be shared out; see `optimizer.problem.Job`.
        lacking = sorted(
            skill for skill, level in visit.job.skills.items() if own.get(skill, 0) < level
        )
        if lacking and visit.job.crew == 1:
            yield Finding(
                "assignments",
                f"visit {visit.id}",
                f"{day}: technician {number} without {', '.join(lacking)}",
            )
            continue
        needed = set(visit.job.equipment) - set(people[number].equipment)
        usable = equipment_on(devices.get(number, ()), [day])
        if needed - usable and visit.job.crew == 1:
            yield Finding(
                "assignments",
                f"visit {visit.id}",
                f"{day}: no usable {', '.join(sorted(needed - usable))}",
            )
            continue
        yield None


def _stock(session: Session) -> Iterator[Finding | None]:
    """Moves summed up here against the sums that the database keeps, and what vans say."""
    moves = [
        stock.Move(row.part, row.quantity, row.origin, row.goal)
        for row in session.scalars(select(StockMove).order_by(StockMove.seq))
    ]
    summed = stock.balances(moves)
    kept = {
        (row.place, row.part): row.quantity
        for row in session.scalars(select(StockBalance).where(StockBalance.quantity != 0))
    }
    for key in sorted(set(summed) | set(kept)):
        if summed.get(key, 0) != kept.get(key, 0):
            yield Finding(
                "stock",
                f"{key[1]} at {key[0]}",
                f"moves say {summed.get(key, 0)}, kept is {kept.get(key, 0)}",
            )
        else:
            yield None
    for place, part in stock.overdrawn(moves):
        yield Finding("stock", f"{part} at {place}", "was below nothing at some point")
    for who in session.scalars(select(Technician)):
        van = stock.van(who.number)
        own = {part: pieces for (place, part), pieces in summed.items() if place == van}
        if own != {part: pieces for part, pieces in who.stock.items() if pieces}:
            yield Finding("stock", van, "the technician's stock is not the sum of the moves")
        else:
            yield None


def _calls(session: Session) -> Iterator[Finding | None]:
    for row in session.scalars(select(CallFigures).order_by(CallFigures.day)):
        if calls.replay(session, row.day) == row.figures:
            yield None
        else:
            yield Finding("calls", f"day {row.day}", "a replay of the log gives other figures")


def _receipts(session: Session) -> Iterator[Finding | None]:
    for row in session.scalars(select(Receipt).order_by(Receipt.id)):
        fits = digest(row.body) == row.sha256
        yield None if fits else Finding("receipts", f"job {row.job_id}", "the hash does not fit")


def _moves(session: Session) -> Iterator[Finding | None]:
    """Each job's moves are legal one after the other and end where the job stands."""
    moved = select(Row.job_id).group_by(Row.job_id).having(func.count() > 0)
    for job in session.scalars(select(Job).where(Job.id.in_(moved)).order_by(Job.id)):
        state = JobState.OPEN
        finding = None
        for row in history(session, job.id):
            try:
                state = job_transition(state, JobEvent(row.kind))
            except IllegalTransition as error:
                finding = Finding("moves", f"job {job.id}", str(error))
                break
        if finding is None and state != job.status:
            finding = Finding("moves", f"job {job.id}", f"moves end in {state}, not {job.status}")
        yield finding
