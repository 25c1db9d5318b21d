"""A crew is offered: people who can stand at the door in the same second."""

from __future__ import annotations

from dataclasses import replace

import pytest

from optimizer import Job, Plan, Problem, check
from optimizer.desk import Desk
from optimizer.problem import Break, Pin
from tests.optimizer.desk.test_offers import goals_of
from tests.optimizer.search.small import HOUR, day, person, planned, shift, visit

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


def test_a_job_that_starts_together_with_another_is_refused_from_both_sides() -> None:
    pair = [visit("left", 1, together=("right",)), visit("right", 1)]
    problem = _team(*pair)
    desk = Desk(problem, Plan(unassigned=planned(_team()).unassigned), now_s=0)
    for job in pair:
        with pytest.raises(ValueError, match="together"):
            desk.offers(job)


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
