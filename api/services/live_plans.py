"""The plan of a running day as it stands: the question, its live changes, and a desk over both.

Each process keeps one desk a plan. It is built from the stored plan, and built anew when somebody
else has changed that, when a visit has begun, or when its "now" is over.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, undefer

from api.db.models import Plan, PlanChange, Shift, Technician, Visit
from api.services.refusals import Refusal
from api.services.regions import local_day
from api.services.snapshot import seconds_since
from domain.lifecycle import BEGUN
from domain.places import Place
from network.roads import Roads
from network.roads.child import tied_command
from optimizer import Location, Pin, Problem, Travel
from optimizer import Plan as Solution
from optimizer.desk import Desk
from optimizer.desk.warm import warm_up_all
from optimizer.formats import plan_from_json, problem_from_json, problem_to_json
from optimizer.formats.jobs import job_from_json

TELLING_S = 90
"""Nobody is sent off earlier than this from now: the phone has to be looked at first."""

KEPT_S = 75
"""For so long a desk answers as of the second it was built for."""

READY_S = 15.0
"""So long a question waits for the search to be loaded."""

PLANS_AHEAD = 3


@dataclass(frozen=True, slots=True)
class Begun:
    """A visit that is under way or done: it stays with whom and when it is."""

    job: str
    technician: str
    shift: str
    start_s: int


@dataclass(slots=True)
class Held:
    """A desk over one published plan, with what leads from its numbers to the record's.

    ``places`` are new places by their index at the desk.
    ``stored`` gives the index that such a place has in the stored plan, once it is there.
    """

    plan_id: UUID
    edition: int
    epoch: datetime
    now: datetime
    begun: frozenset[Begun]
    desk: Desk
    known: int
    places: dict[int, Place] = field(default_factory=dict)
    stored: dict[int, int] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """The plan's ETag that this desk speaks for."""
        return f"{self.plan_id.hex}.{self.edition}"


def with_changes(
    problem: Problem, patches: Sequence[Mapping[str, Any]], undone: Sequence[bool]
) -> tuple[Problem, frozenset[tuple[str, str]]]:
    """The question after its live changes, and the shifts that are closed by them.

    Places stay known when the change that brought them is undone, so that indexes hold.
    """
    jobs = {job.id: job for job in problem.jobs}
    closed: set[tuple[str, str]] = set()
    places = [place for patch in patches for place in patch.get("places", ())]
    for patch, off in zip(patches, undone, strict=True):
        if off:
            continue
        for told in patch.get("jobs", ()):
            job = job_from_json(told, "jobs")
            jobs[job.id] = job
        for name in patch.get("gone", ()):
            jobs.pop(name, None)
        closed |= {(who, shift) for who, shift in patch.get("closed", ())}
    locations = problem.locations + tuple(
        Location(place["id"], place["lat"], place["lon"]) for place in places
    )
    travel = {
        profile: Travel(
            _widened(known.durations_s, places, "durations"),
            None if known.distances_m is None else _widened(known.distances_m, places, "distances"),
        )
        for profile, known in problem.travel.items()
    }
    after = replace(problem, locations=locations, travel=travel, jobs=tuple(jobs.values()))
    return after, frozenset(closed)


def _widened(matrix: Any, places: Sequence[Mapping[str, Any]], name: str) -> Any:
    if not places:
        return matrix
    count = len(matrix)
    wide = np.zeros((count + len(places), count + len(places)), np.int32)
    wide[:count, :count] = matrix
    for k, place in enumerate(places, start=count):
        wide[:k, k] = place[f"{name}_to"]
        wide[k, :k] = place[f"{name}_from"]
    return wide


