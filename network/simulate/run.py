"""``simulate(scenario) -> Outcome``: replications side by side; progress, cancel, resume."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from network.simulate.calendar import Calendar
from network.simulate.checkpoint import Checkpoint
from network.simulate.outcome import Outcome, outcome_of
from network.simulate.replay import replay
from network.simulate.scenario import Scenario
from network.simulate.tally import Replication

_LOOK_S = 0.2


class Cancelled(Exception):
    """The simulation was cancelled; what had finished is in its checkpoint, if it has one."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Simulated days that are over, of all of them; replications likewise."""

    days_done: int
    days: int
    replications_done: int
    replications: int

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.days_done / self.days if self.days else 1.0


Watch = Callable[[Progress], None]
Cancel = Callable[[], bool]
"""Asked a few times a second; True ends the simulation."""


def simulate(
    scenario: Scenario,
    *,
    replications: int = 2,
    seed: int = 1,
    processes: int | None = None,
    watch: Watch | None = None,
    cancel: Cancel | None = None,
    checkpoint: Path | None = None,
) -> Outcome:
    """Replay the scenario's weeks through the real dispatcher.

    Parameters
    ----------
    replications
        Independent repetitions; replication k of equal seeds meets the same faults in every
        scenario with the same demand.
    processes
        Side by side; None: as many as there are cores. 1 runs in this process.
    checkpoint
        File that keeps finished replications. An existing one of the same scenario and seed is
        continued, so that a killed simulation loses at most what was under way.

    Raises
    ------
    Cancelled
        When ``cancel`` said so.
    network.simulate.checkpoint.WrongCheckpoint
        When the file belongs to something else.
    ValueError
        When ``replications`` or ``processes`` is below 1.
    """
    if replications < 1:
        raise ValueError(f"replications must be at least 1, got {replications}")
    if processes is not None and processes < 1:
        raise ValueError(f"processes must be at least 1, got {processes}")
    began = time.monotonic()
    kept = None
    if checkpoint is not None:
        kept = Checkpoint(checkpoint, scenario.content_hash, "full", seed)
    done = {n: one for n, one in (kept.found if kept else {}).items() if n < replications}
    left = [number for number in range(replications) if number not in done]
    teller = _Teller(scenario, replications, len(done), watch, cancel)

    def finished(one: Replication) -> None:
        done[one.number] = one
        if kept is not None:
            kept.add(one)
        teller.finished()

    workers = min(len(left), processes or _cores())
    if workers <= 1:
        for number in left:
            finished(replay(scenario, seed, number, teller.day_done))
    else:
        _side_by_side(scenario, seed, left, workers, teller, finished)
    return outcome_of(scenario, "full", seed, list(done.values()), time.monotonic() - began)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Teller:
    """Adds up what the replications have done, tells the watcher, asks whether to stop."""

    def __init__(
        self,
        scenario: Scenario,
        replications: int,
        already: int,
        watch: Watch | None,
        cancel: Cancel | None,
    ) -> None:
        self.each = Calendar(scenario).days
        self.replications, self.done = replications, already
        self.watch, self.cancel = watch, cancel
        self.running: Sequence[int] = ()
        self.tell()

    def day_done(self, days: int) -> None:
        self.running = (days % self.each,)
        self.tell()

    def finished(self) -> None:
        self.done += 1
        self.running = ()
        self.tell()

    def tell(self) -> None:
        if self.cancel is not None and self.cancel():
            raise Cancelled("cancelled")
        if self.watch is not None:
            days = self.done * self.each + sum(self.running)
            total = self.replications * self.each
            self.watch(Progress(min(days, total), total, self.done, self.replications))


_shared: dict[str, Any] = {}


def _begin(scenario: Scenario, seed: int, days: Any, stop: Any) -> None:
    """In a fresh process: keep what all its replications need; never outlive who asked."""
    _shared.update(scenario=scenario, seed=seed, days=days, stop=stop)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent that is killed cannot say stop: nobody would read what is worked on here."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _one(number: int, row: int) -> Replication:
    def day_done(days: int) -> None:
        _shared["days"][row] = days
        if _shared["stop"].value:
            raise Cancelled("cancelled")

    return replay(_shared["scenario"], _shared["seed"], number, day_done)


def _side_by_side(
    scenario: Scenario,
    seed: int,
    numbers: Sequence[int],
    workers: int,
    teller: _Teller,
    finished: Callable[[Replication], None],
) -> None:
    # Fresh interpreters: a fork of a process with threads (a web server's, a solver's) may hang.
    context = multiprocessing.get_context("spawn")
    days, stop = context.Array("i", len(numbers), lock=False), context.Value("b", 0, lock=False)
    with ProcessPoolExecutor(
        workers, mp_context=context, initializer=_begin, initargs=(scenario, seed, days, stop)
    ) as pool:
        rows: dict[Future[Replication], int] = {
            pool.submit(_one, number, row): row for row, number in enumerate(numbers)
        }
        open_rows = set(rows)
        try:
            while open_rows:
                over, open_rows = wait(open_rows, timeout=_LOOK_S, return_when=FIRST_COMPLETED)
                for future in over:
                    days[rows[future]] = 0
                    finished(future.result())
                teller.running = [int(each) for each in days]
                teller.tell()
        except BaseException:
            stop.value = 1
            pool.shutdown(wait=True, cancel_futures=True)
            raise
