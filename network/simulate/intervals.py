"""Intervals that know that faults of one week hang together.

A share over clusters (replications, or their weeks) has the Wilson score interval of an effective
sample size: the number of faults divided by the design effect, which compares the spread between
clusters with what independent faults would show (Kish 1965; Korn & Graubard 1998, *Survey
Methodology* 24, 193–201), with Student's quantile for the number of clusters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import t as student

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with the ends of its interval; ``n`` is what it was counted over."""

    value: float
    low: float
    high: float
    n: int

    def to_json(self) -> dict[str, float | int]:
        """Rounded for people: a share to 1e-5."""
        return {
            "value": round(self.value, 5),
            "low": round(self.low, 5),
            "high": round(self.high, 5),
            "n": self.n,
        }


def share_of(clusters: Sequence[tuple[int, int]], level: float = LEVEL) -> Estimate | None:
    """The share of successes over clusters of (n, successes); None without any n."""
    used = [(n, k) for n, k in clusters if n > 0]
    n = sum(each for each, _ in used)
    if n == 0:
        return None
    share = sum(k for _, k in used) / n
    count = len(used)
    if count < 2:
        effect, quantile = 1.0, float(student.ppf(0.5 + level / 2, 10**6))
    else:
        # Ratio estimator's variance between clusters against the binomial one.
        spread = sum((k - share * m) ** 2 for m, k in used) * count / (count - 1) / n**2
        binomial = share * (1 - share) / n
        effect = max(1.0, spread / binomial) if binomial > 0 else 1.0
        quantile = float(student.ppf(0.5 + level / 2, count - 1))
    low, high = wilson(share, n / effect, quantile)
    return Estimate(share, low, high, n)


def difference_of(
    before: Sequence[tuple[int, int]], after: Sequence[tuple[int, int]], level: float = LEVEL
) -> Estimate:
    """Share after − share before over paired clusters of (n, successes), with its interval.

    Each share is a ratio estimator; what a cluster adds to their difference is linearised, so that
    what both have in common (the same faults) cancels.
    """
    n, m = sum(each for each, _ in before), sum(each for each, _ in after)
    if n == 0 or m == 0:
        return Estimate(0.0, 0.0, 0.0, 0)
    old, new = sum(k for _, k in before) / n, sum(k for _, k in after) / m
    parts = [
        (kb - new * nb) / m - (ka - old * na) / n
        for (na, ka), (nb, kb) in zip(before, after, strict=True)
    ]
    count = len(parts)
    if count < 2:
        return Estimate(new - old, new - old, new - old, n)
    variance = math.fsum(part * part for part in parts) * count / (count - 1)
    half = float(student.ppf(0.5 + level / 2, count - 1)) * math.sqrt(variance)
    return Estimate(new - old, new - old - half, new - old + half, n)


def wilson(share: float, n: float, quantile: float) -> tuple[float, float]:
    """Wilson's score interval (1927, doi:10.1080/01621459.1927.10502953)."""
    square = quantile * quantile
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = quantile * math.sqrt(share * (1 - share) / n + square / (4 * n * n)) / (1 + square / n)
    return min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half))


def mean_of(values: Sequence[float], level: float = LEVEL) -> Estimate:
    """Mean of independent replications with Student's interval; a single one has none."""
    count = len(values)
    mean = math.fsum(values) / count
    if count < 2:
        return Estimate(mean, mean, mean, count)
    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    half = float(student.ppf(0.5 + level / 2, count - 1)) * math.sqrt(variance / count)
    return Estimate(mean, mean - half, mean + half, count)
