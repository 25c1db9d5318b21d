"""Which compiled loop searches a problem: the general one, or the short cut for plain problems."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter
from typing import Any

from optimizer.search import anneal as general
from optimizer.search.arrays import Compiled
from optimizer.search.plain import anneal as plain
from optimizer.search.plain.arrays import (
    MOST_POOLED,
    empty_routes,
    is_plain,
    plain_instance,
    plain_solution,
    plain_worker,
)
from optimizer.search.plain.pool import Pool
from optimizer.search.polish import polish
from optimizer.search.state import new_solution, new_worker

MOVES_STRETCHES = 10.0
"""Visits a ruin takes in the plain loop, and where waiting or hours cost: whole stretches move."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """A solution and the compiled functions that work on it; each takes a worker first."""

    solution: Any
    new_worker: Callable[[int, int], Any]
    begin_part: Callable[..., None]
    insert_all: Callable[..., None]
    lay_routes: Callable[..., None]
    anneal: Callable[..., None]
    polish: Callable[[Any, int], bool] | None = None
    clear: Callable[[], None] | None = None
    pool_of: Callable[[Any], Pool] | None = None
    mean_removed: float = 6.0
    """How many visits a ruin takes on average; few where rules make each of them cost time."""


def kernel_for(compiled: Compiled, short_cut: bool = True) -> Kernel:
    """The fastest loop that knows every rule of the problem."""
    if short_cut and is_plain(compiled):
        solution: Any = plain_solution(compiled)
        kernel = _bound(plain, plain_instance(compiled), solution, partial(plain_worker, compiled))
        clear = partial(empty_routes, compiled, solution)
        pool_of = attrgetter("pool") if compiled.arrays.n <= MOST_POOLED else None
        return replace(kernel, clear=clear, pool_of=pool_of, mean_removed=MOVES_STRETCHES)
    solution = new_solution(compiled)
    general.clear_all(compiled.arrays, solution)
    kernel = _bound(general, compiled.arrays, solution, partial(new_worker, compiled))
    removed = MOVES_STRETCHES if compiled.arrays.short_days else kernel.mean_removed
    return replace(kernel, polish=partial(polish, compiled, solution), mean_removed=removed)


def _bound(loop: Any, instance: Any, solution: Any, worker: Callable[[int, int], Any]) -> Kernel:
    functions = (loop.begin_part, loop.insert_all, loop.lay_routes, loop.anneal)
    begin, insert, lay, anneal = (partial(f, instance, solution) for f in functions)
    return Kernel(solution, worker, begin, insert, lay, anneal)
