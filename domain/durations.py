"""How long a repair takes: what rules say, moved towards what done visits have shown.

Durations are close to log-normal, so a product × symptom cell is a mean and a spread of logarithms.
The rule's minutes are a prior worth some visits (shrinkage, as in a normal model with a conjugate
prior; Gelman et al., Bayesian Data Analysis, 3rd ed., sections 2.5 and 3.3): a cell with few visits
stays near the rule, one with many goes its own way.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LEAST_S = 60
ROUND_TO_S = 60
P80 = 0.8416
"""The standard normal quantile of 80 %."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A done visit: what was repaired and how long it took at the door, in seconds."""

    product: str
    fault: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Cell:
    """What is known of a product × symptom: visits counted, mean and spread of ln(seconds)."""

    visits: int
    mean_log: float
    spread: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds at the door: the median, and what four of five visits do not exceed."""

    median_s: int
    p80_s: int
    visits: int
    spread: float


def learn(visits: Iterable[Visit]) -> dict[tuple[str, str], Cell]:
    """Cells of all products × symptoms seen; visits shorter than a minute are no visits."""
    logs: dict[tuple[str, str], list[float]] = {}
    for visit in visits:
        if visit.seconds >= LEAST_S:
            logs.setdefault((visit.product, visit.fault), []).append(math.log(visit.seconds))
    cells = {}
    for key, values in sorted(logs.items()):
        # Sorted: the sum, and so the stored figure, must not depend on the order of the record.
        mean = math.fsum(sorted(values)) / len(values)
        square = math.fsum(sorted((value - mean) ** 2 for value in values))
        spread = math.sqrt(square / (len(values) - 1)) if len(values) > 1 else 0.0
        cells[key] = Cell(len(values), mean, spread)
    return cells


def estimate(
    cells: Mapping[tuple[str, str], Cell],
    product: str,
    fault: str,
    rule_s: int,
    prior_visits: int,
    prior_spread: float,
) -> Estimate:
    """The estimate for a report: the rule's seconds weighed against the visits of its cell.

    Without visits the median is the rule's, to the second; otherwise it is rounded up to minutes.
    """
    cell = cells.get((product, fault))
    if cell is None or cell.visits == 0:
        return Estimate(
            rule_s, _round(rule_s * math.exp(P80 * prior_spread)), 0, round(prior_spread, 4)
        )
    weight = cell.visits / (cell.visits + prior_visits)
    prior_log = math.log(rule_s)
    mean = (1 - weight) * prior_log + weight * cell.mean_log
    # Squares within the cell, the prior's own, and how far the two means lie apart.
    square = (
        prior_visits * prior_spread**2
        + max(0, cell.visits - 1) * cell.spread**2
        + prior_visits * weight * (cell.mean_log - prior_log) ** 2
    )
    spread = math.sqrt(square / max(1, prior_visits + cell.visits - 1))
    return Estimate(
        _round(math.exp(mean)), _round(math.exp(mean + P80 * spread)), cell.visits, round(spread, 4)
    )


def _round(seconds: float) -> int:
    return max(LEAST_S, ROUND_TO_S * math.ceil(round(seconds, 3) / ROUND_TO_S))
