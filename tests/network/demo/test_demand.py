"""Front doors: where people live, on streets that exist, numbered along the street."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from network.demo.demand import Address, FrontDoors
from network.demo.network_file import Street, Zone
from network.roads.estimate import haversine_m

LINE = np.array([(0.0, 0.0), (0.01, 0.0)])
BLOCK = np.array([(-0.1, -0.1), (0.1, -0.1), (0.1, 0.1), (-0.1, 0.1), (-0.1, -0.1)])


def street(identifier: int, start: float, junctions: tuple[int, int], name: str = "Alma") -> Street:
    line = LINE + np.array([start, 0.0])
    return Street(identifier, *junctions, "residential", name, False, None, None, line)


def test_doors_follow_the_population() -> None:
    few, many = Zone(1, 100.0, (BLOCK,)), Zone(2, 900.0, (BLOCK + 0.3,))
    there = [replace(street(k, 0.3, (k, k + 1)), line=LINE + 0.3) for k in (5, 6, 7)]
    doors = FrontDoors([street(1, 0.0, (1, 2)), *there], [few, many])
    drawn = doors.draw(2_000, np.random.default_rng(1))
    # Not one door in four, as there are streets, but one in ten, as there are people.
    share = np.mean([door.place.lat < 0.2 for door in drawn])
    assert share == pytest.approx(0.1, abs=0.02)


def test_doors_are_all_over_the_region(zones: list[Zone], addresses: list[Address]) -> None:
    points = np.array([(address.place.lon, address.place.lat) for address in addresses])
    hits = np.array([zone.contains(points).sum() for zone in zones])
    assert hits.sum() > 0.95 * len(addresses)
    assert (hits > 0).sum() > 80


def test_streets_are_named_as_on_the_map(streets: list[Street], addresses: list[Address]) -> None:
    names = {street.name for street in streets}
    assert {address.street for address in addresses} <= names
    assert all(str(address) == f"{address.street} {address.number}" for address in addresses)


def test_an_equal_seed_draws_equal_doors(zones: list[Zone], streets: list[Street]) -> None:
    doors = FrontDoors(streets, zones)
    once, again, other = (doors.draw(20, np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert once == again != other


def test_numbers_grow_along_the_street_and_sides_have_their_parity() -> None:
    doors = FrontDoors([street(1, 0.0, (1, 2)), street(2, 0.01, (2, 3))], [Zone(1, 5.0, (BLOCK,))])
    drawn = sorted(doors.draw(200, np.random.default_rng(2)), key=lambda door: door.place.lon)
    numbers = np.array([door.number for door in drawn])
    assert (np.diff(numbers) >= -1).all()
    assert 100 <= numbers.min() < 250
    assert numbers.max() == pytest.approx(100 + 0.02 * 111_195, abs=130)
    assert all((door.number % 2 == 0) == (door.place.lat < 0) for door in drawn), "even is right"


def test_one_name_in_two_quarters_is_numbered_twice() -> None:
    apart = [street(1, 0.0, (1, 2)), street(2, 0.05, (7, 8))]
    drawn = FrontDoors(apart, [Zone(1, 5.0, (BLOCK,))]).draw(200, np.random.default_rng(2))
    assert max(door.number for door in drawn) < 100 + 0.011 * 111_195


def test_a_door_stands_beside_the_carriageway() -> None:
    drawn = FrontDoors([street(1, 0.0, (1, 2))], [Zone(1, 5.0, (BLOCK,))]).draw(
        50, np.random.default_rng(3)
    )
    for door in drawn:
        place = np.array([door.place.lat, door.place.lon])
        assert haversine_m(place, place * np.array([0.0, 1.0])) == pytest.approx(9.0, abs=0.2)


def test_a_region_without_residents_or_names_is_refused() -> None:
    with pytest.raises(ValueError, match="zones: none"):
        FrontDoors([street(1, 0.0, (1, 2))], [Zone(1, 0.0, (BLOCK,))])
    with pytest.raises(ValueError, match="streets: none"):
        FrontDoors([street(1, 0.0, (1, 2), name="")], [Zone(1, 5.0, (BLOCK,))])
