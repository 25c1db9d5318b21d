"""A live change becomes the record: plan, visits, sheets, one row to undo it by.

The stored plan is put together anew from the stored question and checked as a whole, whatever the
desk believes; what breaks a rule there is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import event, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, undefer

from api.db.models import Plan, PlanChange, Shift, Technician, Visit
from api.services.activity import record
from api.services.geometry import route_lines
from api.services.live_plans import DeskRoom, Held, begun_visits, stored_problem, with_changes
from api.services.planning import lock_day
from api.services.publishing import overlap_told, planned_stops, replace_visits
from api.services.refusals import Refusal
from api.services.regions import the_region
from api.services.sheets import lock_sheets, renew_sheets
from api.services.snapshot import seconds_since
from api.services.summary import figures
from optimizer import Job as ProblemJob
from optimizer import Plan as Solution
from optimizer import Problem, Route, Unassigned, check
from optimizer.explain import explain
from optimizer.formats import plan_from_json, plan_to_json
from optimizer.formats.jobs import job_to_json

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change did: its kind, the routes it replaced, and how the question changed."""

    kind: str
    before: Mapping[int, Route | None]
    jobs: tuple[ProblemJob, ...] = ()
    gone: tuple[str, ...] = ()
    closed: Sequence[Key] = ()
    effect: Mapping[str, int | float] = field(default_factory=dict)
    job_id: UUID | None = None
    technician_id: UUID | None = None


def amend(
    session: Session,
    room: DeskRoom,
    plan: Plan,
    held: Held,
    changed: Changed,
    actor_id: UUID,
) -> None:
    """Write what the desk has just done into the record.

    Raises
    ------
    Refusal
        ``no_repair`` when the stored plan would break a rule; ``double_booking``.
    """
    desk, plan_id = held.desk, plan.id
    patch = _patch(held, changed)
    before: list[tuple[Key, Route | None]] = []
    after: list[tuple[Key, Route | None]] = []
    for r, route in changed.before.items():
        stand = desk.stands[r]
        key = (stand.technician.id, stand.shift.id)
        before.append((key, _stored(route, held)))
        after.append((key, _stored(desk.routes[r], held)))
    change = PlanChange(
        plan_id=plan.id,
        edition=plan.edition + 1,
        kind=changed.kind,
        job_id=changed.job_id,
        technician_id=changed.technician_id,
        actor_id=actor_id,
        effect=dict(changed.effect),
        patch=patch,
        before=_routes_json(before),
        after=_routes_json(after),
        document_before={"unassigned": plan.document["unassigned"]},
    )
    problem, _ = stored_problem(session, room.base(session, plan), plan.id)
    problem, _ = with_changes(problem, [patch], [False])
    write(session, room, plan, problem, dict(after))
    session.add(change)
    _mark_absent(session, patch["closed"], held.now)
    session.flush()
    desk.publish()
    held.edition = plan.edition
    # What does not reach the record was never done: another change may take this edition then.
    event.listen(session, "after_rollback", lambda _: room.forget(plan_id), once=True)
    _tell(session, plan, change, actor_id)


def write(
    session: Session,
    room: DeskRoom,
    plan: Plan,
    problem: Problem,
    routes: Mapping[Key, Route | None],
    left_out: Iterable[Unassigned] = (),
) -> None:
    """Put these routes in place of those of their shifts, and everything that follows from it.

    ``problem`` is the question as it stands then; ``left_out`` are entries whose reasons are known.
    """
    old = plan_from_json(plan.document)
    kept: dict[Key, Route] = {(route.technician, route.shift): route for route in old.routes}
    for key, route in routes.items():
        if route is None:
            kept.pop(key, None)
        else:
            kept[key] = route
    solution = Solution(tuple(kept.values()), solver=old.solver)
    served = {name for route in solution.routes for name in route.jobs}
    absent = [job.id for job in problem.jobs if job.id not in served]
    known = {entry.job: entry for entry in old.unassigned}
    known |= {entry.job: entry for entry in left_out if entry.job not in known}
    solution = replace(
        solution, unassigned=tuple(known.get(name, Unassigned(name)) for name in absent)
    )
    report = check(problem, solution)
    if not report.valid:
        raise Refusal("no_repair", str(report.violations[0]))
    strangers = {name for name in absent if name not in known}
    if strangers:
        told = {entry.job: entry for entry in explain(problem, solution, limit=len(strangers))}
        solution = replace(
            solution,
            unassigned=tuple(
                told.get(entry.job, entry) if entry.job in strangers else entry
                for entry in solution.unassigned
            ),
        )
    solution = replace(solution, goals=report.goals)
    people = {technician for technician, _ in routes}
    theirs = Solution(tuple(r for r in solution.routes if r.technician in people))
    lines = {who: line for who, line in plan.geometry.items() if who not in people}
    plan.geometry = lines | route_lines(room.roads, problem, theirs)
    plan.document = plan_to_json(solution)
    plan.goals = dict(report.goals)
    plan.violations = []
    plan.summary = {
        **plan.summary,
        **{
            name: value
            for name, value in figures(
                problem, solution, report, plan.source_of_travel_times
            ).items()
            if name not in ("engine", "seconds")
        },
    }
    plan.edition += 1
    if people and plan.status == "published":
        _visits(session, plan, people)


