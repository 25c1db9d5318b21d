"""What has been driven can be driven: travel times against which begun visits hold.

A visit that has begun stays at its second. Roads that are read anew (another extract, estimates
while no road server answers) may call its drive too long by some seconds, and a visit in between
that came to nothing is no stop any more: a plan of the day could then not keep what has begun, and
no plan could be published any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from api.services.under_way import BegunVisit
from optimizer import Problem, Travel
from optimizer.problem import service_time_s


def as_driven(problem: Problem, begun: Iterable[BegunVisit]) -> Problem:
    """The problem with each drive to a visit that has begun no longer than it was planned.

    Nor longer than the time there was. The same object where every drive fits. Technicians drive as
    the matrix says (``speed_factor`` 1).
    """
    jobs = {job.id: job for job in problem.jobs}
    settled: dict[tuple[str, str], list[BegunVisit]] = {}
    for visit in begun:
        if visit.job in jobs:
            settled.setdefault((visit.technician, visit.shift), []).append(visit)
    cuts: dict[tuple[str, int, int], int] = {}
    for who in problem.technicians:
        durations = problem.travel[who.profile].durations_s
        for shift in who.shifts:
            place, ready = shift.start_location, shift.start
            for visit in sorted(
                settled.get((who.id, shift.id), ()), key=lambda one: (one.start, one.job)
            ):
                job = jobs[visit.job]
                leg = (who.profile, place, job.location)
                driven = min(max(0, visit.arrival - ready), visit.drive)
                if durations[place, job.location] > driven:
                    cuts[leg] = min(driven, cuts.get(leg, driven))
                setup = 0 if place == job.location else job.setup_s
                place, ready = job.location, visit.start + service_time_s(job, who) + setup
    if not cuts:
        return problem
    travel = dict(problem.travel)
    for profile in {profile for profile, _, _ in cuts}:
        durations = travel[profile].durations_s.copy()
        for (name, origin, target), seconds in cuts.items():
            if name == profile:
                durations[origin, target] = seconds
        travel[profile] = Travel(durations, travel[profile].distances_m)
    return replace(problem, travel=travel)
