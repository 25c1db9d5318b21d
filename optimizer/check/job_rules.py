"""Rules that look at one job or at jobs that hang together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from optimizer.check.facts import Facts
from optimizer.check.report import Violation


def assignment(facts: Facts) -> Iterator[Violation]:
    """Every job is either served or unassigned, and listed once."""
    listed = Counter(entry.job for entry in facts.plan.unassigned)
    for job in facts.problem.jobs:
        stops = facts.served(job.id)
        where = f"job {job.id}"
        if stops and job.id in facts.left_out:
            yield Violation("assignment", where, 1, "both served and unassigned")
        if not stops and job.id not in facts.left_out:
            yield Violation("assignment", where, 1, "neither served nor unassigned")
        if len(stops) > job.crew:
            message = f"on {len(stops)} stops, needs {job.crew}"
            yield Violation("assignment", where, len(stops) - job.crew, message)
        if listed[job.id] > 1:
            message = f"unassigned {listed[job.id]} times"
            yield Violation("assignment", where, listed[job.id] - 1, message)


def release(facts: Facts) -> Iterator[Violation]:
    """Nobody arrives before the release."""
    for stops in facts.stops.values():
        for _, visit in stops:
            assert visit.job is not None
            if visit.arrival < visit.job.release:
                message = f"arrives at {visit.arrival}, released at {visit.job.release}"
                off = visit.job.release - visit.arrival
                yield Violation("release", visit.where, off, message)


def time_windows(facts: Facts) -> Iterator[Violation]:
    """Service starts inside one of the windows promised."""
    for stops in facts.stops.values():
        for _, visit in stops:
            assert visit.job is not None
            windows = visit.job.time_windows
            if windows and not any(a <= visit.start <= b for a, b in windows):
                off = min(max(a - visit.start, visit.start - b) for a, b in windows)
                message = f"starts at {visit.start}, outside every window"
                yield Violation("time_windows", visit.where, off, message)


def skills(facts: Facts) -> Iterator[Violation]:
    """The technician holds every skill at the level needed."""
    for stops in facts.stops.values():
        for tour, visit in stops:
            assert visit.job is not None
            for skill, needed in visit.job.skills.items():
                held = tour.technician.skills.get(skill, 0)
                if held < needed:
                    message = f"{skill} level {needed} needed, {held} held"
                    yield Violation("skills", visit.where, needed - held, message)


def equipment(facts: Facts) -> Iterator[Violation]:
    """The technician carries the equipment, or has been at the depot on this route."""
    for stops in facts.stops.values():
        for tour, visit in stops:
            assert visit.job is not None
            missing = visit.job.equipment - tour.technician.equipment
            if missing and not visit.after_restock:
                message = f"lacks {', '.join(sorted(missing))}"
                yield Violation("equipment", visit.where, len(missing), message)


def stock(facts: Facts) -> Iterator[Violation]:
    """Parts come from the technician's stock, all shifts together, or from the depot before."""
    used: dict[str, Counter[str]] = {}
    for tour in facts.tours:
        for visit in tour.stops:
            assert visit.job is not None
            if not visit.after_restock:
                used.setdefault(tour.technician.id, Counter()).update(visit.job.parts)
    for technician in facts.problem.technicians:
        for part, count in sorted(used.get(technician.id, Counter()).items()):
            held = technician.stock.get(part, 0)
            if count > held:
                message = f"{count} × {part} used, {held} in stock"
                yield Violation("stock", f"technician {technician.id}", count - held, message)


def allowed(facts: Facts) -> Iterator[Violation]:
    """Only technicians who are allowed and not excluded."""
    for stops in facts.stops.values():
        for tour, visit in stops:
            job, who = visit.job, tour.technician.id
            assert job is not None
            if who in job.excluded:
                yield Violation("allowed", visit.where, 1, f"{who} is excluded")
            if job.allowed is not None and who not in job.allowed:
                yield Violation("allowed", visit.where, 1, f"{who} is not among the allowed")


def crew(facts: Facts) -> Iterator[Violation]:
    """A crew job is done by that many different technicians who start in the same second."""
    for job_id, stops in facts.stops.items():
        job = facts.jobs[job_id]
        people = {tour.technician.id for tour, _ in stops}
        where = f"job {job_id}"
        if len(stops) < job.crew:
            message = f"{len(stops)} of {job.crew} technicians"
            yield Violation("crew", where, job.crew - len(stops), message)
        if len(people) < min(len(stops), job.crew):
            yield Violation("crew", where, len(stops) - len(people), "the same technician twice")
        starts = {visit.start for _, visit in stops}
        if len(starts) > 1:
            off = max(starts) - min(starts)
            yield Violation("crew", where, off, f"starts apart: {sorted(starts)}")


