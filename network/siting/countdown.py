"""When a search has to stop: seconds on a clock that is handed in, and rounds of the bound."""

from __future__ import annotations

from collections.abc import Callable

from network.siting.problem import Stop

Clock = Callable[[], float]


class Countdown:
    """Counts rounds and watches the clock for one solve."""

    def __init__(self, stop: Stop, clock: Clock) -> None:
        self.gap = stop.gap
        self._clock = clock
        self._start = clock()
        self._seconds = stop.seconds
        self._iterations = stop.iterations
        self.rounds = 0

    def elapsed_s(self) -> float:
        """Seconds since the solve began."""
        return self._clock() - self._start

    def aside(self, work: Callable[[], None]) -> None:
        """Do ``work`` on nobody's time: compiling is no searching."""
        before = self._clock()
        work()
        self._start += self._clock() - before

    def left_s(self) -> float:
        """Seconds that remain, never below 0."""
        return max(0.0, self._seconds - self.elapsed_s())

    def spend(self, rounds: int) -> None:
        """Count rounds that were made."""
        self.rounds += rounds

    def rounds_left(self, wanted: int) -> int:
        """``wanted``, or fewer when the iteration limit is nearer."""
        if self._iterations is None:
            return wanted
        return max(0, min(wanted, self._iterations - self.rounds))

    def effort(self) -> float:
        """What was spent so far: rounds where they are limited (repeatable), else seconds."""
        return float(self.rounds) if self._iterations is not None else self.elapsed_s()

    def limited(self) -> bool:
        """Whether rounds are limited, so that the run has to repeat exactly."""
        return self._iterations is not None

    def over(self) -> bool:
        """Whether the time or the rounds are used up."""
        return self.rounds_left(1) == 0 or self.left_s() <= 0.0
