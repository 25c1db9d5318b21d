"""Bring a database to the newest schema; safe when several processes start at once."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK = 0x5A68756E6461
"""Key of the advisory lock: whoever comes second waits, then finds nothing left to do."""


class DatabaseTooOld(RuntimeError):
    """PostgreSQL 15 or newer is needed."""


def is_ours(_object: object, name: str | None, kind: str, *_rest: object) -> bool:
    """Whether a thing found in the database is described by our models: the queue's is not."""
    return not (kind == "table" and (name or "").startswith("procrastinate_"))


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration on an open connection."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine) -> None:
    """Apply all migrations that are missing, in one transaction.

    Raises
    ------
    DatabaseTooOld
        When the server is older than PostgreSQL 15.
    """
    with engine.begin() as connection:
        version = connection.dialect.server_version_info or (0,)
        if version[0] < 15:
            raise DatabaseTooOld(f"PostgreSQL 15 or newer is needed, this server is {version[0]}")
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        command.upgrade(alembic_config(connection), "head")