def _visits(session: Session, plan: Plan, people: set[str]) -> None:
    """Visits and sheets of the technicians concerned."""
    lock_sheets(session, plan.day)
    ids = {UUID(who) for who in people}
    numbers: set[int] = set(
        session.scalars(select(Technician.number).where(Technician.id.in_(ids)))
    )
    stops = [stop for stop in planned_stops(plan) if stop.technician_id in ids]
    try:
        replace_visits(session, plan, stops, numbers)
        ends = {(stop.job_id, stop.technician_id): stop.end_at for stop in stops}
        for visit in session.scalars(
            select(Visit).where(
                Visit.day == plan.day, Visit.active, Visit.technician_number.in_(numbers)
            )
        ):
            end = ends.get((visit.job_id, visit.technician.id))
            if end is not None and visit.end_at != end:
                visit.end_at = end  # under way, and it takes longer
        session.flush()
    except IntegrityError as error:
        raise Refusal("double_booking", overlap_told(error)) from error
    renew_sheets(session, plan, the_region(session).timezone, numbers)


def undo(
    session: Session,
    room: DeskRoom,
    plan_id: UUID,
    version: str | None,
    actor_id: UUID,
    now: datetime,
) -> PlanChange:
    """Take the last change back, as long as nothing of it has begun.

    Raises
    ------
    Refusal
        ``not_found``; ``plan_moved``; ``nothing_to_undo``; ``already_begun``; ``no_repair``.
    """
    day = session.scalar(select(Plan.day).where(Plan.id == plan_id))
    if day is None:
        raise Refusal("not_found")
    lock_day(session, day)
    plan = session.get(
        Plan,
        plan_id,
        options=[undefer(Plan.geometry), undefer(Plan.document)],
        populate_existing=True,
    )
    assert plan is not None
    if version is not None and version != f"{plan.id.hex}.{plan.edition}":
        raise Refusal(
            "plan_moved", "somebody changed the plan", version=f"{plan.id.hex}.{plan.edition}"
        )
    change = last_change(session, plan)
    if change is None or plan.status not in ("draft", "published"):
        raise Refusal("nothing_to_undo", "no change of this plan can be taken back")
    before, after = _routes(change.before), _routes(change.after)
    now_s = seconds_since(plan.epoch.astimezone(UTC), now)
    begun = {visit.job for visit in begun_visits(session, plan)}
    for key, route in before.items():
        if not _may_return(route, after[key], now_s, begun):
            raise Refusal("already_begun", "somebody is on the way because of it")
    change.undone_at = now
    _mark_absent(session, change.patch.get("closed", ()), None)
    session.flush()
    problem, _ = stored_problem(session, room.base(session, plan), plan.id)
    room.forget(plan.id)
    told = {"format": "zhunda-plan/1", "routes": [], **change.document_before}
    write(session, room, plan, problem, before, plan_from_json(told).unassigned)
    session.add(
        PlanChange(
            plan_id=plan.id,
            edition=plan.edition,
            kind="undone",
            job_id=change.job_id,
            technician_id=change.technician_id,
            actor_id=actor_id,
            undone_at=now,
            effect={name: -value for name, value in change.effect.items()},
            patch={},
            before=change.after,
            after=change.before,
            document_before={"unassigned": []},
        )
    )
    session.flush()
    record(
        session,
        "plan_change_undone",
        "plan",
        plan.id,
        actor_id=actor_id,
        day=str(plan.day),
        version=plan.version,
        edition=plan.edition,
        undone=change.kind,
        job=None if change.job_id is None else str(change.job_id),
    )
    return change


