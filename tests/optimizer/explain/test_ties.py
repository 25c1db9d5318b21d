"""Crews, ``together``, ``after``, moves of assigned jobs, frozen stops and the depot."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from optimizer.check import check
from optimizer.explain import explain, why
from optimizer.explain.companions import Companions
from optimizer.explain.placing import Ledger, named_goals, rank
from optimizer.explain.question import Fleet, Question
from optimizer.explain.state import PlanState
from optimizer.explain.why import placements
from optimizer.plan import Plan, Route, Step
from optimizer.problem import Goal, Job, Location, Problem, Restock, Shift, Technician, Travel
from optimizer.timetable import timetable
from tests.optimizer.explain.instances import (
    greedy_plan,
    plan_of,
    random_problem,
    routes_with,
)


def filled_plan(problem: Problem, seed: int) -> Plan:
    """A plan that also serves tied jobs: one insertion after the other, each one checked."""
    random = np.random.default_rng(seed)
    plan = plan_of(problem, [])
    for row in random.permutation(len(problem.jobs)).tolist() * 2:
        job = problem.jobs[row]
        state = PlanState(problem, plan)
        if job.id in state.visits:
            continue
        question = Question(Fleet(state), job)
        companions = Companions(question.fleet, question)
        blocked = np.zeros(len(state.slots), np.bool_)
        for rows in question.static.values():
            blocked |= rows
        trials = [
            trial
            for slot in np.flatnonzero(~blocked).tolist()
            for trial, _ in placements(question, companions, plan, slot)
        ]
        if trials:
            chosen = trials[int(random.integers(len(trials)))]
            plan = plan_of(problem, list(chosen.plan.routes))
            assert not check(problem, plan).violations, (seed, job.id)
            assert dict(chosen.goals) == named_goals(problem, plan)
    return plan


def test_insertions_of_tied_jobs_stand_up_to_the_checker() -> None:
    served = set()
    for seed in range(120):
        problem = random_problem(seed, jobs=8, tied=True)
        served |= {name for route in filled_plan(problem, seed).routes for name in route.jobs}
    assert {"J0", "J1", "J2", "J3", "J4"} <= served


def slow_crew(problem: Problem, plan: Plan, job: Job, one: Technician) -> bool:
    """Whether ``one`` and anybody else can start the job together: every second that may matter."""
    jobs = {other.id: other for other in problem.jobs}

    def sequences(who: Technician) -> list[tuple[Shift, list[Job]]]:
        found = []
        for shift in who.shifts:
            old = [
                jobs[name]
                for route in plan.routes
                if (route.technician, route.shift) == (who.id, shift.id)
                for name in route.jobs
            ]
            found += [
                (shift, [*old[:position], job, *old[position:]]) for position in range(len(old) + 1)
            ]
        return found

    alone = replace(job, crew=1)
    earliest = set()
    for who in problem.technicians:
        for shift, sequence in sequences(who):
            timed = timetable(problem, who, shift, sequence).route
            if timed is not None:
                earliest |= {s.start for s in timed.steps if s.job == alone.id and s.start}
    earliest |= {opens for opens, _ in job.time_windows}
    others = [who for who in problem.technicians if who.id != one.id]
    for start, other in product(sorted(earliest), others):
        routes: list[list[Route]] = []
        for who in (one, other):
            options = [
                timetable(problem, who, shift, sequence, {job.id: start}).route
                for shift, sequence in sequences(who)
            ]
            routes.append([route for route in options if route is not None])
        for first, second in product(*routes):
            kept = [
                route
                for route in plan.routes
                if all((route.technician, route.shift) != (r.technician, r.shift)
                       for r in (first, second))
            ]  # fmt: skip
            if not check(problem, plan_of(problem, [*kept, first, second])).violations:
                return True
    return False


def test_a_crew_that_can_be_brought_together_is_found() -> None:
    yes = no = 0
    for seed in range(80):
        base = random_problem(seed, jobs=5)
        job = replace(base.jobs[0], crew=2, pinned=None)
        problem = replace(base, jobs=(job, *base.jobs[1:]))
        plan = greedy_plan(problem, seed)
        for technician in problem.technicians:
            answer = why(problem, plan, job.id, technician.id)
            if slow_crew(problem, plan, job, technician):
                assert answer.can, (seed, technician.id, answer)
                yes += 1
            elif not answer.can:
                no += 1
                assert answer.rules
    assert yes > 10
    assert no > 10


@pytest.mark.parametrize("block", range(4))
def test_moving_an_assigned_job_agrees_with_taking_it_off_and_putting_it_in(block: int) -> None:
    moved = kept = 0
    for seed in range(block * 15, block * 15 + 15):
        problem = random_problem(seed)
        jobs = {job.id: job for job in problem.jobs}
        plan = greedy_plan(problem, seed, share=1.0)
        for route in plan.routes:
            who = next(w for w in problem.technicians if w.id == route.technician)
            shift = next(s for s in who.shifts if s.id == route.shift)
            for name in route.jobs:
                rest = [jobs[other] for other in route.jobs if other != name]
                others = [own for own in plan.routes if own is not route]
                shorter = timetable(problem, who, shift, rest).route if rest else None
                base = plan_of(problem, [*others, shorter] if shorter else others)
                for technician in problem.technicians:
                    answer = why(problem, plan, name, technician.id)
                    assert answer.assigned == (technician.id == who.id)
                    if technician.id == who.id:
                        assert answer.can
                        continue
                    if rest and shorter is None:
                        assert not answer.can
                        continue
                    slow = routes_with(problem, base, name, technician.id)
                    assert answer.can == bool(slow), (seed, name, technician.id, answer)
                    moved += answer.can
                    kept += not answer.can
                    if answer.placement is not None:
                        best = min(rank(named_goals(problem, tried)) for _, _, tried in slow)
                        assert rank(answer.placement.goals) == best
    assert moved > 5
    assert kept > 5


def test_explanations_of_tied_jobs_agree_with_why() -> None:
    rules = set()
    for seed in range(60):
        problem = random_problem(seed, jobs=8, tied=True)
        plan = filled_plan(problem, seed)
        for entry in explain(problem, plan):
            answers = [why(problem, plan, entry.job, who.id) for who in problem.technicians]
            assert any(answer.can for answer in answers) == (not entry.blocking), (seed, entry)
            rules |= {reason.rule for reason in entry.reasons}
    assert {"crew", "together", "after"} <= rules


def test_goals_after_a_change_are_those_of_the_whole_plan() -> None:
    names = ("late", "dropped", "changes", "overtime", "cost", "vehicles", "waiting", "preference")
    for seed in range(40):
        problem = random_problem(seed)
        plan = greedy_plan(problem, seed)
        other = greedy_plan(problem, seed + 1)
        objective = tuple(Goal.of(name) for name in names)
        if seed % 4 == 0:
            objective += (Goal.of("spread"), Goal((("travel", 1.0), ("waiting", 0.5))))
        problem = replace(problem, objective=objective, published=other)
        ledger = Ledger(problem, plan)
        for entry in plan.unassigned:
            for technician in problem.technicians:
                for _, _, tried in routes_with(problem, plan, entry.job, technician.id):
                    fresh = [route for route in tried.routes if route not in plan.routes]
                    assert ledger.after(fresh, entry.job) == named_goals(problem, tried)


def line(*places_m: int) -> Travel:
    """One second a metre."""
    at = np.array(places_m)
    return Travel(np.abs(at[:, None] - at[None, :]).astype(np.int32))


def small(jobs: tuple[Job, ...], places: Travel, **fields: object) -> Problem:
    count = len(places.durations_s)
    technicians = tuple(
        Technician(name, (Shift(name.lower(), 0, 4000, 0, 0),)) for name in ("T", "U")
    )
    return replace(
        Problem(
            tuple(Location(str(number)) for number in range(count)),
            {"car": places},
            technicians,
            jobs,
        ),
        **fields,  # type: ignore[arg-type]
    )


def test_a_missing_part_is_fetched_from_the_depot_and_the_plan_checks() -> None:
    problem = small(
        (Job("J", 1, 60, parts={"fuse": 1}),), line(0, 500, 700), restock=Restock(2, 100)
    )
    answer = why(problem, Plan(), "J", "T")
    assert answer.can
    assert answer.placement is not None
    # to the depot, 100 s there, back to the job, and home
    assert answer.placement.start == 700 + 100 + 200
    assert answer.placement.goals["travel"] == 1400


def test_the_depot_in_between_does_not_bring_the_setup_back() -> None:
    first = Job("A", 1, 60, setup_s=30)
    second = Job("B", 1, 60, setup_s=30, parts={"fuse": 1})
    problem = small((first, second), line(0, 500, 700), restock=Restock(2, 0))
    steps = (
        Step("start", 0, 0),
        Step("job", 1, 500, 500, 590, "A", travel_s=500),
        Step("end", 0, 1090, travel_s=500),
    )
    plan = Plan((Route("T", "t", 0, 1090, steps),))
    answer = why(problem, plan, "B", "T")
    assert answer.placement is not None
    state = PlanState(problem, plan)
    question = Question(Fleet(state), second)
    for trial, _ in placements(question, Companions(question.fleet, question), plan, 0):
        whole = plan_of(problem, list(trial.plan.routes))
        assert not check(problem, whole).violations
        assert trial.route.steps[-1].arrival is not None


def test_a_frozen_stop_does_not_leave_its_technician() -> None:
    problem = small((Job("J", 1, 60),), line(0, 500))
    steps = (
        Step("start", 0, 0),
        Step("job", 1, 500, 500, 560, "J", travel_s=500),
        Step("end", 0, 1060, travel_s=500),
    )
    plan = Plan((Route("T", "t", 0, 1060, steps),))
    frozen = replace(problem, published=plan, frozen_until=501)
    assert why(problem, plan, "J", "U").can
    assert [reason.rule for reason in why(frozen, plan, "J", "U").rules] == ["frozen"]
    thawed = replace(frozen, frozen_until=500)
    assert why(thawed, plan, "J", "U").can


def test_a_successor_waits_for_its_predecessor_and_is_blocked_when_it_is_left_out() -> None:
    jobs = (Job("A", 1, 60), Job("B", 1, 60, after=("A",), min_gap_s=300))
    problem = small(jobs, line(0, 500))
    blocked = why(problem, Plan(), "B", "T")
    assert [(reason.rule, reason.detail) for reason in blocked.rules] == [
        ("after", "not served: A")
    ]
    steps = (
        Step("start", 0, 0),
        Step("job", 1, 500, 500, 560, "A", travel_s=500),
        Step("end", 0, 1060, travel_s=500),
    )
    plan = Plan((Route("T", "t", 0, 1060, steps),))
    answer = why(problem, plan, "B", "U")
    assert answer.placement is not None
    assert answer.placement.start == 560 + 300


def test_insertions_by_way_of_the_depot_stand_up_to_the_checker() -> None:
    trips = 0
    for seed in range(60):
        base = random_problem(seed, jobs=8, tied=seed % 3 == 0)
        jobs = tuple(replace(job, parts={"fuse": 1}, load=()) for job in base.jobs)
        problem = replace(base, jobs=jobs, restock=Restock(3, 60))
        plan = filled_plan(problem, seed)
        trips += sum(step.type == "restock" for route in plan.routes for step in route.steps)
        for entry in explain(problem, plan):
            answers = [why(problem, plan, entry.job, who.id) for who in problem.technicians]
            assert any(answer.can for answer in answers) == (not entry.blocking), (seed, entry)
    assert trips > 10


def test_shifts_of_one_technician_that_overlap_are_not_worked_at_the_same_time() -> None:
    both = 0
    for seed in range(60):
        base = random_problem(seed, jobs=8)
        technicians = tuple(
            replace(
                who,
                shifts=(
                    *who.shifts[:1],
                    replace(
                        who.shifts[0],
                        id=f"{who.id}-late",
                        start=who.shifts[0].start + 2_000,
                        end=who.shifts[0].end + 4_000,
                        breaks=(),
                    ),
                ),
            )
            for who in base.technicians
        )
        problem = replace(base, technicians=technicians)
        plan = filled_plan(problem, seed)
        used = [route.technician for route in plan.routes]
        both += len(used) - len(set(used))
        for entry in explain(problem, plan):
            if entry.cure is not None and entry.cure["change"] != "insert":
                assert entry.blocking
    assert both > 5
