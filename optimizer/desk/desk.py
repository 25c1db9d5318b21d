"""The desk: a plan held in memory, and what a dispatcher asks of it while the day runs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.desk import scan as compiled
from optimizer.desk.absence import without_technician
from optimizer.desk.admission import movable, refuse_job
from optimizer.desk.effects import moves, rank
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
    ) -> None:
        super().__init__(problem, plan, now_s, seed, promised, closed)

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
        result = overrun(
            self.problem, self.places, self.stands, self.tails, self.routes, self.starts, job_id,
            seconds, self.now_s, seed=self.seed, iterations=iterations, blind=self.blind,
        )  # fmt: skip
        ways = [(result.tails, result.routes)]
        ways += [way for way in (result.unrepaired, result.waiting) if way is not None]
        longer = self._problem_with(result.job, None)
        after = [without_broken_freezes(longer, {**self.routes, **way[1]}.values()) for way in ways]
        effects = [self._effect(p, *way) for way, p in zip(ways, after, strict=True)]
        broken = [not self._report(p, way[1]).valid for way, p in zip(ways, after, strict=True)]
        chosen = min(range(len(ways)), key=lambda k: (broken[k], rank(effects[k]), -k))
        (tails, routes), effect = ways[chosen], effects[chosen]
        old = [route for r in {*on, *routes} if (route := self.routes[r]) is not None]
        new = [routes.get(r, self.routes[r]) for r in {*on, *routes}]
        changed = moves(old, [route for route in new if route is not None])
        return DelayReport(
            job_id,
            seconds,
            moves([route for r in on if (route := self.routes[r]) is not None], result.as_is),
            result.late,
            result.is_possible,
            effect,
            changed,
            tuple(move.job for move in changed if move.new_technician is None),
            self.version,
            Change(self.version, tails, routes, problem=after[chosen]),
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
            result = without_technician(
                self.problem, self.places, self.stands, self.tails, self.routes, self.starts,
                technician_id, out_s, seed=self.seed, iterations=iterations, blind=self.blind,
                rehouse=rehouse,
            )  # fmt: skip
            if self._report(result.problem, result.routes).valid:
                break
        old = [route for r in result.routes if (route := self.routes[r]) is not None]
        new = [route for route in result.routes.values() if route is not None]
        effect = self._effect(result.problem, result.tails, result.routes)
        changed = moves(old, new)
        return OutageReport(
            technician_id,
            changed,
            tuple(move.job for move in changed if move.new_technician is None),
            effect,
            result.closed,
            self.version,
            Change(self.version, result.tails, result.routes, problem=result.problem),
            self._take,
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
