"""The lines of a plan's routes on the streets, fetched once for each version of a plan."""

from __future__ import annotations

from typing import Any

from domain.places import Place
from network.roads import Roads
from optimizer import Plan, Problem


def route_lines(roads: Roads, problem: Problem, plan: Plan) -> dict[str, Any]:
    """GeoJSON lines by technician id, all shifts in one; a technician without visits has none."""
    lines: dict[str, Any] = {}
    for route in plan.routes:
        indexes = [step.location for step in route.steps if step.location is not None]
        places = []
        for index in indexes:
            location = problem.locations[index]
            if location.lat is not None and location.lon is not None:
                place = Place(location.lat, location.lon)
                if not places or places[-1] != place:
                    places.append(place)
        if len(places) > 1 and route.jobs:
            geometry = roads.route(places).geometry
            line = lines.setdefault(route.technician, {"type": "LineString", "coordinates": []})
            line["coordinates"] += [
                [round(lon, 5), round(lat, 5)] for lon, lat in geometry["coordinates"]
            ]
    return lines
