"""Streets and zones as the region's file has them."""

from __future__ import annotations

import numpy as np

from network.demo.network_file import Street, Zone


def test_the_streets_are_the_region_s(streets: list[Street]) -> None:
    assert len(streets) > 19_000
    assert {street.highway for street in streets} >= {"residential", "primary", "motorway"}
    assert "centroid_connector" not in {street.highway for street in streets}
    assert any(street.name == "Avenida Francisco de Aguirre" for street in streets)
    assert sum(street.oneway for street in streets) > 4_000
    assert all(20 <= street.speed_kmh <= 120 for street in streets if street.speed_kmh)


def test_streets_that_share_a_junction_meet_there(streets: list[Street]) -> None:
    position: dict[int, np.ndarray] = {}
    for street in streets:
        for junction, point in (
            (street.from_junction, street.line[0]),
            (street.to_junction, street.line[-1]),
        ):
            np.testing.assert_allclose(point, position.setdefault(junction, point), atol=1e-6)


def test_the_zones_have_residents_and_hold_most_streets(
    zones: list[Zone], streets: list[Street]
) -> None:
    assert len(zones) == 133
    assert 300_000 < sum(zone.population for zone in zones) < 700_000
    points = np.array([street.line[0] for street in streets])
    hits = np.sum([zone.contains(points) for zone in zones], axis=0)
    assert (hits > 0).mean() > 0.8
    assert (hits > 1).mean() < 0.01, "zones do not overlap"


def test_a_zone_with_a_hole_does_not_contain_the_hole() -> None:
    def square(half: float) -> np.ndarray:
        return half * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)])

    zone = Zone(1, 10.0, (square(2.0), square(1.0)))
    points = np.array([(1.5, 0.0), (0.0, 0.0), (3.0, 0.0), (-1.5, 1.9)])
    assert zone.contains(points).tolist() == [True, False, False, True]
