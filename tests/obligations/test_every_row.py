"""Every row of the table of obligations has a test that is named after it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROWS = {
    "1_1_phone": "answer the phone in time",
    "1_1_arrival": "urgent fault: at the door within 24 h; anything else within 72 h",
    "1_1_triage": "triage decides urgency and can be replayed",
    "1_1_exceptions": "honest exceptions",
    "1_2_trained": "trained, competent",
    "1_2_courtesy": "courtesy",
    "1_2_solves": "solves the problem",
    "1_2_follow_up": "follow-up and improvement",
    "1_3_know": "right to know",
    "1_3_choose": "right to choose",
    "1_3_fees": "transparent, fair fees",
    "1_3_complaints": "complaints, disputes",
    "2_1_outlets": "outlets where sales and consumers are",
    "2_1_people": "enough people, right skills",
    "2_1_equipment": "equipment renewed, maintained",
    "2_2_intake": "intake by phone, web, in person",
    "2_2_recorded": "recorded and assigned automatically",
    "2_2_set_process": "set process",
    "2_2_monitoring": "monitoring",
    "2_2_key_records": "feedback and key records",
    "2_3_internal": "internal inspection",
    "2_3_third_party": "third-party assessment",
    "2_3_satisfaction": "satisfaction, complaint mining",
    "2_3_rewards": "rewards and penalties",
    "3_1": "standards, subsidies, funds",
    "3_2": "franchise and public-private outlets, purchased service",
    "3_3": "several parties consult",
    "3_4": "law",
}


def cases_in(folder: Path) -> set[str]:
    """Names of the test functions of a folder."""
    return {
        node.name
        for path in sorted(folder.glob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


@pytest.mark.parametrize("row", ROWS)
def test_a_row_has_a_test_that_is_named_after_it(row: str) -> None:
    named = {name for name in cases_in(Path(__file__).parent) if name.startswith(f"test_{row}_")}
    assert named, f"no test shows row {row}: {ROWS[row]}"


def test_a_row_without_a_test_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text("def test_1_1_phone_rings() -> None: ...\n")
    assert cases_in(tmp_path) == {"test_1_1_phone_rings"}
