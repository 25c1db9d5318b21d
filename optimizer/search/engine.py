"""Drives the compiled search: start, threads and parts, temperature, progress, and the Plan."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from optimizer.plan import Plan, SolverInfo
from optimizer.problem import Goal, Job, Location, Problem, Shift, Technician, Travel
from optimizer.search import layout as c
from optimizer.search.anneal import better
from optimizer.search.arrays import Compiled, compile_problem
from optimizer.search.compiled import note_compilation
from optimizer.search.kernels import kernel_for
from optimizer.search.parts import split_into_parts
from optimizer.search.plain.arrays import is_plain
from optimizer.search.plain.pool import empty_pool
from optimizer.search.readout import read_plan
from optimizer.search.recombine import Store, held_by, routes_of
from optimizer.solve import Progress, Stop, Watch

POLISH_RATE = 5_000
"""Places tried in the end polish per second of the stop (about 3 % of its time)."""

SMALL = 400
"""Up to so many tasks a search cools several times."""

WHOLE = 1_500
"""Up to so many tasks, threads search the whole problem each instead of a part of it.

Long routes cross every part: 1,000 customers on 19 routes end 2.5 % worse in two parts, at equal
time on one thread. Beyond, what a part's data gains in the cache weighs more.
"""

ROUND_S, ROUND_COUNT = 1.0, 100_000
"""Shorter searches cool once."""

LAST_ROUND_ENDS = 0.95
"""Share of the stop after which the last round's routes are recombined."""

REMEMBER_FROM = 0.5
"""Share of a round from which its routes are worth remembering."""

CHOICE_SHARE = 0.03
"""Share of the seconds that one recombination may take for its final choice."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the search walks. Temperatures are in small steps of a goal (a drive to a neighbour)."""

    hot: float = 10.0
    linked_hot: float = 30.0  # where visits hang together, more ways lead uphill first
    cold: float = 0.2
    mean_removed: float | None = None  # the kernel's own
    swap_share: float = 0.1
    epochs: int = 40
    part_tasks: int = 400
    chunk_s: float = 0.03
    rounds: int = 8
    round_hot: float = 3.0
    round_cold: float = 0.1
    plain: bool = True  # plain problems take the short cut

    def __post_init__(self) -> None:
        if not 0 < self.cold <= self.hot:
            raise ValueError(f"temperatures must fall: hot {self.hot}, cold {self.cold}")


def solve_with_search(
    problem: Problem,
    stop: Stop,
    *,
    seed: int = 1,
    threads: int = 1,
    watch: Watch | None = None,
    start: Plan | None = None,
    settings: Settings | None = None,
) -> Plan:
    """Slack induction by string removals on all rules of the format; see ``optimizer.solve``."""
    began = time.monotonic()
    compiled = compile_problem(problem)
    began -= time.monotonic()
    settings = settings or Settings()
    warm_up(settings.plain and is_plain(compiled))
    began += time.monotonic()
    threads = max(1, threads)
    alone = threads == 1 or _can_be_split(compiled)
    store = Store()
    searches = [
        Search(
            compiled if k == 0 else compile_problem(problem),
            stop,
            seed + k,
            threads if alone else 1,
            watch if k == 0 else None,
            settings,
            began,
            store,
        )
        for k in range(1 if alone else threads)
    ]
    best = _run_side_by_side(searches, start)
    info = SolverInfo(
        "zhunda-search",
        round(time.monotonic() - began, 3),
        sum(search.iterations for search in searches),
        seed,
        threads,
        own_version(),
    )
    plan = read_plan(compiled, best.best_next, best.best_begin, info)
    if watch is not None and not best.cancelled:
        watch(_last_word(problem, plan, info))
    return plan


def _last_word(problem: Problem, plan: Plan, info: SolverInfo) -> Progress:
    """The plan's own goals: timing it to the second may place breaks better than the search."""
    names = ("unserved", *(goal.name for goal in problem.objective))
    goals = {name: plan.goals[name] for name in names}
    return Progress(goals, info.iterations, info.seconds, 1.0, len(plan.unassigned))


def _can_be_split(compiled: Compiled) -> bool:
    """Whether parts of the shifts can be searched apart: enough of them, and nothing ties them."""
    return compiled.arrays.n > WHOLE and _parts_are_free(compiled.arrays)


