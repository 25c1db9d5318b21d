"""One holder at a time, among the threads of a process and among processes."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from fasteners import InterProcessLock  # type: ignore[import-untyped]  # has no annotations

# A file lock belongs to the whole process, so that threads need one of their own.
_threads: dict[Path, threading.Lock] = {}
_guard = threading.Lock()


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file at ``path`` for a ``with`` block; waits for whoever has it."""
    with _guard:
        among_threads = _threads.setdefault(path.resolve(), threading.Lock())
    with among_threads, InterProcessLock(path):
        yield
