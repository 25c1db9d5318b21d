"""Parts: every change is a move; the database keeps the sums and refuses what is not there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from api.db.models import Job, Part, PartReservation, StockBalance, StockMove, Technician, Visit
from api.services.activity import record
from api.services.refusals import Refusal
from domain import stock as places

PARTS = UUID("0d0f1f5c-2a3b-5c1e-9a51-5b1d3c7d9e02")
"""Lines of the feed are about ids: a part's is made of its code."""


def move(
    session: Session,
    part: str,
    quantity: int,
    origin: str,
    goal: str,
    kind: str,
    at: datetime,
    person_id: UUID | None,
    *,
    serial: str = "",
    job_id: UUID | None = None,
    visit_id: UUID | None = None,
    reason: str = "",
) -> StockMove:
    """Book one move.

    Raises
    ------
    Refusal
        ``unknown_reference`` for an unknown part; ``stock_short`` when the place does not have so
        many pieces, or those it has are reserved for somebody else's visit.
    """
    known = session.get(Part, part)
    if known is None:
        raise Refusal("unknown_reference", f"no such part: {part}", part=part)
    if known.serialised and kind == "used" and not serial:
        raise Refusal("serial_needed", f"{part} is built in with its serial number", part=part)
    row = StockMove(
        part=part,
        quantity=quantity,
        origin=origin,
        goal=goal,
        kind=kind,
        serial=serial,
        job_id=job_id,
        visit_id=visit_id,
        unit_cost_fen=known.cost_fen,
        reason=reason,
        at=at,
        person_id=person_id,
    )
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError as error:
        if "never_negative" not in str(error.orig):
            raise
        raise Refusal(
            "stock_short",
            f"{origin} does not have {quantity} of {part}",
            place=origin,
            part=part,
            wanted=quantity,
        ) from None
    return row


def transfer(
    session: Session,
    part: str,
    quantity: int,
    origin: str,
    goal: str,
    kind: str,
    now: datetime,
    person_id: UUID,
    serial: str,
    reason: str,
) -> StockMove:
    """A move that the office books: received, transferred, returned, scrapped, counted.

    Raises
    ------
    Refusal
        As `move`; ``stock_short`` also when what is left of a van would not cover what its planned
        visits have reserved.
    """
    row = move(
        session, part, quantity, origin, goal, kind, now, person_id, serial=serial, reason=reason
    )
    if origin.startswith("van:"):
        number = int(origin.removeprefix("van:"))
        left = session.get(StockBalance, (origin, part), populate_existing=True)
        reserved = reserved_of(session, number, part)
        if left is None or left.quantity < reserved:
            raise Refusal(
                "stock_short",
                f"{reserved} of {part} in {origin} are reserved for planned visits",
                place=origin,
                part=part,
                reserved=reserved,
            )
    record(
        session,
        f"parts_{kind}",
        "part",
        uuid5(PARTS, part),
        actor_id=person_id,
        part=part,
        quantity=quantity,
        origin=origin,
        goal=goal,
    )
    return row


def reserved_of(session: Session, technician_number: int, part: str) -> int:
    """Pieces of a part in a van that planned visits need."""
    return (
        session.scalar(
            select(func.coalesce(func.sum(PartReservation.quantity), 0)).where(
                PartReservation.technician_number == technician_number,
                PartReservation.part == part,
            )
        )
        or 0
    )


def reserve(session: Session, visits: Iterable[Visit]) -> None:
    """Reserve what the jobs of these visits need, in the vans of their technicians.

    With two technicians at a job, the one with the lower number carries the parts.
    """
    wanted = list(visits)
    first: dict[UUID, int] = {}
    for visit in wanted:
        first[visit.job_id] = min(
            first.get(visit.job_id, visit.technician_number), visit.technician_number
        )
    needs: dict[UUID, Mapping[str, int]] = {
        row.id: row.parts
        for row in session.execute(select(Job.id, Job.parts).where(Job.id.in_(first)))
    }
    rows = [
        {
            "visit_id": visit.id,
            "part": part,
            "technician_number": visit.technician_number,
            "quantity": quantity,
        }
        for visit in wanted
        if first[visit.job_id] == visit.technician_number
        for part, quantity in needs[visit.job_id].items()
    ]
    if not rows:
        return
    session.execute(
        insert(Part)
        .values([{"code": code, "name": code} for code in sorted({str(r["part"]) for r in rows})])
        .on_conflict_do_nothing()
    )
    session.execute(insert(PartReservation).values(rows).on_conflict_do_nothing())


