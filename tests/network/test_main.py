"""The command line: files in, files out, one line for bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from network.__main__ import main


@pytest.fixture
def problem(tmp_path: Path) -> Path:
    path = tmp_path / "siting.json"
    data: dict[str, Any] = {
        "format": "zhunda-siting/1",
        "model": "p-median",
        "p": 1,
        "demand": [{"id": f"d{i}", "lat": -29.9 - 0.01 * i, "lon": -71.2} for i in range(3)],
        "candidates": [{"id": f"s{j}", "lat": -29.9 - 0.01 * j, "lon": -71.2} for j in range(3)],
        "stop": {"iterations": 500},
    }
    path.write_text(json.dumps(data))
    return path


def test_site_writes_an_answer_that_check_accepts(
    problem: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "sites.json"
    assert main(["site", str(problem), "--out", str(out)]) == 0
    answer = json.loads(out.read_text())
    assert answer["open"] == ["s1"]
    assert answer["solver"]["travel"] == "estimated"
    assert main(["check", str(problem), str(out)]) == 0
    assert capsys.readouterr().out.endswith("valid\n")
    answer["objective"] += 100
    out.write_text(json.dumps(answer))
    assert main(["check", str(problem), str(out)]) == 1


def test_the_frontier_has_one_answer_per_number(problem: Path, tmp_path: Path) -> None:
    out = tmp_path / "frontier.json"
    assert main(["site", str(problem), "--frontier", "1..3", "--out", str(out)]) == 0
    points = json.loads(out.read_text())["points"]
    assert [point["p"] for point in points] == [1, 2, 3]
    objectives = [point["sites"]["objective"] for point in points]
    assert objectives == sorted(objectives, reverse=True)
    assert objectives[-1] == 0


def test_the_frontier_over_budgets_keeps_its_schema(problem: Path, tmp_path: Path) -> None:
    data = json.loads(problem.read_text())
    for site, money in zip(data["candidates"], (50, 10, 100), strict=True):
        site["fixed_cost"] = money
    problem.write_text(json.dumps(data))
    out = tmp_path / "frontier.json"
    assert main(["site", str(problem), "--frontier", "budget=5,10,60", "--out", str(out)]) == 0
    told = json.loads(out.read_text())
    schema = Path(__file__).resolve().parents[2] / "docs/reference/frontier.schema.json"
    jsonschema.validate(told, json.loads(schema.read_text()))
    assert [point["budget"] for point in told["points"]] == [5, 10, 60]
    assert told["points"][0]["sites"]["status"] == "infeasible"
    assert told["points"][1]["sites"]["open"] == ["s1"]


def test_roads_that_are_configured_but_silent_are_estimated_aloud(
    problem: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OSRM_URL", "http://127.0.0.1:9")
    out = tmp_path / "sites.json"
    assert main(["site", str(problem), "--out", str(out)]) == 0
    assert json.loads(out.read_text())["solver"]["travel"] == "estimated"
    assert "estimated instead" in capsys.readouterr().err
    assert main(["site", str(problem), "--osrm", "http://127.0.0.1:9"]) == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [({"p": 0}, "p: "), ({"radius": "wide"}, "radius: "), ({"extra": 1}, "extra: unknown key")],
)
def test_bad_input_is_one_line_and_leaves_no_file(
    problem: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: dict[str, Any],
    words: str,
) -> None:
    problem.write_text(json.dumps(json.loads(problem.read_text()) | change))
    out = tmp_path / "sites.json"
    assert main(["site", str(problem), "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["site", "absent.json"],
        ["site"],
        ["locate"],
        ["site", "absent.json", "--frontier", "5..1"],
        ["site", "absent.json", "--frontier", "budget=-1"],
        ["site", "absent.json", "--frontier", "radius=1,2"],
        ["site", "absent.json", "--seconds", "nan"],
    ],
)
def test_bad_arguments_are_one_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_an_impossible_request_is_an_answer(
    problem: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    problem.write_text(json.dumps(json.loads(problem.read_text()) | {"p": 7}))
    out = tmp_path / "sites.json"
    assert main(["site", str(problem), "--out", str(out)]) == 0
    assert json.loads(out.read_text())["status"] == "infeasible"
    assert "only 3 candidates" in capsys.readouterr().out
