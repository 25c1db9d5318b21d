"""The week, hour by hour: reports come in, two plans a day, visits, what follows on them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from api.db.models import Contract, Job, Outlet, Plan, PlanRun, Technician, Training, Visit
from api.services import breaches, demo, merits, planning, publishing, scorecards, settlements
from api.services.refusals import Refusal
from api.week import aftermath, doors, visits
from api.week.cast import Cast, cast_of
from api.week.story import Fate, Scene
from domain.settlement import TermsKind
from network.demo import DemoRegion
from network.roads import Roads

PLANS_AT = (6, 13)
"""Local hours at which the day is planned."""
SEEDS = 3
"""How often a day is planned, each time with another seed, until the plan can be published."""
LOOK_EVERY = timedelta(hours=2)
DAYS = 7
AFTERMATH = timedelta(days=4)
"""How long after the last visit complaints are decided and appealed; then the books are closed."""


@dataclass
class Week:
    """The week as it is driven. ``tell`` hears a line now and then; ``close_day`` ends each day."""

    sessions: sessionmaker[Session]
    roads: Roads
    region: DemoRegion
    bounds: list[float]
    folder: Path
    first_day: date
    days: int
    scenes: list[Scene]
    engine: str
    iterations: int
    tell: Callable[[str], None] = lambda _line: None
    close_day: Callable[[], None] = lambda: None
    rng: random.Random = field(default_factory=lambda: random.Random(7))
    fate_of: dict[UUID, Fate] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    cast: Cast | None = None
    refused: list[str] = field(default_factory=list)
    """Moments at which no plan could be published, and why; the one before stayed in force."""
    planned_again: list[str] = field(default_factory=list)

    def run(self) -> None:
        """All days, then settlement, scores and merits."""
        waiting = iter(self.scenes)
        ahead = next(waiting, None)
        for day in (self.first_day + timedelta(days=n) for n in range(self.days + 1)):
            self._open_day(day)
            moments = self._moments(day)
            for start, end in pairwise(moments):
                while ahead is not None and ahead.reported_at < start:
                    self._report(ahead)
                    ahead = next(waiting, None)
                self._parts(start)
                self._plan(day, start)
                self._visits(start, end)
            self.close_day()
            self.tell(f"{day}: {self._standing()}")
        while ahead is not None:
            self._report(ahead)
            ahead = next(waiting, None)
        self._close()

    def _moments(self, day: date) -> list[datetime]:
        zone = ZoneInfo(self.region.timezone)
        marks = [datetime(day.year, day.month, day.day, hour, tzinfo=zone) for hour in PLANS_AT]
        return [mark.astimezone(UTC) for mark in [*marks, marks[0] + timedelta(days=1)]]

    def _count(self, name: str, by: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + by

    def _open_day(self, day: date) -> None:
        """The firm's people and shifts of the day; the demo's own few faults, too."""
        morning = self._moments(day)[0] - timedelta(hours=1)
        with self.sessions.begin() as session:
            demo.seed(session, self.region, self.bounds, morning, open_jobs=0)
            self.cast = cast_of(session)

    def _the_cast(self) -> Cast:
        assert self.cast is not None
        return self.cast

    def _report(self, scene: Scene) -> None:
        with self.sessions.begin() as session:
            job = doors.take(session, scene, self._the_cast())
            job_id = job.id
        self.fate_of[job_id] = scene.fate
        self._count("reports")
        with self.sessions.begin() as session:
            doors.before_the_visit(session, scene, session.get_one(Job, job_id), self._the_cast())
        if scene.fate is Fate.DROP_IN:
            with self.sessions.begin() as session:
                doors.workshop(
                    session, job_id, self._the_cast(), scene.reported_at + timedelta(hours=20)
                )

    def _parts(self, now: datetime) -> None:
        with self.sessions.begin() as session:
            ids = list(session.scalars(select(Job.id).where(Job.status == "waiting_parts")))
            visits.parts_arrived(session, ids, self._the_cast(), now)

    def _plan(self, day: date, as_of: datetime) -> None:
        """Plan and publish; what cannot be published is planned again, as a dispatcher would."""
        why: list[str] = []
        for seed in range(1, SEEDS + 1):
            order = planning.PlanOrder(day, as_of, self.engine, None, self.iterations, seed, 1)
            try:
                self._plan_once(order)
                break
            except Refusal as refusal:
                if refusal.code == "nothing_to_plan":
                    return
                why.append(f"{day} as of {as_of:%H:%M}Z: {refusal.code}, {refusal.detail}")
                self.tell(f"  not published: {why[-1]}")
        else:
            self.refused.append(why.pop())
        self.planned_again += why
        self._count("plans")
        with self.sessions.begin() as session:
            self._count("alerts", len(breaches.raise_alerts(session, as_of)))

    def _plan_once(self, order: planning.PlanOrder) -> None:
        dispatcher = self._the_cast().dispatcher.person_id
        with self.sessions.begin() as session:
            run_id = planning.request_plan(session, order, dispatcher).id
        planning.carry_out(self.sessions, self.roads, run_id)
        with self.sessions.begin() as session:
            run = session.get_one(PlanRun, run_id)
            if run.status != "succeeded":
                raise Refusal("plan_run_finished", run.problem or run.status)
            plan_id = session.scalars(select(Plan.id).where(Plan.run_id == run_id)).one()
            publishing.publish(session, plan_id, None, dispatcher)

    def _visits(self, start: datetime, end: datetime) -> None:
        """Every visit whose arrival lies before the next plan, in the order of arrival."""
        with self.sessions() as session:
            due = session.execute(
                select(Visit.id, Visit.arrival_at)
                .where(
                    Visit.active,
                    Visit.state == "published",
                    Visit.arrival_at >= start,
                    Visit.arrival_at < end,
                )
                .order_by(Visit.arrival_at, Visit.number)
            ).all()
        looked = start
        for visit_id, arrival_at in due:
            looked = self._look_ahead(looked, arrival_at)
            self._visit(visit_id)
        self._look_ahead(looked, end)

    def _look_ahead(self, looked: datetime, now: datetime) -> datetime:
        """Tell of deadlines about to break, as a worker does all the time; the last look."""
        while looked + LOOK_EVERY <= now:
            looked += LOOK_EVERY
            with self.sessions.begin() as session:
                self._count("alerts", len(breaches.raise_alerts(session, looked)))
        return looked

    def _visit(self, visit_id: UUID) -> None:
        with self.sessions.begin() as session:
            visit = session.get_one(Visit, visit_id)
            if not visit.active or visit.state != "published":
                return  # the other technician of a crew has ended it
            job_id = visit.job_id
            before = session.scalar(
                select(func.count()).where(
                    Visit.job_id == job_id, Visit.arrived_at.is_not(None), Visit.id != visit_id
                )
            )
            fate = self.fate_of.get(job_id, Fate.PLAIN)
            visits.play(session, visit, fate, before or 0, self._the_cast(), self.folder, self.rng)
            ended = visit.end_at
        self._count("visits")
        with self.sessions.begin() as session:
            job = session.get_one(Job, job_id)
            now = max(ended, job.closed_at or ended) + timedelta(hours=2)
            aftermath.after_the_work(session, job, fate, self._the_cast(), now, self.rng)
        if fate is Fate.COMES_BACK:
            self._again(job_id, now)

    def _again(self, job_id: UUID, now: datetime) -> None:
        """The fault comes back: the same consumer reports it by the web, once."""
        self.fate_of[job_id] = Fate.PLAIN
        with self.sessions.begin() as session:
            job = session.get_one(Job, job_id)
            if job.status == "done":
                again = doors.report_again(session, job, now + timedelta(hours=6))
                self.fate_of[again.id] = Fate.PLAIN
                self._count("reports")

    def _standing(self) -> str:
        with self.sessions() as session:
            rows = session.execute(select(Job.status, func.count()).group_by(Job.status)).all()
        return ", ".join(f"{count} {status}" for status, count in sorted(map(tuple, rows)))

    def _close(self) -> None:
        """Contracts and their settlements, merits, a scorecard, as of the week's end."""
        cast, last = self._the_cast(), self.first_day + timedelta(days=self.days)
        now = self._moments(last)[-1] + AFTERMATH
        with self.sessions.begin() as session:
            _train(session, self.first_day)
            for terms in _contracts(session, self.first_day):
                contract = settlements.conclude(session, terms, cast.admin)
                settlements.draw_up(session, contract, self.first_day, last, cast.admin, now)
        with self.sessions.begin() as session:
            self._count("merits", merits.book(session, cast.auditor, now).added)
        with self.sessions.begin() as session:
            scorecards.keep_card(session, self.first_day, last, None, cast.auditor, now)


