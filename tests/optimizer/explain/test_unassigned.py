"""``explain``: smallest blocking sets and cures against changed problems and the checker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from optimizer.check import check
from optimizer.explain import explain, why
from optimizer.explain.placing import named_goals
from optimizer.plan import Plan, Unassigned
from optimizer.problem import Job, Location, Problem, Shift, Technician, Travel
from tests.optimizer.explain.instances import (
    greedy_plan,
    plan_of,
    random_problem,
    routes_with,
)

FOREVER_S = 10**7
TIMED = ("shift", "window", "pinned", "break", "full")


def without_gaps(problem: Problem) -> Problem:
    """The problem with a way between all places."""
    travel = problem.travel["car"]
    durations = travel.durations_s.copy()
    durations[durations > FOREVER_S] = 700
    return replace(problem, travel={"car": Travel(durations, None)})


def broken_without_a_clock(
    problem: Problem, plan: Plan, job: Job, technician: Technician, shift: Shift
) -> set[str]:
    """The rules broken by this pair whatever the hour, written down once more and slowly."""
    jobs = {other.id: other for other in problem.jobs}
    broken = set()
    if any(technician.skills.get(skill, 0) < level for skill, level in job.skills.items()):
        broken.add("skills")
    if job.equipment - technician.equipment:
        broken.add("equipment")
    if job.allowed is not None and technician.id not in job.allowed:
        broken.add("allowed")
    if technician.id in job.excluded:
        broken.add("excluded")
    if job.pinned is not None and job.pinned.technician not in (None, technician.id):
        broken.add("pinned")
    hers = [route for route in plan.routes if route.technician == technician.id]
    used = sum(jobs[name].parts.get("fuse", 0) for route in hers for name in route.jobs)
    if used + job.parts.get("fuse", 0) > technician.stock["fuse"] and job.parts:
        broken.add("parts")
    here = [jobs[name] for route in hers if route.shift == shift.id for name in route.jobs]
    if shift.max_jobs is not None and len(here) >= shift.max_jobs:
        broken.add("max_jobs")
    room = shift.capacity[0] - sum(other.load[0] for other in here)
    if job.load[0] > max(0, room):
        broken.add("capacity")
    return broken


def lifted(
    problem: Problem, plan: Plan, job: Job, technician: Technician, shift: Shift, rules: set[str]
) -> tuple[Problem, Plan]:
    """Problem and plan in which these rules no longer hold for this job in this shift."""
    free = replace(
        job,
        skills={} if "skills" in rules else job.skills,
        equipment=frozenset() if "equipment" in rules else job.equipment,
        parts={} if "parts" in rules else job.parts,
        allowed=None if "allowed" in rules else job.allowed,
        excluded=frozenset() if "excluded" in rules else job.excluded,
        pinned=None if "pinned" in rules else job.pinned,
        load=() if "capacity" in rules else job.load,
        time_windows=() if "window" in rules else job.time_windows,
        release=0 if "window" in rules else job.release,
    )
    if "skills" in rules:
        # the skill is lifted, the pace at which its holder works is not
        factor = max((technician.service_factor.get(name, 1.0) for name in job.skills), default=1.0)
        if technician.service_factor:
            free = replace(free, service_s=int(job.service_s * factor + 0.5))
    longer = replace(
        shift,
        overtime_s=FOREVER_S if "shift" in rules else shift.overtime_s,
        breaks=() if "break" in rules else shift.breaks,
        max_jobs=None if "max_jobs" in rules else shift.max_jobs,
    )
    shifts = tuple(longer if own.id == shift.id else own for own in technician.shifts)
    who = replace(technician, shifts=shifts)
    routes = list(plan.routes)
    if "full" in rules:
        routes = [route for route in routes if route.shift != shift.id]
    elif "break" in rules:
        routes = [
            replace(route, steps=tuple(step for step in route.steps if step.type != "break"))
            if route.shift == shift.id
            else route
            for route in routes
        ]
    changed = replace(
        problem,
        technicians=tuple(who if own.id == who.id else own for own in problem.technicians),
        jobs=tuple(free if own.id == job.id else own for own in problem.jobs),
    )
    return changed, plan_of(changed, routes)


def slow_smallest(problem: Problem, plan: Plan, job: Job) -> int:
    """The size of the smallest set of rules, by lifting every set at every shift."""
    best = 99
    for technician in problem.technicians:
        for shift in technician.shifts:
            static = broken_without_a_clock(problem, plan, job, technician, shift)
            for size in range(len(TIMED) + 1):
                if len(static) + size >= best:
                    break
                for chosen in combinations(TIMED, size):
                    rules = static | set(chosen)
                    changed, smaller = lifted(problem, plan, job, technician, shift, rules)
                    found = routes_with(changed, smaller, job.id, technician.id)
                    if any(name == shift.id for name, _, _ in found):
                        best = len(rules)
                        break
    return best


@pytest.mark.parametrize("block", range(4))
def test_blocking_is_the_smallest_set_whose_lifting_lets_the_job_in(block: int) -> None:
    asked = 0
    for seed in range(block * 12, block * 12 + 12):
        problem = without_gaps(random_problem(seed, jobs=6, technicians=2))
        plan = greedy_plan(problem, seed)
        for entry in explain(problem, plan):
            job = next(job for job in problem.jobs if job.id == entry.job)
            assert len(entry.blocking) == slow_smallest(problem, plan, job), (seed, entry)
            asked += 1
    assert asked > 8


@pytest.mark.parametrize("seed", range(40))
def test_reasons_are_what_why_says_counted_over_technicians(seed: int) -> None:
    problem = random_problem(seed, jobs=8, tied=seed % 2 == 0)
    plan = greedy_plan(problem, seed)
    for entry in explain(problem, plan):
        for reason in entry.reasons:
            holders = [
                answer
                for technician in problem.technicians
                for answer in why(problem, plan, entry.job, technician.id).rules
                if answer.rule == reason.rule
            ]
            # why names no rule for a technician who has room in another shift
            assert len(holders) <= reason.technicians
            assert sum(answer.shifts for answer in holders) <= reason.shifts
        able = [
            technician.id
            for technician in problem.technicians
            if why(problem, plan, entry.job, technician.id).can
        ]
        assert (entry.blocking == ()) == bool(able), (seed, entry)


def cured(problem: Problem, plan: Plan, job: Job, cure: Mapping[str, Any]) -> tuple[Problem, Plan]:
    """The problem (and the routes left) as the cure words it."""
    kind = cure["change"]
    routes = list(plan.routes)
    if kind == "drop":
        rest = replace(problem, jobs=tuple(own for own in problem.jobs if own.id != cure["job"]))
        assert len(rest.jobs) == len(problem.jobs) - 1
        return rest, plan
    fresh, people = job, []
    if kind == "window":
        opens, closes = cure["window"]
        relaxed = (
            (opens - cure["seconds"], closes)
            if cure["edge"] == "open"
            else (opens, closes + cure["seconds"])
        )
        windows = [window for window in job.time_windows if window != (opens, closes)]
        fresh = replace(job, time_windows=tuple(sorted([*windows, relaxed])))
    if kind == "release":
        fresh = replace(job, release=job.release - cure["seconds"])
    for technician in problem.technicians:
        if technician.id == cure["technician"]:
            if kind == "skill":
                skills = {**technician.skills, cure["skill"]: cure["level"]}
                technician = replace(technician, skills=skills)
            elif kind == "equipment":
                carried = technician.equipment | frozenset(cure["equipment"])
                technician = replace(technician, equipment=carried)
            elif kind == "parts":
                stock = {
                    part: technician.stock.get(part, 0) + cure["parts"].get(part, 0)
                    for part in {*technician.stock, *cure["parts"]}
                }
                technician = replace(technician, stock=stock)
            shifts = []
            for shift in technician.shifts:
                if shift.id == cure["shift"] and kind == "overtime":
                    shift = replace(shift, overtime_s=shift.overtime_s + cure["seconds"])
                if shift.id == cure["shift"] and kind == "max_jobs":
                    shift = replace(shift, max_jobs=cure["max_jobs"])
                shifts.append(shift)
            technician = replace(technician, shifts=tuple(shifts))
        people.append(technician)
    jobs = tuple(fresh if own.id == job.id else own for own in problem.jobs)
    changed = replace(problem, technicians=tuple(people), jobs=jobs)
    return changed, plan_of(changed, routes)


def plans_after(
    problem: Problem, plan: Plan, job: Job, cure: Mapping[str, Any]
) -> list[dict[str, int | float]]:
    """Goals of every plan with the job at the shift of the cure that the checker passes."""
    if cure["change"] == "drop":
        shrunk = []
        jobs = {own.id: own for own in problem.jobs}
        for route in plan.routes:
            if cure["job"] in route.jobs:
                technician = next(w for w in problem.technicians if w.id == route.technician)
                rest = [jobs[name] for name in route.jobs if name != cure["job"]]
                others = [own for own in plan.routes if own is not route]
                kept = plan_of(problem, others)
                if rest:
                    # rebuild the shortened route job by job, then add the one asked for
                    from optimizer.timetable import timetable

                    shift = next(s for s in technician.shifts if s.id == route.shift)
                    for position in range(len(rest) + 1):
                        longer = [*rest[:position], job, *rest[position:]]
                        timed = timetable(problem, technician, shift, longer).route
                        if timed is not None:
                            shrunk.append(plan_of(problem, [*others, timed]))
                else:
                    shrunk += [p for _, _, p in routes_with(problem, kept, job.id, technician.id)]
        good = [tried for tried in shrunk if not check(problem, tried).violations]
        return [named_goals(problem, tried) for tried in good]
    changed, kept = cured(problem, plan, job, cure)
    found = routes_with(changed, kept, job.id, cure["technician"])
    return [named_goals(changed, tried) for name, _, tried in found if name == cure["shift"]]


@pytest.mark.parametrize("block", range(6))
def test_every_cure_works_and_leads_to_the_goals_it_states(block: int) -> None:
    kinds = set()
    for seed in range(block * 25, block * 25 + 25):
        problem = random_problem(seed)
        plan = greedy_plan(problem, seed, share=1.0)
        for entry in explain(problem, plan):
            if entry.cure is None:
                continue
            job = next(job for job in problem.jobs if job.id == entry.job)
            kinds.add(entry.cure["change"])
            outcomes = plans_after(problem, plan, job, entry.cure)
            assert dict(entry.cure["goals"]) in outcomes, (seed, entry)
            assert (entry.cure["change"] == "insert") == (entry.blocking == ())
            if "seconds" in entry.cure:
                less = {**entry.cure, "seconds": entry.cure["seconds"] - 1}
                assert not plans_after(problem, plan, job, less), (seed, entry)
    assert {"overtime", "skill", "window"} <= kinds


def line_problem(job: Job, **technician: Any) -> Problem:
    """One technician at place 0 from 0 to 3600; place 1 is 600 s away."""
    hers = {"id": "T", "shifts": (Shift("s", 0, 3600, 0, 0),), **technician}
    import numpy as np

    durations = np.array([[0, 600], [600, 0]], np.int32)
    return Problem(
        (Location("0"), Location("1")), {"car": Travel(durations)}, (Technician(**hers),), (job,)
    )


RULE_CASES: list[tuple[str, Job, dict[str, Any]]] = [
    ("skills", Job("J", 1, 60, skills={"a": 2}), {"skills": {"a": 1}}),
    ("equipment", Job("J", 1, 60, equipment=frozenset(["ladder"])), {}),
    ("parts", Job("J", 1, 60, parts={"fuse": 2}), {"stock": {"fuse": 1}}),
    ("allowed", Job("J", 1, 60, allowed=frozenset(["U"])), {}),
    ("excluded", Job("J", 1, 60, excluded=frozenset(["T"])), {}),
    ("shift", Job("J", 1, 2401), {}),
    ("window", Job("J", 1, 60, time_windows=((0, 599),)), {}),
    ("window", Job("J", 1, 60, time_windows=((2941, 9000),)), {}),
    ("capacity", Job("J", 1, 60, load=(1,)), {}),
    ("max_jobs", Job("J", 1, 60), {"shifts": (Shift("s", 0, 3600, 0, 0, max_jobs=0),)}),
    ("crew", Job("J", 1, 60, crew=2), {}),
    ("no_shift", Job("J", 1, 60), {"shifts": ()}),
]


@pytest.mark.parametrize(("rule", "job", "technician"), RULE_CASES)
def test_a_rule_that_is_broken_is_named_alone(
    rule: str, job: Job, technician: dict[str, Any]
) -> None:
    problem = line_problem(job, **technician)
    plan = Plan(unassigned=(Unassigned("J"),))
    (entry,) = explain(problem, plan)
    assert [(reason.rule, reason.technicians) for reason in entry.reasons] == [(rule, 1)]
    assert [reason.rule for reason in why(problem, plan, "J", "T").rules] == [rule]


def test_a_job_that_fits_exactly_has_no_reason_and_the_cure_says_insert() -> None:
    problem = line_problem(Job("J", 1, 2400))
    (entry,) = explain(problem, Plan(unassigned=(Unassigned("J"),)))
    assert entry.reasons == ()
    assert entry.cure is not None
    assert entry.cure["change"] == "insert"


SMALL_CURES: list[tuple[Job, dict[str, Any], dict[str, Any]]] = [
    (Job("J", 1, 2401), {}, {"change": "overtime", "seconds": 1}),
    (Job("J", 1, 60, time_windows=((0, 590),)), {},
     {"change": "window", "edge": "close", "seconds": 10}),
    (Job("J", 1, 60, time_windows=((2950, 9000),), release=0), {"shifts": (
        Shift("s", 0, 3600, 0, 0),)}, {"change": "overtime", "seconds": 10}),
    (Job("J", 1, 60, release=20_000), {"shifts": (Shift("s", 0, 3600, 0, 0),)},
     {"change": "release", "release": 2940, "seconds": 17_060}),
    (Job("J", 1, 60, skills={"a": 2}), {"skills": {"a": 1}},
     {"change": "skill", "skill": "a", "level": 2}),
    (Job("J", 1, 60, equipment=frozenset(["ladder"])), {},
     {"change": "equipment", "equipment": ["ladder"]}),
    (Job("J", 1, 60, parts={"fuse": 2}), {"stock": {"fuse": 1}},
     {"change": "parts", "parts": {"fuse": 1}}),
    (Job("J", 1, 60), {"shifts": (Shift("s", 0, 3600, 0, 0, max_jobs=0),)},
     {"change": "max_jobs", "max_jobs": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("job", "technician", "wanted"), SMALL_CURES)
def test_each_kind_of_cure_is_found_is_enough_and_leads_to_a_plan_that_checks(
    job: Job, technician: dict[str, Any], wanted: dict[str, Any]
) -> None:
    problem = line_problem(job, **technician)
    plan = Plan(unassigned=(Unassigned("J"),))
    (entry,) = explain(problem, plan)
    assert entry.cure is not None
    said = {key: entry.cure[key] for key in wanted}
    assert said == wanted
    assert entry.note == ""
    changed, kept = cured(problem, plan, job, entry.cure)
    outcomes = [tried for _, _, tried in routes_with(changed, kept, "J", "T")]
    assert outcomes
    assert all(check(changed, tried).valid for tried in outcomes)
    assert not routes_with(problem, plan, "J", "T")


def test_dropping_a_lesser_job_is_the_last_cure_and_names_it() -> None:
    problem = line_problem(Job("J", 1, 2400))
    lesser = Job("K", 1, 2400, drop_penalty=1)
    problem = replace(problem, jobs=(*problem.jobs, lesser))
    (found,) = (tried for _, _, tried in routes_with(problem, Plan(), "K", "T"))
    (entry,) = explain(problem, plan_of(problem, found.routes))
    assert entry.cure is not None
    assert entry.cure["change"] == "overtime"
    shorter = replace(problem.technicians[0], shifts=(Shift("s", 0, 3600, 0, 0),))
    hours = tuple(replace(own, service_s=16_000) for own in problem.jobs)
    longer = replace(shorter, shifts=(Shift("s", 0, 17_200, 0, 0),))
    problem = replace(problem, technicians=(longer,), jobs=hours)
    (found,) = (tried for _, _, tried in routes_with(problem, Plan(), "K", "T"))
    (entry,) = explain(problem, plan_of(problem, found.routes))
    assert entry.cure is not None
    assert (entry.cure["change"], entry.cure["job"]) == ("drop", "K")


def test_what_was_not_tried_says_so() -> None:
    problem = line_problem(Job("J", 1, 2401))
    plan = Plan(unassigned=(Unassigned("J"),))
    for tried in (explain(problem, plan, limit=0), explain(problem, plan, seconds=0.0)):
        (entry,) = tried
        assert entry.reasons
        assert entry.cure is None
        assert entry.blocking == ()
        assert entry.note.startswith("not tried")


def test_an_unknown_job_or_technician_is_one_clear_error() -> None:
    problem = line_problem(Job("J", 1, 60))
    with pytest.raises(ValueError, match="no job 'X'"):
        why(problem, Plan(), "X", "T")
    with pytest.raises(ValueError, match="no technician 'X'"):
        why(problem, Plan(), "J", "X")
