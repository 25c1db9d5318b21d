"""What complaints are about, and which topics have really grown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, lgamma, log


@dataclass(frozen=True, slots=True)
class Trend:
    """A topic in two periods.

    ``chance`` is the probability that counts at least as far apart arise where nothing has
    changed: small means that something has.
    """

    topic: str
    before: int
    now: int
    chance: float | None


def trends(
    before: Iterable[str], now: Iterable[str], exposure_before: float, exposure_now: float
) -> list[Trend]:
    """Topics of two periods, those least likely to be chance first.

    Two counts of rare events are compared given their sum: one is binomial with the share of
    exposure (Przyborowski, J. & Wilenski, H. (1940), doi:10.1093/biomet/31.3-4.313), two-sided.

    Parameters
    ----------
    before, now
        The topics of the complaints of each period, one entry a complaint.
    exposure_before, exposure_now
        What the complaints are out of, such as jobs done. Where one is 0, nothing can be compared:
        the counts are told without a chance.
    """
    if exposure_before < 0 or exposure_now < 0:
        raise ValueError("exposures must not be negative")
    old, new = Counter(before), Counter(now)
    comparable = exposure_before > 0 and exposure_now > 0
    share = exposure_now / (exposure_before + exposure_now) if comparable else 0.0
    found = [
        Trend(
            topic,
            old[topic],
            new[topic],
            _two_sided(new[topic], old[topic] + new[topic], share) if comparable else None,
        )
        for topic in sorted(old | new)
    ]
    return sorted(found, key=lambda trend: (trend.chance or 0.0, -trend.now, trend.topic))


def _two_sided(count: int, trials: int, share: float) -> float:
    weights = [
        exp(
            lgamma(trials + 1)
            - lgamma(k + 1)
            - lgamma(trials - k + 1)
            + k * log(share)
            + (trials - k) * log(1 - share)
        )
        for k in range(trials + 1)
    ]
    # As likely as what was seen, or less; rounding must not leave the count itself out.
    return min(1.0, sum(weight for weight in weights if weight <= weights[count] * (1 + 1e-9)))
