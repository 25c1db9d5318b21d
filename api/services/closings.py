"""Outlets that an adopted scenario closes: from a day on, and only while nothing hangs on them.

Until that day everything goes on as before. Plans of that day and later start from where the people
go (`homes`); on the day itself a worker moves people and equipment on record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from api.db.models import (
    Equipment,
    Outlet,
    OutletClosing,
    Technician,
    Transfer,
    Vacancy,
    Visit,
)
from api.services.activity import record
from api.services.homes import homes
from api.services.refusals import Refusal
from api.services.regions import local_day, the_region
from network.roads.estimate import haversine_m


def closing_day(session: Session, wanted: date | None, start: date, now: datetime) -> date:
    """The first day an outlet is closed: what was wanted, or the scenario's first counted day.

    Raises
    ------
    Refusal
        ``invalid`` when the wanted day is not to come.
    """
    today = local_day(now, the_region(session).timezone)
    tomorrow = date.fromordinal(today.toordinal() + 1)
    if wanted is not None and wanted < tomorrow:
        raise Refusal("invalid", f"closes_on: outlets can close from {tomorrow.isoformat()} on")
    return wanted or max(start, tomorrow)


def close(
    session: Session,
    scenario_id: UUID,
    sites: Sequence[Mapping[str, Any]],
    outlets: Mapping[str, UUID],
    day: date,
    actor_id: UUID,
) -> None:
    """Decide that outlets close, and who goes where.

    Parameters
    ----------
    sites
        The closed outlets of the scenario's answer.
    outlets
        The outlets of that answer, new ones included, to their rows.

    Raises
    ------
    Refusal
        ``unknown_reference`` for an outlet that is not on record; ``outlet_closed`` for one whose
        end, or whose heir's end, is decided already; ``outlet_in_use`` with what hangs on it.
    """
    ending = {_on_record(session, site, outlets).id for site in sites}
    for site in sites:
        outlet = _on_record(session, site, outlets)
        if outlet.closed_on is not None:
            raise Refusal("outlet_closed", f"{outlet.name} closes on {outlet.closed_on} already")
        heir = _heir(session, outlet, outlets.get(site.get("heir") or ""), ending)
        people = _people(session, outlet.id)
        _refuse_what_hangs(session, outlet, people, day)
        outlet.closed_on = day
        session.add(
            OutletClosing(outlet_id=outlet.id, scenario_id=scenario_id, heir_id=heir.id, day=day)
        )
        session.flush()
        session.add_all(
            Transfer(technician_number=one.number, day=day, from_id=outlet.id, to_id=heir.id)
            for one in people
        )
        session.flush()
        record(
            session, "outlet_closing_decided", "outlet", outlet.id, actor_id=actor_id,
            name=outlet.name, day=day.isoformat(), heir=str(heir.id), people=len(people),
        )  # fmt: skip


def _on_record(session: Session, site: Mapping[str, Any], outlets: Mapping[str, UUID]) -> Outlet:
    key = outlets.get(site["id"])
    found = None if key is None else session.get(Outlet, key, with_for_update=True)
    if found is None:
        raise Refusal("unknown_reference", f"the outlet {site['id']} is not on record")
    return found


def _heir(session: Session, outlet: Outlet, named: UUID | None, ending: set[UUID]) -> Outlet:
    """Who takes the people: the one that the answer names, else the nearest that stays."""
    if named is not None:
        heir = session.get(Outlet, named)
        if heir is None:
            raise Refusal("unknown_reference", f"{outlet.name}: its heir is not on record")
        if heir.closed_on is not None:
            raise Refusal("outlet_closed", f"{heir.name} closes on {heir.closed_on} itself")
        return heir
    staying = session.scalars(
        select(Outlet).where(Outlet.closed_on.is_(None), Outlet.id.not_in(ending))
    ).all()
    if not staying:
        raise Refusal("outlet_in_use", f"no outlet stays to take the people of {outlet.name}")
    return min(
        staying,
        key=lambda one: float(haversine_m([[outlet.lat, outlet.lon]], [[one.lat, one.lon]]).item()),
    )


def _people(session: Session, outlet_id: UUID) -> list[Technician]:
    known = homes(session)
    everybody = session.scalars(select(Technician).order_by(Technician.number))
    return [one for one in everybody if known.in_the_end(one) == outlet_id]


def _refuse_what_hangs(
    session: Session, outlet: Outlet, people: Iterable[Technician], day: date
) -> None:
    posts = session.scalar(
        select(func.count())
        .select_from(Vacancy)
        .where(Vacancy.outlet_id == outlet.id, Vacancy.status == "open")
    )
    if posts:
        raise Refusal(
            "outlet_in_use", f"{outlet.name} has {posts} posts to fill; fill or undo them first",
            posts=posts,
        )  # fmt: skip
    coming = session.scalars(
        select(OutletClosing).where(
            OutletClosing.heir_id == outlet.id, OutletClosing.carried_out_at.is_(None)
        )
    ).first()
    if coming is not None:
        raise Refusal(
            "outlet_in_use", f"{outlet.name} is to take people of another outlet on {coming.day}"
        )
    _refuse_planned_visits(session, outlet.name, [one.number for one in people], day)


def _refuse_planned_visits(session: Session, name: str, numbers: list[int], day: date) -> None:
    planned, last = session.execute(
        select(func.count(), func.max(Visit.day)).where(
            Visit.technician_number.in_(numbers), Visit.active, Visit.day >= day
        )
    ).one()
    if planned:
        raise Refusal(
            "outlet_in_use",
            f"{planned} visits of the people of {name} are planned from {day} on, the last on "
            f"{last}; close it later or take them off the plan",
            visits=planned,
        )


def withdraw(session: Session, scenario_id: UUID, actor_id: UUID, now: datetime) -> None:
    """Let the outlets stay after all, while the day has not come.

    Raises
    ------
    Refusal
        ``outlet_closed`` once the day has come; ``outlet_in_use`` when visits are planned from
        where the people were to go.
    """
    closings = session.scalars(
        select(OutletClosing).where(OutletClosing.scenario_id == scenario_id).with_for_update()
    ).all()
    today = local_day(now, the_region(session).timezone)
    for closing in closings:
        outlet = session.get_one(Outlet, closing.outlet_id)
        if closing.day <= today or closing.carried_out_at is not None:
            raise Refusal(
                "outlet_closed",
                f"{outlet.name} has been closed since {closing.day} and its people have moved; "
                "to have it back, open it in a new scenario",
            )
        moving = session.scalars(
            select(Transfer.technician_number).where(Transfer.from_id == outlet.id)
        ).all()
        _refuse_planned_visits(session, outlet.name, list(moving), closing.day)
        session.execute(delete(Transfer).where(Transfer.from_id == outlet.id))
        session.delete(closing)
        session.flush()
        outlet.closed_on = None
        record(
            session, "outlet_closing_withdrawn", "outlet", outlet.id, actor_id=actor_id,
            name=outlet.name,
        )  # fmt: skip


def carry_out(session: Session, now: datetime) -> int:
    """Move people and equipment of the outlets whose day has come; how many outlets closed."""
    closings = session.scalars(
        select(OutletClosing)
        .where(OutletClosing.carried_out_at.is_(None))
        .with_for_update(skip_locked=True)
    ).all()
    if not closings:
        return 0
    today = local_day(now, the_region(session).timezone)
    due = [closing for closing in closings if closing.day <= today]
    for closing in due:
        transfers = session.scalars(
            select(Transfer).where(Transfer.from_id == closing.outlet_id)
        ).all()
        for transfer in transfers:
            session.execute(
                update(Technician)
                .where(Technician.number == transfer.technician_number)
                .values(outlet_id=transfer.to_id)
            )
        session.execute(
            update(Equipment)
            .where(Equipment.outlet_id == closing.outlet_id)
            .values(outlet_id=closing.heir_id)
        )
        closing.carried_out_at = now.astimezone(UTC)
        record(
            session, "outlet_closed", "outlet", closing.outlet_id, actor_id=None,
            day=closing.day.isoformat(), people=len(transfers),
        )  # fmt: skip
    return len(due)


def closings_view(session: Session, scenario_id: UUID) -> list[dict[str, Any]]:
    """The outlets that a scenario closes: from when, and where their people go."""
    rows = session.execute(
        select(OutletClosing, Outlet.name)
        .join(Outlet, Outlet.id == OutletClosing.outlet_id)
        .where(OutletClosing.scenario_id == scenario_id)
        .order_by(Outlet.name)
    ).all()
    people = dict(
        session.execute(
            select(Transfer.from_id, func.count())
            .where(Transfer.from_id.in_([closing.outlet_id for closing, _ in rows]))
            .group_by(Transfer.from_id)
        ).all()
    )
    return [
        {
            "id": str(closing.outlet_id),
            "name": name,
            "closes_on": closing.day.isoformat(),
            "people": people.get(closing.outlet_id, 0),
            "people_go_to": str(closing.heir_id),
        }
        for closing, name in rows
    ]
