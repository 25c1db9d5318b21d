"""Every goal, recomputed from the problem and the decisions of the plan."""

from __future__ import annotations

from optimizer.check.facts import Facts, Visit
from optimizer.problem import MANDATORY_PENALTY, START_TOLERANCE_S


def goals(facts: Facts) -> dict[str, int | float]:
    """All figures: ``unserved``, the objective in its order, then the rest."""
    figures: dict[str, int | float] = {
        "late": _late(facts),
        "dropped": _dropped(facts),
        "changes": _changes(facts),
        "overtime": sum(tour.overtime_s for tour in facts.tours),
        "travel": sum(tour.travel_s for tour in facts.tours),
        "distance": sum(tour.distance_m for tour in facts.tours),
        "cost": _cost(facts),
        "vehicles": len(facts.tours),
        "waiting": sum(visit.start - visit.arrival for tour in facts.tours for visit in tour.stops),
        "spread": _spread(facts),
        "preference": _preference(facts),
        "worst_late": _worst_late(facts),
    }
    unserved = sum(
        job.drop_penalty is None and not facts.served(job.id) for job in facts.problem.jobs
    )
    report: dict[str, int | float] = {"unserved": unserved}
    for goal in facts.problem.objective:
        total = sum(figures[name] * weight for name, weight in goal.terms)
        whole = all(float(weight).is_integer() for _, weight in goal.terms)
        report[goal.name] = round(total) if whole else float(total)
    for name, value in figures.items():
        report.setdefault(name, value)
    return report


def _counted(facts: Facts, visit: Visit) -> int:
    """The second at which lateness is measured: arrival, or the start of service."""
    return visit.start if facts.problem.late_at == "start" else visit.arrival


def _late(facts: Facts) -> int:
    """Weighted seconds after due; a dropped job counts to the end of the horizon."""
    total = 0
    end = facts.problem.horizon_end
    for job in facts.problem.jobs:
        if job.due is None:
            continue
        stops = facts.served(job.id)
        reached = max(_counted(facts, visit) for _, visit in stops) if stops else end
        total += facts.problem.weight(job) * max(0, reached - job.due)
    return total


def _worst_late(facts: Facts) -> int:
    worst = 0
    for stops in facts.stops.values():
        for _, visit in stops:
            assert visit.job is not None
            if visit.job.due is not None:
                worst = max(worst, _counted(facts, visit) - visit.job.due)
    return worst


def _dropped(facts: Facts) -> int:
    return sum(
        facts.problem.weight(job)
        * (MANDATORY_PENALTY if job.drop_penalty is None else job.drop_penalty)
        for job in facts.problem.jobs
        if not facts.served(job.id)
    )


def _changes(facts: Facts) -> int:
    """Published stops that moved: 2 for another technician or shift, 1 for another time."""
    published = facts.problem.published
    if published is None:
        return 0
    total = 0
    for route in published.routes:
        for step in route.steps:
            if step.job not in facts.jobs or step.start is None:
                continue
            assert step.job is not None
            starts = [
                visit.start
                for tour, visit in facts.served(step.job)
                if (tour.technician.id, tour.shift.id) == (route.technician, route.shift)
            ]
            if not starts:
                total += 2
            elif min(abs(start - step.start) for start in starts) > START_TOLERANCE_S:
                total += 1
    return total


def _cost(facts: Facts) -> int:
    return sum(
        (tour.technician.cost_per_hour_fen * (tour.route.end - tour.route.start) + 1800) // 3600
        + (tour.technician.cost_per_km_fen * tour.distance_m + 500) // 1000
        for tour in facts.tours
    )


def _spread(facts: Facts) -> int:
    """The longest minus the shortest working time over all technicians; idle ones count as 0."""
    worked = {technician.id: 0 for technician in facts.problem.technicians}
    for tour in facts.tours:
        worked[tour.technician.id] += tour.route.end - tour.route.start
    return max(worked.values(), default=0) - min(worked.values(), default=0)


def _preference(facts: Facts) -> int:
    """Class weights of jobs that none of the technicians preferred for them has a hand in."""
    total = 0
    for job_id, stops in facts.stops.items():
        job = facts.jobs[job_id]
        if job.preferred and not any(tour.technician.id in job.preferred for tour, _ in stops):
            total += facts.problem.weight(job)
    return total
