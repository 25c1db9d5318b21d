"""The command: its options, its data, its answer to bad input."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.__main__ import parser, tables
from bench.contest import Entry, Instance, Outcome, run_in_process
from bench.data import DataMissing, best_trsp, best_vrptw, data_files, data_folder
from bench.public_sets import home_care_cost, load_trsp, time_on_duty
from bench.report import Report
from optimizer.plan import Plan, Route, Step, StepType
from optimizer.problem import Job, Location, Problem, Shift, Technician, Travel

REPOSITORY = Path(__file__).resolve().parents[2]


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_every_promised_table_has_a_name() -> None:
    assert {"solomon", "homberger", "trsp", "hhcrsp", "days", "scale"} <= set(tables())


@pytest.mark.parametrize(
    "arguments",
    [
        ["--seconds", "nan"],
        ["--seconds", "-1"],
        ["--threads", "0"],
        ["--solvers", "zhunda,nobody"],
        ["--seeds", "one"],
    ],
)
def test_a_bad_option_ends_with_two(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser(["days"]).parse_args(["days", *arguments])
    assert ended.value.code == 2


def test_a_day_that_does_not_exist_is_one_line_on_stderr() -> None:
    done = bench("days", "--instances", "nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "nowhere" in done.stderr


def test_a_table_names_its_conditions_and_counts_violations() -> None:
    pytest.importorskip("ortools")
    limits = ("--seconds", "60", "--iterations", "20")
    done = bench("days", "--instances", "clustered-12x3x1d", *limits, "--solvers", "ortools")
    assert done.returncode == 0, done.stderr
    for words in ("seeds 1, 2, 3", "ortools 9", "60 s of wall time", "1 plans re-checked"):
        assert words in done.stdout
    assert ": 0 violations" in done.stdout


def test_absent_data_are_said_clearly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ZHUNDA_BENCH_DATA", str(tmp_path))
    with pytest.raises(DataMissing, match="ZHUNDA_BENCH_DATA"):
        data_files("vrptw/solomon", "*.txt")


def test_best_known_values_are_those_of_the_distance_race() -> None:
    if not (data_folder() / "vrptw" / "BKS.json").is_file():
        pytest.skip(f"no public instances in {data_folder()}")
    assert best_vrptw("R102") == (1472.81, "distance")
    assert best_vrptw("c1_10_2") == (41337.8, "distance, legs cut to 0.1")
    assert best_vrptw("c1_2_2")[1] == "vehicles first"
    assert best_vrptw("no_such") == (None, "")


def test_home_care_cost_is_a_third_of_travel_and_both_tardinesses() -> None:
    problem = Problem(
        locations=(Location("office"),),
        travel={},
        technicians=(),
        jobs=(Job("a", 0, due=100), Job("b", 0, due=100)),
    )
    steps = (
        Step("job", 0, 90, 110, 120, "a", travel_s=30),
        Step("job", 0, 150, 150, 160, "b", travel_s=30),
        Step("end", 0, 190, travel_s=30),
    )
    plan = Plan((Route("c", "day", 0, 190, steps),))
    assert home_care_cost(problem, plan) == pytest.approx((90 + 60 + 50) / 3)


def test_a_report_counts_the_violations_of_every_run() -> None:
    outcomes = (
        Outcome("x", "y", 1, violations=2, first_violation="late at J1"),
        Outcome("x", "y", 2),
        Outcome("x", "y", 3, error="nothing in 9 s"),
    )
    text = Report("T", ("a",), (("1",),), outcomes=outcomes).to_markdown()
    assert "2 plans re-checked by `optimizer.check`: 2 violations." in text
    assert "late at J1" in text
    assert "1 runs gave no plan" in text


def test_a_file_that_cannot_be_written_is_said_before_the_run() -> None:
    done = bench("days", "--out", "/no/such/folder/table.md")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no such folder" in done.stderr


def test_a_process_that_dies_is_an_outcome_and_not_the_end_of_the_table() -> None:
    outcome = run_in_process(Entry("ortools", Instance("gone", _die), 60.0, 1))
    assert "its process ended with 7" in outcome.error


def _die() -> Problem:
    os._exit(7)


def test_time_on_duty_counts_no_wait_that_a_later_departure_spares() -> None:
    durations = np.array([[0, 10, 20], [10, 0, 10], [20, 10, 0]], dtype=np.int32)
    problem = Problem(
        locations=(Location("home"), Location("a"), Location("b")),
        travel={"car": Travel(durations)},
        technicians=(Technician("T", (Shift("day", 0, 500, 0, 0),)),),
        jobs=(
            Job("a", 1, service_s=5, time_windows=((0, 60),)),
            Job("b", 2, service_s=5, time_windows=((100, 200),)),
        ),
    )
    steps = (
        Step("start", 0, 0),
        Step("job", 1, 10, 10, 15, "a", travel_s=10),
        Step("job", 2, 25, 100, 105, "b", travel_s=10),
        Step("end", 0, 125, travel_s=20),
    )
    plan = Plan((Route("T", "day", 0, 125, steps),))
    # Leaving at 50 meets a's window at its end, and 25 of 75 seconds of waiting remain.
    assert time_on_duty(problem, plan) == 75


@pytest.mark.parametrize("name", ["C102.100_25-5-5-5", "R204.100_25-5-5-5"])
def test_a_replay_of_published_routes_has_the_published_time_on_duty(name: str) -> None:
    path = data_folder() / "trsp" / f"{name}.txt"
    if not path.is_file():
        pytest.skip(f"no public instances in {data_folder()}")
    problem = load_trsp(path)
    text = (path.parent / "published.sol").read_text()
    routes = text.partition(f"{name}-S=<")[2].partition(">")[0].split("|")
    plan = Plan(tuple(_replayed(problem, route) for route in routes if route))
    assert time_on_duty(problem, plan) == pytest.approx(best_trsp()[name], abs=0.01)


def _replayed(problem: Problem, route: str) -> Route:
    """Technician, requests and, above the ids of the ends, calls at the depot."""
    numbers = [int(number) for number in route.split(",")]
    who = problem.technicians[numbers[0] - 1]
    jobs = {job.id: job for job in problem.jobs}
    ends = len(jobs) + len(problem.technicians)
    home = who.shifts[0].start_location
    at, steps = home, []
    for number in numbers[1:]:
        job = jobs.get(str(number))
        place = job.location if job else 0 if number > ends + len(problem.technicians) else home
        leg = int(problem.travel["car"].durations_s[at, place])
        kind: StepType = "job" if job else "end" if place == home else "restock"
        service = job.service_s if job else 0
        steps.append(Step(kind, place, None, 0, service, job.id if job else None, travel_s=leg))
        at = place
    return Route(who.id, "day", 0, 0, tuple(steps))
