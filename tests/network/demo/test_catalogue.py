"""The demo's faults and the arrival rules that ship agree: triage says what the catalogue says."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.rules import arrival_pack, pack_in_force
from domain.triage import triage
from network.demo.catalogue import FAULTS, SKILLS, FaultKind

RULES = Path(__file__).parents[3] / "config" / "rules" / "arrival"
REPORTED = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize("kind", FAULTS, ids=lambda kind: f"{kind.product} {kind.code}")
def test_triage_says_what_the_catalogue_says(kind: FaultKind) -> None:
    packs = [arrival_pack(tomllib.loads(path.read_text("utf-8"))) for path in RULES.glob("*.toml")]
    decision = triage(kind.product, kind.code, REPORTED, pack_in_force(packs, REPORTED.date()))
    assert (decision.arrival_class == "urgent") == kind.urgent
    assert dict(decision.skills) == dict(kind.skills)
    assert dict(decision.parts) == dict.fromkeys(kind.parts, 1)
    assert decision.service_s == kind.service_s


def test_a_product_and_code_name_one_fault_and_skills_are_known() -> None:
    assert len({(kind.product, kind.code) for kind in FAULTS}) == len(FAULTS)
    assert {skill for kind in FAULTS for skill, _ in kind.skills} == set(SKILLS)
