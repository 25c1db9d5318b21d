"""A held plan that is changed by hand: a job called off, moved to somebody, pinned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from optimizer.desk.admission import is_tied
from optimizer.desk.edit import EditReport, placings
from optimizer.desk.effects import moves, rank
from optimizer.desk.held import HeldPlan
from optimizer.desk.offer import Change
from optimizer.desk.removal import without_visit
from optimizer.desk.standing import frozen_starts
from optimizer.plan import Plan
from optimizer.problem import Job, Pin


class EditedPlan(HeldPlan):
    """What a dispatcher does to single visits; each is shown first, and done by ``apply``."""

    def remove(self, job_id: str) -> Plan:
        """`without`, applied at once."""
        return self.without(job_id).apply()

    def without(self, job_id: str) -> EditReport:
        """Take a job off the plan and out of the problem (it was called off, or may wait).

        Nothing changes before `EditReport.apply`.

        Raises
        ------
        ValueError
            When there is no such job, it has begun, or others start with it or come after it.
        """
        job = self.jobs.get(job_id)
        if job is None:
            raise ValueError(f"no job {job_id!r} in the problem")
        others = [
            other.id
            for other in self.problem.jobs
            if job_id in (*other.after, *other.together) or other.id in job.together
        ]
        if others:
            raise ValueError(
                f"{', '.join(others)} cannot stay without job {job_id!r}: change what ties them, "
                "or plan again"
            )
        where = self._still_to_come(job_id)
        changed, routes = without_visit(
            self._problem_with(None, job_id), self.places, self.stands, self.tails, self.routes,
            self.starts, self.jobs, job_id, where, seed=self.seed, blind=self.blind,
        )  # fmt: skip
        return self._edited(job_id, Change(self.version, changed, routes, gone=job_id))

    def move(
        self,
        job: Job,
        technician_id: str,
        shift_id: str | None = None,
        position: int | None = None,
    ) -> EditReport:
        """Put a visit, planned elsewhere or not at all, with this technician.

        Nothing changes before `EditReport.apply`. Rules that would be broken are reported.

        Parameters
        ----------
        shift_id, position
            Where; position counts the jobs before it on the route. None: where it breaks the
            fewest rules, and does best by the goals.

        Raises
        ------
        ValueError
            When there is no such shift that the desk may change, the job has begun, or it needs
            company.
        """
        if job.crew > 1 or is_tied(replace(job, crew=1, after=()), self.problem):
            raise ValueError(f"job {job.id!r} needs others, and cannot be moved alone")
        self._still_to_come(job.id)
        shifts = [
            r
            for r, stand in enumerate(self.stands)
            if stand.technician.id == technician_id
            and shift_id in (None, stand.shift.id)
            and not stand.closed
        ]
        if not shifts:
            raise ValueError(f"no shift of technician {technician_id!r} that may be changed")
        problem = self._problem_with(job, None)
        reports = [
            self._edited(job.id, Change(self.version, way.tails, way.routes, problem_job=job))
            for way in placings(
                problem, self.stands, self.tails, self.routes, self.starts, job, shifts, position
            )
        ]
        if not reports:
            raise ValueError(f"there is no way for {technician_id!r} to job {job.id!r}")
        return min(reports, key=lambda report: (len(report.violations), rank(report.effect)))

    def pin(self, job_id: str, *, pinned: bool = True) -> EditReport:
        """Keep a visit with its technician and shift, or let it go again.

        Raises
        ------
        ValueError
            When the job is on no route.
        """
        on = [route for route in self.routes.values() if route and job_id in route.jobs]
        if not on:
            raise ValueError(f"job {job_id!r} is on no route")
        pin = Pin(on[0].technician, on[0].shift) if pinned else None
        job = replace(self.jobs[job_id], pinned=pin)
        return self._edited(job_id, Change(self.version, {}, {}, problem_job=job))

    def _still_to_come(self, job_id: str) -> list[int]:
        """The shifts that have the job; `ValueError` where it has begun or is frozen."""
        where = [r for r, route in self.routes.items() if route and job_id in route.jobs]
        for r in where:
            if job_id not in self.tails[r]:
                raise ValueError(f"job {job_id!r} has begun")
            if job_id in frozen_starts(self.problem):
                raise ValueError(f"job {job_id!r} is frozen")
        return where

    def _edited(self, job_id: str, change: Change) -> EditReport:
        after = self._problem_with(change.problem_job, change.gone)
        old = [route for r in change.routes if (route := self.routes[r]) is not None]
        new = [route for route in change.routes.values() if route is not None]
        return EditReport(
            job_id,
            self._effect(after, change.tails, change.routes),
            moves(old, new),
            self._report(after, change.routes).violations,
            self.version,
            change,
            self._take,
        )

    def _take(self, change: Change, closed: Sequence[tuple[str, str]] = ()) -> Plan:
        self._apply(change, closed)
        return self.plan
