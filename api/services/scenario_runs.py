"""Runs of scenarios: asked for in one transaction with their queue entry, answered by a worker."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import structlog
from sqlalchemy.orm import Session, sessionmaker, undefer

from api.db.engine import compact_json
from api.db.models import ScenarioRow
from api.db.queue import enqueue_scenario
from api.services.activity import record
from api.services.refusals import Refusal
from network.scenarios import Answering, CannotPlan, Told, answer, read_question
from network.simulate import BadScenario, Cancelled

log = structlog.get_logger("zhunda.scenarios")
PROGRESS_EVERY_S = 0.5
UNDER_WAY = ("queued", "running")


@dataclass(frozen=True, slots=True)
class RunOrder:
    """How to answer: by the real dispatcher or by the screening mode, how often, which faults."""

    mode: Literal["full", "screening"]
    replications: int
    seed: int


def sha256_of(document: Any) -> str:
    """The fingerprint of a document: of its JSON with sorted keys."""
    import json

    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def request_run(
    session: Session, scenario_id: UUID, order: RunOrder, actor_id: UUID
) -> ScenarioRow:
    """Put a scenario into the queue, with its work in the same transaction.

    Raises
    ------
    Refusal
        ``not_found``; ``scenario_running`` when it is under way; ``scenario_adopted`` when outlets
        stand on its answer.
    """
    row = locked(session, scenario_id)
    if row.status in UNDER_WAY:
        raise Refusal("scenario_running", f"it is {row.status}", status=row.status)
    if row.adopted_at is not None:
        raise Refusal("scenario_adopted", "its answer has been adopted; make a new version")
    row.status, row.problem, row.cancel_requested = "queued", None, False
    row.mode, row.replications, row.seed = order.mode, order.replications, order.seed
    row.answer, row.answer_sha256, row.summary = None, None, {}
    row.started_at, row.finished_at = None, None
    row.progress, row.checkpoints = {"stage": "queued", "share": 0.0}, {}
    row.run_number += 1
    enqueue_scenario(session, str(row.id), row.run_number)
    _note(session, row, "scenario_queued", actor_id, mode=row.mode)
    return row


def request_cancel(session: Session, scenario_id: UUID, actor_id: UUID) -> ScenarioRow:
    """Ask a run to stop; its worker hears of it within seconds. Nothing comes of it then.

    Raises
    ------
    Refusal
        ``not_found``; ``plan_run_finished`` when nothing is under way.
    """
    row = locked(session, scenario_id)
    if row.status not in UNDER_WAY:
        raise Refusal("plan_run_finished", f"the scenario is {row.status}", status=row.status)
    if not row.cancel_requested:
        row.cancel_requested = True
        if row.status == "queued":
            row.status, row.finished_at = "cancelled", datetime.now(UTC)
        _note(session, row, "scenario_cancel_requested", actor_id)
    return row


def locked(session: Session, scenario_id: UUID) -> ScenarioRow:
    """A scenario, for one transaction at a time.

    Raises
    ------
    Refusal
        ``not_found``.
    """
    row = session.get(ScenarioRow, scenario_id, with_for_update=True)
    if row is None:
        raise Refusal("not_found")
    return row


def _note(
    session: Session, row: ScenarioRow, kind: str, actor_id: UUID | None = None, **data: Any
) -> None:
    record(
        session, kind, "scenario", row.id, actor_id=actor_id, name=row.name, version=row.version,
        **data,
    )  # fmt: skip


def carry_out(
    sessions: sessionmaker[Session],
    scenario_id: UUID,
    run_number: int,
    stopping: Callable[[], bool] = lambda: False,
) -> None:
    """What a worker does: place, hire, replay, store the answer.

    A run that is over, or that a later one has replaced, is left alone. One that a killed worker
    left behind goes on from its finished replications. When ``stopping`` says so, the run goes back
    to the queue with what it has.
    """
    with sessions.begin() as session:
        row = session.get(
            ScenarioRow,
            scenario_id,
            with_for_update=True,
            options=[undefer(ScenarioRow.question), undefer(ScenarioRow.checkpoints)],
        )
        if row is None or row.status not in UNDER_WAY or row.run_number != run_number:
            return
        resumed = row.status == "running"
        row.status = "running"
        row.started_at = row.started_at or datetime.now(UTC)
        _note(session, row, "scenario_resumed" if resumed else "scenario_started", mode=row.mode)
        question, kept, digest = row.question, dict(row.checkpoints), row.question_sha256
        order = RunOrder(row.mode, row.replications, row.seed)  # type: ignore[arg-type]
    keeper = _Keeper(sessions, scenario_id, run_number, stopping)
    try:
        if sha256_of(question) != digest:
            raise CannotPlan("The stored question is not the one that was frozen.")
        found = keeper.answer(question, kept, order)
    except Cancelled:
        if stopping() and not keeper.cancelled:
            _hand_back(sessions, scenario_id, run_number)
        else:
            _end(sessions, scenario_id, run_number, "cancelled", None)
    except (CannotPlan, BadScenario) as error:
        _end(sessions, scenario_id, run_number, "failed", str(error))
    except Exception as error:
        log.exception("scenario failed", scenario=str(scenario_id))
        _end(sessions, scenario_id, run_number, "failed", f"{type(error).__name__}: {error}"[:500])
    else:
        _succeed(sessions, scenario_id, run_number, found)


class _Keeper:
    """Tells the record how far a run is and keeps its finished replications there."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        scenario_id: UUID,
        run_number: int,
        stopping: Callable[[], bool],
    ) -> None:
        self.sessions, self.scenario_id, self.run_number = sessions, scenario_id, run_number
        self.stopping = stopping
        self.cancelled = False
        self.told_s = -PROGRESS_EVERY_S
        self.kept: dict[str, int] = {}
        self.folder = Path()

    def answer(self, question: Any, kept: dict[str, Any], order: RunOrder) -> dict[str, Any]:
        with tempfile.TemporaryDirectory(prefix="zhunda-scenario-") as name:
            self.folder = Path(name)
            for stage, text in kept.items():
                (self.folder / f"{stage}.jsonl").write_text(text, encoding="utf-8")
                self.kept[stage] = text.count("\n") - 1
            how = Answering(order.mode, order.replications, order.seed, None, self.folder)
            return answer(read_question(question), how, self.watch, self.cancel)

    def cancel(self) -> bool:
        return self.cancelled or self.stopping()

    def watch(self, told: Told) -> None:
        finished = told.replications_done > self.kept.get(told.stage, 0)
        now_s = time.monotonic()
        if not finished and now_s - self.told_s < PROGRESS_EVERY_S:
            return
        self.told_s = now_s
        with self.sessions.begin() as session:
            row = session.get(ScenarioRow, self.scenario_id, with_for_update=True)
            if row is None or row.run_number != self.run_number or row.status != "running":
                self.cancelled = True
                return
            self.cancelled = row.cancel_requested
            row.progress = {
                "stage": told.stage,
                "share": round(min(1.0, told.share), 3),
                "what": told.what,
                "replications_done": told.replications_done,
            }
            if finished:
                self.kept[told.stage] = told.replications_done
                row.checkpoints = row.checkpoints | {
                    told.stage: (self.folder / f"{told.stage}.jsonl").read_text(encoding="utf-8")
                }
                _note(session, row, "scenario_replicated", stage=told.stage,
                      replications_done=told.replications_done)  # fmt: skip


