"""What entry points do with an installation: migrate, seed the demo, plan a day, work the queue."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session, sessionmaker

from api import wiring, worker
from api.db.migrate import upgrade
from api.db.models import Outlet, Plan, PlanRun
from api.services import demo, history
from api.services.clock_audit import ClockAudit, audit
from api.services.history import Finding
from api.services.plain import plain
from api.services.plan_progress import Waiting
from api.services.planning import PlanOrder, request_plan
from api.services.publishing import publish
from api.services.refusals import Refusal
from api.services.regions import current_day, planning_day, the_region
from api.services.rule_history import Question, Side, compare, report_view
from api.services.rule_packs import with_drafts
from api.services.snapshot import read_day
from api.services.summary import DaySummary
from config.settings import Settings
from domain.roles import ASSESSOR, OUTLET_MANAGER, SIGNING_IN, TECHNICIAN
from domain.rules import ArrivalPack, Pack, RuleError
from network.demo import map_layers

__all__ = [
    "DaySummary",
    "add_user",
    "check_clocks",
    "compare_rules",
    "migrate",
    "personas",
    "plan_today",
    "rules_report",
    "run_worker",
    "seed_demo",
]

WORKER_ALIVE_S = 3 * worker.HEARTBEAT_S
PATIENCE = timedelta(seconds=5)
"""How long a queued run waits for a worker that seems to live before this process does it."""

POLL_S = 0.2


class PlanFailed(RuntimeError):
    """The plan run did not end in a plan; the message says why."""


def migrate(settings: Settings) -> None:
    """Bring the database to the newest schema."""
    engine = wiring.owning_engine_of(settings)
    try:
        upgrade(engine)
    finally:
        engine.dispose()


def seed_demo(settings: Settings, now: datetime, open_jobs: int = demo.OPEN_JOBS) -> bool:
    """Bring the demo up to ``now``; False when this calendar day is there already.

    ``open_jobs`` is how many jobs then wait to be planned, at least.
    """
    region = wiring.demo_region(settings.data_dir)
    engine = wiring.engine_of(settings)
    try:
        with wiring.sessions_of(engine).begin() as session:
            return demo.seed(session, region, map_layers(region)["bounds"], now, open_jobs)
    finally:
        engine.dispose()


def personas(settings: Settings) -> list[demo.Persona]:
    """The demo's logins, to be printed."""
    engine = wiring.engine_of(settings)
    try:
        with wiring.sessions_of(engine)() as session:
            return demo.personas(session)
    finally:
        engine.dispose()


def add_user(
    settings: Settings,
    login: str,
    name: str,
    role: str,
    password: str,
    outlet: str | None = None,
    access_until: datetime | None = None,
) -> None:
    """A new login for the office or for who supervises (technicians get theirs with the workforce).

    Parameters
    ----------
    outlet
        Name of the outlet that a manager runs.
    access_until
        When the login ends; an assessor's must.

    Raises
    ------
    ValueError
        For a role that is not one of these, a login that is taken, an outlet that is not there.
    """
    from sqlalchemy.exc import IntegrityError

    from api.services.identity import add_person, hash_password

    offered = [known for known in SIGNING_IN if known != TECHNICIAN]
    if role not in offered:
        raise ValueError(f"role: {role!r} is not one of {', '.join(offered)}")
    if (role == OUTLET_MANAGER) != (outlet is not None):
        raise ValueError("outlet: a manager runs one outlet, and nobody else does")
    if role == ASSESSOR and access_until is None:
        raise ValueError("until: the access of an assessor must end on a day")
    engine = wiring.engine_of(settings)
    try:
        with wiring.sessions_of(engine).begin() as session:
            outlet_id = None
            if outlet is not None:
                outlet_id = session.scalar(select(Outlet.id).where(Outlet.name == outlet))
                if outlet_id is None:
                    raise ValueError(f"outlet: there is no outlet {outlet!r}")
            add_person(
                session,
                login,
                name,
                role,
                hash_password(password),
                outlet_id=outlet_id,
                access_until=access_until,
            )
    except IntegrityError:
        raise ValueError(f"login: {login!r} is taken") from None
    finally:
        engine.dispose()


def compare_rules(
    settings: Settings,
    law: str,
    before: str,
    after: str,
    since: date | None,
    until: date | None,
    place: str | None,
    drafts: list[Pack | ArrivalPack],
) -> dict[str, Any]:
    """The history of this installation judged by two sets of rules, as JSON-ready data.

    Raises
    ------
    Refusal
        For a law, version, day or place without rules.
    """
    try:
        rulebook, packs = with_drafts(drafts)
    except RuleError as error:
        raise Refusal("rules_unknown", str(error)) from None
    question = Question(law, Side.parse(before), Side.parse(after), since, until, place)
    engine = wiring.engine_of(settings)
    try:
        with wiring.sessions_of(engine)() as session:
            report = compare(session, question, rulebook, packs, datetime.now(UTC))
    finally:
        engine.dispose()
    told: dict[str, Any] = plain(report_view(report, largest=len(report.changed)))
    return told


def check_clocks(settings: Settings) -> ClockAudit:
    """Hold every arrival clock on record against the slow reference."""
    engine = wiring.engine_of(settings)
    try:
        with wiring.sessions_of(engine)() as session:
            return audit(session, datetime.now(UTC))
    finally:
        engine.dispose()


