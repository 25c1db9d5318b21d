"""Why no plan exists: first what a glance shows, then a smallest set of rules that clash."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from network.siting.exact import SetQuestion, Weighed, ask
from network.siting.instance import States
from network.siting.problem import KindTerms, Model, SiteStatus, SitingProblem
from network.siting.rules import Rules, merged, must_reach
from network.siting.skills import holds

_NAMED = 3  # how many names a sentence lists before it counts the rest


@dataclass(frozen=True, slots=True)
class Conflict:
    """One sentence, and the rules that clash (``kind`` or ``kind:name``)."""

    sentence: str
    rules: tuple[str, ...]


def _names(names: list[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    rest = len(names) - _NAMED
    return f"{shown} and {rest} more" if rest > 0 else shown


def _reach(problem: SitingProblem, rules: Rules) -> float:
    """The cost up to which a demand point must find an open site; −1 when it need not."""
    if problem.model is Model.SET_COVER:
        return rules.radius
    if problem.model is Model.COVERAGE:
        return -1.0
    return float(np.finfo(np.float64).max)


def at_a_glance(problem: SitingProblem, rules: Rules) -> Conflict | None:
    """Conflicts that show without a search."""
    if not problem.demand:
        return Conflict("There is no demand to serve.", ("demand",))
    if not problem.candidates:
        return Conflict("There is no candidate site.", ("candidates",))
    alive = rules.state != 2
    if not alive.any():
        return Conflict("Every candidate must close, so no site can be open.", ("must_close",))
    kept = [s.id for s in problem.candidates if s.status is SiteStatus.KEEP]
    if len(kept) > rules.most:
        return Conflict(
            f"{len(kept)} sites must stay open ({_names(kept)}), more than p = {rules.most}.",
            ("p", *(f"keep:{name}" for name in kept)),
        )
    if int(alive.sum()) < rules.least:
        return Conflict(
            f"p = {rules.least} sites are wanted, but only {int(alive.sum())} candidates may be "
            "open.",
            ("p", "candidates"),
        )
    for terms in problem.kinds:
        clash = _kind(problem, rules, terms)
        if clash is not None:
            return clash
    free = np.sort(rules.spend[rules.state == 0])
    missing = max(0, max(rules.least, 1) - len(kept))
    least_spent = float(free[:missing].sum())
    if least_spent > rules.budget * (1.0 + 1e-9):
        return Conflict(
            f"The budget of {rules.budget:g} is too small: opening {missing} more "
            f"site{'s' if missing > 1 else ''} costs at least {least_spent:g}.",
            ("budget", "p") if rules.least else ("budget",),
        )
    best = problem.cost[:, alive].min(axis=1)
    limit = _reach(problem, rules)
    if limit >= 0.0:
        lost = [problem.demand[i].id for i in np.flatnonzero(best > limit)]
        if lost:
            unskilled = _unskilled(problem, alive, lost[0])
            if unskilled is not None:
                return unskilled
            where = f"the radius {limit:g} of" if problem.model is Model.SET_COVER else "reach of"
            one = len(lost) == 1
            return Conflict(
                f"No site that may be open is within {where} demand point{'' if one else 's'} "
                f"{_names(lost)}.",
                tuple(f"demand:{name}" for name in lost),
            )
    elif not np.any(best <= rules.radius):
        return Conflict(
            f"No site that may be open is within the radius {rules.radius:g} of any demand point.",
            ("radius",),
        )
    for d, district in enumerate(rules.districts):
        mine = rules.floor_of == d
        reachable = float(rules.weight[mine & (best <= rules.radius)].sum())
        total = float(rules.weight[mine].sum())
        if reachable < rules.need[d]:
            return Conflict(
                f"The floor of {rules.shares[d]:.4g} for {district} cannot be met: even with every "
                f"site open only {reachable / total:.4g} of its demand lies within the radius "
                f"{rules.radius:g}.",
                (f"floor:{district}",),
            )
    if rules.twice is not None:
        could = rules.twice.near[:, alive].sum(axis=1) >= 2
        for d, mine in enumerate(rules.twice.members):
            name = rules.twice.names[d]
            total = float(rules.weight[mine].sum())
            reachable = float(rules.weight[mine[could[mine]]].sum())
            if rules.most < 2:
                reachable = 0.0
            if reachable < rules.twice.need[d]:
                return Conflict(
                    f"Back-up for a share of {rules.twice.shares[d]:.4g}"
                    f"{f' of {name}' if name else ''} cannot be had: "
                    + (
                        f"it takes two open sites, and p = {rules.most}."
                        if rules.most < 2
                        else f"even with every site open only {reachable / total:.4g} of the "
                        "demand has two within the back-up radius."
                    ),
                    (_backup_name(name), *(("p",) if rules.most < 2 else ())),
                )
    if problem.model is Model.CAPACITATED:
        return _capacity(problem, rules)
    return None


def _backup_name(district: str) -> str:
    return f"backup:{district}" if district else "backup"


def _kind(problem: SitingProblem, rules: Rules, terms: KindTerms) -> Conflict | None:
    """Terms of a kind that the locks or p rule out by themselves."""
    name = terms.kind.value
    rule = f"kind:{name}"
    mine = [site for site in problem.candidates if site.kind is terms.kind]
    kept = [site.id for site in mine if site.status is SiteStatus.KEEP]
    usable = [site for site in mine if site.status is not SiteStatus.MUST_CLOSE]
    if terms.most is not None and terms.least > terms.most:
        return Conflict(
            f"At least {terms.least} and at most {terms.most} {name} sites are asked for.", (rule,)
        )
    if terms.most is not None and len(kept) > terms.most:
        return Conflict(
            f"{len(kept)} {name} sites must stay open ({_names(kept)}), more than the "
            f"{terms.most} allowed.",
            (rule, *(f"keep:{site}" for site in kept)),
        )
    if len(usable) < terms.least:
        return Conflict(
            f"{terms.least} {name} sites are wanted, but only {len(usable)} may be open.",
            (rule, "candidates"),
        )
    if terms.least > rules.most:
        return Conflict(
            f"{terms.least} {name} sites are wanted, more than p = {rules.most}.", (rule, "p")
        )
    return None


def _unskilled(problem: SitingProblem, alive: NDArray[np.bool_], name: str) -> Conflict | None:
    """When no site that may be open holds what the demand point needs."""
    point = next(point for point in problem.demand if point.id == name)
    usable = [problem.candidates[j] for j in np.flatnonzero(alive)]
    if not point.skills or any(holds(site.skills, point.skills) for site in usable):
        return None
    needed = ", ".join(f"{skill} at level {level}" for skill, level in point.skills.items())
    return Conflict(
        f"No site that may be open holds what demand point {name} needs: {needed}.",
        ("skills", f"demand:{name}"),
    )


def _capacity(problem: SitingProblem, rules: Rules) -> Conflict | None:
    sizes = np.array([np.inf if s.capacity is None else s.capacity for s in problem.candidates])
    sizes[rules.state == 2] = 0.0
    kept = sizes[rules.state == 1]
    others = np.sort(sizes[rules.state == 0])[::-1][: max(0, rules.most - kept.size)]
    room = float(kept.sum() + others.sum())
    load = float(rules.weight.sum())
    if room < load * (1.0 - 1e-9):
        limited = rules.most < len(problem.candidates)
        which = f"any {rules.most} sites together hold" if limited else "all sites together hold"
        return Conflict(
            f"The demand weighs {load:g}, but {which} at most {room:g}.",
            ("capacity", "p") if limited else ("capacity",),
        )
    return None


def question_of(problem: SitingProblem, rules: Rules) -> SetQuestion:
    """Every rule that concerns the set of open sites only."""
    limit = _reach(problem, rules)
    must = must_reach(problem.cost <= limit, rules.state) if limit >= 0.0 else []
    floors: list[tuple[list[Weighed], float]] = []
    for d in range(rules.need.size):
        mine = np.flatnonzero(rules.floor_of == d)
        floors.append(
            (
                merged(
                    (problem.cost[mine] <= rules.radius) & (rules.state != 2), rules.weight[mine]
                ),
                float(rules.need[d]),
            )
        )
    if rules.twice is not None:
        near = rules.twice.near & (rules.state != 2)
        for mine, need in zip(rules.twice.members, rules.twice.need, strict=True):
            floors.append((merged(near[mine], rules.weight[mine], 2), float(need)))
    capacity = None
    if problem.model is Model.CAPACITATED:
        capacity = np.array(
            [np.inf if s.capacity is None else s.capacity for s in problem.candidates]
        )
    return SetQuestion(
        rules.state,
        rules.least,
        rules.most,
        rules.use,
        rules.limit,
        must,
        floors,
        capacity,
        float(rules.weight.sum()) * (1.0 - 1e-9),
    )


def search_conflict(
    problem: SitingProblem,
    rules: Rules,
    seconds: float,
    seed: int,
    effort: float | None = None,
) -> tuple[Conflict | None, States | None]:
    """A proof that no set of sites keeps the rules, or a set that does, or neither (too hard)."""
    whole = question_of(problem, rules)
    answer = ask(whole, None, seconds, seed, effort)
    if not answer.impossible:
        return None, answer.chosen
    m = len(problem.candidates)
    names = ["must_close", "keep", "p", "budget", "capacity", "reach"]
    floor_names = [f"floor:{district}" for district in rules.districts]
    if rules.twice is not None:
        floor_names += [_backup_name(name) for name in rules.twice.names]
    names += list(dict.fromkeys(rules.terms[1:]))
    names += floor_names

    def without(dropped: set[str]) -> SetQuestion:
        state = rules.state.copy()
        if "must_close" in dropped:
            state[state == 2] = 0
        if "keep" in dropped:
            state[state == 1] = 0
        loose = replace(rules, state=state)
        question = question_of(problem, loose)
        return replace(
            question,
            least=0 if "p" in dropped else whole.least,
            most=m if "p" in dropped else whole.most,
            limit=np.where([name in dropped for name in rules.terms], np.inf, whole.limit),
            capacity=None if "capacity" in dropped else question.capacity,
            must=() if "reach" in dropped else question.must,
            floors=[
                floor
                for floor, name in zip(question.floors, floor_names, strict=True)
                if name not in dropped
            ],
        )

    dropped: set[str] = set()
    for name in names:
        if ask(without(dropped | {name}), None, seconds, seed, effort).impossible:
            dropped.add(name)
    clash = [name for name in names if name not in dropped]
    return Conflict(_sentence(problem, rules, clash), _expanded(problem, clash)), None


def _expanded(problem: SitingProblem, clash: list[str]) -> tuple[str, ...]:
    result: list[str] = []
    for name in clash:
        if name in ("keep", "must_close"):
            result += [f"{name}:{s.id}" for s in problem.candidates if s.status.value == name]
        else:
            result.append(name)
    return tuple(result)


def _sentence(problem: SitingProblem, rules: Rules, clash: list[str]) -> str:
    parts = []
    for name in clash:
        if name in ("keep", "must_close"):
            ids = [s.id for s in problem.candidates if s.status.value == name]
            parts.append(f"{_names(ids)} {'kept open' if name == 'keep' else 'closed'}")
        elif name == "p":
            parts.append(f"p = {rules.most} open sites")
        elif name == "budget":
            parts.append(f"the budget of {rules.budget:g}")
        elif name == "capacity":
            parts.append("room for all demand")
        elif name == "reach":
            within = (
                f"within the radius {rules.radius:g}"
                if problem.model is Model.SET_COVER
                else "in reach"
            )
            parts.append(f"every demand point {within}")
        elif name.startswith("kind:"):
            parts.append(f"the terms of {name.removeprefix('kind:')} sites")
        elif name.startswith("backup"):
            assert rules.twice is not None
            d = [_backup_name(each) for each in rules.twice.names].index(name)
            where = f" in {rules.twice.names[d]}" if rules.twice.names[d] else ""
            parts.append(f"back-up for a share of {rules.twice.shares[d]:.4g}{where}")
        else:
            d = rules.districts.index(name.removeprefix("floor:"))
            parts.append(
                f"a covered share of {rules.shares[d]:.4g} in {rules.districts[d]} "
                f"(radius {rules.radius:g})"
            )
    if len(parts) == 1:
        return f"No plan allows {parts[0]}."
    return f"No plan satisfies these together: {', '.join(parts[:-1])} and {parts[-1]}."
