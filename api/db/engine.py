"""The door to PostgreSQL: one engine a process, explicit transactions."""

from __future__ import annotations

import json
import time
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry


def compact_json(value: Any) -> str:
    """JSON without spaces, in UTF-8, refusing NaN: what is stored is what was meant."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def driver_url(url: str) -> str:
    """The URL with SQLAlchemy's driver name, whatever way the operator wrote it."""
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url[len(prefix) :]
    return url


def plain_url(url: str) -> str:
    """The URL as libpq reads it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


LEDGER_KEY = "ledger_key"
"""Execution option under which an engine carries the ledger's key to the sessions on it."""

APP_ROLE = "zhunda_app"
"""The database role of web and worker: it cannot change or delete what is only ever appended."""


TRUSTED_S = 1.0
"""A connection that was in use so recently is taken to be alive."""

RETURNED = "zhunda.returned"


def make_engine(url: str, pool_size: int = 10, ledger_key: bytes = b"", role: str = "") -> Engine:
    """An engine whose connections are checked after a rest and speak UTC.

    Parameters
    ----------
    ledger_key
        The key of the ledger, for sessions that record changes.
    role
        The database role to act as; empty for the login's own.
    """
    act_as = f" -c role={role}" if role else ""
    engine = create_engine(
        driver_url(url),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_recycle=300,
        json_serializer=compact_json,
        connect_args={"options": f"-c timezone=UTC{act_as}", "application_name": "zhunda"},
        execution_options={LEDGER_KEY: ledger_key},
    )
    _check_idle(engine)
    return engine


def _check_idle(engine: Engine) -> None:
    """Check a connection that has lain idle before it is used; one in use a moment ago is alive.

    Asking before every request costs a phone's unchanged route a third of its time.
    """

    @event.listens_for(engine, "checkin")
    def returned(_: Any, record: ConnectionPoolEntry) -> None:
        record.info[RETURNED] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def taken(connection: Any, record: ConnectionPoolEntry, _: Any) -> None:
        if time.monotonic() - record.info.get(RETURNED, 0.0) < TRUSTED_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.dbapi.Error as error:  # type: ignore[union-attr]
            raise DisconnectionError from error  # the pool opens another one


def make_sessions(engine: Engine) -> sessionmaker[Session]:
    """Sessions that keep objects readable after commit."""
    return sessionmaker(engine, expire_on_commit=False)
