"""Staffing: the fewest heads that meet the targets, with their skills, or one clear sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from network.simulate import read_scenario, screen, simulate
from network.staffing import CannotStaff, staff
from tests.network.simulate.conftest import small


def weeks(**more: Any) -> Any:
    return read_scenario({**small(), "days": 28, **more})


def test_what_it_proposes_meets_the_targets_and_one_fewer_did_not() -> None:
    answer = staff(weeks(), mode="screening", replications=3)
    tried = {heads: met for heads, met, _ in answer.tried}
    assert tried[answer.heads]
    assert not tried[answer.heads - 1]
    assert answer.scenario.heads == answer.heads
    held_out = screen(answer.scenario, replications=12, seed=99)
    assert held_out.share("urgent") >= 0.95
    assert held_out.share("normal") >= 0.98


def test_the_full_mode_decides_within_the_targets() -> None:
    answer = staff(read_scenario(small()), mode="full", replications=2, processes=1)
    assert answer.mode == "full"
    assert answer.outcome.mode == "full"
    again = simulate(answer.scenario, replications=2, processes=1)
    assert again.share("normal") == answer.outcome.share("normal")


def test_the_mix_follows_the_skills_that_are_asked_for() -> None:
    raw = small()
    raw["demand"]["per_day"] = 60
    raw["technicians"] = [
        {"id": "W", "outlet": "o1", "roster": "day", "skills": {"washer": 1}, "heads": 5},
        {"id": "F", "outlet": "o1", "roster": "day", "skills": {"fridge": 1}, "heads": 5},
    ]
    answer = staff(read_scenario(raw), mode="screening", replications=2)
    heads = {group.id: group.heads for group in answer.scenario.groups}
    assert heads["F"] > 2 * heads["W"]  # four faults in five are fridges


def test_outlets_that_are_not_named_keep_their_people() -> None:
    raw = small()
    raw["demand"]["per_day"] = 45
    answer = staff(read_scenario(raw), outlets=["o2"], mode="screening", replications=2)
    heads = {group.id: group.heads for group in answer.scenario.groups}
    assert heads["A"] == 3
    assert heads["B"] == answer.movable > 0


def test_a_target_above_the_ceiling_is_named_with_what_lifts_it() -> None:
    raw = {**small(), "days": 28}
    raw["rosters"] = {"day": raw["rosters"]["day"][:1]}
    answer = staff(read_scenario(raw), mode="screening", replications=2)
    assert len(answer.out_of_reach) == 1
    sentence = answer.out_of_reach[0]
    assert "whatever the head count" in sentence
    assert "duty roster" in sentence
    assert answer.goals["urgent"] < 0.95


def test_nobody_able_and_unknown_outlets_are_one_sentence() -> None:
    scenario = weeks()
    with pytest.raises(CannotStaff, match="no outlet 'o7'"):
        staff(scenario, outlets=["o7"], mode="screening")
    low = tuple(replace(group, skills={"washer": 1}) for group in scenario.groups)
    with pytest.raises(CannotStaff, match="fridge 1"):
        staff(replace(scenario, groups=low), mode="screening")
    with pytest.raises(CannotStaff, match="at least 2"):
        staff(scenario, replications=1)
