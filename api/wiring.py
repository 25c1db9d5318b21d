"""From settings to parts: the engine, sessions and roads that entry points hand to use cases."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from api.db.engine import make_engine, make_sessions
from config.settings import Settings
from network.demo import DemoRegion, ensure_demo_region
from network.roads import Roads


def engine_of(settings: Settings, pool_size: int = 5) -> Engine:
    """An engine on the configured database."""
    return make_engine(settings.database_url, pool_size)


def sessions_of(engine: Engine) -> sessionmaker[Session]:
    """Sessions on an engine."""
    return make_sessions(engine)


@cache
def demo_region(data_dir: Path) -> DemoRegion:
    """The demo region, made on first use."""
    return ensure_demo_region(data_dir)


def roads_of(settings: Settings) -> Roads:
    """The region's roads: its OSRM where one runs, its law where none does."""
    cache_dir = settings.data_dir / "matrices"
    if settings.demo:
        region = demo_region(settings.data_dir)
        return Roads(
            settings.osrm_url or None,
            graph_version=region.graph.version,
            law=region.law,
            cache_dir=cache_dir,
        )
    return Roads(settings.osrm_url or None, cache_dir=cache_dir)


def plan_engine(settings: Settings) -> str:
    """The engine to plan with: the setting, or the best there is."""
    if settings.plan_engine != "auto":
        return settings.plan_engine
    from importlib.util import find_spec

    return "search" if find_spec("optimizer.search.engine") else "ortools"
