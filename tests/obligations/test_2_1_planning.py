"""Row 2.1: outlets where consumers are, and enough people with the right skills."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from flask.testing import FlaskClient

from api.access import V1
from network.scenarios import read_question
from network.siting import Candidate, DemandPoint, Model, SitingProblem, Stop, solve
from tests.api.plans_ahead import answered, order
from tests.api.world import World


@pytest.mark.parametrize("model", [Model.P_MEDIAN, Model.COVERAGE, Model.P_CENTER])
def test_2_1_outlets_stand_where_no_other_choice_is_better_and_the_bound_says_so(
    model: Model,
) -> None:
    random = np.random.default_rng(20)
    cost = random.integers(60, 3600, (30, 9)).astype(float)
    weight = random.integers(1, 50, 30).astype(float)
    answer = solve(
        SitingProblem(
            model,
            tuple(DemandPoint(f"d{i}", weight[i]) for i in range(30)),
            tuple(Candidate(f"s{j}") for j in range(9)),
            cost,
            p=3,
            radius=900.0,
            stop=Stop(iterations=5000, seconds=60),
        )
    )

    def worth(chosen: tuple[int, ...]) -> float:
        nearest = cost[:, chosen].min(axis=1)
        if model is Model.P_MEDIAN:
            return float(weight @ nearest)
        return (
            float(nearest.max())
            if model is Model.P_CENTER
            else -float(weight[nearest <= 900].sum())
        )

    best = min(worth(chosen) for chosen in combinations(range(9), 3))
    sign = -1.0 if model is Model.COVERAGE else 1.0
    assert answer.objective == answer.bound == sign * best


def test_2_1_outlets_of_a_planner_are_the_best_pair_by_road(
    world: World, planner: FlaskClient
) -> None:
    sent = order("two outlets", siting={"new_outlets": 2}, staffing={"heads": 3})
    found = answered(world, planner, sent)
    question = read_question(planner.get(f"{V1}/scenarios/{found['id']}/question").get_json())
    assert question.travel.source == "osrm"
    seconds = question.seconds_to_points()
    means = {
        pair: float(seconds[:, [0, 1, *(2 + k for k in pair)]].min(axis=1).sum())
        for pair in combinations(range(3), 2)
    }
    best = min(means, key=lambda pair: means[pair])
    opened = {one["id"] for one in found["answer"]["outlets"] if one["status"] == "new"}
    assert opened == {question.candidates[k].id for k in best}
    assert found["answer"]["sites"]["gap"] == 0.0


def test_2_1_people_who_are_proposed_arrive_in_time_and_one_fewer_would_not(
    world: World, planner: FlaskClient
) -> None:
    sent = order("enough people", staffing={"heads": None})
    sent["document"]["days"] = 14
    sent["document"]["demand"]["per_day"] = 90
    found = answered(world, planner, sent, replications=6)
    answer = found["answer"]
    for name, figures in answer["after"]["classes"].items():
        # Other futures than those the head count was chosen on.
        assert figures["in_time"]["value"] >= figures["target"], name
    tried = {one["heads"]: one["met"] for one in answer["staffing"]["tried"]}
    assert tried[answer["staffing"]["heads"]] and not tried[answer["staffing"]["heads"] - 1]
    held = {skill for post in answer["posts"] for skill in post["skills"]}
    assert held == {"washer", "fridge"}
