"""From a question to its answer: outlets, people, and the weeks replayed before and after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from network.scenarios.placing import Placed, hire, place
from network.scenarios.question import Question
from network.simulate import Cancelled, Outcome, Progress, Scenario, screen, simulate
from optimizer.problem import UNREACHABLE

FORMAT = "zhunda-plan-answer/1"
Mode = Literal["full", "screening"]
_PLACING, _HIRING = 0.02, 0.08
"""Shares of the progress: the rest is the simulation."""


@dataclass(frozen=True, slots=True)
class Told:
    """How far it is: ``stage`` is siting, staffing, before or after; ``share`` from 0 to 1."""

    stage: str
    share: float
    what: str = ""
    replications_done: int = 0


@dataclass(frozen=True, slots=True)
class Answering:
    """How to answer.

    ``checkpoints``: a folder that keeps finished replications; what is in it is not done again.
    """

    mode: Mode = "full"
    replications: int = 2
    seed: int = 1
    processes: int | None = None
    checkpoints: Path | None = None


def answer(
    question: Question,
    how: Answering,
    watch: Callable[[Told], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> dict[str, Any]:
    """Place, hire, replay; the answer as plain JSON (``zhunda-plan-answer/1``).

    The same question with the same seed, mode and replications has the same answer.

    Raises
    ------
    network.scenarios.placing.CannotPlan
        With one sentence.
    network.simulate.Cancelled
        When ``cancel`` said so.
    """
    tell = watch or _nobody
    tell(Told("siting", 0.0))
    if cancel is not None and cancel():
        raise Cancelled("cancelled")
    placed = place(question, how.seed)
    tell(Told("staffing", _PLACING))
    after, staffing = hire(
        question, placed, how.seed, lambda what: tell(Told("staffing", _PLACING, what)), cancel
    )
    stages = [("before", question.scenario), ("after", after)]
    if not question.changes_anything:
        stages = stages[1:]
    outcomes: dict[str, Outcome] = {}
    begin = _PLACING + _HIRING
    width = (1.0 - begin) / len(stages)
    for stage, scenario in stages:
        outcomes[stage] = _replay(scenario, stage, begin, width, how, tell, cancel)
        begin += width
    return {
        "format": FORMAT,
        "mode": how.mode,
        "seed": how.seed,
        "replications": how.replications,
        "days": question.scenario.days,
        "demand_hash": demand_hash(question.scenario),
        "travel": question.travel.source,
        "sites": None if placed.sites is None else _sites(placed),
        "outlets": _outlets(question, placed, after),
        "posts": [
            {
                "outlet": group.outlet,
                "skills": dict(group.skills),
                "roster": group.roster,
                "heads": group.heads,
            }
            for group in after.groups
            if group.id in placed.hiring and group.heads
        ],
        "moved": dict(placed.moved),
        "staffing": None if staffing is None else _staffing(staffing.to_json()),
        "points": _points(question, after),
        **{
            stage: None if stage not in outcomes else _outcome(outcomes[stage])
            for stage in ("before", "after")
        },
    }


def _nobody(_told: Told) -> None:
    pass


def _replay(
    scenario: Scenario,
    stage: str,
    begin: float,
    width: float,
    how: Answering,
    tell: Callable[[Told], None],
    cancel: Callable[[], bool] | None,
) -> Outcome:
    tell(Told(stage, begin))
    if how.mode == "screening":
        return screen(scenario, replications=how.replications, seed=how.seed, cancel=cancel)

    def watch(progress: Progress) -> None:
        share = begin + width * progress.share
        what = f"{progress.days_done} of {progress.days} days"
        tell(Told(stage, share, what, progress.replications_done))

    return simulate(
        scenario,
        replications=how.replications,
        seed=how.seed,
        processes=how.processes,
        watch=watch,
        cancel=cancel,
        checkpoint=None if how.checkpoints is None else how.checkpoints / f"{stage}.jsonl",
    )


def demand_hash(scenario: Scenario) -> str:
    """What two scenarios have in common that meet the same faults under the same seed."""
    import hashlib

    parts = (
        scenario.demand, scenario.timezone, scenario.start, scenario.days, scenario.warm_up_days,
        scenario.classes,
    )  # fmt: skip
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        **outcome.to_json(),
        "runs": [one.to_json() for one in outcome.replications],
    }


def _sites(placed: Placed) -> dict[str, Any]:
    assert placed.sites is not None
    told = placed.sites.to_json()
    told.pop("assignment")  # `points` says who serves whom
    return {**told, "new": list(placed.new), "closed": list(placed.closed)}


def _staffing(told: dict[str, Any]) -> dict[str, Any]:
    return {
        key: told[key]
        for key in ("heads", "outlets", "load", "goals", "ceilings", "out_of_reach", "tried")
    }


def _outlets(question: Question, placed: Placed, after: Scenario) -> list[dict[str, Any]]:
    def heads(scenario: Scenario, outlet: str) -> int:
        return sum(group.heads for group in scenario.groups if group.outlet == outlet)

    today = question.scenario
    rows = []
    for outlet in today.outlets:
        known = question.standing[outlet.id]
        rows.append(
            {
                "id": outlet.id,
                "name": known.name,
                "address": known.address,
                "record_id": known.record_id,
                "lat": outlet.lat,
                "lon": outlet.lon,
                "status": "closed" if outlet.id in placed.heirs else "kept",
                "heir": placed.heirs.get(outlet.id),
                "heads_before": heads(today, outlet.id),
                "heads_after": heads(after, outlet.id),
            }
        )
    for site in question.candidates:
        opened = site.id in placed.new
        rows.append(
            {
                "id": site.id,
                "name": site.name,
                "address": site.address,
                "record_id": None,
                "lat": site.lat,
                "lon": site.lon,
                "status": "new" if opened else "not_chosen",
                "heir": None,
                "heads_before": 0,
                "heads_after": heads(after, site.id) if opened else 0,
            }
        )
    return rows


def _points(question: Question, after: Scenario) -> list[dict[str, Any]]:
    """Each demand point with the drive from its nearest outlet, before and after."""

    def nearest(scenario: Scenario) -> tuple[list[int], list[int]]:
        count = len(scenario.outlets)
        block = scenario.travel.durations_s[:count, count:]
        best = block.argmin(axis=0)
        return best.tolist(), block[best, np.arange(block.shape[1])].tolist()

    _, old_s = nearest(question.scenario)
    which, new_s = nearest(after)
    return [
        {
            "id": point.id,
            "lat": point.lat,
            "lon": point.lon,
            "district": point.district,
            "weight": point.weight,
            "drive_before_s": None if before >= UNREACHABLE else before,
            "drive_after_s": None if now >= UNREACHABLE else now,
            "outlet": after.outlets[k].id,
        }
        for point, before, now, k in zip(
            question.scenario.demand.points, old_s, new_s, which, strict=True
        )
    ]
