"""Adapters of other solvers: what they answer is a plan that our checker accepts."""

from __future__ import annotations

import dataclasses
from functools import partial

import pytest

from bench.contest import OURS, Entry, Instance, Outcome, run_in_process, solve_entry
from bench.days import day_problem, shape
from bench.peers import PEERS, PeerMissing, peer
from bench.peers.plain import Answer, Inexpressible, flatten, plan_of
from bench.report import middle
from optimizer import Problem, check
from optimizer.plan import SolverInfo

TINY = Instance("tiny", partial(day_problem, shape("clustered", "25x5x1d")))
NOBODY = SolverInfo("nobody")


def needs(name: str) -> None:
    try:
        peer(name)
    except PeerMissing as reason:
        pytest.skip(str(reason))


@pytest.mark.parametrize("name", [name for name in PEERS if name != "prototype"])
def test_a_peer_gives_a_plan_without_violations(name: str) -> None:
    needs(name)
    outcome = solve_entry(Entry(name, TINY, 60.0, 1, iterations=20))
    assert outcome.violations == 0, outcome.first_violation
    assert outcome.unassigned < 25
    assert outcome.goals["travel"] > 0


def test_our_engine_enters_by_the_same_door() -> None:
    outcome = solve_entry(Entry(OURS, TINY, 60.0, 1, trace=True, iterations=200))
    assert outcome.violations == 0, outcome.first_violation
    assert outcome.iterations > 0


def test_a_solver_in_its_own_process_gives_the_same_outcome() -> None:
    needs("ortools")
    unreal = dataclasses.replace(TINY, name="own process")
    outcome = run_in_process(Entry("ortools", unreal, 60.0, 1, iterations=20))
    assert outcome.error == ""
    assert (outcome.instance, outcome.violations) == ("own process", 0)
    assert outcome.peak_mb > 10


def test_what_a_peer_cannot_express_is_said_and_not_solved() -> None:
    needs("ortools")
    day = Instance("lunch", partial(day_problem, shape("clustered", "10x3x1d", breaks=True)))
    outcome = run_in_process(Entry("ortools", day, 60.0, 1, iterations=20))
    assert outcome.error.startswith("cannot express")


def _small() -> Problem:
    return day_problem(shape("scattered", "12x3x1d"))


def test_a_visit_that_fits_nowhere_in_its_sequence_is_left_out() -> None:
    plain = flatten(_small())
    everything = Answer({0: range(12)}, 0.0)
    plan = plan_of(plain, everything, NOBODY)
    rules = {violation.rule for violation in check(plain.problem, plan).violations}
    assert len(plan.unassigned) + len(plan.routes[0].jobs) == 12
    assert plan.unassigned
    assert rules <= {"skills"}


def test_an_empty_answer_is_a_plan_that_leaves_everything_out() -> None:
    plain = flatten(_small())
    plan = plan_of(plain, Answer({}, 0.0), NOBODY)
    assert len(plan.unassigned) == 12
    assert check(plain.problem, plan).valid


def test_tags_say_who_may_do_what_exactly_as_the_problem_does() -> None:
    problem = _small()
    jobs = (
        dataclasses.replace(problem.jobs[0], skills={"aircon": 2}),
        dataclasses.replace(problem.jobs[1], skills={}, allowed=frozenset({"T1"})),
        dataclasses.replace(problem.jobs[2], skills={}, excluded=frozenset({"T1"})),
        dataclasses.replace(problem.jobs[3], skills={}, equipment=frozenset({"ladder"})),
    )
    who = problem.technicians
    people = (
        dataclasses.replace(who[0], skills={"aircon": 3}),
        dataclasses.replace(who[1], skills={"aircon": 1}, equipment=frozenset({"ladder"})),
    )
    plain = flatten(dataclasses.replace(problem, jobs=jobs, technicians=people))
    able = [[tags <= held for held in plain.held] for tags in plain.tags]
    assert able == [[True, False], [False, True], [True, False], [False, True]]


def test_a_limit_on_visits_is_a_load_dimension() -> None:
    problem = _small()
    first = problem.technicians[0]
    shifts = tuple(dataclasses.replace(shift, max_jobs=2) for shift in first.shifts)
    people = (dataclasses.replace(first, shifts=shifts), *problem.technicians[1:])
    plain = flatten(dataclasses.replace(problem, technicians=people))
    assert plain.load.tolist() == [[1]] * 12
    assert plain.capacity.tolist() == [[2], [12], [12]]


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("setup", {"setup_s": 60}),
        ("several time windows", {"time_windows": ((0, 9), (20, 30))}),
        ("crew", {"crew": 2}),
        ("due", {"due": 3600}),
    ],
)
def test_a_rule_without_a_plain_form_is_refused_by_name(
    rule: str, change: dict[str, object]
) -> None:
    problem = _small()
    job = dataclasses.replace(problem.jobs[0], **change)  # type: ignore[arg-type]
    with pytest.raises(Inexpressible, match=rule):
        flatten(dataclasses.replace(problem, jobs=(job, *problem.jobs[1:])))


def test_the_middle_run_counts_missing_visits_before_travel() -> None:
    def outcome(dropped: int, travel: int, error: str = "") -> Outcome:
        goals = {} if error else {"unserved": 0, "dropped": dropped, "travel": travel}
        return Outcome("x", "y", 1, goals=goals, error=error)

    assert middle([outcome(0, 900), outcome(10, 1), outcome(0, 5)]) == outcome(0, 900)
    assert middle([outcome(0, 9), outcome(0, 5), outcome(0, 0, "crashed")]) == outcome(0, 9)
