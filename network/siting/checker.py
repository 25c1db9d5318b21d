"""Check an answer without trusting whoever made it.

Works on the two JSON objects alone and shares no code with the solvers: rules, objective and gap
are worked out again with plain loops and exact fractions where the numbers allow it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

_SLACK = 1e-6  # relative room for sums of decimals
_STATUSES = ("optimal", "feasible", "infeasible")
_KEYS = {
    "format",
    "status",
    "open",
    "assignment",
    "objective",
    "bound",
    "gap",
    "uncovered",
    "without_backup",
    "infeasible_because",
    "conflict",
    "solver",
}


def _near(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=_SLACK, abs_tol=_SLACK)


def _is_number(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(float(value))
    )


def check_answer(
    problem: Mapping[str, Any],
    answer: Any,
    cost: Sequence[Sequence[float]] | None = None,
) -> list[str]:
    """What does not hold in ``answer``, one sentence each; empty when all holds.

    Parameters
    ----------
    problem
        A well-formed siting problem (see :func:`network.siting.reading.read_problem`).
    answer
        The parsed answer.
    cost
        The matrix to use where the problem has none, ``inf`` = out of reach.

    Notes
    -----
    That no better plan exists is not proven again: the bound is checked to be on the right side
    of the objective. An ``infeasible`` answer is checked for its form only.
    """
    if not isinstance(answer, dict):
        return ["the answer is not an object"]
    faults = [f"{key}: unknown key" for key in answer if key not in _KEYS]
    faults += [f"{key}: is missing" for key in ("format", "status", "open") if key not in answer]
    if faults:
        return faults
    if answer["format"] != "zhunda-sites/1":
        return ["format: must be 'zhunda-sites/1'"]
    if answer["status"] not in _STATUSES:
        return [f"status: must be one of {', '.join(_STATUSES)}"]
    if answer["status"] == "infeasible":
        return _infeasible(answer)
    return _Plan(problem, answer, cost).faults()


def _infeasible(answer: Mapping[str, Any]) -> list[str]:
    faults = []
    if not isinstance(answer.get("infeasible_because"), str) or not answer["infeasible_because"]:
        faults.append("infeasible_because: must say why in a sentence")
    if answer["open"] or answer.get("assignment"):
        faults.append("open: an infeasible answer opens no site and assigns nothing")
    return faults


class _Plan:
    """One plan against one problem."""

    def __init__(
        self,
        problem: Mapping[str, Any],
        answer: Mapping[str, Any],
        cost: Sequence[Sequence[float]] | None,
    ) -> None:
        self.problem = problem
        self.answer = answer
        self.model = problem["model"]
        self.demand = problem["demand"]
        self.sites = problem["candidates"]
        self.row = {point["id"]: i for i, point in enumerate(self.demand)}
        self.column = {site["id"]: j for j, site in enumerate(self.sites)}
        given = problem.get("cost")
        self.cost = given if given is not None else cost
        self.found: list[str] = []

    def price(self, i: int, j: int) -> float:
        """Cost of serving demand point i from site j, ``inf`` when out of reach."""
        assert self.cost is not None
        held = self.sites[j].get("skills") or {}
        for skill, level in (self.demand[i].get("skills") or {}).items():
            if held.get(skill, 0) < level:
                return math.inf
        value = self.cost[i][j]
        return math.inf if value is None else float(value)

    def terms(self, j: int, key: str) -> float:
        """A site's own ``fixed_cost`` or ``subsidy``, else that of its kind."""
        site = self.sites[j]
        own = site.get(key)
        if own is None:
            own = self._kind(site.get("kind", "own")).get(key)
        return float(own or 0.0)

    def _kind(self, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = (self.problem.get("kinds") or {}).get(name, {})
        return found

    def weight(self, i: int) -> float:
        return float(self.demand[i].get("weight", 1.0))

    def faults(self) -> list[str]:
        """Everything that does not hold."""
        if self.cost is None:
            return ["cost: the problem has no matrix and none was handed in"]
        if not self._read():
            return self.found
        self._locks()
        self._number_and_budget()
        self._service()
        self._floors()
        self._terms_of_kinds()
        self._backup()
        self._proof()
        return self.found

    def _read(self) -> bool:
        opened = self.answer["open"]
        if not isinstance(opened, list) or not all(isinstance(name, str) for name in opened):
            self.found.append("open: must be an array of site ids")
            return False
        for k, name in enumerate(opened):
            if name not in self.column:
                self.found.append(f"open[{k}]: {name!r} is no candidate")
        if len(set(opened)) != len(opened):
            self.found.append("open: a site occurs twice")
        self.served: dict[int, list[tuple[int, float]]] = defaultdict(list)
        entries = self.answer.get("assignment", [])
        if not isinstance(entries, list):
            self.found.append("assignment: must be an array")
            return False
        for k, entry in enumerate(entries):
            path = f"assignment[{k}]"
            if not isinstance(entry, list) or len(entry) != 3:
                self.found.append(f"{path}: must be [demand, site, share]")
                continue
            point, site, share = entry
            if not isinstance(point, str) or point not in self.row:
                self.found.append(f"{path}[0]: {point!r} is no demand point")
            elif not isinstance(site, str) or site not in opened:
                self.found.append(f"{path}[1]: {site!r} is not open")
            elif not _is_number(share) or not 0.0 < share <= 1.0 + _SLACK:
                self.found.append(f"{path}[2]: the share must be above 0 and at most 1")
            elif site in self.column:
                self.served[self.row[point]].append((self.column[site], float(share)))
        for key in ("objective", "bound"):
            if not _is_number(self.answer.get(key)):
                self.found.append(f"{key}: must be a number")
        if self.found:
            return False
        self.open = sorted(self.column[name] for name in opened)
        return True

    def _locks(self) -> None:
        opened = set(self.open)
        for j, site in enumerate(self.sites):
            status = site.get("status", "candidate")
            if status == "keep" and j not in opened:
                self.found.append(f"open: {site['id']!r} must stay open")
            if status == "must_close" and j in opened:
                self.found.append(f"open: {site['id']!r} must close")

    def _number_and_budget(self) -> None:
        p = self.problem.get("p")
        if p is not None and self.model != "set-cover" and len(self.open) != p:
            self.found.append(f"open: {len(self.open)} sites are open, p is {p}")
        budget = self.problem.get("budget")
        if budget is not None:
            spent = math.fsum(
                self.terms(j, "fixed_cost")
                for j in self.open
                if self.sites[j].get("status", "candidate") == "candidate"
            )
            if spent > float(budget) * (1.0 + _SLACK):
                self.found.append(f"budget: new sites cost {spent:g}, the budget is {budget:g}")

    def _best(self, i: int) -> float:
        return min((self.price(i, j) for j in self.open), default=math.inf)

    def _within(self, i: int) -> bool:
        return self._best(i) <= float(self.problem["radius"])

    def _service(self) -> None:
        load: dict[int, float] = defaultdict(float)
        for i, point in enumerate(self.demand):
            shares = self.served.get(i, [])
            total = math.fsum(share for _, share in shares)
            name = point["id"]
            for j, share in shares:
                load[j] += share * self.weight(i)
                if not math.isfinite(self.price(i, j)):
                    self.found.append(
                        f"assignment: {self.sites[j]['id']!r} is out of reach of {name!r}"
                    )
                elif self.model in ("coverage", "set-cover"):
                    if self.price(i, j) > float(self.problem["radius"]):
                        self.found.append(
                            f"assignment: {self.sites[j]['id']!r} does not cover {name!r}"
                        )
            if len({j for j, _ in shares}) != len(shares):
                self.found.append(f"assignment: {name!r} is assigned to one site twice")
            if self.model == "coverage":
                if total > 0.0 and not _near(total, 1.0):
                    self.found.append(f"assignment: the shares of {name!r} add up to {total:g}")
            elif not _near(total, 1.0):
                self.found.append(f"assignment: the shares of {name!r} add up to {total:g}")
        if self.model == "capacitated":
            for j, used in load.items():
                capacity = self.sites[j].get("capacity")
                if capacity is not None and used > float(capacity) * (1.0 + _SLACK) + _SLACK:
                    self.found.append(
                        f"assignment: {self.sites[j]['id']!r} serves {used:g}, "
                        f"its capacity is {capacity:g}"
                    )
        if self.problem.get("radius") is not None:
            missed = [p["id"] for i, p in enumerate(self.demand) if not self._within(i)]
            if sorted(self.answer.get("uncovered", [])) != sorted(missed):
                self.found.append("uncovered: does not list what lies beyond the radius")

    def _floors(self) -> None:
        for floor in self.problem.get("floors") or []:
            mine = [i for i, p in enumerate(self.demand) if p.get("district") == floor["district"]]
            if self.model == "capacitated":
                radius = float(self.problem["radius"])
                covered = math.fsum(
                    self.weight(i) * share
                    for i in mine
                    for j, share in self.served.get(i, [])
                    if self.price(i, j) <= radius
                )
            else:
                covered = math.fsum(self.weight(i) for i in mine if self._within(i))
            need = float(floor.get("covered_share", 0.0)) * math.fsum(self.weight(i) for i in mine)
            if covered < need * (1.0 - _SLACK):
                self.found.append(
                    f"floors: {floor['district']} has {covered:g} covered, needs {need:g}"
                )

    def _terms_of_kinds(self) -> None:
        for name, terms in (self.problem.get("kinds") or {}).items():
            count = sum(1 for j in self.open if self.sites[j].get("kind", "own") == name)
            least, most, share = (terms.get(key) for key in ("least", "most", "most_share"))
            if least is not None and count < least:
                self.found.append(f"kinds: {count} {name} sites are open, at least {least} must be")
            if most is not None and count > most:
                self.found.append(f"kinds: {count} {name} sites are open, at most {most} may be")
            if share is not None and count > share * len(self.open) * (1.0 + _SLACK) + _SLACK:
                self.found.append(
                    f"kinds: {count} of {len(self.open)} open sites are {name}, "
                    f"more than a share of {share:g}"
                )

    def _twice(self, i: int) -> bool:
        radius = (self.problem.get("backup") or {}).get("radius")
        limit = float(self.problem["radius"] if radius is None else radius)
        return sum(1 for j in self.open if self.price(i, j) <= limit) >= 2

    def _backup(self) -> None:
        backup = self.problem.get("backup") or {}
        floors = self.problem.get("floors") or []
        owed = [(f["district"], float(f.get("backup_share", 0.0))) for f in floors]
        owed.append((None, float(backup.get("share", 0.0))))
        asked = any(share > 0.0 for _, share in owed) or float(backup.get("weight", 0.0)) > 0.0
        single = [i for i in range(len(self.demand)) if asked and not self._twice(i)]
        names = sorted(self.demand[i]["id"] for i in single)
        if sorted(self.answer.get("without_backup", [])) != names:
            self.found.append("without_backup: does not list what two sites do not reach")
        for district, share in owed:
            mine = [i for i, p in enumerate(self.demand) if district in (None, p.get("district"))]
            lost = set(single)
            held = math.fsum(self.weight(i) for i in mine if i not in lost)
            need = share * math.fsum(self.weight(i) for i in mine)
            if share > 0.0 and held < need * (1.0 - _SLACK):
                where = "in all" if district is None else f"in {district}"
                self.found.append(f"backup: {held:g} is covered twice {where}, it needs {need:g}")

    def _objective(self) -> float:
        if self.model == "coverage":
            extra = float((self.problem.get("backup") or {}).get("weight", 0.0))
            return math.fsum(
                [self.weight(i) for i in range(len(self.demand)) if self._within(i)]
                + [extra * self.weight(i) for i in range(len(self.demand)) if self._twice(i)]
            )
        fixed = [self.terms(j, "fixed_cost") for j in range(len(self.sites))]
        if self.model == "set-cover":
            if any(value > 0.0 for value in fixed):
                return math.fsum(fixed[j] for j in self.open)
            return float(len(self.open))
        if self.model == "p-center":
            return max(self.price(i, j) for i, shares in self.served.items() for j, _ in shares)
        per_weight = self.problem.get("cost_is", "per_weight") == "per_weight"
        service = [
            (self.weight(i) if per_weight else 1.0) * self.price(i, j) * share
            for i, shares in self.served.items()
            for j, share in shares
        ]
        earned = [
            self.terms(j, "subsidy") * self.weight(i) * share
            for i, shares in self.served.items()
            for j, share in shares
        ]
        return math.fsum(service) + math.fsum(fixed[j] for j in self.open) - math.fsum(earned)

    def _proof(self) -> None:
        if self.found:
            return
        objective = self._objective()
        claimed, bound = float(self.answer["objective"]), float(self.answer["bound"])
        if not _near(objective, claimed):
            self.found.append(f"objective: is {objective:.12g}, not {claimed:.12g}")
        room = _SLACK * max(1.0, abs(claimed))
        if self.model == "coverage":
            if bound < claimed - room:
                self.found.append("bound: an upper bound cannot lie below the objective")
        elif bound > claimed + room:
            self.found.append("bound: a lower bound cannot lie above the objective")
        gap = self.answer.get("gap")
        if claimed == 0.0:
            real = 0.0 if bound == 0.0 else None
        else:
            real = abs(claimed - bound) / abs(claimed)
        if real is None:
            if gap is not None:
                self.found.append("gap: there is none relative to an objective of 0")
        elif not _is_number(gap) or not math.isclose(
            float(gap or 0.0), real, rel_tol=1e-3, abs_tol=1e-7
        ):
            self.found.append(f"gap: is {real:g}, not {gap}")
        if self.answer["status"] == "optimal" and (real is None or real > _SLACK):
            self.found.append("status: the gap is too wide to be called optimal")
