"""From settings to parts: the engine, sessions and roads that entry points hand to use cases."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from api.db.engine import APP_ROLE, make_engine, make_sessions
from api.services import carriers
from api.services.anchor import Anchor
from api.services.carriers import Carrier
from api.services.packs.pack import Signer
from config.settings import Settings
from network.demo import DemoRegion, ensure_demo_region
from network.roads import Roads


def engine_of(settings: Settings, pool_size: int = 5) -> Engine:
    """An engine on the configured database, as the role that web and worker act in."""
    return make_engine(settings.database_url, pool_size, settings.ledger_key.encode(), APP_ROLE)


def owning_engine_of(settings: Settings) -> Engine:
    """An engine that acts as the login itself: for migrations, which change tables."""
    return make_engine(settings.database_url, 1)


def sessions_of(engine: Engine) -> sessionmaker[Session]:
    """Sessions on an engine."""
    return make_sessions(engine)


def anchor_of(settings: Settings) -> Anchor:
    """Where the ledger's head is told."""
    return Anchor(settings.ledger_anchor, settings.ledger_anchor_url)


def carriers_of(settings: Settings) -> Sequence[Carrier]:
    """The carriers of messages: mail by the configured server, the rest by files."""
    return carriers.carriers_of(
        settings.data_dir / "messages", settings.smtp_url, settings.mail_from
    )


def signer_of(settings: Settings) -> Signer:
    """With what evidence packs are signed, and where their hashes are published."""
    return Signer(bytes.fromhex(settings.evidence_key), anchor_of(settings))


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
