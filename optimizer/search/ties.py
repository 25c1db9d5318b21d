"""Which visits hang together, and what that leaves of their windows, worked out beforehand."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.problem import Job, Problem
from optimizer.search.layout import EARLIEST, FAR, LATEST, SETUP
from optimizer.search.pairs import AFTER_END, AFTER_START, SAME_START

PASSES = 20  # a bound travels one relation or more per pass


class Links(NamedTuple):
    """Groups of linked tasks (predecessors first) and, per task, its relations to others.

    A relation of task t to ``other`` bounds start(t) − start(other) (SAME_START, AFTER_START) or
    start(t) − end(other) (AFTER_END) to [least, most].
    """

    group: NDArray[np.int64]
    group_from: NDArray[np.int64]
    group_task: NDArray[np.int64]
    relation_from: NDArray[np.int64]
    relation_other: NDArray[np.int64]
    relation_kind: NDArray[np.int64]
    relation_least: NDArray[np.int64]
    relation_most: NDArray[np.int64]


def find_links(
    problem: Problem,
    tasks: tuple[Job, ...],
    task_of: dict[str, list[int]],
    choices: Sequence[int],
    hopeless: Collection[str] = (),
) -> Links:
    """Collect relations and the groups they tie together.

    ``choices`` are shifts that fit a task; nobody waits for ``hopeless`` jobs.
    """
    n = len(tasks)
    relations: list[list[tuple[int, int, int, int]]] = [[] for _ in range(n)]
    ties: list[tuple[int, int]] = []
    for job in problem.jobs:
        if job.id in hopeless:
            continue
        own = task_of[job.id]
        halves = own + [t for other in job.together for t in task_of.get(other, ())]
        for a in halves if len(halves) > 1 else ():
            for b in halves:
                if a != b and (b, SAME_START, 0, 0) not in relations[a]:
                    relations[a].append((b, SAME_START, 0, 0))
                    ties.append((a, b))
        for before in job.after:
            kind = AFTER_END if job.gap_from == "end" else AFTER_START
            most = FAR if job.max_gap_s is None else job.max_gap_s
            for t in own:
                for other in task_of.get(before, ()):
                    relations[t].append((other, kind, job.min_gap_s, most))
                    ties.append((t, other))
    group = _groups(n, ties)
    order = _topological(n, relations, choices)
    members: dict[int, list[int]] = {}
    for t in order:
        if group[t] >= 0:
            members.setdefault(int(group[t]), []).append(t)
    group_from, group_task = [0], []
    for g in range(len(members)):
        group_task += members[g]
        group_from.append(len(group_task))
    relation_from = np.zeros(n + 1, np.int64)
    np.cumsum([len(row) for row in relations], out=relation_from[1:])
    flat = np.array([entry for row in relations for entry in row], np.int64).reshape(-1, 4)
    return Links(
        group,
        np.array(group_from, np.int64),
        np.array(group_task, np.int64),
        relation_from,
        *(np.ascontiguousarray(flat[:, k]) for k in range(4)),
    )


def hopeless_jobs(
    problem: Problem,
    task_of: dict[str, list[int]],
    fits: NDArray[np.uint8],
    task: NDArray[np.int64],
    locked: NDArray[np.uint8],
) -> set[str]:
    """Jobs that nobody can ever do, or that need such a job: those beside them are placed alone.

    ``task`` has the windows as far as what comes before each visit leaves them.
    """
    late = task[: len(fits), EARLIEST] > task[: len(fits), LATEST]
    never = (late | ~(fits > 0).any(axis=1)) & (locked == 0)
    out: set[str] = set()
    fresh = {job.id for job in problem.jobs if never[task_of[job.id]].any()}
    while fresh:
        out |= fresh
        mates = {name for job in problem.jobs if job.id in fresh for name in job.together}
        fresh = {
            job.id
            for job in problem.jobs
            if job.id in mates or not out.isdisjoint(job.after) or not out.isdisjoint(job.together)
        } - out
    return {name for name in out if not locked[task_of[name]].any()}


def narrow_windows(
    links: Links,
    task: NDArray[np.int64],
    service: NDArray[np.int32],
    locked: NDArray[np.uint8],
    *,
    for_successors: bool = True,
) -> None:
    """Narrow the windows of linked visits, in place, to what their relations leave at best.

    So a predecessor does not start so early that the largest gap ends before its successor opens;
    not ``for_successors``, where these may be left out. The loosest durations count: nothing that
    could be planned is lost.
    """
    tasks = [int(t) for t in links.group_task]
    shortest, longest = service.min(axis=0), service.max(axis=0)
    for _ in range(PASSES):
        changed = False
        for t in tasks:
            for x in range(links.relation_from[t], links.relation_from[t + 1]):
                other, kind = int(links.relation_other[x]), int(links.relation_kind[x])
                least, most = int(links.relation_least[x]), int(links.relation_most[x])
                if kind == AFTER_END:
                    least += int(shortest[other])
                    most += int(longest[other]) + int(task[other, SETUP])
                for which, bound in (
                    (t, (task[other, EARLIEST] + least, task[other, LATEST] + most)),
                    (other, (task[t, EARLIEST] - most, task[t, LATEST] - least)),
                ):
                    if locked[which] or (which == other and not for_successors):
                        continue
                    low = max(int(task[which, EARLIEST]), int(bound[0]))
                    high = min(int(task[which, LATEST]), int(bound[1]))
                    changed |= low != task[which, EARLIEST] or high != task[which, LATEST]
                    task[which, EARLIEST], task[which, LATEST] = low, high
        if not changed:
            return


def _groups(n: int, ties: list[tuple[int, int]]) -> NDArray[np.int64]:
    root = list(range(n))

    def find(x: int) -> int:
        while root[x] != x:
            root[x] = root[root[x]]
            x = root[x]
        return x

    for a, b in ties:
        root[find(a)] = find(b)
    tied = {t for tie in ties for t in tie}
    numbers: dict[int, int] = {}
    group = np.full(n, -1, np.int64)
    for t in sorted(tied):
        group[t] = numbers.setdefault(find(t), len(numbers))
    return group


def _topological(
    n: int, relations: list[list[tuple[int, int, int, int]]], choices: Sequence[int]
) -> list[int]:
    """Tasks so that each comes after those it has to wait for (the loader refuses cycles).

    Among equals, the ones that fewer shifts can take come first.
    """
    done: list[int] = []
    state = [0] * n
    for first in sorted(range(n), key=lambda t: choices[t]):
        stack = [first]
        while stack:
            t = stack[-1]
            if state[t] == 0:
                state[t] = 1
                stack += [
                    other
                    for other, kind, _, _ in relations[t]
                    if kind != SAME_START and state[other] == 0
                ]
            else:
                stack.pop()
                if state[t] == 1:
                    state[t] = 2
                    done.append(t)
    return done
