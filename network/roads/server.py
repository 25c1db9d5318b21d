"""OSRM's server as a child process: its command line, its health, and a runner for one graph."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from network.roads.build import graph_base, osrm_program
from network.roads.child import tied_command

MAX_TABLE_SIZE = 2_000
"""Places in one table request: 1,000 origins and 1,000 destinations."""

MAX_ROUTE_SIZE = 1_000
MAX_NEAREST_SIZE = 1_000

_POLL_S = 0.02


class ServerStartError(RuntimeError):
    """The server did not become healthy; the message says what was seen last."""


def command(graph_dir: Path, port: int, threads: int = 2) -> list[str]:
    """Command line of ``osrm-routed`` for a built graph, bound to the loopback address only.

    Parameters
    ----------
    graph_dir
        :attr:`network.roads.Graph.directory`.
    port
        TCP port on 127.0.0.1.
    threads
        Requests answered at the same time.
    """
    limits = {
        "--max-table-size": MAX_TABLE_SIZE,
        "--max-viaroute-size": MAX_ROUTE_SIZE,
        "--max-nearest-locations": MAX_NEAREST_SIZE,
        "--threads": threads,
        "--port": port,
    }
    options = [part for option, value in limits.items() for part in (option, str(value))]
    return [
        *(str(osrm_program("routed")), "--ip", "127.0.0.1", "--verbosity", "WARNING"),
        *options,
        str(graph_base(graph_dir)),
    ]


def is_healthy(url: str) -> bool:
    """Whether an OSRM server answers at ``url`` (any well-formed answer counts)."""
    address = f"{url.rstrip('/')}/nearest/v1/driving/0,0"
    try:
        # Proxies are for the world outside; this is a neighbour.
        answer = httpx.get(address, timeout=2.0, trust_env=False).json()
    except (httpx.HTTPError, ValueError):
        return False
    return isinstance(answer, dict) and "code" in answer


def wait_healthy(
    url: str, timeout_s: float, process: subprocess.Popen[bytes] | None = None
) -> None:
    """Return as soon as the server at ``url`` answers.

    Parameters
    ----------
    url
        Base address, such as ``http://127.0.0.1:5000``.
    timeout_s
        Seconds to wait at most.
    process
        The server, when it is a child: its end is noticed at once.

    Raises
    ------
    ServerStartError
        When it has not answered in time, or the process has ended.
    """
    deadline = time.monotonic() + timeout_s
    while not is_healthy(url):
        if process is not None and process.poll() is not None:
            raise ServerStartError(f"osrm-routed ended with exit code {process.returncode}")
        if time.monotonic() > deadline:
            raise ServerStartError(f"{url}: no answer from OSRM within {timeout_s:g} s")
        time.sleep(_POLL_S)


def free_port() -> int:
    """A TCP port that was free on 127.0.0.1 a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running_server(graph_dir: Path, timeout_s: float = 30.0, threads: int = 2) -> Iterator[str]:
    """Run ``osrm-routed`` for the length of a ``with`` block, which gets its address.

    The server ends with the block, and with this process even when it is killed.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        tied_command(command(graph_dir, port, threads)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_healthy(url, timeout_s, process)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
