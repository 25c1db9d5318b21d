import tomllib
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from domain.rules import RuleError, arrival_pack, pack_in_force

PACKS = sorted((Path(__file__).parents[3] / "config" / "rules" / "arrival").glob("*.toml"))
TABLE: dict[str, Any] = tomllib.loads(PACKS[0].read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", PACKS, ids=lambda path: path.stem)
def test_every_pack_in_the_project_reads_and_says_where_its_numbers_come_from(path: Path) -> None:
    pack = arrival_pack(tomllib.loads(path.read_text(encoding="utf-8")))
    assert pack.valid_from.isoformat() == path.stem
    assert pack.version.endswith(path.stem)
    assert pack.source.strip()
    assert pack.status.strip()


def test_the_first_pack_has_the_figures_of_the_regulation() -> None:
    classes = arrival_pack(TABLE).classes
    assert {name: c.arrival_hours for name, c in classes.items()} == {"urgent": 24, "normal": 72}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("source"), "pack.source is missing"),
        (lambda t: t.update(colour="red"), "pack.colour is not a known key"),
        (lambda t: t["classes"]["urgent"].update(arrival_hours=0), "must be positive"),
        (lambda t: t["classes"]["urgent"].update(arrival_hours="24"), "must be int"),
        (lambda t: t["classes"]["urgent"].update(arrival_hours=True), "must be int"),
        (lambda t: t["classes"]["urgent"].update(minutes=1), "classes.urgent.minutes is not"),
        (lambda t: t.update(default_class="soon"), "unknown class 'soon'"),
        (lambda t: t["urgency"][1].update({"class": "soon"}), r"urgency\[1\].class names"),
        (lambda t: t["urgency"][0].update(faults="leak"), "must be a list of names"),
        (lambda t: t["work"][0].update(skills={"gas": -1}), "positive integers"),
        (lambda t: t["work"][0].update(service_s=-1), r"work\[0\].service_s must be positive"),
        (lambda t: t["work"].pop(), "must end with a rule for any product"),
    ],
)
def test_a_broken_pack_is_refused_with_the_path_of_the_key(change: Any, message: str) -> None:
    table = deepcopy(TABLE)
    change(table)
    with pytest.raises(RuleError, match=message):
        arrival_pack(table)


def test_the_pack_in_force_is_the_newest_that_has_begun() -> None:
    first = arrival_pack(TABLE)
    second = arrival_pack({**TABLE, "version": "later", "valid_from": date(2027, 3, 1)})
    packs = [second, first]
    assert pack_in_force(packs, date(2027, 2, 28)) is first
    assert pack_in_force(packs, date(2027, 3, 1)) is second
    with pytest.raises(LookupError, match="no arrival rules were in force"):
        pack_in_force(packs, date(2020, 1, 1))
