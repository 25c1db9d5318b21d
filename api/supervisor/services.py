"""The services of one installation: what is started, with which command, judged how."""

from __future__ import annotations

import os
import signal
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from api.supervisor.processes import Service
from config.settings import ROOT, Settings


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_is_taken(host: str, port: int) -> bool:
    """Whether somebody listens on a port already."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def replies(url: str) -> bool:
    """Whether an HTTP server answers without an error of its own within three seconds."""
    try:
        with urllib.request.urlopen(url, timeout=3):
            return True
    except urllib.error.HTTPError as error:
        # "There is no street" is an answer too.
        return error.code < 500
    except (OSError, ValueError):
        return False


def child_environment(settings: Settings) -> dict[str, str]:
    """Return the environment in which a child reads the very settings of its parent."""
    return {**os.environ, **settings.environment(), "PYTHONPATH": str(ROOT)}


def osrm(command: Sequence[str], url: str, logs: Path) -> Service:
    """Return the road server; it keeps nothing, so it may be killed to stop."""
    return Service(
        name="osrm",
        command=command,
        health=lambda: replies(f"{url}/nearest/v1/driving/0,0"),
        log=logs / "osrm.log",
        stop_timeout_s=3.0,
    )


def web(settings: Settings, logs: Path) -> Service:
    """Return the web server: gunicorn with threads, the application from ``api.app``."""
    host = f"[{settings.web_host}]" if ":" in settings.web_host else settings.web_host
    near = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)
    command = [sys.executable, "-m", "gunicorn"]
    command += ["--config", str(Path(__file__).with_name("gunicorn_config.py"))]
    command += ["--bind", f"{host}:{settings.web_port}"]
    environment = child_environment(settings)
    # Each process counts for itself, in files of one folder that /metrics adds up.
    counts = settings.data_dir / "run" / f"metrics-{settings.web_port}"
    environment.setdefault("PROMETHEUS_MULTIPROC_DIR", str(counts))
    command += ["--workers", str(settings.web_workers), "--threads", str(settings.web_threads)]
    return Service(
        name="web",
        command=[*command, "api.app:create_app()"],
        health=lambda: replies(f"http://{near}:{settings.web_port}/healthz"),
        log=logs / "web.log",
        environment=environment,
    )


def worker(settings: Settings, logs: Path) -> Service:
    """Return the process that runs queued jobs; a running plan is given time to end."""
    return Service(
        name="worker",
        command=[sys.executable, "-m", "api", "worker"],
        health=lambda: True,
        log=logs / "worker.log",
        environment=child_environment(settings),
        stop_signal=signal.SIGTERM,
        stop_timeout_s=float(settings.plan_seconds + 10),
    )