def _train(session: Session, day: date) -> None:
    for number in session.scalars(select(Technician.number).order_by(Technician.number).limit(4)):
        session.add(
            Training(
                technician_number=number,
                course="courtesy at the door",
                hours=6,
                cost_fen=45_000,
                completed_on=day,
            )
        )


def _contracts(session: Session, day: date) -> Iterator[settlements.NewContract]:
    """One contract of each kind, from the week's first day on."""
    outlets = session.scalars(select(Outlet.id).order_by(Outlet.name)).all()
    count = session.scalar(select(func.count()).select_from(Contract)) or 0
    for number, (kind, outlet, terms) in enumerate(
        (
            (TermsKind.FRANCHISE, outlets[0], {"share_permille": 350, "monthly_fee_fen": 80_000}),
            (TermsKind.SUBSIDY, outlets[1], {"unit_fen": 1_200, "cap_fen": 300_000}),
            (TermsKind.LOT, None, {"unit_fen": 2_500, "quantity": 200, "classes": ("urgent",)}),
            (TermsKind.TRAINING_FUND, None, {"cap_fen": 500_000}),
        ),
        start=count + 1,
    ):
        values = {
            "unit_fen": 0,
            "share_permille": 0,
            "monthly_fee_fen": 0,
            "cap_fen": None,
            "quantity": None,
            "classes": (),
        }
        yield settlements.NewContract(
            number=f"WEEK-{number}",
            kind=kind,
            party=str(kind).replace("_", " "),
            outlet_id=outlet,
            valid_from=day,
            valid_until=None,
            currency="CNY",
            **(values | terms),  # type: ignore[arg-type]
        )
