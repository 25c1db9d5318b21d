"""Streets become ways of OpenStreetMap with the tags that routing reads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import osmium

from network.demo.extract import write_extract
from network.demo.network_file import Street

LINE = np.array([(-71.25, -29.90), (-71.251, -29.901), (-71.26, -29.91)])
STREET = Street(7, 1, 2, "primary", "Avenida Ñuñoa", False, 50, 50, LINE)


def ways(path: Path) -> list[tuple[int, list[int], dict[str, str]]]:
    return [
        (way.id, [node.ref for node in way.nodes], dict(way.tags))
        for way in osmium.FileProcessor(str(path), osmium.osm.WAY)
    ]


def test_a_street_is_a_way_with_its_tags(tmp_path: Path) -> None:
    path = tmp_path / "one.osm.pbf"
    write_extract([STREET], path)
    ((number, nodes, tags),) = ways(path)
    assert number == 7
    assert (nodes[0], nodes[-1], len(nodes)) == (1, 2, 3)
    assert tags == {"highway": "primary", "name": "Avenida Ñuñoa", "maxspeed": "50"}


def test_oneway_and_differing_speeds_are_tagged(tmp_path: Path) -> None:
    path = tmp_path / "two.osm.pbf"
    oneway = replace(STREET, identifier=1, oneway=True, name="", speed_kmh=None)
    uneven = replace(STREET, identifier=2, speed_back_kmh=30)
    write_extract([uneven, oneway], path)
    tags = [tags for _, _, tags in ways(path)]
    assert tags[0] == {"highway": "primary", "oneway": "yes"}
    assert tags[1]["maxspeed:backward"] == "30"


def test_streets_share_the_node_of_their_junction(tmp_path: Path) -> None:
    path = tmp_path / "three.osm.pbf"
    onward = replace(
        STREET,
        identifier=8,
        from_junction=2,
        to_junction=3,
        line=LINE[::-1] - np.array([0.01, 0.0]),
    )
    write_extract([STREET, onward], path)
    (_, first, _), (_, second, _) = ways(path)
    assert first[-1] == second[0]
    assert not set(first[:-1]) & set(second[1:])


def test_equal_streets_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a.osm.pbf", "b.osm.pbf"):
        write_extract([STREET], tmp_path / name)
    assert (tmp_path / "a.osm.pbf").read_bytes() == (tmp_path / "b.osm.pbf").read_bytes()
