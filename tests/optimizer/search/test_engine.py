"""The search as a whole: valid plans, seeds, threads, progress, first plans, the frozen line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from optimizer.check import check
from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.search import engine
from optimizer.search.engine import Settings, solve_with_search
from optimizer.solve import Progress, Stop
from tests.optimizer.search.small import (
    HOUR,
    STEP_S,
    day,
    moved,
    person,
    planned,
    shift,
    stop_of,
    visit,
    who_serves,
)
from tests.optimizer.strategies import solved_problem


def random_problem(seed: int) -> Problem | None:
    """A random problem; None where published routes visit the depot, which the search plans not."""
    problem, _ = solved_problem(seed, 1 + seed % 5, 1 + seed % 14)
    routes = problem.published.routes if problem.published else ()
    return None if any(s.type == "restock" for r in routes for s in r.steps) else problem


@pytest.mark.parametrize("threads", [1, 2])
def test_plans_of_random_problems_break_no_rule(threads: int) -> None:
    tried = 0
    for seed in range(500):
        problem = random_problem(seed)
        if problem is None:
            continue
        plan = solve_with_search(problem, Stop(iterations=80), seed=seed, threads=threads)
        report = check(problem, plan)
        assert report.violations == (), seed
        assert plan.goals == report.goals, seed
        tried += 1
    assert tried > 400


def test_the_figures_the_search_steers_by_are_those_of_the_plan() -> None:
    """Without breaks, links and published stops, where the timetable has nothing left to choose."""
    tried = 0
    for seed in range(200):
        made, _ = solved_problem(seed, 1 + seed % 3, 1 + seed % 9)
        problem = replace(
            made,
            jobs=tuple(
                replace(job, crew=1, together=(), after=(), min_gap_s=0, max_gap_s=None)
                for job in made.jobs
            ),
            technicians=tuple(
                replace(who, shifts=tuple(replace(s, breaks=()) for s in who.shifts))
                for who in made.technicians
            ),
            published=None,
            frozen_until=None,
            restock=None,
        )
        if any(travel.distances_m is None for travel in problem.travel.values()):
            continue
        seen: list[Progress] = []
        plan = solve_with_search(problem, Stop(iterations=60), seed=seed, watch=seen.append)
        for name, value in seen[-1].goals.items():
            assert plan.goals[name] == pytest.approx(value, abs=1e-6), (seed, name)
        tried += 1
    assert tried > 80


def shape(plan: Plan) -> tuple[object, ...]:
    return plan.routes, plan.unassigned, dict(plan.goals)


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_the_same_seed_and_iterations_give_the_same_plan(seed: int) -> None:
    problem, _ = solved_problem(seed, 4, 14)
    stop = Stop(iterations=300)
    first = solve_with_search(problem, stop, seed=seed)
    assert shape(first) == shape(solve_with_search(problem, stop, seed=seed))
    assert first.solver is not None and first.solver.iterations == 300


def many() -> Problem:
    jobs = [visit(f"J{k}", 1 + k % 6, due=(k % 8) * HOUR) for k in range(60)]
    return day(jobs, [person(f"P{k}") for k in range(6)])


def test_two_threads_give_a_valid_plan() -> None:
    plan = planned(many(), iterations=400, threads=2)
    assert plan.solver is not None and plan.solver.threads == 2
    assert len(who_serves(plan)) == 60


@pytest.mark.parametrize("threads", [1, 2])
def test_parts_side_by_side_give_a_valid_plan(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "WHOLE", 10)
    parts = engine.Settings(part_tasks=20, epochs=5)
    plan = planned(many(), iterations=400, threads=threads, settings=parts)
    assert len(who_serves(plan)) == 60


def test_watch_sees_iterations_rise_and_goals_fall() -> None:
    seen: list[Progress] = []
    plan = planned(many(), iterations=400, watch=seen.append)
    counts = [progress.iterations for progress in seen]
    assert counts[0] == 0 and counts[-1] == 400 and counts == sorted(counts)
    goals = [tuple(progress.goals.values()) for progress in seen]
    assert goals == sorted(goals, reverse=True)
    assert seen[-1].share == 1.0
    assert {name: plan.goals[name] for name in seen[-1].goals} == seen[-1].goals


@pytest.mark.parametrize("calls", [1, 3])
def test_watch_cancels_by_false_and_the_best_plan_is_kept(calls: int) -> None:
    seen: list[Progress] = []

    def watch(progress: Progress) -> bool:
        seen.append(progress)
        return len(seen) < calls

    plan = planned(many(), iterations=100_000, watch=watch)
    assert len(seen) == calls
    assert plan.solver is not None and plan.solver.iterations < 100_000
    assert len(who_serves(plan)) > 0


def test_zero_jobs_zero_technicians_and_one_job_are_problems_too() -> None:
    assert planned(day([])).routes == ()
    nobody = planned(day([visit("J")], []))
    assert [left.job for left in nobody.unassigned] == ["J"]
    assert planned(day([], [])).routes == ()
    assert who_serves(planned(day([visit("J")]))) == {"J": "A"}
    assert who_serves(planned(day([visit("J")], [person(day=())]))) == {}


def test_a_start_plan_is_used() -> None:
    problem = many()
    good = planned(problem, iterations=2000)
    seen: list[Progress] = []
    planned(problem, iterations=1, start=good, watch=seen.append)
    first = tuple(seen[0].goals[name] for name in seen[0].goals)
    assert first <= tuple(good.goals[name] for name in seen[0].goals)


def test_a_start_plan_of_another_problem_is_repaired() -> None:
    good = planned(many(), iterations=50)
    fewer = replace(many(), technicians=many().technicians[:2], jobs=many().jobs[10:])
    assert set(who_serves(planned(fewer, start=good)).values()) <= {"P0", "P1"}


def test_a_mandatory_job_comes_before_every_goal() -> None:
    jobs = [visit("must", 6, drop_penalty=None), visit("may", 1, drop_penalty=10**6)]
    plan = planned(day(jobs, [person(day=shift(max_jobs=1))], "dropped"))
    assert who_serves(plan) == {"must": "A"}
    both = planned(day(jobs, [person(day=shift(max_jobs=2))], "dropped"))
    assert both.goals["unserved"] == 0 and len(who_serves(both)) == 2


@pytest.mark.parametrize(("goals", "used"), [("vehicles travel", 1), ("travel vehicles", 2)])
def test_vehicles_count_used_routes(goals: str, used: int) -> None:
    jobs = [visit("J", 1, drop_penalty=None), visit("K", 5, drop_penalty=None)]
    people = [person("A"), person("B", shift(start_location=6, end_location=6))]
    assert planned(day(jobs, people, goals)).goals["vehicles"] == used


@pytest.mark.parametrize(("goals", "waiting"), [("waiting travel", 0), ("travel waiting", 1800)])
def test_waiting_is_a_goal_of_its_own(goals: str, waiting: int) -> None:
    # J has to start at once, K opens half an hour after J's end at the same place
    first, later = STEP_S, STEP_S + HOUR
    jobs = [
        visit("J", 1, drop_penalty=None, time_windows=((first, first),)),
        visit("K", 1, drop_penalty=None, time_windows=((later, later),)),
    ]
    plan = planned(day(jobs, [person("A"), person("B")], goals))
    assert plan.goals["waiting"] == waiting


@pytest.mark.parametrize(("goals", "owner"), [("distance", "B"), ("travel", "A"), ("cost", "B")])
def test_distance_and_cost_follow_metres_and_rates(goals: str, owner: str) -> None:
    car = day([]).travel["car"]
    assert car.distances_m is not None
    slow = replace(car, durations_s=car.durations_s * 2, distances_m=car.distances_m // 2)
    people = [person("A", cost_per_km_fen=300), person("B", profile="slow", cost_per_km_fen=100)]
    job = visit("J", 1, drop_penalty=None)
    problem = day([job], people, goals, travel={"car": car, "slow": slow})
    assert who_serves(planned(problem)) == {"J": owner}


@pytest.mark.parametrize(("goals", "changes"), [("changes travel", 0), ("travel changes", 2)])
def test_the_published_plan_is_kept_when_changes_count_first(goals: str, changes: int) -> None:
    far = person("far", shift(start_location=6, end_location=6))
    job = visit("J", 1, drop_penalty=None)
    shown = planned(day([replace(job, allowed=frozenset({"far"}))], [person("near"), far]))
    problem = day([job], [person("near"), far], goals, published=shown)
    assert planned(problem).goals["changes"] == changes


@pytest.mark.parametrize(("shift_s", "changes"), [(900, 0), (901, 1)])
def test_a_start_may_move_by_the_tolerance(shift_s: int, changes: int) -> None:
    fixed = visit("J", 1, time_windows=((HOUR, HOUR),))
    shown = moved(planned(day([fixed])), "J", HOUR + shift_s)
    assert planned(day([fixed], published=shown)).goals["changes"] == changes


@pytest.mark.parametrize(("line", "kept"), [(None, False), (HOUR, False), (HOUR + 1, True)])
def test_what_starts_before_the_frozen_line_does_not_move(line: int | None, kept: bool) -> None:
    far = person("far", shift(start_location=6, end_location=6))
    job = visit("J", 1)
    pinned = replace(job, allowed=frozenset({"far"}), time_windows=((HOUR, HOUR),))
    shown = planned(day([pinned], [person("near"), far]))
    problem = day([job], [person("near"), far], "travel", published=shown, frozen_until=line)
    problem = replace(problem, jobs=(replace(job, drop_penalty=None),))
    plan = planned(problem)
    assert who_serves(plan)["J"] == ("far" if kept else "near")
    if kept:
        assert stop_of(plan, "J").start == HOUR


def test_nothing_new_starts_before_the_frozen_line() -> None:
    plan = planned(day([visit("J", 1)], frozen_until=3 * HOUR))
    assert stop_of(plan, "J").start == 3 * HOUR


@pytest.mark.parametrize(("hot", "cold"), [(1.0, 2.0), (1.0, 0.0), (-1.0, -2.0), (0.0, 0.0)])
def test_temperatures_that_do_not_fall_are_an_error(hot: float, cold: float) -> None:
    with pytest.raises(ValueError, match="temperatures must fall"):
        Settings(hot=hot, cold=cold)


def test_a_stop_without_an_end_is_an_error() -> None:
    with pytest.raises(ValueError, match="seconds, iterations or both"):
        Stop()
    with pytest.raises(ValueError, match="positive and finite"):
        Stop(seconds=0)
    with pytest.raises(ValueError, match="must not be negative"):
        Stop(iterations=-1)


def test_no_iterations_means_the_first_plan_at_once() -> None:
    plan = solve_with_search(day([visit("J", 1)]), Stop(iterations=0))
    assert plan.solver is not None
    assert plan.solver.iterations == 0
    assert [route.jobs for route in plan.routes] == [("J",)]
