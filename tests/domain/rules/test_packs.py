from __future__ import annotations

import tomllib
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from domain.rules import Rulebook, RuleError, Status, lineage, rule_pack

RULES = Path(__file__).parents[3] / "config" / "rules"
FILES = sorted(path for path in RULES.rglob("*.toml") if path.parent.name != "arrival")
TABLE: dict[str, Any] = {
    "version": "c-1",
    "law": "complaint",
    "title": "Order",
    "place": "CN",
    "valid_from": date(2020, 1, 1),
    "source": "a source",
    "status": "confirmed",
    "clauses": {
        "accept_within": {"value": 7, "unit": "working_days"},
        "conclude_within": {"value": 45, "unit": "working_days", "status": "unconfirmed"},
    },
}


def table(**changes: Any) -> dict[str, Any]:
    return deepcopy(TABLE) | changes


def book() -> Rulebook:
    return Rulebook(rule_pack(tomllib.loads(p.read_text(encoding="utf-8"))) for p in FILES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(RULES)))
def test_every_pack_stands_where_its_law_and_place_say(path: Path) -> None:
    pack = rule_pack(tomllib.loads(path.read_text(encoding="utf-8")))
    assert path.relative_to(RULES).parts[:2] == (pack.law, pack.place)
    assert path.stem.startswith(pack.valid_from.isoformat())
    assert len(pack.source) > 20


@pytest.mark.parametrize(
    ("law", "place", "key", "value", "unit"),
    [
        ("three-guarantees", "CN", "return_within", 7, "days"),
        ("three-guarantees", "CN", "exchange_within", 15, "days"),
        ("three-guarantees", "CN", "repairs_until_exchange", 2, "count"),
        ("three-guarantees", "CN", "parts_wait", 90, "days"),
        ("three-guarantees", "CN", "repairer_fault", 30, "days"),
        ("three-guarantees", "CN-ZJ", "total_repair", 35, "days"),
        ("three-guarantees", "CN-SD", "unrepaired", 30, "days"),
        ("repair", "CN-ZJ", "loaner_after", 5, "days"),
        ("repair", "CN-SD", "delay_after", 15, "days"),
        ("complaint", "CN", "conclude_within", 60, "days"),
        ("evidence", "CN", "keep_records", 3, "years"),
        ("evidence", "CN", "operator_bears_proof", 6, "months"),
        ("quality-standard", "CN", "passes", 70, "points"),
    ],
)
def test_the_packs_say_the_numbers_that_were_read(
    law: str, place: str, key: str, value: int, unit: str
) -> None:
    ruling = book().rules(law, place, date(2026, 11, 24)).get(key)
    assert ruling is not None
    assert (ruling.value, ruling.unit) == (value, unit)


def test_a_province_keeps_what_the_country_says_and_adds_its_own() -> None:
    rules = book().rules("three-guarantees", "CN-ZJ-3301", date(2026, 11, 24))
    return_within, total = rules.get("return_within"), rules.get("total_repair")
    assert return_within is not None and return_within.place == "CN"
    assert total is not None and total.place == "CN-ZJ"
    assert rules.get("unrepaired") is None, "Shandong's rule does not hold in Zhejiang"


def test_computers_have_rules_of_their_own() -> None:
    general = book().rules("three-guarantees", "CN", date(2026, 11, 24), "fridge")
    computer = book().rules("three-guarantees", "CN", date(2026, 11, 24), "computer")
    assert general.get("warranty") is None
    warranty = computer.get("warranty")
    assert warranty is not None and warranty.number == 12


def test_the_day_decides_between_order_20_and_order_121() -> None:
    before = book().rules("complaint", "CN", date(2026, 4, 14)).get("conclude_within")
    since = book().rules("complaint", "CN", date(2026, 4, 15)).get("conclude_within")
    assert before is not None and (before.number, before.unit) == (45, "working_days")
    assert since is not None and (since.number, since.unit) == (60, "days")


def test_what_nobody_has_checked_says_so() -> None:
    rules = book().rules("complaint", "CN", date(2026, 11, 24))
    accept = rules.get("accept_within")
    assert accept is not None and accept.status is Status.UNCONFIRMED
    assert any(line.status is Status.UNCONFIRMED for line in rules.trace)


def operators(value: int) -> Rulebook:
    own = table(version="own", place="operator", clauses={})
    own["clauses"] = {"accept_within": {"value": value, "unit": "working_days"}}
    return Rulebook([rule_pack(TABLE), rule_pack(own)])


def test_an_operator_may_promise_more_than_the_law_and_not_less() -> None:
    kinder = operators(3).rules("complaint", "CN", date(2026, 1, 1)).get("accept_within")
    assert kinder is not None and (kinder.number, kinder.version) == (3, "own")
    rules = operators(9).rules("complaint", "CN", date(2026, 1, 1))
    law = rules.get("accept_within")
    assert law is not None and (law.number, law.version) == (7, "c-1")
    assert any("worse for the consumer" in line.text for line in rules.trace)


def test_a_pack_that_has_ended_holds_no_more() -> None:
    ended = rule_pack(table(valid_until=date(2021, 1, 1)))
    assert Rulebook([ended]).rules("complaint", "CN", date(2021, 1, 1)).rulings == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("source"), "pack.source must be text"),
        (lambda t: t.update(law="traffic"), "pack.law names the unknown law 'traffic'"),
        (lambda t: t.update(place="zj"), "pack.place must be like"),
        (lambda t: t.update(colour=1), "pack.colour is not a known key"),
        (lambda t: t.update(valid_from="2020-01-01"), "pack.valid_from must be a date"),
        (lambda t: t.update(valid_until=date(2019, 1, 1)), "pack.valid_until must lie after"),
        (lambda t: t.update(status="sure"), "pack.status must be confirmed or unconfirmed"),
        (lambda t: t.update(products="computer"), "pack.products must be a list"),
        (lambda t: t.update(clauses={}), "pack.clauses must be a table"),
        (lambda t: t["clauses"].update(acept={"value": 1}), "pack.clauses.acept is not a clause"),
        (lambda t: t["clauses"]["accept_within"].pop("unit"), "accept_within.unit is missing"),
        (lambda t: t["clauses"]["accept_within"].update(unit="years"), "accept_within.unit must"),
        (lambda t: t["clauses"]["accept_within"].update(value=0), "accept_within.value must be a"),
        (lambda t: t["clauses"]["accept_within"].update(value=True), "accept_within.value must"),
        (lambda t: t["clauses"]["accept_within"].pop("value"), "accept_within.value is missing"),
        (lambda t: t["clauses"]["accept_within"].update(note2=""), "accept_within.note2 is not"),
        (
            lambda t: t["clauses"].update(testing_excluded={"value": 1}),
            "testing_excluded.value must be true or false",
        ),
    ],
)
def test_a_broken_pack_is_refused_with_the_path_of_the_key(change: Any, message: str) -> None:
    broken = table()
    change(broken)
    with pytest.raises(RuleError, match=message):
        rule_pack(broken)


def test_two_packs_may_not_claim_one_day() -> None:
    with pytest.raises(RuleError, match="two packs say"):
        Rulebook([rule_pack(TABLE), rule_pack(table(version="c-2"))])


def test_a_place_is_a_path_and_nothing_else() -> None:
    assert lineage("CN-ZJ-3301") == ("CN", "CN-ZJ", "CN-ZJ-3301", "operator")
    with pytest.raises(RuleError, match="place 'China'"):
        lineage("China")
