"""The day in figures: what people read after a plan, and programs compare."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

from optimizer import CheckReport, Job, Plan, Problem
from optimizer.problem import drive_s

CURES = {
    "insert": "{n} fit as it is",
    "overtime": "overtime for {n}",
    "parts": "parts for {n}",
    "equipment": "equipment for {n}",
    "max_jobs": "one more visit for {n}",
    "window": "another time window for {n}",
    "release": "an earlier release for {n}",
    "skill": "training or a certificate for {n}",
    "drop": "leaving out a lesser job for {n}",
}
"""The cures of `optimizer.explain`, in words."""


@dataclass(frozen=True, slots=True)
class DaySummary:
    """One plan of one day. Seconds and metres.

    ``urgent_out_of_reach`` counts urgent jobs to which nobody on shift could come in time, whatever
    the plan; ``reasons`` unassigned jobs by blocking rule; ``cures`` unassigned jobs by the
    cheapest single change that would let them in.
    """

    day: str
    region: str
    plan_version: int
    plan_status: str
    jobs: int
    technicians: int
    technicians_used: int
    urgent_total: int
    urgent_in_time: int
    urgent_unassigned: int
    other_total: int
    other_in_time: int
    other_unassigned: int
    other_due_later: int
    unassigned: int
    reasons: dict[str, int]
    driven_s: int
    driven_m: int
    source_of_travel_times: str
    engine: str
    seconds: float
    violations: int
    # Plans made before these were counted have neither.
    urgent_out_of_reach: int = 0
    cures: dict[str, int] = field(default_factory=dict)

    @staticmethod
    def of(plan: Any, region: str) -> DaySummary:
        """The summary stored with a plan row, with its version and status as they are now."""
        return DaySummary(
            day=plan.day.isoformat(),
            region=region,
            plan_version=plan.version,
            plan_status=plan.status,
            **plan.summary,
        )

    def to_json(self) -> dict[str, Any]:
        """The figures for programs; ``check`` as people say it."""
        return {**asdict(self), "check": {"violations": self.violations}}

    def to_text(self) -> str:
        """The figures for people, one line a figure."""
        lines = [
            f"{self.region}, {self.day}: plan version {self.plan_version} ({self.plan_status})",
            f"jobs: {self.jobs}",
            f"technicians: {self.technicians} ({self.technicians_used} with visits)",
            f"urgent arrivals in time: {self.urgent_in_time} of {self.urgent_total}"
            + self._out_of_reach(),
            f"other in time: {self.other_in_time} of {self.other_total}",
            f"unassigned: {self.unassigned}" + self._reasons(),
            *self._cures(),
            f"hours driven: {self.driven_s / 3600:.1f}",
            f"travel times: {self.source_of_travel_times}",
            f"engine: {self.engine}, {self.seconds:.1f} s",
            f"check: {self.violations} violations",
        ]
        return "\n".join(lines)

    def _out_of_reach(self) -> str:
        if not self.urgent_out_of_reach:
            return ""
        return f" ({self.urgent_out_of_reach} out of reach: nobody who can do them works in time)"

    def _cures(self) -> list[str]:
        told = [CURES[change].format(n=count) for change, count in self.cures.items()]
        return ["what would let them in: " + ", ".join(told)] if told else []

    def _reasons(self) -> str:
        if not self.unassigned:
            return ""
        told = ", ".join(f"{rule} {count}" for rule, count in self.reasons.items())
        later = f"{self.other_due_later} of them are due after this day"
        return f" ({told}; {later})" if self.other_due_later else f" ({told})"


def figures(
    problem: Problem,
    plan: Plan,
    report: CheckReport,
    source_of_travel_times: str,
) -> dict[str, Any]:
    """The part of a summary that is stored with the plan."""
    arrival = {step.job: step.arrival for route in plan.routes for step in route.steps if step.job}
    unassigned = {entry.job: entry for entry in plan.unassigned}
    urgent = [job for job in problem.jobs if job.job_class == "urgent"]
    other = [job for job in problem.jobs if job.job_class != "urgent"]

    def in_time(jobs: list[Any]) -> int:
        return sum(
            1
            for job in jobs
            if (at := arrival.get(job.id)) is not None and (job.due is None or at <= job.due)
        )

    reasons: Counter[str] = Counter()
    for entry in plan.unassigned:
        reasons.update(entry.blocking or ([entry.reasons[0].rule] if entry.reasons else ["none"]))
    cures = Counter(str(entry.cure["change"]) for entry in plan.unassigned if entry.cure)
    driven_m = sum(leg_m(problem, route) for route in plan.routes)
    return {
        "jobs": len(problem.jobs),
        "technicians": len(problem.technicians),
        "technicians_used": len({route.technician for route in plan.routes if route.jobs}),
        "urgent_total": len(urgent),
        "urgent_in_time": in_time(urgent),
        "urgent_unassigned": sum(job.id in unassigned for job in urgent),
        "urgent_out_of_reach": sum(
            not in_reach(problem, job)
            for job in urgent
            if (at := arrival.get(job.id)) is None or (job.due is not None and at > job.due)
        ),
        "other_total": len(other),
        "other_in_time": in_time(other),
        "other_unassigned": sum(job.id in unassigned for job in other),
        "other_due_later": sum(
            job.id in unassigned and (job.due is None or job.due > problem.horizon_end)
            for job in other
        ),
        "unassigned": len(unassigned),
        "reasons": dict(sorted(reasons.items())),
        "cures": {change: cures[change] for change in CURES if cures[change]},
        "driven_s": sum(step.travel_s for route in plan.routes for step in route.steps),
        "driven_m": driven_m,
        "source_of_travel_times": source_of_travel_times,
        "engine": plan.solver.engine if plan.solver else "unknown",
        "seconds": round(plan.solver.seconds, 1) if plan.solver else 0.0,
        "violations": len(report.violations),
    }


def in_reach(problem: Problem, job: Job) -> bool:
    """Whether somebody who can do a job could be there by its due time, with nothing else to do."""
    for who in problem.technicians:
        if any(who.skills.get(skill, 0) < level for skill, level in job.skills.items()):
            continue
        if any(who.stock.get(part, 0) < pieces for part, pieces in job.parts.items()):
            continue
        durations_s = problem.travel[who.profile].durations_s
        for shift in who.shifts:
            way_s = drive_s(int(durations_s[shift.start_location, job.location]), who.speed_factor)
            arrival = max(job.release, shift.start + way_s)
            if arrival + job.service_s <= shift.end + shift.overtime_s and (
                job.due is None or arrival <= job.due
            ):
                return True
    return False


def leg_m(problem: Problem, route: Any) -> int:
    """Metres driven on a route."""
    travel = next(iter(problem.travel.values()))
    if travel.distances_m is None:
        return 0
    stops = [step.location for step in route.steps if step.location is not None]
    return int(sum(int(travel.distances_m[a, b]) for a, b in pairwise(stops)))
