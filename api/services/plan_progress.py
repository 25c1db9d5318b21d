"""What somebody who waits for a plan at a terminal is told, now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

EVERY_S = 5.0


def say(text: str) -> None:
    """To standard error: standard output is the summary's."""
    print(text, file=sys.stderr, flush=True)


class Waiting:
    """Tells how far a run is: nothing in the first seconds, then a line every few.

    Parameters
    ----------
    tell
        Where a line goes.
    clock
        Seconds that only grow.
    """

    def __init__(
        self, tell: Callable[[str], None] = say, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tell, self._clock = tell, clock
        self._began = self._last = clock()

    def look(self, status: str, progress: Mapping[str, Any]) -> None:
        """Take note of a run's state; say it when it is time to."""
        now = self._clock()
        if now - self._last < EVERY_S:
            return
        self._last = now
        self._tell(f"  {now - self._began:.0f} s: {stage(status, progress)}")


def stage(status: str, progress: Mapping[str, Any]) -> str:
    """In words, what a run is doing."""
    share = progress.get("share")
    if status == "queued":
        return "waiting for a worker"
    if share is None:
        return (
            "reading the day and loading the search; the first run after an installation "
            "compiles it, a minute or more"
        )
    if share < 1:
        left = progress.get("unassigned", 0)
        return f"searching, {100 * share:.0f} % of its time, {left} jobs not placed"
    return "checking the plan and saying why of what is left out"
