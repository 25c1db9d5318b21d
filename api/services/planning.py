"""Plan runs: asked for in one transaction with their queue entry, carried out by a worker."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, sessionmaker

from api.db.models import Plan, PlanRun
from api.db.queue import enqueue_plan_run
from api.services.activity import record
from api.services.geometry import route_lines
from api.services.refusals import Refusal
from api.services.regions import the_region
from api.services.snapshot import Question, pose, read_day
from api.services.summary import figures
from api.services.under_way import HeldQuestion
from network.roads import Roads
from optimizer import CheckReport, Progress, Stop, check, solve
from optimizer import Plan as Solution
from optimizer.explain import explain
from optimizer.formats import plan_to_json, problem_to_json
from optimizer.solve import AFTERWARDS, AT_MOST_S, CURED, LARGE, explain_plan

log = structlog.get_logger("zhunda.planning")
PROGRESS_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class PlanOrder:
    """What to plan and how hard to think."""

    day: date
    as_of: datetime
    engine: str
    seconds: float | None
    iterations: int | None
    seed: int
    threads: int


def request_plan(session: Session, order: PlanOrder, actor_id: UUID | None) -> PlanRun:
    """Write the run and enqueue its work in the same transaction.

    Raises
    ------
    Refusal
        ``nothing_to_plan`` when nobody works on that day.
    """
    read_day(session, order.day, the_region(session).timezone)
    run = PlanRun(
        day=order.day,
        as_of=order.as_of,
        engine=order.engine,
        seconds=order.seconds,
        iterations=order.iterations,
        seed=order.seed,
        threads=order.threads,
        created_by=actor_id,
    )
    session.add(run)
    session.flush()
    enqueue_plan_run(session, str(run.id), order.day.isoformat())
    record(session, "plan_requested", "plan_run", run.id, actor_id=actor_id, day=str(order.day))
    return run


def request_cancel(session: Session, run_id: UUID, actor_id: UUID) -> PlanRun:
    """Ask for a run to stop; its worker hears of it within a second.

    Raises
    ------
    Refusal
        ``not_found``; ``plan_run_finished`` when it is over.
    """
    run = session.get(PlanRun, run_id, with_for_update=True)
    if run is None:
        raise Refusal("not_found")
    if run.status not in ("queued", "running"):
        raise Refusal("plan_run_finished", f"the run has {run.status}", status=run.status)
    if not run.cancel_requested:
        run.cancel_requested = True
        if run.status == "queued":
            run.status = "cancelled"
            run.finished_at = datetime.now(UTC)
        record(session, "plan_cancel_requested", "plan_run", run.id, actor_id=actor_id)
    return run


def carry_out(sessions: sessionmaker[Session], roads: Roads, run_id: UUID) -> None:
    """What a worker does: read, measure, solve, check, store the draft.

    A run that is over already is left alone, so that a job delivered twice does no harm. Whatever
    goes wrong ends up in the run's status; the record keeps what was planned before.
    """
    with sessions.begin() as session:
        run = session.get(PlanRun, run_id, with_for_update=True)
        if run is None or run.status not in ("queued", "running"):
            return
        run.status = "running"
        run.started_at = datetime.now(UTC)
        record(session, "plan_started", "plan_run", run.id, day=str(run.day))
    try:
        _plan(sessions, roads, run)
    except Exception as error:
        log.exception("plan run failed", run=str(run_id))
        told = error.code if isinstance(error, Refusal) else f"{type(error).__name__}: {error}"
        _finish(sessions, run_id, "failed", told[:500])


def _plan(sessions: sessionmaker[Session], roads: Roads, run: PlanRun) -> None:
    with sessions() as session:
        timezone = the_region(session).timezone
        rows = read_day(session, run.day, timezone, run.as_of)
    question = pose(rows, run.as_of, roads)
    for held in question.narrowed:
        found = solve(
            held.problem,
            Stop(seconds=run.seconds, iterations=run.iterations),
            engine=run.engine,
            seed=run.seed,
            threads=run.threads,
            watch=watcher(sessions, run.id),
            explained=False,
        )
        solution = _told(held, found, run.seconds)
        report = check(question.problem, solution)
        if report.valid and held.keeps(solution):
            break
    if not solution.goals:
        solution = replace(solution, goals=report.goals)
    lines = route_lines(roads, question.problem, solution)
    with sessions.begin() as session:
        stored = session.get(PlanRun, run.id, with_for_update=True)
        assert stored is not None
        if stored.cancel_requested:
            stored.status = "cancelled"
            stored.finished_at = datetime.now(UTC)
            record(session, "plan_cancelled", "plan_run", run.id, day=str(run.day))
            return
        plan = _draft(session, stored, rows.fingerprint, question, solution, report, lines)
        stored.status = "succeeded"
        stored.finished_at = datetime.now(UTC)
        stored.progress = {**stored.progress, "share": 1.0, "goals": plan.goals}
        record(
            session,
            "plan_drafted",
            "plan",
            plan.id,
            actor_id=stored.created_by,
            day=str(run.day),
            version=plan.version,
            violations=len(report.violations),
        )


def _told(held: HeldQuestion, found: Solution, seconds: float | None) -> Solution:
    """The answer as visits of the question that was posed.

    Bounds are of that question; why a job is left out, and what would help, is of the narrower one:
    a gap that nobody can get to is no place for it.
    """
    told = held.told(found)
    bounded = explain_plan(held.posed, replace(told, unassigned=()), seconds)
    share = None if seconds is None else min(AT_MOST_S, AFTERWARDS * seconds)
    limit = CURED if len(held.problem.jobs) <= LARGE else 0
    left_out = explain(held.problem, found, limit=limit, seconds=share)
    return replace(bounded, unassigned=held.told_of(left_out))


def _draft(
    session: Session,
    run: PlanRun,
    fingerprint: str,
    question: Question,
    solution: Solution,
    report: CheckReport,
    lines: dict[str, Any],
) -> Plan:
    lock_day(session, run.day)
    newest = session.scalar(select(func.max(Plan.version)).where(Plan.day == run.day)) or 0
    plan = Plan(
        run_id=run.id,
        day=run.day,
        version=newest + 1,
        fingerprint=fingerprint,
        epoch=question.epoch,
        problem=problem_to_json(question.problem),
        document=plan_to_json(solution),
        geometry=lines,
        goals=dict(report.goals),
        violations=[violation_json(violation) for violation in report.violations],
        summary=figures(question.problem, solution, report, question.source_of_travel_times),
        source_of_travel_times=question.source_of_travel_times,
    )
    session.add(plan)
    session.flush()
    return plan


def violation_json(violation: Any) -> dict[str, Any]:
    """A violation as the API tells it."""
    return {
        name: getattr(violation, name)
        for name in getattr(type(violation), "__dataclass_fields__", {})
    }


def lock_day(session: Session, day: date) -> None:
    """Let one transaction at a time change the plans of a day."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(:space, :day)"),
        {"space": 7001, "day": day.toordinal()},
    )


def watcher(sessions: sessionmaker[Session], run_id: UUID) -> Callable[[Progress], bool | None]:
    """A watch that writes the progress now and then, and says no once the run is cancelled."""
    last_s = 0.0

    def watch(progress: Progress) -> bool | None:
        nonlocal last_s
        now_s = time.monotonic()
        if now_s - last_s < PROGRESS_EVERY_S:
            return None
        last_s = now_s
        with sessions.begin() as session:
            run = session.get(PlanRun, run_id)
            assert run is not None
            run.progress = {
                "share": round(min(1.0, progress.share), 3),
                "iterations": progress.iterations,
                "seconds": round(progress.seconds, 2),
                "unassigned": progress.unassigned,
                "goals": dict(progress.goals),
            }
            return not run.cancel_requested

    return watch


def _finish(sessions: sessionmaker[Session], run_id: UUID, status: str, error: str) -> None:
    with sessions.begin() as session:
        run = session.get(PlanRun, run_id, with_for_update=True)
        assert run is not None
        run.status = status
        run.problem = error
        run.finished_at = datetime.now(UTC)
        record(session, f"plan_{status}", "plan_run", run_id, day=str(run.day), error=error)
