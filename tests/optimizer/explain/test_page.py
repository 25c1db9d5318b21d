"""The page about explanations names every rule and every change, with the prices in the code."""

from __future__ import annotations

from pathlib import Path

from optimizer.explain import CHEAPNESS, RULES

PAGE = Path(__file__).parents[3] / "docs" / "concepts" / "why.md"


def test_every_rule_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [rule for rule in RULES if f"`{rule}`" not in text] == []


def test_the_table_of_changes_states_the_prices_that_are_used() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    stated = {}
    for line in lines:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and cells[0].strip("`") in CHEAPNESS:
            stated[cells[0].strip("`")] = (int(cells[1]), int(cells[2]))
    assert stated == dict(CHEAPNESS)
