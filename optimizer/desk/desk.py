"""The desk: a plan held in memory, and what a dispatcher asks of it while the day runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.desk import scan as compiled
from optimizer.desk.absence import without_technician
from optimizer.desk.admission import movable, refuse_job
from optimizer.desk.effects import moves, rank, whole_plan
from optimizer.desk.leaving import Draft
from optimizer.desk.model import Places
from optimizer.desk.new_place import Drives
from optimizer.desk.offer import Change, DelayReport, Edit, Offer, OutageReport
from optimizer.desk.offering import MORE, OfferingPlan
from optimizer.desk.overrun import overrun
from optimizer.desk.repair import without_broken_freezes
from optimizer.plan import Plan
from optimizer.problem import Job, Location, Problem
from optimizer.search import layout as c
from optimizer.search.arrays import may_serve


class Desk(OfferingPlan):
    """Holds a plan and changes it one decision at a time.

    Parameters
    ----------
    problem, plan
        A valid problem and a valid plan of it. Routes are timed anew (as early as possible, but
        for what is settled, frozen or tied); `plan` is what became of it.
    now_s
        Seconds from the epoch. What has begun by now, or whose drive has, is settled and does not
        move; every changed drive departs at or after now, from the place of the last settled visit.
    seed
        Of the searches behind `technician_out` and `improve`.
    promised
        Jobs that must not make room for others, besides those that are frozen, pinned, tied to
        others, or have only time windows narrower than a day.
    closed
        (technician, shift) to be kept to the letter: somebody who is out.
    begun
        (job, technician) known to be under way or at work: these stay, whoever drops out. Visits
        that should have been left for by now, but are not among them, can be called off.
    ready_from
        When technicians (by technician and shift) who were called back can go on.
    kept
        Jobs that must keep their second.

    Raises
    ------
    ValueError
        When the plan names a technician, shift or job the problem does not have, or is not valid.
    """

    def __init__(
        self,
        problem: Problem,
        plan: Plan,
        *,
        now_s: int,
        seed: int = 1,
        promised: Collection[str] = (),
        closed: Collection[tuple[str, str]] = (),
        begun: Collection[tuple[str, str]] = (),
        ready_from: Mapping[tuple[str, str], int] | None = None,
        kept: Collection[str] = (),
    ) -> None:
        super().__init__(
            problem, plan, now_s, seed, promised, closed, begun, ready_from or {}, kept
        )

    def offers(self, job: Job, k: int = 3, *, eject: int = 2) -> tuple[Offer, ...]:
        """The best places for a job with ``k`` different technicians, best first.

        Parameters
        ----------
        job
            New, or left out of the plan. May come ``after`` jobs that are planned, need a crew, and
            start ``together`` with others: those left out are offered with it, in the same second,
            and those that are planned keep theirs.
        k
            At most so many offers; fewer where fewer technicians can come. Where several have to
            come, each offer has other people, and nobody is in more than two.
        eject
            Up to so many visits without a promise (0, 1 or 2) make room where a technician, or the
            last of those who start together, could otherwise come late or not at all.

        Raises
        ------
        ValueError
            When the job is planned already, comes after one that is not, or names what the problem
            does not know.
        """
        refuse_job(job, self.problem, self.jobs, self.routes)
        if not 0 <= eject <= 2:
            raise ValueError(f"eject must be 0, 1 or 2, got {eject}")
        group = self._group_of(job)
        if group is None or k < 1 or not self.model.arrays.n_shifts:
            return ()
        if job.crew > 1 or len(group) > 1:
            return self._company_offers(job, group, k, eject)
        (fitted,) = group
        model = self.model
        task = self._slot()
        model.fill(task, fitted)
        shared = (model.arrays, model.solution, model.worker, task, model.first_at)
        record = (self._change, self._figures, self._changes, self._found)
        compiled.scan(*shared, *record)
        if eject:
            late = self._figures[:, c.LATE] + model.arrays.left_out[task, c.LATE]
            self._wanted[:] = (self._found == 0) | (late > 0)
            if np.count_nonzero(self._wanted == 0) < k:
                pool = (self._pool, self._pool_energy, self._pool_count)
                compiled.scan_ejections(
                    *shared,
                    movable(self.model.job_of, self.jobs, self.starts, self.promised),
                    self._wanted,
                    eject,
                    *pool,
                    *record,
                )
        levels = self._figures @ model.arrays.levels.T
        order = sorted(np.flatnonzero(self._found), key=lambda who: tuple(levels[who]))
        found = [self._offer(job, fitted, task, self._changes[who]) for who in order[: k + MORE]]
        model.retire(task)
        offers = [offer for offer in found if offer is not None]
        offers += self._unscanned(job, fitted)
        best: dict[str, Offer] = {}
        for offer in sorted(offers, key=lambda offer: rank(offer.effect)):
            best.setdefault(offer.technician, offer)
        return tuple(best.values())[:k]

    def _unscanned(self, job: Job, fitted: Job) -> list[Offer]:
        """Places on the routes that the arrays do not know, tried one by one on the calendar."""
        found = []
        jobs = {**self.jobs, job.id: fitted}
        for r in self.model.shut:
            stand, tail = self.stands[r], self.tails[r]
            if stand.closed or not may_serve(fitted, stand.technician, stand.shift, False):
                continue
            for at in range(len(tail) + 1):
                longer = (*tail[:at], job.id, *tail[at:])
                route = self._timed(r, longer, jobs)
                if route is None or not self._is_valid({r: route}, job):
                    continue
                offer = self._told(job, {r: longer}, {r: route}, ())
                if offer is not None:
                    found.append(offer)
        return found

    def commit(self, offer: Offer) -> Plan:
        """Make an offer the plan, if the plan is still the one it was computed on.

        Raises
        ------
        StaleOffer
            When the plan has moved on.
        """
        self._apply(offer.change)
        return self.plan

    def delay(self, job_id: str, seconds: int, *, iterations: int = 1500) -> DelayReport:
        """A visit takes ``seconds`` longer than planned: who comes late, and the cheapest repair.

        Nothing changes before `DelayReport.apply` is called. The visit may be under way or still to
        come; whoever was thought to drive on already is taken to be there still.

        Raises
        ------
        ValueError
            When the job is on no route or on one that is kept to the letter, or ``seconds`` < 0.
        """
        on = [r for r, route in self.routes.items() if route and job_id in route.jobs]
        if not on or any(self.stands[r].closed for r in on):
            raise ValueError(f"job {job_id!r} is on no route that the desk may change")
        if seconds < 0:
            raise ValueError(f"seconds must not be negative, got {seconds}")
        draft = self._draft()
        result = overrun(
            draft, self.places, job_id, seconds,
            seed=self.seed, iterations=iterations, blind=self.blind,
        )  # fmt: skip
        longer = self._problem_with(result.job, None)
        changes = [
            self._read_again(without_broken_freezes(longer, way.routes.values()), way)
            for way in result.ways
        ]
        effects = [self._effect_of(change) for change in changes]
        broken = [not self._allows(change) for change in changes]
        chosen = min(range(len(changes)), key=lambda k: (broken[k], rank(effects[k]), -k))
        change, effect = changes[chosen], effects[chosen]
        touched = {*on, *change.routes}
        old = [route for r in touched if (route := self.routes[r]) is not None]
        new = [change.routes.get(r, self.routes[r]) for r in touched]
        changed = moves(old, [route for route in new if route is not None])
        return DelayReport(
            job_id,
            seconds,
            moves([route for r in on if (route := self.routes[r]) is not None], result.as_is),
            result.late,
            result.is_possible,
            effect,
            changed,
            self._left_out(change),
            self.version,
            change,
            self._take,
        )

    def technician_out(
        self, technician_id: str, from_s: int | None = None, *, iterations: int = 1500
    ) -> OutageReport:
        """`outage`, applied at once."""
        report = self.outage(technician_id, from_s, iterations=iterations)
        report.apply()
        return report

    def outage(
        self, technician_id: str, from_s: int | None = None, *, iterations: int = 1500
    ) -> OutageReport:
        """Spread what the technician would start from ``from_s`` (None: now) over the others.

        Nothing changes before `OutageReport.apply`. Serve, late, dropped, then as few changed
        visits as possible, then the problem's own goals.
        Visits frozen with this technician leave the published plan: they cannot be kept. The
        technician gets nothing new afterwards.

        Raises
        ------
        ValueError
            When there is no such technician.
        """
        if all(who.id != technician_id for who in self.problem.technicians):
            raise ValueError(f"no technician {technician_id!r} in the problem")
        out_s = max(self.now_s, self.now_s if from_s is None else from_s)
        for rehouse in (True, False):
            draft = self._draft()
            problem, closed = without_technician(
                draft, self.places, technician_id, out_s,
                seed=self.seed, iterations=iterations, blind=self.blind, rehouse=rehouse,
            )  # fmt: skip
            change = self._read_again(problem, draft, closed)
            if self._allows(change):
                break
        old = [route for r in change.routes if (route := self.routes[r]) is not None]
        new = [route for route in change.routes.values() if route is not None]
        return OutageReport(
            technician_id,
            moves(old, new),
            self._left_out(change),
            self._effect_of(change),
            closed,
            self.version,
            change,
            self._take,
        )

    def _draft(self) -> Draft:
        return Draft(
            self.problem, self.now_s, self.starts, self.begun,
            list(self.stands), dict(self.tails), dict(self.routes),
        )  # fmt: skip

    def _effect_of(self, change: Change) -> dict[str, int | float]:
        return self._effect(change.problem or self.problem, change.tails, change.routes)

    def _allows(self, change: Change) -> bool:
        return self._report(change.problem or self.problem, change.routes).valid

    def _left_out(self, change: Change) -> tuple[str, ...]:
        """Jobs on a route before that are on none after."""
        old = [name for route in self.routes.values() if route is not None for name in route.jobs]
        after = {**self.routes, **change.routes}
        new = {name for route in after.values() if route is not None for name in route.jobs}
        return tuple(name for name in dict.fromkeys(old) if name not in new)

    def _read_again(
        self, problem: Problem, draft: Draft, closed: Sequence[tuple[str, str]] = ()
    ) -> Change:
        """The draft as a desk will read it, with new times for companies that fell apart.

        What had to be fixed to its second need not be any more once it has moved; and those who
        start together, left out because one of them could not keep the second, may find another.
        """
        plan = whole_plan(problem, tuple(r for r in draft.routes.values() if r is not None))
        change = Change(
            self.version, draft.changed_tails, draft.changed_routes,
            problem=problem, ready_from=draft.ready_from,
        )  # fmt: skip
        lost = {entry.job for entry in plan.unassigned}
        lost &= {name for route in self.routes.values() if route for name in route.jobs}
        apart = [job for job in problem.jobs if job.id in lost and (job.crew > 1 or job.together)]
        if not apart and problem.published is self.problem.published:
            return change
        try:
            desk = Desk(
                problem, plan, now_s=self.now_s, seed=self.seed, promised=self.promised,
                closed=self._closed | set(closed), begun=self.begun,
                ready_from={**self.ready_from, **draft.ready_from}, kept=self._kept,
            )  # fmt: skip
        except ValueError:
            return change
        for job in apart:
            if not any(route and job.id in route.jobs for route in desk.routes.values()):
                try:
                    offers = desk.offers(job, 1, eject=0)
                except ValueError:  # what it comes after is left out as well
                    continue
                if offers:
                    desk.commit(offers[0])
        routes = {r: route for r, route in desk.routes.items()
                  if route != self.routes[r] or r in draft.touched}  # fmt: skip
        return replace(
            change,
            routes=routes,
            tails={r: desk.tails[r] for r in routes},
            problem=replace(desk.problem, travel=problem.travel),
        )

    def add_location(
        self,
        durations_to_s: Sequence[int] | NDArray[np.integer[Any]],
        durations_from_s: Sequence[int] | NDArray[np.integer[Any]],
        distances_to_m: Sequence[int] | NDArray[np.integer[Any]] | None = None,
        distances_from_m: Sequence[int] | NDArray[np.integer[Any]] | None = None,
        *,
        name: str | None = None,
        profile: str | None = None,
        at: tuple[float, float] | None = None,
    ) -> int:
        """Make a new place known and return its index.

        Parameters
        ----------
        durations_to_s, durations_from_s
            From every place known so far to the new one, and back; int[n_locations].
        profile
            The profile these belong to; None: all of them.
        at
            Latitude and longitude, for whoever draws it.

        Raises
        ------
        ValueError
            When a length does not fit or a duration is negative.
        """
        index = self.places.count
        drives = Drives(durations_to_s, durations_from_s, distances_to_m, distances_from_m)
        drives.refuse_misfits(index)
        if index == self.places.room:
            self.places = Places(self.problem)
            self._open(self.plan)
        drives.write(self.places, index, profile)
        self.places.count += 1
        self.problem = replace(
            self.problem,
            locations=(
                *self.problem.locations,
                Location(name or f"place {index}", *(at or (None, None))),
            ),
            travel=self.places.travel(),
        )
        self.model.problem = self.problem
        self.model.add_place(index)
        return index

    def problem_with(self, job: Job) -> Problem:
        """The problem as it stands, and this job in it."""
        return self._problem_with(job, None)

    # what the public face is made of

    def _offer(self, job: Job, fitted: Job, task: int, change: NDArray[np.int64]) -> Offer | None:
        """Carry the change out in the arrays, read it, take it back, and time it exactly."""
        model = self.model
        if not compiled.perform(model.arrays, model.solution, model.worker, change):
            return None
        tails = self._changed_tails()
        compiled.undo(model.arrays, model.solution, model.worker)
        if tails is None:
            return None
        jobs = {**self.jobs, job.id: fitted}
        routes = {r: self._timed(r, tail, jobs) for r, tail in tails.items()}
        if any(route is None for r, route in routes.items() if tails[r]):
            return None
        nodes = tuple(int(node) for node in change)
        out = [model.job_of[t] for t in change[[compiled.FIRST_OUT, compiled.SECOND_OUT]] if t >= 0]
        return self._told(job, tails, routes, out, Edit(self._readings, task, nodes))
