"""Write streets as an OSM extract, so that the demo takes the road of any other region."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import osmium
from osmium.osm import mutable

from network.demo.network_file import Street

# Above every junction's number, so that nodes between junctions get numbers of their own.
_FIRST_SHAPE_NODE = 10_000_000


def write_extract(streets: Iterable[Street], path: Path) -> None:
    """Write an ``.osm.pbf`` with highway, name, oneway and maxspeed tags; equal input, equal bytes.

    Parameters
    ----------
    streets
        Links; they meet where they share a junction.
    path
        File to write; replaced if there.
    """
    nodes: dict[int, tuple[float, float]] = {}
    ways: list[mutable.Way] = []
    shape_node = _FIRST_SHAPE_NODE
    for street in streets:
        references = []
        last = len(street.line) - 1
        for position, (lon, lat) in enumerate(street.line.tolist()):
            if position == 0:
                node = street.from_junction
            elif position == last:
                node = street.to_junction
            else:
                node = shape_node = shape_node + 1
            nodes.setdefault(node, (lon, lat))
            references.append(node)
        ways.append(
            mutable.Way(id=street.identifier, version=1, nodes=references, tags=_tags(street))
        )
    with osmium.SimpleWriter(str(path), overwrite=True) as writer:
        # OSM files are sorted: nodes by number, then ways by number.
        for node, location in sorted(nodes.items()):
            writer.add_node(mutable.Node(id=node, version=1, location=location))
        for way in sorted(ways, key=lambda way: way.id):
            writer.add_way(way)


def _tags(street: Street) -> dict[str, str]:
    tags = {"highway": street.highway}
    if street.name:
        tags["name"] = street.name
    if street.oneway:
        tags["oneway"] = "yes"
    if street.speed_kmh is not None:
        tags["maxspeed"] = str(street.speed_kmh)
    back = street.speed_back_kmh
    if not street.oneway and back is not None and back != street.speed_kmh:
        tags["maxspeed:backward"] = str(back)
    return tags
