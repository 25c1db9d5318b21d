import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.rules import arrival_pack
from domain.triage import triage

FILE = Path(__file__).parents[2] / "config" / "rules" / "arrival" / "2026-01-01.toml"
PACK = arrival_pack(tomllib.loads(FILE.read_text(encoding="utf-8")))
MONDAY = datetime(2026, 11, 23, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("product", "fault", "arrival_class", "rule"),
    [
        ("boiler", "gas-smell", "urgent", "danger"),
        ("toaster", "smoke", "urgent", "danger"),
        ("washer", "leak", "urgent", "water-damage"),
        ("fridge", "not-cooling", "urgent", "food-spoils"),
        ("aircon", "not-cooling", "normal", "default"),
        ("heater", "no-heat", "urgent", "no-heat-or-hot-water"),
        ("tv", "no-picture", "normal", "default"),
    ],
)
def test_urgency_follows_the_pack(product: str, fault: str, arrival_class: str, rule: str) -> None:
    decision = triage(product, fault, MONDAY, PACK)
    assert (decision.arrival_class, decision.rule) == (arrival_class, rule)
    hours = {"urgent": 24, "normal": 72}[arrival_class]
    assert decision.clock.due_at == MONDAY + timedelta(hours=hours)


def test_the_work_of_a_known_fault_is_known() -> None:
    decision = triage("boiler", "gas-smell", MONDAY, PACK)
    assert decision.skills == {"gas": 2}
    assert decision.parts == {"GAS-VALVE": 1}
    assert decision.service_s == 3000


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_report_gets_a_class_a_clock_and_work(product: str, fault: str) -> None:
    decision = triage(product, fault, MONDAY, PACK)
    assert decision.arrival_class in PACK.classes
    assert decision.service_s > 0
    assert decision.rule_version == PACK.version


@given(st.sampled_from(["fridge", "tv", "boiler"]), st.sampled_from(["not-cooling", "leak", "x"]))
def test_a_decision_can_be_replayed(product: str, fault: str) -> None:
    assert triage(product, fault, MONDAY, PACK) == triage(product, fault, MONDAY, PACK)
