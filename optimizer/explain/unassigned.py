"""``explain(problem, plan)``: why each job that is left out is left out, and what would help."""

from __future__ import annotations

import numpy as np

from optimizer.explain.companions import Companions
from optimizer.explain.cures import cheapest_cure
from optimizer.explain.placing import Ledger
from optimizer.explain.question import Fleet, Question
from optimizer.explain.rules import NO_SHIFT, broken_rules, reasons, smallest_blocking
from optimizer.explain.state import PlanState
from optimizer.plan import Plan, Reason, Unassigned
from optimizer.problem import Job, Problem


def explain(problem: Problem, plan: Plan, *, limit: int = 50) -> tuple[Unassigned, ...]:
    """Every job on no route of the plan, in the problem's order, with its reasons.

    Parameters
    ----------
    plan
        Only its routes are read; they are taken as they stand (see `optimizer.explain.state`).
    limit
        For how many jobs (mandatory ones first, then by class weight and penalty) the smallest
        blocking set and a cure are searched. The rest have ``blocking`` empty and ``cure`` None.

    Returns
    -------
    tuple of Unassigned
        ``reasons``: every rule that blocks the job at some shift, counted over technicians and
        shifts (`optimizer.explain.rules`). ``blocking``: the fewest rules whose lifting lets it in
        somewhere; empty also when it would fit as it is. ``cure``: the cheapest single change that
        was tried and works (`optimizer.explain.cures`), with the goals after it; ``insert`` says
        that no change is needed. A job that needs companions, or has none that works, has None.

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

    searched = {job.id for job in sorted(dropped, key=importance)[: max(0, limit)]}
    ledger = Ledger(problem, plan)
    answers = []
    for job in dropped:
        question = Question(fleet, job)
        companions = Companions(fleet, question)
        broken = broken_rules(question, companions, shifts)
        named = reasons(question, broken) + idle
        if job.id not in searched or not len(shifts):
            answers.append(Unassigned(job.id, named))
            continue
        blocking = smallest_blocking(question, companions, broken)
        cure = None if companions.others else cheapest_cure(question, ledger)
        answers.append(Unassigned(job.id, named, blocking, cure))
    return tuple(answers)
