"""The generator of technician-shaped days."""

from __future__ import annotations

import numpy as np
import pytest

from bench.days import (
    DAY_S,
    SKILLS,
    URGENT_BY_S,
    DayShape,
    day_problem,
    euclidean_s,
    places,
    shape,
)
from bench.peers.plain import Inexpressible, flatten
from optimizer.formats import problem_from_json, problem_to_json


def test_the_same_shape_and_seed_give_the_same_problem() -> None:
    first, again = (day_problem(shape("clustered", "60x10x2d", seed=7)) for _ in range(2))
    assert problem_to_json(first) == problem_to_json(again)


def test_another_seed_gives_another_problem() -> None:
    first, other = (day_problem(shape("clustered", "60x10x2d", seed=seed)) for seed in (7, 8))
    assert problem_to_json(first) != problem_to_json(other)


@pytest.mark.parametrize("pattern", ["clustered", "scattered"])
@pytest.mark.parametrize("breaks", [False, True])
def test_a_day_is_a_valid_problem(pattern: str, breaks: bool) -> None:
    form = DayShape("clustered" if pattern == "clustered" else "scattered", 80, 10, 2, breaks)
    document = problem_to_json(day_problem(form))
    assert problem_to_json(problem_from_json(document)) == document


def test_a_day_has_the_shares_that_its_description_states() -> None:
    problem = day_problem(shape("scattered", "2000x200x2d"))
    urgent = [job for job in problem.jobs if job.job_class == "urgent"]
    appointed = [job for job in problem.jobs if job.time_windows[0][0] > 0]
    work = sum(job.service_s for job in problem.jobs)
    assert 0.12 < len(urgent) / 2000 < 0.18
    assert 0.31 < len(appointed) / 2000 < 0.39
    assert work / 2000 == pytest.approx(44 * 60, rel=0.03)


def test_urgent_visits_start_on_the_first_day_and_all_within_the_horizon() -> None:
    problem = day_problem(shape("clustered", "300x40x2d"))
    for job in problem.jobs:
        latest = URGENT_BY_S if job.job_class == "urgent" else 2 * DAY_S
        assert all(closes <= latest for _, closes in job.time_windows)


def test_every_skill_is_held_by_two_technicians_even_in_a_small_team() -> None:
    for seed in range(20):
        problem = day_problem(shape("clustered", "20x3x1d", seed=seed))
        for skill in SKILLS:
            assert sum(skill in who.skills for who in problem.technicians) >= 2


def test_clustered_places_lie_closer_to_each_other_than_scattered_ones() -> None:
    def nearest_m(pattern: str) -> float:
        form = DayShape("clustered" if pattern == "clustered" else "scattered", 400, 40)
        points = places(form, np.random.default_rng(1))
        gaps = np.hypot(*(points[:, None, :] - points[None, :, :]).transpose(2, 0, 1))
        np.fill_diagonal(gaps, np.inf)
        return float(np.median(gaps.min(axis=1)))

    assert nearest_m("clustered") < 0.8 * nearest_m("scattered")


def test_ten_kilometres_take_what_forty_an_hour_with_detours_take() -> None:
    durations = euclidean_s(np.array([[0.0, 0.0], [10_000.0, 0.0]]))
    assert durations.tolist() == [[0, 1170], [1170, 0]]


@pytest.mark.parametrize("size", ["300x40", "0x4x1d", "x", "300x40x1"])
def test_a_size_that_is_none_is_refused_by_name(size: str) -> None:
    with pytest.raises(ValueError, match=size):
        shape("clustered", size)


def test_a_day_with_breaks_is_for_our_engine_alone() -> None:
    with pytest.raises(Inexpressible, match=r"goals|breaks"):
        flatten(day_problem(shape("clustered", "20x4x1d", breaks=True)))
