"""``python -m network simulate|staff|forecast``: files in, files out, schemas kept, one line."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from network.__main__ import main
from network.simulate import BadScenario, read_scenario
from tests.network.simulate.conftest import small

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((REFERENCE / f"{name}.schema.json").read_text())
    return found


def short() -> dict[str, Any]:
    return {**small(), "days": 2, "warm_up_days": 0}


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "scenario.json"
    path.write_text(json.dumps(short()))
    return path


def test_simulate_writes_an_outcome_that_keeps_its_schema(
    scenario: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, kept = tmp_path / "outcome.json", tmp_path / "checkpoint"
    line = ["simulate", str(scenario), "--out", str(out), "--replications", "1"]
    assert main([*line, "--checkpoint", str(kept)]) == 0
    outcome = json.loads(out.read_text())
    jsonschema.validate(outcome, schema("outcome"))
    assert outcome["mode"] == "full"
    assert "within 24 h" in capsys.readouterr().out
    again = tmp_path / "again.json"
    line[3] = str(again)
    assert main([*line, "--checkpoint", str(kept)]) == 0  # all of it from the checkpoint
    assert json.loads(again.read_text())["classes"] == outcome["classes"]


def test_the_screening_mode_prints_json(scenario: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", str(scenario), "--screening", "--json"]) == 0
    outcome = json.loads(capsys.readouterr().out)
    jsonschema.validate(outcome, schema("outcome"))
    assert outcome["mode"] == "screening"


def test_staff_keeps_its_schema(scenario: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["staff", str(scenario), "--screening", "--json", "--replications", "2"]) == 0
    answer = json.loads(capsys.readouterr().out)
    outcome = answer.pop("outcome")
    jsonschema.validate(outcome, schema("outcome"))
    own = schema("staffing")
    own["required"].remove("outcome")
    del own["properties"]["outcome"]
    jsonschema.validate(answer, own)
    assert sum(answer["outlets"].values()) == answer["heads"]


def test_forecast_keeps_its_schema(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "requests.csv"
    first = datetime(2026, 1, 5, 9, tzinfo=UTC)
    rows = [
        f"{(first + timedelta(days=day, minutes=k)).isoformat()},north"
        for day in range(60)
        for k in range(3 + day % 7)
    ]
    path.write_text("reported_at,district\n" + "\n".join(rows) + "\n")
    assert main(["forecast", str(path), "--horizon", "7", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    jsonschema.validate(found, schema("forecast"))
    assert len(found["series"][0]["days"]) == 7


@pytest.mark.parametrize(
    ("command", "change", "words"),
    [
        (["simulate"], {"days": -1}, "days: must be at least 1"),
        (["simulate"], {"extra": 1}, "extra: unknown key 'extra'"),
        (["simulate", "--replications", "0"], {}, "--replications"),
        (["staff"], {"technicians": []}, "technicians: nobody works"),
        (["staff", "--outlets", "o9", "--screening"], {}, "there is no outlet 'o9'"),
    ],
)
def test_bad_input_is_one_line_and_leaves_no_file(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
    change: dict[str, Any],
    words: str,
) -> None:
    path, out = tmp_path / "scenario.json", tmp_path / "out.json"
    path.write_text(json.dumps({**short(), **change}))
    assert main([command[0], str(path), "--out", str(out), *command[1:]]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert words in said
    assert not out.exists()


def test_the_example_keeps_the_schema_of_scenarios() -> None:
    jsonschema.validate(small(), schema("scenario"))


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_whatever_is_broken_is_refused_in_one_line_or_read(data: st.DataObject) -> None:
    raw = small()
    places: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in list(items):
            places.append((value, key))
            if isinstance(inner, dict | list):
                walk(inner)

    walk(raw)
    holder, key = data.draw(st.sampled_from(places))
    holder[key] = data.draw(
        st.sampled_from([None, -1, 0, 1e308, float("nan"), "", "x", [], {}, True, [[]], 10**30])
    )
    try:
        scenario = read_scenario(raw)
    except BadScenario as error:
        assert "\n" not in str(error)
        assert str(error)
    else:
        assert scenario.content_hash
