"""A crew is offered: people who can stand at the door in the same second."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.days import day_problem, shape
from optimizer import Job, Plan, Problem, check
from optimizer.desk import Desk
from optimizer.problem import Break, Pin
from optimizer.timetable import timetable
from tests.optimizer.desk.test_offers import goals_of
from tests.optimizer.search.small import HOUR, day, person, planned, shift, steps_of, visit

HEAVY = Job("heavy", 2, service_s=HOUR, crew=2, job_class="urgent", drop_penalty=None)


def _team(*jobs: Job, people: str = "ABC") -> Problem:
    return day(jobs, [person(name) for name in people], class_weights={"urgent": 1000, "normal": 1})


def _desk(problem: Problem, now_s: int = 0) -> Desk:
    return Desk(problem, planned(problem), now_s=now_s)


def test_every_offer_has_two_people_who_start_together_and_does_what_it_says() -> None:
    problem = _team(*(visit(f"J{k}", k % 7, time_windows=((k * HOUR, (k + 2) * HOUR),))
                      for k in range(6)))  # fmt: skip
    for number in range(3):
        desk = _desk(problem, now_s=600)
        before = goals_of(desk.problem, desk.plan)
        offers = desk.offers(HEAVY, 3)
        assert len(offers) == 3
        assert len({offer.people for offer in offers}) == 3
        offer = offers[number]
        assert {seat.start_s for seat in offer.crew} == {offer.start_s}
        assert offer.arrival_s == max(seat.arrival_s for seat in offer.crew)
        plan = desk.commit(offer)
        after = goals_of(desk.problem, plan)
        assert {name: after[name] - before[name] for name in after} == dict(offer.effect)
        assert {r.technician for r in plan.routes if "heavy" in r.jobs} == offer.people


def test_the_best_crew_comes_first() -> None:
    """Whoever is near already: A and B pass by place 2, C would have to come from home."""
    near = [visit(f"{who}2", 2, allowed=frozenset({who})) for who in "AB"]
    best, second, *_ = _desk(_team(*near)).offers(HEAVY, 3)
    assert best.people == {"A", "B"}
    assert best.effect["travel"] == 0 < second.effect["travel"]


def test_a_crew_waits_for_whoever_takes_a_break_first() -> None:
    tea = Break("tea", ((0, 1500),), HOUR)
    people = [person("A"), person("B", shift(breaks=(tea,)))]
    problem = day([], people, class_weights={"urgent": 1, "normal": 1})
    desk = Desk(problem, Plan(), now_s=0)
    (offer,) = desk.offers(replace(HEAVY, due=HOUR), 3)
    plan = desk.commit(offer)
    assert check(desk.problem, plan).valid
    assert offer.start_s == HOUR + 1200


def test_one_of_a_crew_is_the_one_that_is_pinned() -> None:
    desk = _desk(_team(people="ABCD"))
    offers = desk.offers(replace(HEAVY, pinned=Pin(technician="D")), 3)
    assert offers and all("D" in offer.people for offer in offers)


def test_nobody_is_a_crew_alone() -> None:
    assert _desk(_team(people="A")).offers(HEAVY, 3) == ()


def test_a_crew_that_is_called_off_leaves_all_its_routes() -> None:
    desk = _desk(_team(visit("J", 3)))
    desk.commit(desk.offers(HEAVY)[0])
    plan = desk.remove("heavy")
    assert check(desk.problem, plan).valid
    assert all("heavy" not in route.jobs for route in plan.routes)


def test_jobs_that_start_together_are_offered_together_by_people_who_can() -> None:
    left = visit("left", 1, together=("right",), skills={"gas": 1}, due=HOUR)
    right = visit("right", 3, skills={"power": 1}, time_windows=((1800, HOUR),))
    people = [person("A", skills={"gas": 1, "power": 1}), person("B", skills={"gas": 1}),
              person("C", skills={"power": 1}), person("D")]  # fmt: skip
    problem = day([left, right], people)
    for asked in (left, right):
        desk = Desk(problem, Plan(), now_s=0)
        before = goals_of(desk.problem, desk.plan)
        offers = desk.offers(asked, 3)
        assert {"B", "C"} in [offer.people for offer in offers]
        for number, offer in enumerate(offers):
            assert offer.technician == offer.crew[0].technician
            assert {seat.job for seat in offer.crew} == {"left", "right"}
            assert offer.crew[0].job == asked.id and offer.moves == ()
            fresh = Desk(problem, Plan(), now_s=0)
            plan = fresh.commit(fresh.offers(asked, 3)[number])
            after = goals_of(fresh.problem, plan)
            assert {name: after[name] - before[name] for name in after} == dict(offer.effect)
            assert {step.start for name in ("left", "right") for _, step in steps_of(plan, name)} \
                == {offer.start_s}  # fmt: skip


def test_a_new_job_joins_one_that_is_planned_in_its_second_with_somebody_else() -> None:
    problem = _team(visit("there", 3, time_windows=((HOUR, 2 * HOUR),)), visit("near", 1))
    desk = _desk(problem)
    (step,) = [step for route in desk.plan.routes for step in route.steps if step.job == "there"]
    (who,) = [route.technician for route in desk.plan.routes if "there" in route.jobs]
    new = visit("with it", 4, together=("there",))
    offers = desk.offers(new)
    assert offers and all(offer.start_s == step.start for offer in offers)
    assert all(who not in offer.people for offer in offers)
    plan = desk.commit(offers[0])
    assert check(desk.problem, plan).valid


def test_a_job_whose_predecessor_is_on_no_route_is_refused_with_what_to_do() -> None:
    problem = _team(visit("first", 1), visit("then", 2, after=("first",)))
    desk = Desk(problem, Plan(), now_s=0)
    with pytest.raises(ValueError, match="plan first first"):
        desk.offers(problem.jobs[1])
    desk.commit(desk.offers(problem.jobs[0])[0])
    assert desk.offers(desk.jobs["then"])


def test_visits_without_a_promise_make_room_for_an_urgent_crew() -> None:
    """A and B work far away all day; C, who could stand in for one of each, is at home."""
    long = [
        visit(f"{who}{k}", 5, service_s=3 * HOUR, allowed=frozenset({who, "C"}))
        for who in "AB"
        for k in (1, 2)
    ]
    both = [person(name, skills={"two": 1}) for name in "AB"]
    problem = day(long, [*both, person("C")], class_weights={"urgent": 1000})
    urgent = replace(HEAVY, location=5, due=2 * HOUR, skills={"two": 1})
    routes = [timetable(problem, who, who.shifts[0], jobs).route
              for who, jobs in zip(both, (long[:2], long[2:]), strict=True)]  # fmt: skip
    plan = Plan(tuple(route for route in routes if route is not None))
    assert Desk(problem, plan, now_s=0).offers(urgent, eject=0) == ()
    desk = Desk(problem, plan, now_s=0)
    before = goals_of(desk.problem, desk.plan)
    (offer, *_) = desk.offers(urgent)
    assert 0 < len(offer.ejections) <= 2
    assert offer.effect["late"] == 0
    plan = desk.commit(offer)
    after = goals_of(desk.problem, plan)
    assert {name: after[name] - before[name] for name in after} == dict(offer.effect)


def test_what_a_new_job_comes_after_keeps_its_second() -> None:
    """The first visit would move later if the new one went before it on the same route."""
    first = visit("first", 3)
    problem = _team(first, visit("near", 1), people="A")
    desk = _desk(problem)
    new = visit("then", 1, after=("first",), min_gap_s=300)
    offers = desk.offers(new)
    assert offers
    for offer in offers:
        fresh = _desk(problem)
        (same,) = [o for o in fresh.offers(new) if o.technician == offer.technician]
        plan = fresh.commit(same)
        assert check(fresh.problem, plan).valid


def test_who_asks_for_fewer_crews_gets_the_first_of_those_that_more_would_bring() -> None:
    """Or an offer could not be found again when it is taken."""
    for seed in range(12):
        form = shape("clustered", "30x8x1d", seed=seed)
        problem = day_problem(form)
        loose = tuple(replace(job, time_windows=()) for job in problem.jobs)
        desk = _desk(replace(problem, jobs=loose[:-1]))
        job = replace(loose[-1], id="NEW", crew=2)
        many = [offer.people for offer in desk.offers(job, 9)]
        for k in range(1, 9):
            assert [offer.people for offer in desk.offers(job, k)] == many[:k], (seed, k)