def together(facts: Facts) -> Iterator[Violation]:
    """Jobs tied together start in the same second by different technicians, or are all left out."""
    pairs = {
        (min(job.id, other), max(job.id, other))
        for job in facts.problem.jobs
        for other in job.together
        if other in facts.jobs and other != job.id
    }
    for one, other in sorted(pairs):
        where = f"jobs {one} and {other}"
        stops, others = facts.served(one), facts.served(other)
        if bool(stops) != bool(others):
            yield Violation("together", where, 1, "one is served, the other is not")
            continue
        starts = {visit.start for _, visit in stops + others}
        if len(starts) > 1:
            off = max(starts) - min(starts)
            yield Violation("together", where, off, f"start apart: {sorted(starts)}")
        shared = {tour.technician.id for tour, _ in stops} & {
            tour.technician.id for tour, _ in others
        }
        if shared:
            names = ", ".join(sorted(shared))
            yield Violation("together", where, len(shared), f"both done by {names}")


def after(facts: Facts) -> Iterator[Violation]:
    """A job keeps its gap to the jobs before it, and is left out when one of them is."""
    for job in facts.problem.jobs:
        stops = facts.served(job.id)
        if not stops:
            continue
        for before in job.after:
            where = f"job {job.id} after {before}"
            earlier = facts.served(before)
            if not earlier:
                yield Violation("after", where, 1, f"{before} is not served")
                continue
            if job.gap_from == "end":
                base = max(visit.end for _, visit in earlier)
            else:
                base = max(visit.start for _, visit in earlier)
            for _, visit in stops:
                gap = visit.start - base
                if gap < job.min_gap_s:
                    message = f"starts {gap} s after the {job.gap_from}, at least {job.min_gap_s}"
                    yield Violation("after", where, job.min_gap_s - gap, message)
                if job.max_gap_s is not None and gap > job.max_gap_s:
                    message = f"starts {gap} s after the {job.gap_from}, at most {job.max_gap_s}"
                    yield Violation("after", where, gap - job.max_gap_s, message)


def pinned(facts: Facts) -> Iterator[Violation]:
    """What is settled about a job stays: one of its crew is the one pinned, the start is exact."""
    for job in facts.problem.jobs:
        pin, stops = job.pinned, facts.served(job.id)
        if pin is None or not stops:
            continue
        fits = any(
            pin.technician in (None, tour.technician.id) and pin.shift in (None, tour.shift.id)
            for tour, _ in stops
        )
        if not fits:
            message = f"pinned to {pin.technician or 'anybody'}, shift {pin.shift or 'any'}"
            yield Violation("pinned", stops[0][1].where, 1, message)
        for _, visit in stops:
            if pin.start is not None and visit.start != pin.start:
                message = f"starts at {visit.start}, pinned to {pin.start}"
                yield Violation("pinned", visit.where, abs(visit.start - pin.start), message)


def frozen(facts: Facts) -> Iterator[Violation]:
    """A published stop that starts before ``frozen_until`` stays with its technician and start.

    Stops of a technician or shift that is no longer in the problem bind nobody.
    """
    published, until = facts.problem.published, facts.problem.frozen_until
    if published is None or until is None:
        return
    present = {(who.id, shift.id) for who in facts.problem.technicians for shift in who.shifts}
    for route in published.routes:
        if (route.technician, route.shift) not in present:
            continue
        for step in route.steps:
            if step.job not in facts.jobs or step.start is None or step.start >= until:
                continue
            assert step.job is not None
            mine = [
                visit
                for tour, visit in facts.served(step.job)
                if (tour.technician.id, tour.shift.id) == (route.technician, route.shift)
            ]
            where = f"job {step.job}"
            if not mine:
                message = f"published for {route.technician}/{route.shift} and frozen"
                yield Violation("frozen", where, 1, message)
            elif all(visit.start != step.start for visit in mine):
                off = min(abs(visit.start - step.start) for visit in mine)
                message = f"starts at {mine[0].start}, published and frozen at {step.start}"
                yield Violation("frozen", where, off, message)
