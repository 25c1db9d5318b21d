"""The day in figures: what people read after a plan, and programs compare."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from optimizer import CheckReport, Plan, Problem


@dataclass(frozen=True, slots=True)
class DaySummary:
    """One plan of one day. Seconds and metres; ``reasons`` counts unassigned jobs by rule."""

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
            f"urgent arrivals in time: {self.urgent_in_time} of {self.urgent_total}",
            f"other in time: {self.other_in_time} of {self.other_total}",
            f"unassigned: {self.unassigned}" + self._reasons(),
            f"hours driven: {self.driven_s / 3600:.1f}",
            f"travel times: {self.source_of_travel_times}",
            f"engine: {self.engine}, {self.seconds:.1f} s",
            f"check: {self.violations} violations",
        ]
        return "\n".join(lines)

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
    driven_m = sum(leg_m(problem, route) for route in plan.routes)
    return {
        "jobs": len(problem.jobs),
        "technicians": len(problem.technicians),
        "technicians_used": len({route.technician for route in plan.routes if route.jobs}),
        "urgent_total": len(urgent),
        "urgent_in_time": in_time(urgent),
        "urgent_unassigned": sum(job.id in unassigned for job in urgent),
        "other_total": len(other),
        "other_in_time": in_time(other),
        "other_unassigned": sum(job.id in unassigned for job in other),
        "other_due_later": sum(
            job.id in unassigned and (job.due is None or job.due > problem.horizon_end)
            for job in other
        ),
        "unassigned": len(unassigned),
        "reasons": dict(sorted(reasons.items())),
        "driven_s": sum(step.travel_s for route in plan.routes for step in route.steps),
        "driven_m": driven_m,
        "source_of_travel_times": source_of_travel_times,
        "engine": plan.solver.engine if plan.solver else "unknown",
        "seconds": round(plan.solver.seconds, 1) if plan.solver else 0.0,
        "violations": len(report.violations),
    }


def leg_m(problem: Problem, route: Any) -> int:
    """Metres driven on a route."""
    travel = next(iter(problem.travel.values()))
    if travel.distances_m is None:
        return 0
    stops = [step.location for step in route.steps if step.location is not None]
    return int(sum(int(travel.distances_m[a, b]) for a, b in pairwise(stops)))
