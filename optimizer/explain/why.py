"""``why(problem, plan, job, technician)``: who could take it, and if not, why not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from optimizer.explain.clock import NEVER
from optimizer.explain.companions import Companions
from optimizer.explain.placing import (
    Goals,
    Trial,
    insert,
    named_goals,
    position_of,
    rank,
    sequence_of,
    step_of,
    time_stops,
    with_routes,
)
from optimizer.explain.question import Fleet, Question
from optimizer.explain.rules import NO_SHIFT, broken_rules, reasons
from optimizer.explain.state import PlanState, ints
from optimizer.plan import Plan, Reason, Route
from optimizer.problem import Problem


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the job goes, and what that does to the goals.

    ``position`` counts the jobs before it on the route. ``goals`` are those of the whole plan
    with it, ``effect`` the difference to the plan as it stands. ``companions`` are the other
    visits that have to be added with it: (job, technician, shift).
    """

    technician: str
    shift: str
    position: int
    arrival: int
    start: int
    end: int
    goals: Goals
    effect: Goals
    companions: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Why:
    """The answer for one pair.

    ``can`` is True exactly when ``placement`` is there and ``rules`` is empty. ``assigned`` says
    that the technician already has the job; the placement is the present one then.
    """

    job: str
    technician: str
    can: bool
    rules: tuple[Reason, ...] = ()
    placement: Placement | None = None
    assigned: bool = False


def why(problem: Problem, plan: Plan, job_id: str, technician_id: str) -> Why:
    """Whether this technician can take this job in this plan, and every rule in the way if not.

    Everything else stays on its route and in its order (see `optimizer.explain.state`). A job that
    somebody else has is taken from there first; of a crew, one half is replaced. Each rule in the
    answer is counted over the technician's shifts (see `optimizer.explain.rules`).

    Returns
    -------
    Why
        With the best insertion over all shifts and positions, by the goals in their order. Of a
        job that needs companions, the earliest common start in each shift is taken.

    Raises
    ------
    ValueError
        When the problem has no such job or technician, or the plan does not fit the problem.
    """
    state = PlanState(problem, plan)
    if job_id not in state.jobs:
        raise ValueError(f"no job {job_id!r} in the problem")
    if technician_id not in {technician.id for technician in problem.technicians}:
        raise ValueError(f"no technician {technician_id!r} in the problem")
    goals = named_goals(problem, plan)
    present = state.visits.get(job_id, [])
    for shift, step in present:
        slot = state.slots[shift]
        if slot.technician.id == technician_id:
            assert step.arrival is not None
            assert step.start is not None
            assert step.end is not None
            same = dict.fromkeys(goals, 0)
            position = position_of(state.routes[shift], job_id)
            placement = Placement(
                technician_id, slot.shift.id, position, step.arrival, step.start, step.end,
                goals, same,
            )  # fmt: skip
            return Why(job_id, technician_id, True, (), placement, True)
    if not present:
        return _ask(PlanState(problem, plan), job_id, technician_id, plan, goals)
    answers = []
    for shift, _ in present:
        base = _taken_off(state, plan, shift, job_id)
        if base is None:
            reason = Reason("unreachable", 1, "its present route does not work without it")
            answers.append(Why(job_id, technician_id, False, (reason,)))
        else:
            answers.append(_ask(PlanState(problem, base), job_id, technician_id, base, goals))
    return min(answers, key=_preference)


def _preference(answer: Why) -> tuple[bool, int, tuple[int | float, ...]]:
    found = answer.placement
    return not answer.can, len(answer.rules), () if found is None else rank(found.goals)


def _taken_off(state: PlanState, plan: Plan, shift: int, job_id: str) -> Plan | None:
    """The plan without the stop of the job on this shift, the rest of the route timed again."""
    slot = state.slots[shift]
    stops = sequence_of(state, shift, job_id)
    if any(stop is not None for stop in stops):
        route = time_stops(state.problem, slot.technician, state.shift_of(slot), stops)
        if route is None:
            return None
    else:
        route = Route(slot.technician.id, slot.shift.id, 0, 0, ())
    return with_routes(plan, [route])


def _ask(state: PlanState, job_id: str, technician_id: str, plan: Plan, goals: Goals) -> Why:
    """The answer for a job (or one half of it) that is not on a route of ``plan``."""
    fleet = Fleet(state)
    question = Question(fleet, state.jobs[job_id])
    companions = Companions(fleet, question)
    shifts = ints([slot.index for slot in state.slots_of(technician_id)])
    broken = broken_rules(question, companions, shifts)
    blocked = np.zeros(len(state.slots), np.bool_)
    for rows in broken.values():
        blocked |= rows
    trials = [
        trial
        for shift in shifts
        if not blocked[shift]
        for trial in placements(question, companions, plan, int(shift))
    ]
    if not trials:
        named = reasons(question, broken)
        if not len(shifts):
            named = (*named, Reason(NO_SHIFT, 1))
        return Why(job_id, technician_id, False, named)
    best, seats = min(trials, key=lambda trial: rank(trial[0].goals))
    step = step_of(best.route, job_id)
    assert step.arrival is not None
    assert step.start is not None
    assert step.end is not None
    placement = Placement(
        technician_id, best.route.shift, best.position, step.arrival, step.start, step.end,
        best.goals, {name: best.goals[name] - goals[name] for name in goals}, seats,
    )  # fmt: skip
    return Why(job_id, technician_id, True, (), placement)


def placements(
    question: Question, companions: Companions, plan: Plan, shift: int
) -> Iterator[tuple[Trial, tuple[tuple[str, str, str], ...]]]:
    """Every position of a shift at which the job fits, with the plan and goals that come of it."""
    state = question.state
    none = np.zeros(len(state.slots), np.int64)
    where = ints([shift])
    if companions.others:
        own = question.intervals(where, none)
        for position in np.unique(own[:, 1]):
            mine = own[own[:, 1] == position]
            common = companions.common_start(question, shift, mine)
            if common is None:
                continue
            start, seats = common
            routes = [insert(question, shift, int(position), start=start)]
            routes += [
                insert(seat.question, seat.shift, seat.position, start=start) for seat in seats
            ]
            kept = [route for route in routes if route is not None]
            if len(kept) == len(routes):
                names = tuple(
                    (seat.question.job.id, route.technician, route.shift)
                    for seat, route in zip(seats, kept[1:], strict=True)
                )
                yield _trial(question, plan, kept), names
        return
    ends = question.ends(where, none)
    base = int(question.fleet.clock.route_at[shift]) + shift
    for position in range(len(state.stops[shift]) + 1):
        if ends[base + position] < NEVER:
            route = insert(question, shift, position)
            if route is not None:
                yield _trial(question, plan, [route]), ()


def _trial(question: Question, plan: Plan, routes: list[Route]) -> Trial:
    changed = with_routes(plan, routes)
    goals = named_goals(question.state.problem, changed)
    return Trial(changed, goals, routes[0], position_of(routes[0], question.job.id))
