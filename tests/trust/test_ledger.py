from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from api import evidence_cli, wiring
from api.db.engine import plain_url
from api.db.models import Activity, LedgerRow
from api.services.activity import record
from config.settings import Settings


@pytest.fixture
def settings_of_one(
    make_database: Callable[..., Settings], seeded: Settings, tmp_path: Path
) -> Settings:
    name = f"ledger_{uuid4().hex[:12]}"
    return replace(make_database(name, "seeded"), ledger_anchor=tmp_path / "anchor.jsonl")


@pytest.fixture
def sessions(settings_of_one: Settings) -> Iterator[sessionmaker[Session]]:
    engine = wiring.engine_of(settings_of_one)
    yield wiring.sessions_of(engine)
    engine.dispose()


def write(sessions: sessionmaker[Session], count: int = 1) -> None:
    """Changes in transactions of their own."""
    for number in range(count):
        with sessions.begin() as session:
            record(session, "tried", "test", uuid4(), number=number, text="重复 é")


def tamper(settings: Settings, statement: str) -> None:
    """What somebody with every right in the database can do, triggers switched off."""
    with psycopg.connect(plain_url(settings.database_url), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        done = connection.execute(statement)
        assert done.rowcount > 0, statement


def test_every_recorded_change_has_its_row_and_the_ledger_is_sound(
    sessions: sessionmaker[Session], settings_of_one: Settings
) -> None:
    write(sessions, 3)
    with sessions() as session:
        assert session.scalar(select(func.count(LedgerRow.seq))) == session.scalar(
            select(func.count(Activity.seq))
        )
    verdict = evidence_cli.verify_ledger(settings_of_one)
    assert verdict.sound
    assert verdict.rows >= 4


def test_a_change_that_is_rolled_back_leaves_no_row(
    sessions: sessionmaker[Session], settings_of_one: Settings
) -> None:
    write(sessions)
    before = evidence_cli.verify_ledger(settings_of_one).rows
    with sessions() as session:
        record(session, "tried", "test", uuid4())
        session.rollback()
        record(session, "stays", "test", uuid4())
        with pytest.raises(ZeroDivisionError), session.begin_nested():
            record(session, "undone", "test", uuid4())
            raise ZeroDivisionError
        session.commit()
    verdict = evidence_cli.verify_ledger(settings_of_one)
    assert verdict.sound
    assert verdict.rows == before + 1


def test_many_writers_at_once_make_one_chain_in_the_order_of_their_commits(
    sessions: sessionmaker[Session], settings_of_one: Settings
) -> None:
    threads = [threading.Thread(target=write, args=(sessions, 10)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    verdict = evidence_cli.verify_ledger(settings_of_one)
    assert verdict.sound
    assert verdict.rows >= 60


@pytest.mark.parametrize(
    ("statement", "row", "what"),
    [
        ("UPDATE ledger SET entry = replace(entry, 'tried', 'Tried') WHERE seq = 4", 4, "follow"),
        ("UPDATE ledger SET mac = '\\x00' WHERE seq = 4", 4, "key"),
        ("DELETE FROM ledger WHERE seq = 4", 4, "missing"),
        ("DELETE FROM ledger WHERE seq = (SELECT max(seq) FROM ledger)", 7, "signed count"),
        ("UPDATE activity SET data = '{}' WHERE seq = 4", 4, "something else"),
        ("DELETE FROM activity WHERE seq = 4", 4, "gone"),
        ("UPDATE ledger_head SET count = count - 1", 7, "count"),
        ("DELETE FROM ledger_head", 8, "signed count is missing"),
        ("UPDATE ledger SET activity_seq = -activity_seq WHERE seq = 7", 7, "gone"),
    ],
)
def test_a_change_behind_our_back_is_found_at_its_row(
    sessions: sessionmaker[Session],
    settings_of_one: Settings,
    statement: str,
    row: int,
    what: str,
) -> None:
    write(sessions, 7)
    with sessions() as session:
        count = session.scalar(select(func.count(LedgerRow.seq))) or 0
    shift = count - 7
    for number in (4, 7):
        statement = statement.replace(f"seq = {number}", f"seq = {number + shift}")
    tamper(settings_of_one, statement)
    verdict = evidence_cli.verify_ledger(settings_of_one)
    assert verdict.fault is not None
    assert verdict.fault.seq == row + shift
    assert what in verdict.fault.what


def test_a_tail_cut_with_its_count_rolled_back_is_known_to_the_anchor(
    sessions: sessionmaker[Session], settings_of_one: Settings
) -> None:
    write(sessions, 3)
    engine = wiring.owning_engine_of(settings_of_one)
    with engine.connect() as connection:
        old = connection.execute(text("SELECT count, link, mac FROM ledger_head")).one()
    engine.dispose()
    write(sessions, 2)
    evidence_cli.seal_ledger(settings_of_one, datetime.now(UTC))
    for statement in (
        f"DELETE FROM ledger WHERE seq > {old.count}",
        f"DELETE FROM activity WHERE seq > {old.count}",
        "DELETE FROM ledger_seal",
        f"UPDATE ledger_head SET count = {old.count}, link = '\\x{old.link.hex()}', "
        f"mac = '\\x{old.mac.hex()}'",
    ):
        tamper(settings_of_one, statement)
    verdict = evidence_cli.verify_ledger(settings_of_one)
    assert verdict.fault is not None
    assert verdict.fault.seq == old.count + 1
    assert f"the anchor knows of {old.count + 2} rows" in verdict.fault.what
    # Nothing inside the database betrays it: without the anchor the shorter ledger would pass.
    settings_of_one.ledger_anchor.write_text("")
    assert evidence_cli.verify_ledger(settings_of_one).sound


def test_a_chain_written_without_the_key_is_found(
    sessions: sessionmaker[Session], settings_of_one: Settings
) -> None:
    write(sessions)
    forger = wiring.engine_of(replace(settings_of_one, ledger_key="f" * 32))
    write(wiring.sessions_of(forger))
    forger.dispose()
    verdict = evidence_cli.verify_ledger(settings_of_one)
    assert verdict.fault is not None
    assert "key" in verdict.fault.what


def test_web_and_worker_cannot_change_what_is_only_appended(
    sessions: sessionmaker[Session],
) -> None:
    columns = {"ledger": "entry", "ledger_seal": "seal", "activity": "kind", "look": "why"}
    for table, column in columns.items():
        for statement in (
            f"UPDATE {table} SET {column} = ''",
            f"DELETE FROM {table}",
            f"TRUNCATE {table}",
        ):
            with sessions() as session, pytest.raises(DBAPIError, match="permission denied"):
                session.execute(text(statement))


def test_the_owner_of_the_tables_is_refused_by_them_too(
    sessions: sessionmaker[Session], settings_of_one: Settings
) -> None:
    write(sessions)
    engine = wiring.owning_engine_of(settings_of_one)
    for statement in (
        "UPDATE ledger SET entry = ''",
        "DELETE FROM ledger",
        "TRUNCATE ledger",
        "DELETE FROM activity",
        "UPDATE ledger_head SET count = 0",
        "DELETE FROM ledger_head",
        "TRUNCATE ledger_head",
    ):
        with engine.connect() as connection, pytest.raises(DBAPIError, match=r"never|only rises"):
            connection.execute(text(statement))
    engine.dispose()


def test_seals_hold_what_was_appended_since_the_last_one(
    sessions: sessionmaker[Session], settings_of_one: Settings
) -> None:
    now = datetime.now(UTC)
    write(sessions, 3)
    evidence_cli.seal_ledger(settings_of_one, now)
    evidence_cli.seal_ledger(settings_of_one, now)
    write(sessions, 2)
    line = evidence_cli.seal_ledger(settings_of_one, now)
    assert line is not None
    verdict = evidence_cli.verify_ledger(settings_of_one)
    assert (verdict.sound, verdict.seals, verdict.anchors) == (True, 2, 2)
    assert line["count"] == verdict.rows
    tamper(
        settings_of_one,
        "UPDATE ledger_seal SET seal = replace(seal, 'root', 'Root') WHERE number = 2",
    )
    broken = evidence_cli.verify_ledger(settings_of_one)
    assert broken.fault is not None
    assert "seal 2" in broken.fault.what


def test_a_session_without_the_key_cannot_record(settings_of_one: Settings) -> None:
    engine = wiring.owning_engine_of(settings_of_one)
    with pytest.raises(RuntimeError, match="without the ledger's key"):
        write(wiring.sessions_of(engine))
    engine.dispose()
