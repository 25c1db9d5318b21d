import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from api.supervisor import postgres
from api.supervisor.account import AccountError, choose_account
from tests.api.supervisor.whole import open_folder

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    """One cluster for this file, which every test leaves in order."""
    with open_folder() as folder:
        yield folder


@pytest.fixture
def new_data_dir() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


def test_a_server_starts_keeps_its_data_and_starts_again(data_dir: Path) -> None:
    with postgres.running_postgres(data_dir) as url, psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (41)")
    with postgres.running_postgres(data_dir) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (41,)


def test_it_is_durable_speaks_utf8_and_listens_on_no_network(data_dir: Path) -> None:
    with postgres.running_postgres(data_dir) as url, psycopg.connect(url) as connection:
        settings = {
            name: connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
            for name in ("fsync", "synchronous_commit", "listen_addresses", "server_encoding")
        }
    assert settings == {
        "fsync": ("on",),
        "synchronous_commit": ("on",),
        "listen_addresses": ("",),
        "server_encoding": ("UTF8",),
    }


def test_another_user_of_the_machine_is_not_admitted(data_dir: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    program = str(postgres.lay_out(data_dir).programs / "psql")
    with postgres.running_postgres(data_dir) as url:
        admitted, refused = (
            subprocess.run([program, url, "-c", "SELECT 1"], capture_output=True, **options)
            for options in ({}, {"user": 1, "group": 1, "extra_groups": []})
        )
    assert admitted.returncode == 0
    assert refused.returncode == 2
    assert b"Permission denied" in refused.stderr


def test_what_was_acknowledged_before_kill_9_is_there_after_it(data_dir: Path) -> None:
    program = (
        "import psycopg, sys, pathlib\n"
        "from api.supervisor.postgres import running_postgres\n"
        "with running_postgres(pathlib.Path(sys.argv[1])) as url:\n"
        "    with psycopg.connect(url, autocommit=True) as connection:\n"
        "        connection.execute('DROP TABLE IF EXISTS kept; CREATE TABLE kept (n int)')\n"
        "        n = 0\n"
        "        while True:\n"
        "            connection.execute('INSERT INTO kept VALUES (%s)', (n,))\n"
        "            print(n, flush=True)\n"
        "            n += 1\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(data_dir)], stdout=subprocess.PIPE, cwd=ROOT, text=True
    )
    assert parent.stdout is not None
    for line in parent.stdout:
        if int(line) >= 50:
            break
    server = int((data_dir / "postgres" / "18" / "postmaster.pid").read_text().split()[0])
    parent.kill()
    acknowledged = 50 + sum(1 for _ in parent.stdout)
    parent.stdout.close()
    parent.wait()
    deadline = time.monotonic() + 5.0
    while Path(f"/proc/{server}").exists():
        assert time.monotonic() < deadline, "the server outlived its supervisor"
        time.sleep(0.05)
    with postgres.running_postgres(data_dir) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT max(n) >= %s FROM kept", (acknowledged,)).fetchone() == (
            True,
        )


def test_a_stale_pid_file_that_names_a_stranger_does_not_stop_the_start(data_dir: Path) -> None:
    with postgres.running_postgres(data_dir):
        pass
    stale = data_dir / "postgres" / "18" / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n/nowhere\n", encoding="utf-8")
    with postgres.running_postgres(data_dir) as url:
        assert postgres.answers(url)


def test_a_half_made_cluster_is_made_again(new_data_dir: Path) -> None:
    folders = postgres.lay_out(new_data_dir)
    draft = folders.data.with_name("18.draft")
    draft.mkdir()
    (draft / "PG_VERSION").write_text("18\n", encoding="utf-8")
    assert postgres.initialise(folders)
    assert not postgres.initialise(folders)


def test_a_socket_path_too_long_for_the_system_moves_to_a_short_folder(new_data_dir: Path) -> None:
    deep = new_data_dir / ("d" * 100)
    folders = postgres.lay_out(deep)
    assert len(os.fsencode(folders.socket / postgres.SOCKET_NAME)) <= 107
    assert folders.socket.stat().st_mode & 0o777 == 0o700
    folders.socket.rmdir()


def test_a_folder_of_somebody_else_is_not_taken_over(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give folders away")
    trap = tmp_path / "trap"
    trap.mkdir()
    os.chown(trap, 12345, 12345)
    with pytest.raises(AccountError, match="12345"):
        choose_account().own_folder(trap)


def test_parents_keep_their_permissions(new_data_dir: Path) -> None:
    closed = new_data_dir / "closed"
    closed.mkdir(mode=0o700)
    account = choose_account()
    assert account.can_enter(closed) == account.is_current
    assert closed.stat().st_mode & 0o777 == 0o700


def test_an_account_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        pytest.skip("the current user is taken as it is")
    with pytest.raises(AccountError, match="nobody-of-this-name"):
        choose_account("nobody-of-this-name")


def test_a_server_that_was_told_to_stop_ends_cleanly(data_dir: Path) -> None:
    folders = postgres.lay_out(data_dir)
    with postgres.running_postgres(data_dir):
        pass
    done = subprocess.run(
        [str(folders.programs / "pg_controldata"), str(folders.data)],
        check=True,
        capture_output=True,
        text=True,
        env={"LC_ALL": "C"},
    )
    assert "shut down" in done.stdout
    assert postgres.service(folders, data_dir / "log").stop_signal == signal.SIGINT