def release(session: Session, visits: Collection[UUID]) -> None:
    """Give back what these visits had reserved."""
    if visits:
        session.execute(delete(PartReservation).where(PartReservation.visit_id.in_(visits)))


def free_stock(
    session: Session, technicians: Iterable[Technician], planned: Collection[UUID]
) -> dict[int, dict[str, int]]:
    """What each van has for a plan: its stock without what visits outside the plan have reserved.

    ``planned`` are the visits that the plan decides anew.
    """
    stock = {who.number: dict(who.stock) for who in technicians}
    query = select(
        PartReservation.technician_number, PartReservation.part, PartReservation.quantity
    ).where(PartReservation.technician_number.in_(stock))
    if planned:
        query = query.where(PartReservation.visit_id.not_in(planned))
    for number, part, quantity in session.execute(query):
        left = stock[number].get(part, 0) - quantity
        if left > 0:
            stock[number][part] = left
        else:
            stock[number].pop(part, None)
    return stock


def consume(
    session: Session,
    visit: Visit,
    used: Iterable[Mapping[str, Any]],
    at: datetime,
    person_id: UUID,
) -> None:
    """Book what was built in at a visit, from the van to the job.

    Raises
    ------
    Refusal
        ``stock_short``, ``unknown_reference``, ``serial_needed``; ``serial_used`` when the piece is
        built in somewhere already.
    """
    for row in sorted(used, key=lambda one: str(one["part"])):
        serial = str(row.get("serial") or "")
        if serial:
            _refuse_used(session, str(row["part"]), serial)
        move(
            session,
            str(row["part"]),
            int(row["quantity"]),
            places.van(visit.technician_number),
            places.job(visit.job_id),
            "used",
            at,
            person_id,
            serial=serial,
            job_id=visit.job_id,
            visit_id=visit.id,
        )


def _refuse_used(session: Session, part: str, serial: str) -> None:
    newest = session.scalars(
        select(StockMove)
        .where(StockMove.part == part, StockMove.serial == serial)
        .order_by(StockMove.seq.desc())
        .limit(1)
    ).first()
    if newest is not None and newest.kind == "used":
        raise Refusal(
            "serial_used",
            f"{part} {serial} is built in already",
            part=part,
            serial=serial,
            job_id=str(newest.job_id),
        )


def reserved_in(session: Session, wanted: Collection[str]) -> dict[tuple[str, str], int]:
    """What planned visits have reserved in vans, by place and part."""
    place = func.concat("van:", PartReservation.technician_number)
    rows = session.execute(
        select(place, PartReservation.part, func.sum(PartReservation.quantity))
        .where(place.in_(wanted))
        .group_by(place, PartReservation.part)
    )
    return {(van, part): int(quantity) for van, part, quantity in rows}


def used_at(session: Session, job_id: UUID) -> list[dict[str, Any]]:
    """What is built in for a job: pieces used less pieces returned, with serials and cost."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    place = places.job(job_id)
    for row in session.scalars(
        select(StockMove)
        .where((StockMove.goal == place) | (StockMove.origin == place))
        .order_by(StockMove.seq)
    ):
        sign = 1 if row.goal == place else -1
        one = found.setdefault(
            (row.part, row.serial),
            {"part": row.part, "serial": row.serial, "quantity": 0, "cost_fen": 0},
        )
        one["quantity"] += sign * row.quantity
        one["cost_fen"] += sign * row.quantity * row.unit_cost_fen
    return [one for one in found.values() if one["quantity"]]


def add_part(
    session: Session, code: str, name: str, cost_fen: int, serialised: bool, actor_id: UUID | None
) -> Part:
    """Name a part, or change its name and cost: moves keep the cost they were booked at."""
    session.execute(
        insert(Part)
        .values(code=code, name=name, cost_fen=cost_fen, serialised=serialised)
        .on_conflict_do_update(
            index_elements=["code"],
            set_={"name": name, "cost_fen": cost_fen, "serialised": serialised},
        )
    )
    record(
        session,
        "part_named",
        "part",
        uuid5(PARTS, code),
        actor_id=actor_id,
        code=code,
        cost_fen=cost_fen,
    )
    return session.get_one(Part, code, populate_existing=True)
