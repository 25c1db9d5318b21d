"""How long callers wait: from the first ring, or from the end of the menu, to a human voice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from domain.clocks.arrival import require_aware


@dataclass(frozen=True, slots=True)
class Call:
    """One call's instants; ``answered_at`` is None when the caller gave up.

    Raises
    ------
    ValueError
        When an instant is naive, or the instants are out of order.
    """

    ringing_at: datetime
    menu_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None

    def __post_init__(self) -> None:
        names = ("ringing_at", "menu_at", "answered_at", "ended_at")
        given = [(name, getattr(self, name)) for name in names if getattr(self, name) is not None]
        for name, instant in given:
            require_aware(instant, name)
        for (early, before), (late, after) in pairwise(given):
            if after < before:
                raise ValueError(f"{late} lies before {early}")

    def wait_s(self) -> int | None:
        """Whole seconds from the first ring to the human voice, the menu included."""
        if self.answered_at is None:
            return None
        return int((self.answered_at - self.ringing_at).total_seconds() // 1)

    def wait_after_menu_s(self) -> int | None:
        """Whole seconds from the menu to the human voice; from the ring where there was no menu."""
        if self.answered_at is None:
            return None
        return int((self.answered_at - (self.menu_at or self.ringing_at)).total_seconds() // 1)


@dataclass(frozen=True, slots=True)
class CallReport:
    """A call log in figures. Seconds; None where there is nothing to count.

    ``in_target`` counts answered calls within ``target_s``; both are None while no policy is set.
    """

    calls: int
    answered: int
    abandoned: int
    p50_s: int | None
    p90_s: int | None
    p95_s: int | None
    longest_s: int | None
    p90_after_menu_s: int | None
    target_s: int | None
    in_target: int | None


def percentile(values: Sequence[int], percent: int) -> int | None:
    """The nearest-rank percentile: the least value that so many per cent do not exceed.

    Raises
    ------
    ValueError
        Unless ``0 < percent <= 100``.
    """
    if not 0 < percent <= 100:
        raise ValueError(f"percent must be 1 to 100, got {percent}")
    if not values:
        return None
    rank = -(-len(values) * percent // 100)
    return sorted(values)[rank - 1]


def call_report(calls: Iterable[Call], target_s: int | None) -> CallReport:
    """The figures of a call log; the same log gives the same figures, in whatever order."""
    log = list(calls)
    waits = [wait for call in log if (wait := call.wait_s()) is not None]
    after_menu = [wait for call in log if (wait := call.wait_after_menu_s()) is not None]
    return CallReport(
        calls=len(log),
        answered=len(waits),
        abandoned=len(log) - len(waits),
        p50_s=percentile(waits, 50),
        p90_s=percentile(waits, 90),
        p95_s=percentile(waits, 95),
        longest_s=max(waits, default=None),
        p90_after_menu_s=percentile(after_menu, 90),
        target_s=target_s,
        in_target=None if target_s is None else sum(wait <= target_s for wait in waits),
    )