def _of_run(session: Session, scenario_id: UUID, run_number: int) -> ScenarioRow | None:
    row = session.get(ScenarioRow, scenario_id, with_for_update=True)
    if row is None or row.run_number != run_number or row.status != "running":
        return None
    return row


def _end(
    sessions: sessionmaker[Session],
    scenario_id: UUID,
    run_number: int,
    status: str,
    problem: str | None,
) -> None:
    with sessions.begin() as session:
        row = _of_run(session, scenario_id, run_number)
        if row is not None:
            row.status, row.problem = status, problem
            row.finished_at, row.checkpoints = datetime.now(UTC), {}
            _note(session, row, f"scenario_{status}", problem=problem)


def _hand_back(sessions: sessionmaker[Session], scenario_id: UUID, run_number: int) -> None:
    with sessions.begin() as session:
        row = _of_run(session, scenario_id, run_number)
        if row is not None:
            row.status = "queued"
            enqueue_scenario(session, str(row.id), row.run_number)


def _succeed(
    sessions: sessionmaker[Session], scenario_id: UUID, run_number: int, found: dict[str, Any]
) -> None:
    compact_json(found)  # NaN never gets into the record
    with sessions.begin() as session:
        row = _of_run(session, scenario_id, run_number)
        if row is None:
            return
        if row.cancel_requested:
            row.status, row.finished_at, row.checkpoints = "cancelled", datetime.now(UTC), {}
            _note(session, row, "scenario_cancelled")
            return
        row.answer, row.answer_sha256 = found, sha256_of(found)
        row.status, row.finished_at, row.checkpoints = "succeeded", datetime.now(UTC), {}
        row.progress = {"stage": "done", "share": 1.0}
        row.summary = summary_of(found)
        _note(session, row, "scenario_succeeded", mode=row.mode, answer_sha256=row.answer_sha256)


def summary_of(found: dict[str, Any]) -> dict[str, Any]:
    """What a list shows of an answer."""
    after = found["after"]
    return {
        "in_time": {name: figures["in_time"] for name, figures in after["classes"].items()},
        "before": None
        if found["before"] is None
        else {name: f["in_time"] for name, f in found["before"]["classes"].items()},
        "new_outlets": sum(one["status"] == "new" for one in found["outlets"]),
        "hired": sum(post["heads"] for post in found["posts"]),
        "utilisation": after["per_day"]["utilisation"],
        "cost_fen_per_day": after["per_day"]["cost_fen"],
    }
