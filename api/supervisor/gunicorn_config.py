"""Gunicorn's settings that do not vary; the rest stands on its command line."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from api.supervisor.child import die_with_parent

worker_class = "gthread"
# Streams of events stay open for long; a stop does not wait for them.
graceful_timeout = 3
keepalive = 30
# Heartbeats of the workers must not wait for a disk.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None


def on_starting(_server: Any) -> None:
    """Start counting from zero: figures of an earlier run would be added to this one's."""
    counts = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if counts:
        Path(counts).mkdir(parents=True, exist_ok=True)
        for file in Path(counts).glob("*.db"):
            file.unlink()


def child_exit(_server: Any, worker: Any) -> None:
    """Forget the gauges of a worker that has gone; its counters stay in the sum."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def post_fork(_server: Any, worker: Any) -> None:
    """Tie each worker's life to the master's, which is tied to the supervisor's."""
    if sys.platform.startswith("linux"):
        die_with_parent(worker.ppid, signal.SIGKILL)


def post_worker_init(worker: Any) -> None:
    """Load what answers urgent calls before somebody calls."""
    desks = getattr(worker.wsgi, "extensions", {}).get("zhunda.desks")
    if desks is not None:
        desks.warm_up()
