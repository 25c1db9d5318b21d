"""The siting problem: demand, candidate sites, what the plan must respect, when to stop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


class Model(StrEnum):
    """The question asked; see ``docs/concepts/network.md`` for the equations."""

    P_MEDIAN = "p-median"
    COVERAGE = "coverage"
    SET_COVER = "set-cover"
    P_CENTER = "p-center"
    CAPACITATED = "capacitated"


class SiteStatus(StrEnum):
    """What may happen to a candidate: only ``candidate`` is new when it opens."""

    CANDIDATE = "candidate"
    KEEP = "keep"
    MAY_CLOSE = "may_close"
    MUST_CLOSE = "must_close"


class SiteKind(StrEnum):
    """On whose account a site is run; :class:`KindTerms` says on which terms."""

    OWN = "own"
    FRANCHISE = "franchise"
    SUBSIDISED = "subsidised"


class CostIs(StrEnum):
    """Whether ``cost`` is per unit of weight or already for the whole demand point."""

    PER_WEIGHT = "per_weight"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class DemandPoint:
    """Somewhere faults are reported from; ``weight`` is how much (any unit, ≥ 0).

    ``skills``: skill → level that a site must hold to serve it. One place with several classes of
    demand is several demand points.
    """

    id: str
    weight: float = 1.0
    lat: float | None = None
    lon: float | None = None
    district: str | None = None
    skills: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place where an outlet stands or may be opened.

    ``capacity`` is in units of weight; ``None`` means without limit. ``skills``: skill → level
    held; a level serves every lower one. ``subsidy`` is what a unit of weight served from here
    brings in; it is taken off the objective.
    """

    id: str
    lat: float | None = None
    lon: float | None = None
    fixed_cost: float = 0.0
    capacity: float | None = None
    status: SiteStatus = SiteStatus.CANDIDATE
    kind: SiteKind = SiteKind.OWN
    district: str | None = None
    skills: Mapping[str, int] = field(default_factory=dict)
    subsidy: float = 0.0


@dataclass(frozen=True, slots=True)
class Floor:
    """What a district is owed.

    At least ``covered_share`` of its weight lies within the radius of an open site, and at least
    ``backup_share`` within the backup radius of two.
    """

    district: str
    covered_share: float = 0.0
    backup_share: float = 0.0


@dataclass(frozen=True, slots=True)
class Backup:
    """Two open sites within ``radius`` (Hogan & ReVelle 1986, doi:10.1287/mnsc.32.11.1434).

    Attributes
    ----------
    radius
        Within it both sites must lie; ``None``: the radius of the problem.
    share
        At least this share of all weight is covered twice.
    weight
        What a unit covered twice counts beside a unit covered once (1); coverage model only.
    """

    radius: float | None = None
    share: float = 0.0
    weight: float = 0.0


@dataclass(frozen=True, slots=True)
class KindTerms:
    """How many open sites may be of one kind: at least, at most, at most this share of them."""

    kind: SiteKind
    least: int = 0
    most: int | None = None
    most_share: float | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """When to stop: at this relative gap, after these seconds or iterations, whichever is first.

    ``iterations`` counts rounds of the bound (about one pass over the demand each); tests use
    it because it does not depend on the machine.
    """

    gap: float = 0.0
    seconds: float = 60.0
    iterations: int | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.gap < 1.0:
            raise ValueError("stop.gap must be at least 0 and below 1")
        if not self.seconds > 0.0:
            raise ValueError("stop.seconds must be above 0")
        if self.iterations is not None and self.iterations < 1:
            raise ValueError("stop.iterations must be at least 1")


@dataclass(frozen=True, slots=True, eq=False)
class SitingProblem:
    """One question about where outlets stand.

    Attributes
    ----------
    cost
        Shape ``(n_demand, n_candidates)``, float64, ≥ 0, ``inf`` = out of reach.
    p
        Sites open in the end, existing ones included; ``None`` leaves the number free.
    radius
        A demand point is covered when an open site costs at most this, in the unit of ``cost``.
    budget
        Limit on the fixed costs of newly opened sites (status ``candidate``).
    travel
        Where ``cost`` comes from: ``given``, ``osrm``, ``estimated`` or ``mixed``.
    kinds
        Limits on the number of open sites of a kind.
    backup
        What has to be covered twice; where ``None``, floors still may ask for it.
    """

    model: Model
    demand: tuple[DemandPoint, ...]
    candidates: tuple[Candidate, ...]
    cost: NDArray[np.float64]
    p: int | None = None
    radius: float | None = None
    budget: float | None = None
    cost_is: CostIs = CostIs.PER_WEIGHT
    floors: tuple[Floor, ...] = ()
    stop: Stop = field(default_factory=Stop)
    travel: str = "given"
    kinds: tuple[KindTerms, ...] = ()
    backup: Backup | None = None

    def __post_init__(self) -> None:
        if self.cost.shape != (len(self.demand), len(self.candidates)):
            raise ValueError("cost must have one row per demand point and one column per candidate")

    def weights(self) -> NDArray[np.float64]:
        """Weight of each demand point, shape ``(n_demand,)``."""
        return np.array([point.weight for point in self.demand], dtype=np.float64)

    def cost_weights(self) -> NDArray[np.float64]:
        """What a row of ``cost`` is multiplied by in the objective, shape ``(n_demand,)``."""
        if self.cost_is is CostIs.TOTAL:
            return np.ones(len(self.demand))
        return self.weights()

    def fixed_costs(self) -> NDArray[np.float64]:
        """Fixed cost of each candidate, shape ``(n_candidates,)``."""
        return np.array([site.fixed_cost for site in self.candidates], dtype=np.float64)

    def spends(self) -> NDArray[np.float64]:
        """What opening each candidate takes from the budget (0 for existing outlets)."""
        return np.array(
            [
                site.fixed_cost if site.status is SiteStatus.CANDIDATE else 0.0
                for site in self.candidates
            ],
            dtype=np.float64,
        )

    def subsidies(self) -> NDArray[np.float64]:
        """What a unit of weight served from each candidate brings in, shape ``(n_candidates,)``."""
        return np.array([site.subsidy for site in self.candidates], dtype=np.float64)

    def states(self) -> NDArray[np.int8]:
        """0 free, 1 open in any case, 2 closed in any case; shape ``(n_candidates,)``."""
        code = {SiteStatus.KEEP: 1, SiteStatus.MUST_CLOSE: 2}
        return np.array([code.get(site.status, 0) for site in self.candidates], dtype=np.int8)
