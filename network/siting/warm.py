"""Compiles the loops on a toy problem, so that no search mistakes compiling for searching."""

from __future__ import annotations

from functools import cache

import numpy as np

from network.siting.countdown import Countdown
from network.siting.dominance import _dominated
from network.siting.instance import Choice, Instance, columns_of, count_rows
from network.siting.problem import Stop
from network.siting.search import Search


@cache
def warm_up() -> None:
    """Run every compiled loop of the search once; seconds the first time ever, then nothing."""
    sites = 3
    near = np.array([[True, True, False], [False, True, True]])
    rows = count_rows(near, np.ones(2), np.full(2, -1, np.int32), np.zeros(2), 1)
    choice = Choice(np.zeros(sites), np.zeros((1, sites)), np.array([np.inf]), 1, 1, np.zeros(0))
    instance = Instance(rows, columns_of(rows, sites), choice, False, True)
    countdown = Countdown(Stop(iterations=10, seconds=1e9), lambda: 0.0)
    search = Search(instance, np.zeros(sites, np.int8), lambda _: 1.0, countdown, 1)
    _dominated(
        instance.columns.start, instance.columns.row, rows.start, rows.site,
        np.zeros((sites, 1), np.uint64), np.zeros(sites, np.int8),
    )  # fmt: skip
    found = search.begin(*search.first_plan())
    search.raise_bound(found, 2, 0.0)
    search.better_plan(found)
    search.shake(found, 1)
