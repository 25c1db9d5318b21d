"""The plan in memory: how it is read into arrays, and how a change becomes the plan.

Most changes are small. Those that an offer describes are carried out in the arrays as they stand;
all others read the plan anew.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from optimizer.check import CheckReport, check
from optimizer.desk import scan as compiled
from optimizer.desk.admission import is_tied
from optimizer.desk.effects import Goals, adds_up, effect_of, named, touched_part, whole_plan
from optimizer.desk.model import Model, Places
from optimizer.desk.offer import Change, Edit, NoRepair, StaleOffer
from optimizer.desk.standing import Standing, fixed_starts, refuse_unknown, standings
from optimizer.plan import Plan, Route
from optimizer.problem import Job, Problem
from optimizer.search import layout as c
from optimizer.search.state import C_SAVED

POOL = 128
"""Removals carried out in full when visits make room; the cheapest ones."""


class HeldPlan:
    """Routes, arrays and goals of a plan as it stands, and the one way to change them.

    Attributes
    ----------
    stands, tails, routes
        Per shift: where it stands at now, the jobs still to be begun, the route (None: not driven).
    starts
        Jobs whose start must stay, to the second.
    blind : frozenset
        (technician, shift) whose routes can be timed but not be told to the arrays.
    """

    def __init__(
        self,
        problem: Problem,
        plan: Plan,
        now_s: int,
        seed: int,
        promised: Collection[str],
        closed: Collection[tuple[str, str]],
        begun: Collection[tuple[str, str]],
        ready_from: Mapping[tuple[str, str], int],
        kept: Collection[str],
    ) -> None:
        self.now_s, self.seed = now_s, seed
        self.promised = frozenset(promised)
        self.version = 1
        self.places = Places(problem)
        self.problem = replace(problem, travel=self.places.travel())
        self.blind: frozenset[tuple[str, str]] = frozenset()
        self._closed: set[tuple[str, str]] = set(closed)
        self._kept: set[str] = set(kept)
        self.begun = frozenset(begun)
        self.ready_from = dict(ready_from)
        self._goals: Goals | None = None
        self._readings = 0
        refuse_unknown(problem, plan)
        self._open(plan)
        whole = whole_plan(self.problem, self._driven())
        report = check(self.problem, whole)
        if not report.valid:
            raise ValueError(f"the plan is not valid: {report.violations[0]}")
        self._goals = {name: report.goals[name] for name in named(self.problem)}

    def _driven(self) -> tuple[Route, ...]:
        return tuple(route for route in self.routes.values() if route is not None)

    @property
    def plan(self) -> Plan:
        """The plan as it stands, with the goals of its objective."""
        plan = whole_plan(self.problem, self._driven())
        if self._goals is None:
            goals = check(self.problem, plan).goals
            self._goals = {name: goals[name] for name in named(self.problem)}
        return replace(plan, goals=self._goals)

    def _open(self, plan: Plan) -> None:
        """Read the plan as it stands at now and build the arrays from it."""
        problem = self.problem
        self._readings += 1
        self.jobs = {job.id: job for job in problem.jobs}
        self.starts = fixed_starts(problem, plan, self._kept)
        self._stand(plan)
        while True:
            self.model = Model(
                problem,
                self.places,
                self.stands,
                {r: [self.jobs[j] for j in tail] for r, tail in self.tails.items()},
                self.starts,
                self.seed,
                blind=self.blind,
            )
            if not self.model.misfits:
                break
            self.blind |= {self._name(r) for r in self.model.misfits}
        self._scratch()

    def _stand(self, plan: Plan) -> None:
        """Where every shift stands; what no timing of ours can keep is closed to changes."""
        self.stands: list[Standing] = standings(
            self.problem, plan, self.now_s, frozenset(self._closed), self.ready_from
        )
        self.tails: dict[int, tuple[str, ...]] = {}
        self.routes: dict[int, Route | None] = {}
        for r, stand in enumerate(self.stands):
            self.tails[r] = tuple(job.id for job in stand.tail)
            route = stand.whole
            if not stand.closed:
                route = stand.timed(self.problem, stand.tail, self.starts)
                if route is None and (stand.tail or stand.settled):
                    self._closed.add(self._name(r))
                    self.stands[r] = replace(stand, closed=True)
                    route = stand.whole
            self.routes[r] = route

    def _name(self, r: int) -> tuple[str, str]:
        stand = self.stands[r]
        return stand.technician.id, stand.shift.id

    def _scratch(self) -> None:
        arrays = self.model.arrays
        people = max(1, arrays.stock.shape[0])
        self._change = np.full(compiled.CHANGE_SIZE, -1, np.int64)
        self._figures = np.zeros((people, c.N_FIGURES), np.int64)
        self._changes = np.full((people, compiled.CHANGE_SIZE), -1, np.int64)
        self._found = np.zeros(people, np.uint8)
        self._wanted = np.zeros(people, np.uint8)
        self._pool = np.zeros((POOL, 2), np.int64)
        self._pool_energy = np.zeros(POOL, np.float64)
        self._pool_count = np.zeros(1, np.int64)

    def _slot(self) -> int:
        if not self.model.free:
            self._open(self.plan)
        return self.model.free.pop()

    def _timed(
        self,
        r: int,
        tail: Sequence[str],
        jobs: Mapping[str, Job] | None = None,
        starts: Mapping[str, int] | None = None,
    ) -> Any:
        known = jobs or self.jobs
        return self.stands[r].timed(
            self.problem, [known[name] for name in tail], starts or self.starts
        )

    def _hold(self, names: Collection[str]) -> None:
        """Keep these visits' seconds from now on: somebody is about to depend on them."""
        loose = set(names) - self.starts.keys() - self._kept
        if any(route is not None and loose & set(route.jobs) for route in self.routes.values()):
            self._kept |= loose
            self._open(self.plan)

    def _report(self, problem: Problem, changed: Mapping[int, Route | None]) -> CheckReport:
        """What the checker says of the plan with these routes in place of those of their shifts.

        Rules bind within a route, a technician, a job and its frozen visit, or jobs that are tied.
        Where no tied job is concerned it is enough to look at the technicians whose routes change.
        """
        part = touched_part(problem, self.stands, self.routes, changed)
        if part is not None:
            return check(*part)
        routes = tuple(r for r in {**self.routes, **changed}.values() if r is not None)
        return check(problem, whole_plan(problem, routes))

    def _changed_tails(self) -> dict[int, tuple[str, ...]] | None:
        """The tails of the routes that the change just performed has touched."""
        worker = self.model.worker
        saved = worker.saved_routes[: worker.counts[C_SAVED]].tolist()
        tails = {r: self.model.tail(r) for r in saved}
        if any(tail is None for tail in tails.values()):
            return None
        return {r: tail for r, tail in tails.items() if tail is not None}

    def _effect(
        self, after: Problem, tails: Collection[int], routes: Mapping[int, Route | None]
    ) -> Goals:
        return effect_of(self.problem, self.routes, after, routes, tails)

    def _problem_with(self, job: Job | None, gone: str | None) -> Problem:
        jobs = self.problem.jobs
        if gone is not None:
            jobs = tuple(other for other in jobs if other.id != gone)
        if job is not None and job.id in self.jobs:
            jobs = tuple(job if other.id == job.id else other for other in jobs)
        elif job is not None:
            jobs = (*jobs, job)
        return self.problem if jobs is self.problem.jobs else replace(self.problem, jobs=jobs)

    def _apply(self, change: Change, closed: Collection[tuple[str, str]] = ()) -> None:
        """Compare and set: bring arrays and plan to what the change says."""
        if change.version != self.version:
            raise StaleOffer(change.version, self.version)
        problem = change.problem or self._problem_with(change.problem_job, change.gone)
        report = self._report(problem, change.routes)
        if not report.valid:
            raise NoRepair(f"the plan stays as it was, this would break {report.violations[0]}")
        self._goals = self._goals_after(problem, change)
        edited = not closed and change.edit is not None and self._edit(change.edit, change)
        self.problem = problem
        self._closed |= set(closed)
        self.ready_from.update(change.ready_from)
        self.tails.update(change.tails)
        self.routes.update(change.routes)
        self.version += 1
        if edited:
            assert change.problem_job is not None
            self.jobs[change.problem_job.id] = change.problem_job
            self.model.problem = problem
        else:
            self._open(whole_plan(problem, self._driven()))

    def publish(self) -> None:
        """The plan as it stands is what phones show from now on: ``changes`` count from here."""
        model = self.model
        shown = Plan(self._driven())
        self.problem = model.problem = replace(self.problem, published=shown, frozen_until=None)
        model.publish(shown)
        self._goals = None

    def _goals_after(self, problem: Problem, change: Change) -> Goals | None:
        if self._goals is None or not adds_up(problem):
            return None
        effect = self._effect(problem, change.tails, change.routes)
        return {name: value + effect[name] for name, value in self._goals.items()}

    def _edit(self, edit: Edit, change: Change) -> bool:
        """Carry an offer out in the arrays; False where they have to be built anew.

        The node numbers of an offer hold as long as the arrays are those it was computed on.
        """
        model, job = self.model, change.problem_job
        if (
            job is None
            or edit.reading != self._readings
            or not model.free
            or model.free[-1] != edit.task
            or is_tied(job, self.problem)
            or job.id in self.starts
        ):
            return False
        model.free.pop()
        for task in [t for t, name in enumerate(model.job_of) if name == job.id]:
            model.retire(task)  # it was left out: the visit stands in the slot from now on
        model.fill(edit.task, job)
        node = np.array(edit.nodes, np.int64)
        done = compiled.perform(model.arrays, model.solution, model.worker, node)
        if not done or self._changed_tails() != dict(change.tails):
            return False
        model.sync()
        return True
