"""Offers for those who start together: crews, and jobs that are `together`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from optimizer.desk import scan as compiled
from optimizer.desk.admission import (
    cut_to_predecessors,
    in_company,
    movable,
    refuse_unplanned,
    shifts_a_tied_end,
)
from optimizer.desk.by_hand import EditedPlan
from optimizer.desk.company import mates
from optimizer.desk.crew import Company, companies, one_of_them
from optimizer.desk.effects import ejections, moves, promises, rank, seat_of
from optimizer.desk.offer import Change, Edit, Offer
from optimizer.plan import Route
from optimizer.problem import Job
from optimizer.search import layout as c

COMPANIES_TRIED = 60
"""Companies that are timed to the second at most; as many again where others make room."""

MEETINGS = 8
"""So often a common start is put off because somebody cannot be there by then."""

ALIKE = 9
"""Who asks for fewer is shown the first of so many: an offer is found again when it is taken."""

MORE = 2
"""Offers beyond ``k`` whose exact goals are looked at, since breaks are placed greedily."""


class OfferingPlan(EditedPlan):
    """A held plan that finds people for one second, and says what an offer means."""

    def _group_of(self, job: Job) -> tuple[Job, ...] | None:
        """The job and those left out that start with it, windows cut to what is left; None: none.

        Raises
        ------
        ValueError
            When one of them comes after a job that is on no route.
        """
        names = {job.id}
        if job.together or any(job.id in other.together for other in self.problem.jobs):
            names = mates(job, self._problem_with(job, None))
        group = [job, *(self.jobs[name] for name in sorted(names - {job.id}))]
        on = {r: route for r, route in self.routes.items() if route and names & set(route.jobs)}
        refuse_unplanned(group, self.routes)
        planned = {name for route in on.values() for name in route.jobs} & names
        self._hold([*planned, *(before for other in group for before in other.after)])
        loose = [cut_to_predecessors(j, self.routes, self.now_s) for j in group
                 if j.id not in planned]  # fmt: skip
        fitted = [other for other in loose if other is not None]
        if len(fitted) < len(loose):
            return None
        if len(names) == 1:
            return tuple(fitted)
        starts = {name: self.starts[name] for name in planned}
        return in_company(fitted, starts, {route.technician for route in on.values()})

    def _company_offers(
        self, job: Job, group: Sequence[Job], k: int, eject: int
    ) -> tuple[Offer, ...]:
        """The best companies, timed to the second; each is looked at until enough have stood up."""
        wanted = max(k, ALIKE)
        found = self._timed_companies(job, group, wanted, 0)
        in_time = [offer for offer in found if not self._late(offer, group)]
        if eject and len({offer.people for offer in in_time}) < wanted:
            found += self._timed_companies(job, group, wanted, eject)
        asked: Counter[str] = Counter()
        chosen: list[Offer] = []
        for offer in sorted(found, key=lambda offer: (rank(offer.effect), len(offer.ejections))):
            known_already = any(offer.people == other.people for other in chosen)
            if not known_already and all(asked[who] < 2 for who in offer.people):
                chosen.append(offer)
                asked.update(offer.people)
        return tuple(chosen[:k])

    def _late(self, offer: Offer, group: Sequence[Job]) -> bool:
        """Whether anybody of the company comes later than due."""
        known = {job.id: job for job in group}
        return any(self.problem.late_s(known[s.job], s.arrival_s, s.start_s) for s in offer.crew)

    def _timed_companies(self, job: Job, group: Sequence[Job], k: int, eject: int) -> list[Offer]:
        """Offers of the first companies that can be timed; with ``eject`` those that need it."""
        halves = {other.id: one_of_them(other) for other in group}
        flags = None
        if eject:
            flags = movable(self.model.job_of, self.jobs, self.starts, self.promised)
        ranked = companies(group, self.model, self.tails, self.stands, flags, eject)
        slots = self._seated(ranked, halves) if eject else []
        found: list[Offer] = []
        for company in [each for each in ranked if each.out or not eject][:COMPANIES_TRIED]:
            if len(found) >= 2 * k + MORE:
                break
            tails = self._rehoused(company, slots) if eject else self._joined(company)
            routes = None if tails is None else self._met(halves, tails, company.start)
            if tails is None or routes is None or not self._is_valid(routes, job):
                continue
            out = [self.model.job_of[task] for task in company.out]
            offer = self._told(job, tails, routes, out)
            if offer is not None:
                found.append(offer)
        for slot in slots:
            self.model.retire(slot)
        return found

    def _joined(self, company: Company) -> dict[int, tuple[str, ...]]:
        """The tails of the company's shifts with everybody's visit in them."""
        return {
            gap.shift: (
                *self.tails[gap.shift][: gap.position],
                gap.job,
                *self.tails[gap.shift][gap.position :],
            )
            for gap in company.gaps
        }

    def _seated(self, ranked: Sequence[Company], halves: Mapping[str, Job]) -> list[int]:
        """A slot of the arrays for each seat; which job each holds is the same in all companies."""
        slots = []
        for gap in ranked[0].gaps if ranked else ():
            slot = self.model.free.pop() if self.model.free else -1
            if slot < 0:
                break
            self.model.fill(slot, replace(halves[gap.job], time_windows=()))
            slots.append(slot)
        return slots

    def _rehoused(
        self, company: Company, slots: Sequence[int]
    ) -> dict[int, tuple[str, ...]] | None:
        """The tails once the company is in and those who made room have new places."""
        model = self.model
        if len(slots) < len(company.gaps):
            return None
        for slot in slots:
            model.fix(slot, company.start)
        out = np.array((*company.out, -1, -1)[:2], np.int64)
        tasks = np.array(slots, np.int64)
        behind = np.array([gap.behind for gap in company.gaps], np.int64)
        shared = (model.arrays, model.solution, model.worker)
        if not compiled.perform_company(*shared, tasks, behind, out):
            return None
        tails = self._changed_tails()
        compiled.undo(*shared)
        return tails

    def _met(
        self, halves: Mapping[str, Job], tails: Mapping[int, tuple[str, ...]], start: int
    ) -> dict[int, Route | None] | None:
        """The routes with the jobs in the first second at which all of them can start."""
        for _ in range(MEETINGS):
            known = {**self.jobs}
            for name, half in halves.items():
                windows = tuple(
                    (max(opens, start), closes)
                    for opens, closes in half.time_windows or ((0, c.FAR),)
                    if closes >= start
                )
                if not windows:
                    return None
                known[name] = replace(half, time_windows=windows)
            routes = {r: self._timed(r, tail, known) for r, tail in tails.items()}
            if any(route is None for r, route in routes.items() if tails[r]):
                return None
            ready = [
                step.start or 0
                for route in routes.values()
                if route is not None
                for step in route.steps
                if step.job in halves
            ]
            start = max(ready)
            if min(ready) == start:
                fixed = {**self.starts, **dict.fromkeys(halves, start)}
                met = {r: self._timed(r, tail, known, fixed) for r, tail in tails.items()}
                return None if any(met[r] is None for r in met if tails[r]) else met
        return None

    def _told(
        self,
        job: Job,
        tails: Mapping[int, tuple[str, ...]],
        routes: Mapping[int, Route | None],
        out: Sequence[str],
        edit: Edit | None = None,
    ) -> Offer | None:
        """What these routes mean for everybody; None where a tied visit could not keep its time."""
        old = [route for r in tails if (route := self.routes[r]) is not None]
        new = [route for route in routes.values() if route is not None]
        if shifts_a_tied_end(old, new, self.starts) and not self._is_valid(routes, job):
            return None
        after = self._problem_with(job, None)
        names = {job.id}
        if job.together or len(tails) > 1:
            names = mates(job, after)
        before = {name for route in old for name in route.jobs}
        seats = [seat_of(route, name) for route in new for name in route.jobs
                 if name in names - before]  # fmt: skip
        first, *others = sorted(seats, key=lambda seat: (seat.job != job.id, -seat.arrival_s))
        return Offer(
            job,
            first.technician,
            first.shift,
            first.position,
            first.arrival_s,
            first.start_s,
            first.end_s,
            self._effect(after, tails, routes),
            moves(old, new, {seat.job for seat in seats}),
            ejections(out, old, new),
            promises(self.jobs, self.promised, old, new),
            self.version,
            Change(self.version, tails, routes, job, edit=edit),
            (first, *others),
        )

    def _is_valid(self, routes: Mapping[int, Route | None], job: Job) -> bool:
        return self._report(self._problem_with(job, None), routes).valid
