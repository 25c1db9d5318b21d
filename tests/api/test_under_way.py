from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import numpy as np

from api.services.driven import as_driven
from api.services.live_lookups import offers_of
from api.services.live_plans import Begun, Held
from api.services.under_way import (
    BegunVisit,
    HeldQuestion,
    Whereabout,
    hold,
    without_lost_breaks,
)
from optimizer import (
    Break,
    Job,
    Location,
    Pin,
    Plan,
    Problem,
    Route,
    Shift,
    Step,
    Stop,
    Technician,
    Travel,
    check,
    solve,
)
from optimizer.desk import Desk

HOUR = 3600
LEG = 600


def firm(jobs: list[Job], heads: int = 1, breaks: tuple[Break, ...] = ()) -> Problem:
    """An outlet and five doors, ten minutes from each other; everybody works from 0 to 8 h."""
    durations = np.full((6, 6), LEG, np.int32)
    np.fill_diagonal(durations, 0)
    return Problem(
        locations=tuple(Location(str(n)) for n in range(6)),
        travel={"car": Travel(durations)},
        technicians=tuple(
            Technician(f"T{n}", (Shift("day", 0, 8 * HOUR, 0, 0, breaks=breaks),))
            for n in range(heads)
        ),
        jobs=tuple(jobs),
    )


def answered(held: HeldQuestion) -> Plan:
    """The search's answer to the held question, told as visits, which break no rule."""
    found = solve(held.problem, Stop(iterations=300), explained=False)
    told = held.told(found)
    assert check(held.posed, told).violations == ()
    return told


def times(plan: Plan) -> dict[tuple[str, str], tuple[int, int, int]]:
    return {
        (step.job, route.technician): (step.arrival or 0, step.start or 0, step.end or 0)
        for route in plan.routes
        for step in route.steps
        if step.job is not None
    }


def pinned(visit: BegunVisit, location: int, **more: object) -> Job:
    pin = Pin(visit.technician, visit.shift, visit.start)
    return Job(visit.job, location, visit.end - visit.start, pinned=pin, **more)  # type: ignore[arg-type]


WAITING = BegunVisit("window", "T0", "day", 2 * HOUR, 4 * HOUR, 5 * HOUR)


def test_nothing_is_put_into_the_wait_of_somebody_who_is_at_the_door() -> None:
    other = Job("other", 2, 1800, release=2 * HOUR, due=3 * HOUR)
    problem = firm([pinned(WAITING, 1), other])
    tempted = solve(problem, Stop(iterations=300), explained=False)
    assert times(tempted)["other", "T0"][2] <= 4 * HOUR, "the pin alone leaves the gap open"

    held = hold(problem, [WAITING], [], 2 * HOUR)
    told = answered(held)
    assert times(told) == {
        ("window", "T0"): (2 * HOUR, 4 * HOUR, 5 * HOUR),
        ("other", "T0"): (5 * HOUR + LEG, 5 * HOUR + LEG, 5 * HOUR + LEG + 1800),
    }


def test_of_a_crew_one_waits_and_the_other_works_until_then() -> None:
    crew = pinned(WAITING, 1, crew=2, due=3 * HOUR)
    other = Job("other", 2, 1800, release=2 * HOUR, due=3 * HOUR)
    problem = firm([crew, other], heads=2)
    published = Plan(
        tuple(
            Route(
                who, "day", 0, 8 * HOUR,
                (Step("job", 1, arrival, 4 * HOUR, 5 * HOUR, "window"),),
            )
            for who, arrival in (("T0", 2 * HOUR), ("T1", 4 * HOUR))
        )
    )  # fmt: skip
    problem = replace(problem, published=published)
    told = answered(hold(problem, [WAITING], [], 2 * HOUR))
    found = times(told)
    assert found["window", "T0"] == (2 * HOUR, 4 * HOUR, 5 * HOUR)
    assert found["window", "T1"][1:] == (4 * HOUR, 5 * HOUR)
    assert found["other", "T1"][0] == 2 * HOUR + LEG
    assert check(problem, told).goals["changes"] == 0


def test_no_number_of_urgent_jobs_is_worth_a_visit_that_has_happened() -> None:
    visit = BegunVisit("done", "T0", "day", HOUR, 2 * HOUR + 900, 3 * HOUR)
    urgent = [Job(f"u{n}", 2 + n, 2 * HOUR, release=2 * HOUR) for n in range(3)]
    problem = firm([pinned(visit, 1, drop_penalty=None), *urgent])
    told = answered(hold(problem, [visit], [], 2 * HOUR))
    assert times(told)["done", "T0"] == (HOUR, 2 * HOUR + 900, 3 * HOUR)
    assert len(told.unassigned) == 1


def test_a_crew_that_has_begun_stays_together() -> None:
    halves = [WAITING, BegunVisit("window", "T2", "day", 3 * HOUR, 4 * HOUR, 5 * HOUR)]
    problem = firm([pinned(WAITING, 1, crew=2)], heads=3)
    told = answered(hold(problem, halves, [], 3 * HOUR))
    assert set(times(told)) == {("window", "T0"), ("window", "T2")}


def test_who_runs_late_is_expected_elsewhere_only_when_free() -> None:
    visit = BegunVisit("late", "T0", "day", HOUR, HOUR, 2 * HOUR)
    problem = firm([pinned(visit, 1), Job("next", 2, 1800, release=2 * HOUR)])
    at = Whereabout("T0", "day", 1, 3 * HOUR, visit)
    found = times(answered(hold(problem, [visit], [at], 2 * HOUR)))
    assert found["late", "T0"] == (HOUR, HOUR, 2 * HOUR)
    assert found["next", "T0"][0] == 3 * HOUR + LEG


