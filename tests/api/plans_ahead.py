"""Questions of planners that are answered in a second or two."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

from api.access import V1
from tests.api.world import World
from tests.network.simulate.conftest import small

CORNERS = (
    (-29.91678, -71.25307), (-29.88824, -71.22367), (-29.9119, -71.22315), (-29.88061, -71.21556),
    (-29.88705, -71.23324), (-29.88638, -71.21785), (-29.89616, -71.22079), (-29.88541, -71.23133),
    (-29.88784, -71.23457), (-29.90739, -71.26524), (-29.95745, -71.34798), (-29.96772, -71.34473),
    (-29.94096, -71.33802), (-29.9504, -71.2397), (-29.94503, -71.34504), (-29.97274, -71.23888),
    (-29.96262, -71.24383), (-29.97673, -71.33956), (-29.96094, -71.2577), (-29.97002, -71.34024),
)  # fmt: skip
"""Street corners of the demo region, ten in the north and ten in the south."""

CANDIDATES = [
    {"id": "c1", "name": "Harbour", "address": "Calle Uno 1", "lat": -29.95745, "lon": -71.34798},
    {"id": "c2", "name": "Hill", "address": "Calle Dos 2", "lat": -29.97379, "lon": -71.25243},
    {"id": "c3", "name": "Far", "address": "Calle Tres 3", "lat": -29.96687, "lon": -71.24315},
]


def order(name: str, **changes: Any) -> dict[str, Any]:
    """A small firm of a given document: one of three candidates is opened, two people hired."""
    document = small() | {"days": 3, "warm_up_days": 1}
    document["demand"]["per_day"] = 40
    for point, (lat, lon) in zip(document["demand"]["points"], CORNERS, strict=True):
        point |= {"lat": lat, "lon": lon}
    return {
        "name": name,
        "document": document,
        "candidates": CANDIDATES,
        "siting": {"new_outlets": 1},
        "staffing": {"heads": 2},
    } | changes


def recorded(name: str, **changes: Any) -> dict[str, Any]:
    """The demo firm as it is on record, with an outlet to open."""
    return {
        "name": name,
        "demand": {"source": "requests", "per_day": 60},
        "candidates": CANDIDATES,
        "siting": {"new_outlets": 1},
        "staffing": {"heads": 3},
        "days": 3,
        "warm_up_days": 1,
        "iterations": 50,
    } | changes


def make(client: FlaskClient, sent: dict[str, Any]) -> dict[str, Any]:
    """Freeze a question."""
    answer = client.post(f"{V1}/scenarios", json=sent)
    assert answer.status_code == 201, answer.text
    return dict(answer.get_json())


def answered(world: World, client: FlaskClient, sent: dict[str, Any], **run: Any) -> dict[str, Any]:
    """Freeze a question and have it answered by a worker."""
    made = make(client, sent)
    path = f"{V1}/scenarios/{made['id']}"
    asked = client.post(f"{path}/run", json={"mode": "screening"} | run)
    assert asked.status_code == 202, asked.text
    world.work_queue()
    found = client.get(path).get_json()
    assert found["status"] == "succeeded", found["error"]
    return dict(found)
