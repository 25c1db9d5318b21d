"""``why`` against the slow, obvious way: time every insertion anew and ask the checker."""

from __future__ import annotations

import pytest

from optimizer.check import check
from optimizer.explain import RULES, why
from optimizer.explain.placing import named_goals, rank
from tests.optimizer.explain.instances import greedy_plan, random_problem, routes_with


@pytest.mark.parametrize("block", range(10))
def test_why_agrees_with_timing_every_insertion_and_asking_the_checker(block: int) -> None:
    can = cannot = 0
    for seed in range(block * 20, block * 20 + 20):
        problem = random_problem(seed)
        plan = greedy_plan(problem, seed)
        assert not check(problem, plan).violations
        for entry in plan.unassigned:
            for technician in problem.technicians:
                answer = why(problem, plan, entry.job, technician.id)
                slow = routes_with(problem, plan, entry.job, technician.id)
                assert answer.can == bool(slow), (seed, entry.job, technician.id, answer)
                if not slow:
                    cannot += 1
                    assert answer.rules
                    assert {reason.rule for reason in answer.rules} <= set(RULES)
                    continue
                can += 1
                best = min(rank(named_goals(problem, tried)) for _, _, tried in slow)
                assert answer.placement is not None
                assert rank(answer.placement.goals) == best, (seed, entry.job)
    assert can > 10
    assert cannot > 10
