"""Overruns, absences and new places."""

from __future__ import annotations

import pytest
from hypothesis import given

from optimizer import Job, check
from optimizer.desk import Desk, NoRepair, StaleOffer
from tests.optimizer.desk.test_offers import desk_of, goals_of, new_job, relaxed, seeds


@relaxed
@given(seeds)
def test_nothing_to_come_stays_with_a_technician_who_is_out(seed: int) -> None:
    desk, rng = desk_of(seed)
    who = rng.choice(desk.problem.technicians).id
    before, goals = desk.plan, goals_of(desk.problem, desk.plan)
    begun = {
        (route.technician, step.job): step
        for route in before.routes
        for step in route.steps
        if step.job is not None and (step.start or 0) < desk.now_s
    }
    try:
        report = desk.technician_out(who, iterations=30)
    except NoRepair:
        assert desk.plan == before
        return
    now = goals_of(desk.problem, desk.plan)
    if desk.problem.published is None:
        assert {n: round(now[n] - goals[n], 6) for n in goals} == {
            n: round(value, 6) for n, value in report.effect.items()
        }
    settled = {job.id for stand in desk.stands for job in stand.settled}
    for route in desk.plan.routes:
        for step in route.steps:
            if step.job is not None and route.technician == who:
                assert step.job in settled
            if (route.technician, step.job) in begun:
                assert step == begun[route.technician, step.job]
    assert desk.offers(Job("x", 0, allowed=frozenset({who}))) == ()


@relaxed
@given(seeds)
def test_an_overrun_is_reported_and_its_repair_breaks_no_rule(seed: int) -> None:
    desk, rng = desk_of(seed)
    jobs = [job for r, stand in enumerate(desk.stands) if not stand.closed
            for job in (*(j.id for j in stand.settled[-1:]), *desk.tails[r])
            if desk.jobs[job].crew == 1]  # fmt: skip
    if not jobs:
        return
    version, plan = desk.version, desk.plan
    goals = goals_of(desk.problem, plan)
    report = desk.delay(rng.choice(jobs), rng.choice((0, 600, 5400)), iterations=30)
    assert (desk.version, desk.plan) == (version, plan)
    try:
        report.apply()
    except NoRepair:
        assert (desk.version, desk.plan) == (version, plan)
        return
    now = goals_of(desk.problem, desk.plan)
    assert {n: round(now[n] - goals[n], 6) for n in goals} == {
        n: round(value, 6) for n, value in report.repair_effect.items()
    }
    with pytest.raises(StaleOffer):
        report.apply()


@relaxed
@given(seeds)
def test_a_job_at_a_new_place_is_inserted_like_any_other(seed: int) -> None:
    desk, rng = desk_of(seed)
    count = len(desk.problem.locations)
    there = [rng.randint(30, 900) for _ in range(count)]
    index = desk.add_location(there, there, there, there, name="new place")
    assert index == count
    job = new_job(desk.problem, rng)
    job = Job("new", index, job.service_s, drop_penalty=5)
    offers = desk.offers(job)
    if offers:
        desk.commit(offers[0])
        assert check(desk.problem, desk.plan).violations == ()
        assert desk.problem.locations[index].id == "new place"


def test_a_place_needs_as_many_drives_as_there_are_places() -> None:
    desk, _ = desk_of(3)
    with pytest.raises(ValueError, match="durations_to_s needs"):
        desk.add_location([1], [1])


def test_an_unknown_technician_cannot_be_out() -> None:
    desk, _ = desk_of(3)
    with pytest.raises(ValueError, match="no technician 'nobody'"):
        desk.technician_out("nobody", 0)
    assert isinstance(desk, Desk)


def test_a_sick_technician_is_hardly_ever_refused() -> None:
    refused = 0
    for seed in range(70):
        desk, rng = desk_of(seed)
        try:
            desk.technician_out(rng.choice(desk.problem.technicians).id, iterations=0)
        except NoRepair:
            refused += 1
        assert check(desk.problem, desk.plan).violations == ()
    assert refused <= 1  # half of a crew is out while the other half is under way


def test_a_visit_leaves_a_route_that_restocks_and_the_others_keep_their_time() -> None:
    removed = 0
    for seed in range(80):
        desk, _ = desk_of(seed)
        depot = [r for r, stand in enumerate(desk.stands) if stand.closed]
        tied = {name for job in desk.problem.jobs for name in (*job.after, *job.together)}
        names = [
            name
            for r in depot
            for name in desk.tails[r]
            if name not in desk.starts and name not in tied
        ]
        if not names:
            continue
        before = {s.job: s.start for route in desk.plan.routes for s in route.steps if s.job}
        try:
            plan = desk.remove(names[0])
        except NoRepair:
            continue
        removed += 1
        assert check(desk.problem, plan).violations == ()
        after = {s.job: s.start for route in plan.routes for s in route.steps if s.job}
        assert after.keys() == before.keys() - {names[0]}
        assert all((after[name] or 0) >= (before[name] or 0) for name in after)
    assert removed > 5
