from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.incentives import (
    Fact,
    IncentiveError,
    IncentiveRules,
    difference,
    entries,
    incentive_rules,
)

ROOT = Path(__file__).resolve().parents[2]
AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


def own_rules() -> IncentiveRules:
    text = (ROOT / "config/incentives/2026-01-01.toml").read_text(encoding="utf-8")
    return incentive_rules(tomllib.loads(text))


def done(fact_id: str = "job-1", day: date = date(2026, 3, 2), **values: Any) -> Fact:
    told = {"number": 7, "class": "urgent", "in_time": True} | values
    return Fact(fact_id, "job_done", "T1", AT, day, told)


def test_an_urgent_arrival_in_time_is_rewarded_with_its_reason() -> None:
    (entry,) = entries([own_rules()], [done()])
    assert (entry.technician, entry.fen, entry.points) == ("T1", 1500, 2)
    assert entry.explanation["en"] == "Job 7: urgent, at the door in time"
    assert entry.explanation["zh"].startswith("工单 7")


def test_one_record_makes_one_entry_however_often_it_is_read() -> None:
    assert entries([own_rules()], [done(), done()]) == entries([own_rules()], [done()])


def test_before_any_rules_nothing_counts() -> None:
    assert entries([own_rules()], [done(day=date(2025, 12, 31))]) == ()


def test_the_rules_of_the_day_count() -> None:
    first = own_rules()
    dearer = replace(first.rules[0], fen=9000)
    later = replace(first, version="2", valid_from=date(2026, 3, 1), rules=(dearer,))
    (entry,) = entries([later, first], [done()])
    assert (entry.fen, entry.rules_version) == (9000, "2")


def test_a_granted_appeal_takes_its_entry_back_and_no_other() -> None:
    late = done("job-2", in_time=False, **{"class": "normal"})
    (entry,) = entries([own_rules()], [late])
    appeal = Fact("appeal-1", "appeal_granted", "T1", AT, AT.date(), {"entry": entry.id})
    found = entries([own_rules()], [late, done(), appeal])
    assert sum(each.points for each in found) == 2
    (back,) = [each for each in found if each.takes_back]
    assert (back.takes_back, back.points) == (entry.id, 2)


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=20))
def test_a_replay_in_any_order_is_the_same_ledger(drawn: list[tuple[int, bool]]) -> None:
    facts = list({n: done(f"job-{n}", number=n, in_time=ok) for n, ok in drawn}.values())
    forth = entries([own_rules()], facts)
    back = entries([own_rules()], facts[::-1])
    assert forth == back
    assert difference(forth, back).equal


def test_a_line_somebody_wrote_by_hand_is_found() -> None:
    true = entries([own_rules()], [done()])
    forged = (replace(true[0], fen=150_000), replace(true[0], id="x"))
    found = difference(forged, true)
    assert [entry.id for entry in found.unfounded] == ["x"]
    assert [pair[0].fen for pair in found.changed] == [150_000]
    assert not found.equal


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"when": "full_moon"}, "when must be one of"),
        ({"fen": 0}, "must give fen or points"),
        ({"fen": 1.5}, "whole numbers"),
        ({"bonus": 1}, "unknown key 'bonus'"),
        ({"en": ""}, "en must be text"),
    ],
)
def test_a_rule_that_does_not_fit_names_the_key(change: dict[str, Any], words: str) -> None:
    row = {"id": "a", "when": "survey", "fen": 1, "en": "a", "zh": "a"} | change
    with pytest.raises(IncentiveError, match=words):
        incentive_rules({"version": "1", "valid_from": date(2026, 1, 1), "rules": [row]})
