"""What ``python -m api supervise`` does: everything up, today planned, then watch until told."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from api.supervisor import postgres, services
from api.supervisor.lock import exclusive
from api.supervisor.supervisor import StartError, StopRequestedError, Supervisor, say
from config.settings import RUNNING_SERVICES, Settings

STOPPED_BY_SIGNAL = 130


def supervise(settings: Settings, *, once: bool = False, as_json: bool = False) -> int:
    """Start every service, plan today, and serve until a signal comes.

    Parameters
    ----------
    settings
        Read without the addresses of running services; empty ones mean a server of our own.
    once
        Print the day's summary and stop instead of serving.
    as_json
        Print the summary as JSON.

    Returns
    -------
    int
        Exit status: 0 after a clean stop, 1 when something did not come up (said on standard
        error), 130 when a signal came before everything was up.

    Raises
    ------
    AlreadyRunningError
        When another supervisor uses the data folder.
    """
    began = time.monotonic()
    if not once and services.port_is_taken(settings.web_host, settings.web_port):
        say(
            f"port {settings.web_port} of {settings.web_host} is taken by another program; "
            "choose another with --port"
        )
        return 2
    with exclusive(settings.data_dir / "run" / "lock"), Supervisor(say) as supervisor:
        try:
            settings = _start_database(supervisor, settings)
            settings = _start_roads(supervisor, settings)
            with _written_down(settings):
                if once:
                    _plan(supervisor, settings, "prepare the day and plan it", as_json)
                    return 0
                _serve(supervisor, settings, as_json, began)
        except StopRequestedError:
            say("stopping before everything was up")
            return STOPPED_BY_SIGNAL
        except (StartError, postgres.PostgresError) as error:
            say(str(error))
            say(f"logs: {settings.data_dir / 'logs'}")
            return 1
        say("stopping")
    return 0


def _start_database(supervisor: Supervisor, settings: Settings) -> Settings:
    if settings.database_url:
        return settings
    say("PostgreSQL …")
    folders = postgres.lay_out(settings.data_dir, settings.postgres_user)
    postgres.wait_for_predecessor(folders)
    postgres.initialise(folders)
    supervisor.start(postgres.service(folders, _logs(settings) / "postgres.log"))
    postgres.make_database(folders)
    return replace(settings, database_url=folders.url())


def _start_roads(supervisor: Supervisor, settings: Settings) -> Settings:
    if settings.osrm_url:
        return settings
    say("roads …")
    command = [sys.executable, "-m", "api", "roads", "prepare"]
    environment = services.child_environment(settings)
    graph = supervisor.run_step("preparing the roads", command, environment).strip()
    if not graph:
        say("no roads: import some with `python -m api roads import FILE.osm.pbf`")
        return settings
    # Here and not above: only this branch needs the road programs.
    from network.roads.server import command as osrm_command

    port = services.free_port()
    url = f"http://127.0.0.1:{port}"
    supervisor.start(services.osrm(osrm_command(Path(graph), port), url, _logs(settings)))
    return replace(settings, osrm_url=url)


def _serve(supervisor: Supervisor, settings: Settings, as_json: bool, began: float) -> None:
    environment = services.child_environment(settings)
    step = ["demo"] if settings.demo else ["migrate"]
    say("database …")
    people = supervisor.run_step(
        "preparing the database", [sys.executable, "-m", "api", *step], environment
    )
    say("web server and worker …")
    supervisor.start(services.web(settings, _logs(settings)))
    supervisor.start(services.worker(settings, _logs(settings)))
    url = f"http://{settings.web_host}:{settings.web_port}"
    say(f"ready after {time.monotonic() - began:.0f} s: {url}   (Ctrl-C stops)")
    if people.strip():
        say(people.rstrip())
    if settings.demo:
        # It serves already: a signal from here on is an ordinary stop.
        with suppress(StopRequestedError):
            _plan(supervisor, settings, "plan today", as_json)
    supervisor.run()


def _plan(supervisor: Supervisor, settings: Settings, what: str, as_json: bool) -> None:
    say(f"{what} …")
    command = [sys.executable, "-m", "api", "plan", "--prepare"]
    command += ["--json"] if as_json else []
    summary = supervisor.run_step(what, command, services.child_environment(settings))
    print(summary.rstrip(), flush=True)


@contextmanager
def _written_down(settings: Settings) -> Iterator[None]:
    """Keep the addresses in the data folder, so that commands beside this process find them."""
    path = settings.data_dir / RUNNING_SERVICES
    draft = path.with_suffix(f".{os.getpid()}.draft")
    addresses = {"database_url": settings.database_url, "osrm_url": settings.osrm_url}
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(addresses), encoding="utf-8")
    draft.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _logs(settings: Settings) -> Path:
    return settings.data_dir / "logs"
