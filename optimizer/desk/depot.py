"""Routes that visit a depot: kept to the letter, but for visits that leave them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from optimizer.desk.standing import Standing
from optimizer.plan import Route, Step
from optimizer.problem import Problem, drive_s, service_time_s


def replayed(
    problem: Problem, stand: Standing, route: Route, names: Collection[str]
) -> Route | None:
    """The steps of a route with these visits alone, none earlier than it was.

    Depot stops before the last visit stay. A break behind it stays where the route is not over by
    then. The checker has the last word: a drive that became longer may break a window.
    """
    if not names:
        return None
    jobs = {job.id: job for job in problem.jobs}
    pauses = {pause.id: pause for pause in stand.shift.breaks}
    durations = problem.travel[stand.technician.profile].durations_s

    def leg(a: int, b: int) -> int:
        return drive_s(int(durations[a, b]), stand.technician.speed_factor)

    last = max(k for k, step in enumerate(route.steps) if step.job in names)
    steps = [route.steps[0]]
    place, ready = stand.shift.start_location, route.start
    at_job = -1
    for k, step in enumerate(route.steps[1:-1], start=1):
        if (step.job is not None and step.job not in names) or (
            step.type == "restock" and k > last
        ):
            continue
        if step.type == "break":
            home = 0 if stand.shift.end_location is None else leg(place, stand.shift.end_location)
            if k > last and ready + home <= min(a for a, _ in pauses[step.break_id or ""].windows):
                continue
            start = max(ready, step.start or 0)
            ready = start + (step.end or 0) - (step.start or 0)
            steps.append(replace(step, start=start, end=ready, location=None))
            continue
        assert step.location is not None
        travel = leg(place, step.location)
        length, late = (step.end or 0) - (step.start or 0), 0
        arrival = ready + travel
        if step.job is not None:
            job = jobs[step.job]
            length = service_time_s(job, stand.technician)
            length += 0 if at_job == job.location else job.setup_s
            at_job = job.location
            arrival = max(arrival, job.release)
        start = max(arrival, step.start or 0)
        if step.job is not None:
            late = problem.late_s(jobs[step.job], arrival, start)
        ready, place = start + length, step.location
        steps.append(
            replace(
                step,
                arrival=arrival if step.job is not None else step.arrival,
                start=start,
                end=ready,
                travel_s=travel,
                wait_s=start - arrival if step.job is not None else step.wait_s,
                late_s=late,
            )
        )
    home = 0 if stand.shift.end_location is None else leg(place, stand.shift.end_location)
    end = Step("end", stand.shift.end_location, ready + home, travel_s=home)
    return replace(route, end=ready + home, steps=(*steps, end))
