"""Answers about travel: matrices and routes, each saying where its figures come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from network.roads.estimate import TravelLaw

Source = Literal["osrm", "estimated", "mixed"]
"""Where numbers come from: roads, the region's law, or some from each."""


@dataclass(frozen=True, slots=True)
class TravelMatrix:
    """Travel between n places.

    Parameters
    ----------
    durations_s, distances_m
        Shape (n, n), int32: from row to column; ``UNREACHABLE`` where there is no way.
    source
        ``estimated`` or ``mixed`` when a figure is the law's and not the roads'.
    snapped_m
        Shape (n,): metres from each place to its road; NaN where no road was asked.
    unreachable
        Shape (n,): places too far from any road; their rows and columns are ``UNREACHABLE``.
    estimated
        Shape (n, n): which figures are the law's.
    law
        The law behind them, with its error; None when ``source`` is ``osrm``.
    """

    durations_s: NDArray[np.int32]
    distances_m: NDArray[np.int32]
    source: Source
    snapped_m: NDArray[np.float64]
    unreachable: NDArray[np.bool_]
    estimated: NDArray[np.bool_]
    law: TravelLaw | None


@dataclass(frozen=True, slots=True)
class Star:
    """Travel between one place and n others, int32[n] each: ``to`` the one place, ``from`` it."""

    durations_to_s: NDArray[np.int32]
    durations_from_s: NDArray[np.int32]
    distances_to_m: NDArray[np.int32]
    distances_from_m: NDArray[np.int32]
    source: Source


@dataclass(frozen=True, slots=True)
class RouteLeg:
    """One drive of a route. Both figures are ``UNREACHABLE`` where there is no way."""

    duration_s: int
    distance_m: int
    source: Source


@dataclass(frozen=True, slots=True)
class RoutePath:
    """A way through places: its legs and its line (a GeoJSON ``LineString``).

    A leg that no road answers for is drawn straight, and says so in its ``source`` or by
    ``UNREACHABLE``.
    """

    legs: tuple[RouteLeg, ...]
    geometry: dict[str, Any]
    source: Source
