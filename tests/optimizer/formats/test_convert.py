"""Public formats become problems that mean the same: published solutions keep their cost."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from optimizer.check import check
from optimizer.formats import ProblemError, problem_from_json, problem_to_json
from optimizer.formats.convert import convert
from optimizer.formats.vroom import from_vroom
from optimizer.formats.vroom_solution import plan_to_vroom
from optimizer.plan import Plan, Route, Step, Unassigned
from optimizer.problem import Job, Problem, Shift, Technician, service_time_s
from tests.optimizer.strategies import solved_problem

DATA = Path(__file__).parents[4] / "shared" / "data"
needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason="the public benchmark sets are not beside the repository"
)

SOLOMON = """C999

VEHICLE
NUMBER     CAPACITY
  2         200

CUSTOMER
CUST NO.  XCOORD.   YCOORD.    DEMAND   READY TIME  DUE DATE   SERVICE   TIME

    0      40         50          0          0       1236          0
    1      45         68         10          0       1127         90
    17     45         70         30         20       1125         90
"""

VRP = """NAME: tiny
TYPE: VRPTW
EDGE_WEIGHT_TYPE: EUC_2D
DIMENSION: 3
VEHICLES: 2
NODE_COORD_SECTION
1 0 0
2 3 4
3 0 1
DEMAND_SECTION
1 0
2 7
3 1
SERVICE_TIME_SECTION
1 0
2 5
3 5
TIME_WINDOW_SECTION
1 0 100
2 10 20
3 0 100
CAPACITY_SECTION
1 7
2 9
VEHICLES_ALLOWED_CLIENTS_SECTION
1 2 3
2 3
PRIZE_SECTION
1 0
2 4
3 0
DEPOT_SECTION
1
-1
EOF
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "source.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_solomon_customers_keep_their_numbers_and_times_are_scaled(tmp_path: Path) -> None:
    problem = convert(written(tmp_path, SOLOMON), "solomon")
    assert problem.scale == 10
    assert [job.id for job in problem.jobs] == ["1", "17"]
    last = problem.jobs[1]
    assert (last.service_s, last.load, last.time_windows) == (900, (30,), ((200, 11250),))
    assert problem.travel["car"].durations_s[0].tolist() == [0, 186, 206]  # ⌊10·√349⌋, ⌊10·√425⌋
    assert problem.technicians[1].shifts[0] == Shift("day", 0, 12360, 0, 0, capacity=(200,))
    assert [goal.name for goal in problem.objective] == ["travel"]
    assert all(place.lat is None for place in problem.locations)


@pytest.mark.parametrize(
    ("rounding", "scale", "drive"),
    [("trunc10", 10, 186), ("round1", 1, 19), ("exact1000", 1000, 18682), ("none", 10**4, 186815)],
)
def test_each_rounding_does_what_it_says(
    tmp_path: Path, rounding: str, scale: int, drive: int
) -> None:
    problem = convert(written(tmp_path, SOLOMON), "solomon", rounding=rounding)
    assert (problem.scale, problem.travel["car"].durations_s[0, 1]) == (scale, drive)
    assert problem.extra["rounding"] == rounding


def test_goals_may_be_chosen(tmp_path: Path) -> None:
    path = written(tmp_path, SOLOMON)
    problem = convert(path, "solomon", objective=("vehicles", "travel"))
    assert [goal.name for goal in problem.objective] == ["vehicles", "travel"]


def test_vrplib_allowed_clients_capacities_and_prizes(tmp_path: Path) -> None:
    problem = convert(written(tmp_path, VRP), "vrplib", rounding="exact1000")
    assert [job.id for job in problem.jobs] == ["2", "3"]
    assert [job.allowed for job in problem.jobs] == [frozenset({"V1"}), None]
    assert [job.drop_penalty for job in problem.jobs] == [4000, None]
    assert [who.shifts[0].capacity for who in problem.technicians] == [(7,), (9,)]
    assert problem.travel["car"].durations_s[0, 1] == 5000
    assert problem.jobs[0].time_windows == ((10_000, 20_000),)
    assert problem.objective[0].name == "travel+dropped"


