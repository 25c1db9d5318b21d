"""``explain(problem, plan)``: why each job that is left out is left out, and what would help."""

from __future__ import annotations

import time

import numpy as np

from optimizer.explain.companions import Companions
from optimizer.explain.cures import cheapest_cure
from optimizer.explain.placing import Ledger
from optimizer.explain.question import Fleet, Question
from optimizer.explain.rules import NO_SHIFT, broken_rules, reasons, smallest_blocking
from optimizer.explain.state import PlanState
from optimizer.plan import Plan, Reason, Unassigned
from optimizer.problem import Job, Problem

BEYOND = "not tried: only the {limit} most important jobs left out are given cures"
OUT_OF_TIME = "not tried: the time for cures was used up by more important jobs"
COMPANIONS = "not tried: cures are looked for only where one technician is enough"


def explain(
    problem: Problem, plan: Plan, *, limit: int = 50, seconds: float | None = None
) -> tuple[Unassigned, ...]:
    """Every job on no route of the plan, in the problem's order, with its reasons.

    Parameters
    ----------
    plan
        Only its routes are read; they are taken as they stand (see `optimizer.explain.state`).
    limit
        For how many jobs (mandatory ones first, then by class weight and penalty) the smallest
        blocking set and a cure are searched. The rest have ``blocking`` empty, ``cure`` None and a
        ``note`` that says so.
    seconds
        The search for cures begins no further job after so many seconds; None: as long as it takes.

    Returns
    -------
    tuple of Unassigned
        ``reasons``: every rule that blocks the job at some shift, counted over technicians and
        shifts (`optimizer.explain.rules`). ``blocking``: the fewest rules whose lifting lets it in
        somewhere; empty also when it would fit as it is. ``cure``: the cheapest single change that
        was tried and works (`optimizer.explain.cures`), with the goals after it; ``insert`` says
        that no change is needed. None where no single change works, or where ``note`` says that
        none was looked for.

    Raises
    ------
    ValueError
        When the plan names what the problem does not have.
    """
    state = PlanState(problem, plan)
    fleet = Fleet(state)
    shifts = np.arange(len(state.slots), dtype=np.int64)
    dropped = state.dropped()
    without = sum(not technician.shifts for technician in problem.technicians)
    idle = (Reason(NO_SHIFT, without),) if without else ()

    def importance(job: Job) -> tuple[bool, int, int]:
        return job.drop_penalty is not None, -problem.weight(job), -(job.drop_penalty or 0)

    ordered = sorted(dropped, key=importance)
    ledger = Ledger(problem, plan)
    deadline = None if seconds is None else time.monotonic() + seconds
    answers: dict[str, Unassigned] = {}
    for rank, job in enumerate(ordered):
        question = Question(fleet, job)
        companions = Companions(fleet, question)
        broken = broken_rules(question, companions, shifts)
        named = reasons(question, broken) + idle
        if not len(shifts):
            answers[job.id] = Unassigned(job.id, named)
        elif rank >= limit:
            answers[job.id] = Unassigned(job.id, named, note=BEYOND.format(limit=limit))
        elif deadline is not None and time.monotonic() >= deadline:
            answers[job.id] = Unassigned(job.id, named, note=OUT_OF_TIME)
        else:
            blocking = smallest_blocking(question, companions, broken)
            if companions.others:
                answers[job.id] = Unassigned(job.id, named, blocking, note=COMPANIONS)
            else:
                cure = cheapest_cure(question, ledger)
                answers[job.id] = Unassigned(job.id, named, blocking, cure)
    return tuple(answers[job.id] for job in dropped)
