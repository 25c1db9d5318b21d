"""Which outlets are open afterwards, and who is hired where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from network.scenarios.question import Question
from network.simulate import Group, Outlet, Scenario
from network.siting import Candidate, NoPlanFound, Sites, SiteStatus, SitingProblem, Stop, solve
from network.siting import DemandPoint as SitingPoint
from network.siting.conflict import at_a_glance, search_conflict
from network.siting.rules import rules_of
from network.staffing import CannotStaff, NobodyCan, Staffing, best_mix, loads, staff

SITING_SECONDS = 20.0
_CONFLICT_SECONDS = 5.0


class CannotPlan(ValueError):
    """No plan keeps what was asked for; one sentence says why."""


@dataclass(frozen=True, eq=False)
class Placed:
    """Today with the chosen outlets open, people of closed ones moved, openings without heads.

    ``new`` are ids of outlets; ``heirs`` leads from each closed outlet to the one that takes its
    people, ``moved`` from a group to where it went; ``hiring`` are the ids of the groups that may
    get heads.
    """

    scenario: Scenario
    sites: Sites | None
    new: tuple[str, ...]
    heirs: dict[str, str]
    moved: dict[str, str]
    hiring: frozenset[str]

    @property
    def closed(self) -> tuple[str, ...]:
        """Ids of the outlets of today that are open no more."""
        return tuple(self.heirs)


def siting_problem(question: Question) -> SitingProblem:
    """The question of `network.siting` in the planner's question."""
    order = question.siting
    assert order is not None
    kept = sum(one.status is SiteStatus.KEEP for one in question.standing.values())
    free = sum(one.status is SiteStatus.MAY_CLOSE for one in question.standing.values())
    wanted = order.open
    if wanted is None:
        # So many new ones beside those that stay; what may close is up to `open`.
        wanted = kept + free + (order.new_outlets or 0)
    if order.new_outlets is not None and order.new_outlets > len(question.candidates):
        raise CannotPlan(
            f"{order.new_outlets} new outlets are wanted, but there are only "
            f"{len(question.candidates)} candidates."
        )
    points = question.scenario.demand.points
    return SitingProblem(
        order.model,
        tuple(SitingPoint(p.id, p.weight, p.lat, p.lon, p.district) for p in points),
        (
            *(Candidate(name, status=one.status) for name, one in question.standing.items()),
            *(
                Candidate(s.id, s.lat, s.lon, fixed_cost=s.fixed_cost, kind=s.kind)
                for s in question.candidates
            ),
        ),
        question.seconds_to_points(),
        p=wanted or None,
        radius=order.radius_s,
        budget=order.budget,
        floors=order.floors,
        stop=Stop(seconds=SITING_SECONDS),
        travel=question.travel.source,
    )


def refuse_impossible(question: Question) -> None:
    """Say no before anything is computed.

    Raises
    ------
    CannotPlan
        With one sentence that names what clashes.
    """
    if question.siting is not None:
        problem = siting_problem(question)
        rules = rules_of(problem)
        conflict = at_a_glance(problem, rules)
        if conflict is None and (problem.floors or problem.budget is not None):
            conflict = search_conflict(problem, rules, _CONFLICT_SECONDS, 1)[0]
        if conflict is not None:
            raise CannotPlan(conflict.sentence)
    order = question.staffing
    new = (question.siting.new_outlets or 0) if question.siting is not None else 0
    if order is not None and order.heads is not None and order.heads < new:
        raise CannotPlan(
            f"{new} new outlets need at least {new} people; only {order.heads} are to be hired."
        )
    if question.siting is not None and new and order is None:
        raise CannotPlan("New outlets need people: say how many, or let the targets decide.")
    if order is not None:
        try:
            trial = _with_openings(question, question.scenario, question.scenario.outlets)
            best_mix(trial, loads(trial), trial.heads, {}, frozenset(_names(trial, question)))
        except NobodyCan as error:
            raise CannotPlan(f"{str(error)[:1].upper()}{str(error)[1:]}.") from None


def _names(scenario: Scenario, question: Question) -> list[str]:
    return [g.id for g in scenario.groups[len(question.scenario.groups) :]]


def place(question: Question, seed: int) -> Placed:
    """Choose the outlets; nobody is hired yet.

    Raises
    ------
    CannotPlan
        With one sentence.
    """
    today = question.scenario
    if question.siting is None:
        after, hiring = today, frozenset[str]()
        if question.staffing is not None:
            after = _with_openings(question, today, today.outlets)
            hiring = frozenset(_names(after, question))
        return Placed(after, None, (), {}, {}, hiring)
    try:
        sites = solve(siting_problem(question), seed)
    except NoPlanFound as error:
        raise CannotPlan(f"{error}.") from None
    if sites.infeasible_because is not None:
        raise CannotPlan(sites.infeasible_because)
    opened = set(sites.open)
    everything = [
        *today.outlets,
        *(Outlet(site.id, site.lat, site.lon) for site in question.candidates),
    ]
    rows = [k for k, outlet in enumerate(everything) if outlet.id in opened]
    outlets = tuple(everything[k] for k in rows)
    old = len(today.outlets)
    new = tuple(outlet.id for k, outlet in zip(rows, outlets, strict=True) if k >= old)
    drive = question.travel.durations_s
    home = {
        name: everything[min(rows, key=lambda k, at=at: int(drive[at, k]))].id  # type: ignore[misc]
        for at, name in enumerate(outlet.id for outlet in today.outlets)
        if name not in opened
    }
    groups = tuple(replace(g, outlet=home.get(g.outlet, g.outlet)) for g in today.groups)
    moved = {g.id: home[g.outlet] for g in today.groups if g.outlet in home and g.heads}
    after = replace(today, outlets=outlets, groups=groups, travel=question.travel_of(rows))
    places = tuple(o for o in outlets if o.id in new) or outlets
    if question.staffing is not None:
        after = _with_openings(question, after, places)
    return Placed(after, sites, new, home, moved, frozenset(_names(after, question)))


def _with_openings(question: Question, scenario: Scenario, places: tuple[Outlet, ...]) -> Scenario:
    fresh: list[Group] = [
        opening.group(outlet.id, number)
        for outlet in places
        for number, opening in enumerate(question.openings)
    ]
    return replace(scenario, groups=(*scenario.groups, *fresh))


def hire(
    question: Question,
    placed: Placed,
    seed: int,
    tell: Callable[[str], None],
    cancel: Callable[[], bool] | None,
) -> tuple[Scenario, Staffing | None]:
    """Spread the wanted heads over the openings, or find how few meet the targets.

    Targets are judged by the screening mode under another seed than the answer's, so that what is
    chosen on some futures is shown on others.

    Raises
    ------
    CannotPlan
        With one sentence.
    """
    order, scenario = question.staffing, placed.scenario
    if order is None:
        return scenario, None
    least = {g.id: g.heads for g in scenario.groups if g.id not in placed.hiring}
    try:
        if order.heads is not None:
            mix = best_mix(
                scenario,
                loads(scenario),
                scenario.heads + order.heads,
                {},
                placed.hiring,
                1 if placed.new else 0,
            )
            return replace(scenario, groups=mix), None
        found = staff(
            scenario,
            outlets=placed.new or None,
            least=least,
            mode="screening",
            replications=2,
            seed=seed + 1,
            watch=lambda what, _progress: tell(what),
            cancel=cancel,
        )
    except (NobodyCan, CannotStaff) as error:
        text = str(error)
        raise CannotPlan(f"{text[:1].upper()}{text[1:]}.") from None
    return found.scenario, found