@pytest.mark.parametrize("origin", ["solomon", "vrplib", "trsp", "hhcrsp", "vroom"])
@pytest.mark.parametrize("text", ["", "hello\nworld", "{}", "[]", "NUMBER\n"])
def test_a_file_of_another_kind_is_one_clear_error(tmp_path: Path, origin: str, text: str) -> None:
    with pytest.raises(ProblemError) as caught:
        convert(written(tmp_path, text), origin)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("PRIZE_SECTION", "PICKUP_SECTION", "unknown section 'PICKUP_SECTION'"),
        ("TYPE: VRPTW", "COLOUR: red", "unknown header 'COLOUR'"),
        ("EUC_2D", "GEO", "GEO FULL_MATRIX is not supported"),
        ("2 7\n", "9 7\n", "node 9 does not exist: there are 3"),
        ("2 7\n", "2 x\n", "expected numbers, got '2 x'"),
        ("2 7\n", "2\n", "expected a node and its values, got '2'"),
        ("2 7\n", "2 nan\n", "expected finite numbers"),
        ("2 7\n", "2 -7\n", r"job 2.load\[0\]: must not be negative"),
        ("2 10 20", "2 20 10", r"job 2.time_windows\[0\]: end 10000 is before start 20000"),
        ("VEHICLES: 2", "VEHICLES: two", "VEHICLES: expected a number, got 'two'"),
        ("2 3 4", "4 3 4", "nodes have to be numbered"),
    ],
)
def test_what_a_vrplib_file_has_that_we_do_not_is_named(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    with pytest.raises(ProblemError, match=message):
        convert(written(tmp_path, VRP.replace(old, new)), "vrplib", rounding="exact1000")


def vrplib_cost(problem: Problem, solution: str) -> int:
    """Drives plus prizes left, straight from the matrix; client 17 of a ``.sol`` is node 18."""
    jobs = {job.id: job for job in problem.jobs}
    durations = problem.travel["car"].durations_s
    total = 0
    left = set(jobs)
    for line in solution.splitlines():
        if not line.startswith("Route"):
            continue
        name, clients = line.split(":")
        vehicle = problem.technicians[int(name.split("#")[1]) - 1].shifts[0]
        visits = [str(int(word) + 1) for word in clients.split()]
        places = [vehicle.start_location, *(jobs[visit].location for visit in visits)]
        if visits:
            total += sum(int(durations[a, b]) for a, b in pairwise(places))
            total += int(durations[places[-1], vehicle.start_location])
        left -= set(visits)
    return total + sum(jobs[name].drop_penalty or 0 for name in left)


@needs_data
@pytest.mark.parametrize("family", ["MDVRPTW", "PCVRPTW"])
def test_published_vrplib_solutions_keep_their_cost(family: str) -> None:
    source = sorted((DATA / "vrplib" / family).glob("*.vrp"))[0]
    problem = convert(source, "vrplib")
    solution = source.with_suffix(".sol").read_text(encoding="utf-8")
    cost = int(solution.splitlines()[-1].split()[1])
    assert vrplib_cost(problem, solution) == cost


@needs_data
def test_a_solomon_problem_survives_json() -> None:
    problem = convert(DATA / "vrptw" / "solomon" / "C102.txt", "solomon")
    again = problem_from_json(json.loads(json.dumps(problem_to_json(problem))))
    assert again.jobs == problem.jobs
    assert again.technicians == problem.technicians


def replay(problem: Problem, technician: Technician, visits: list[str]) -> Route | None:
    """A published sequence as a route that starts as late as its end allows."""
    jobs = {job.id: job for job in problem.jobs}
    shift = technician.shifts[0]
    durations = problem.travel["car"].durations_s
    stops: list[Job | None] = [jobs.get(visit) for visit in visits]
    if not any(stops):
        return None
    assert problem.restock is not None
    places = [problem.restock.location if job is None else job.location for job in stops]
    service = [0 if job is None else service_time_s(job, technician) for job in stops]
    chain = [shift.start_location, *places]
    legs = [int(durations[a, b]) for a, b in zip(chain, places, strict=False)]
    starts: list[int] = []
    clock = shift.start
    for job, leg, work in zip(stops, legs, service, strict=True):
        begin = clock + leg if job is None else max(clock + leg, job.time_windows[0][0])
        starts.append(begin)
        clock = begin + work
    home = int(durations[places[-1], shift.start_location])
    latest = clock
    for index in range(len(stops) - 1, -1, -1):
        job = stops[index]
        begin = latest - service[index]
        starts[index] = begin if job is None else min(begin, job.time_windows[0][1])
        latest = starts[index] - legs[index]
    steps = [Step("start", shift.start_location, latest)]
    ready = latest
    for job, place, begin, work, leg in zip(stops, places, starts, service, legs, strict=True):
        kind = "restock" if job is None else "job"
        steps.append(
            Step(kind, place, ready + leg, begin, begin + work, None if job is None else job.id,
                 travel_s=leg, wait_s=begin - ready - leg)  # type: ignore[arg-type]
        )  # fmt: skip
        ready = begin + work
    steps.append(Step("end", shift.start_location, ready + home, travel_s=home))
    return Route(technician.id, shift.id, latest, ready + home, tuple(steps))


@needs_data
@pytest.mark.parametrize("name", ["C102", "R110", "RC202"])
def test_published_trsp_solutions_are_valid_and_keep_their_objective(name: str) -> None:
    sources = sorted((DATA / "trsp").glob(f"{name}*.txt"))
    if not sources:
        pytest.skip(f"{name} is not in this half of the set")
    problem = convert(sources[0], "trsp")
    published = dict(
        line.split("=", 1)
        for line in (DATA / "trsp" / "published.sol").read_text(encoding="utf-8").splitlines()
        if "=" in line
    )
    routes = []
    for text in published[f"{sources[0].stem}-S"].strip("<>").split("|"):
        numbers = text.split(",")
        if len(numbers) > 2:
            technician = next(who for who in problem.technicians if who.id == numbers[0])
            route = replay(problem, technician, numbers[1:-1])
            if route is not None:
                routes.append(route)
    served = {job for route in routes for job in route.jobs}
    missing = tuple(Unassigned(job.id) for job in problem.jobs if job.id not in served)
    report = check(problem, Plan(tuple(routes), missing))
    assert report.violations == ()
    service = sum(job.service_s for job in problem.jobs)
    objective = float(published[sources[0].stem]) * problem.scale
    assert report.goals["travel+waiting"] + service == pytest.approx(objective, rel=2e-3)


def test_home_care_double_visits_hang_together(tmp_path: Path) -> None:
    document: dict[str, Any] = {
        "patients": [
            {"id": "p1", "time_window": [10, 20], "required_caregivers": [{"service": "a"}]},
            {
                "id": "p2",
                "time_window": [0, 60],
                "required_caregivers": [{"service": "a", "duration": 5.5}, {"service": "b"}],
                "synchronization": {"type": "simultaneous"},
            },
            {
                "id": "p3",
                "time_window": [0, 60],
                "required_caregivers": [{"service": "b"}, {"service": "b"}],
                "synchronization": {"type": "sequential", "distance": [30, 45]},
            },
        ],
        "services": [{"id": "a", "default_duration": 9}, {"id": "b", "default_duration": 7}],
        "caregivers": [{"id": "c1", "abilities": ["a"]}, {"id": "c2", "abilities": ["b"]}],
        "central_offices": [{"id": "d"}],
        "distances": [[0, 1, 2, 3], [1, 0, 1, 1], [2, 1, 0, 1.25], [3, 1, 1, 0]],
    }
    problem = convert(written(tmp_path, json.dumps(document)), "hhcrsp", rounding="exact1000")
    jobs = {job.id: job for job in problem.jobs}
    assert list(jobs) == ["p1", "p2:a", "p2:b", "p3:b", "p3:b:2"]
    assert (jobs["p1"].release, jobs["p1"].due, jobs["p1"].service_s) == (10_000, 20_000, 9_000)
    assert jobs["p2:a"].together == ("p2:b",)
    assert jobs["p2:b"].together == ("p2:a",)
    second = jobs["p3:b:2"]
    assert (second.after, second.gap_from) == (("p3:b",), "start")
    assert (second.min_gap_s, second.max_gap_s) == (30_000, 45_000)
    assert problem.objective[0].name == "travel+late+worst_late"
    assert problem.late_at == "start"
    assert problem.technicians[0].skills == {"a": 1}
    assert problem.travel["car"].durations_s[2, 3] == 1250


@needs_data
def test_all_home_care_files_are_read() -> None:
    sources = sorted((DATA / "hhcrsp").glob("*_10_*.json"))
    assert sources
    for source in sources:
        problem = convert(source, "hhcrsp")
        assert len(problem.jobs) > 10


def vroom() -> dict[str, Any]:
    return {
        "jobs": [
            {
                "id": 7,
                "location_index": 1,
                "service": 60,
                "setup": 30,
                "delivery": [4],
                "skills": [1],
                "priority": 3,
                "time_windows": [[0, 900]],
            },
            {"id": 8, "location": [2.3, 48.8], "location_index": 1, "service": 60, "setup": 30},
        ],
        "vehicles": [
            {
                "id": 1,
                "start_index": 0,
                "end_index": 0,
                "capacity": [4],
                "skills": [1, 14],
                "time_window": [0, 3600],
                "breaks": [{"id": 1, "time_windows": [[600, 700]], "service": 100}],
                "max_tasks": 5,
            }
        ],
        "matrices": {"car": {"durations": [[0, 100], [100, 0]]}},
    }


def test_vroom_jobs_and_vehicles_are_read() -> None:
    problem = from_vroom(vroom())
    first, second = problem.jobs
    assert (first.id, first.load, first.skills) == ("7", (4,), {"1": 1})
    assert (first.drop_penalty, second.drop_penalty) == (3 * 3 + 1, 1)
    shift = problem.technicians[0].shifts[0]
    assert (shift.start, shift.end, shift.max_jobs, shift.capacity) == (0, 3600, 5, (4,))
    assert shift.breaks[0].duration_s == 100
    assert [goal.name for goal in problem.objective] == ["dropped", "travel"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shipments": [{}]}, "shipments: pickup-and-delivery pairs are not supported"),
        ({"matrices": None}, "matrices: expected an object, got null"),
        ({"options": {}}, "options: unknown key 'options'"),
        ({"jobs": [{"id": 1, "location": [0, 0]}]}, r"jobs\[0\]: location_index is needed"),
        ({"jobs": [{"id": 1, "location_index": 2}]}, r"jobs\[0\].location_index: must be at most"),
        ({"vehicles": [{"id": 1}]}, r"vehicles\[0\]: key 'start_index' is missing"),
        (
            {"vehicles": [{"id": 1, "start_index": 0, "max_distance": 5}]},
            r"vehicles\[0\].max_distance: unknown key 'max_distance'",
        ),
        (
            {"vehicles": [{"id": 1, "start_index": 0, "costs": {"fixed": 5}}]},
            r"vehicles\[0\].costs.fixed: 5 is not supported",
        ),
    ],
)
def test_what_vroom_has_and_we_do_not_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        from_vroom({**vroom(), **change})