class DeskRoom:
    """The desks of this process, one a plan; each answers one question at a time."""

    def __init__(self, open_roads: Callable[[], Roads]) -> None:
        self._open_roads = open_roads
        self._roads: Roads | None = None
        self._guard = threading.Lock()
        self._ready = threading.Event()
        self._ready.set()
        self._serves = False
        self._locks: dict[UUID, threading.RLock] = {}
        self._bases: dict[UUID, Problem] = {}
        self._held: dict[UUID, Held] = {}

    @property
    def roads(self) -> Roads:
        """The region's roads, opened when they are first needed."""
        with self._guard:
            if self._roads is None:
                self._roads = self._open_roads()
            return self._roads

    @property
    def answers(self) -> bool:
        """Whether this process answers at once: its search is loaded, a plan was asked about."""
        return self._ready.is_set() and (self._serves or bool(self._held))

    def has(self, plan: Plan) -> bool:
        """Whether there is a desk over a plan."""
        return plan.id in self._held

    def warm_up(self) -> None:
        """Load the compiled search aside; after an installation it is compiled, in a process of
        its own, and until then questions are refused rather than kept waiting for minutes.
        """
        self._serves = True
        self._ready.clear()

        def load() -> None:
            try:
                # Ends with this process: a stopped server leaves nothing behind.
                command = tied_command([sys.executable, "-m", "optimizer.desk.warm"])
                subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
                warm_up_all()
            finally:
                gc.collect()
                gc.freeze()  # what was loaded stays: no request waits while it is looked through
                self._ready.set()

        threading.Thread(target=load, name="warm-up", daemon=True).start()

    def close(self) -> None:
        """Close the roads, if they were ever needed."""
        with self._guard:
            if self._roads is not None:
                self._roads.close()
                self._roads = None

    @contextmanager
    def at(self, session: Session, plan: Plan, now: datetime) -> Iterator[Held]:
        """The desk over a plan as it stands; nobody else asks it meanwhile.

        Raises
        ------
        Refusal
            ``unavailable`` while the search is still being compiled.
        """
        if not self._ready.wait(READY_S):
            raise Refusal(
                "unavailable",
                "the search is being compiled, once after an installation: ask again in a minute",
            )
        with self._guard:
            lock = self._locks.setdefault(plan.id, threading.RLock())
        with lock:
            yield self._current(session, plan, now)

    def forget(self, plan_id: UUID) -> None:
        """Drop a desk that may be ahead of the record; the next question builds it anew."""
        self._held.pop(plan_id, None)

    def base(self, session: Session, plan: Plan) -> Problem:
        """The question as it was planned; read and understood once."""
        found = self._bases.get(plan.id)
        if found is None:
            told = session.scalars(select(Plan.problem).where(Plan.id == plan.id)).one()
            found = self._bases[plan.id] = problem_from_json(told)
            for stale in list(self._bases)[:-PLANS_AHEAD]:
                self._bases.pop(stale, None)
                self._held.pop(stale, None)
        return found

    def _current(self, session: Session, plan: Plan, now: datetime) -> Held:
        begun = begun_visits(session, plan)
        held = self._held.get(plan.id)
        fresh = (
            held is not None
            and held.edition == plan.edition
            and held.begun == begun
            and timedelta() <= now - held.now < timedelta(seconds=KEPT_S)
        )
        if held is None or not fresh:
            held = self._build(session, plan, now, begun)
            self._held[plan.id] = held
        return held

    def _build(self, session: Session, plan: Plan, now: datetime, begun: frozenset[Begun]) -> Held:
        edition, problem, closed, document = self._as_stored(session, plan)
        solution = plan_from_json(document)
        closed |= absent_shifts(session, plan)
        pins = {visit.job: Pin(visit.technician, visit.shift, visit.start_s) for visit in begun}
        starts = {
            (step.job, route.technician): step.start
            for route in solution.routes
            for step in route.steps
            if step.job is not None
        }
        jobs = tuple(
            replace(job, pinned=pins[job.id])
            if job.id in pins
            and job.crew == 1
            and starts.get((job.id, pins[job.id].technician or "")) == pins[job.id].start
            else job
            for job in problem.jobs
        )
        problem = replace(
            problem, jobs=jobs, published=Solution(solution.routes), frozen_until=None
        )
        epoch = plan.epoch.astimezone(UTC)
        desk = Desk(
            problem,
            solution,
            now_s=seconds_since(epoch, now) + TELLING_S,
            closed=closed,
            begun=[(visit.job, visit.technician) for visit in begun],
        )
        return Held(plan.id, edition, epoch, now, begun, desk, len(problem.locations))

    def _as_stored(
        self, session: Session, plan: Plan
    ) -> tuple[int, Problem, frozenset[tuple[str, str]], dict[str, Any]]:
        """Edition, question, closed shifts and plan that belong together.

        Each statement sees what is committed by then, and whoever only asks holds no lock: they are
        read again when somebody changed the plan in between.
        """
        stored = select(Plan.edition, Plan.document).where(Plan.id == plan.id)
        while True:
            edition, document = session.execute(stored).one()
            problem, closed = stored_problem(session, self.base(session, plan), plan.id)
            after = session.scalars(select(Plan.edition).where(Plan.id == plan.id)).one()
            if after == edition:
                return edition, problem, closed, document


def stored_problem(
    session: Session, base: Problem, plan_id: UUID
) -> tuple[Problem, frozenset[tuple[str, str]]]:
    """A stored plan's question with every live change that counts, and the closed shifts."""
    rows = session.execute(
        select(PlanChange.patch, PlanChange.undone_at)
        .where(PlanChange.plan_id == plan_id)
        .order_by(PlanChange.edition)
    ).all()
    return with_changes(
        base, [row.patch for row in rows], [row.undone_at is not None for row in rows]
    )


def problem_as_changed(session: Session, plan: Plan) -> dict[str, Any]:
    """The stored question as JSON, with what live changes have made of it."""
    changed = session.scalar(select(PlanChange.id).where(PlanChange.plan_id == plan.id).limit(1))
    if changed is None:
        return plan.problem
    problem, _ = stored_problem(session, problem_from_json(plan.problem), plan.id)
    return problem_to_json(problem)


def begun_visits(session: Session, plan: Plan) -> frozenset[Begun]:
    """Visits of the plan's day that no change may move any more."""
    epoch = plan.epoch.astimezone(UTC)
    return frozenset(
        Begun(
            str(visit.job_id),
            str(visit.technician.id),
            str(visit.shift_id),
            seconds_since(epoch, visit.start_at),
        )
        for visit in session.scalars(
            select(Visit)
            .where(Visit.day == plan.day, Visit.active, Visit.state.in_(BEGUN))
            .options(joinedload(Visit.technician))
        )
    )


def absent_shifts(session: Session, plan: Plan) -> frozenset[tuple[str, str]]:
    """Shifts, by technician and shift, in which somebody has dropped out; nothing new goes there.

    Their own changes close them in the plan of that moment; later plans learn of them here.
    """
    rows = session.execute(
        select(Technician.id, Shift.id)
        .join(Shift, Shift.technician_number == Technician.number)
        .where(Shift.absent_from.is_not(None), Shift.end_at > plan.epoch)
    )
    return frozenset((str(who), str(shift)) for who, shift in rows)


def plans_ahead(session: Session, now: datetime, timezone: str) -> list[Plan]:
    """Published plans of today and the days after with working time left, soonest first."""
    ends = select(Shift.day).where(Shift.end_at > now)
    return list(
        session.scalars(
            select(Plan)
            .where(
                Plan.status == "published",
                Plan.day >= local_day(now, timezone),
                Plan.day.in_(ends),
            )
            .options(undefer(Plan.geometry))
            .order_by(Plan.day)
            .limit(PLANS_AHEAD)
        )
    )
