"""What has been driven can be driven: travel times against which begun visits hold.

A visit that has begun stays at its second. Roads that are read anew (another extract, estimates
while no road server answers) may call its drive too long by some seconds; a plan of the day could
then not keep it, and no plan could be published any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from optimizer import Job, Problem, Travel
from optimizer.problem import service_time_s


def as_driven(problem: Problem, arrivals: Mapping[tuple[str, str], int] | None = None) -> Problem:
    """The problem with each drive between settled visits no longer than the time there was.

    Settled are visits pinned to technician, shift and second. The same object where every drive
    fits. Technicians drive as the matrix says (``speed_factor`` 1). ``arrivals``: by job and
    technician, when somebody was at the door; where there is none, at the start.
    """
    settled: dict[tuple[str, str], list[tuple[int, Job]]] = {}
    for job in problem.jobs:
        pin = job.pinned
        if pin and pin.technician and pin.shift and pin.start is not None:
            settled.setdefault((pin.technician, pin.shift), []).append((pin.start, job))
    cuts: dict[tuple[str, int, int], int] = {}
    for who in problem.technicians:
        durations = problem.travel[who.profile].durations_s
        for shift in who.shifts:
            place, ready = shift.start_location, shift.start
            for start, job in sorted(
                settled.get((who.id, shift.id), ()), key=lambda pair: (pair[0], pair[1].id)
            ):
                leg = (who.profile, place, job.location)
                there_was = max(0, (arrivals or {}).get((job.id, who.id), start) - ready)
                if durations[place, job.location] > there_was:
                    cuts[leg] = min(there_was, cuts.get(leg, there_was))
                setup = 0 if place == job.location else job.setup_s
                place, ready = job.location, start + service_time_s(job, who) + setup
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
