"""A real PostgreSQL, the demo region's real roads, and a small demo day planned once.

Every module of tests gets its own copy of that database (a template, copied in milliseconds), so
that none sees what another has done.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from flask.testing import FlaskClient
from psycopg import sql

from api import cli, wiring
from api.app import create_app
from api.supervisor.postgres import running_postgres
from config.settings import ROOT, Settings, load_settings
from network.roads.server import running_server
from tests.api.world import ITERATIONS, OPEN_JOBS, World


@pytest.fixture(scope="session")
def cache_dir() -> Path:
    return Path(os.environ.get("ZHUNDA_TEST_CACHE") or ROOT / ".cache")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="zhunda-test-"))
    # The server runs under an account of its own when the tests run as root.
    folder.chmod(0o755)
    try:
        with running_postgres(folder) as url:
            # Nothing here outlives the tests; that what is acknowledged survives a crash is shown
            # with the supervisor's own server.
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("SELECT pg_reload_conf()")
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def osrm(cache_dir: Path) -> Iterator[str]:
    region = wiring.demo_region(cache_dir)
    with running_server(region.graph.directory) as url:
        yield url


@pytest.fixture(scope="session")
def settings(postgres_url: str, osrm: str, cache_dir: Path) -> Settings:
    environ = {
        "DATABASE_URL": postgres_url,
        "OSRM_URL": osrm,
        "ZHUNDA_DATA_DIR": str(cache_dir),
        "ZHUNDA_SECRET": "t" * 32,
        "ZHUNDA_PLAN_ENGINE": "search",
        "ZHUNDA_PLAN_SECONDS": "1",
        "ZHUNDA_PLAN_THREADS": "1",
    }
    return load_settings(environ, use_running_services=False)


@pytest.fixture(scope="session")
def make_database(postgres_url: str, settings: Settings) -> Callable[..., Settings]:
    """Make a database, empty or as a copy of another, and return settings that point to it."""

    def make(name: str, template: str = "template0") -> Settings:
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )
        return replace(settings, database_url=postgres_url.replace("/zhunda?", f"/{name}?"))

    return make


@pytest.fixture(scope="session")
def seeded(make_database: Callable[..., Settings]) -> Settings:
    """A migrated database with a small demo, nothing planned yet."""
    found = make_database("seeded")
    cli.migrate(found)
    assert cli.seed_demo(found, datetime.now(UTC), OPEN_JOBS)
    return found


@pytest.fixture(scope="session")
def planned(make_database: Callable[..., Settings], seeded: Settings) -> Settings:
    """The same with the day planned and published."""
    found = make_database("planned", "seeded")
    cli.plan_today(found, iterations=ITERATIONS)
    return found


@pytest.fixture(scope="module")
def world(
    make_database: Callable[..., Settings], planned: Settings, request: pytest.FixtureRequest
) -> Iterator[World]:
    """An application on a planned day, for one module of tests."""
    own = make_database(f"world_{request.module.__name__.rpartition('.')[2]}", "planned")
    app = create_app(own, {"LOGIN_LIMIT": "1000 per minute"})
    with wiring.roads_of(own) as roads:
        yield World(own, app, app.extensions["zhunda.sessions"], roads)
    app.extensions["zhunda.feed"].close()
    app.extensions["zhunda.proposer"].close()
    app.extensions["zhunda.desks"].close()
    app.extensions["zhunda.engine"].dispose()


@pytest.fixture
def dispatcher(world: World) -> FlaskClient:
    return world.client("dispatch")


@pytest.fixture
def planner(world: World) -> FlaskClient:
    return world.client("planner")


@pytest.fixture
def admin(world: World) -> FlaskClient:
    return world.client("admin")
