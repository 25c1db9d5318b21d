"""One supervisor a data folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class AlreadyRunningError(RuntimeError):
    """Another supervisor holds the data folder; the message names its process."""


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock file for as long as the context lasts; the kernel frees it at any death.

    Raises
    ------
    AlreadyRunningError
        When another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not inherited by children (PEP 446): none of them can keep the lock past its parent.
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise AlreadyRunningError(
                f"{path.parent.parent} is in use by another Zhunda (process {holder}); "
                "stop that one, or choose another folder with --data"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
