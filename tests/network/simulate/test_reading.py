"""Reading a scenario: defaults, and one clear sentence for what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from network.simulate import BadScenario, Scenario, load_scenario, read_scenario


def test_a_scenario_knows_its_heads_and_districts(make: Callable[..., Scenario]) -> None:
    scenario = make()
    assert scenario.heads == 6
    assert scenario.districts == ("north", "south")
    assert scenario.travel.source == "estimated"


def test_the_hash_is_of_the_content_and_not_of_the_name(make: Callable[..., Scenario]) -> None:
    scenario = make()
    assert make(lambda raw: raw.update(name="other")).content_hash == scenario.content_hash
    assert make(lambda raw: raw.update(days=8)).content_hash != scenario.content_hash
    moved = make(lambda raw: raw["outlets"][0].update(lat=-29.92))
    assert moved.content_hash != scenario.content_hash


def _set(*path: str | int, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(raw: Any) -> None:
        for key in path[:-1]:
            raw = raw[key]
        raw[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_set("extra", value=1), "extra: unknown key 'extra'"),
        (_set("demand", "kinds", 0, "colour", value=1), "demand.kinds[0].colour: unknown key"),
        (_set("demand", "points", value=[]), "demand.points: no point has any demand"),
        (_set("demand", "per_day", value=0), "demand.per_day: is 0: there is no demand"),
        (_set("demand", "per_day", value=-3), "demand.per_day: must be between"),
        (_set("demand", "per_day", value=float("nan")), "demand.per_day: expected a finite"),
        (_set("demand", "kinds", 1, "skills", value={"tv": 1}), "unknown skill 'tv'"),
        (_set("demand", "kinds", 0, "class", value="soon"), "'soon' is none of the classes"),
        (_set("technicians", value=[]), "technicians: nobody works"),
        (_set("technicians", 0, "roster", value="night"), "there is no roster 'night'"),
        (_set("technicians", 0, "outlet", value="o9"), "there is no outlet 'o9'"),
        (_set("rosters", "day", value=[]), "rosters: no technician has a shift"),
        (_set("rosters", "day", 0, "start", value="25:00"), "is no local time"),
        (_set("timezone", value="Mars/Base"), "is no IANA time zone"),
        (_set("days", value=0), "days: must be at least 1"),
        (_set("start", value="soon"), "start: 'soon' is no date"),
        (_set("travel", value={"durations_s": [[0]]}), "has 1 rows for 22 places"),
        (_set("noise", value={"sick_share": 2}), "noise.sick_share: must be between 0 and 0.9"),
        (_set("outlets", 1, "id", value="o1"), "outlets[1].id: 'o1' stands here twice"),
    ],
)
def test_what_is_wrong_is_named_with_its_path(
    data: dict[str, Any], change: Callable[[dict[str, Any]], None], words: str
) -> None:
    change(data)
    with pytest.raises(BadScenario) as caught:
        read_scenario(data)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_json_is_refused(tmp_path: Path, data: dict[str, Any]) -> None:
    path = tmp_path / "scenario.json"
    path.write_text(json.dumps(data).replace('"per_day": 30', '"per_day": NaN'))
    with pytest.raises(BadScenario, match="NaN"):
        load_scenario(path)
    with pytest.raises(BadScenario, match="No such file"):
        load_scenario(tmp_path / "missing.json")
