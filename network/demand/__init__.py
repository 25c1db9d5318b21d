"""Demand: from past requests, from where people live, and its forecast with intervals."""

from network.demand.forecast import BackTest, Forecast, forecast, forecasts_to_json
from network.demand.history import counts_by_day, demand_from_requests
from network.demand.population import (
    demand_from_population,
    in_cells,
    points_from_csv,
    points_from_geojson,
)
from network.demand.requests import BadDemand, Request, read_requests

__all__ = [
    "BackTest",
    "BadDemand",
    "Forecast",
    "Request",
    "counts_by_day",
    "demand_from_population",
    "demand_from_requests",
    "forecast",
    "forecasts_to_json",
    "in_cells",
    "points_from_csv",
    "points_from_geojson",
    "read_requests",
]