def _mark_absent(session: Session, closed: Iterable[Sequence[str]], since: datetime | None) -> None:
    """Remember on the shifts themselves that somebody is out (None: is back)."""
    ids = [UUID(shift) for _, shift in closed]
    if ids:
        session.execute(update(Shift).where(Shift.id.in_(ids)).values(absent_from=since))


def last_change(session: Session, plan: Plan) -> PlanChange | None:
    """The newest change of a plan that has not been taken back."""
    return session.scalars(
        select(PlanChange)
        .where(PlanChange.plan_id == plan.id, PlanChange.undone_at.is_(None))
        .options(
            undefer(PlanChange.before),
            undefer(PlanChange.after),
            undefer(PlanChange.patch),
            undefer(PlanChange.document_before),
        )
        .order_by(PlanChange.edition.desc())
        .limit(1)
    ).first()


def _may_return(before: Route | None, after: Route | None, now_s: int, begun: set[str]) -> bool:
    """Whether the two routes differ only in what has not begun, nor should have."""
    old = [] if before is None else list(before.steps[1:-1])
    new = [] if after is None else list(after.steps[1:-1])
    same = 0
    while same < min(len(old), len(new)) and old[same] == new[same]:
        same += 1
    for step in (*old[same:], *new[same:]):
        arrival = step.arrival if step.arrival is not None else step.start or 0
        if step.job in begun or arrival - step.travel_s < now_s:
            return False
    return True


def _patch(held: Held, changed: Changed) -> dict[str, Any]:
    """How the question changed, in the stored plan's own numbers."""
    desk = held.desk
    (travel,) = desk.problem.travel.values()
    places = []
    for job in changed.jobs:
        index = job.location
        if index < held.known or index in held.stored:
            continue
        place = held.places[index]
        known = [*range(held.known), *held.stored]  # in the order the record knows them
        held.stored[index] = held.known + len(held.stored)
        # From the desk's own matrix: places may be stored in another order than they were added.
        assert travel.distances_m is not None
        places.append(
            {
                "id": job.id,
                "lat": place.lat,
                "lon": place.lon,
                "durations_to": travel.durations_s[known, index].tolist(),
                "durations_from": travel.durations_s[index, known].tolist(),
                "distances_to": travel.distances_m[known, index].tolist(),
                "distances_from": travel.distances_m[index, known].tolist(),
            }
        )
    jobs = [job_to_json(replace(job, location=_index(job.location, held))) for job in changed.jobs]
    return {
        "jobs": jobs,
        "gone": list(changed.gone),
        "closed": [list(key) for key in changed.closed],
        "places": places,
    }


def _index(index: int, held: Held) -> int:
    return index if index < held.known else held.stored[index]


def _stored(route: Route | None, held: Held) -> Route | None:
    """The route with the stored plan's numbers of places."""
    if route is None:
        return None
    return replace(
        route,
        steps=tuple(
            step if step.location is None else replace(step, location=_index(step.location, held))
            for step in route.steps
        ),
    )


def _routes_json(routes: Sequence[tuple[Key, Route | None]]) -> list[dict[str, Any]]:
    return [
        {
            "technician": technician,
            "shift": shift,
            "route": None if route is None else plan_to_json(Solution((route,)))["routes"][0],
        }
        for (technician, shift), route in routes
    ]


def _routes(told: Sequence[Mapping[str, Any]]) -> dict[Key, Route | None]:
    return {
        (entry["technician"], entry["shift"]): None
        if entry["route"] is None
        else plan_from_json({"format": "zhunda-plan/1", "routes": [entry["route"]]}).routes[0]
        for entry in told
    }


def _tell(session: Session, plan: Plan, change: PlanChange, actor_id: UUID) -> None:
    record(
        session,
        change.kind,
        "plan",
        plan.id,
        actor_id=actor_id,
        day=str(plan.day),
        version=plan.version,
        edition=plan.edition,
        job=None if change.job_id is None else str(change.job_id),
        technician=None if change.technician_id is None else str(change.technician_id),
        effect=change.effect,
    )


__all__ = ["Changed", "amend", "last_change", "undo", "write"]
