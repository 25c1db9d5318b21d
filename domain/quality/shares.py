"""A share is told as two counts, so that whoever reads it can count again."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt


@dataclass(frozen=True, slots=True)
class Share:
    """``count`` out of ``of``."""

    count: int
    of: int

    def __post_init__(self) -> None:
        if not 0 <= self.count <= self.of:
            raise ValueError(f"{self.count} of {self.of} is no share")

    @property
    def value(self) -> float | None:
        """Between 0 and 1; None where there is nothing to count."""
        return self.count / self.of if self.of else None

    def interval(self, z: float = 1.96) -> tuple[float, float]:
        """Wilson's score interval, 95 % by default; (0, 1) where there is nothing to count.

        Source: Wilson, E. B. (1927), doi:10.1080/01621459.1927.10502953.
        """
        if not self.of:
            return 0.0, 1.0
        rate, trials = self.count / self.of, self.of
        middle = rate + z * z / (2 * trials)
        reach = z * sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials))
        scale = 1 + z * z / trials
        low, high = (middle - reach) / scale, (middle + reach) / scale
        # Exact at the ends: none of them begins at 0, all of them end at 1.
        return min(max(0.0, low), rate), max(min(1.0, high), rate)
