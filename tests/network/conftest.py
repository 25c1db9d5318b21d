"""The demo region, built once and kept between runs; one OSRM server for the session."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from domain.places import Place
from network.demo import DemoRegion, ensure_demo_region
from network.demo.demand import Address, FrontDoors
from network.demo.network_file import Street, Zone, read_streets, read_zones
from network.roads.server import running_server

_REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def demo_region() -> DemoRegion:
    cache = os.environ.get("ZHUNDA_TEST_CACHE") or _REPOSITORY / ".cache"
    return ensure_demo_region(Path(cache))


@pytest.fixture(scope="session")
def osrm_url(demo_region: DemoRegion) -> Iterator[str]:
    with running_server(demo_region.graph.directory) as url:
        yield url


@pytest.fixture(scope="session")
def streets(demo_region: DemoRegion) -> list[Street]:
    return read_streets(demo_region.database)


@pytest.fixture(scope="session")
def zones(demo_region: DemoRegion) -> list[Zone]:
    return read_zones(demo_region.database)


@pytest.fixture(scope="session")
def addresses(streets: list[Street], zones: list[Zone]) -> list[Address]:
    return FrontDoors(streets, zones).draw(200, np.random.default_rng(7))


@pytest.fixture(scope="session")
def places(addresses: list[Address]) -> list[Place]:
    return [address.place for address in addresses]