def test_without_matrices_there_are_no_travel_times() -> None:
    document = vroom()
    del document["matrices"]
    with pytest.raises(ProblemError, match="matrices: travel times are needed"):
        from_vroom(document)


def test_a_plan_is_told_in_vrooms_words() -> None:
    problem = from_vroom(vroom())
    steps = (
        Step("start", 0, 0),
        Step("job", 1, 100, 100, 190, "7", travel_s=100),
        Step("job", 1, 190, 200, 260, "8", wait_s=10),
        Step("end", 0, 360, travel_s=100),
    )
    plan = Plan((Route("1", "day", 0, 360, steps),))
    assert check(problem, plan).valid
    told = plan_to_vroom(problem, plan)
    assert told["summary"]["cost"] == told["summary"]["duration"] == 200
    assert (told["summary"]["service"], told["summary"]["setup"]) == (120, 30)
    assert told["summary"]["waiting_time"] == 10
    assert [step["type"] for step in told["routes"][0]["steps"]] == ["start", "job", "job", "end"]
    assert told["routes"][0]["steps"][1]["id"] == 7
    assert told["routes"][0]["steps"][-1]["duration"] == 200


def test_every_plan_can_be_told_in_vrooms_words() -> None:
    for seed in range(50):
        problem, plan = solved_problem(seed)
        told = plan_to_vroom(problem, replace(plan, goals={}))
        travel = check(problem, plan).goals["travel"]
        assert told["summary"]["duration"] == travel
        json.dumps(told, allow_nan=False)
