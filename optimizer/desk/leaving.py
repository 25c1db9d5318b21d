"""Visits that leave the plan, and what cannot stay without them.

Half of a crew may have left for its visit already. As long as the visit has not begun it can be
called off: that technician turns round, and goes on with the rest of the day from there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from optimizer.desk.company import dragged_out
from optimizer.desk.depot import replayed
from optimizer.desk.standing import Standing
from optimizer.plan import Route, Step
from optimizer.problem import UNREACHABLE, Job, Problem, drive_s

Visit = tuple[str, str]
"""A job and the technician who makes (a half of) it."""


@dataclass(slots=True)
class Draft:
    """A plan in the making: stands, tails and routes per shift as they become.

    ``touched`` are the shifts that have changed. ``begun`` stay whatever happens.
    """

    problem: Problem
    now_s: int
    starts: Mapping[str, int]
    begun: Collection[Visit]
    stands: list[Standing]
    tails: dict[int, tuple[str, ...]]
    routes: dict[int, Route | None]
    touched: set[int] = field(default_factory=set)

    def copied(self) -> Draft:
        """Another draft that starts from this one."""
        return replace(
            self,
            stands=list(self.stands),
            tails=dict(self.tails),
            routes=dict(self.routes),
            touched=set(self.touched),
        )

    @property
    def changed_tails(self) -> dict[int, tuple[str, ...]]:
        """The tails of the shifts that have changed."""
        return {r: self.tails[r] for r in sorted(self.touched)}

    @property
    def changed_routes(self) -> dict[int, Route | None]:
        """The routes of the shifts that have changed."""
        return {r: self.routes[r] for r in sorted(self.touched)}

    @property
    def ready_from(self) -> dict[tuple[str, str], int]:
        """When those who were called back can go on, by technician and shift."""
        return {
            (stand.technician.id, stand.shift.id): stand.ready
            for stand in self.stands
            if stand.is_called_back
        }


def take_up(draft: Draft, r: int, name: str, *, called_off: bool) -> bool:
    """Make a settled visit of shift ``r``, and all behind it, one that is still to come.

    ``called_off``: whoever is under way turns round; else the drive goes on, and only the start is
    open. False where the visit, or one behind it, is known to have begun. A visit that should have
    begun has not, when somebody it waits for is late.
    """
    stand = draft.stands[r]
    who = stand.technician.id
    at = next((k for k, step in enumerate(stand.steps) if step.job == name), None)
    if at is None:
        return name in draft.tails[r]
    if any((step.job, who) in draft.begun for step in stand.steps[at:]):
        return False
    jobs = {job.id: job for job in draft.problem.jobs}
    before, behind = stand.steps[:at], [s.job for s in stand.steps[at:] if s.job is not None]
    if called_off:
        behind.remove(name)
    settled = tuple(jobs[step.job] for step in before if step.job is not None)
    taken = {step.break_id for step in before if step.type == "break"}
    places = [step.location for step in before if step.location is not None]
    leave = (stand.steps[at].arrival or 0) - stand.steps[at].travel_s
    ready = leave
    if called_off:
        back = _back_s(draft, stand, stand.steps[at], places[-1])
        ready = max(draft.now_s, leave) + back
    tail = (*behind, *draft.tails[r])
    draft.stands[r] = replace(
        stand,
        steps=before if len(before) > 1 else (),
        ready=ready,
        place=places[-1],
        last_job=settled[-1] if settled else None,
        settled=settled,
        pauses=tuple(pause for pause in stand.shift.breaks if pause.id not in taken),
        tail=tuple(jobs[other] for other in tail),
        home=None,
        is_called_back=called_off,
    )
    draft.tails[r] = tail
    draft.touched.add(r)
    return True


def _back_s(draft: Draft, stand: Standing, step: Step, place: int) -> int:
    """Seconds back to the last place for whoever is on the way, or waits at the door."""
    driven = draft.now_s - ((step.arrival or 0) - step.travel_s)
    if driven < step.travel_s or step.location is None:
        return max(0, driven)
    durations = draft.problem.travel[stand.technician.profile].durations_s
    back = drive_s(int(durations[step.location, place]), stand.technician.speed_factor)
    return step.travel_s if back >= UNREACHABLE else back


def leave_out(draft: Draft, lost: Collection[str]) -> set[str]:
    """Take these visits out, and every one that cannot stay then; returns all of them.

    A route that cannot be driven without them (a setup comes back, a way is longer) gives up what
    it can no longer make, too. What has begun stays: the checker tells what that breaks.
    """
    jobs = {job.id: job for job in draft.problem.jobs}
    done: set[str] = set()
    fresh = set(lost)
    while fresh - done:
        gone = dragged_out(done | fresh, draft.problem)
        fresh = set()
        for r, stand in enumerate(draft.stands):
            for name in [job.id for job in stand.settled if job.id in gone]:
                take_up(draft, r, name, called_off=True)
            stay = tuple(name for name in draft.tails[r] if name not in gone)
            if stay == draft.tails[r] and not (gone - done) & _names(draft.routes[r]):
                continue
            stand = draft.stands[r]
            draft.touched.add(r)
            draft.tails[r] = stay
            visits = [jobs[name] for name in stay]
            route = shortened(draft.problem, stand, visits, draft.routes[r], draft.starts)
            if route is None and stay:
                kept = kept_in_order(draft.problem, stand, visits, draft.starts)
                fresh |= set(stay) - set(kept)
                draft.tails[r] = kept
                visits = [jobs[name] for name in kept]
                route = stand.timed(draft.problem, visits, draft.starts)
            draft.routes[r] = route
        done = gone
    return done


def _names(route: Route | None) -> set[str]:
    return set() if route is None else set(route.jobs)


def shortened(
    problem: Problem,
    stand: Standing,
    kept: list[Job],
    route: Route | None,
    starts: Mapping[str, int],
) -> Route | None:
    """The route with these visits alone."""
    if route is None or not any(step.type == "restock" for step in route.steps):
        return stand.timed(problem, kept, starts)
    return replayed(problem, stand, route, {job.id for job in (*stand.settled, *kept)})


def kept_in_order(
    problem: Problem, stand: Standing, tail: Sequence[Job], starts: Mapping[str, int]
) -> tuple[str, ...]:
    """As many visits as can stay in their order; those fixed to a second are asked first."""
    kept: list[int] = []
    for k in sorted(range(len(tail)), key=lambda k: (tail[k].id not in starts, k)):
        trial = sorted([*kept, k])
        if stand.timed(problem, [tail[x] for x in trial], starts) is not None:
            kept = trial
    return tuple(tail[k].id for k in kept)
