"""How published benchmarks turn Euclidean distances into numbers, and here into integers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.formats.errors import ProblemError
from optimizer.formats.fields import LATEST
from optimizer.problem import IntMatrix


@dataclass(frozen=True, slots=True)
class Rounding:
    """One convention: every time and distance × ``scale``, then made whole by ``whole``."""

    scale: int
    whole: Callable[[NDArray[np.float64]], NDArray[np.float64]]

    def matrix(self, distances: NDArray[np.float64]) -> IntMatrix:
        """Distances, float ``[n, n]``, as scaled integers."""
        scaled = self.whole(distances * self.scale)
        if not (np.isfinite(scaled) & (scaled <= LATEST)).all():
            raise ProblemError("", f"distances × {self.scale} do not fit into 30 bits")
        return scaled.astype(np.int32)

    def integer(self, value: float) -> int:
        """A time (service, window) as a scaled integer, to the nearest."""
        if not math.isfinite(value):
            raise ProblemError("", f"expected a finite number, got {value}")
        return round(value * self.scale)


ROUNDINGS = {
    "trunc10": Rounding(10, np.floor),
    "round1": Rounding(1, lambda scaled: np.floor(scaled + 0.5)),
    "exact1000": Rounding(1_000, np.rint),
    "none": Rounding(10_000, np.rint),
}
"""
``trunc10``
    ⌊10 d⌋, the rule of the 12th DIMACS challenge for VRPTW.
``round1``
    To the nearest integer, TSPLIB's EUC_2D.
``exact1000``
    1000 d to the nearest, the rule of Vidal et al. (2013) instances as commonly reported.
``none``
    10000 d to the nearest: double precision as far as four decimals tell.
"""


def euclidean(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """All distances between points, float ``[n, 2]`` → ``[n, n]``."""
    difference = points[:, None, :] - points[None, :, :]
    return np.asarray(np.hypot(difference[..., 0], difference[..., 1]))