def _parts_are_free(arrays: Any) -> bool:
    """Whether no link and no goal ties one shift's visits to another's."""
    return bool(arrays.sums_only) and not (arrays.group >= 0).any()


def _run_side_by_side(searches: list[Search], start: Plan | None) -> Search:
    """Run whole searches with different seeds, a thread each; the best one. A cancel ends all."""

    def work(search: Search) -> Search:
        search.start(start)
        search.run()
        if search.cancelled:
            for other in searches:
                other.cancelled = True
        return search

    if len(searches) == 1:
        return work(searches[0])
    with ThreadPoolExecutor(len(searches)) as pool:
        done = list(pool.map(work, searches))
    best = done[0]
    for search in done[1:]:
        if better(best.arrays.levels, search.best, best.best):
            best = search
    return best


@cache
def warm_up(plain: bool) -> None:
    """Compile (or load from the cache) a kernel, so that no stop's seconds are spent on it."""
    note_compilation()
    travel = Travel(np.array([[0, 60], [60, 0]], dtype=np.int32))
    someone = Technician("T", (Shift("S", 0, 3600, 0, 0),))
    day = ((0, 3600),)
    jobs = tuple(
        Job(name, 1, time_windows=day, setup_s=0 if plain else 1, drop_penalty=1) for name in "JK"
    )
    if not plain:  # nobody can do it, so the end polish has something to look at
        jobs += (Job("L", 1, skills={"none": 1}, time_windows=day, drop_penalty=1),)
    tiny = Problem(
        (Location("home"), Location("door")),
        {"car": travel},
        (someone,),
        jobs,
        objective=(Goal.of("dropped"), Goal.of("travel")),
    )
    compiled = compile_problem(tiny)
    assert is_plain(compiled) is plain
    once = Search(compiled, Stop(iterations=2), 1, 1, None, Settings(), time.monotonic())
    once.start(Plan())
    once.run()


def own_version() -> str:
    """The installed version, or 0 from a plain checkout."""
    try:
        return version("zhunda")
    except PackageNotFoundError:
        return "0"


