"""The siting problem: demand, candidate sites, what the plan must respect, when to stop."""

from __future__ import annotations

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
    """On whose account a site is run; reported, without influence on the objective."""

    OWN = "own"
    FRANCHISE = "franchise"
    SUBSIDISED = "subsidised"


class CostIs(StrEnum):
    """Whether ``cost`` is per unit of weight or already for the whole demand point."""

    PER_WEIGHT = "per_weight"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class DemandPoint:
    """Somewhere faults are reported from; ``weight`` is how much (any unit, ≥ 0)."""

    id: str
    weight: float = 1.0
    lat: float | None = None
    lon: float | None = None
    district: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place where an outlet stands or may be opened.

    ``capacity`` is in units of weight; ``None`` means without limit.
    """

    id: str
    lat: float | None = None
    lon: float | None = None
    fixed_cost: float = 0.0
    capacity: float | None = None
    status: SiteStatus = SiteStatus.CANDIDATE
    kind: SiteKind = SiteKind.OWN
    district: str | None = None


@dataclass(frozen=True, slots=True)
class Floor:
    """At least ``covered_share`` of the district's weight lies within the radius."""

    district: str
    covered_share: float


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

    def states(self) -> NDArray[np.int8]:
        """0 free, 1 open in any case, 2 closed in any case; shape ``(n_candidates,)``."""
        code = {SiteStatus.KEEP: 1, SiteStatus.MUST_CLOSE: 2}
        return np.array([code.get(site.status, 0) for site in self.candidates], dtype=np.int8)
