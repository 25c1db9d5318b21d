"""From a scenario to the record and back: outlets that open and close, posts to fill."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, undefer

from api.db.models import Outlet, ScenarioOutlet, ScenarioRow, Technician, Vacancy
from api.services import closings
from api.services.activity import record
from api.services.refusals import Refusal
from api.services.scenario_runs import locked
from api.services.scenarios import label, outlet_names
from api.services.workforce import add_technician, open_outlet
from domain.places import Place


def adopt(
    session: Session,
    scenario_id: UUID,
    names: Mapping[str, str],
    closes_on: date | None,
    actor_id: UUID,
    now: datetime,
) -> ScenarioRow:
    """Open the new outlets and the posts of a scenario, and decide the end of those it closes.

    Adopting it again changes nothing.

    Parameters
    ----------
    names
        What a new outlet shall be called, by its candidate; the candidate's own name otherwise.
    closes_on
        The first day on which the outlets that it closes are closed; when left out, the scenario's
        first counted day or, if that is over, tomorrow.

    Raises
    ------
    Refusal
        ``not_found``; ``scenario_not_done``; ``already_exists`` when an outlet's name is taken;
        ``nothing_to_adopt`` when the scenario opens no outlet and no post and closes none;
        ``unknown_reference`` when an outlet is not on record; ``outlet_closed`` and
        ``outlet_in_use`` from `closings.close`; ``invalid`` for a bad ``closes_on``.
    """
    row = locked(session, scenario_id)
    if row.adopted_at is not None:
        return row
    session.refresh(row, ["answer"])
    if row.answer is None:
        raise Refusal("scenario_not_done", f"it is {row.status}", status=row.status)
    answer = row.answer
    new = [one for one in answer["outlets"] if one["status"] == "new"]
    ending = [one for one in answer["outlets"] if one["status"] == "closed"]
    if not new and not ending and not answer["posts"]:
        raise Refusal("nothing_to_adopt", "it opens no outlet and no post, and closes none")
    if closes_on is not None and not ending:
        raise Refusal("invalid", "closes_on: this scenario closes no outlet")
    unknown = sorted(set(names) - {one["id"] for one in new})
    if unknown:
        raise Refusal("unknown_reference", f"{unknown[0]} is no new outlet of this scenario")
    homes = {one["id"]: UUID(one["record_id"]) for one in answer["outlets"] if one["record_id"]}
    taken = outlet_names(session)
    for site in new:
        name = names.get(site["id"], site["name"])
        if name in taken:
            raise Refusal("already_exists", f"there is an outlet named {name}", name=name)
        outlet = open_outlet(
            session, name, site["address"], Place(site["lat"], site["lon"]), actor_id
        )
        session.add(ScenarioOutlet(outlet_id=outlet.id, scenario_id=row.id, site=site["id"]))
        homes[site["id"]] = outlet.id
        taken.add(name)
    planned = _scenario(session, row)
    rosters = planned["rosters"]
    if ending:
        start = date.fromisoformat(planned["start"])
        day = closings.closing_day(session, closes_on, start, now)
        closings.close(session, row.id, ending, homes, day, actor_id)
    for post in answer["posts"]:
        home = homes.get(post["outlet"])
        outlet_there = None if home is None else session.get(Outlet, home)
        if outlet_there is None:
            raise Refusal("unknown_reference", f"the outlet {post['outlet']} is not on record")
        if outlet_there.closed_on is not None:
            raise Refusal("outlet_closed", f"{outlet_there.name} closes: no post can be opened")
        session.add_all(
            Vacancy(
                scenario_id=row.id,
                outlet_id=outlet_there.id,
                skills=post["skills"],
                roster={
                    "name": post["roster"],
                    "turns": rosters.get(post["roster"], []),
                },
            )
            for _ in range(post["heads"])
        )
    row.adopted_at, row.adopted_by = now, actor_id
    session.flush()
    record(
        session, "scenario_adopted", "scenario", row.id, actor_id=actor_id, name=row.name,
        version=row.version, answer_sha256=row.answer_sha256, outlets=len(new),
        closed=len(ending),
        posts=sum(post["heads"] for post in answer["posts"]),
    )  # fmt: skip
    return row


def _scenario(session: Session, row: ScenarioRow) -> dict[str, Any]:
    question = (
        session.scalars(
            select(ScenarioRow)
            .where(ScenarioRow.id == row.id)
            .options(undefer(ScenarioRow.question))
        )
        .one()
        .question
    )
    return dict(question["scenario"])


def undo(session: Session, scenario_id: UUID, actor_id: UUID, now: datetime) -> ScenarioRow:
    """Take an adoption back while nobody uses what it opened and no outlet is closed yet.

    Raises
    ------
    Refusal
        ``not_found``; ``nothing_to_undo`` when it is not adopted; ``outlet_in_use`` when a post is
        filled or something refers to a new outlet; ``outlet_closed`` from `closings.withdraw`.
    """
    row = locked(session, scenario_id)
    if row.adopted_at is None:
        raise Refusal("nothing_to_undo", "the scenario has not been adopted")
    filled = session.scalars(
        select(Vacancy.id).where(Vacancy.scenario_id == row.id, Vacancy.status == "filled")
    ).all()
    if filled:
        raise Refusal("outlet_in_use", f"{len(filled)} of its posts are filled", filled=len(filled))
    closings.withdraw(session, row.id, actor_id, now)
    opened = session.scalars(
        select(ScenarioOutlet.outlet_id).where(ScenarioOutlet.scenario_id == row.id)
    ).all()
    session.execute(delete(Vacancy).where(Vacancy.scenario_id == row.id))
    session.execute(delete(ScenarioOutlet).where(ScenarioOutlet.scenario_id == row.id))
    row.adopted_at = row.adopted_by = None
    for outlet_id in opened:
        try:
            session.execute(delete(Outlet).where(Outlet.id == outlet_id))
        except IntegrityError:
            raise Refusal(
                "outlet_in_use", "somebody or something belongs to one of its outlets already"
            ) from None
        record(session, "outlet_withdrawn", "outlet", outlet_id, actor_id=actor_id)
    session.flush()
    record(
        session, "scenario_adoption_undone", "scenario", row.id, actor_id=actor_id, name=row.name,
        version=row.version,
    )  # fmt: skip
    return row


def adoption_view(session: Session, row: ScenarioRow) -> dict[str, Any] | None:
    """What an adopted scenario has opened, and what it closes."""
    if row.adopted_at is None:
        return None
    outlets = session.execute(
        select(Outlet.id, Outlet.name, ScenarioOutlet.site)
        .join(ScenarioOutlet, ScenarioOutlet.outlet_id == Outlet.id)
        .where(ScenarioOutlet.scenario_id == row.id)
        .order_by(Outlet.name)
    ).all()
    statuses = session.scalars(select(Vacancy.status).where(Vacancy.scenario_id == row.id)).all()
    return {
        "adopted_at": row.adopted_at.isoformat(),
        "outlets": [{"id": str(o.id), "name": o.name, "site": o.site} for o in outlets],
        "closings": closings.closings_view(session, row.id),
        "posts": len(statuses),
        "filled": sum(status == "filled" for status in statuses),
    }


def fill(
    session: Session, vacancy_id: UUID, data: dict[str, Any], actor_id: UUID, now: datetime
) -> Vacancy:
    """Fill a post with a new technician, who gets its outlet and, unless told, its skills.

    Raises
    ------
    Refusal
        ``not_found``; ``already_decided`` when it is filled.
    """
    vacancy = session.get(Vacancy, vacancy_id, with_for_update=True)
    if vacancy is None:
        raise Refusal("not_found")
    if vacancy.status != "open":
        raise Refusal("already_decided", "the post is filled")
    technician: Technician = add_technician(
        session,
        {
            "name": data["name"],
            "outlet_id": vacancy.outlet_id,
            "skills": data.get("skills") or dict(vacancy.skills),
            "stock": {},
            "certificates": data.get("certificates") or [],
        },
        actor_id,
    )
    vacancy.status, vacancy.technician_number = "filled", technician.number
    vacancy.filled_at = now
    scenario = session.get_one(ScenarioRow, vacancy.scenario_id)
    record(
        session,
        "vacancy_filled",
        "vacancy",
        vacancy.id,
        actor_id=actor_id,
        technician_number=technician.number,
        scenario=label(scenario),
    )
    return vacancy