class Search:
    """One run: the shared solution, a worker per thread, the clock and the best plan so far."""

    def __init__(
        self,
        compiled: Compiled,
        stop: Stop,
        seed: int,
        threads: int,
        watch: Watch | None,
        settings: Settings,
        began: float,
        store: Store | None = None,
    ) -> None:
        self.compiled = compiled
        self.arrays = compiled.arrays
        self.kernel = kernel_for(compiled, settings.plain)
        self.stop = stop
        self.watch = watch
        self.settings = settings
        self.began = began
        self.store = store or Store()
        self.solution = self.kernel.solution
        self.threads = threads if self.arrays.n_shifts > 1 else 1
        self.workers = [self.kernel.new_worker(w, seed) for w in range(self.threads)]
        self.random = np.random.default_rng(seed)
        self.iterations = 0
        self.cancelled = False
        self.best = np.zeros(c.N_FIGURES, np.int64)
        self.best_next = self.solution.best_next.copy()
        self.best_begin = self.solution.best_begin.copy()

    def start(self, plan: Plan | None) -> None:
        """A first plan: the given or the published one where there is one, then greedy."""
        worker = self.workers[0]
        self._begin(worker)
        published = self.compiled.problem.published
        if published is not None:
            self._lay(worker, published, only_locked=True)
            self._begin(worker)  # whatever the goals say, no plan without these is a plan
            plan = plan or published
        if plan is not None:
            self._lay(worker, plan, only_locked=False)
        order = self._greedy_order()
        self.kernel.insert_all(worker, order, False)
        left = order[self.solution.node[order, c.ROUTE] < 0]
        most = int(2e8 / max(1, self.arrays.n_shifts * 6))
        self.kernel.insert_all(worker, left[:most], True)
        self._keep(worker.best.copy())
        self._report()

    def _begin(self, worker: Any) -> None:
        self.kernel.begin_part(worker, np.zeros(self.arrays.n, np.int32))

    def _greedy_order(self) -> Any:
        arrays = self.arrays
        n = arrays.n
        return np.lexsort(
            (arrays.task[:n, c.LATEST], -np.round(arrays.hardness, 1), arrays.group < 0)
        ).astype(np.int64)

    def _lay(self, worker: Any, plan: Plan, only_locked: bool) -> None:
        shifts, first_of, tasks = [], [0], []
        waiting = {job: list(indices) for job, indices in self.compiled.task_of.items()}
        for route in plan.routes:
            r = self.compiled.shift_of.get((route.technician, route.shift))
            if r is None:
                continue
            shifts.append(r)
            named = [waiting[job].pop(0) for job in route.jobs if waiting.get(job)]
            tasks += [t for t in named if self.arrays.locked[t] or not only_locked]
            first_of.append(len(tasks))
        as_array: Sequence[Any] = [np.array(x, np.int64) for x in (shifts, first_of, tasks)]
        self.kernel.lay_routes(worker, *as_array)

    def run(self) -> None:
        """Anneal until the stop, in one part or in several side by side."""
        arrays = self.arrays
        if arrays.n == 0 or arrays.n_shifts == 0 or self.cancelled:
            return
        if _can_be_split(self.compiled):
            self._run_in_parts()
        else:
            self._run_whole()
        if self.iterations and not self.cancelled:
            self._polish()

    def _polish(self) -> None:
        """What single insertions and moves still gain for visits left out or late."""
        if self.kernel.polish is None:
            return
        if not (self.best[c.LATE] or self.best[c.UNSERVED] or self.best[c.DROPPED]):
            return
        worker = self.workers[0]
        self.solution.best_next[:] = self.best_next
        self.solution.best_begin[:] = self.best_begin
        seconds = self.stop.seconds or 10.0
        if self.kernel.polish(worker, int(POLISH_RATE * min(10.0, seconds))):
            self._keep(worker.best)
            self._report()

    def _share(self) -> float:
        shares = [0.0]
        if self.stop.seconds is not None:
            shares.append((time.monotonic() - self.began) / self.stop.seconds)
        if self.stop.iterations is not None:
            done = self.iterations >= self.stop.iterations
            shares.append(1.0 if done else self.iterations / self.stop.iterations)
        return min(1.0, max(shares))

    def _temperature(self, share: float) -> float:
        cold, hot = self.settings.cold, self.settings.hot
        if (self.arrays.group >= 0).any():
            hot = max(hot, self.settings.linked_hot)
        return float(hot * (cold / hot) ** share)

    def _rounds(self) -> int:
        """How often to cool: small problems several times, unless visits hang together."""
        worth = (self.stop.seconds or 0.0) >= ROUND_S or (self.stop.iterations or 0) >= ROUND_COUNT
        small = self.arrays.n <= SMALL and _parts_are_free(self.arrays)
        return self.settings.rounds if worth and small else 1

    def _run_whole(self) -> None:
        """Cool once, or in rounds, each from where the last one ended.

        Where routes are remembered, they are recombined after the last round.
        """
        worker = self.workers[0]
        pool = None if self.kernel.pool_of is None else self.kernel.pool_of(worker)
        rounds, done = self._rounds(), 0
        last_ends = 1.0 if pool is None else LAST_ROUND_ENDS
        chunk = 50
        while (share := self._share()) < 1.0 and not self.cancelled:
            if self.stop.iterations is not None:
                left = self.stop.iterations - self.iterations
                chunk = min(left, chunk)
            began = time.perf_counter()
            step = share / last_ends * rounds - done
            if rounds > 1 and step >= 1.0 and done < rounds:
                done += 1
                if pool is not None:
                    self.store.add(held_by(pool))
                    empty_pool(pool)
                    if done == rounds:
                        self._recombine(worker)
                continue
            hot = self._temperature(share)
            if rounds > 1:
                s, cooled = self.settings, min(1.0, step) if done < rounds else 1.0
                hot = s.round_hot * (s.round_cold / s.round_hot) ** cooled
            if pool is not None:
                pool.facts[1] = rounds > 1 and step >= REMEMBER_FROM
            self._anneal(worker, chunk, hot, hot)
            spent = time.perf_counter() - began
            self.iterations += chunk
            if self.stop.seconds is None:
                chunk = max(1, min(2000, (self.stop.iterations or 0) // 200))
            elif spent < self.settings.chunk_s / 2:
                chunk *= 2
            elif spent > self.settings.chunk_s and chunk > 20:
                chunk //= 2
            self._keep(worker.best)
            self._report()

    def _recombine(self, worker: Any) -> None:
        """Go on from the best plan that remembered routes can make, when it is better."""
        arrays, kernel = self.arrays, self.kernel
        assert kernel.clear is not None
        seconds = None
        if self.stop.seconds is not None:
            seconds = self.stop.seconds * CHOICE_SHARE
        kinds = np.bincount(arrays.shift[:, c.SHIFT_TYPE])
        if self.best[c.UNSERVED] or self.best[c.DROPPED]:
            return  # who is served is another question than how
        known = routes_of(arrays, self.best_next)
        chosen = self.store.choose(arrays.n, kinds, known, seconds)
        if chosen is None:
            return
        free = {k: list(np.flatnonzero(arrays.shift[:, c.SHIFT_TYPE] == k)) for k, _ in chosen}
        shifts = [free[kind].pop() for kind, _ in chosen]
        tasks = [task for _, visits in chosen for task in visits]
        first_of = np.cumsum([0] + [len(visits) for _, visits in chosen])
        kernel.clear()
        self._begin(worker)
        kernel.lay_routes(worker, np.array(shifts, np.int64), first_of, np.array(tasks))
        self._keep(worker.best)
        self._report()

    def _anneal(self, worker: Any, iterations: int, hot: float, cold: float) -> None:
        s = self.settings
        removed = s.mean_removed or self.kernel.mean_removed
        self.kernel.anneal(worker, iterations, hot, cold, removed, s.swap_share)

    def _run_in_parts(self) -> None:
        """Epochs: split the shifts into parts, anneal each alone, join, split anew."""
        s = self.settings
        with ThreadPoolExecutor(self.threads) as pool:
            while (share := self._share()) < 1.0 and not self.cancelled:
                parts = max(self.threads, round(self.arrays.n / s.part_tasks))
                while len(self.workers) < parts:
                    extra = int(self.random.integers(2**31))
                    self.workers.append(self.kernel.new_worker(len(self.workers), extra))
                task_part = split_into_parts(self.compiled, self.solution, parts, self.random)
                for worker in self.workers[:parts]:
                    self.kernel.begin_part(worker, task_part)
                jobs = [
                    pool.submit(self._anneal_part, worker, share, parts)
                    for worker in self.workers[:parts]
                ]
                self.iterations += sum(job.result() for job in jobs)
                total = np.sum([worker.best for worker in self.workers[:parts]], axis=0)
                self._keep(total)
                self._report()

    def _anneal_part(self, worker: Any, share: float, parts: int) -> int:
        s = self.settings
        step = 1.0 / s.epochs
        hot, cold = self._temperature(share), self._temperature(min(1.0, share + step))
        if self.stop.iterations is not None:
            count = max(1, int(self.stop.iterations * step / parts))
            self._anneal(worker, count, hot, cold)
            return count
        budget = (self.stop.seconds or 0.0) * step * self.threads / parts
        done, chunk = 0, 50
        began = time.perf_counter()
        while (spent := time.perf_counter() - began) < budget and self._share() < 1.0:
            now = self._temperature(min(1.0, share + step * spent / budget))
            self._anneal(worker, chunk, now, now)
            done += chunk
            taken = time.perf_counter() - began - spent
            chunk = max(20, int(chunk * min(2.0, budget / 10 / max(taken, 1e-6))))
        return done

    def _keep(self, total: Any) -> None:
        if self.iterations == 0 or better(self.arrays.levels, total, self.best):
            self.best[:] = total
            self.best_next[:] = self.solution.best_next
            self.best_begin[:] = self.solution.best_begin

    def _report(self) -> None:
        if self.watch is None:
            return
        goals = {"unserved": int(self.best[c.UNSERVED])}
        for goal in self.compiled.problem.objective:
            value = sum(w * self.best[c.FIGURES.index(name)] for name, w in goal.terms)
            goals[goal.name] = int(value) if float(value).is_integer() else float(value)  # type: ignore[assignment]
        left = int((self.solution.node[: self.arrays.n, c.ROUTE] < 0).sum())
        progress = Progress(
            goals, self.iterations, time.monotonic() - self.began, self._share(), left
        )
        if self.watch(progress) is False:
            self.cancelled = True
