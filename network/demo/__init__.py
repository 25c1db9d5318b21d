"""The demo region, La Serena–Coquimbo: real roads and population, an invented service firm."""

from network.demo.day import DemoDay, make_demo_day
from network.demo.layers import map_layers
from network.demo.region import DemoRegion, DemoRegionError, ensure_demo_region

__all__ = [
    "DemoDay",
    "DemoRegion",
    "DemoRegionError",
    "ensure_demo_region",
    "make_demo_day",
    "map_layers",
]
