"""Problems in and out as JSON; every kind of bad input is one clear error with its path."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from optimizer.formats import ProblemError, problem_from_json, problem_to_json
from optimizer.problem import UNREACHABLE, Goal, Pin, Problem
from tests.optimizer.strategies import problems, without_way

JSON = dict[str, Any]


def sample() -> JSON:
    """A document with every key."""
    return {
        "format": "zhunda-problem/1",
        "epoch": "2026-11-24T00:00:00+08:00",
        "locations": [{"id": "outlet-3", "lat": -29.91, "lon": -71.25}, {"id": "door"}],
        "travel": {
            "car": {"durations_s": [[0, 340], [None, 0]], "distances_m": [[0, 4100], [None, 0]]}
        },
        "technicians": [
            {
                "id": "T1",
                "profile": "car",
                "speed_factor": 1.0,
                "skills": {"aircon": 3},
                "equipment": ["ladder"],
                "stock": {"PCB-7": 2},
                "service_factor": {"aircon": 0.8},
                "cost_per_hour_fen": 6000,
                "cost_per_km_fen": 80,
                "shifts": [
                    {
                        "id": "T1-mon",
                        "start": 28800,
                        "end": 61200,
                        "overtime_s": 3600,
                        "start_location": 0,
                        "end_location": 0,
                        "breaks": [
                            {"id": "lunch", "windows": [[41400, 46800]], "duration_s": 1800}
                        ],
                        "max_jobs": 12,
                        "capacity": [200],
                    }
                ],
            }
        ],
        "jobs": [
            {"id": "J0", "location": 1},
            {
                "id": "J1",
                "location": 1,
                "service_s": 3600,
                "setup_s": 300,
                "class": "urgent",
                "skills": {"aircon": 2},
                "equipment": ["ladder"],
                "parts": {"PCB-7": 1},
                "load": [10],
                "release": 0,
                "due": 86400,
                "time_windows": [[32400, 43200], [50400, 61200]],
                "drop_penalty": 100,
                "crew": 1,
                "after": ["J0"],
                "min_gap_s": 0,
                "max_gap_s": 7200,
                "gap_from": "end",
                "together": [],
                "allowed": None,
                "excluded": [],
                "preferred": ["T1"],
                "pinned": {"technician": "T1", "shift": "T1-mon", "start": 36000},
            },
        ],
        "classes": {"urgent": {"weight": 1000}},
        "published": {"format": "zhunda-plan/1", "routes": []},
        "frozen_until": 30000,
        "objective": ["late", {"sum": {"travel": 1, "waiting": 0.2}}],
        "scale": 1,
        "restock": {"location": 0, "service_s": 60},
        "extra": {"source": "by hand"},
    }


def assert_same(one: Problem, other: Problem) -> None:
    for name in Problem.__dataclass_fields__:
        if name != "travel":
            assert getattr(one, name) == getattr(other, name), name
    assert one.travel.keys() == other.travel.keys()
    for profile, travel in one.travel.items():
        twin = other.travel[profile]
        assert np.array_equal(travel.durations_s, twin.durations_s)
        assert (travel.distances_m is None) == (twin.distances_m is None)
        if travel.distances_m is not None and twin.distances_m is not None:
            assert np.array_equal(travel.distances_m, twin.distances_m)


@settings(max_examples=100, deadline=None)
@given(problems())
def test_a_problem_survives_the_way_to_json_and_back(problem: Problem) -> None:
    travel = {name: without_way(one, 0, 1) for name, one in problem.travel.items()}
    problem = replace(problem, travel=travel)
    text = json.dumps(problem_to_json(problem), allow_nan=False)
    assert_same(problem_from_json(json.loads(text)), problem)


def test_every_key_is_read() -> None:
    problem = problem_from_json(sample())
    assert problem.travel["car"].durations_s.tolist() == [[0, 340], [UNREACHABLE, 0]]
    assert problem.travel["car"].durations_s.dtype == np.int32
    assert problem.objective == (Goal.of("late"), Goal((("travel", 1.0), ("waiting", 0.2))))
    assert problem.jobs[1].pinned == Pin("T1", "T1-mon", 36000)
    assert problem.weight(problem.jobs[1]) == 1000
    assert problem.weight(problem.jobs[0]) == 1
    assert problem_to_json(problem)["jobs"][1]["due"] == 86400
    assert_same(problem_from_json(problem_to_json(problem)), problem)


def put(path: str, value: object) -> Callable[[JSON], None]:
    """A change of the sample: ``put("jobs.1.crew", 0)``."""

    def change(document: Any) -> None:
        *way, last = path.split(".")
        for key in way:
            document = document[int(key)] if isinstance(document, list) else document[key]
        if isinstance(document, list):
            document[int(last)] = value
        else:
            document[last] = value

    return change


J1 = "jobs.1"
SHIFT = "technicians.0.shifts.0"
NAN = math.nan
BAD: list[tuple[str, object, str]] = [
    ("format", "zhunda-problem/9", "format: expected 'zhunda-problem/1', got 'zhunda-problem/9'"),
    ("jbos", [], "jbos: unknown key 'jbos'"),
    (f"{J1}.servce_s", 1, "jobs[1].servce_s: unknown key 'servce_s'"),
    (f"{SHIFT}.brakes", [], "technicians[0].shifts[0].brakes: unknown key 'brakes'"),
    (f"{J1}.time_windows.0", [200, 100], "jobs[1].time_windows[0]: end 100 is before start 200"),
    (f"{J1}.time_windows.0", [200], "jobs[1].time_windows[0]: expected [start, end], got 1 values"),
    (f"{J1}.service_s", -1, "jobs[1].service_s: must not be negative, got -1"),
    (f"{J1}.service_s", True, "jobs[1].service_s: expected an integer, got true"),
    (f"{J1}.service_s", 3.0, "jobs[1].service_s: expected an integer, got 3.0"),
    (f"{J1}.service_s", NAN, "jobs[1].service_s: expected an integer, got nan"),
    (f"{J1}.service_s", None, "jobs[1].service_s: expected an integer, got null"),
    (f"{J1}.due", 10**12, "jobs[1].due: must be at most 1073741823, got 1000000000000"),
    (f"{J1}.crew", 0, "jobs[1].crew: must be at least 1, got 0"),
    (f"{J1}.class", "vip", "jobs[1].class: no class 'vip' in classes"),
    (f"{J1}.location", 2, "jobs[1].location: 2, but there are 2 locations (from 0)"),
    (f"{J1}.id", "J0", "jobs[1].id: job 'J0' stands here twice"),
    (f"{J1}.id", 7, "jobs[1].id: expected a string, got 7"),
    (f"{J1}.id", "\ud800", "jobs[1].id: not valid Unicode: '\\ud800'"),
    (f"{J1}.skills", {"\ud800": 1}, "jobs[1].skills: not valid Unicode: '\\ud800'"),
    ("extra", {"a": [NAN]}, "extra: holds something that is not JSON, such as NaN"),
    (f"{J1}.id", "", "jobs[1].id: must not be empty"),
    (f"{J1}.after", ["J7"], "jobs[1].after[0]: no job 'J7'"),
    (f"{J1}.after", ["J1"], "jobs[1].after[0]: a job cannot refer to itself"),
    (f"{J1}.together", ["J7"], "jobs[1].together[0]: no job 'J7'"),
    (f"{J1}.gap_from", "middle", 'jobs[1].gap_from: expected "end" or "start", got \'middle\''),
    ("late_at", "end", "late_at: expected one of 'arrival', 'start', got 'end'"),
    ("late_at", None, "late_at: expected one of 'arrival', 'start', got null"),
    (f"{J1}.excluded", ["T9"], "jobs[1].excluded: no technician 'T9'"),
    (f"{J1}.allowed", ["T1", "T1"], "jobs[1].allowed: 'T1' stands here twice"),
    (f"{J1}.pinned.technician", "T9", "jobs[1].pinned.technician: no technician 'T9'"),
    (f"{J1}.pinned.shift", "x", "jobs[1].pinned.shift: no shift 'x' of technician 'T1'"),
    (f"{J1}.skills", ["aircon"], "jobs[1].skills: expected an object, got an array"),
    (J1, 5, "jobs[1]: expected an object, got 5"),
    ("jobs", {}, "jobs: expected an array, got an object"),
    ("technicians.0.speed_factor", 0, "technicians[0].speed_factor: must be between 0.01 and 100"),
    ("technicians.0.speed_factor", NAN, "technicians[0].speed_factor: expected a finite number"),
    ("technicians.0.speed_factor", math.inf, "technicians[0].speed_factor: expected a finite"),
    ("technicians.0.service_factor.aircon", -1.0, "technicians[0].service_factor.aircon: must be"),
    ("technicians.0.profile", "boat", "technicians[0].profile: no travel matrix for profile"),
    ("technicians.0.stock.PCB-7", -2, "technicians[0].stock.PCB-7: must not be negative, got -2"),
    (f"{SHIFT}.end", 100, "technicians[0].shifts[0]: end 100 is before start 28800"),
    (f"{SHIFT}.end_location", 9, "technicians[0].shifts[0].end_location: 9, but there are 2"),
    (f"{SHIFT}.breaks.0.windows", [], "technicians[0].shifts[0].breaks[0].windows: at least one"),
    ("travel.car.durations_s", [[0, 1]], "travel.car.durations_s: 1 rows, but there are 2"),
    ("travel.car.durations_s.1", [0], "travel.car.durations_s[1]: 1 values, but there are 2"),
    ("travel.car.durations_s.0.1", -4, "travel.car.durations_s[0][1]: must not be negative"),
    ("travel.car.durations_s.0.1", 1.5, "travel.car.durations_s[0][1]: expected an integer or"),
    ("travel.car.durations_s.0.1", False, "travel.car.durations_s[0][1]: expected an integer or"),
    ("travel.car.durations_s.0.1", NAN, "travel.car.durations_s[0][1]: expected an integer or"),
    ("travel.car.durations_s.0.1", 2**40, "travel.car.durations_s[0][1]: must be at most"),
    ("travel.car.distances_m.0.1", None, "travel.car.distances_m[0][1]: null, although"),
    ("travel.car.durations_npy", "x.npy", "travel.car.durations_npy: 'durations_s' is given too"),
    ("travel", {"car": {}}, "travel.car: key 'durations_s' is missing"),
    ("travel", {"car": {"durations_npy": "x"}}, "travel.car.durations_npy: only a problem that"),
    ("locations.0.lat", 91, "locations[0].lat: must be between -90 and 90, got 91"),
    ("locations.1.lat", 9, "locations[1]: lat and lon belong together"),
    ("locations.1.id", "outlet-3", "locations[1].id: location 'outlet-3' stands here twice"),
    ("epoch", "2026-11-24T00:00:00", "epoch: '2026-11-24T00:00:00' has no offset"),
    ("epoch", "yesterday", "epoch: not an ISO 8601 instant: 'yesterday'"),
    ("objective", [], "objective: at least one goal is needed"),
    ("objective", ["speed"], "objective[0]: unknown goal 'speed'; known are late, dropped"),
    ("objective", ["late", "late"], "objective[1]: goal 'late' stands here twice"),
    ("objective", [{"sum": {}}], "objective[0].sum: at least one goal is needed"),
    ("objective", [{"sum": {"late": 0}}], "objective[0].sum.late: must be greater than 0"),
    ("objective", [{"sum": {"late": NAN}}], "objective[0].sum.late: expected a finite number"),
    ("classes.urgent.weight", -1, "classes.urgent.weight: must not be negative, got -1"),
    ("restock.location", 5, "restock.location: 5, but there are 2 locations (from 0)"),
    ("published.routes", [{}], "published.routes[0]: key 'technician' is missing"),
    ("scale", 0, "scale: must be at least 1, got 0"),
    ("frozen_until", -1, "frozen_until: must not be negative, got -1"),
]


@pytest.mark.parametrize(("path", "value", "message"), BAD, ids=lambda case: str(case)[:40])
def test_bad_input_is_named_with_its_path(path: str, value: object, message: str) -> None:
    document = sample()
    put(path, value)(document)
    with pytest.raises(ProblemError) as caught:
        problem_from_json(document)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_the_sample_that_the_bad_input_is_made_from_is_good() -> None:
    assert len(problem_from_json(sample()).jobs) == 2


@pytest.mark.parametrize("key", ["format", "locations", "travel", "technicians", "jobs"])
def test_a_missing_key_is_named(key: str) -> None:
    document = sample()
    del document[key]
    with pytest.raises(ProblemError, match=f"^key '{key}' is missing$"):
        problem_from_json(document)


def test_a_gap_that_cannot_be_kept_is_refused() -> None:
    document = sample()
    document["jobs"][1].update(min_gap_s=600, max_gap_s=599)
    with pytest.raises(ProblemError, match=r"^jobs\[1\]\.max_gap_s: 599 is less than min_gap_s"):
        problem_from_json(document)


def test_a_circle_of_predecessors_is_spelled_out() -> None:
    document = sample()
    document["jobs"] = [
        {"id": name, "location": 0, "after": [before]} for name, before in ("ab", "bc", "ca")
    ]
    with pytest.raises(ProblemError, match=r"jobs\[0\]\.after: .*circle: a → b → c → a"):
        problem_from_json(document)


def test_shifts_of_one_technician_must_not_overlap() -> None:
    document = sample()
    shift = document["technicians"][0]["shifts"][0]
    document["technicians"][0]["shifts"].append({**shift, "id": "again", "start": 61199})
    with pytest.raises(ProblemError, match=r"technicians\[0\]\.shifts: 'again' starts at 61199"):
        problem_from_json(document)
    document["technicians"][0]["shifts"][1].update(start=61200)
    assert len(problem_from_json(document).technicians[0].shifts) == 2


def test_weights_that_would_overflow_are_refused() -> None:
    document = sample()
    document["classes"]["urgent"]["weight"] = 2**30 - 1
    document["jobs"] = [{"id": str(n), "location": 0, "class": "urgent"} for n in range(5000)]
    with pytest.raises(ProblemError, match=r"^classes: weights and penalties add up"):
        problem_from_json(document)


def test_more_than_a_hundred_thousand_jobs_are_refused_at_once() -> None:
    document = sample()
    document["jobs"] = [None] * 100_001
    with pytest.raises(ProblemError, match=r"^jobs: 100001 jobs, at most 100000 are possible"):
        problem_from_json(document)


def test_nobody_and_nothing_to_do_is_a_problem_too() -> None:
    problem = problem_from_json(
        {"format": "zhunda-problem/1", "locations": [], "travel": {}, "technicians": [], "jobs": []}
    )
    assert problem.horizon_end == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "is not JSON: Expecting property name"),
        (b"", "is not JSON: Expecting value"),
        (b"[1]", "expected an object, got an array"),
        (b"\xff\xfe\x00", "is not UTF-8 text"),
        (b'{"format": 1, "format": 2}', "key 'format' stands twice in one object"),
        (b"[" * 200_000, "is nested too deeply"),
        (b'{"format": ' + b"9" * 5000 + b"}", "is not JSON: Exceeds the limit"),
    ],
)
def test_a_file_that_holds_no_document_is_one_clear_error(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "problem.json"
    path.write_bytes(content)
    with pytest.raises(ProblemError) as caught:
        problem_from_json(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_and_a_folder_are_clear_errors(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match=r"cannot read .*: No such file or directory"):
        problem_from_json(tmp_path / "none.json")
    with pytest.raises(ProblemError, match=r"cannot read .*: Is a directory"):
        problem_from_json(tmp_path)


def test_matrices_may_stand_in_files_beside_the_problem(tmp_path: Path) -> None:
    document = sample()
    matrix = np.array([[0, 340], [UNREACHABLE, 0]], dtype=np.int32)
    np.save(tmp_path / "car.npy", matrix)
    np.save(tmp_path / "wide.npy", matrix.astype(np.int64))
    np.save(tmp_path / "float.npy", matrix.astype(np.float64))
    np.save(tmp_path / "small.npy", matrix[:1])
    np.save(tmp_path / "negative.npy", -matrix)
    path = tmp_path / "problem.json"

    def read(name: str) -> Problem:
        document["travel"] = {"car": {"durations_npy": name}}
        path.write_text(json.dumps(document), encoding="utf-8")
        return problem_from_json(path)

    assert isinstance(read("car.npy").travel["car"].durations_s, np.memmap)
    assert read("wide.npy").travel["car"].durations_s.dtype == np.int32
    for name, message in (
        ("float.npy", "does not hold integers"),
        ("small.npy", "shape"),
        ("negative.npy", "must not be negative"),
        ("none.npy", "cannot read"),
        ("problem.json", "cannot read"),
        ("../car.npy", "outside the problem's folder"),
    ):
        with pytest.raises(ProblemError, match=message):
            read(name)


def test_a_thousand_by_a_thousand_is_read_in_a_moment() -> None:
    size = 1000
    document = sample()
    row: list[int | None] = [*range(size - 1), None]
    document["locations"] = [{"id": str(n)} for n in range(size)]
    document["travel"] = {"car": {"durations_s": [row] * size, "distances_m": [row] * size}}
    document["jobs"] = [
        {**copy.deepcopy(document["jobs"][0]), "id": str(n), "location": n} for n in range(size)
    ]
    began = time.process_time()
    assert problem_from_json(document).travel["car"].durations_s.shape == (size, size)
    assert time.process_time() - began < 2
