"""Travel between outlets and demand points, when a scenario brings no matrix."""

from __future__ import annotations

from collections.abc import Sequence

from domain.places import Place
from network.simulate.scenario import Travel

Degrees = Sequence[tuple[float, float]]


def estimated(degrees: Degrees) -> Travel:
    """By the general law over the great circle; ``source`` says ``estimated``."""
    from network.roads.estimate import GENERAL_LAW, estimate_matrix  # imported late: needs geopy

    durations, distances = estimate_matrix([Place(*pair) for pair in degrees], GENERAL_LAW)
    return Travel(durations, distances, "estimated")


def by_osrm(url: str, degrees: Degrees) -> Travel:
    """By road from an OSRM server.

    Raises
    ------
    network.roads.OsrmUnavailable
    """
    from network.roads.roads import Roads

    with Roads(url) as roads:
        matrix = roads.matrix([Place(*pair) for pair in degrees])
    return Travel(matrix.durations_s, matrix.distances_m, matrix.source)
