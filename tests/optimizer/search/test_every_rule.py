"""Every rule of the format, once where it bites and once where it does not.

A row names the rule, a day in which a technician could serve job J if it were not for the rule, and
the same day with the rule just kept. The search leaves J out of the first and serves it in the
second; the checker is asked about the second day's plan in the first day's problem, and names the
rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from optimizer.check import check
from optimizer.problem import UNREACHABLE, Break, Pin, Problem, Restock, Technician, Travel
from optimizer.search.engine import solve_with_search
from optimizer.solve import Stop
from tests.optimizer.search.small import (
    HOUR,
    STEP_S,
    day,
    person,
    planned,
    row,
    shift,
    visit,
    who_serves,
)

MIDNIGHT = 24 * HOUR
END = 2 * STEP_S + HOUR // 2  # there, half an hour, and back


@dataclass(frozen=True)
class Rule:
    """``broken`` and ``kept`` differ in the one fact the rule is about."""

    name: str
    violation: str
    broken: Problem
    kept: Problem


def one(
    name: str,
    violation: str,
    broken: dict[str, Any],
    kept: dict[str, Any],
    people: Callable[[], Sequence[Technician]] | None = None,
    **facts: Any,
) -> Rule:
    """A rule about what job J asks for."""

    def made(job: dict[str, Any]) -> Problem:
        return day([visit("J", 1, **job)], None if people is None else people(), **facts)

    return Rule(name, violation, made(broken), made(kept))


def of_people(
    name: str,
    violation: str,
    broken: Technician,
    kept: Technician,
    job: dict[str, Any] | None = None,
) -> Rule:
    """A rule about what the technician is, has or works."""
    jobs = [visit("J", 1, **(job or {}))]
    return Rule(name, violation, day(jobs, [broken]), day(jobs, [kept]))


def _cut(origin: int, target: int) -> Travel:
    durations = row().durations_s.copy()
    durations[origin, target] = UNREACHABLE
    return Travel(np.asarray(durations, np.int32))


def _two(name: str, violation: str, first: dict[str, Any], second: dict[str, Any]) -> Rule:
    """A rule between J and its predecessor K, which starts at one hour and ends at half past."""
    before = visit("K", 1, time_windows=((HOUR, HOUR),))
    return Rule(
        name,
        violation,
        day([before, visit("J", 1, after=("K",), **first)]),
        day([before, visit("J", 1, after=("K",), **second)]),
    )


def _limit(name: str, violation: str, few: dict[str, Any], enough: dict[str, Any]) -> Rule:
    """A limit of the shift that a dearer job K uses up."""
    jobs = [
        visit("J", 1, load=(1,), parts={"fan": 1}),
        visit("K", 1, load=(1,), parts={"fan": 1}, drop_penalty=9),
    ]
    room: dict[str, Any] = {"capacity": (2,)}
    stocks = [facts.pop("stock", {"fan": 2}) for facts in (few, enough)]
    people = [
        person(day=shift(**(room | facts)), stock=stock)
        for facts, stock in zip((few, enough), stocks, strict=True)
    ]
    return Rule(name, violation, day(jobs, [people[0]]), day(jobs, [people[1]]))


LADDER = frozenset({"ladder"})
LUNCH = Break("lunch", ((STEP_S, STEP_S),), HOUR)

RULES = [
    one("a window", "time_windows", {"time_windows": ((0, STEP_S - 1),)},
        {"time_windows": ((0, STEP_S - 1), (STEP_S, STEP_S))}),
    one("release", "release", {"release": 3 * HOUR, "time_windows": ((0, 2 * HOUR),)},
        {"release": 2 * HOUR, "time_windows": ((0, 2 * HOUR),)}),
    one("skill", "skills", {"skills": {"hv": 1}}, {}),
    one("level of a skill", "skills", {"skills": {"hv": 3}}, {"skills": {"hv": 2}},
        lambda: [person(skills={"hv": 2})]),
    one("equipment", "equipment", {"equipment": LADDER}, {}),
    of_people("equipment carried", "equipment", person(), person(equipment=LADDER),
              {"equipment": LADDER}),
    Rule("equipment from the depot", "reference", day([visit("J", 1, equipment=LADDER)]),
         day([visit("J", 1, equipment=LADDER)], restock=Restock(2))),
    of_people("parts", "stock", person(stock={"fan": 1}), person(stock={"fan": 2}),
              {"parts": {"fan": 2}}),
    _limit("parts of two jobs", "stock", {"stock": {"fan": 1}}, {}),
    _limit("load", "capacity", {"capacity": (1,)}, {}),
    _limit("most jobs", "max_jobs", {"max_jobs": 1}, {"max_jobs": 2}),
    one("allowed", "allowed", {"allowed": frozenset({"B"})}, {"allowed": frozenset({"A"})},
        lambda: [person("A"), person("B", shift(end=0))]),
    one("excluded", "allowed", {"excluded": frozenset({"A"})}, {"excluded": frozenset({"B"})},
        lambda: [person("A"), person("B", shift(end=0))]),
    one("pinned technician", "pinned", {"pinned": Pin("B")}, {"pinned": Pin("A")},
        lambda: [person("A"), person("B", shift(end=0))]),
    one("pinned shift", "pinned", {"pinned": Pin(shift="short")}, {"pinned": Pin(shift="day")},
        lambda: [person(day=[shift(), shift("short", start=9 * HOUR, end=9 * HOUR)])]),
    one("pinned start", "pinned", {"pinned": Pin(start=STEP_S - 1)}, {"pinned": Pin(start=STEP_S)}),
    of_people("end of the shift", "shift", person(day=shift(end=END - 1)),
              person(day=shift(end=END))),
    of_people("overtime", "shift", person(day=shift(end=END - 9, overtime_s=8)),
              person(day=shift(end=END - 9, overtime_s=9))),
    of_people("start of the shift", "shift", person(day=shift(start=1)), person(),
              {"time_windows": ((STEP_S, STEP_S),)}),
    of_people("a shift across midnight", "shift",
              person(day=shift(start=20 * HOUR, end=MIDNIGHT)),
              person(day=shift(start=20 * HOUR, end=MIDNIGHT + 2 * HOUR)),
              {"time_windows": ((MIDNIGHT, MIDNIGHT + HOUR),)}),
    of_people("an open end", "drive", person(day=shift(end=STEP_S + HOUR // 2)),
              person(day=shift(end=STEP_S + HOUR // 2, end_location=None))),
    of_people("a break", "break", person(day=shift(end=END, breaks=(LUNCH,))),
              person(day=shift(end=END))),
    of_people("service factor", "service", person(skills={"hv": 1}, day=shift(end=END),
                                                  service_factor={"hv": 1.1}),
              person(skills={"hv": 1}, day=shift(end=END)), {"skills": {"hv": 1}}),
    of_people("speed", "drive", person(day=shift(end=END), speed_factor=0.9),
              person(day=shift(end=END))),
    of_people("setup at a new place", "shift", person(day=shift(end=END + 299)),
              person(day=shift(end=END + 300)), {"setup_s": 300}),
    Rule("no way there", "reachable", day([visit("J", 1)], travel={"car": _cut(0, 1)}),
         day([visit("J", 1)], travel={"car": _cut(1, 2)})),
    Rule("no way back", "reachable", day([visit("J", 1)], travel={"car": _cut(1, 0)}),
         day([visit("J", 1)], travel={"car": _cut(2, 0)})),
    Rule("a slow profile", "drive",
         day([visit("J", 1, time_windows=((0, STEP_S),))], [person(profile="foot")],
             travel={"car": row(), "foot": row(step_s=STEP_S + 1)}),
         day([visit("J", 1, time_windows=((0, STEP_S),))], [person(profile="car")],
             travel={"car": row(), "foot": row(step_s=STEP_S + 1)})),
    one("a crew", "crew", {"crew": 3}, {"crew": 2}, lambda: [person("A"), person("B")]),
    _two("least gap", "after", {"min_gap_s": HOUR, "time_windows": ((0, 2 * HOUR),)},
         {"min_gap_s": HOUR // 2, "time_windows": ((0, 2 * HOUR),)}),
    _two("largest gap", "after", {"max_gap_s": HOUR, "time_windows": ((3 * HOUR, 4 * HOUR),)},
         {"max_gap_s": 2 * HOUR, "time_windows": ((3 * HOUR, 4 * HOUR),)}),
    _two("gap from the start", "after",
         {"max_gap_s": HOUR, "time_windows": ((9000, 9000),), "gap_from": "start"},
         {"max_gap_s": HOUR, "time_windows": ((9000, 9000),), "gap_from": "end"}),
]  # fmt: skip


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_search_leaves_out_what_the_rule_forbids_and_nothing_else(rule: Rule) -> None:
    assert "J" not in who_serves(planned(rule.broken))
    assert "J" in who_serves(planned(rule.kept))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_checker_names_the_rule_that_is_broken_and_no_rule_that_is_kept(rule: Rule) -> None:
    plan = replace(planned(rule.kept), goals={}, bounds={})
    assert check(rule.kept, plan).violations == ()
    named = {found.rule for found in check(rule.broken, plan).violations}
    assert rule.violation in named


@pytest.mark.parametrize(
    ("goal", "cheap", "dear"),
    [
        ("late", {"due": STEP_S}, {"due": STEP_S - 1}),
        ("preference", {"preferred": frozenset({"A"})}, {"preferred": frozenset({"B"})}),
        ("worst_late", {"due": STEP_S}, {"due": 0}),
        ("overtime", {"service_s": HOUR}, {"service_s": 8 * HOUR}),
        ("dropped", {"drop_penalty": 5}, {"drop_penalty": 5, "skills": {"hv": 1}}),
    ],
)
def test_a_goal_counts_what_it_is_about_and_nothing_else(
    goal: str, cheap: dict[str, Any], dear: dict[str, Any]
) -> None:
    people = [person("A", shift(overtime_s=2 * HOUR)), person("B", shift(end=0))]
    free, counted = (
        planned(
            day([visit("J", 1, **job)], people, f"dropped {goal}" if goal != "dropped" else goal)
        )
        for job in (cheap, dear)
    )
    assert free.goals[goal] == 0
    assert counted.goals[goal] > 0


@pytest.mark.parametrize("moved_s", [0, 900, 901])
def test_a_published_start_may_move_by_a_quarter_of_an_hour(moved_s: int) -> None:
    before = planned(day([visit("J", 1, time_windows=((STEP_S, STEP_S),))]))
    start = STEP_S + moved_s
    problem = day([visit("J", 1, time_windows=((start, start),))], published=before)
    assert planned(problem).goals["changes"] == (moved_s > 900)


@pytest.mark.parametrize(("line", "order"), [(None, "free"), (2 * HOUR, "kept")])
def test_what_starts_before_the_frozen_line_stays(line: int | None, order: str) -> None:
    first = planned(day([visit("J", 3)], [person("A"), person("B", shift(end=0))]))
    near = person("B", shift(start_location=3, end_location=3))
    again = day(
        [visit("J", 3)], [person("A"), near], "dropped travel", published=first, frozen_until=line
    )
    assert who_serves(planned(again)) == {"J": "A" if order == "kept" else "B"}


@pytest.mark.parametrize("seed", range(3))
def test_zero_iterations_still_give_a_valid_plan(seed: int) -> None:
    problem = day([visit(f"J{k}", 1 + k % 6) for k in range(6)])
    plan = solve_with_search(problem, Stop(iterations=0), seed=seed)
    assert check(problem, plan).violations == ()


@pytest.mark.parametrize("way", [(0, 5), (5, 0)])
def test_a_place_without_a_direct_way_from_home_is_reached_by_another(way: tuple[int, int]) -> None:
    """There is no drive between home and the far place, in one direction."""
    travel = row()
    travel.durations_s[way] = UNREACHABLE
    plan = planned(day([visit("near", 1), visit("far", 5)], travel={"car": travel}))
    assert set(who_serves(plan)) == {"near", "far"}
    alone = planned(day([visit("far", 5)], travel={"car": travel}))
    assert who_serves(alone) == {}