def rules_report(report: dict[str, Any]) -> str:
    """A comparison for people: the sums, then every changed case with its reasons."""
    lines = [
        f"cases: {report['cases']}",
        f"changed: {report['changed']}",
        f"unexplained: {report['unexplained']}",
        *(f"{count} because {clause}" for clause, count in report["by_clause"].items()),
    ]
    for change in report["changes"]:
        lines += ["", change["case"]]
        lines += [
            f"  {one['name']}: {one['before'] or '–'} → {one['after'] or '–'}"
            for one in change["figures"]
        ]
        lines += [
            f"    {why['key']}: {_side(why['before'])} → {_side(why['after'])}"
            for why in change["because"]
        ]
    return "\n".join(lines)


def _side(ruling: dict[str, Any] | None) -> str:
    if ruling is None:
        return "no rule"
    doubt = "" if ruling["status"] == "confirmed" else ", unconfirmed"
    return f"{ruling['value']} {ruling['unit']} ({ruling['version']}{doubt})"


def run_worker(settings: Settings) -> None:
    """Work the queue until SIGINT or SIGTERM."""
    engine = wiring.engine_of(settings)
    try:
        with closing(wiring.roads_of(settings)) as roads:
            sessions = wiring.sessions_of(engine)
            worker.serve(
                worker.build(
                    settings.database_url,
                    sessions,
                    roads,
                    wiring.anchor_of(settings),
                    wiring.carriers_of(settings),
                    settings.data_dir,
                    wiring.signer_of(settings),
                    webhook_private_targets=settings.webhook_private_targets,
                )
            )
    finally:
        engine.dispose()


def check_history(settings: Settings) -> tuple[dict[str, int], list[Finding]]:
    """Look over the whole record: papers, equipment, stock, calls, receipts, moves."""
    engine = wiring.engine_of(settings)
    try:
        with wiring.sessions_of(engine)() as session:
            return history.check_history(session)
    finally:
        engine.dispose()


def plan_today(
    settings: Settings,
    wait: bool = True,
    now: datetime | None = None,
    iterations: int | None = None,
) -> DaySummary | None:
    """Plan the day and publish it, through the queue and a worker; runs one here if none is there.

    Asked again on unchanged data, the answer is the same plan's summary. With ``wait`` False the
    run is only enqueued, and the answer is None unless there is a plan already. ``iterations``
    stops the search by count instead of the configured seconds.

    Raises
    ------
    PlanFailed
        When the run fails or is cancelled.
    """
    now = now or datetime.now(UTC)
    engine = wiring.engine_of(settings)
    sessions = wiring.sessions_of(engine)
    try:
        found = _existing(sessions, now)
        if found is not None:
            return found
        with sessions.begin() as session:
            run_id = _ordered(session, settings, now, iterations)
        if not wait:
            return None
        _wait(settings, sessions, run_id)
        with sessions.begin() as session:
            plan = session.scalars(select(Plan).where(Plan.run_id == run_id)).one()
            if not plan.violations:
                publish(session, plan.id, None, None)
            return DaySummary.of(plan, the_region(session).name)
    finally:
        engine.dispose()


def _existing(sessions: sessionmaker[Session], now: datetime) -> DaySummary | None:
    with sessions() as session:
        region = the_region(session)
        day = current_day(session, now, region.timezone)
        plan = session.scalars(
            select(Plan).where(Plan.day == day, Plan.status == "published")
        ).first()
        if plan is None or plan.fingerprint != read_day(session, day, region.timezone).fingerprint:
            return None
        return DaySummary.of(plan, region.name)


def _ordered(session: Session, settings: Settings, now: datetime, iterations: int | None) -> UUID:
    """A run for the day at hand: one that a stopped service left behind, or a new one."""
    day = planning_day(session, now, the_region(session).timezone)
    left_behind = session.scalars(
        select(PlanRun.id)
        .where(PlanRun.day == day, PlanRun.status.in_(("queued", "running")))
        .where(~PlanRun.cancel_requested)
        .order_by(PlanRun.id.desc())
        .limit(1)
    ).first()
    if left_behind is not None:
        return left_behind
    order = PlanOrder(
        day=day,
        as_of=now,
        engine=wiring.plan_engine(settings),
        seconds=None if iterations else float(settings.plan_seconds),
        iterations=iterations,
        seed=1,
        threads=1 if iterations else settings.plan_threads,
    )
    return request_plan(session, order, None).id


def _wait(settings: Settings, sessions: sessionmaker[Session], run_id: UUID) -> None:
    waiting = Waiting()
    with ExitStack() as stack:
        own_worker = None
        while True:
            with sessions() as session:
                run = session.get_one(PlanRun, run_id)
                waiting.look(run.status, run.progress)
                if run.status == "succeeded":
                    return
                if run.status in ("failed", "cancelled"):
                    raise PlanFailed(f"the plan run has {run.status}: {run.problem or 'no reason'}")
                waited = datetime.now(UTC) - run.created_at
                late = run.status == "queued" and waited > PATIENCE
                needed = late or not _worker_alive(session)
            if needed:
                if own_worker is None:
                    roads = stack.enter_context(wiring.roads_of(settings))
                    own_worker = worker.build(settings.database_url, sessions, roads)
                worker.drain(own_worker)
            time.sleep(POLL_S)


def _worker_alive(session: Session) -> bool:
    return bool(
        session.scalar(
            text(
                "SELECT EXISTS (SELECT FROM procrastinate_workers "
                "WHERE last_heartbeat > now() - make_interval(secs => :seconds))"
            ),
            {"seconds": WORKER_ALIVE_S},
        )
    )
