"""Travel times on real roads: OSRM's builders, server and client, a matrix cache, an estimate."""

from network.roads.build import Graph, GraphBuildError, GraphVersion, build_graph
from network.roads.estimate import LawError, TravelLaw
from network.roads.osrm import OsrmClient, OsrmUnavailable, Snap
from network.roads.roads import Roads
from network.roads.travel import RouteLeg, RoutePath, Star, TravelMatrix

__all__ = [
    "Graph",
    "GraphBuildError",
    "GraphVersion",
    "LawError",
    "OsrmClient",
    "OsrmUnavailable",
    "Roads",
    "RouteLeg",
    "RoutePath",
    "Snap",
    "Star",
    "TravelLaw",
    "TravelMatrix",
    "build_graph",
]