def test_who_found_nobody_at_home_starts_from_that_doorstep() -> None:
    durations = np.full((6, 6), LEG, np.int32)
    durations[3, 2] = HOUR
    problem = firm([Job("next", 2, 1800, release=2 * HOUR)])
    problem = replace(problem, travel={"car": Travel(durations)})
    at = Whereabout("T0", "day", 3, 2 * HOUR, None)
    told = answered(hold(problem, [], [at], 2 * HOUR))
    assert times(told)["next", "T0"][0] == 3 * HOUR
    assert told.unassigned == ()


def test_a_break_on_a_doorstep_is_over_in_time_for_the_drive_from_the_door_before() -> None:
    durations = np.full((6, 6), LEG, np.int32)
    durations[1, 2] = 1000
    lunch = Break("lunch", ((2 * HOUR, 3 * HOUR),), 1800)
    visit = BegunVisit("done", "T0", "day", HOUR, HOUR, HOUR + 1800)
    problem = firm([pinned(visit, 1), Job("next", 2, 1800, release=2 * HOUR)], breaks=(lunch,))
    problem = replace(problem, travel={"car": Travel(durations)})
    at = Whereabout("T0", "day", 3, 2 * HOUR + 900, None)
    told = answered(hold(problem, [visit], [at], 2 * HOUR))
    assert times(told)["next", "T0"][0] == 2 * HOUR + 900 + 1800 + LEG


def test_who_has_not_left_leaves_no_earlier_than_now_and_takes_the_break_in_time() -> None:
    lunch = Break("lunch", ((3 * HOUR, 4 * HOUR),), 1800)
    job = Job("next", 2, 1800, release=2 * HOUR)
    told = answered(hold(firm([job], breaks=(lunch,)), [], [], 2 * HOUR))
    assert times(told)["next", "T0"][0] == 2 * HOUR + LEG
    later = replace(job, release=5 * HOUR)
    told = answered(hold(firm([later], breaks=(lunch,)), [], [], 5 * HOUR))
    assert times(told)["next", "T0"][0] >= 5 * HOUR


def test_a_day_that_nobody_has_begun_is_asked_as_it_was_posed() -> None:
    problem = firm([Job("next", 2, 1800)])
    held = hold(problem, [], [], 0)
    assert held.problem is problem
    found = solve(problem, Stop(iterations=50), explained=False)
    assert held.told(found) is found


def test_a_lunch_after_a_visit_that_came_to_nothing_still_fits_before_the_next_door() -> None:
    durations = np.full((6, 6), LEG, np.int32)
    durations[1, 2] = LEG + 7  # the door where nobody opened was nearer
    lunch = Break("lunch", ((2 * HOUR, 3 * HOUR),), 1800)
    done = BegunVisit("done", "T0", "day", HOUR, HOUR, HOUR + 1800, LEG)
    at = 2 * HOUR + 1800 + LEG
    there = BegunVisit("there", "T0", "day", at, at, at + HOUR, LEG)
    problem = firm([pinned(done, 1), pinned(there, 2)], breaks=(lunch,))
    problem = as_driven(replace(problem, travel={"car": Travel(durations)}), [done, there])
    told = answered(hold(problem, [done, there], [], at + 60))
    assert set(times(told)) == {("done", "T0"), ("there", "T0")}


def test_a_break_that_a_wait_at_the_door_covers_is_no_reason_not_to_plan() -> None:
    covered = Break("lunch", ((2 * HOUR, 3 * HOUR),), 1800)
    ahead = Break("tea", ((6 * HOUR, 7 * HOUR),), 600)
    problem = firm([pinned(WAITING, 1)], breaks=(covered, ahead))
    problem = without_lost_breaks(problem, [WAITING])
    assert problem.technicians[0].shifts[0].breaks == (ahead,)
    told = answered(hold(problem, [WAITING], [], 2 * HOUR))
    assert set(times(told)) == {("window", "T0")}


def test_a_break_that_was_taken_before_the_drive_stays() -> None:
    lunch = Break("lunch", ((HOUR, 2 * HOUR),), 1800)
    problem = firm([pinned(WAITING, 1)], breaks=(lunch,))
    driven = [replace(WAITING, drive=LEG)]
    assert without_lost_breaks(problem, driven) is problem


def test_a_crew_of_which_nobody_can_come_any_more_is_left_out_whole() -> None:
    crew = pinned(WAITING, 1, crew=2, excluded=frozenset({"T1"}))
    told = held_told(hold(firm([crew], heads=2), [WAITING], [], 2 * HOUR))
    assert [entry.job for entry in told.unassigned] == ["window"]
    assert told.routes == ()


def held_told(held: HeldQuestion) -> Plan:
    return held.told(solve(held.problem, Stop(iterations=50)))


def test_nobody_is_offered_who_would_leave_a_door_where_he_or_she_waits() -> None:
    call = Job("call", 2, 1800, release=2 * HOUR, due=3 * HOUR)
    problem = firm([pinned(WAITING, 1)], heads=2)
    plan = solve(problem, Stop(iterations=50), explained=False)
    desk = Desk(problem, plan, now_s=2 * HOUR)
    tempted = {person for offer in desk.offers(call, 3) for person in offer.people}
    assert "T0" in tempted, "the pin alone leaves the gap open"
    at = datetime(2026, 11, 26, tzinfo=UTC)
    begun = frozenset({Begun("window", "T0", "day", 4 * HOUR)})
    held = Held(uuid4(), 1, at, at + timedelta(hours=2), begun, desk, 6)
    assert [offer.people for offer in offers_of(held, call, 3)] == [frozenset({"T1"})]
    later = replace(call, release=5 * HOUR, due=7 * HOUR)
    people = {person for offer in offers_of(held, later, 3) for person in offer.people}
    assert people == {"T0", "T1"}
