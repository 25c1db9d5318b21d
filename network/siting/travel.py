"""Travel from every candidate site to every demand point, when the problem gives no costs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Degrees = Sequence[tuple[float, float]]
_BLOCK = 2_000_000  # pairs worked on at once


def estimated(demand: Degrees, sites: Degrees) -> tuple[NDArray[np.float64], str]:
    """Seconds by the general law over the great circle; flagged ``estimated``."""
    from network.roads.estimate import GENERAL_LAW, haversine_m  # imported late: needs geopy

    to = np.array(demand, dtype=np.float64).reshape(-1, 1, 2)
    start = np.array(sites, dtype=np.float64).reshape(1, -1, 2)
    cost = np.empty((to.shape[0], start.shape[1]))
    rows = max(1, _BLOCK // max(1, start.shape[1]))
    for low in range(0, to.shape[0], rows):
        straight_m = haversine_m(to[low : low + rows], start)
        cost[low : low + rows] = np.rint(GENERAL_LAW.duration(straight_m))
    return cost, "estimated"


def by_osrm(url: str, demand: Degrees, sites: Degrees) -> tuple[NDArray[np.float64], str]:
    """Seconds by road from an OSRM server; ``inf`` beyond the snapping cap or without a way.

    Raises
    ------
    network.roads.osrm.OsrmUnavailable
    """
    from domain.places import Place
    from network.roads.osrm import OsrmClient
    from optimizer.problem import UNREACHABLE

    cost = np.full((len(demand), len(sites)), np.inf)
    with OsrmClient(url) as client:
        ends = []
        for degrees in (sites, demand):
            snaps = client.snap([Place(lat, lon) for lat, lon in degrees])
            ends.append([(k, snap.place) for k, snap in enumerate(snaps) if snap.reachable])
        if all(ends):
            seconds, _ = client.matrix([p for _, p in ends[0]], [p for _, p in ends[1]])
            part = np.where(seconds >= UNREACHABLE, np.inf, seconds.astype(np.float64)).T
            cost[np.ix_([k for k, _ in ends[1]], [k for k, _ in ends[0]])] = part
    return cost, "osrm"
